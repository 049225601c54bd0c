package sync_test

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/your-org/keeper/fault"
	"github.com/your-org/keeper/models"
	keepersync "github.com/your-org/keeper/sync"
	"github.com/your-org/keeper/sync/memory"
)

// troubled is a world with one secret in each state that there is, before a run.
func troubled(t *testing.T) *world {
	t.Helper()
	w := newWorld(t)
	for _, n := range []string{"same", "changed", "drifted", "both", "purged", "removed", "deleted", "undeleted", "held", "unmarked"} {
		w.book.put(n, "old "+n)
	}
	w.run(t, true)
	w.book.remove("undeleted")
	w.run(t, true)
	w.clock.pass(time.Hour)
	w.book.put("new", "new")
	w.book.put("changed", "new")
	w.place.Edit("keeper/drifted", []byte("theirs"))
	w.place.Edit("keeper/both", []byte("theirs"))
	w.book.put("both", "new")
	w.place.Purge("keeper/purged")
	w.place.Remove("keeper/removed")
	w.book.remove("deleted")
	w.book.undelete("undeleted")
	w.place.Edit("keeper/held", []byte("theirs"))
	w.book.remove("held")
	w.book.put("foreign", "ours")
	w.place.Edit("keeper/foreign", []byte("theirs"))
	w.place.Unmark("keeper/unmarked")
	w.book.put("unmarked", "new")
	w.tape.rewind()
	return w
}

// untouched are the names that no run may change, whatever happens.
var untouched = []string{"keeper/held", "keeper/foreign", "keeper/unmarked"}

func (w *world) checkUntouched(t *testing.T) {
	t.Helper()
	for _, c := range w.tape.changes() {
		_, name, _ := strings.Cut(c, " ")
		if slices.Contains(untouched, name) {
			t.Errorf("sent %q", c)
		}
	}
	for _, name := range untouched {
		want := "theirs"
		if name == "keeper/unmarked" {
			want = "old unmarked"
		}
		if there, _ := w.place.Get(name); string(there.Value) != want || there.Remote.Deleted {
			t.Errorf("%s holds %q, deleted %v", name, there.Value, there.Remote.Deleted)
		}
	}
}

// mend gives the held and foreign names back, settles and checks all.
func (w *world) mend(t *testing.T) {
	t.Helper()
	w.place.ClearFaults()
	w.book.failWith(nil)
	w.settleTroubled(t)
	w.checkUntouched(t)
	w.book.undelete("held")
	for _, name := range []string{"keeper/foreign", "keeper/unmarked"} {
		w.place.Purge(name)
	}
	w.settle(t)
	w.check(t)
}

func (w *world) settleTroubled(t *testing.T) {
	t.Helper()
	for range 3 {
		w.clock.pass(time.Hour)
		w.run(t, true)
	}
}

