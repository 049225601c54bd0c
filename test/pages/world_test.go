// Package pages walks every page of Keeper in Chromium, and holds each to what people who
// see, hear, zoom or type need of it.
package pages

import (
	"context"
	"crypto/rand"
	"log/slog"
	"net"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/pquerna/otp/totp"

	"github.com/your-org/keeper/api"
	"github.com/your-org/keeper/app"
	"github.com/your-org/keeper/auth"
	"github.com/your-org/keeper/auth/saml/samltest"
	"github.com/your-org/keeper/client"
	"github.com/your-org/keeper/config"
	"github.com/your-org/keeper/models"
	"github.com/your-org/keeper/store"
	"github.com/your-org/keeper/test/awsstandin/standin"
	"github.com/your-org/keeper/test/scenario"
)

// password is everybody's here.
const password = "violet harbour lantern"

const (
	region    = "eu-central-1"
	keyAlias  = "alias/keeper"
	nextAlias = "alias/keeper-next"
	// long is a name without a place where a line could break.
	long = "analytics/warehouse/loader-for-the-nightly-export-of-every-customer-account-in-the-northern-region/credentials"
)

// world is a Keeper in this process, with KMS and Secrets Manager beside it, in which
// something of everything has happened.
type world struct {
	t     *testing.T
	url   string
	app   *app.App
	aws   *standin.Server
	admin *client.Client
	ids   map[string]string // by the name that a route gives a thing
}

func newWorld(t *testing.T) *world {
	t.Helper()
	w := &world{t: t, aws: standin.Start(t, standin.Options{KMSAliases: []string{keyAlias, nextAlias}}), ids: map[string]string{}}
	w.start()
	w.environments()
	w.people()
	w.secrets()
	w.sync()
	w.keys()
	w.alerts()
	w.provider()
	return w
}

func (w *world) start() {
	w.t.Helper()
	dir, err := os.MkdirTemp("/dev/shm", "keeper-pages-") // in memory, where there is such a place
	if err != nil {
		dir = w.t.TempDir()
	}
	w.t.Cleanup(func() { _ = os.RemoveAll(dir) })
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	must(w.t, err)
	w.url = "http://" + listener.Addr().String()
	c, err := config.Load(map[string]string{
		"DATABASE_URL": "sqlite:///" + filepath.Join(dir, "keeper.db"), "KEEPER_PUBLIC_URL": w.url,
		"SECRET_KEY": strings.Repeat("s", 48), "KEEPER_ADMIN_PASSWORD": password, "KEY_MANAGEMENT_BACKEND": "kms", "KMS_KEY_ALIAS": keyAlias,
		"AWS_ENDPOINT_URL": w.aws.URL, "AWS_REGION": region, "AWS_ACCESS_KEY_ID": "test", "AWS_SECRET_ACCESS_KEY": "test",
	}, nil)
	must(w.t, err)
	w.app, err = app.New(w.t.Context(), c, app.Options{Log: slog.New(slog.DiscardHandler), Server: true, Version: "test"})
	must(w.t, err)
	ctx, stop := context.WithCancel(context.Background())
	ended := make(chan error, 1)
	go func() { ended <- w.app.Run(ctx, listener) }()
	w.t.Cleanup(func() {
		stop()
		if err := <-ended; err != nil {
			w.t.Errorf("Keeper ended with %v", err)
		}
		must(w.t, w.app.Close())
	})
	w.admin, err = client.New(w.url, w.token(app.FirstUser, "pages"))
	must(w.t, err)
}

func (w *world) local(name string) models.Actor {
	w.t.Helper()
	actor, err := w.app.Auth.Local(w.t.Context(), name)
	must(w.t, err)
	return actor
}

func (w *world) token(name, called string) string {
	w.t.Helper()
	text, made, err := w.app.Auth.CreateToken(w.t.Context(), w.local(name), auth.NewToken{Name: called})
	must(w.t, err)
	w.ids["token"] = string(made.ID)
	return text
}

func (w *world) environments() {
	w.t.Helper()
	for _, e := range []api.NewEnvironment{
		{Name: "production", Description: "What customers use"}, {Name: "staging", Description: "What comes next"}, {Name: "development"},
	} {
		_, err := w.admin.CreateEnvironment(w.t.Context(), e)
		must(w.t, err)
	}
	w.ids["environment"] = "production"
}

