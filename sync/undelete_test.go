package sync_test

import (
	"testing"
	"time"

	"github.com/your-org/keeper/fault"
	"github.com/your-org/keeper/models"
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
