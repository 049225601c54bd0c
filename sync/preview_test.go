package sync_test

import (
	"errors"
	"fmt"
	"maps"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/your-org/keeper/fault"
	"github.com/your-org/keeper/models"
	keepersync "github.com/your-org/keeper/sync"
	"github.com/your-org/keeper/sync/memory"
)

// plan is what a preview says, by the secret's name: "status/action".
func (w *world) plan(t *testing.T, full bool) (told map[string]string, approved map[models.SecretID]keepersync.Approval) {
	t.Helper()
	told, approved = map[string]string{}, map[models.SecretID]keepersync.Approval{}
	_, err := keepersync.Preview(t.Context(), w.tape, w.book, w.options(full), func(items []keepersync.Item) error {
		for _, item := range items {
			told[item.Entry.Name] = string(item.Status) + "/" + string(item.Action)
			if item.Problem == nil {
				approved[item.Entry.SecretID] = item.Approve()
			}
		}
		return nil
	})
	if err != nil {
		t.Fatalf("preview: %v", err)
	}
	return told, approved
}

// busy is a world in which something of each kind is to be done.
func busy(t *testing.T) *world {
	t.Helper()
	w := newWorld(t)
	for _, n := range []string{"same", "changed", "drifted", "gone", "removed"} {
		w.book.put(n, "old "+n)
	}
	w.run(t, true)
	w.clock.pass(time.Hour)
	w.book.put("changed", "new")
	w.book.put("new", "value")
	w.book.put("taken", "value")
	w.book.remove("removed")
	w.place.Edit("keeper/drifted", []byte("theirs"))
	w.place.Edit("keeper/taken", []byte("foreign"))
	w.place.Purge("keeper/gone")
	return w
}

func TestPreview(t *testing.T) {
	w := busy(t)
	w.tape.rewind()
	before := len(w.book.outcomes)
	got, _ := w.plan(t, true)
	want := map[string]string{
		"changed": "source_changed/update", "new": "source_changed/create", "taken": "foreign/refuse",
		"drifted": "drifted/repair", "gone": "missing/repair", "removed": "orphaned/delete",
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
	if changes := w.tape.changes(); len(changes) > 0 || len(w.book.outcomes) != before || w.book.opened > 5 {
		t.Errorf("a preview changed something: %v", changes)
	}
}

func TestApply(t *testing.T) {
	apply := func(w *world, t *testing.T, approved map[models.SecretID]keepersync.Approval) error {
		options := w.options(true)
		options.Approved = approved
		w.tape.rewind()
		_, err := keepersync.Run(t.Context(), w.tape, w.book, options)
		return err
	}
	t.Run("Exactly", func(t *testing.T) {
		w := busy(t)
		_, approved := w.plan(t, true)
		w.book.put("later", "came after the plan")
		if err := apply(w, t, approved); err != nil {
			t.Fatal(err)
		}
		if _, there := w.place.Get("keeper/later"); there {
			t.Error("did what was not in the plan")
		}
		got, _ := w.plan(t, true)
		want := map[string]string{"later": "source_changed/create", "taken": "foreign/refuse"}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Error(diff)
		}
	})
	for name, move := range map[string]func(*world){
		"ChangedInKeeper":   func(w *world) { w.book.put("changed", "newer still") },
		"ChangedThere":      func(w *world) { w.place.Edit("keeper/drifted", []byte("theirs again")) },
		"AppearedThere":     func(w *world) { w.place.Edit("keeper/new", []byte("foreign")) },
		"UndeletedInKeeper": func(w *world) { w.book.undelete("removed") },
		"DeletedInKeeper":   func(w *world) { w.book.remove("new") },
		"PutRightMeanwhile": func(w *world) { w.place.Edit("keeper/changed", []byte("new")) },
		"CannotBeLookedAt": func(w *world) {
			w.place.Inject(memory.Fault{Op: memory.OpDescribe, Kind: fault.Unavailable, Times: 99})
		},
		"OneSecretIsNowEmpty": func(w *world) { w.place.Purge("keeper/drifted") },
	} {
		t.Run(name, func(t *testing.T) {
			w := busy(t)
			_, approved := w.plan(t, true)
			move(w)
			err := apply(w, t, approved)
			if !fault.Is(err, fault.Stale) && !fault.Is(err, fault.Unavailable) {
				t.Errorf("got %v, want a refusal", err)
			}
			if changes := w.tape.changes(); len(changes) > 0 {
				t.Errorf("did %v before it refused", changes)
			}
		})
	}
	t.Run("SecretGone", func(t *testing.T) {
		w := busy(t)
		_, approved := w.plan(t, true)
		approved[99] = keepersync.Approval{Action: models.ActionCreate, Version: 1}
		if err := apply(w, t, approved); !fault.Is(err, fault.Stale) {
			t.Errorf("got %v, want Stale", err)
		}
	})
}

