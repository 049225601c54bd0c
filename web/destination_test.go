package web_test

import (
	"context"
	"net/http"
	"net/url"
	"strings"
	"testing"

	"github.com/your-org/keeper/fault"
	"github.com/your-org/keeper/models"
	"github.com/your-org/keeper/store"
	"github.com/your-org/keeper/sync/memory"
)

// failingCopy makes the copies of a secret ones whose last write was refused.
func failingCopy(id models.SecretID) func(*store.Tx) error {
	return func(tx *store.Tx) error {
		secret, err := tx.Secret(id)
		if err != nil {
			return err
		}
		states, err := tx.StatesOfSecrets([]models.SecretID{id})
		if err != nil {
			return err
		}
		for _, s := range states {
			s.Status, s.LastError, s.Attempts = models.StatusSourceChanged, "refused by the far side", 1
			if err := tx.RecordSync([]store.SyncOutcome{{State: s, Version: secret.CurrentVersion}}); err != nil {
				return err
			}
		}
		return nil
	}
}

func TestEnvironmentForms(t *testing.T) {
	h := newHouse(t)
	h.user("ada", models.RoleAdmin, nil)
	v := h.as("ada")
	create := func(name string) *page {
		return v.get("/environments/new").form("/environments").set("name", name).set("display_name", "Production").submit()
	}
	create("Bad Name").want(http.StatusBadRequest, "#f-name-error", "")
	create("production").want(http.StatusOK, "h1", "Production")
	create("production").want(http.StatusConflict, ".summary", "already")
	h.secret(environmentNamed(t, h, "production"), "a")
	v.get("/environments/production").want(http.StatusOK, "aside", "Text 1")
	v.get("/environments/production").want(http.StatusOK, "aside", "AWS KMS")

	form := v.get("/environments/production/edit").form("/environments/production/edit")
	form.set("display_name", "Live").set("color", "violet").submit().want(http.StatusOK, "h1", "Live")
	form.submit().want(http.StatusConflict, ".summary", "Somebody else changed it")
	if e := environmentNamed(t, h, "production"); e.Color != "violet" || e.DisplayName != "Live" {
		t.Errorf("got %+v", e)
	}
}

func environmentNamed(t testing.TB, h *house, name string) models.Environment {
	t.Helper()
	e, err := h.secrets.FindEnvironment(context.Background(), models.System(), name)
	must(t, err)
	return e
}