func TestErrorIsNeverAbsence(t *testing.T) {
	kinds := []fault.Kind{fault.Forbidden, fault.Unavailable, fault.Throttled, fault.Invalid, fault.NotFound}
	for _, op := range []memory.Op{memory.OpList, memory.OpDescribe, memory.OpFetch} {
		for _, kind := range kinds {
			if op == memory.OpDescribe && kind == fault.NotFound {
				continue // the one answer that does mean absence
			}
			for _, full := range []bool{true, false} {
				if op == memory.OpList && !full {
					continue // such a run lists nothing
				}
				t.Run(fmt.Sprintf("%s/%s/full=%v", op, kind, full), func(t *testing.T) {
					w := troubled(t)
					w.place.Inject(memory.Fault{Op: op, Kind: kind})
					counts, err := keepersync.Run(t.Context(), w.tape, w.book, w.options(full))
					if wantErr := op == memory.OpList; wantErr != (err != nil) {
						t.Errorf("the run ended with %v", err)
					}
					for _, c := range w.tape.changes() {
						if op != memory.OpFetch {
							t.Errorf("sent %q without having seen", c)
						}
						if slices.Contains([]string{"put keeper/drifted", "put keeper/both"}, c) {
							t.Errorf("sent %q without having read", c)
						}
					}
					if counts.Unknown == 0 {
						t.Error("nothing is unknown")
					}
					for _, o := range w.book.outcomes {
						if o.Status == models.StatusUnknown && (o.Err == nil || !strings.HasPrefix(o.Err.Error(), o.Entry.Name+" could not be ")) {
							t.Errorf("%s is unknown and says %v", o.Entry.Name, o.Err)
						}
						if o.Forget && op != memory.OpFetch && o.At.After(noon.Add(time.Hour)) {
							t.Errorf("%s was forgotten without having been seen", o.Entry.Name)
						}
					}
					if calls := w.tape.without("list"); len(calls) > 100 {
						t.Errorf("%d calls for 12 secrets", len(calls))
					}
					w.checkUntouched(t)
					w.mend(t)
				})
			}
		}
	}

	t.Run("ListingCut", func(t *testing.T) {
		for cut := range 12 {
			w := troubled(t)
			w.place.Inject(memory.Fault{Op: memory.OpList, Kind: fault.Unavailable, Cut: cut})
			counts, err := keepersync.Run(t.Context(), w.tape, w.book, w.options(true))
			if !fault.Is(err, fault.Unavailable) {
				t.Errorf("cut after %d: the run ended with %v", cut, err)
			}
			mustBe(t, "unknown", counts.Unknown >= 12-cut, true)
			if slices.Contains(w.tape.changes(), "put keeper/purged") {
				t.Error("took what a cut listing does not show for missing")
			}
			w.checkUntouched(t)
			w.mend(t)
		}
	})

	for _, call := range []string{"open", "hash"} {
		t.Run("Ledger/"+call, func(t *testing.T) {
			w := troubled(t)
			w.book.failWith(func(c string, _ keepersync.Entry) error {
				if c == call {
					return broken(fault.Internal)
				}
				return nil
			})
			w.run(t, true)
			for _, c := range w.tape.changes() {
				if strings.HasPrefix(c, "put") {
					t.Errorf("sent %q without a value to send", c)
				}
			}
			mustBe(t, "status", w.book.last("changed").Status, models.StatusUnknown)
			w.checkUntouched(t)
			w.mend(t)
		})
	}

	for _, call := range []string{"count", "entries", "intend", "record"} {
		t.Run("Ledger/"+call, func(t *testing.T) {
			w := troubled(t)
			w.book.failWith(func(c string, _ keepersync.Entry) error {
				if c == call {
					return broken(fault.Unavailable)
				}
				return nil
			})
			if _, err := keepersync.Run(t.Context(), w.tape, w.book, w.options(true)); !fault.Is(err, fault.Unavailable) {
				t.Errorf("the run ended with %v", err)
			}
			if call != "record" {
				mustBe(t, "changes", len(w.tape.changes()), 0)
			}
			w.checkUntouched(t)
			w.mend(t)
		})
	}

	t.Run("Ledger/WrongValue", func(t *testing.T) {
		w := newWorld(t)
		id := w.book.put("a", "right")
		row := w.book.rows[id]
		w.book.failWith(func(c string, _ keepersync.Entry) error {
			if c == "open" {
				row.versions[0] = "wrong"
			}
			return nil
		})
		w.run(t, true)
		mustBe(t, "changes", len(w.tape.changes()), 0)
		mustBe(t, "status", w.book.last("a").Status, models.StatusUnknown)
	})
}

func TestFailingWrites(t *testing.T) {
	kinds := []fault.Kind{fault.Forbidden, fault.Unavailable, fault.Throttled, fault.Invalid, fault.Conflict, fault.NotFound}
	for _, op := range []memory.Op{memory.OpPut, memory.OpDelete, memory.OpRestore} {
		for _, kind := range kinds {
			for _, acted := range []bool{false, true} {
				if acted && kind != fault.Unavailable {
					continue // only an answer that is lost leaves the outcome open
				}
				t.Run(fmt.Sprintf("%s/%s/acted=%v", op, kind, acted), func(t *testing.T) {
					w := troubled(t)
					w.place.Inject(memory.Fault{Op: op, Kind: kind, Acted: acted})
					counts := w.run(t, true)
					failed := 0
					for _, o := range w.book.outcomes {
						if o.Err != nil && o.Status != models.StatusForeign && o.Status != models.StatusUnknown && o.Entry.Name != "held" {
							failed++
							if !fault.Is(o.Err, kind) || !strings.HasPrefix(o.Err.Error(), o.Entry.Name+" could not be ") || fault.Public(o.Err).Hint == "" {
								t.Errorf("%s: %v", o.Entry.Name, o.Err)
							}
							if o.Base != nil || o.Forget {
								t.Errorf("%s failed, and was taken for done", o.Entry.Name)
							}
						}
					}
					mustBe(t, "failed, as counted", counts.Failed, failed+1) // and the one that is held
					if failed == 0 {
						t.Error("nothing failed")
					}
					w.checkUntouched(t)
					w.mend(t)
				})
			}
		}
	}
}

