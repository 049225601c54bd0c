package destinations_test

import (
	"strconv"
	"testing"
	"time"

	"github.com/your-org/keeper/destinations"
	"github.com/your-org/keeper/fault"
	"github.com/your-org/keeper/models"
	"github.com/your-org/keeper/sync/memory"
)

// hours works a destination's job whenever it is due, for so long, and counts the runs.
func (h *house) hours(t *testing.T, d models.Destination, now *time.Time, span time.Duration) int {
	t.Helper()
	before := len(h.allRuns(t, d))
	for end := now.Add(span); now.Before(end); {
		next := h.work(t, d)
		if !next.After(*now) {
			t.Fatalf("due at %v, now it is %v", next, *now)
		}
		*now = *next
	}
	return len(h.allRuns(t, d)) - before
}

func (h *house) allRuns(t *testing.T, d models.Destination) (all []models.SyncRun) {
	t.Helper()
	for cursor := ""; ; {
		runs, around, err := h.Runs(t.Context(), admin, destinations.RunQuery{DestinationID: d.ID, Cursor: cursor})
		if err != nil {
			t.Fatal(err)
		}
		if all = append(all, runs...); around.Next == "" {
			return all
		}
		cursor = around.Next
	}
}

// clock lets time stand, and go on when the test says so.
func (h *house) clock() *time.Time {
	now := time.Now().UTC().Truncate(time.Second)
	h.Now = func() time.Time { return now }
	return &now
}

// TestRefusedTogether: a destination that refuses many secrets for one cause is tried ever more
// seldom, for all of them together.
func TestRefusedTogether(t *testing.T) {
	h := sqlite(t)
	now := h.clock()
	d := h.destination(t, "one")
	const many = 40
	var all []models.Secret
	for i := range many {
		all = append(all, h.put(t, "team/s"+strconv.Itoa(i), "v"))
	}
	place := h.places.at("one")
	place.Inject(memory.Fault{Op: memory.OpPut, Kind: fault.Forbidden})
	first := h.hours(t, d, now, 10*time.Minute)
	if first < 4 {
		t.Errorf("%d runs in ten minutes: it is not tried again soon at first", first)
	}
	if later := h.hours(t, d, now, 2*time.Hour); later < 24 || later > 60 {
		t.Errorf("%d runs in two hours, want one every 2.5 to 5 minutes", later)
	}
	t.Run("ANewVersionIsTriedAtOnce", func(t *testing.T) {
		h.update(t, all[0], "w")
		h.work(t, d)
		if got := h.state(t, all[0], d); got.Attempts != 1 || got.IntentVersion != 2 || got.NextTryAt == nil || !got.NextTryAt.After(*now) {
			t.Errorf("state %+v, now it is %v", got, *now)
		}
		// And the others are not left to times of their own by that.
		if n := h.hours(t, d, now, time.Hour); n > 30 {
			t.Errorf("%d runs in the hour after", n)
		}
	})
	t.Run("ChangedSettingsAreTriedAtOnce", func(t *testing.T) {
		place.ClearFaults()
		if _, err := h.Update(t.Context(), admin, d.ID, destinations.Change{Credentials: &models.DestinationCredentials{}}, 0); err != nil {
			t.Fatal(err)
		}
		h.work(t, d)
		for _, s := range all {
			if got := h.state(t, s, d); got.Status != models.StatusInSync || got.Attempts != 0 {
				t.Fatalf("%s: %+v", s.Name, got)
			}
		}
	})
}

// TestRefusalsApart: what failed for another cause, or had to wait, keeps its own time.
func TestRefusalsApart(t *testing.T) {
	h := sqlite(t)
	now := h.clock()
	h.Jitter = func(below time.Duration) time.Duration { return below - 1 }
	d := h.destination(t, "one")
	place := h.places.at("one")
	place.Inject(memory.Fault{Op: memory.OpPut, Name: "production/a", Kind: fault.Forbidden})
	place.Inject(memory.Fault{Op: memory.OpPut, Name: "production/b", Kind: fault.Forbidden})
	h.put(t, "a", "v")
	h.put(t, "b", "v")
	h.hours(t, d, now, 40*time.Minute)
	busy := h.put(t, "busy", "v")
	place.Inject(memory.Fault{Op: memory.OpPut, Name: "production/busy", Kind: fault.Throttled, Times: 1})
	next := h.work(t, d)
	if got := h.state(t, busy, d); got.NextTryAt == nil || !next.Equal(*got.NextTryAt) || next.Sub(*now) > 10*time.Second {
		t.Errorf("busy: %+v, the next pass is at %v, now it is %v", got, next, *now)
	}
}
