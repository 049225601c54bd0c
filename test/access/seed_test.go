package access

import (
	"strconv"
	"testing"
	"time"

	"github.com/alexedwards/argon2id"

	"github.com/your-org/keeper/api"
	"github.com/your-org/keeper/auth"
	"github.com/your-org/keeper/auth/saml/samltest"
	"github.com/your-org/keeper/client"
	"github.com/your-org/keeper/destinations"
	"github.com/your-org/keeper/fault"
	"github.com/your-org/keeper/models"
	"github.com/your-org/keeper/secrets"
	"github.com/your-org/keeper/store"
	"github.com/your-org/keeper/sync/memory"
)

// What names hold of things that not everybody may see, and what values hold.
const (
	hiddenName  = "zqhidden"  // of what is in the environment that is asked about
	personName  = "zqperson"  // of users and groups
	accountName = "zqaccount" // of what concerns accounts alone, whoever looks after an environment
	value       = "canary-51c0ffee"
)

// password is every person's here.
const password = "violet harbour lantern"

// place is an environment with something of everything in it.
type place struct {
	environment models.Environment
	word        string            // that all names in it have
	ids         map[string]string // by the name that a path, a body or a command gives a thing
}

// seed fills the environment that everything is asked about, and another.
func (h *house) seed() (here, elsewhere place) {
	h.t.Helper()
	here = h.environment(hiddenName, "p/", hiddenName+"-alpha", hiddenName+` "<Alpha>"`)
	elsewhere = h.environment("beta", "q/", "beta", "Beta")
	h.user("root", models.User{Role: models.RoleAdmin}, nil)
	admin := h.client(h.token("root", "seed", models.TokenScope{}))
	h.people(here)
	h.furnish(admin, here)
	h.provider(admin, here)
	return here, elsewhere
}

// furnish puts something of everything that an environment has into a place.
func (h *house) furnish(admin *client.Client, in place) {
	h.t.Helper()
	h.fill(admin, in)
	h.sync(admin, in)
	h.keys(admin, in)
	h.alert(admin, in)
}

// value is what the values of a place's secrets begin with.
func (p place) value() string {
	if p.word != hiddenName {
		return "own-" + p.word
	}
	return value
}

func (h *house) environment(word, prefix, name, display string) place {
	h.t.Helper()
	e, err := h.secrets.CreateEnvironment(h.t.Context(), models.System(), models.Environment{Name: name, DisplayName: display})
	must(h.t, err)
	id := strconv.FormatInt(int64(e.ID), 10)
	return place{e, word, map[string]string{"environment": id, "environment-name": name, "environment-display": display, "prefix": prefix}}
}

// people makes the users and groups that are looked at, changed and removed. None of them asks.
func (h *house) people(in place) {
	h.t.Helper()
	u := h.user(personName+"-target", models.User{DisplayName: personName + " <target>", Email: personName + "@example.com"}, map[models.EnvironmentID]models.EnvironmentRole{in.environment.ID: models.RoleReader})
	robot := h.user(personName+"-robot", models.User{Kind: models.UserService}, nil)
	in.ids["user"], in.ids["user-name"], in.ids["service"] = string(u.ID), u.Username, robot.Username
	system, ctx := models.System(), h.t.Context()
	g, err := h.auth.CreateGroup(ctx, system, auth.NewGroup{Name: personName + ` "<group>"`})
	must(h.t, err)
	in.ids["group"], in.ids["group-name"] = string(g.ID), g.Name
	must(h.t, h.auth.SetGroupMember(ctx, system, string(g.ID), u.Username, true))
	must(h.t, h.auth.SetGroupRole(ctx, system, string(g.ID), in.environment.ID, models.RoleViewer))
	h.session(u)
	in.ids["user-session"] = h.hashes(u)[0]
	_, spare, err := h.auth.CreateTokenFor(ctx, system, robot.Username, auth.NewToken{Name: "spare"})
	must(h.t, err)
	in.ids["service-token"] = string(spare.ID)
	in.ids["found-text"] = h.token(u.Username, "found", models.TokenScope{})
	h.halfway(in)
}

// halfway leaves a sign-in that waits for its second step, and one that waits for a passkey.
func (h *house) halfway(in place) {
	h.t.Helper()
	u := h.user("halfway", models.User{}, nil)
	in.ids["app"] = h.enrol(u)
	device := h.register(u)
	step, err := h.auth.SignIn(h.t.Context(), u.Username, password, auth.Origin{Via: "web", Address: "192.0.2.1"})
	must(h.t, err)
	in.ids["step"] = step.Step
	options, begun, err := h.auth.BeginPasskey(h.t.Context(), "", auth.Origin{Via: "web", Address: "192.0.2.1"})
	must(h.t, err)
	in.ids["passkey-step"], in.ids["passkey-response"] = begun, device.answer(h.t, options)
}