func TestDestinationForms(t *testing.T) {
	h := newHouse(t)
	h.user("ada", models.RoleAdmin, nil)
	e := h.environment("production")
	s := h.secret(e, "a")
	v := h.as("ada")
	list := "/environments/production/destinations"
	v.get(list+"/new").want(http.StatusOK, ".choices", "Vault")
	form := v.get(list+"/new?kind=vault_kv_v2").form(list).set("name", "vault").set("config.mount", "secret").set("config.address", "http://127.0.0.1:1")

	refused := form.set("credentials.vault_token", "wrong").submit().want(http.StatusForbidden, ".summary", "Vault refuses the token")
	if kept := refused.form(list); kept.value("name") != "vault" || kept.value("credentials.vault_token") != "" {
		t.Errorf("the form keeps %v", kept.values)
	}
	t.Run("TestFirst", func(t *testing.T) {
		try := *form
		try.action = list + "/test"
		before := len(h.place.Names())
		h.place.Inject(memory.Fault{Op: memory.OpMark, Kind: fault.Forbidden})
		found := try.set("credentials.vault_token", canary).submit().want(http.StatusOK, "#connection-test", "does not do all that syncing needs")
		found.want(http.StatusOK, "#permissions", string(memory.OpMark))
		if kept := found.form(list); kept.value("name") != "vault" || strings.Contains(found.body, canary) {
			t.Errorf("the form keeps %v, or holds the credential", kept.values)
		}
		h.place.ClearFaults()
		part := try.submit("HX-Request", "true").want(http.StatusOK, "#connection-test", "everything that syncing needs is allowed")
		if part.has("form") {
			t.Error("a script gets more than the part that it asked for")
		}
		try.set("credentials.vault_token", "wrong").submit("HX-Request", "true").want(http.StatusOK, "#connection-test", "Vault refuses the token")
		try.submit().want(http.StatusForbidden, ".summary", "Vault refuses the token")
		try.set("name", "Bad Name").submit().want(http.StatusBadRequest, "#f-name-error", "")
		form.set("name", "vault")
		all, err := h.dests.List(context.Background(), models.System(), e.ID)
		if err != nil || len(all) != 0 || len(h.place.Names()) != before {
			t.Errorf("testing left %d destinations and %v, %v", len(all), h.place.Names(), err)
		}
	})
	created := form.set("credentials.vault_token", canary).submit().want(http.StatusOK, ".flash-done", "is connected")
	path := created.path()
	d := func() models.Destination {
		d, _, err := h.dests.Get(context.Background(), models.System(), models.DestinationID(strings.TrimPrefix(path, "/destinations/")))
		must(t, err)
		return d
	}
	sealed := string(d().Credentials)
	if sealed == "" || strings.Contains(sealed, canary) {
		t.Fatal("the credentials are not sealed")
	}
	h.inSync(s.ID)
	v.get(path).want(http.StatusOK, "#results tbody", "in sync")

	t.Run("KeepCredentials", func(t *testing.T) {
		form := v.get(path + "/edit").form(path + "/edit")
		if form.value("credentials.vault_token") != "" {
			t.Error("the form holds a credential")
		}
		form.set("interval_seconds", "60").submit().want(http.StatusOK, ".flash-done", "are saved")
		if got := d(); string(got.Credentials) != sealed || got.Interval != 60 {
			t.Error("an empty field changed the credentials, or the interval was not saved")
		}
	})
	t.Run("ForgetCredentials", func(t *testing.T) {
		form := v.get(path+"/edit").form(path+"/edit").set("credentials.clear", "true")
		form.set("credentials.vault_token", "x").submit().want(http.StatusBadRequest, ".summary", "goes with no new ones")
		form.set("credentials.vault_token", "").submit().want(http.StatusOK, ".flash-done", "are saved")
		if len(d().Credentials) != 0 {
			t.Error("the credentials are still there")
		}
	})
	t.Run("SaveAllTheSame", func(t *testing.T) {
		if v.get(list+"/new?kind=vault_kv_v2").has("#f-skip-check") || v.get(path+"/edit").has("#f-skip-check") {
			t.Error("it is offered before the check has failed")
		}
		fresh := func() *sheet {
			return v.get(list+"/new?kind=vault_kv_v2").form(list).set("name", "later").set("config.mount", "later").set("config.address", "http://127.0.0.1:1").set("credentials.vault_token", "wrong")
		}
		if fresh().set("name", "Bad Name").submit().has("#f-skip-check") {
			t.Error("it is offered for what it does not mend")
		}
		refused := fresh().submit().want(http.StatusForbidden, ".summary", "Vault refuses the token")
		form := refused.form(list).set("credentials.vault_token", "wrong")
		if !refused.has("#f-skip-check") || form.value("skip_check") != "" {
			t.Fatal("it is not offered, or is ticked already")
		}
		form.set("skip_check", "true").set("name", "Bad Name").submit().want(http.StatusBadRequest, "#f-name-error", "")
		made := form.set("name", "later").submit().want(http.StatusOK, ".flash-done", "without a look at whether the connection works")
		must(t, h.dests.Delete(context.Background(), models.System(), models.DestinationID(strings.TrimPrefix(made.path(), "/destinations/"))))
		edit := v.get(path+"/edit").form(path+"/edit").set("credentials.vault_token", "wrong").submit()
		again := edit.want(http.StatusForbidden, ".summary", "Vault refuses the token").form(path + "/edit")
		again.set("credentials.vault_token", "wrong").set("skip_check", "true").submit().want(http.StatusOK, ".flash-done", "without a look")
		v.get(path+"/edit").form(path+"/edit").set("credentials.vault_token", canary).submit().want(http.StatusOK, ".flash-done", "the connection works")
	})
	t.Run("OtherPlace", func(t *testing.T) {
		p := v.get(path+"/edit").form(path+"/edit").set("config.mount", "other").set("name", "vault2").submit()
		p.want(http.StatusBadRequest, "#f-name-error", "cannot change")
		p.form(path+"/edit").set("name", "vault").submit().want(http.StatusBadRequest, "#f-config-mount-error", "cannot change")
	})
	t.Run("Fields", func(t *testing.T) {
		edit := func() *sheet { return v.get(path + "/edit").form(path + "/edit") }
		edit().set("config.auth_method", "jwt").submit().want(http.StatusBadRequest, "#f-config-auth-role-error", "role")
		edit().set("config.destroy_days", "soon").submit().want(http.StatusBadRequest, "#f-config-destroy-days-error", "whole number")
		edit().set("config.name_template", "{nome}").submit().want(http.StatusBadRequest, "#f-config-name-template-error", "")
		edit().set("config.auth_method", "jwt").set("config.auth_role", "keeper").set("config.auth_path", "oidc").set("credentials.jwt", canary).
			set("config.destroy_days", "30").set("config.name_template", "{name}").set("config.accept_overlap", "true").
			submit().want(http.StatusOK, ".flash-done", "are saved")
		c := d().Config
		if c.AuthMethod != models.VaultJWT || c.AuthRole != "keeper" || c.AuthPath != "oidc" || c.DestroyDays != 30 || c.NameTemplate != "{name}" || !c.AcceptOverlap {
			t.Errorf("saved %+v", c)
		}
		again := edit()
		for name, want := range map[string]string{
			"config.auth_method": "jwt", "config.auth_role": "keeper", "config.destroy_days": "30", "config.name_template": "{name}", "config.accept_overlap": "", "credentials.jwt": "",
		} {
			if got := again.value(name); got != want {
				t.Errorf("the form says %s is %q, want %q", name, got, want)
			}
		}
		again.set("config.auth_method", "").set("config.auth_role", "").set("config.destroy_days", "").submit().want(http.StatusOK, ".flash-done", "are saved")
		if c := d().Config; !c.AcceptOverlap || c.DestroyDays != 0 || c.AuthMethod != "" {
			t.Errorf("saved %+v", c)
		}
	})
	t.Run("Test", func(t *testing.T) {
		p := v.get(path).form(path+"/test").submit().want(http.StatusOK, ".flash-done", "connection works")
		p.want(http.StatusOK, "#permissions tbody", "allowed")
		h.place.Inject(memory.Fault{Op: memory.OpPut, Kind: fault.Forbidden, Times: 1})
		p = v.get(path).form(path+"/test").submit().want(http.StatusOK, ".flash-failed", "does not do all that syncing needs")
		p.want(http.StatusOK, "#permissions tbody", "not allowed")
	})
	t.Run("Sync", func(t *testing.T) {
		run := v.get(path).form(path+"/sync").submit().want(http.StatusOK, ".flash-done", "full pass")
		if !strings.HasPrefix(run.path(), "/sync/runs/") {
			t.Fatalf("got %s", run.path())
		}
		eventually(t, "the run to end", func() bool { return strings.Contains(v.get(run.path()).text("#run"), "succeeded") })
		v.get(path+"/runs").want(http.StatusOK, "tbody", "manual by ada")
		v.get("/sync").form("/sync").submit().want(http.StatusOK, ".flash-done", "one destination")
	})
	t.Run("Pause", func(t *testing.T) {
		v.get(path).form(path+"/pause").submit().want(http.StatusOK, ".page-facts", "paused")
		v.post(path+"/sync", url.Values{"csrf_token": {tokenOf(v.get(path))}}).want(http.StatusConflict, ".problem", "Resume it first")
		v.get("/sync").form("/sync").submit().want(http.StatusConflict, ".problem", "nothing was started")
		v.get(path).form(path+"/resume").submit().want(http.StatusOK, ".flash-done", "resumed")
	})
	t.Run("PartlyPaused", func(t *testing.T) { // one cannot be saved as it stands
		broken := h.destination(h.environment("broken"), "broken-vault")
		must(t, h.store.Write(context.Background(), func(tx *store.Tx) error {
			broken.Interval = 1
			return tx.UpdateDestination(&broken, broken.Revision)
		}))
		p := v.get("/sync").form("/sync/pause").submit().want(http.StatusOK, ".flash-warning", "Paused now: 1 of 2 destinations.")
		p.want(http.StatusOK, ".flash-warning", "Not broken-vault: ")
		v.get("/sync").form("/sync/resume").submit().want(http.StatusOK, ".flash-done", "1 destination is now resumed")
	})
	t.Run("Delete", func(t *testing.T) {
		form := v.get(path + "/delete").form(path + "/delete")
		form.set("confirm", "x").submit().want(http.StatusBadRequest, "#f-confirm-error", "vault")
		form.set("confirm", "vault").submit().want(http.StatusOK, ".flash-done", "stay as they are")
		v.get(path).want(http.StatusNotFound, "", "")
		if _, there := h.place.Get("production/a"); !there {
			t.Error("the copy went with the destination")
		}
	})
}

