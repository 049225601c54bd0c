package web_test

import (
	"context"
	"net/http"
	"strings"
	"sync"
	"testing"

	"github.com/your-org/keeper/keys"
	"github.com/your-org/keeper/kms/drivertest"
	"github.com/your-org/keeper/models"
)

const emptyKey = "/keys/rewrap"

// emptied is what has begun of re-wraps away from a key, by environment.
func (h *house) emptied(from string) map[models.EnvironmentID]keys.Progress {
	h.t.Helper()
	runs, _, err := h.keys.Runs(context.Background(), models.System(), keys.RunQuery{Kind: models.KeyRewrap})
	must(h.t, err)
	begun := map[models.EnvironmentID]keys.Progress{}
	for _, run := range runs {
		if run.FromKey == from && begun[run.EnvironmentID].ID == "" {
			begun[run.EnvironmentID] = run
		}
	}
	return begun
}

// leave gives an environment another wrapping key without a re-wrap, so that what stands stays
// under the one of before.
func (h *house) leave(v *visitor, environment, key string) {
	h.t.Helper()
	edit := "/environments/" + environment + "/edit"
	v.get(edit).form(edit).set("kms_key_alias", key).submit().want(http.StatusOK, "h1", environment)
}

// mayBeDisabled waits until the page Keys says it of a key.
func (v *visitor) mayBeDisabled(key string) {
	v.t.Helper()
	eventually(v.t, key+" to be empty", func() bool {
		for _, row := range v.get("/keys").all(".keys-table tbody") {
			if text := strings.Join(strings.Fields(textOf(row, " ")), " "); strings.HasPrefix(text, key+" ") {
				return strings.Contains(text, "may be disabled")
			}
		}
		return false
	})
}

