package web_test

import (
	"context"
	"net/http"
	"net/url"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/your-org/keeper/keys"
	"github.com/your-org/keeper/kms/drivertest"
	"github.com/your-org/keeper/kms/recovery"
	"github.com/your-org/keeper/models"
)

// offlineRecipient makes a recipient whose identity nobody here has.
func offlineRecipient(t testing.TB) string {
	t.Helper()
	_, recipient, err := recovery.Generate(time.Now())
	must(t, err)
	return recipient
}

// runEnds follows the run of a page until it says how it ended.
func (p *page) runEnds() *page {
	p.v.t.Helper()
	if !strings.HasPrefix(p.path(), "/keys/runs/") {
		p.v.t.Fatalf("%s (%d) is no run: %s", p.path(), p.status, p.text("main"))
	}
	at := p
	eventually(p.v.t, "the run to end", func() bool {
		at = p.v.get(p.path())
		return at.status == http.StatusOK && at.has("#report")
	})
	return at
}

func TestKeyRoles(t *testing.T) {
	h := newHouse(t)
	production, _, _ := h.furnish()
	h.user("ada", models.RoleAdmin, nil)
	h.user("aud", models.RoleAuditor, nil)
	h.user("max", models.RoleUser, map[models.EnvironmentID]models.EnvironmentRole{production.ID: models.RoleManager})
	h.user("vic", models.RoleUser, map[models.EnvironmentID]models.EnvironmentRole{production.ID: models.RoleViewer})
	h.user("eve", models.RoleUser, nil)
	visitors := map[string]*visitor{}
	for _, name := range []string{"ada", "aud", "max", "vic", "eve"} {
		visitors[name] = h.as(name)
	}
	started, err := h.keys.Start(context.Background(), models.System(), keys.Order{Kind: models.KeyScrub})
	must(t, err)
	run := "/keys/runs/" + string(started[0].ID)
	visitors["ada"].get(run).runEnds()
	const ok, forbidden, hidden = http.StatusOK, http.StatusForbidden, http.StatusNotFound
	const here = "/environments/production/keys"
	for _, c := range []struct {
		path                    string
		ada, aud, max, vic, eve int
	}{
		{"/keys", ok, ok, forbidden, forbidden, forbidden},
		{"/keys/runs", ok, ok, forbidden, forbidden, forbidden},
		{"/keys/runs?kind=scrub", ok, ok, forbidden, forbidden, forbidden},
		{run, ok, ok, forbidden, forbidden, forbidden},
		{run + "/cancel", http.StatusConflict, forbidden, forbidden, forbidden, forbidden},
		{"/keys/rewrap?key=k", ok, forbidden, forbidden, forbidden, forbidden},
		{"/keys/rewrap?key=none", hidden, forbidden, forbidden, forbidden, forbidden},
		{"/keys/rewrap", hidden, forbidden, forbidden, forbidden, forbidden},
		{here, ok, ok, ok, forbidden, hidden},
		{here + "/rewrap", ok, forbidden, forbidden, forbidden, hidden},
		{here + "/reencrypt", ok, forbidden, forbidden, forbidden, hidden},
		{here + "/recipients/new?kind=kms", ok, forbidden, forbidden, forbidden, hidden},
		{here + "/recipients/new?kind=recovery", ok, forbidden, forbidden, forbidden, hidden},
		{here + "/recipients/new?kind=local", hidden, forbidden, forbidden, forbidden, hidden},
		{here + "/recipients/remove?kind=kms&key=none", hidden, forbidden, forbidden, forbidden, hidden},
	} {
		t.Run("GET"+c.path, func(t *testing.T) {
			for name, want := range map[string]int{"ada": c.ada, "aud": c.aud, "max": c.max, "vic": c.vic, "eve": c.eve} {
				if p := visitors[name].get(c.path); p.status != want {
					t.Errorf("%s gets %d, want %d: %s", name, p.status, want, p.text("main"))
				}
			}
		})
	}
	before, _, err := h.keys.Runs(context.Background(), models.System(), keys.RunQuery{})
	must(t, err)
	for _, path := range []string{
		"/keys/test", "/keys/scrub", "/keys/rewrap", run + "/cancel", here + "/recipients", here + "/recipients/remove", here + "/rewrap", here + "/reencrypt", here + "/drill",
	} {
		t.Run("POST"+path, func(t *testing.T) {
			for name, want := range map[string]int{"aud": forbidden, "max": forbidden, "vic": forbidden, "eve": hidden} {
				if name == "eve" && !strings.HasPrefix(path, here) {
					want = forbidden
				}
				form := url.Values{"csrf_token": {tokenOf(visitors[name].get("/"))}, "kind": {"recovery"}, "key": {offlineRecipient(t)}, "label": {"x"}, "confirm": {"production"}}
				if p := visitors[name].post(path, form); p.status != want {
					t.Errorf("%s gets %d, want %d: %s", name, p.status, want, p.text("main"))
				}
			}
		})
	}
	after, _, err := h.keys.Runs(context.Background(), models.System(), keys.RunQuery{})
	must(t, err)
	if len(before) != len(after) {
		t.Errorf("%d runs were begun by those who may not", len(after)-len(before))
	}
	t.Run("Offered", func(t *testing.T) {
		for name, selectors := range map[string][]string{
			"aud": {"#act-scrub", "#act-test", "#act-drill", "#act-rewrap", `a[href*="/recipients/"]`, `a[href^="/keys/rewrap"]`},
			"max": {`a[href="/keys"]`, `a[href^="/keys/runs"]`, "#act-drill", "#act-rewrap", `a[href*="/recipients/"]`},
		} {
			for _, path := range []string{"/keys", here} {
				p := visitors[name].get(path)
				for _, selector := range selectors {
					if p.has(selector) {
						t.Errorf("%s offers %s to %s", path, selector, name)
					}
				}
			}
		}
		if p := visitors["vic"].get("/environments/production"); p.has(`a[href="/environments/production/keys"]`) {
			t.Error("a viewer is led to the keys")
		}
		if p := visitors["aud"].get("/environments/production/destinations"); !p.has(`.tabs a[href="/environments/production/keys"]`) {
			t.Error("an auditor is not led to the keys")
		}
		if p := visitors["max"].get("/"); p.has("#encryption") {
			t.Error("a manager is told how all keys stand")
		}
	})
}