// TestAWSFields has what stands beside values in AWS saved and shown, and says how fast they go.
func TestAWSFields(t *testing.T) {
	h := newHouse(t)
	h.user("ada", models.RoleAdmin, nil)
	h.environment("production")
	v := h.as("ada")
	list := "/environments/production/destinations"
	p := v.get(list+"/new?kind=aws_secrets_manager").want(http.StatusOK, "form", "more than one value of a secret in ten minutes")
	for _, other := range []string{"config.mount", "config.auth_method", "credentials.jwt", "config.destroy_days"} {
		if p.has("[name='" + other + "']") {
			t.Errorf("the form for AWS has the field %s", other)
		}
	}
	if p.has("#f-shape-object") || !p.has("#f-shape-value[checked]") {
		t.Error("the shapes are not those of AWS")
	}
	form := p.form(list).set("name", "aws").set("config.region", "eu-central-1").set("config.tags", "team=payments\nteam=other").
		set("config.replica_regions", "eu-west-1\neu-central-1").set("config.write_burst", "99")
	form.submit().want(http.StatusBadRequest, "#f-config-tags-error", "twice")
	refused := form.set("config.tags", "team=payments\nlive").submit()
	refused.want(http.StatusBadRequest, "#f-config-replica-regions-error", "other than the destination's own")
	refused.want(http.StatusBadRequest, "#f-config-write-burst-error", "between 1 and 50")
	form.set("config.shape", "bundle").set("config.bundle_name", "all").set("config.write_burst", "3").set("config.replica_regions", "eu-west-1, eu-west-2").
		set("config.replica_kms_key_id", "alias/replica")
	created := form.submit().want(http.StatusOK, ".flash-done", "is connected")
	for _, words := range []string{"3 values of one secret", "eu-west-2", "team payments", "Bundle", "production/all"} {
		created.want(http.StatusOK, "#mapping", words)
	}
	path := created.path() + "/edit"
	edit := v.get(path).want(http.StatusOK, "form", "It never changes").form(path)
	if edit.value("config.tags") != "live=\nteam=payments" || edit.value("config.replica_regions") != "eu-west-1\neu-west-2" || edit.value("config.write_burst") != "3" {
		t.Errorf("the form says %v", edit.values)
	}
	edit.set("config.tags", "").set("config.replica_regions", "").submit().want(http.StatusOK, ".flash-done", "are saved")
	d, _, err := h.dests.Get(context.Background(), models.System(), models.DestinationID(strings.TrimPrefix(created.path(), "/destinations/")))
	must(t, err)
	if len(d.Config.Tags) != 0 || len(d.Config.ReplicaRegions) != 0 || d.Config.Shape != models.ShapeBundle || d.Config.BundleName != "all" || d.Config.ReplicaKMSKeyID != "alias/replica" {
		t.Errorf("saved %+v", d.Config)
	}
}

