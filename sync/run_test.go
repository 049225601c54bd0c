package sync_test

import (
	"context"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/your-org/keeper/fault"
	"github.com/your-org/keeper/models"
	keepersync "github.com/your-org/keeper/sync"
)

func TestRun(t *testing.T) {
	t.Run("OneSecretsLife", func(t *testing.T) {
		w := newWorld(t)
		step := func(what string, want models.RunCounts, calls ...string) {
			t.Helper()
			w.clock.pass(time.Minute)
			w.tape.rewind()
			got := w.run(t, false)
			if diff := cmp.Diff(want, got); diff != "" {
				t.Errorf("%s: counts (-want +got):\n%s", what, diff)
			}
			if diff := cmp.Diff(calls, w.tape.changes(), cmpopts.EquateEmpty()); diff != "" {
				t.Errorf("%s: changes (-want +got):\n%s", what, diff)
			}
			w.check(t)
		}
		w.book.put("a", "one")
		step("create", models.RunCounts{Checked: 1, Created: 1}, "put keeper/a")
		step("nothing due", models.RunCounts{})
		w.book.put("a", "two")
		step("update", models.RunCounts{Checked: 1, Updated: 1}, "put keeper/a")
		w.book.put("a", "two")
		step("the same value again", models.RunCounts{Checked: 1, InSync: 1})
		w.book.remove("a")
		step("delete", models.RunCounts{Checked: 1, Deleted: 1}, "delete keeper/a")
		w.book.undelete("a")
		step("undelete", models.RunCounts{Checked: 1, Restored: 1}, "restore keeper/a")
		w.book.remove("a")
		step("delete again", models.RunCounts{Checked: 1, Deleted: 1}, "delete keeper/a")
		w.book.put("a", "three")
		step("come back with another value", models.RunCounts{Checked: 1, Restored: 1}, "restore keeper/a", "put keeper/a")
		mustBe(t, "values written", w.writes("a"), 3)
		w.settle(t)
		w.check(t)
	})

	t.Run("WhatStrangersDid", func(t *testing.T) {
		for _, c := range []struct {
			name   string
			do     func(*world)
			counts models.RunCounts
			found  models.SyncStatus
		}{
			{"Edited", func(w *world) { w.place.Edit("keeper/a", []byte("x")) }, models.RunCounts{Checked: 1, Repaired: 1}, models.StatusDrifted},
			{"EditedOnBothSides", func(w *world) { w.place.Edit("keeper/a", []byte("x")); w.book.put("a", "new") }, models.RunCounts{Checked: 1, Repaired: 1}, models.StatusConflict},
			{"EditedToTheSame", func(w *world) { w.place.Edit("keeper/a", []byte("old")) }, models.RunCounts{Checked: 1, InSync: 1}, models.StatusInSync},
			{"EditedToTheSameAndChanged", func(w *world) { w.place.Edit("keeper/a", []byte("old")); w.book.put("a", "new") }, models.RunCounts{Checked: 1, Updated: 1}, models.StatusSourceChanged},
			{"EditedToTheNew", func(w *world) { w.place.Edit("keeper/a", []byte("new")); w.book.put("a", "new") }, models.RunCounts{Checked: 1, InSync: 1}, models.StatusInSync},
			{"Purged", func(w *world) { w.place.Purge("keeper/a") }, models.RunCounts{Checked: 1, Repaired: 1}, models.StatusMissing},
			{"Removed", func(w *world) { w.place.Remove("keeper/a") }, models.RunCounts{Checked: 1, Restored: 1}, models.StatusMissing},
			{"PurgedAndDeleted", func(w *world) { w.place.Purge("keeper/a"); w.book.remove("a") }, models.RunCounts{Checked: 1, InSync: 1}, models.StatusInSync},
		} {
			t.Run(c.name, func(t *testing.T) {
				w := newWorld(t)
				w.book.put("a", "old")
				w.run(t, true)
				w.clock.pass(time.Hour)
				c.do(w)
				if diff := cmp.Diff(c.counts, w.run(t, true)); diff != "" {
					t.Errorf("counts (-want +got):\n%s", diff)
				}
				mustBe(t, "found", w.book.last("a").Found, c.found)
				w.check(t)
				w.settle(t)
				w.check(t)
			})
		}
	})

	t.Run("TakesTheNewestByItsTime", func(t *testing.T) {
		w := newWorld(t)
		w.strategy = models.NewestWins
		w.book.put("a", "old")
		w.run(t, true)
		w.clock.pass(time.Hour)
		w.book.put("a", "newer")
		w.clock.pass(time.Hour)
		w.place.Edit("keeper/a", []byte("newest"))
		w.clock.pass(time.Hour)
		if diff := cmp.Diff(models.RunCounts{Checked: 1, Taken: 1}, w.run(t, true)); diff != "" {
			t.Errorf("counts (-want +got):\n%s", diff)
		}
	})

	t.Run("HoldsADeletionOfAStrangersValue", func(t *testing.T) {
		w := newWorld(t)
		w.book.put("a", "old")
		w.run(t, true)
		w.clock.pass(time.Hour)
		w.place.Edit("keeper/a", []byte("x"))
		w.book.remove("a")
		w.tape.rewind()
		if diff := cmp.Diff(models.RunCounts{Checked: 1, Failed: 1}, w.run(t, true)); diff != "" {
			t.Errorf("counts (-want +got):\n%s", diff)
		}
		mustBe(t, "changes", len(w.tape.changes()), 0)
		mustBe(t, "status", w.book.last("a").Status, models.StatusConflict)
		w.book.undelete("a")
		w.settle(t)
		w.check(t)
	})

	t.Run("LeavesTheForeignAlone", func(t *testing.T) {
		w := newWorld(t)
		w.place.Edit("keeper/a", []byte("theirs"))
		w.book.put("a", "ours")
		for _, full := range []bool{true, false} {
			w.tape.rewind()
			if diff := cmp.Diff(models.RunCounts{Checked: 1, Foreign: 1}, w.run(t, full)); diff != "" {
				t.Errorf("counts (-want +got):\n%s", diff)
			}
			mustBe(t, "calls that change or read a value", len(w.tape.without("list", "describe")), 0)
		}
		o := w.book.last("a")
		if !fault.Is(o.Err, fault.Conflict) || !strings.Contains(o.Err.Error(), "a could not be written") {
			t.Errorf("the error does not say what failed: %v", o.Err)
		}
		w.book.remove("a")
		w.run(t, true)
		mustBe(t, "calls that change", len(w.tape.changes()), 0)
	})

	t.Run("RefusesTheUnfitBeforeAnyCall", func(t *testing.T) {
		w := newWorld(t)
		w.book.put("big", strings.Repeat("x", models.MaxValueSize+1))
		w.book.put("bad name", "x")
		w.book.put("just fits", "") // renamed below
		w.book.byName["just fits"].entry.RemoteName = "keeper/" + strings.Repeat("n", models.MaxNameLength-len("keeper/"))
		w.book.put("just fits", strings.Repeat("x", models.MaxValueSize))
		got := w.run(t, false)
		if diff := cmp.Diff(models.RunCounts{Checked: 3, Failed: 2, Created: 1}, got); diff != "" {
			t.Errorf("counts (-want +got):\n%s", diff)
		}
		for _, name := range []string{"big", "bad name"} {
			if o := w.book.last(name); !fault.Is(o.Err, fault.Invalid) || fault.Public(o.Err).Hint == "" {
				t.Errorf("%s: %v", name, o.Err)
			}
		}
		w.book.remove("bad name")
		w.place.Edit("keeper/once allowed", []byte("v"))
		id := w.book.put("once allowed", "v")
		w.book.rows[id].entry.Base = &keepersync.Base{Hash: hash("v"), Version: 1, RemoteVersion: "1"}
		w.book.remove("once allowed")
		w.run(t, false)
		mustBe(t, "forgotten", w.book.last("bad name").Forget, true)
		mustBe(t, "what was written once and is still there, forgotten", w.book.last("once allowed").Forget, false)
		for _, c := range w.tape.without() {
			if strings.Contains(c, "bad") || strings.Contains(c, "big") {
				t.Errorf("called %s", c)
			}
		}
	})

	t.Run("TellsOfStraysAndKeepsThem", func(t *testing.T) {
		w := newWorld(t)
		for _, n := range []string{"a", "b", "c"} {
			w.book.put(n, "v")
		}
		w.run(t, true)
		w.place.Edit("keeper/foreign", []byte("x"))
		w.place.HoldListing()
		w.place.Remove("keeper/c") // which the listing does not know yet
		delete(w.book.rows, 2)
		delete(w.book.rows, 3)
		w.clock.pass(time.Hour)
		w.tape.rewind()
		var strays []string
		o := w.options(true)
		o.Stray = func(r keepersync.Remote) { strays = append(strays, r.Name) }
		if _, err := keepersync.Run(t.Context(), w.tape, w.book, o); err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff([]string{"keeper/b"}, strays); diff != "" {
			t.Errorf("strays (-want +got):\n%s", diff)
		}
		mustBe(t, "changes", len(w.tape.changes()), 0)
	})
}

