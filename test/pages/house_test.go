// Package pages walks every page of Keeper in Chromium, and holds each to what people who
// see, hear, zoom or type need of it.
package pages

import (
	"crypto/rand"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/pquerna/otp/totp"

	"github.com/your-org/keeper/api"
	"github.com/your-org/keeper/auth/saml/samltest"
	"github.com/your-org/keeper/client"
	"github.com/your-org/keeper/models"
	"github.com/your-org/keeper/store"
	"github.com/your-org/keeper/test/awsstandin/standin"
	"github.com/your-org/keeper/test/world"
)

const (
	nextAlias = "alias/keeper-next"
	// long is a name without a place where a line could break.
	long = "analytics/warehouse/loader-for-the-nightly-export-of-every-customer-account-in-the-northern-region/credentials"
)

// house is a Keeper in which something of everything has happened.
type house struct {
	*world.World
	t     *testing.T
	admin *client.Client
	ids   map[string]string // by the name that a route gives a thing
}

func newHouse(t *testing.T) *house {
	t.Helper()
	h := &house{World: world.Start(t, world.Options{Aliases: []string{nextAlias}}), t: t, ids: map[string]string{}}
	admin, token := h.Admin(t)
	h.admin, h.ids["token"] = admin, string(token)
	h.environments()
	h.people()
	h.secrets()
	h.sync()
	h.keys()
	h.alerts()
	h.provider()
	return h
}

func (h *house) environments() {
	h.t.Helper()
	for _, e := range []api.NewEnvironment{
		{Name: "production", Description: "What customers use"}, {Name: "staging", Description: "What comes next"}, {Name: "development"},
	} {
		_, err := h.admin.CreateEnvironment(h.t.Context(), e)
		must(h.t, err)
	}
	h.ids["environment"] = "production"
}

// people makes a person with rights, a service account with a token, a group, and somebody
// whose sign-in asks for a second step.
func (h *house) people() {
	h.t.Helper()
	ctx := h.t.Context()
	for _, u := range []api.NewUser{
		{Username: "lin", DisplayName: "Lin Ødegård", Email: "lin@example.com"}, {Username: "halfway"}, {Username: "robot", Kind: "service", Description: "Deploys"},
	} {
		made, err := h.admin.CreateUser(ctx, u)
		must(h.t, err)
		h.ids[u.Username] = made.Password.Reveal()
	}
	must(h.t, h.admin.SetMember(ctx, "production", "lin", "reader"))
	group, err := h.admin.CreateGroup(ctx, api.NewGroup{Name: "Platform", Description: "Who runs it"})
	must(h.t, err)
	must(h.t, h.admin.AddGroupMember(ctx, group.ID, "lin"))
	must(h.t, h.admin.SetGroupRole(ctx, group.ID, "staging", "editor"))
	h.ids["group"] = group.ID
	service, err := h.admin.CreateTokenFor(ctx, "robot", api.NewToken{Name: "deploys"})
	must(h.t, err)
	h.ids["user"], h.ids["service"], h.ids["service-token"] = "lin", "robot", service.ID
	enrolment, err := h.App.Auth.BeginTOTP(ctx, h.Local(h.t, "halfway"))
	must(h.t, err)
	code, err := totp.GenerateCode(enrolment.Secret, time.Now())
	must(h.t, err)
	h.ids["halfway-app"] = enrolment.Secret
	must(h.t, h.App.Auth.ConfirmTOTP(ctx, h.Local(h.t, "halfway"), code))
}