// TestLostAnswersWriteNothingTwice loses the answer of every write once, under each action.
func TestLostAnswersWriteNothingTwice(t *testing.T) {
	w := newWorld(t)
	for i, n := range names(20) {
		w.book.put(n, fmt.Sprint("value ", i))
	}
	for _, round := range []string{"create", "update"} {
		for _, n := range names(20) {
			w.place.Inject(memory.Fault{Op: memory.OpPut, Name: "keeper/" + n, Kind: fault.Unavailable, Acted: true, Times: 1})
		}
		mustBe(t, round+": failed", w.run(t, true).Failed, 20)
		w.clock.pass(time.Hour)
		mustBe(t, round+": in sync", w.run(t, false).InSync, 20)
		w.check(t)
		for i, n := range names(20) {
			w.book.put(n, fmt.Sprint("new value ", i))
		}
	}
	for _, n := range names(20) {
		mustBe(t, n+": written", w.writes(n), 2)
	}
}

// TestLostAnswerThenFailure has the answer to one write lost and the next write fail: the
// third run must still know the first write for Keeper's own.
func TestLostAnswerThenFailure(t *testing.T) {
	w := newWorld(t)
	w.book.put("a", "one")
	w.run(t, true)
	w.clock.pass(time.Hour)
	w.book.put("a", "two")
	w.place.Inject(memory.Fault{Op: memory.OpPut, Kind: fault.Unavailable, Acted: true, Times: 1})
	w.run(t, true)
	w.book.put("a", "three")
	w.place.Inject(memory.Fault{Op: memory.OpPut, Kind: fault.Unavailable, Times: 1})
	w.run(t, true)
	w.clock.pass(time.Hour)
	w.tape.rewind()
	mustBe(t, "updated", w.run(t, true).Updated, 1)
	mustBe(t, "found", w.book.last("a").Found, models.StatusSourceChanged)
	if diff := cmp.Diff([]string{"list", "describe keeper/a", "put keeper/a"}, w.tape.without()); diff != "" {
		t.Errorf("calls (-want +got):\n%s", diff)
	}
	w.check(t)
}

// TestMovedVersionThenFailure has somebody write the same value again, and Keeper's write
// fail: the new version of the known value is remembered and not read again.
func TestMovedVersionThenFailure(t *testing.T) {
	w := newWorld(t)
	w.book.put("a", "one")
	w.run(t, true)
	w.clock.pass(time.Hour)
	w.place.Edit("keeper/a", []byte("one"))
	w.book.put("a", "two")
	w.place.Inject(memory.Fault{Op: memory.OpPut, Kind: fault.Unavailable, Times: 1})
	w.run(t, true)
	w.tape.rewind()
	mustBe(t, "updated", w.run(t, true).Updated, 1)
	if diff := cmp.Diff([]string{"list", "describe keeper/a", "put keeper/a"}, w.tape.without()); diff != "" {
		t.Errorf("calls (-want +got):\n%s", diff)
	}
}

// TestLostMark has a driver die between a first value and its mark.
func TestLostMark(t *testing.T) {
	w := newWorld(t)
	w.book.put("purged", "one")
	w.run(t, true)
	w.place.Purge("keeper/purged")
	w.clock.pass(time.Hour)
	w.book.put("same", "one")
	w.book.put("changed", "one")
	w.book.put("deleted", "one")
	w.book.put("stranger", "one")
	w.place.Inject(memory.Fault{Op: memory.OpPut, Kind: fault.Unavailable, Acted: true})
	w.run(t, true)
	w.place.ClearFaults()
	for _, n := range []string{"purged", "same", "changed", "deleted", "stranger"} {
		w.place.Unmark("keeper/" + n)
	}
	w.place.Edit("keeper/stranger", []byte("theirs"))
	w.book.put("changed", "two")
	w.book.remove("deleted")
	w.clock.pass(time.Hour)
	w.tape.rewind()
	if diff := cmp.Diff(models.RunCounts{Checked: 5, Repaired: 2, Updated: 1, Deleted: 1, Foreign: 1}, w.run(t, true)); diff != "" {
		t.Errorf("counts (-want +got):\n%s", diff)
	}
	want := []string{"delete keeper/deleted", "mark keeper/changed", "mark keeper/deleted", "mark keeper/purged", "mark keeper/same", "put keeper/changed"}
	got := w.tape.changes()
	slices.Sort(got)
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("changes (-want +got):\n%s", diff)
	}
	w.place.Purge("keeper/stranger")
	w.settle(t)
	w.check(t)
}

