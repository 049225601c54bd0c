package web_test

import (
	"context"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"testing"

	"github.com/your-org/keeper/audit"
	"github.com/your-org/keeper/auth"
	"github.com/your-org/keeper/models"
	"github.com/your-org/keeper/secrets"
)

// drifted is a house in which a secret waits for a person: changed at the destination, to
// a value with the canary in it.
func drifted(t *testing.T) (h *house, d models.Destination, s models.Secret, at string) {
	h = newHouse(t)
	e := h.environment("production")
	h.staff(e)
	d = h.destinationWith(e, "main", models.DestinationConfig{Strategy: models.ManualWins})
	s = h.secret(e, "a")
	h.inSync(s.ID)
	h.pass(d)
	h.place.Edit("production/a", []byte(canary+" of theirs"))
	if run := h.pass(d); run.Counts.Held != 1 {
		t.Fatalf("run %+v", run)
	}
	return h, d, s, "/destinations/" + string(d.ID) + "/holds/" + strconv.FormatInt(int64(s.ID), 10)
}

// side is the form that decides for one.
func side(p *page, side string) *sheet {
	p.v.t.Helper()
	for _, n := range p.all("form.side-act") {
		if f := p.sheet(n); f.value("side") == side {
			return f
		}
	}
	p.v.t.Fatalf("%s offers no decision for %s: %s", p.path(), side, p.text("main"))
	return nil
}

func TestHold(t *testing.T) {
	h, d, s, at := drifted(t)
	viewer, reader, editor := h.as(string(models.RoleViewer)), h.as(string(models.RoleReader)), h.as(string(models.RoleEditor))
	t.Run("Ways", func(t *testing.T) {
		viewer.get("/").want(http.StatusOK, "#attention", "1 difference at main")
		viewer.get("/destinations/"+string(d.ID)).want(http.StatusOK, ".tabs", "To decide 1")
		viewer.get("/destinations/"+string(d.ID)+"/holds").want(http.StatusOK, "#holds tbody", "a person decides")
		viewer.get("/sync").want(http.StatusOK, "#groups", "1 drifted")
		if there := viewer.get("/destinations/"+string(d.ID)+"?state=drifted").want(http.StatusOK, "tbody", "a person decides"); strings.Contains(there.text("main"), "failed") {
			t.Error("what waits for a person is called failed")
		}
		p := viewer.get("/secrets/"+strconv.FormatInt(int64(s.ID), 10)).want(http.StatusOK, "#synced", "waits for a person: decide")
		if !p.has(`#synced a[href="` + at + `"]`) {
			t.Error("no link leads to the decision")
		}
	})
	t.Run("Roles", func(t *testing.T) {
		for name, want := range map[models.EnvironmentRole]struct{ reveals, decisions int }{
			models.RoleViewer: {0, 0}, models.RoleReader: {2, 0}, models.RoleEditor: {2, 2}, models.RoleManager: {2, 2},
		} {
			p := h.as(string(name)).get(at).want(http.StatusOK, "#verdict", "are not equal")
			if reveals, decisions := len(p.all("form[data-reveal]")), len(p.all("form.side-act")); reveals != want.reveals || decisions != want.decisions {
				t.Errorf("%s is offered %d reveals and %d decisions", name, reveals, decisions)
			}
		}
		token := url.Values{"csrf_token": {tokenOf(viewer.get(at))}}
		viewer.post(at+"/reveal", token).want(http.StatusForbidden, "", "")
		form := side(editor.get(at), "remote").values
		form.Set("csrf_token", tokenOf(reader.get(at)))
		reader.post(at, form).want(http.StatusForbidden, "", "")
		h.user("eve", models.RoleUser, nil)
		h.as("eve").get(at).want(http.StatusNotFound, "", "")
	})
	t.Run("Sides", func(t *testing.T) {
		p := editor.get(at)
		if keeper, remote := p.text("#keeper-hash"), p.text("#remote-hash"); len(keeper) != 12 || len(remote) != 12 || keeper == remote {
			t.Errorf("the hashes are %q and %q", keeper, remote)
		}
	})
	t.Run("Reveal", func(t *testing.T) {
		form := reader.get(at).form(at + "/reveal")
		plain := form.submit("Accept", "text/plain")
		if plain.status != http.StatusOK || plain.body != canary+" of theirs" || plain.header.Get("Cache-Control") != "no-store" {
			t.Errorf("got %d %q", plain.status, plain.body)
		}
		form.submit().want(http.StatusOK, "[data-shown]", canary+" of theirs")
		if n := h.recorded("destination.reveal"); n != 3 { // two, and the viewer's that was refused
			t.Errorf("%d reveals are on record", n)
		}
	})
	t.Run("Moved", func(t *testing.T) {
		stale := side(editor.get(at), "keeper")
		next := models.NewPlaintext([]byte(canary + " newer"))
		_, err := h.secrets.Update(context.Background(), models.System(), s.ID, secrets.Change{Value: &next}, 0)
		must(t, err)
		stale.submit().want(http.StatusConflict, ".summary", "Look at both sides again")
		h.pass(d)
		editor.get(at).want(http.StatusOK, "#verdict", "Keeper and at the destination")
		stale.submit().want(http.StatusConflict, ".summary", "nothing was decided")
	})
	t.Run("NoSuchSide", func(t *testing.T) {
		side(editor.get(at), "keeper").set("side", "nobody").submit().want(http.StatusBadRequest, ".summary", "Side")
	})
	t.Run("Decide", func(t *testing.T) {
		side(editor.get(at), "remote").submit().want(http.StatusOK, ".flash-done", "becomes a new version in Keeper")
		h.inSync(s.ID)
		taken, err := h.secrets.Reveal(context.Background(), models.System(), s.ID, 3)
		if err != nil || string(taken.Value.Reveal()) != canary+" of theirs" {
			t.Errorf("version 3 is another value, or %v", err)
		}
		editor.get(at).want(http.StatusNotFound, ".problem", "No difference of this secret waits")
		editor.get("/destinations/"+string(d.ID)+"/holds").want(http.StatusOK, "#holds", "Nothing to decide")
	})
}