func TestEmptyKey(t *testing.T) {
	h := newHouse(t)
	h.user("ada", models.RoleAdmin, nil)
	production, _, s := h.furnish()
	staging := environmentNamed(t, h, "staging")
	v := h.as("ada")
	ask := func(key string) *page { return v.get(emptyKey + "?key=" + key) }

	t.Run("Preview", func(t *testing.T) {
		p := v.get("/keys")
		if !p.has(`.keys-table a[href="/keys/rewrap?key=k"]`) {
			t.Fatalf("it is not offered: %s", p.text(".keys-table"))
		}
		p = ask("k").want(http.StatusOK, "#moves", "production wrapping key 2")
		p.want(http.StatusOK, "#moves", "staging wrapping key 2")
		p.want(http.StatusOK, "#moves", "the new wrapping key")
		p.want(http.StatusOK, "main", "goes on by itself where it stood").want(http.StatusOK, "main", "may be disabled")
		if !p.has(`#moves a[href="/environments/staging/keys/rewrap"]`) {
			t.Error("nothing leads to the re-wrap of one environment alone")
		}
	})
	t.Run("Refused", func(t *testing.T) {
		form := ask("k").form(emptyKey).set("confirm", "k")
		form.submit().want(http.StatusBadRequest, "#f-to-key-error", "must name the key")
		form.set("to_key", "k").submit().want(http.StatusBadRequest, "#f-to-key-error", "is the key that is to be emptied")
		form.set("to_key", "none").submit().want(http.StatusBadRequest, "#f-to-key-error", "none")
		again := form.set("to_key", "k2").set("confirm", "k2").submit().want(http.StatusBadRequest, "#f-confirm-error", "must be exactly k").form(emptyKey)
		if again.value("to_key") != "k2" || again.value("confirm") != "k2" || again.value("key") != "k" {
			t.Errorf("what was typed is not kept: %v", again.values)
		}
		form.set("confirm", "k").set("seen", "staging former").submit().want(http.StatusConflict, "#summary", "is not what you were shown")
		form.set("key", "none").submit().want(http.StatusNotFound, ".problem", "no such wrapping key")
		if begun := h.emptied("k"); len(begun) != 0 {
			t.Errorf("%d runs began", len(begun))
		}
	})
	t.Run("Replaced", func(t *testing.T) {
		form := ask("k").form(emptyKey).set("to_key", "k2").set("confirm", "k")
		p := form.submit().want(http.StatusOK, ".flash-done", "2 re-wraps begin, one for each environment.")
		if p.path() != "/keys/runs" {
			t.Errorf("it leads to %s", p.path())
		}
		v.mayBeDisabled("k")
		for _, name := range []string{"production", "staging"} {
			if e := environmentNamed(t, h, name); e.KMSKeyAlias != "k2" {
				t.Errorf("the wrapping key of %s is %q", name, e.KMSKeyAlias)
			}
		}
		eventually(t, "the entries of the ends", func() bool { return h.recorded("keys.rewrap") >= 4 })
		if n := h.recorded("keys.rewrap"); n != 4 { // two beginnings, two ends
			t.Errorf("%d entries in the log", n)
		}
		value, err := h.secrets.Reveal(context.Background(), models.System(), s.ID, 0)
		must(t, err)
		if string(value.Value.Reveal()) != canary+" second" {
			t.Error("the value is another one now")
		}
		ask("k").want(http.StatusConflict, ".problem", "Nothing stands under k any more")
		form.submit().want(http.StatusConflict, ".problem", "Nothing stands under k any more")
		if v.get("/keys").has(`a[href="/keys/rewrap?key=k"]`) {
			t.Error("an empty key is offered to be emptied")
		}
	})
	t.Run("Mixed", func(t *testing.T) {
		h.leave(v, "staging", "k")
		p := ask("k2").want(http.StatusOK, "#moves", "staging former")
		p.want(http.StatusOK, "#moves", "the new wrapping key in place of k")
		p.want(http.StatusOK, "#moves", "production wrapping key")
	})
	t.Run("Former", func(t *testing.T) {
		stale := ask("k2").form(emptyKey).set("to_key", "k").set("confirm", "k2")
		h.leave(v, "production", "k")
		shown := stale.submit().want(http.StatusConflict, "#summary", "is not what you were shown")
		if shown.has("#f-to-key") {
			t.Error("a wrapping key is asked for where none is needed")
		}
		p := shown.form(emptyKey).submit().want(http.StatusOK, ".flash-done", "2 re-wraps begin")
		p.want(http.StatusOK, "#key-runs", "Re-wrap of production")
		v.mayBeDisabled("k2")
	})
	t.Run("One", func(t *testing.T) {
		own := "/environments/staging/keys/rewrap"
		v.get(own).form(own).set("to_key", "k2").set("confirm", "staging").submit().runEnds()
		h.leave(v, "staging", "k")
		p := ask("k2").form(emptyKey).set("confirm", "k2").submit().want(http.StatusOK, ".flash-done", "The re-wrap begins.")
		p.want(http.StatusOK, "h1", "Re-wrap of staging")
		p.runEnds().want(http.StatusOK, ".flash-done#report", "Nothing stands under k2 any more; it may be disabled.")
	})
	t.Run("GoesOn", func(t *testing.T) {
		var once sync.Once
		reached, release := make(chan struct{}), make(chan struct{})
		goOn := sync.OnceFunc(func() { close(release) })
		defer goOn()
		h.key.Before(func(_ context.Context, op drivertest.Op) {
			if op == drivertest.OpRewrap { // keys can be tried meanwhile
				once.Do(func() { close(reached) })
				<-release
			}
		})
		own := "/environments/production/keys/rewrap"
		at := v.get(own).form(own).submit().want(http.StatusOK, "h1", "Re-wrap of production")
		<-reached
		p := ask("k").want(http.StatusOK, "#moves", "A re-wrap is at work there, and goes on.")
		p = p.form(emptyKey).set("to_key", "k2").set("confirm", "k").submit().want(http.StatusOK, ".flash-done", "The re-wrap begins. One was at work already and goes on.")
		goOn()
		h.key.Before(nil)
		v.mayBeDisabled("k")
		if run := h.emptied("k")[production.ID]; string(run.ID) != strings.TrimPrefix(at.path(), "/keys/runs/") || p.path() != "/keys/runs" {
			t.Errorf("the run that was at work is not the one that goes on: %+v", run.KeyRun)
		}
		if run := h.emptied("k")[staging.ID]; run.ToKey != "k2" {
			t.Errorf("staging goes to %q", run.ToKey)
		}
	})
}

