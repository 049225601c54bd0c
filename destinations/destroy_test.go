package destinations_test

import (
	"testing"
	"time"

	"github.com/your-org/keeper/fault"
	"github.com/your-org/keeper/models"
	"github.com/your-org/keeper/store/storetest"
	keepersync "github.com/your-org/keeper/sync"
	"github.com/your-org/keeper/sync/memory"
)

// deletedAt is a house with a secret that was deleted in Keeper and at a destination that
// destroys after so many days, and a clock.
func deletedAt(t *testing.T, dialect string, days int) (h *house, d models.Destination, s models.Secret, later func(time.Duration)) {
	t.Helper()
	h = newHouse(t, storetest.Open(t, dialect))
	now := time.Now()
	h.Service.Now = func() time.Time { return now }
	d = h.with(t, "vault", func(c *models.DestinationConfig) { c.DestroyDays = days })
	s = h.put(t, "a", "v")
	h.put(t, "b", "stays")
	h.work(t, d)
	if _, err := h.secrets.Delete(t.Context(), admin, s.ID, 0); err != nil {
		t.Fatal(err)
	}
	h.work(t, d)
	if got, _ := h.places.at("vault").Get("production/a"); !got.Remote.Deleted {
		t.Fatalf("after the deletion: %+v", got.Remote)
	}
	return h, d, s, func(by time.Duration) { now = now.Add(by) }
}

const day = 24 * time.Hour

func (h *house) destroyed(t *testing.T) int {
	t.Helper()
	n := 0
	for _, action := range h.actions(t) {
		if action == "sync.destroy allowed" {
			n++
		}
	}
	return n
}

