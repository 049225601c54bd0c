package synctests

import (
	"cmp"
	"context"
	"slices"
	"strings"
	gosync "sync"
	"testing/synctest"
	"time"

	"github.com/your-org/keeper/fault"
)

// stage has one call to a destination go on at a time, in an order that the seed chooses:
// while one does, all goroutines of all Keepers wait. So a seed tells the same story each time,
// however many engines work at once.
type stage struct {
	mu      gosync.Mutex
	waiting []*call
}

// call is one that a Keeper is about to make.
type call struct {
	keeper *keeper
	site   *site
	op     string
	name   string
	answer chan verdict
}

// verdict is what becomes of a call. The zero verdict: it goes well.
type verdict struct {
	err   error  // it fails, and nothing is done
	lost  error  // it is done, and the answer does not come
	cut   int    // with err, of a listing: so many names are yielded first
	items uint64 // of a batch: the bit of each name that fails
	dies  bool   // the process dies once it is done
	bare  bool   // with lost, of a first write: it ends between the value and its mark, as at Vault
}

// enter waits for the call's turn.
func (s *stage) enter(c *call) verdict {
	if c.keeper.dead.Load() {
		return verdict{err: errDead}
	}
	c.answer = make(chan verdict, 1)
	s.mu.Lock()
	s.waiting = append(s.waiting, c)
	s.mu.Unlock()
	return <-c.answer
}

// next takes one of the waiting calls off the stage; nil where none waits.
func (s *stage) next(choose func(n int) int) *call {
	s.mu.Lock()
	defer s.mu.Unlock()
	if len(s.waiting) == 0 {
		return nil
	}
	slices.SortStableFunc(s.waiting, func(a, b *call) int {
		return cmp.Or(strings.Compare(a.keeper.name, b.keeper.name), strings.Compare(a.op, b.op), strings.Compare(a.name, b.name))
	})
	at := choose(len(s.waiting))
	c := s.waiting[at]
	s.waiting = slices.Delete(s.waiting, at, at+1)
	return c
}

// weather is how a time is: how many of a hundred calls go wrong, and what happens between.
type weather struct {
	faults int // of 100 calls
	kills  int // of 1000 calls
	edits  int // of 100 calls somebody changes something before
	wire   int // of 100 calls below a driver fail
}

// errand is one thing that a Keeper does.
type errand struct {
	site     *site
	planning bool            // it makes a plan, and changes nothing
	names    map[string]bool // by the plan that it applies; nil: no plan
	seen     map[string]bool // by name: looked up well, and not failed since
	over     map[string]bool // names that it took something away of
	alone    bool            // no other Keeper works there
	still    bool            // nobody else changed anything meanwhile
}

// perform has Keepers do something at once, until all have done it or are dead. Nothing of
// it is left behind: it returns when all their goroutines rest.
func (w *world) perform(wet weather, doing map[*keeper]func(context.Context) error) map[*keeper]error {
	w.t.Helper()
	errs := map[*keeper]error{}
	var mu gosync.Mutex
	left := 0
	for _, k := range w.fleet { // in order
		do, ok := doing[k]
		if !ok {
			continue
		}
		ctx, cancel := context.WithCancel(w.quiet())
		k.cancel = cancel
		left++
		go func() {
			defer cancel()
			err := do(ctx)
			mu.Lock()
			defer mu.Unlock()
			errs[k] = err
			left--
		}()
		synctest.Wait()
	}
	for calls := 0; ; calls++ {
		synctest.Wait()
		w.stands()
		c := w.stage.next(w.random.IntN)
		if c != nil {
			c.answer <- w.judge(c, wet)
			continue
		}
		mu.Lock()
		over := left == 0
		mu.Unlock()
		if over {
			break
		}
		time.Sleep(50 * time.Millisecond) // somebody waits for a time
	}
	for _, k := range w.fleet {
		if _, ok := doing[k]; ok {
			k.cancel, k.errand = nil, nil
		}
	}
	w.stands()
	return errs
}

// kinds are what calls fail with.
var kinds = []fault.Kind{fault.Unavailable, fault.Throttled, fault.Forbidden, fault.Internal, fault.Unavailable}

// judge decides what becomes of a call, and what happens before it.
func (w *world) judge(c *call, wet weather) verdict {
	w.sums.calls++
	if c.keeper.dead.Load() {
		return verdict{err: errDead}
	}
	if w.chance(wet.edits) {
		w.meddle()
	}
	if w.random.IntN(1000) < wet.kills {
		w.sums.kills++
		w.tell("%s: %s %s %s, and", c.keeper.name, c.site.name, c.op, c.name)
		if w.chance(50) {
			c.keeper.die()
			return verdict{err: errDead}
		}
		return verdict{dies: true}
	}
	if !w.chance(wet.faults) {
		return verdict{}
	}
	w.sums.faults++
	err := fault.New(pick(w, kinds), "made to fail: %s %s", c.op, c.name)
	switch {
	case c.op == "fetch" && w.chance(70):
		return verdict{items: w.random.Uint64(), lost: nil, err: nil}
	case c.op == "list":
		return verdict{err: err, cut: w.random.IntN(8)}
	case w.chance(50) && c.op != "describe":
		return verdict{bare: w.chance(50), lost: fault.New(fault.Unavailable, "no answer: %s %s", c.op, c.name)}
	}
	return verdict{err: err}
}