func (h *house) fill(admin *client.Client, in place) {
	h.t.Helper()
	secret, gone, released := h.secret(in, "secret"), h.secret(in, "gone"), h.secret(in, "released")
	in.ids["secret"], in.ids["secret-name"] = strconv.FormatInt(int64(secret.ID), 10), secret.Name
	in.ids["deleted"], in.ids["deleted-name"] = strconv.FormatInt(int64(gone.ID), 10), gone.Name
	in.ids["released"], in.ids["released-name"] = strconv.FormatInt(int64(released.ID), 10), released.Name
	in.ids["version"] = "1"
	_, err := admin.ReplaceSecret(h.t.Context(), int64(secret.ID), api.ReplaceSecret{Value: api.NewValue(in.value() + "second")}, 0)
	must(h.t, err)
	_, err = admin.DeleteSecret(h.t.Context(), int64(gone.ID), 0)
	must(h.t, err)
}

func (h *house) secret(in place, name string) models.Secret {
	h.t.Helper()
	s, err := h.secrets.Create(h.t.Context(), models.System(), secrets.NewSecret{
		Environment: in.environment.ID, Name: in.word + "/" + name, Type: models.Text, Description: in.word, Owner: in.word,
		Value: models.NewPlaintext([]byte(in.value() + name)), Tags: map[string]string{in.word: in.word},
	})
	must(h.t, err)
	return s
}

// sync makes a destination with a run and its receipt, a run that was refused at a secret, a
// plan, a difference that waits, and an import of what is not Keeper's.
func (h *house) sync(admin *client.Client, in place) {
	h.t.Helper()
	ctx, prefix := h.t.Context(), in.ids["prefix"]
	d, err := admin.CreateDestination(ctx, api.NewDestination{
		EnvironmentID: api.EnvironmentByID(int64(in.environment.ID)), Name: in.word + "-copy", Kind: api.Memory,
		Config: api.DestinationConfig{Prefix: prefix, Strategy: api.Manual}, Credentials: api.DestinationCredentials{VaultToken: api.NewValue(in.value())},
	})
	must(h.t, err)
	work := func() {
		_, err := h.dests.Work(ctx, models.Job{Kind: destinations.JobKind, Key: d.ID})
		must(h.t, err)
	}
	plan, err := admin.PlanSync(ctx, d.ID)
	must(h.t, err)
	run, err := admin.ApplyPlan(ctx, plan.ID, plan.Digest)
	must(h.t, err)
	work()
	h.place.Edit(prefix+in.ids["secret-name"], []byte(in.value()+" of theirs"))
	for _, theirs := range []string{"theirs", "taken"} {
		h.place.Edit(prefix+in.word+"/"+theirs, []byte(in.value()+" of theirs"))
	}
	h.secret(in, "taken")
	h.place.Inject(memory.Fault{Op: memory.OpPut, Name: prefix + h.secret(in, "refused").Name, Kind: fault.Forbidden, Times: 1})
	failed, err := admin.SyncDestination(ctx, d.ID)
	must(h.t, err)
	work()
	preview, err := admin.PreviewImport(ctx, d.ID, api.NewImport{})
	must(h.t, err)
	if preview.Counts.Left != 2 {
		h.t.Fatalf("the import would take %+v", preview.Counts)
	}
	if plan, err = admin.PlanSync(ctx, d.ID); err != nil {
		h.t.Fatal(err)
	}
	receipt, err := admin.GetReceipt(ctx, run.ID)
	must(h.t, err)
	in.ids["destination"], in.ids["destination-name"], in.ids["run"], in.ids["plan"], in.ids["digest"] = d.ID, d.Name, run.ID, plan.ID, plan.Digest
	holds, err := admin.ListHolds(ctx, d.ID, api.ListHoldsParams{})
	must(h.t, err)
	if len(holds.Items) != 1 {
		h.t.Fatalf("%d differences wait", len(holds.Items))
	}
	in.ids["remote-version"] = holds.Items[0].RemoteVersion
	in.ids["receipt"], in.ids["failed-run"], in.ids["import"] = receipt.Text, failed.ID, preview.ID
}

// keys makes a key run, and a recipient besides the environment's own key.
func (h *house) keys(admin *client.Client, in place) {
	h.t.Helper()
	ctx := h.t.Context()
	run, err := admin.AddRecipient(ctx, api.EnvironmentByID(int64(in.environment.ID)), api.NewRecipient{Kind: api.RecipientKMS, Key: "k2", Label: in.word})
	must(h.t, err)
	in.ids["key-run"] = run.ID
	_, err = admin.ListKeys(ctx) // whoever looks at keys first has what their names stand for kept
	must(h.t, err)
}