func TestKeysPage(t *testing.T) {
	h := newHouse(t)
	h.user("ada", models.RoleAdmin, nil)
	v := h.as("ada")
	t.Run("Empty", func(t *testing.T) {
		v.get("/keys").want(http.StatusOK, "main", "Never. A scrub opens every stored version")
	})
	h.furnish()
	t.Run("Usual", func(t *testing.T) {
		p := v.get("/keys").want(http.StatusOK, ".keys-table", "production wrapping key")
		p.want(http.StatusOK, ".keys-table", "enabled")
		p.want(http.StatusOK, ".calm", "Nothing about keys needs you")
	})
	t.Run("Scrub", func(t *testing.T) {
		p := v.get("/keys").form("/keys/scrub").submit().runEnds()
		p.want(http.StatusOK, "h1", "Scrub of all environments").want(http.StatusOK, ".flash-done#report", "")
		v.get("/keys").want(http.StatusOK, "main", "Last scrub The run succeeded")
		v.get("/").want(http.StatusOK, "#encryption", "Last scrub succeeded")
		v.get("/keys/runs?kind=scrub").want(http.StatusOK, "#key-runs", "Scrub of all environments")
		v.get("/keys/runs?kind=migrate").want(http.StatusOK, "#key-runs", "No run of that kind yet")
	})
	t.Run("Test", func(t *testing.T) {
		p := v.get("/keys").form("/keys/test").submit().want(http.StatusOK, "h1", "Connection test")
		if p.has(".tone-red") || !p.has("tbody .tone-green") {
			t.Errorf("got %s", p.text("main"))
		}
		one := v.get("/environments/staging/keys").form("/keys/test").submit().want(http.StatusOK, ".crumbs", "staging")
		if one.has(`a[href="/environments/production/keys"]`) || one.form("/keys/test").value("environment") != "staging" {
			t.Error("the test of one environment is not of it alone")
		}
	})
	t.Run("Away", func(t *testing.T) {
		h.key.CutOff()
		defer h.key.Mend()
		p := v.get("/keys").want(http.StatusOK, ".panel-attention", "The fake backend with the key k is away. Mend it.")
		p.want(http.StatusOK, ".keys-table", "not known now")
		tested := p.form("/keys/test").submit().want(http.StatusOK, ".page-facts", "refused")
		tested.want(http.StatusOK, "tbody", "Mend it.")
	})
	t.Run("Wrong", func(t *testing.T) {
		for path, status := range map[string]int{"/keys/runs/none": 404, "/keys/runs?cursor=none": 400} {
			v.get(path).want(status, ".problem", "")
		}
		run := v.get("/keys/runs?kind=scrub").all(`#key-runs tbody a`)[0]
		v.get(attribute(run, "href")+"?cursor=x").want(http.StatusBadRequest, ".problem", "")
	})
}

