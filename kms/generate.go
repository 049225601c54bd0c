package kms

import (
	"context"
	"errors"
	"slices"
	"sync"
	"time"

	"github.com/your-org/keeper/fault"
	"github.com/your-org/keeper/models"
)

// generateTries is how often a data key is made anew because the recipients changed while
// it was made.
const generateTries = 4

// generate makes a data key, stores it wrapped for all who should open it, and keeps it.
// Nothing is sealed under a key whose wrapped form is not durable yet. Callers that need
// not wait longer than Patience are told by late, which may be nil.
func (e *Envelope) generate(ctx context.Context, env models.Environment, row models.DataKey, late func(error)) (*dataKey, error) {
	for range generateTries {
		key, err := e.generateFor(ctx, env, row, late)
		if !fault.Is(err, fault.Stale) {
			return key, err
		}
	}
	return nil, fault.New(fault.Unavailable, "No data key of environment %s can be made, as its recipients change all the time.", env.Name).WithHint("Try again.")
}

// generateFor is generate for the recipients as they are now; Stale where they have changed
// when the key is to be stored.
func (e *Envelope) generateFor(ctx context.Context, env models.Environment, row models.DataKey, late func(error)) (*dataKey, error) {
	mark := e.cache.mark()
	targets, err := e.named(ctx, env)
	if err != nil {
		return nil, err
	}
	began := time.Now()
	maker, got, err := e.fresh(ctx, env, targets, late)
	if err != nil {
		return nil, err
	}
	defer clear(got.plain)
	check, err := Commitment(got.plain, row.ID)
	if err != nil {
		return nil, err
	}
	row.Check = check
	wrapped := e.wrapForOthers(ctx, env, targets, maker, got, time.Since(began))
	key, err := build(row, got.plain)
	if err != nil {
		return nil, err // before anything is stored that could not be used
	}
	for i := range wrapped {
		wrapped[i].DataKeyID, wrapped[i].CreatedAt = row.ID, row.CreatedAt
	}
	if err := e.keys.AddDataKey(ctx, row, wrapped, targets.Generation); err != nil {
		return nil, notAbsent(err)
	}
	e.cache.put(key, mark)
	return key, nil
}

// fresh has a data key made by the primary, or by another online recipient where the primary
// is away, and tells which.
func (e *Envelope) fresh(ctx context.Context, env models.Environment, targets Targets, late func(error)) (Target, material, error) {
	var attempts []attempt
	var makers []Target
	e.home(env)
	for _, target := range targets.All() {
		wrapper := e.online(target.Kind)
		if wrapper == nil {
			continue
		}
		makers = append(makers, target)
		attempts = append(attempts, attempt{
			place: e.guard.at(wrapper, target.Name),
			call: func(ctx context.Context) ([]byte, Wrapped, error) {
				return wrapper.GenerateDataKey(ctx, target.Name, e.context(env))
			},
		})
	}
	got, errs := e.race(ctx, attempts, func(err error) {
		if late != nil {
			late(notMade(env, err))
		}
	})
	if got.plain == nil {
		return Target{}, material{}, notMade(env, errors.Join(errs...))
	}
	return makers[got.by], got, nil
}

func notMade(env models.Environment, cause error) error {
	return explain(cause, fault.Unavailable, "No data key of environment %s can be made now, so nothing new can be written.", env.Name)
}

// wrapForOthers wraps a new data key for all targets but its maker, at the same time. What
// cannot be wrapped in what is left of HedgeAfter and Patience is owed: it is missing, which
// the watch over the keys sees and mends.
func (e *Envelope) wrapForOthers(ctx context.Context, env models.Environment, targets Targets, maker Target, got material, spent time.Duration) []models.WrappedKey {
	limit := HedgeAfter
	if spent < Patience {
		limit = min(limit, max(Patience-spent-HedgeAfter/4, HedgeAfter/4))
	}
	var mu sync.Mutex
	wrapped := []models.WrappedKey{{RecipientKind: maker.Kind, RecipientID: got.wrapped.RecipientID, Blob: got.wrapped.Blob}}
	var all sync.WaitGroup
	for _, target := range targets.All() {
		if target == maker {
			continue
		}
		all.Go(func() {
			one, ok := e.wrapFor(ctx, env, target, got.plain, limit)
			mu.Lock()
			defer mu.Unlock()
			if ok && !slices.ContainsFunc(wrapped, func(w models.WrappedKey) bool {
				return w.RecipientKind == one.RecipientKind && w.RecipientID == one.RecipientID
			}) {
				wrapped = append(wrapped, one)
			}
		})
	}
	all.Wait()
	return wrapped
}

// wrapFor wraps a data key for one target, where that takes no longer than limit. It works
// on a copy of the key, which a call that takes longer keeps to its end.
func (e *Envelope) wrapFor(ctx context.Context, env models.Environment, target Target, plain []byte, limit time.Duration) (models.WrappedKey, bool) {
	wrapper := e.backend(target.Kind)
	if wrapper == nil {
		return models.WrappedKey{}, false
	}
	at := e.guard.at(wrapper, target.Name)
	if at.doubt() > 0 {
		return models.WrappedKey{}, false
	}
	done, plain := make(chan Wrapped, 1), slices.Clone(plain)
	e.wait.Go(func() {
		defer close(done)
		var wrapped Wrapped
		err := e.call(ctx, at, func(ctx context.Context) (err error) {
			wrapped, err = wrapper.Wrap(ctx, target.Name, plain, e.Context(env))
			return err
		})
		clear(plain)
		if err == nil {
			done <- wrapped
		}
	})
	timer := time.NewTimer(limit)
	defer timer.Stop()
	select {
	case wrapped, ok := <-done:
		return models.WrappedKey{RecipientKind: target.Kind, RecipientID: wrapped.RecipientID, Blob: wrapped.Blob}, ok
	case <-timer.C:
		at.suspect()
		return models.WrappedKey{}, false
	}
}

// home is the place of an environment's own wrapping key.
func (e *Envelope) home(env models.Environment) *place {
	name := ""
	if e.primary.Kind() == models.RecipientKMS {
		name = env.KMSKeyAlias
	}
	at := e.guard.at(e.primary, name)
	at.mu.Lock()
	defer at.mu.Unlock()
	at.home = true
	return at
}
