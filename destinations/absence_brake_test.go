package destinations_test

import (
	"sync/atomic"
	"testing"

	"github.com/your-org/keeper/destinations"
	"github.com/your-org/keeper/models"
)

// TestBrakeAnywhereInTheDatabase has a pass come to the brake and loses the answer to each of its
// reads in turn, alone or with all after it: whatever it could not read, it takes away no more than
// it may, and neither does the pass after it.
func TestBrakeAnywhereInTheDatabase(t *testing.T) {
	t.Run("Alone", func(t *testing.T) { brakeAnywhere(t, func(read, n int64) bool { return read == n }) })
	t.Run("AllAfterIt", func(t *testing.T) { brakeAnywhere(t, func(read, n int64) bool { return read >= n }) })
}

func brakeAnywhere(t *testing.T, loses func(read, n int64) bool) {
	anywhere(t, func(n int64) int64 {
		var m mute
		h := m.house(t)
		one := 1 // of the two that are drifted and deleted
		u := newUnsure(t, h, inMemory{h.places.at("one")}, func(c *models.DestinationConfig) { c.BrakeMost = &one })
		drifted, deleted := u.at.look(t, "production/a/drifted"), u.at.look(t, "production/b/deleted")
		within := func(when string) {
			t.Helper()
			if u.at.look(t, "production/a/drifted") != drifted && u.at.look(t, "production/b/deleted") != deleted {
				t.Errorf("read %d failed: %s, two values are gone", n, when)
			}
		}
		if _, err := u.Trigger(t.Context(), admin, u.dest.ID); err != nil {
			t.Fatal(err)
		}
		var reads atomic.Int64
		m.lose.Store(new(func(string) bool { return loses(reads.Add(1), n) }))
		_, _ = u.Work(t.Context(), models.Job{Key: string(u.dest.ID)})
		m.lose.Store(nil)
		within("after it")
		if run := u.pass(t, u.house, nothing); run.Status != models.RunHeld {
			t.Errorf("read %d failed: the pass after it ended %s: %s", n, run.Status, run.Error)
		}
		within("a pass later")
		many := 50
		config := u.reload(t, u.dest).Config
		config.BrakeMost = &many
		if _, err := u.Update(t.Context(), admin, u.dest.ID, destinations.Change{Config: &config}, 0); err != nil {
			t.Fatal(err)
		}
		u.converges(t)
		return reads.Load()
	})
}

// anywhere tries with the first read lost, then with the second, and so on, until there were fewer
// reads than that.
func anywhere(t *testing.T, try func(n int64) (reads int64)) {
	t.Helper()
	failed := 0
	for n := int64(1); !t.Failed() && try(n) >= n; n++ {
		failed++
	}
	if failed < 10 {
		t.Errorf("%d reads failed only", failed)
	}
}