func TestBrake(t *testing.T) {
	const n = 20
	brake := keepersync.Brake{Most: 15, Percent: 50}
	setUp := func(t *testing.T) *world {
		w := newWorld(t)
		for _, name := range names(n) {
			w.book.put(name, "value")
		}
		w.run(t, true)
		w.clock.pass(time.Hour)
		return w
	}
	edits := func(k int) func(*world) {
		return func(w *world) {
			for _, name := range names(k) {
				w.place.Edit("keeper/"+name, []byte("theirs"))
			}
		}
	}
	removes := func(k int) func(*world) {
		return func(w *world) {
			for _, name := range names(k) {
				w.book.remove(name)
			}
		}
	}
	for _, row := range []struct {
		name  string
		do    func(*world)
		full  bool
		stops bool
	}{
		{"a few edits", edits(10), true, false},
		{"too large a share of edits", edits(11), true, true},
		{"a few removals", removes(10), false, false},
		{"too large a share of removals", removes(11), false, true},
		{"both together", func(w *world) {
			removes(6)(w)
			for _, name := range names(n)[n-5:] {
				w.place.Edit("keeper/"+name, []byte("theirs"))
			}
		}, true, true},
		{"changes in Keeper take nothing away", func(w *world) {
			for _, name := range names(n) {
				w.book.put(name, "newer")
			}
		}, false, false},
		{"what is gone there takes nothing away", func(w *world) {
			for _, name := range names(n) {
				w.place.Purge("keeper/" + name)
			}
		}, true, false},
		{"edits to the desired value", func(w *world) {
			for _, name := range names(n) {
				w.place.Edit("keeper/"+name, []byte("value"))
			}
		}, true, false},
	} {
		t.Run(row.name, func(t *testing.T) {
			w := setUp(t)
			row.do(w)
			options := w.options(row.full)
			options.Brake = brake
			w.tape.rewind()
			_, err := keepersync.Run(t.Context(), w.tape, w.book, options)
			if stops := errors.Is(err, keepersync.ErrBraked); stops != row.stops || err != nil && !stops {
				t.Fatalf("got %v, want a stop: %t", err, row.stops)
			}
			if changes := w.tape.changes(); row.stops && len(changes) > 0 {
				t.Errorf("did %v before it stopped", changes)
			}
			if row.stops {
				_, approved := w.plan(t, row.full)
				options.Approved, options.Brake = approved, keepersync.Brake{}
				if _, err := keepersync.Run(t.Context(), w.tape, w.book, options); err != nil {
					t.Fatalf("the held plan could not be applied: %v", err)
				}
				w.settle(t)
				w.check(t)
			}
		})
	}
}

// TestBrakeWhileUnderWay has more be deleted in Keeper, after the brake looked, than a run may
// take away.
func TestBrakeWhileUnderWay(t *testing.T) {
	w := newWorld(t)
	for _, name := range names(20) {
		w.book.put(name, "value")
	}
	w.run(t, true)
	w.clock.pass(time.Hour)
	w.book.failWith(func(call string, _ keepersync.Entry) error {
		if call == "entries" { // the brake's own look has begun
			w.book.failWith(nil)
			for _, name := range names(16) {
				w.book.remove(name)
			}
		}
		return nil
	})
	options := w.options(true)
	options.Brake = keepersync.Brake{Most: 15}
	w.tape.rewind()
	if _, err := keepersync.Run(t.Context(), w.tape, w.book, options); !errors.Is(err, keepersync.ErrBraked) {
		t.Errorf("got %v, want a stop", err)
	}
	if changes := w.tape.changes(); len(changes) > 0 {
		t.Errorf("did %v", changes)
	}
}

// TestBrakeOnTheSameAgain has copies be deleted that earlier runs took something away of already:
// that this is no more beside what those took does not exempt the run.
func TestBrakeOnTheSameAgain(t *testing.T) {
	for _, row := range []struct {
		name          string
		earlier, gone int // names
		most          int
		stops         bool
	}{
		{"no more than before", 3, 3, 3, false},
		{"one more than before", 3, 4, 3, true},
		{"more than the brake allows by now", 3, 3, 2, true},
		{"one of too many", 3, 1, 2, true},
		{"nothing after too many", 3, 0, 2, false},
	} {
		t.Run(row.name, func(t *testing.T) {
			w := newWorld(t)
			options := w.options(true)
			options.Brake, options.Taken = keepersync.Brake{Most: row.most}, map[models.SecretID]int{}
			for i, name := range names(8) {
				if id := w.book.put(name, "value"); i < row.earlier {
					options.Taken[id] = 1
				}
			}
			w.run(t, true)
			for _, name := range names(row.gone) {
				w.book.remove(name)
			}
			w.tape.rewind()
			_, err := keepersync.Run(t.Context(), w.tape, w.book, options)
			if stops := errors.Is(err, keepersync.ErrBraked); stops != row.stops || err != nil && !stops {
				t.Errorf("got %v, want a stop: %t", err, row.stops)
			}
			if changes := w.tape.changes(); row.stops == (len(changes) > 0) && row.gone > 0 {
				t.Errorf("did %v", changes)
			}
		})
	}
}

