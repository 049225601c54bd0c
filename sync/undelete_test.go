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

// TestRestoredThenChangedWithTheBrake has somebody write over each copy that Keeper restores, in
// the moment in which it does. To take over so many values is more than a run may by itself,
// though nobody could have counted them when it began.
func TestRestoredThenChangedWithTheBrake(t *testing.T) {
	w := newWorld(t)
	w.strategy = models.RemoteWins
	names := []string{"a", "b", "c"}
	for _, name := range names {
		w.book.put(name, "old")
	}
	w.run(t, true)
	for _, name := range names {
		w.book.remove(name)
	}
	w.run(t, true)
	for _, name := range names {
		w.book.undelete(name)
	}
	w.clock.pass(time.Hour)
	w.tape.after = func(op, name string) error {
		if op == "restore" {
			w.place.Edit(name, []byte("theirs "+name))
		}
		return nil
	}
	options := w.options(true)
	options.Brake = keepersync.Brake{Most: 2}
	if _, err := keepersync.Run(t.Context(), w.tape, w.book, options); err != nil {
		t.Fatal(err)
	}
	mustBe(t, "taken uncounted", w.book.taken, 0)
	w.tape.after = nil
	w.clock.pass(time.Hour)
	if _, err := keepersync.Run(t.Context(), w.tape, w.book, options); !errors.Is(err, keepersync.ErrBraked) {
		t.Errorf("the next run ended with %v", err)
	}
	mustBe(t, "taken", w.book.taken, 0)
	options.Brake = keepersync.Brake{Most: 3}
	if _, err := keepersync.Run(t.Context(), w.tape, w.book, options); err != nil {
		t.Error(err)
	}
	mustBe(t, "taken once it may", w.book.taken, 3)
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

// TestBroughtBackByWhom has Keeper's restore of a copy end without an answer, and the copy be
// there afterwards. Nothing tells whether Keeper did it or somebody else, who may want it: where
// people or the destination decide, a person is asked, and no side's value moves.
func TestBroughtBackByWhom(t *testing.T) {
	for _, strategy := range models.Strategies {
		for name, stranger := range map[string]bool{"Keeper": false, "Stranger": true} {
			t.Run(string(strategy)+"/"+name, func(t *testing.T) {
				w := newWorld(t)
				w.strategy = strategy
				w.book.put("a", "old")
				w.run(t, true)
				w.book.remove("a")
				w.run(t, true)
				w.clock.pass(time.Hour)
				w.book.undelete("a")
				w.book.put("a", "new")
				lost := func(op, _ string) error {
					if op != "restore" {
						return nil
					}
					return broken(fault.Unavailable)
				}
				w.tape.before, w.tape.after = nil, lost
				if stranger {
					w.tape.before, w.tape.after = lost, nil
				}
				w.run(t, true)
				w.tape.before, w.tape.after = nil, nil
				if stranger {
					there, _ := w.place.Get("keeper/a")
					if _, err := w.tape.Driver.Restore(t.Context(), there.Remote); err != nil {
						t.Fatal(err)
					}
				}
				w.clock.pass(time.Hour)
				counts := w.run(t, true)
				there, _ := w.place.Get("keeper/a")
				mustBe(t, "versions in Keeper", len(w.book.rows[1].versions), 2)
				if strategy == models.KeeperWins {
					mustBe(t, "value", string(there.Value), "new")
					mustBe(t, "counted with what takes something away", w.book.last("a").Lost, 1)
					return
				}
				mustBe(t, "held", counts.Held, 1)
				mustBe(t, "value", string(there.Value), "old")
				w.book.rule("a", models.SideKeeper, there.Remote.Version)
				w.run(t, true)
				there, _ = w.place.Get("keeper/a")
				mustBe(t, "value after the decision", string(there.Value), "new")
			})
		}
	}
}

// TestBroughtBackThenDeleted has the secret be deleted again before anybody knows who brought
// its copy back: what may be somebody else's stays. What Keeper knows to have brought back goes.
func TestBroughtBackThenDeleted(t *testing.T) {
	for name, lost := range map[string]bool{"Lost": true, "Known": false} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t)
			w.book.put("a", "old")
			w.run(t, true)
			w.book.remove("a")
			w.run(t, true)
			w.clock.pass(time.Hour)
			w.book.undelete("a")
			w.book.put("a", "new")
			w.tape.after = func(op, _ string) error {
				if lost && op == "restore" {
					return broken(fault.Unavailable)
				}
				return nil
			}
			w.tape.before = func(op, _ string) error {
				if op == "put" {
					return broken(fault.Unavailable)
				}
				return nil
			}
			w.run(t, true)
			w.tape.after = nil
			w.book.remove("a")
			w.tape.before = func(op, _ string) error { // the first deletion fails
				if op == "delete" {
					return broken(fault.Unavailable)
				}
				return nil
			}
			w.clock.pass(time.Hour)
			w.run(t, true)
			w.tape.before = nil
			w.clock.pass(time.Hour)
			w.run(t, true)
			there, _ := w.place.Get("keeper/a")
			mustBe(t, "deleted", there.Remote.Deleted, !lost)
			if lost {
				mustBe(t, "status", w.book.last("a").Status, models.StatusConflict)
			}
		})
	}
}