// recorded counts the entries of an action.
func (h *house) recorded(action string) int {
	h.t.Helper()
	entries, err := audit.NewLog(h.store, h.secrets.AuditAccess).Recent(context.Background(), models.System(), 200)
	must(h.t, err)
	n := 0
	for _, e := range entries {
		if e.Action == action || e.Action == string(auth.RevealSecret) && e.ObjectKind == "destination" {
			n++
		}
	}
	return n
}

func TestHoldOfWhatIsGone(t *testing.T) {
	h, d, s, at := drifted(t)
	h.place.Purge("production/a")
	h.pass(d)
	editor := h.as(string(models.RoleEditor))
	p := editor.get(at).want(http.StatusOK, "#verdict", "no value at the destination")
	if len(p.all("form.side-act")) != 1 || len(p.all("form[data-reveal]")) != 1 {
		t.Error("what is gone can be taken or revealed")
	}
	side(p, "keeper").set("side", "remote").submit().want(http.StatusBadRequest, ".summary", "no value at the destination that Keeper could take")
	side(p, "keeper").submit().want(http.StatusOK, ".flash-done", "is written to main")
	h.inSync(s.ID)
}

func TestHoldElsewhere(t *testing.T) {
	h, d, _, _ := drifted(t)
	other := h.secret(h.environment("staging"), "x")
	h.user("ada", models.RoleAdmin, nil)
	v := h.as("ada")
	here := "/destinations/" + string(d.ID) + "/holds/"
	v.get(here+strconv.FormatInt(int64(other.ID), 10)).want(http.StatusNotFound, "", "")
	v.get(here+"x").want(http.StatusNotFound, "", "")
}

func TestDestinationRules(t *testing.T) {
	h := newHouse(t)
	h.user("ada", models.RoleAdmin, nil)
	h.environment("production")
	v := h.as("ada")
	list := "/environments/production/destinations"
	form := v.get(list+"/new?kind=vault_kv_v2").form(list).set("name", "vault").set("config.mount", "secret").set("config.address", "http://127.0.0.1:1")
	if form.value("config.strategy") != string(models.KeeperWins) {
		t.Errorf("a new destination begins with %q", form.value("config.strategy"))
	}
	form.set("config.strategy", "mine").submit().want(http.StatusBadRequest, ".summary", "Strategy")
	form.set("config.strategy", "manual").set("config.brake_percent", "101").submit().want(http.StatusBadRequest, "#f-config-brake-percent-error", "between 0 and 100")
	created := form.set("config.brake_percent", "").set("config.brake_most", "0").submit().want(http.StatusOK, "#mapping", "A person decides")
	created.want(http.StatusOK, "#mapping", "Brake off")
	path := created.path()
	config := func() models.DestinationConfig {
		d, _, err := h.dests.Get(context.Background(), models.System(), models.DestinationID(strings.TrimPrefix(path, "/destinations/")))
		must(t, err)
		return d.Config
	}
	if c := config(); c.Strategy != models.ManualWins || c.BrakeMost == nil || *c.BrakeMost != 0 || c.BrakePercent != nil {
		t.Errorf("got %+v", c)
	}
	edit := v.get(path + "/edit").form(path + "/edit")
	if edit.value("config.strategy") != "manual" || edit.value("config.brake_most") != "0" || edit.value("config.brake_percent") != "" {
		t.Errorf("the form shows %v", edit.values)
	}
	edit.set("config.brake_most", "").set("config.brake_percent", "10").submit().want(http.StatusOK, "#mapping", "more than 50 or 10 %")
	edit = v.get(path + "/edit").form(path + "/edit")
	edit.values.Del("config.strategy")
	edit.submit().want(http.StatusOK, ".flash-done", "are saved")
	if c := config(); c.Strategy != models.ManualWins {
		t.Errorf("a form without the field changed the strategy to %q", c.Strategy)
	}
}