// alert makes a condition that holds, and a channel that tells of it.
func (h *house) alert(admin *client.Client, in place) {
	h.t.Helper()
	ctx := h.t.Context()
	channel, err := admin.CreateAlertChannel(ctx, api.NewAlertChannel{
		EnvironmentID: api.EnvironmentByID(int64(in.environment.ID)), Name: in.word + "-channel", Kind: api.ChannelWebhook, Address: h.url + "/healthz",
	})
	must(h.t, err)
	must(h.t, h.store.Write(ctx, func(tx *store.Tx) error {
		return h.told.Signal(tx, models.Signal{ // kept here, and for those who see accounts
			EnvironmentID: in.environment.ID, Kind: models.AlertBreakGlass, Subject: "s", SubjectName: accountName, Holds: true, Summary: accountName,
		}, models.Signal{
			EnvironmentID: in.environment.ID, Kind: models.AlertDrift, Subject: in.ids["destination"], SubjectName: in.word, Holds: true,
			Summary: in.word, Secrets: []string{in.word}, Total: 1,
		})
	}))
	list, err := admin.ListAlerts(ctx, api.ListAlertsParams{EnvironmentID: in.ids["environment"], Kind: api.AlertKind(models.AlertDrift)})
	must(h.t, err)
	if len(list.Items) != 1 {
		h.t.Fatalf("%d alerts hold", len(list.Items))
	}
	in.ids["channel"], in.ids["channel-name"], in.ids["alert"] = channel.ID, channel.Name, list.Items[0].ID
}

// provider makes an identity provider that is switched on, with a spare key pair and a person
// of its own.
func (h *house) provider(admin *client.Client, in place) {
	h.t.Helper()
	ctx, on := h.t.Context(), true
	idp, err := samltest.Start(samltest.User{NameID: "lin"})
	must(h.t, err)
	h.t.Cleanup(idp.Close)
	made, err := admin.CreateProvider(ctx, api.NewProvider{Name: "okta", Settings: api.ProviderSettings{MetadataURL: idp.MetadataURL()}})
	must(h.t, err)
	_, err = admin.UpdateProvider(ctx, made.ID, api.ProviderChange{Enabled: &on, Untested: true}, 0)
	must(h.t, err)
	keys, err := admin.CreateProviderKey(ctx, made.ID)
	must(h.t, err)
	must(h.t, admin.LinkProviderPerson(ctx, made.ID, in.ids["user"], personName+"-linked"))
	in.ids["provider"], in.ids["provider-name"], in.ids["fingerprint"], in.ids["metadata-url"] = made.Name, made.Name, keys.Certificates[1].Fingerprint, idp.MetadataURL()
}

// user makes a user with roles in environments.
func (h *house) user(name string, u models.User, roles map[models.EnvironmentID]models.EnvironmentRole) models.User {
	h.t.Helper()
	u.ID, u.Username, u.Revision, u.CreatedAt, u.UpdatedAt = models.NewUserID(), name, 1, time.Now(), time.Now()
	if u.Role == "" {
		u.Role = models.RoleUser
	}
	if u.Kind == "" {
		u.Kind = models.UserPerson
		u.PasswordHash = hashed(h.t)
	}
	must(h.t, h.store.Write(h.t.Context(), func(tx *store.Tx) error {
		if err := tx.CreateUser(&u); err != nil {
			return err
		}
		for e, r := range roles {
			if err := tx.SetMembership(models.Membership{UserID: u.ID, EnvironmentID: e, Role: r, CreatedAt: time.Now()}); err != nil {
				return err
			}
		}
		return nil
	}))
	return u
}

func hashed(t *testing.T) string {
	t.Helper()
	hash, err := argon2id.CreateHash(password, &argon2id.Params{Memory: 64, Iterations: 1, Parallelism: 1, SaltLength: 16, KeyLength: 32})
	must(t, err)
	return hash
}

// token makes a token for a user, by the user's name.
func (h *house) token(username, name string, scope models.TokenScope) string {
	h.t.Helper()
	text, _ := h.tokenOf(username, name, scope)
	return text
}

func (h *house) tokenOf(username, name string, scope models.TokenScope) (string, models.TokenID) {
	h.t.Helper()
	local, err := h.auth.Local(h.t.Context(), username)
	must(h.t, err)
	text, token, err := h.auth.CreateToken(h.t.Context(), local, auth.NewToken{Name: name, Scope: scope})
	must(h.t, err)
	return text, token.ID
}

// session signs a user in, as somebody else vouches for it.
func (h *house) session(u models.User) string {
	h.t.Helper()
	id, err := h.auth.OpenFor(h.t.Context(), u.ID, auth.Proof{Method: models.ByPassword}, auth.Origin{Via: "web", Address: "192.0.2.1"})
	must(h.t, err)
	return id
}