func TestRecipients(t *testing.T) {
	h := newHouse(t)
	h.user("ada", models.RoleAdmin, nil)
	h.furnish()
	v := h.as("ada")
	const here = "/environments/production/keys"
	recipient := offlineRecipient(t)
	v.get(here).want(http.StatusOK, "main", "With one key only, losing it loses every value")

	t.Run("Refused", func(t *testing.T) {
		form := v.get(here + "/recipients/new?kind=recovery").form(here + "/recipients")
		p := form.set("key", "age1nonsense").set("label", "safe in Zürich").submit()
		if p.status < 400 || !p.has("#summary") {
			t.Fatalf("got %d: %s", p.status, p.text("main"))
		}
		if again := p.form(here + "/recipients"); again.value("key") != "age1nonsense" || again.value("label") != "safe in Zürich" || again.value("kind") != "recovery" {
			t.Errorf("what was typed is not kept: %v", again.values)
		}
	})
	t.Run("Recovery", func(t *testing.T) {
		form := v.get(here+"/recipients/new?kind=recovery").want(http.StatusOK, ".command", "keeper kms recovery-key").form(here + "/recipients")
		form.set("key", recipient).set("label", "safe in Zürich").submit().runEnds().want(http.StatusOK, ".flash-done#report", "")
		p := v.get(here).want(http.StatusOK, "#environment-keys", "safe in Zürich")
		p.want(http.StatusOK, "#environment-keys", "never proved")
		v.get("/").want(http.StatusOK, "#attention", "never proved safe in Zürich")
		form.submit().want(http.StatusConflict, "#summary", "already")
	})
	t.Run("KMS", func(t *testing.T) {
		form := v.get(here + "/recipients/new?kind=kms").form(here + "/recipients")
		form.set("key", "none").submit().want(http.StatusBadRequest, "#summary", "")
		form.set("key", "k2").set("label", "standby").submit().runEnds().want(http.StatusOK, ".flash-done#report", "")
		v.get(here).want(http.StatusOK, "#environment-keys", "standby k2 second key")
	})
	t.Run("Drill", func(t *testing.T) {
		p := v.get(here).form(here+"/drill").submit().want(http.StatusOK, "h1", "Drill")
		p.want(http.StatusOK, "tbody", "opened alone")
		p.want(http.StatusOK, "tbody", "safe in Zürich")
		p.want(http.StatusOK, "tbody", "needs its holder")
		p.want(http.StatusOK, ".command", "keeper kms drill --environment production --identity")
		v.get(here).want(http.StatusOK, "#environment-keys", "proved now , ada")
	})
	t.Run("DrillOfNothing", func(t *testing.T) {
		h.environment("empty")
		v.get("/environments/empty/keys").form("/environments/empty/keys/drill").submit().want(http.StatusConflict, ".problem", "Write a secret first")
	})
	t.Run("Remove", func(t *testing.T) {
		var ask string
		for _, a := range v.get(here).all(`a[href*="/recipients/remove"]`) {
			if strings.Contains(attribute(a, "href"), "recovery") {
				ask = attribute(a, "href")
			}
		}
		p := v.get(ask).want(http.StatusOK, ".warning", "Remove safe in Zürich from production?")
		form := p.form(here + "/recipients/remove")
		wrong := form.set("confirm", "staging").submit().want(http.StatusBadRequest, "#f-confirm-error", "must be exactly production")
		wrong.form(here+"/recipients/remove").set("confirm", "production").submit().runEnds().want(http.StatusOK, ".flash-done#report", "")
		if strings.Contains(v.get(here).text("#environment-keys tbody"), "safe in Zürich") {
			t.Error("it is still there")
		}
		v.get(ask).want(http.StatusNotFound, ".problem", "no such recipient")
	})
}