func TestDestroy(t *testing.T) {
	value := func(h *house) string {
		got, _ := h.places.at("vault").Get("production/a")
		return string(got.Value)
	}
	for _, dialect := range storetest.Dialects {
		t.Run(dialect, func(t *testing.T) {
			h, d, _, later := deletedAt(t, dialect, 7)
			later(7*day - time.Minute)
			if h.full(t, d); value(h) != "v" || h.destroyed(t) != 0 {
				t.Error("destroyed too early")
			}
			later(time.Hour)
			if run := h.full(t, d); value(h) != "" || h.destroyed(t) != 1 || run.Hint != "" {
				t.Errorf("after seven days: %q, %d on record, run %+v", value(h), h.destroyed(t), run)
			}
			h.stands(t, "vault", "production/b", "stays")
			later(day)
			if h.full(t, d); h.destroyed(t) != 1 {
				t.Error("destroyed again")
			}
		})
	}
	t.Run("Never", func(t *testing.T) {
		h, d, _, later := deletedAt(t, storetest.Dialects[0], 0)
		later(4000 * day)
		if h.full(t, d); value(h) != "v" {
			t.Error("destroyed without being asked for")
		}
	})
	t.Run("PurgedFromKeeper", func(t *testing.T) {
		h, d, s, later := deletedAt(t, storetest.Dialects[0], 7)
		h.secrets.Now = func() time.Time { return time.Now().Add(2 * time.Hour) }
		if err := h.secrets.Purge(t.Context()); err != nil {
			t.Fatal(err)
		}
		if _, _, err := h.secrets.Get(t.Context(), admin, s.ID); !fault.Is(err, fault.NotFound) {
			t.Fatalf("the secret is still there: %v", err)
		}

		later(8 * day)
		if h.full(t, d); value(h) != "" || h.destroyed(t) != 1 {
			t.Error("not destroyed after the secret had gone from Keeper")
		}
	})
	t.Run("UndeletedThere", func(t *testing.T) {
		h, d, _, later := deletedAt(t, storetest.Dialects[0], 7)
		h.places.at("vault").Edit("production/a", []byte("theirs"))
		later(8 * day)
		if h.full(t, d); value(h) != "theirs" || h.destroyed(t) != 0 {
			t.Errorf("destroyed what somebody else wrote: %q", value(h))
		}
	})
	t.Run("UndeletedInKeeper", func(t *testing.T) {
		h, d, s, later := deletedAt(t, storetest.Dialects[0], 7)
		if _, err := h.secrets.Undelete(t.Context(), admin, s.ID); err != nil {
			t.Fatal(err)
		}
		later(8 * day)
		if h.full(t, d); value(h) != "v" || h.destroyed(t) != 0 {
			t.Errorf("destroyed what was undeleted: %q", value(h))
		}
		h.stands(t, "vault", "production/a", "v")
	})
	t.Run("AnothersMark", func(t *testing.T) {
		h, d, _, later := deletedAt(t, storetest.Dialects[0], 7)
		h.places.at("vault").Unmark("production/a")
		later(8 * day)
		if h.full(t, d); value(h) != "v" || h.destroyed(t) != 0 {
			t.Error("destroyed what no longer bears Keeper's mark")
		}
	})
	t.Run("FailsAndIsTriedAgain", func(t *testing.T) {
		h, d, _, later := deletedAt(t, storetest.Dialects[0], 7)
		later(8 * day)
		h.places.at("vault").Inject(memory.Fault{Op: memory.OpDestroy, Kind: fault.Forbidden, Times: 1})
		if run := h.full(t, d); value(h) != "v" || h.destroyed(t) != 0 || run.Hint == "" || run.Status != models.RunSucceeded {
			t.Errorf("%q, run %+v", value(h), run)
		}
		later(time.Second)
		if run := h.full(t, d); value(h) != "" || h.destroyed(t) != 1 || run.Hint != "" {
			t.Errorf("%q, run %+v", value(h), run)
		}
	})
	t.Run("TheAnswerIsLost", func(t *testing.T) {
		h, d, _, later := deletedAt(t, storetest.Dialects[0], 7)
		later(8 * day)
		h.places.at("vault").Inject(memory.Fault{Op: memory.OpDestroy, Kind: fault.Unavailable, Acted: true, Times: 1})
		h.full(t, d)
		if h.full(t, d); value(h) != "" || h.destroyed(t) != 1 {
			t.Errorf("%q, %d on record", value(h), h.destroyed(t))
		}
	})
	// Who restored it, used it and deleted it has days of their own.
	t.Run("DeletedThereAgain", func(t *testing.T) {
		h, d, s, later := deletedAt(t, storetest.Dialects[0], 7)
		place := h.places.at("vault")
		place.SetClock(func() time.Time { return time.Now().Add(6 * day) })
		stranger := memory.New(memory.Options{Place: place})
		there, err := stranger.Restore(t.Context(), keepersync.Remote{Name: "production/a", Mark: keepersync.Mark{Owner: "keeper_test", Destination: d.ID, Secret: s.ID}})
		if err != nil {
			t.Fatal(err)
		}
		if _, err := stranger.Delete(t.Context(), there); err != nil {
			t.Fatal(err)
		}
		later(8 * day)
		if h.full(t, d); value(h) != "v" || h.destroyed(t) != 0 {
			t.Errorf("destroyed what was deleted two days ago: %q", value(h))
		}
	})
	// An entry of several secrets is wanted again, and cannot be restored for the moment.
	t.Run("AGroupIsBack", func(t *testing.T) {
		h := sqlite(t)
		now := time.Now()
		h.Service.Now = func() time.Time { return now }
		d := h.with(t, "one", func(c *models.DestinationConfig) {
			c.Shape, c.BrakeMost, c.DestroyDays = models.ShapeBundle, new(0), 7
		})
		s := h.put(t, "a", "v")
		h.work(t, d)
		h.delete(t, s)
		h.work(t, d)
		if h.entry(t, "production/production") != nil {
			t.Fatal("the entry was not deleted")
		}
		if _, err := h.secrets.Undelete(t.Context(), admin, s.ID); err != nil {
			t.Fatal(err)
		}
		now = now.Add(8 * day)
		h.places.at("one").Inject(memory.Fault{Op: memory.OpRestore, Kind: fault.Forbidden})
		h.full(t, d)
		if there, _ := h.places.at("one").Get("production/production"); len(there.Value) == 0 || h.destroyed(t) != 0 {
			t.Error("destroyed what is wanted again")
		}
	})
	t.Run("TheDestinationIsRemoved", func(t *testing.T) {
		h, d, _, _ := deletedAt(t, storetest.Dialects[0], 7)
		if err := h.Service.Delete(t.Context(), admin, d.ID); err != nil {
			t.Error(err)
		}
	})
}