// secrets makes some of each kind, one with several versions, one that is deleted.
func (h *house) secrets() {
	h.t.Helper()
	ctx := h.t.Context()
	for i, s := range []api.NewSecret{
		{Name: "payments/stripe/api-key", SecretType: "API_KEY", Value: api.NewValue("sk_test_4f9a"), RotateEveryDays: 30},
		{Name: "payments/db/password", SecretType: "PASSWORD", Value: api.NewValue("correct horse")},
		{Name: "payments/config", SecretType: "JSON", Value: api.NewValue(`{"currency":"EUR","retries":3}`)},
		{Name: "web/flags", SecretType: "YAML", Value: api.NewValue("checkout:\n  new: true\n")},
		{Name: "mail/motd", SecretType: "TEXT", Value: api.NewValue("Good morning")},
		{Name: long, SecretType: "TEXT", Value: api.NewValue("long")},
		{Name: "legacy/gone", SecretType: "TEXT", Value: api.NewValue("gone")},
	} {
		s.EnvironmentID, s.Owner, s.Tags = api.EnvironmentNamed("production"), "payments team", api.Tags{"team": "payments", "tier": "1"}
		s.Description, s.ExpiresAt = "Used by "+s.Name, api.ExpiresAt(time.Now().AddDate(0, 0, 5*(i+1)))
		made, err := h.admin.CreateSecret(ctx, s)
		must(h.t, err)
		h.ids[s.Name] = strconv.FormatInt(made.ID, 10)
		if i == 0 {
			_, err = h.admin.UpdateSecret(ctx, made.ID, api.SecretChange{Value: api.NewValue("sk_live_9c1e"), Comment: "rotated"}, made.Revision)
			must(h.t, err)
		}
		if s.Name == "legacy/gone" {
			_, err = h.admin.DeleteSecret(ctx, made.ID, 0)
			must(h.t, err)
		}
	}
	_, err := h.admin.CreateSecret(ctx, api.NewSecret{EnvironmentID: api.EnvironmentNamed("staging"), Name: "web/flags", SecretType: "TEXT", Value: api.NewValue("new")})
	must(h.t, err)
	h.ids["secret"], h.ids["version"] = h.ids["payments/stripe/api-key"], "1"
}

// sync makes a destination where a difference waits for a person, with plans, an import and
// receipts, and one that refuses.
func (h *house) sync() {
	h.t.Helper()
	ctx := h.t.Context()
	here, err := h.admin.CreateDestination(ctx, api.NewDestination{
		EnvironmentID: api.EnvironmentNamed("production"), Name: "aws", Kind: "aws_secrets_manager",
		Config:      api.DestinationConfig{Region: world.Region, Endpoint: h.AWS.URL, Strategy: api.Manual, Prefix: "production/"},
		Credentials: api.DestinationCredentials{AccessKeyID: api.NewValue("test"), SecretAccessKey: api.NewValue("test")},
	})
	must(h.t, err)
	h.ids["destination"] = here.ID
	run := h.pass(here.ID)
	h.ids["run"] = run.ID
	h.put("PutSecretValue", map[string]any{"SecretId": "production/payments/db/password", "SecretString": "changed by hand", "ClientRequestToken": rand.Text() + rand.Text()})
	for _, name := range []string{"left/by-others", "old/one"} {
		h.put("CreateSecret", map[string]any{"Name": "production/" + name, "SecretString": "theirs", "ClientRequestToken": rand.Text() + rand.Text()})
	}
	h.secret("old/one")
	h.pass(here.ID)
	holds, err := h.admin.ListHolds(ctx, here.ID, api.ListHoldsParams{})
	must(h.t, err)
	if len(holds.Items) == 0 {
		h.t.Fatal("no difference waits")
	}
	h.ids["held"] = h.ids["payments/db/password"]
	must(h.t, h.AWS.Inject(standin.Fault{Service: "secretsmanager", Operation: "CreateSecret", Secret: "production/new/*", Kind: standin.FaultDenied})) // what a plan would create stays so
	h.plans(here.ID)
	h.imports(here.ID)
	h.away()
}

// secret makes one in production, beside those that the house began with.
func (h *house) secret(name string) api.Secret {
	h.t.Helper()
	made, err := h.admin.CreateSecret(h.t.Context(), api.NewSecret{EnvironmentID: api.EnvironmentNamed("production"), Name: name, SecretType: "TEXT", Value: api.NewValue("new")})
	must(h.t, err)
	return made
}