func TestRunOnManySecrets(t *testing.T) {
	const many = 1100 // three pages
	w := newWorld(t)
	for _, n := range names(many) {
		w.book.put(n, "value of "+n)
	}
	var heard []models.RunCounts
	o := w.options(true)
	o.Progress = func(c models.RunCounts, total int) {
		heard = append(heard, c)
		if total != many {
			t.Errorf("progress tells of %d secrets", total)
		}
	}
	counts, err := keepersync.Run(t.Context(), w.tape, w.book, o)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(models.RunCounts{Checked: many, Created: many}, counts); diff != "" {
		t.Errorf("first run (-want +got):\n%s", diff)
	}
	if len(heard) < 3 || heard[len(heard)-1] != counts {
		t.Errorf("progress ended with %v after %d calls", heard[len(heard)-1], len(heard))
	}
	mustBe(t, "records of intents", w.book.intended, 7+7+2) // 80 at a time, of 500, 500 and 100
	w.check(t)

	for _, pause := range []time.Duration{time.Minute, time.Hour} {
		w.clock.pass(pause)
		w.tape.rewind()
		w.book.opened, w.book.hashed = 0, 0
		if diff := cmp.Diff(models.RunCounts{Checked: many, InSync: many}, w.run(t, true)); diff != "" {
			t.Errorf("no-op run (-want +got):\n%s", diff)
		}
		if diff := cmp.Diff([]string{"list"}, w.tape.without()); diff != "" {
			t.Errorf("calls of a no-op run (-want +got):\n%s", diff)
		}
		mustBe(t, "values opened or read", w.book.opened+w.book.hashed, 0)
	}
}