func TestRewrapAndReencrypt(t *testing.T) {
	h := newHouse(t)
	h.user("ada", models.RoleAdmin, nil)
	_, _, s := h.furnish()
	v := h.as("ada")
	const here = "/environments/production/keys"

	t.Run("Anew", func(t *testing.T) {
		p := v.get(here + "/rewrap").form(here + "/rewrap").submit().runEnds()
		p.want(http.StatusOK, ".flash-done#report", "wrapped anew under k")
		p.want(http.StatusOK, ".stats", "Done 2 of 2 data keys")
	})
	t.Run("ScrubHere", func(t *testing.T) {
		p := v.get(here).form("/keys/scrub").submit().runEnds()
		p.want(http.StatusOK, "h1", "Scrub of production")
		v.post("/keys/scrub", url.Values{"csrf_token": {tokenOf(p)}, "environment": {"nowhere"}}).want(http.StatusNotFound, "", "")
	})
	t.Run("Emptied", func(t *testing.T) {
		p := v.get(here+"/rewrap").form(here+"/rewrap").set("from_key", "k").set("to_key", "k2").submit()
		p.want(http.StatusBadRequest, "#f-confirm-error", "must be exactly production")
		if p.form(here+"/rewrap").value("from_key") != "k" {
			t.Error("what was typed is not kept")
		}
		long := v.get(here+"/rewrap").form(here+"/rewrap").set("from_key", strings.Repeat("k", 5000)).submit()
		long.want(http.StatusBadRequest, "#f-from-key-error", "")
		staging := "/environments/staging/keys/rewrap"
		p = v.get(staging).form(staging).set("from_key", "gone").set("to_key", "k2").set("confirm", "staging").submit().runEnds()
		run, err := h.keys.Run(context.Background(), models.System(), models.KeyRunID(strings.TrimPrefix(p.path(), "/keys/runs/")))
		must(t, err)
		if run.FromKey != "gone" || run.EnvironmentID != environmentNamed(t, h, "staging").ID {
			t.Errorf("the run empties %q", run.FromKey)
		}
		v.get(staging).form(staging).set("to_key", "k").set("confirm", "staging").submit().runEnds()
	})
	t.Run("Unconfirmed", func(t *testing.T) {
		p := v.get(here+"/rewrap").form(here+"/rewrap").set("to_key", "k2").submit()
		p.want(http.StatusBadRequest, "#f-confirm-error", "must be exactly production")
		if p.form(here+"/rewrap").value("to_key") != "k2" {
			t.Error("what was typed is not kept")
		}
	})
	t.Run("Moved", func(t *testing.T) {
		p := v.get(here+"/rewrap").form(here+"/rewrap").set("to_key", "k2").set("confirm", "production").submit().runEnds()
		p.want(http.StatusOK, "#report", "Do not disable k: ") // staging is still under it
		v.get(here).want(http.StatusOK, "#environment-keys", "k2")
		staging := "/environments/staging/keys/rewrap"
		p = v.get(staging).form(staging).set("to_key", "k2").set("confirm", "staging").submit().runEnds()
		p.want(http.StatusOK, ".flash-done#report", "Nothing stands under k any more; it may be disabled.")
		v.get("/keys").want(http.StatusOK, ".keys-table", "may be disabled")
	})
	t.Run("Reencrypt", func(t *testing.T) {
		form := v.get(here+"/reencrypt").want(http.StatusOK, ".warning", "seals them under the new keys").form(here + "/reencrypt")
		form.set("confirm", "").submit().want(http.StatusBadRequest, "#f-confirm-error", "")
		p := form.set("confirm", "production").submit().want(http.StatusOK, "h1", "Re-encryption of production")
		eventually(t, "all to be sealed anew", func() bool {
			return strings.Contains(v.get(p.path()).text(".progress-panel"), "All is sealed anew.")
		})
		// The rest of it is a minute's wait, which nobody is held to.
		p = v.get(p.path()+"/cancel").want(http.StatusOK, ".warning", "All of them stay readable").form(p.path() + "/cancel").submit()
		p.want(http.StatusOK, "#report", "It was cancelled.")
		value, err := h.secrets.Reveal(context.Background(), models.System(), s.ID, 0)
		must(t, err)
		if got := string(value.Value.Reveal()); got != canary+" second" {
			t.Error("the value is another one now")
		}
	})
	t.Run("Cancel", func(t *testing.T) {
		var once sync.Once
		reached, release := make(chan struct{}), make(chan struct{})
		h.key.Before(func(_ context.Context, op drivertest.Op) {
			if op == drivertest.OpRewrap || op == drivertest.OpUnwrap {
				once.Do(func() { close(reached) })
				<-release
			}
		})
		run := v.get(here+"/rewrap").form(here+"/rewrap").submit().want(http.StatusOK, "#key-run progress[aria-label]", "")
		<-reached
		ask := v.get(run.path()+"/cancel").want(http.StatusOK, ".warning", "the others stay as they are")
		p := ask.form(run.path() + "/cancel").submit()
		close(release)
		h.key.Before(nil)
		p.want(http.StatusOK, ".flash-note#report", "It was cancelled. What was done stays and is whole")
		v.get(run.path()+"/cancel").want(http.StatusConflict, ".problem", "has ended")
	})
}