// TestOvertaken has a stranger write between the look and the write.
func TestOvertaken(t *testing.T) {
	for _, c := range []struct {
		name  string
		do    func(*world)
		after models.SyncStatus // of the run in which it happened
	}{
		{"Edited", func(w *world) { w.place.Edit("keeper/a", []byte("theirs")) }, models.StatusConflict},
		{"EditedToTheDesired", func(w *world) { w.place.Edit("keeper/a", []byte("new")) }, models.StatusInSync},
		{"EditedToTheOld", func(w *world) { w.place.Edit("keeper/a", []byte("old")) }, models.StatusInSync},
		{"Purged", func(w *world) { w.place.Purge("keeper/a") }, models.StatusInSync},
		{"Removed", func(w *world) { w.place.Remove("keeper/a") }, models.StatusInSync},
		{"Unmarked", func(w *world) { w.place.Edit("keeper/a", []byte("theirs")); w.place.Unmark("keeper/a") }, models.StatusForeign},
	} {
		t.Run(c.name, func(t *testing.T) {
			w := newWorld(t)
			w.book.put("a", "old")
			w.run(t, true)
			w.clock.pass(time.Hour)
			w.book.put("a", "new")
			done := false
			w.tape.before = func(op, _ string) error {
				if op == "put" && !done {
					done = true
					c.do(w)
				}
				return nil
			}
			w.run(t, true)
			mustBe(t, "status", w.book.last("a").Status, c.after)
			if c.after == models.StatusForeign {
				return
			}
			w.settle(t)
			w.check(t)
		})
	}

	// onFirst does something before the first call of an operation.
	onFirst := func(w *world, first string, do func()) {
		done := false
		w.tape.before = func(op, _ string) error {
			if op == first && !done {
				done = true
				do()
			}
			return nil
		}
	}

	t.Run("BetweenListingAndReading", func(t *testing.T) {
		w := newWorld(t)
		w.book.put("a", "old")
		w.run(t, true)
		w.clock.pass(time.Hour)
		w.place.Edit("keeper/a", []byte("theirs"))
		onFirst(w, "fetch", func() { w.place.Edit("keeper/a", []byte("old")) })
		mustBe(t, "in sync", w.run(t, true).InSync, 1)
		there, _ := w.place.Get("keeper/a")
		mustBe(t, "version in the base", w.book.entry("a").Base.RemoteVersion, there.Remote.Version)
	})

	t.Run("BetweenReadingAndConfirming", func(t *testing.T) {
		w := newWorld(t)
		w.book.put("a", "old")
		w.run(t, true)
		w.clock.pass(time.Hour)
		w.place.Edit("keeper/a", []byte("old"))
		w.book.remove("a")
		onFirst(w, "describe", func() { w.place.Edit("keeper/a", []byte("theirs")) })
		w.tape.rewind()
		w.run(t, true)
		mustBe(t, "changes", len(w.tape.changes()), 0)
		mustBe(t, "status", w.book.last("a").Status, models.StatusConflict)
	})

	// A destination without check-and-set takes the write, and its driver tells what it cost.
	t.Run("Overtook", func(t *testing.T) {
		for _, stands := range []bool{true, false} {
			w := newWorld(t)
			w.book.put("a", "old")
			w.run(t, true)
			w.clock.pass(time.Hour)
			w.book.put("a", "new")
			late := &clashing{Driver: w.tape, after: func() {
				if !stands {
					w.place.Edit("keeper/a", []byte("theirs"))
				}
			}}
			w.tape.rewind()
			counts, err := keepersync.Run(t.Context(), late, w.book, w.options(true))
			if err != nil {
				t.Fatal(err)
			}
			o := w.book.last("a")
			mustBe(t, "failed", counts.Failed, 1)
			mustBe(t, "puts", len(w.tape.changes()), 1)
			mustBe(t, "error", fault.KindOf(o.Err), fault.Conflict)
			mustBe(t, "lost", o.Lost, 1)
			mustBe(t, "base is new", o.Base != nil && o.Base.Version == 2, stands)
			if stands {
				mustBe(t, "found", o.Found, models.StatusConflict)
				mustBe(t, "status", o.Status, models.StatusInSync)
			} else {
				mustBe(t, "status", o.Status, models.StatusConflict)
			}
			w.settle(t)
			w.check(t)
		}
	})

	t.Run("Forever", func(t *testing.T) {
		w := newWorld(t)
		w.book.put("a", "old")
		w.run(t, true)
		w.clock.pass(time.Hour)
		w.book.put("a", "new")
		w.tape.before = func(op, _ string) error {
			if op == "put" {
				w.place.Edit("keeper/a", []byte("old"))
			}
			return nil
		}
		w.tape.rewind()
		mustBe(t, "failed", w.run(t, true).Failed, 1)
		if n := len(w.tape.changes()); n > 4 {
			t.Errorf("tried %d times in one run", n)
		}
		w.tape.before = nil
		w.settle(t)
		w.check(t)
	})
}

// clashing writes, and says that it went over somebody else's write.
type clashing struct {
	keepersync.Driver
	after func()
}

func (d *clashing) Put(ctx context.Context, w keepersync.Write) (keepersync.Remote, error) {
	r, err := d.Driver.Put(ctx, w)
	d.after()
	if err == nil {
		err = broken(fault.Conflict)
	}
	return r, err
}
