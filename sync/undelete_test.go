package sync_test

import (
	"errors"
	"testing"
	"time"

	"github.com/your-org/keeper/fault"
	"github.com/your-org/keeper/models"
	keepersync "github.com/your-org/keeper/sync"
	"github.com/your-org/keeper/sync/memory"
)

// TestUndeleted has a secret deleted everywhere come back with a newer value. Keeper deleted
// the copy itself, so nobody has to decide; and the old value, which comes back for a moment,
// never counts for somebody else's, even if Keeper dies before it has written over it.
func TestUndeleted(t *testing.T) {
	for _, strategy := range models.Strategies {
		for _, fails := range []bool{false, true} {
			w := newWorld(t)
			w.strategy = strategy
			w.book.put("a", "old")
			w.run(t, true)
			w.clock.pass(time.Hour)
			w.book.remove("a")
			w.run(t, true)
			w.clock.pass(time.Hour)
			w.book.undelete("a")
			w.book.put("a", "new")
			if fails {
				w.place.Inject(memory.Fault{Op: memory.OpPut, Kind: fault.Unavailable, Times: 1})
				w.run(t, true)
				w.clock.pass(time.Hour)
			}
			w.tape.rewind()
			w.run(t, true)
			mustBe(t, string(strategy)+": status", w.book.last("a").Status, models.StatusInSync)
			mustBe(t, string(strategy)+": versions", len(w.book.rows[w.book.byName["a"].entry.SecretID].versions), 2)
			w.settle(t)
			w.check(t)
		}
	}
}

// TestRestoredThenChanged has somebody write where Keeper has just restored a copy: that is a
// value of its own, to which the strategy applies.
func TestRestoredThenChanged(t *testing.T) {
	w := newWorld(t)
	w.strategy = models.ManualWins
	w.book.put("a", "old")
	w.run(t, true)
	w.book.remove("a")
	w.run(t, true)
	w.book.undelete("a")
	w.book.put("a", "new")
	w.place.Inject(memory.Fault{Op: memory.OpPut, Kind: fault.Unavailable, Times: 1})
	w.run(t, true)
	w.place.Edit("keeper/a", []byte("theirs"))
	w.clock.pass(time.Hour)
	mustBe(t, "held", w.run(t, true).Held, 1)
	there, _ := w.place.Get("keeper/a")
	mustBe(t, "value", string(there.Value), "theirs")
}

// TestUndeletedWhileDeleted has a secret come back while its copy is being deleted. A listing
// from before that still shows the copy as Keeper left it; Keeper does not believe it, whether
// it lived to keep what became of the deletion or not, and brings the copy back unasked.
func TestUndeletedWhileDeleted(t *testing.T) {
	for name, dies := range map[string]bool{"Recorded": false, "Died": true} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t)
			w.strategy = models.ManualWins
			w.book.put("a", "value")
			w.run(t, true)
			w.clock.pass(time.Hour)
			w.book.remove("a")
			w.place.HoldListing()
			w.tape.after = func(op, _ string) error {
				if op != "delete" {
					return nil
				}
				w.book.undelete("a")
				w.book.failWith(func(call string, _ keepersync.Entry) error {
					if dies && call == "record" {
						return errDead
					}
					return nil
				})
				return nil
			}
			_, err := keepersync.Run(t.Context(), w.tape, w.book, w.options(false))
			if errors.Is(err, errDead) != dies {
				t.Fatalf("the run that deletes ended with %v", err)
			}
			w.tape.after = nil
			w.book.failWith(nil)
			if there, _ := w.place.Get("keeper/a"); !there.Remote.Deleted {
				t.Fatal("nothing was deleted")
			}

			w.clock.pass(time.Minute)
			w.tape.before = func(op, _ string) error {
				if op == "describe" {
					return broken(fault.Unavailable)
				}
				return nil
			}
			w.run(t, true)
			mustBe(t, "status where nobody can ask", w.book.last("a").Status, models.StatusUnknown)
			w.tape.before = nil
			w.run(t, true)
			w.place.ReleaseListing()
			w.settle(t)
			w.check(t)
		})
	}
}

// TestUndeletedThenChanged has a deletion fail, the secret come back, and somebody change the
// copy: that is a value of its own, to which the strategy applies.
func TestUndeletedThenChanged(t *testing.T) {
	w := newWorld(t)
	w.strategy = models.ManualWins
	w.book.put("a", "value")
	w.run(t, true)
	w.book.remove("a")
	w.tape.before = func(op, _ string) error {
		if op == "delete" {
			return broken(fault.Forbidden)
		}
		return nil
	}
	w.run(t, true)
	mustBe(t, "version that still stands there", w.book.entry("a").Base.Version, 1)
	w.tape.before = nil
	w.book.undelete("a")
	w.clock.pass(time.Hour)
	w.run(t, true)
	mustBe(t, "status of what was not deleted", w.book.last("a").Status, models.StatusInSync)
	w.book.remove("a")
	w.place.Edit("keeper/a", []byte("theirs"))
	w.clock.pass(time.Hour)
	w.run(t, true)
	there, _ := w.place.Get("keeper/a")
	mustBe(t, "value", string(there.Value), "theirs")
	mustBe(t, "deleted", there.Remote.Deleted, false)
}
