package destinations_test

import (
	"database/sql"
	"fmt"
	"slices"
	"testing"

	"github.com/your-org/keeper/destinations"
	"github.com/your-org/keeper/fault"
	"github.com/your-org/keeper/models"
	"github.com/your-org/keeper/store"
	"github.com/your-org/keeper/store/storetest"
)

// TestMany holds that what is done with all destinations goes on where it fails with one, and
// tells with which it did.
func TestMany(t *testing.T) {
	options := storetest.Options(t, store.SQLite)
	h := newHouse(t, storetest.OpenWith(t, options))
	var all []models.Destination
	for _, name := range []string{"one", "three", "two"} {
		all = append(all, h.destination(t, name))
	}
	refuse := func(t *testing.T, write, table string) {
		t.Helper()
		db, err := sql.Open("sqlite", "file:"+options.Path+"?_pragma=busy_timeout(10000)")
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { _ = db.Close() })
		column := map[string]string{"sync_runs": "destination_id", "destinations": "id"}[table]
		_, err = db.Exec(fmt.Sprintf("CREATE TRIGGER flaw BEFORE %s ON %s WHEN NEW.%s = '%s' BEGIN SELECT RAISE(ABORT, 'made to fail'); END", write, table, column, all[1].ID))
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { _, _ = db.Exec("DROP TRIGGER flaw") })
	}
	onlyThree := func(t *testing.T, failed []destinations.Failure) {
		t.Helper()
		if len(failed) != 1 || failed[0].Destination.ID != all[1].ID || failed[0].Err.Kind != fault.Internal {
			t.Errorf("failed: %+v, want the one that was made to fail", failed)
		}
	}
	names := func(done []models.Destination) (names []string) {
		for _, d := range done {
			names = append(names, d.Name)
		}
		slices.Sort(names)
		return names
	}

	t.Run("TriggerFails", func(t *testing.T) {
		refuse(t, "INSERT", "sync_runs")
		runs, failed, err := h.TriggerAll(t.Context(), admin, 0)
		if err != nil || len(runs) != 2 {
			t.Fatalf("%d runs and %v, want those of the other two", len(runs), err)
		}
		onlyThree(t, failed)
	})
	t.Run("PauseFails", func(t *testing.T) {
		refuse(t, "UPDATE", "destinations")
		done, failed, err := h.PauseAll(t.Context(), admin, true)
		if got := names(done); err != nil || !slices.Equal(got, []string{"one", "two"}) {
			t.Fatalf("%v and %v, want the other two", got, err)
		}
		onlyThree(t, failed)
		if h.reload(t, all[1]).Paused || !h.reload(t, all[2]).Paused {
			t.Error("what was done is not what was told")
		}
	})
	t.Run("Paused", func(t *testing.T) { // two of them are
		runs, failed, err := h.TriggerAll(t.Context(), admin, h.env.ID)
		if err != nil || len(failed) != 0 || len(runs) != 1 || runs[0].DestinationID != all[1].ID {
			t.Errorf("%+v, %+v and %v, want a run over the one that is not", runs, failed, err)
		}
		done, _, err := h.PauseAll(t.Context(), admin, true)
		if got := names(done); err != nil || !slices.Equal(got, []string{"three"}) {
			t.Errorf("paused %v and %v, want the one that was not", got, err)
		}
		if done, _, err = h.PauseAll(t.Context(), admin, false); err != nil || len(done) != 3 {
			t.Errorf("resumed %v and %v, want all", names(done), err)
		}
	})
	t.Run("Viewer", func(t *testing.T) {
		viewer := models.Actor{Kind: models.ActorUser, ID: "v", UserID: "v", Name: "vic", Role: models.RoleUser, Roles: map[models.EnvironmentID]models.EnvironmentRole{h.env.ID: models.RoleViewer}}
		if done, failed, err := h.PauseAll(t.Context(), viewer, true); err != nil || len(done)+len(failed) != 0 {
			t.Errorf("%v, %v and %v, want nothing", done, failed, err)
		}
		if runs, failed, err := h.TriggerAll(t.Context(), viewer, 0); err != nil || len(runs)+len(failed) != 0 {
			t.Errorf("%v, %v and %v, want nothing", runs, failed, err)
		}
		if _, _, err := h.TriggerAll(t.Context(), viewer, h.env.ID); !fault.Is(err, fault.Forbidden) {
			t.Errorf("got %v, want it to be forbidden where an environment is named", err)
		}
	})
}
