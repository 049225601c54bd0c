package sync_test

import (
	"errors"
	"slices"
	"testing"
	"time"

	"github.com/your-org/keeper/fault"
	"github.com/your-org/keeper/models"
	keepersync "github.com/your-org/keeper/sync"
	"github.com/your-org/keeper/sync/memory"
)

// TestSparingLeavesAlone: whatever takes something away waits for the brake's look, in each of its
// kinds, and keeps nothing else from being written.
func TestSparingLeavesAlone(t *testing.T) {
	const n, lossy = 100, 5
	for _, row := range []struct {
		name     string
		strategy models.Strategy
		lose     func(w *world, name string)
		intact   func(w *world, name string) bool
	}{
		{
			"deleted", models.KeeperWins,
			func(w *world, name string) { w.book.remove(name) },
			func(w *world, name string) bool {
				there, ok := w.place.Get("keeper/" + name)
				return ok && !there.Remote.Deleted
			},
		},
		{
			"written over", models.KeeperWins,
			func(w *world, name string) { w.book.put(name, "newer"); w.place.Edit("keeper/"+name, []byte("theirs")) },
			func(w *world, name string) bool {
				there, _ := w.place.Get("keeper/" + name)
				return string(there.Value) == "theirs"
			},
		},
		{
			"taken", models.RemoteWins,
			func(w *world, name string) { w.book.put(name, "newer"); w.place.Edit("keeper/"+name, []byte("theirs")) },
			func(w *world, name string) bool { return w.book.entry(name).Desired.Version == 2 },
		},
		{
			"left out of an entry that several share", models.KeeperWins,
			func(w *world, name string) {
				w.book.put(name, "newer")
				w.book.change(name, func(r *row) { r.entry.Values, r.entry.Fewer = 2, 1 })
			},
			func(w *world, name string) bool {
				there, _ := w.place.Get("keeper/" + name)
				return string(there.Value) == "value"
			},
		},
	} {
		t.Run(row.name, func(t *testing.T) {
			w := newWorld(t)
			w.strategy = row.strategy
			all := names(n)
			for _, name := range all {
				w.book.put(name, "value")
			}
			w.run(t, true)
			w.clock.pass(time.Hour)
			for i, name := range all {
				if i%20 == 0 { // in both of the engine's looks
					row.lose(w, name)
				} else {
					w.book.put(name, "newer")
				}
			}
			options := w.options(false)
			options.Brake = keepersync.Brake{Most: lossy - 1}
			if _, err := keepersync.Run(t.Context(), w.tape, w.book, options); !errors.Is(err, keepersync.ErrBraked) {
				t.Fatalf("got %v, want a stop", err)
			}
			for i, name := range all {
				if i%20 == 0 {
					mustBe(t, name+" intact", row.intact(w, name), true)
					continue
				}
				there, _ := w.place.Get("keeper/" + name)
				mustBe(t, name, string(there.Value), "newer")
			}
		})
	}
}

// TestSparingCountsNoneUnseen has somebody write over each copy in the moment in which Keeper
// restores it, beside so much that the brake has to look: what turns out to take something away
// waits for the count too.
func TestSparingCountsNoneUnseen(t *testing.T) {
	w := newWorld(t)
	w.strategy = models.RemoteWins
	back, gone, newer := []string{"a", "b", "c"}, []string{"x", "y"}, names(5)
	for _, name := range slices.Concat(back, gone, newer) {
		w.book.put(name, "old")
	}
	w.run(t, true)
	for _, name := range back {
		w.book.remove(name)
	}
	w.run(t, true)
	w.clock.pass(time.Hour)
	for _, name := range back {
		w.book.undelete(name)
		w.book.put(name, "new")
	}
	for _, name := range gone {
		w.book.remove(name)
	}
	for _, name := range newer {
		w.book.put(name, "new")
	}
	w.tape.after = func(op, name string) error {
		if op == "restore" {
			w.place.Edit(name, []byte("theirs"))
		}
		return nil
	}
	w.place.ResetCalls()
	options := w.options(false)
	options.Brake = keepersync.Brake{Most: 4}
	_, err := keepersync.Run(t.Context(), w.tape, w.book, options)
	mustBe(t, "stopped", errors.Is(err, keepersync.ErrBraked), true)
	mustBe(t, "restored", w.place.Calls()[memory.OpRestore], 3)
	mustBe(t, "taken", w.book.taken, 0)
	mustBe(t, "deleted", w.place.Calls()[memory.OpDelete], 0)
}

// TestSparingFails: what ends the run before the brake has counted ends all of it.
func TestSparingFails(t *testing.T) {
	for _, call := range []string{"intend", "record"} {
		t.Run(call, func(t *testing.T) {
			w := newWorld(t)
			for _, name := range names(10) {
				w.book.put(name, "value")
			}
			w.run(t, true)
			w.clock.pass(time.Hour)
			for i, name := range names(10) {
				if i < 5 {
					w.book.remove(name)
				} else {
					w.book.put(name, "newer")
				}
			}
			failed := false
			w.book.failWith(func(c string, _ keepersync.Entry) error {
				if c != call || failed {
					return nil
				}
				failed = true
				return broken(fault.Unavailable)
			})
			w.place.ResetCalls()
			options := w.options(false)
			options.Brake = keepersync.Brake{Most: 5}
			_, err := keepersync.Run(t.Context(), w.tape, w.book, options)
			mustBe(t, "ended as it had to", fault.Is(err, fault.Unavailable), true)
			mustBe(t, "deleted", w.place.Calls()[memory.OpDelete], 0)
		})
	}
}
