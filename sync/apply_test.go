package sync_test

import (
	"fmt"
	"testing"
	"time"

	"github.com/your-org/keeper/fault"
	"github.com/your-org/keeper/models"
	keepersync "github.com/your-org/keeper/sync"
	"github.com/your-org/keeper/sync/memory"
)

// apply carries out what a full look says now, and no more.
func (w *world) apply(t *testing.T, d keepersync.Driver, approved map[models.SecretID]keepersync.Approval) models.RunCounts {
	t.Helper()
	options := w.options(true)
	options.Approved = approved
	counts, err := keepersync.Run(t.Context(), d, w.book, options)
	if err != nil {
		t.Fatal(err)
	}
	return counts
}

// TestApplyNoMoreThanRestored has somebody write over the copy that a plan restores, in the moment in
// which it does: the plan said nothing of writing over that, nor of taking it into Keeper.
func TestApplyNoMoreThanRestored(t *testing.T) {
	for _, strategy := range []models.Strategy{models.KeeperWins, models.RemoteWins} {
		t.Run(string(strategy), func(t *testing.T) {
			w := newWorld(t)
			w.strategy = strategy
			w.book.put("a", "old")
			w.run(t, true)
			w.book.remove("a")
			w.run(t, true)
			w.book.undelete("a")
			w.clock.pass(time.Hour)
			told, approved := w.plan(t, true)
			mustBe(t, "plan", fmt.Sprint(told), "map[a:source_changed/restore]")
			w.tape.after = func(op, name string) error {
				if op == "restore" {
					w.place.Edit(name, []byte("theirs"))
				}
				return nil
			}
			w.apply(t, w.tape, approved)
			w.tape.after = nil
			there, _ := w.place.Get("keeper/a")
			mustBe(t, "value", string(there.Value), "theirs")
			mustBe(t, "taken", w.book.taken, 0)
			mustBe(t, "due again", w.book.last("a").Again.IsZero(), false)
		})
	}
}

// TestApplyBringsUpToDate: what a plan restores is given the newest value, as it would be by a run.
func TestApplyBringsUpToDate(t *testing.T) {
	w := newWorld(t)
	w.book.put("a", "old")
	w.run(t, true)
	w.book.remove("a")
	w.run(t, true)
	w.book.undelete("a")
	w.book.put("a", "new")
	w.clock.pass(time.Hour)
	_, approved := w.plan(t, true)
	w.apply(t, w.tape, approved)
	there, _ := w.place.Get("keeper/a")
	mustBe(t, "value", string(there.Value), "new")
	w.check(t)
}

// written gives secrets their first value, in Keeper and at the destination, and lets time pass.
func (w *world) written(t *testing.T, value string, names ...string) {
	t.Helper()
	for _, name := range names {
		w.book.put(name, value)
	}
	w.run(t, true)
	w.clock.pass(time.Hour)
}

// TestApplyTellsWhatWent purges a copy in the moment in which a plan updates it: the plan said nothing
// of making it anew, so it is named, not passed over, and the next run makes it.
func TestApplyTellsWhatWent(t *testing.T) {
	w := newWorld(t)
	w.written(t, "one", "a")
	w.book.put("a", "two")
	told, approved := w.plan(t, true)
	mustBe(t, "plan", fmt.Sprint(told), "map[a:source_changed/update]")
	w.tape.put = func(write keepersync.Write) { w.place.Purge(write.Name) }
	counts := w.apply(t, w.tape, approved)
	w.tape.put = nil
	mustBe(t, "failed", counts.Failed, 1)
	o := w.book.last("a")
	mustBe(t, "kind", fault.KindOf(o.Err), fault.Stale)
	mustBe(t, "action", o.Action, models.ActionNone)
	_, there := w.place.Get("keeper/a")
	mustBe(t, "made anew", there, false)
	w.settle(t)
	w.check(t)
}

// TestApplyTellsWhatMoved has one of two copies change after the plan was looked at again and before
// it is carried out: that one is left alone and named, the other is done.
func TestApplyTellsWhatMoved(t *testing.T) {
	w := newWorld(t)
	w.written(t, "one", "a", "b")
	for _, name := range []string{"a", "b"} {
		w.book.put(name, "two")
	}
	_, approved := w.plan(t, true)
	reads := 0
	w.book.failWith(func(call string, _ keepersync.Entry) error {
		if call != "entries" {
			return nil
		}
		if reads++; reads == 2 { // the plan was looked at with the first
			w.place.Edit("keeper/b", []byte("theirs"))
		}
		return nil
	})
	counts := w.apply(t, w.tape, approved)
	w.book.failWith(nil)
	mustBe(t, "updated", counts.Updated, 1)
	mustBe(t, "failed", counts.Failed, 1)
	o := w.book.last("b")
	mustBe(t, "kind", fault.KindOf(o.Err), fault.Stale)
	mustBe(t, "lost", o.Lost, 0)
	there, _ := w.place.Get("keeper/b")
	mustBe(t, "value", string(there.Value), "theirs")
	w.settle(t)
	w.check(t)
}

// TestApplyTunes: a plan names each copy whose settings it changes, and changes no others.
func TestApplyTunes(t *testing.T) {
	w := newWorld(t)
	w.written(t, "one", "a", "b")
	w.place.ChangeSettings()
	w.book.put("a", "two")
	told, approved := w.plan(t, true)
	mustBe(t, "plan", fmt.Sprint(told), "map[a:source_changed/update b:in_sync/tune]")
	w.place.ResetCalls()
	w.apply(t, w.tape.Driver, approved)
	mustBe(t, "tunes", w.place.Calls()[memory.OpTune], 1)
	mustBe(t, "action", w.book.last("b").Action, models.ActionTune)
	mustBe(t, "updated", w.book.last("a").Action, models.ActionUpdate)
	if _, err := keepersync.Run(t.Context(), w.tape.Driver, w.book, w.options(true)); err != nil {
		t.Fatal(err)
	}
	mustBe(t, "tunes of the next run", w.place.Calls()[memory.OpTune], 2)
	told, _ = w.plan(t, true)
	mustBe(t, "plans once all is well", len(told), 0)
}