func TestEmptyKeyInTheWay(t *testing.T) {
	h := newHouse(t)
	h.user("ada", models.RoleAdmin, nil)
	production, _, _ := h.furnish()
	v := h.as("ada")
	ask := func(key string) *page { return v.get(emptyKey + "?key=" + key) }
	stale := ask("k").form(emptyKey).set("to_key", "k2").set("confirm", "k")
	stays := func(t *testing.T) {
		t.Helper()
		if begun := h.emptied("k"); len(begun) != 0 {
			t.Errorf("%d runs began", len(begun))
		}
	}

	t.Run("Away", func(t *testing.T) {
		h.key.CutOff()
		defer h.key.Mend()
		p := ask("k").want(http.StatusOK, "#in-the-way", "cannot be looked up now: The fake backend with the key k is away. Mend it.")
		if p.has(`form[action="/keys/rewrap"]`) || p.has(`#in-the-way a[href$="/keys/rewrap"]`) {
			t.Error("something is offered that leads to an error")
		}
		stale.submit().want(http.StatusConflict, "#summary", "nothing was begun").want(http.StatusConflict, "#in-the-way", "Mend it.")
		stays(t)
	})
	t.Run("Reencryption", func(t *testing.T) {
		started, err := h.keys.Start(context.Background(), models.System(), keys.Order{Kind: models.KeyReencrypt, Environment: production.ID})
		must(t, err)
		run := "/keys/runs/" + string(started[0].ID)
		p := ask("k").want(http.StatusOK, "#in-the-way", "Re-encryption of production is at work. Wait for its end, or cancel it.")
		if !p.has(`#in-the-way a[href="`+run+`"]`) || !p.has(`#in-the-way a[href="/environments/staging/keys/rewrap"]`) {
			t.Error("nothing leads to the run, or to the environment that need not wait for it")
		}
		stale.submit().want(http.StatusConflict, "#in-the-way", "is at work")
		stays(t)
		_, err = h.keys.Cancel(context.Background(), models.System(), started[0].ID)
		must(t, err)
	})
	t.Run("Recipient", func(t *testing.T) {
		run, err := h.keys.AddRecipient(context.Background(), models.System(), models.Recipient{EnvironmentID: production.ID, Kind: models.RecipientKMS, Key: "k2", Label: "standby"})
		must(t, err)
		v.get("/keys/runs/" + string(run.ID)).runEnds()
		p := ask("k2").want(http.StatusOK, "#in-the-way", "production has it as a recipient of its own (second key)")
		if !p.has(`#in-the-way a[href="/environments/production/keys"]`) || p.has(`#in-the-way a[href$="/keys/rewrap"]`) {
			t.Error("nothing leads to where the recipient is removed, or something to a re-wrap that would change nothing")
		}
		if v.get("/keys").has(`a[href="/keys/rewrap?key=k2"]`) {
			t.Error("it is offered all the same")
		}
		forged := ask("k").form(emptyKey).set("key", "k2").set("seen", "production second").set("confirm", "standby")
		forged.submit().want(http.StatusConflict, "#in-the-way", "a recipient of its own")
		if begun := h.emptied("k2"); len(begun) != 0 {
			t.Errorf("%d runs began", len(begun))
		}
	})
}
