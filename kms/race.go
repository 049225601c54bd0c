package kms

import (
	"context"
	"errors"
	"slices"
	"time"

	"github.com/your-org/keeper/fault"
)

const (
	// Patience is how long a caller waits for the key backends in all. What is under way goes
	// on without it, and its result is kept for the next.
	Patience = 850 * time.Millisecond
	// HedgeAfter is how long one recipient is waited for before the next is asked as well: at
	// twice that a caller still has its answer within Patience.
	HedgeAfter = 400 * time.Millisecond
	// StaleWait is how long a caller waits for a data key to be loaded again that may be used
	// on for its grace. A write needs two data keys: one that is stale and one that is cold
	// leave it within a second.
	StaleWait = 100 * time.Millisecond
	// attemptLimit ends a call of a backend that nobody waits for any more.
	attemptLimit = 5 * time.Second
)

// attempt is one way to a data key.
type attempt struct {
	place *place
	call  func(context.Context) ([]byte, Wrapped, error)
	check func(plain []byte) error // whether it is the right one; nil: it cannot be another
}

// material is a data key that an attempt gave.
type material struct {
	plain   []byte
	wrapped Wrapped // of a new data key
	by      int     // which attempt
}

type outcome struct {
	material
	err error
}

// race makes the attempts in order, the likely ones first: the next one when one has failed,
// or has not answered for HedgeAfter. The first key that is right ends it; the calls that
// are still out go on to their own end, so that what they tell of their place is known, and
// their keys are cleared. When Patience is over late is told, once, and the race goes on.
// The errors are in the order in which the attempts ended.
func (e *Envelope) race(ctx context.Context, attempts []attempt, late func(error)) (material, []error) {
	order := make([]int, len(attempts))
	for i := range order {
		order[i] = i
	}
	slices.SortStableFunc(order, func(a, b int) int { return attempts[a].place.doubt() - attempts[b].place.doubt() })

	r := race{envelope: e, attempts: attempts, order: order, answers: make(chan outcome), over: make(chan struct{}), late: late}
	defer close(r.over)
	return r.run(ctx)
}

type race struct {
	envelope *Envelope
	attempts []attempt
	order    []int // of attempts, those to come
	out      []int // attempts that are under way
	answers  chan outcome
	over     chan struct{}
	late     func(error)
	errs     []error
}

func (r *race) run(ctx context.Context) (material, []error) {
	hedge, overdue := time.NewTimer(HedgeAfter), time.NewTimer(Patience)
	defer hedge.Stop()
	defer overdue.Stop()
	r.next(ctx)
	for len(r.out) > 0 {
		select {
		case got := <-r.answers:
			r.out = slices.DeleteFunc(r.out, func(i int) bool { return i == got.by })
			if got.err == nil {
				return got.material, nil
			}
			r.errs = append(r.errs, got.err)
			r.next(ctx)
			hedge.Reset(HedgeAfter)
		case <-hedge.C:
			for _, i := range r.out {
				r.attempts[i].place.suspect()
			}
			r.next(ctx)
			hedge.Reset(HedgeAfter)
		case <-overdue.C:
			r.tellLate()
		case <-ctx.Done():
			return material{}, append(r.errs, gaveUp(ctx.Err()))
		}
	}
	return material{}, r.errs
}

// next starts the next attempt whose place is asked at all.
func (r *race) next(ctx context.Context) {
	for len(r.order) > 0 {
		i := r.order[0]
		r.order = r.order[1:]
		if err := r.attempts[i].place.admit(); err != nil {
			r.errs = append(r.errs, err)
			continue
		}
		r.out = append(r.out, i)
		r.envelope.wait.Go(func() { r.try(ctx, i) })
		return
	}
}

func (r *race) try(ctx context.Context, i int) {
	one := r.attempts[i]
	var got outcome
	got.by = i
	got.err = r.envelope.call(ctx, one.place, func(ctx context.Context) (err error) {
		got.plain, got.wrapped, err = one.call(ctx)
		return err
	})
	if got.err == nil && one.check != nil {
		got.err = one.check(got.plain)
	}
	if got.err != nil {
		clear(got.plain)
	}
	select {
	case r.answers <- got:
	case <-r.over:
		clear(got.plain)
	}
}

// call makes one call of a backend, which outlives its caller but not the envelope, and
// records how it ended.
func (e *Envelope) call(ctx context.Context, at *place, call func(context.Context) error) error {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), attemptLimit)
	defer cancel()
	defer context.AfterFunc(e.life, cancel)()
	began := time.Now()
	err := inTime(ctx, call(ctx))
	at.answered(began, err)
	return err
}

// tellLate counts what is still out as not answered.
func (r *race) tellLate() {
	var all []error
	for _, i := range r.out {
		at := r.attempts[i].place
		err := fault.Wrap(ErrUnreachable, fault.Unavailable, "The %s backend%s has not answered within %d milliseconds.", at.id.kind, in(at.id.name), Patience.Milliseconds()).
			WithHint("Try again; if it stays, look at the backend and at the network between.")
		at.silent(err)
		all = append(all, err)
	}
	if r.late != nil {
		r.late(errors.Join(append(all, r.errs...)...))
	}
}

func in(place string) string {
	if place == "" {
		return ""
	}
	return " in " + place
}