// plans makes a plan that was refused, since something moved before it was carried out, and one
// that is open.
func (h *house) plans(destination string) {
	h.t.Helper()
	ctx := h.t.Context()
	one := h.secret("new/one")
	moved, err := h.admin.PlanSync(ctx, destination)
	must(h.t, err)
	_, err = h.admin.UpdateSecret(ctx, one.ID, api.SecretChange{Value: api.NewValue("newer")}, one.Revision)
	must(h.t, err)
	run, err := h.admin.ApplyPlan(ctx, moved.ID, moved.Digest)
	must(h.t, err)
	h.ids["moved-run"], h.ids["moved-plan"] = h.ended(run).ID, moved.ID
	h.secret("new/two")
	plan, err := h.admin.PlanSync(ctx, destination)
	must(h.t, err)
	h.ids["plan"] = plan.ID
}

// imports makes previews of what can be imported and adopted, and an import that was applied.
func (h *house) imports(destination string) {
	h.t.Helper()
	left := "production/left/"
	h.ids["import"] = h.preview(destination, api.NewImport{Purpose: "import"})
	h.ids["adoption"] = h.preview(destination, api.NewImport{Purpose: "adopt"})
	h.ids["imported"] = h.preview(destination, api.NewImport{Purpose: "import", Prefix: &left})
	_, err := h.admin.ApplyImport(h.t.Context(), h.ids["imported"], api.ImportChoice{})
	must(h.t, err)
}

func (h *house) preview(destination string, of api.NewImport) string {
	h.t.Helper()
	made, err := h.admin.PreviewImport(h.t.Context(), destination, of)
	must(h.t, err)
	return made.ID
}

// away makes a destination that has stopped to let Keeper in, after it was looked at for an import.
func (h *house) away() {
	h.t.Helper()
	abroad := h.There
	abroad.Region = "eu-west-1"
	_, err := abroad.Call(h.t.Context(), "CreateSecret", map[string]any{"Name": "production/left/abroad", "SecretString": "theirs", "ClientRequestToken": rand.Text() + rand.Text()})
	must(h.t, err)
	made, err := h.admin.CreateDestination(h.t.Context(), api.NewDestination{
		EnvironmentID: api.EnvironmentNamed("production"), Name: "standby", Kind: "aws_secrets_manager",
		Config:      api.DestinationConfig{Region: "eu-west-1", Endpoint: h.AWS.URL, Prefix: "production/"},
		Credentials: api.DestinationCredentials{AccessKeyID: api.NewValue("test"), SecretAccessKey: api.NewValue("test")},
	})
	must(h.t, err)
	h.ids["away"], h.ids["away-import"] = made.ID, h.preview(made.ID, api.NewImport{Purpose: "import"})
	must(h.t, h.AWS.Inject(standin.Fault{Service: "secretsmanager", Operation: "*", Region: "eu-west-1", Kind: standin.FaultDenied}))
	h.ids["failed-run"] = h.pass(made.ID).ID
}

// pass makes a full pass and waits for its end.
func (h *house) pass(destination string) api.SyncRun {
	h.t.Helper()
	run, err := h.admin.SyncDestination(h.t.Context(), destination)
	must(h.t, err)
	return h.ended(run)
}

// ended waits for the end of a run.
func (h *house) ended(run api.SyncRun) api.SyncRun {
	h.t.Helper()
	for end := time.Now().Add(time.Minute); time.Now().Before(end); time.Sleep(20 * time.Millisecond) {
		now, err := h.admin.GetRun(h.t.Context(), run.ID)
		must(h.t, err)
		if !now.FinishedAt.IsZero() {
			return now
		}
	}
	h.t.Fatalf("the run %s does not end", run.ID)
	return run
}