func TestTokens(t *testing.T) {
	h := newHouse(t)
	h.user("ada", models.RoleAdmin, nil)
	e := h.environment("production")
	v := h.as("ada")
	form := v.get("/tokens/new").form("/tokens")
	form.set("name", "").submit().want(http.StatusBadRequest, "#f-name-error", "")
	refused := form.set("name", "pipeline").set("environments", "1").set("read_only", "true").set("expires_in_days", "-1").submit()
	refused.want(http.StatusBadRequest, "#f-expires-in-days-error", "future")
	kept := refused.form("/tokens")
	if kept.value("environments") != "1" || kept.value("read_only") != "true" || kept.value("name") != "pipeline" {
		t.Errorf("the form lost what was chosen: %v", kept.values)
	}
	p := kept.set("expires_in_days", "30").submit().want(http.StatusOK, ".flash-done", "pipeline")
	if p.header.Get("Cache-Control") != "no-store" {
		t.Error("the token may be kept by the browser")
	}
	token := p.text("[data-shown]")
	answer := v.get("/api/environments/1", "Authorization", "Bearer "+token)
	if answer.status != http.StatusOK || !strings.Contains(answer.body, e.Name) {
		t.Errorf("the token gets %d %s", answer.status, answer.body)
	}
	if strings.Contains(v.get("/tokens").body, token) {
		t.Error("the token is shown again")
	}
	tokens, err := h.auth.Tokens(context.Background(), actorOf(t, h, "ada"))
	must(t, err)
	if len(tokens) != 1 || !tokens[0].Scope.ReadOnly || len(tokens[0].Scope.Environments) != 1 || tokens[0].ExpiresAt == nil {
		t.Errorf("got %+v", tokens)
	}
	revoke := "/tokens/" + string(tokens[0].ID) + "/revoke"
	v.get("/tokens").form(revoke).submit().want(http.StatusOK, "tbody", "revoked")
	if answer := v.get("/api/environments/1", "Authorization", "Bearer "+token); answer.status != http.StatusUnauthorized {
		t.Errorf("the revoked token gets %d", answer.status)
	}
}