// TestWrappingKeyField holds the field that says who can open an environment to
// administrators.
func TestWrappingKeyField(t *testing.T) {
	h := newHouse(t)
	production := h.environment("production")
	h.user("ada", models.RoleAdmin, nil)
	h.user("max", models.RoleUser, map[models.EnvironmentID]models.EnvironmentRole{production.ID: models.RoleManager})
	const edit = "/environments/production/edit"
	h.as("ada").get(edit).form(edit).set("kms_key_alias", "k2").submit().want(http.StatusOK, "h1", "production")
	manager := h.as("max")
	p := manager.get(edit)
	if p.has("#f-kms-key-alias") {
		t.Error("a manager is offered to choose the wrapping key")
	}
	p.form(edit).set("display_name", "Live").submit().want(http.StatusOK, "h1", "Live")
	if e := environmentNamed(t, h, "production"); e.KMSKeyAlias != "k2" || e.DisplayName != "Live" {
		t.Errorf("got %+v", e)
	}
	manager.get(edit).form(edit).set("kms_key_alias", "k").submit().want(http.StatusForbidden, "", "")
	if e := environmentNamed(t, h, "production"); e.KMSKeyAlias != "k2" {
		t.Errorf("a manager changed the wrapping key to %s", e.KMSKeyAlias)
	}
}

// startScrub begins a scrub as somebody else would.
func (h *house) startScrub(t testing.TB) {
	t.Helper()
	_, err := h.keys.Start(context.Background(), models.System(), keys.Order{Kind: models.KeyScrub})
	must(t, err)
}