// people makes a person with rights, a service account with a token, a group, and somebody
// whose sign-in asks for a second step.
func (w *world) people() {
	w.t.Helper()
	ctx := w.t.Context()
	for _, u := range []api.NewUser{
		{Username: "lin", DisplayName: "Lin Ødegård", Email: "lin@example.com"}, {Username: "halfway"}, {Username: "robot", Kind: "service", Description: "Deploys"},
	} {
		made, err := w.admin.CreateUser(ctx, u)
		must(w.t, err)
		w.ids[u.Username] = made.Password.Reveal()
	}
	must(w.t, w.admin.SetMember(ctx, "production", "lin", "reader"))
	group, err := w.admin.CreateGroup(ctx, api.NewGroup{Name: "Platform", Description: "Who runs it"})
	must(w.t, err)
	must(w.t, w.admin.AddGroupMember(ctx, group.ID, "lin"))
	must(w.t, w.admin.SetGroupRole(ctx, group.ID, "staging", "editor"))
	w.ids["group"] = group.ID
	service, err := w.admin.CreateTokenFor(ctx, "robot", api.NewToken{Name: "deploys"})
	must(w.t, err)
	w.ids["user"], w.ids["service"], w.ids["service-token"] = "lin", "robot", service.ID
	enrolment, err := w.app.Auth.BeginTOTP(ctx, w.local("halfway"))
	must(w.t, err)
	code, err := totp.GenerateCode(enrolment.Secret, time.Now())
	must(w.t, err)
	must(w.t, w.app.Auth.ConfirmTOTP(ctx, w.local("halfway"), code))
}

// secrets makes some of each kind, one with several versions, one that is deleted.
func (w *world) secrets() {
	w.t.Helper()
	ctx := w.t.Context()
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
		made, err := w.admin.CreateSecret(ctx, s)
		must(w.t, err)
		w.ids[s.Name] = strconv.FormatInt(made.ID, 10)
		if i == 0 {
			_, err = w.admin.UpdateSecret(ctx, made.ID, api.SecretChange{Value: api.NewValue("sk_live_9c1e"), Comment: "rotated"}, made.Revision)
			must(w.t, err)
		}
		if s.Name == "legacy/gone" {
			_, err = w.admin.DeleteSecret(ctx, made.ID, 0)
			must(w.t, err)
		}
	}
	_, err := w.admin.CreateSecret(ctx, api.NewSecret{EnvironmentID: api.EnvironmentNamed("staging"), Name: "web/flags", SecretType: "TEXT", Value: api.NewValue("new")})
	must(w.t, err)
	w.ids["secret"], w.ids["version"] = w.ids["payments/stripe/api-key"], "1"
}

// sync makes a destination where a difference waits for a person, with plans, an import and
// receipts, and one that refuses.
func (w *world) sync() {
	w.t.Helper()
	ctx := w.t.Context()
	here, err := w.admin.CreateDestination(ctx, api.NewDestination{
		EnvironmentID: api.EnvironmentNamed("production"), Name: "aws", Kind: "aws_secrets_manager",
		Config:      api.DestinationConfig{Region: region, Endpoint: w.aws.URL, Strategy: api.Manual, Prefix: "production/"},
		Credentials: api.DestinationCredentials{AccessKeyID: api.NewValue("test"), SecretAccessKey: api.NewValue("test")},
	})
	must(w.t, err)
	w.ids["destination"] = here.ID
	run := w.pass(here.ID)
	w.ids["run"] = run.ID
	w.put("PutSecretValue", map[string]any{"SecretId": "production/payments/db/password", "SecretString": "changed by hand", "ClientRequestToken": rand.Text() + rand.Text()})
	w.put("CreateSecret", map[string]any{"Name": "production/left/by-others", "SecretString": "theirs", "ClientRequestToken": rand.Text() + rand.Text()})
	w.pass(here.ID)
	holds, err := w.admin.ListHolds(ctx, here.ID, api.ListHoldsParams{})
	must(w.t, err)
	if len(holds.Items) == 0 {
		w.t.Fatal("no difference waits")
	}
	w.ids["held"] = w.ids["payments/db/password"]
	_, err = w.admin.CreateSecret(ctx, api.NewSecret{EnvironmentID: api.EnvironmentNamed("production"), Name: "new/one", SecretType: "TEXT", Value: api.NewValue("new")})
	must(w.t, err)
	plan, err := w.admin.PlanSync(ctx, here.ID)
	must(w.t, err)
	preview, err := w.admin.PreviewImport(ctx, here.ID, api.NewImport{Purpose: "import"})
	must(w.t, err)
	w.ids["plan"], w.ids["import"] = plan.ID, preview.ID
	w.ids["away"] = w.away()
}

// away makes a destination that has stopped to let Keeper in.
func (w *world) away() string {
	w.t.Helper()
	made, err := w.admin.CreateDestination(w.t.Context(), api.NewDestination{
		EnvironmentID: api.EnvironmentNamed("production"), Name: "standby", Kind: "aws_secrets_manager",
		Config:      api.DestinationConfig{Region: "eu-west-1", Endpoint: w.aws.URL, Prefix: "production/"},
		Credentials: api.DestinationCredentials{AccessKeyID: api.NewValue("test"), SecretAccessKey: api.NewValue("test")},
	})
	must(w.t, err)
	must(w.t, w.aws.Inject(standin.Fault{Service: "secretsmanager", Operation: "*", Region: "eu-west-1", Kind: standin.FaultDenied}))
	w.ids["failed-run"] = w.pass(made.ID).ID
	return made.ID
}

