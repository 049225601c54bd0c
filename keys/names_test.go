package keys_test

import (
	"testing"

	"github.com/your-org/keeper/keys"
	"github.com/your-org/keeper/models"
	"github.com/your-org/keeper/store"
)

// roles are what each key of the report is to the house's environment; "may be closed" is one
// of them.
func (h *house) roles(t *testing.T) map[string]keys.Usage {
	t.Helper()
	all, err := h.Report(t.Context(), auditor)
	if err != nil {
		t.Fatal(err)
	}
	roles := map[string]keys.Usage{}
	for _, k := range all {
		if k.CanClose {
			roles[k.ID] = keys.Usage{Role: "may be closed"}
		}
		for _, u := range k.Usages {
			roles[k.ID] = u
		}
	}
	return roles
}

// TestNamesWhileAway: what a name stands for is known while it cannot be looked up, and what is
// not known is not made up.
func TestNamesWhileAway(t *testing.T) {
	moved := func(t *testing.T) *house {
		h := newHouse(t, setup{}) // the environment's key is the default, a/one
		h.write(t, 8)
		return h
	}
	t.Run("Known", func(t *testing.T) {
		h := moved(t)
		watch(t, h)
		h.serve(t) // another process
		h.kms.CutOff()
		roles := h.roles(t)
		if u := roles["a/one"]; len(roles) != 1 || u.Role != keys.RolePrimary || u.DataKeys == 0 || u.Missing != 0 {
			t.Fatalf("the report is %+v", roles)
		}
		results, err := h.Drill(t.Context(), admin, h.env.ID)
		if err != nil || len(results) != 1 || results[0].OK || results[0].ID != "a/one" {
			t.Errorf("the drill: %+v, %v", results, err)
		}
		if d := h.roles(t)["a/one"].Drill; d == nil || d.Error == "" {
			t.Errorf("the drill left %+v", d)
		}
	})
	t.Run("NotKnown", func(t *testing.T) {
		h := moved(t)
		h.kms.CutOff()
		roles := h.roles(t)
		if u := roles["a/one"]; u.Role != keys.RoleUnknown || u.DataKeys == 0 {
			t.Errorf("what stands under an unknown key is told as %+v", u)
		}
		if u := roles[""]; u.Role != keys.RolePrimary {
			t.Errorf("the unknown key is told as %+v", u)
		}
		if _, err := h.Drill(t.Context(), admin, h.env.ID); err != nil {
			t.Fatal(err)
		}
		if d := h.roles(t)[""].Drill; d == nil || d.Error == "" {
			t.Errorf("the drill left %+v", d)
		}
	})
	t.Run("NothingMayBeDisabled", func(t *testing.T) {
		h := moved(t)
		other := h.environment(t, "other")
		watch(t, h)
		run := h.start(t, keys.Order{Kind: models.KeyRewrap, Environment: h.env.ID, ToKey: "a/two"})
		h.finish(t, run.ID)
		if _, err := h.secrets.UpdateEnvironment(t.Context(), admin, other.ID, secretsKey("b/three"), 0); err != nil {
			t.Fatal(err)
		}
		watch(t, h)
		if u := h.roles(t)["a/one"]; u.Role != "may be closed" {
			t.Fatalf("the emptied key is told as %+v", u)
		}
		h.kms.CutOff()
		roles := h.roles(t)
		if u := roles["a/one"]; u.Role == "may be closed" {
			t.Error("a key may be disabled that a name may stand for by now")
		}
		if u := roles["a/two"]; u.Role != keys.RolePrimary {
			t.Errorf("the key in use is told as %+v", u)
		}
	})
	t.Run("StaysKnown", func(t *testing.T) {
		h := moved(t)
		watch(t, h)
		h.kms.CutOff()
		watch(t, h)
		watch(t, h)
		if u := h.roles(t)["a/one"]; u.Role != keys.RolePrimary {
			t.Errorf("the watch forgot what it could not look up: %+v", u)
		}
		w, err := h.Watched(t.Context())
		if err != nil || len(w.Troubled) != 1 || w.Troubled[0].Key != "a/one" {
			t.Errorf("the watch tells of %+v, %v", w.Troubled, err)
		}
	})
	t.Run("Damaged", func(t *testing.T) {
		h := moved(t)
		h.change(t, func(tx *store.Tx) error { return tx.PutSetting("keys_names", "{") })
		if u := h.roles(t)["a/one"]; u.Role != keys.RolePrimary {
			t.Errorf("told as %+v", u)
		}
	})
}
