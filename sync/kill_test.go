package sync_test

import (
	"fmt"
	"testing"
	"time"

	"pgregory.net/rapid"

	"golang.org/x/sync/errgroup"

	"github.com/your-org/keeper/fault"
	"github.com/your-org/keeper/models"
	keepersync "github.com/your-org/keeper/sync"
	"github.com/your-org/keeper/sync/memory"
)

// TestKilledAnywhere ends the process at each call in turn, before the call and after it,
// and lets the next process take over. Nothing is lost and nothing is written twice.
func TestKilledAnywhere(t *testing.T) {
	for _, full := range []bool{true, false} {
		for _, after := range []bool{true, false} {
			t.Run(fmt.Sprintf("full=%v/after=%v", full, after), func(t *testing.T) {
				deaths := 0
				for n := 0; ; n++ {
					w := newWorld(t)
					for _, name := range []string{"updated", "deleted", "drifted", "removed"} {
						w.book.put(name, "old "+name)
					}
					w.run(t, true)
					w.clock.pass(time.Hour)
					w.book.put("created", "new")
					w.book.put("updated", "new")
					w.book.remove("deleted")
					w.place.Edit("keeper/drifted", []byte("theirs"))
					w.place.Remove("keeper/removed")
					w.book.put("removed", "new")

					killed := w.live(t, n, after, full)
					w.clock.pass(time.Minute)
					w.run(t, full)
					w.settle(t)
					w.check(t)
					// Drift costs two writes beside the stranger's, every other change one.
					for name, want := range map[string]int{"created": 1, "updated": 2, "deleted": 1, "drifted": 3, "removed": 2} {
						if got := w.writes(name); got != want {
							t.Errorf("killed at call %d: %s was written %d times, want %d", n, name, got, want)
						}
					}
					if t.Failed() {
						return
					}
					if !killed {
						break
					}
					deaths++
				}
				if deaths < 10 {
					t.Errorf("died %d times only", deaths)
				}
			})
		}
	}
}

// TestTwoEngines runs two engines on one place and one ledger at once, as replicas do whose
// leases went wrong, while the source changes.
func TestTwoEngines(t *testing.T) {
	for seed := range 20 {
		w := newWorld(t)
		w.tape.put = nil // one engine's record ends the other's intent
		all := names(30)
		for _, n := range all {
			w.book.put(n, "value 0")
		}
		for round := range 4 {
			var engines errgroup.Group
			for i := range 2 {
				engines.Go(func() error {
					_, err := keepersync.Run(t.Context(), w.tape, w.book, w.options((seed+i)%2 == 0))
					return err
				})
			}
			for _, n := range all[round*5 : round*5+10] {
				w.book.put(n, fmt.Sprint("value ", round+1))
			}
			if err := engines.Wait(); err != nil {
				t.Fatal(err)
			}
			w.clock.pass(time.Minute)
		}
		w.settle(t)
		w.check(t)
	}
}

// decide is a person who rules on all that is held.
func (w *world) decide(side models.Side) {
	for name, r := range w.book.byName {
		if !r.held {
			continue
		}
		there, _ := w.place.Get(r.entry.RemoteName)
		if there.Remote.Deleted || there.Remote.Version == "" {
			w.book.rule(name, models.SideKeeper, "")
			continue
		}
		w.book.rule(name, side, there.Remote.Version)
	}
}

// TestAnyHistory has the source and strangers do what they like, with faults, stale
// listings and deaths in between.
func TestAnyHistory(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		w := newWorld(t)
		w.strategy = rapid.SampledFrom(models.Strategies).Draw(rt, "strategy")
		all := names(4)
		name := rapid.SampledFrom(all)
		value := rapid.SampledFrom([]string{"a", "b", "c"})
		exists := func(n string) bool { return w.book.byName[n] != nil }
		foreign := map[string]string{}
		for range rapid.IntRange(1, 25).Draw(rt, "steps") {
			n := name.Draw(rt, "name")
			remote := "keeper/" + n
			w.clock.pass(time.Duration(rapid.IntRange(1, 20).Draw(rt, "minutes")) * time.Minute)
			switch rapid.SampledFrom([]string{"put", "put", "remove", "undelete", "edit", "purge", "hide", "foreign", "stale", "fresh", "fault", "lose", "kill", "kill", "run", "run"}).Draw(rt, "step") {
			case "put":
				w.book.put(n, value.Draw(rt, "value"))
			case "remove":
				if exists(n) {
					w.book.remove(n)
				}
			case "undelete":
				if exists(n) {
					w.book.undelete(n)
				}
			case "edit":
				if there, ok := w.place.Get(remote); ok && foreign[n] == "" && !there.Remote.Mark.Zero() {
					w.place.Edit(remote, []byte("stranger's "+value.Draw(rt, "value")))
				}
			case "purge":
				if foreign[n] == "" {
					w.place.Purge(remote)
				}
			case "hide":
				w.place.Remove(remote)
				if foreign[n] != "" {
					w.place.Edit(remote, []byte(foreign[n]))
				}
			case "foreign":
				if _, taken := w.place.Get(remote); !taken {
					foreign[n] = "foreign " + n
					w.place.Edit(remote, []byte(foreign[n]))
				}
			case "stale":
				w.place.HoldListing()
			case "fresh":
				w.place.ReleaseListing()
			case "fault", "lose":
				w.place.Inject(memory.Fault{
					Op:    rapid.SampledFrom([]memory.Op{memory.OpList, memory.OpDescribe, memory.OpFetch, memory.OpPut, memory.OpDelete, memory.OpRestore}).Draw(rt, "op"),
					Kind:  rapid.SampledFrom([]fault.Kind{fault.Unavailable, fault.Throttled, fault.Forbidden}).Draw(rt, "kind"),
					Acted: rapid.Bool().Draw(rt, "acted"), Times: rapid.IntRange(1, 3).Draw(rt, "times"),
				})
			case "kill":
				w.live(t, rapid.IntRange(0, 30).Draw(rt, "call"), rapid.Bool().Draw(rt, "after"), rapid.Bool().Draw(rt, "full"))
			case "run":
				_, _ = keepersync.Run(t.Context(), w.tape, w.book, w.options(rapid.Bool().Draw(rt, "full")))
			}
			for n, value := range foreign {
				if there, _ := w.place.Get("keeper/" + n); string(there.Value) != value || there.Remote.Deleted || !there.Remote.Mark.Zero() {
					rt.Fatalf("%s is foreign and was touched: %+v", n, there)
				}
			}
		}
		w.place.ReleaseListing()
		w.place.ClearFaults()
		for n := range foreign {
			w.place.Purge("keeper/" + n)
		}
		for range 6 {
			w.clock.pass(time.Hour)
			_, _ = keepersync.Run(t.Context(), w.tape, w.book, w.options(true))
			w.decide(rapid.SampledFrom([]models.Side{models.SideKeeper, models.SideRemote}).Draw(rt, "side"))
		}
		// A deletion of a stranger's value is held: the stranger takes it away.
		for _, n := range all {
			if exists(n) && w.book.entry(n).Desired == nil {
				if there, _ := w.place.Get("keeper/" + n); len(there.Value) > 1 {
					w.place.Purge("keeper/" + n)
				}
			}
		}
		w.settle(t)
		w.check(t)
		if t.Failed() {
			rt.Fatal("the world did not come to rest")
		}
	})
}