// pass makes a full pass and waits for its end.
func (w *world) pass(destination string) api.SyncRun {
	w.t.Helper()
	run, err := w.admin.SyncDestination(w.t.Context(), destination)
	must(w.t, err)
	for end := time.Now().Add(time.Minute); time.Now().Before(end); time.Sleep(20 * time.Millisecond) {
		run, err = w.admin.GetRun(w.t.Context(), run.ID)
		must(w.t, err)
		if !run.FinishedAt.IsZero() {
			return run
		}
	}
	w.t.Fatalf("the run %s does not end", run.ID)
	return run
}

// keys makes a second recipient, and a run over keys that does not end.
func (w *world) keys() {
	w.t.Helper()
	abroad := w.aws.CreateKey("eu-west-1", "alias/standby")
	run, err := w.admin.AddRecipient(w.t.Context(), api.EnvironmentNamed("production"), api.NewRecipient{Kind: "kms", Key: abroad, Label: "standby in Ireland"})
	must(w.t, err)
	w.ids["key-run"], w.ids["recipient"] = run.ID, abroad
	must(w.t, w.aws.Inject(standin.Fault{Service: "kms", Operation: "ReEncrypt", Kind: standin.FaultSlow, Millis: 600_000}))
	runs, err := w.admin.StartKeyRuns(w.t.Context(), api.NewKeyRun{Kind: "rewrap", EnvironmentID: api.EnvironmentNamed("staging"), ToKey: nextAlias})
	must(w.t, err)
	w.ids["running"] = runs.Items[0].ID
}

// alerts makes a condition that holds, and a channel that tells of it.
func (w *world) alerts() {
	w.t.Helper()
	ctx := w.t.Context()
	channel, err := w.admin.CreateAlertChannel(ctx, api.NewAlertChannel{
		EnvironmentID: api.EnvironmentNamed("production"), Name: "on-call", Kind: api.ChannelWebhook, Address: w.url + "/healthz",
	})
	must(w.t, err)
	e, err := w.admin.GetEnvironment(ctx, api.EnvironmentNamed("production"))
	must(w.t, err)
	must(w.t, w.app.Store.Write(ctx, func(tx *store.Tx) error {
		return w.app.Alerts.Signal(tx, models.Signal{
			EnvironmentID: models.EnvironmentID(e.ID), Kind: models.AlertDrift, Subject: w.ids["destination"], SubjectName: "aws", Holds: true,
			Summary: "2 copies at aws are not what Keeper wrote.", Secrets: []string{"payments/db/password", long}, Total: 2,
		})
	}))
	list, err := w.admin.ListAlerts(ctx, api.ListAlertsParams{})
	must(w.t, err)
	if len(list.Items) == 0 {
		w.t.Fatal("no alert holds")
	}
	w.ids["channel"], w.ids["alert"] = channel.ID, list.Items[0].ID
}

// provider makes an identity provider that is switched on, with a person of its own.
func (w *world) provider() {
	w.t.Helper()
	ctx, on := w.t.Context(), true
	idp, err := samltest.Start(samltest.User{NameID: "lin"})
	must(w.t, err)
	w.t.Cleanup(idp.Close)
	made, err := w.admin.CreateProvider(ctx, api.NewProvider{Name: "okta", Settings: api.ProviderSettings{MetadataURL: idp.MetadataURL()}})
	must(w.t, err)
	_, err = w.admin.UpdateProvider(ctx, made.ID, api.ProviderChange{Enabled: &on, Untested: true}, 0)
	must(w.t, err)
	_, err = w.admin.CreateProviderKey(ctx, made.ID)
	must(w.t, err)
	must(w.t, w.admin.LinkProviderPerson(ctx, made.ID, "lin", "lin@okta.example"))
	w.ids["provider"] = made.Name
}

// put does something at AWS beside Keeper.
func (w *world) put(operation string, input map[string]any) {
	w.t.Helper()
	aws := scenario.AWS{URL: w.aws.URL, Region: region, AccessKey: "test", SecretKey: "test"}
	_, err := aws.Call(w.t.Context(), operation, input)
	must(w.t, err)
}

func must(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// fill puts the world's things into the parameters of a route.
func (w *world) fill(pattern string) string {
	w.t.Helper()
	path := pattern
	for name, value := range w.ids {
		path = strings.ReplaceAll(path, "{"+name+"}", value)
	}
	if strings.Contains(path, "{") {
		w.t.Fatalf("the world has nothing for a parameter of %s: give it an id", path)
	}
	return path
}