// keys makes a second recipient, and a run over keys that does not end.
func (h *house) keys() {
	h.t.Helper()
	abroad := h.AWS.CreateKey("eu-west-1", "alias/standby")
	run, err := h.admin.AddRecipient(h.t.Context(), api.EnvironmentNamed("production"), api.NewRecipient{Kind: "kms", Key: abroad, Label: "standby in Ireland"})
	must(h.t, err)
	h.ids["key-run"], h.ids["recipient"] = run.ID, abroad
	must(h.t, h.AWS.Inject(standin.Fault{Service: "kms", Operation: "ReEncrypt", Kind: standin.FaultSlow, Millis: 600_000}))
	runs, err := h.admin.StartKeyRuns(h.t.Context(), api.NewKeyRun{Kind: "rewrap", EnvironmentID: api.EnvironmentNamed("staging"), ToKey: nextAlias})
	must(h.t, err)
	h.ids["running"], h.ids["key"] = runs.Items[0].ID, runs.Items[0].FromKey
}

// alerts makes a condition that holds, and a channel that tells of it.
func (h *house) alerts() {
	h.t.Helper()
	ctx := h.t.Context()
	channel, err := h.admin.CreateAlertChannel(ctx, api.NewAlertChannel{
		EnvironmentID: api.EnvironmentNamed("production"), Name: "on-call", Kind: api.ChannelWebhook, Address: h.URL + "/healthz",
	})
	must(h.t, err)
	e, err := h.admin.GetEnvironment(ctx, api.EnvironmentNamed("production"))
	must(h.t, err)
	must(h.t, h.App.Store.Write(ctx, func(tx *store.Tx) error {
		return h.App.Alerts.Signal(tx, models.Signal{
			EnvironmentID: models.EnvironmentID(e.ID), Kind: models.AlertDrift, Subject: h.ids["destination"], SubjectName: "aws", Holds: true,
			Summary: "2 copies at aws are not what Keeper wrote.", Secrets: []string{"payments/db/password", long}, Total: 2,
		})
	}))
	list, err := h.admin.ListAlerts(ctx, api.ListAlertsParams{})
	must(h.t, err)
	if len(list.Items) == 0 {
		h.t.Fatal("no alert holds")
	}
	h.ids["channel"], h.ids["alert"] = channel.ID, list.Items[0].ID
}

// provider makes an identity provider that is switched on, with a person of its own.
func (h *house) provider() {
	h.t.Helper()
	ctx, on := h.t.Context(), true
	idp, err := samltest.Start(samltest.User{NameID: "lin"})
	must(h.t, err)
	h.t.Cleanup(idp.Close)
	made, err := h.admin.CreateProvider(ctx, api.NewProvider{Name: "okta", Settings: api.ProviderSettings{MetadataURL: idp.MetadataURL()}})
	must(h.t, err)
	_, err = h.admin.UpdateProvider(ctx, made.ID, api.ProviderChange{Enabled: &on, Untested: true}, 0)
	must(h.t, err)
	_, err = h.admin.CreateProviderKey(ctx, made.ID)
	must(h.t, err)
	must(h.t, h.admin.LinkProviderPerson(ctx, made.ID, "lin", "lin@okta.example"))
	h.ids["provider"] = made.Name
}

// put does something at AWS beside Keeper.
func (h *house) put(operation string, input map[string]any) {
	h.t.Helper()
	_, err := h.There.Call(h.t.Context(), operation, input)
	must(h.t, err)
}

func must(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// fill puts the house's things into the parameters of a route.
func (h *house) fill(pattern string) string {
	h.t.Helper()
	path := pattern
	for name, value := range h.ids {
		path = strings.ReplaceAll(path, "{"+name+"}", value)
	}
	if strings.Contains(path, "{") {
		h.t.Fatalf("the house has nothing for a parameter of %s: give it an id", path)
	}
	return path
}