// TestBrakeOnTakes: a destination that was put back to an old state does not put Keeper back.
func TestBrakeOnTakes(t *testing.T) {
	w := newWorld(t)
	w.strategy = models.RemoteWins
	for _, name := range names(12) {
		w.book.put(name, "value")
	}
	w.run(t, true)
	w.clock.pass(time.Hour)
	for _, name := range names(12) {
		w.place.Edit("keeper/"+name, []byte("of last year"))
	}
	options := w.options(true)
	options.Brake = keepersync.Brake{Most: 11}
	if _, err := keepersync.Run(t.Context(), w.tape, w.book, options); !errors.Is(err, keepersync.ErrBraked) || w.book.taken != 0 {
		t.Errorf("got %v with %d values taken, want the brake to stop it", err, w.book.taken)
	}
	options.Brake.Most = 12
	if _, err := keepersync.Run(t.Context(), w.tape, w.book, options); err != nil || w.book.taken != 12 {
		t.Errorf("got %v with %d values taken", err, w.book.taken)
	}
}

// TestBrakeAtEachRead has each read fail where the brake would have to know: what cannot be
// looked at is not taken away either.
func TestBrakeAtEachRead(t *testing.T) {
	for _, op := range []memory.Op{memory.OpList, memory.OpDescribe, memory.OpFetch} {
		t.Run(fmt.Sprint(op), func(t *testing.T) {
			w := newWorld(t)
			for _, name := range names(12) {
				w.book.put(name, "value")
			}
			w.run(t, true)
			w.clock.pass(time.Hour)
			kept := map[string]string{}
			for _, name := range names(12) {
				w.place.Edit("keeper/"+name, []byte("theirs "+name))
				kept[name] = "theirs " + name
			}
			w.place.Inject(memory.Fault{Op: op, Kind: fault.Unavailable, Times: 1000})
			options := w.options(true)
			options.Brake = keepersync.Brake{Most: 5}
			_, _ = keepersync.Run(t.Context(), w.tape, w.book, options)
			got := maps.Clone(kept)
			for name := range got {
				there, _ := w.place.Get("keeper/" + name)
				got[name] = string(there.Value)
			}
			if diff := cmp.Diff(kept, got); diff != "" {
				t.Error(diff)
			}
		})
	}
}

func TestTake(t *testing.T) {
	setUp := func(t *testing.T) *world {
		w := newWorld(t)
		w.strategy = models.RemoteWins
		w.book.put("n", "one")
		w.run(t, true)
		w.clock.pass(time.Hour)
		w.place.Edit("keeper/n", []byte("theirs"))
		return w
	}
	t.Run("OK", func(t *testing.T) {
		w := setUp(t)
		counts := w.run(t, true)
		mustBe(t, "taken", counts.Taken, 1)
		mustBe(t, "desired", w.book.entry("n").Desired.Version, 2)
		w.settle(t)
		w.check(t)
		mustBe(t, "versions made", w.book.taken, 1)
	})
	t.Run("ChangedMeanwhileThere", func(t *testing.T) {
		w := setUp(t)
		edited := false
		w.tape.before = func(op, _ string) error {
			if op == "fetch" && w.book.hashed > 1 && !edited { // the second read: the one that takes
				edited = true
				w.place.Edit("keeper/n", []byte("theirs, later"))
			}
			return nil
		}
		w.run(t, true)
		w.settle(t)
		w.check(t)
		there, _ := w.place.Get("keeper/n")
		mustBe(t, "there", string(there.Value), "theirs, later")
	})
	t.Run("ChangedMeanwhileInKeeper", func(t *testing.T) {
		w := setUp(t)
		w.book.failWith(func(call string, _ keepersync.Entry) error {
			if call == "take" {
				w.book.failWith(nil)
				w.book.put("n", "two")
			}
			return nil
		})
		w.run(t, true)
		w.settle(t)
		w.check(t)
		if versions := w.book.byName["n"].versions; versions[1] != "two" {
			t.Errorf("an acknowledged version is lost: %v", versions)
		}
	})
	t.Run("Refused", func(t *testing.T) {
		w := setUp(t)
		w.book.failWith(func(call string, _ keepersync.Entry) error {
			if call == "take" {
				return fault.New(fault.Invalid, "not of the secret's type")
			}
			return nil
		})
		counts := w.run(t, true)
		mustBe(t, "failed", counts.Failed, 1)
		mustBe(t, "status", w.book.entry("n").Status, models.StatusDrifted)
	})
}

// TestHeld has a drift wait for a person, be shown, and be put right as the person says.
func TestHeld(t *testing.T) {
	w := newWorld(t)
	w.strategy = models.ManualWins
	w.book.put("n", "one")
	w.run(t, true)
	w.clock.pass(time.Hour)
	w.place.Edit("keeper/n", []byte("theirs"))
	for range 2 {
		counts := w.run(t, true)
		mustBe(t, "held", counts.Held, 1)
	}
	last := w.book.last("n")
	if last.Status != models.StatusDrifted || last.Err != nil || string(last.Seen.Hash) != string(hash("theirs")) || last.Seen.Size != 6 {
		t.Errorf("got %+v", last)
	}
	w.decide(models.SideKeeper)
	w.run(t, true)
	w.strategy = models.ManualWins
	w.settle(t)
	w.check(t)
	mustBe(t, "versions made", w.book.taken, 0)
}