func TestRunDoesNotBelieveAStaleListing(t *testing.T) {
	w := newWorld(t)
	for _, n := range []string{"changed", "deleted", "kept"} {
		w.book.put(n, "old")
	}
	w.run(t, true)
	w.clock.pass(time.Hour)
	w.place.HoldListing()
	w.book.put("changed", "new")
	w.book.put("created", "new")
	w.book.remove("deleted")
	w.run(t, false)
	w.tape.rewind()
	w.clock.pass(4 * time.Minute)
	got := w.run(t, true) // the listing shows the state before
	if diff := cmp.Diff(models.RunCounts{Checked: 3, InSync: 3}, got); diff != "" {
		t.Errorf("counts (-want +got):\n%s", diff)
	}
	mustBe(t, "changes", len(w.tape.changes()), 0)
	w.book.undelete("deleted") // a stale listing shows it alive; it is not
	w.run(t, true)
	w.check(t)
	w.place.ReleaseListing()
	w.settle(t)
	w.check(t)
}

func TestRunEndsWithItsContext(t *testing.T) {
	const many = 40
	w := newWorld(t)
	for _, n := range names(many) {
		w.book.put(n, "v")
	}
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	puts := make(chan struct{}, many)
	w.tape.after = func(op, _ string) error {
		if op == "put" {
			if puts <- struct{}{}; len(puts) == many/2 {
				cancel()
			}
		}
		return nil
	}
	w.tape.before = func(op, name string) error {
		if op == "put" && name == "keeper/secret-00010" {
			<-ctx.Done() // under way when the end comes
		}
		return nil
	}
	counts, err := keepersync.Run(ctx, w.tape, w.book, w.options(true))
	if err == nil || !fault.Is(err, fault.Unavailable) {
		t.Errorf("an interrupted run ended with %v", err)
	}
	// What was done is recorded, and what was not is neither a failure nor unknown.
	mustBe(t, "created, as counted", counts.Created, len(puts))
	mustBe(t, "checked", counts.Checked, counts.Created)
	if counts.Created < many/2 || counts.Created == many {
		t.Errorf("created %d", counts.Created)
	}
	w.tape.before, w.tape.after = nil, nil
	w.tape.rewind()
	w.run(t, false)
	mustBe(t, "written by the next run", len(w.tape.changes()), many-counts.Created)
	w.check(t)
}
