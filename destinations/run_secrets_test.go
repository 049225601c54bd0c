package destinations_test

import (
	"slices"
	"testing"

	"github.com/your-org/keeper/destinations"
	"github.com/your-org/keeper/fault"
	"github.com/your-org/keeper/models"
)

func TestSyncNow(t *testing.T) {
	t.Run("OK", func(t *testing.T) {
		h := sqlite(t)
		d := h.with(t, "one", func(c *models.DestinationConfig) { c.Strategy = models.KeeperWins })
		a, b := h.put(t, "a", "v"), h.put(t, "b", "v")
		h.work(t, d)
		h.places.at("one").Edit("production/a", []byte("theirs"))
		h.places.at("one").Edit("production/b", []byte("theirs"))
		runs, err := h.SyncNow(t.Context(), admin, []models.SecretID{a.ID, a.ID})
		if err != nil || len(runs) != 1 || runs[0].Full || runs[0].Trigger != models.TriggerManual || runs[0].Actor != "ada" {
			t.Fatalf("runs %+v, %v", runs, err)
		}
		h.work(t, d)
		if !holds(h.places.at("one"), "production/a", "v") || h.state(t, a, d).Status != models.StatusInSync {
			t.Error("what was asked for was not mended")
		}
		if !holds(h.places.at("one"), "production/b", "theirs") || h.state(t, b, d).NextTryAt != nil {
			t.Error("what was not asked for was touched")
		}
		run, err := h.Run(t.Context(), admin, runs[0].ID)
		if err != nil || run.Status != models.RunSucceeded || run.Counts.Checked != 1 {
			t.Errorf("run %+v, %v; want one secret looked at", run, err)
		}
		if state := h.state(t, a, d); state.NextTryAt != nil {
			t.Errorf("due again at %v", state.NextTryAt)
		}
		if n := len(slices.DeleteFunc(h.actions(t), func(a string) bool { return a != "sync.trigger" && a != "sync.trigger allowed" })); n != 1 {
			t.Errorf("%d entries, want one for the secret", n)
		}
	})
	t.Run("Shared", func(t *testing.T) { // an entry of several secrets is looked at whole
		h := sqlite(t)
		d := h.grouped(t, models.ShapeFolder, models.KeeperWins)
		a := h.put(t, "app/a", "v")
		h.put(t, "app/b", "w")
		h.work(t, d)
		before := h.entry(t, "production/app")
		h.places.at("one").Edit("production/app", []byte(`{"a":"theirs"}`))
		if _, err := h.SyncNow(t.Context(), admin, []models.SecretID{a.ID}); err != nil {
			t.Fatal(err)
		}
		h.work(t, d)
		h.wantEntry(t, "production/app", before)
	})
	t.Run("Paused", func(t *testing.T) {
		h := sqlite(t)
		d, paused := h.destination(t, "one"), true
		a := h.put(t, "a", "v")
		h.work(t, d)
		if _, err := h.Update(t.Context(), admin, d.ID, destinations.Change{Paused: &paused}, 0); err != nil {
			t.Fatal(err)
		}
		_, err := h.SyncNow(t.Context(), admin, []models.SecretID{a.ID})
		wantFault(t, err, fault.Conflict)
		if h.state(t, a, d).NextTryAt != nil {
			t.Error("made due")
		}
	})
	t.Run("Refused", func(t *testing.T) {
		h := sqlite(t)
		h.destination(t, "one")
		a := h.put(t, "a", "v")
		stranger := models.Actor{Kind: models.ActorUser, ID: "usr_s", UserID: "usr_s", Name: "sam", Role: models.RoleUser}
		_, hidden := h.SyncNow(t.Context(), stranger, []models.SecretID{a.ID})
		wantFault(t, hidden, fault.NotFound)
		_, missing := h.SyncNow(t.Context(), stranger, []models.SecretID{99999})
		if missing == nil || hidden.Error() != missing.Error() {
			t.Errorf("%q tells apart from %q what may not be seen", hidden, missing)
		}
		viewer := stranger
		viewer.Roles = map[models.EnvironmentID]models.EnvironmentRole{h.env.ID: models.RoleViewer}
		_, err := h.SyncNow(t.Context(), viewer, []models.SecretID{a.ID})
		wantFault(t, err, fault.Forbidden)
	})
}
