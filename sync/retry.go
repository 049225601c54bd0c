package sync

import (
	"context"
	"errors"
	"iter"
	"math/rand/v2"
	"time"

	"github.com/failsafe-go/failsafe-go"
	"github.com/failsafe-go/failsafe-go/retrypolicy"

	"github.com/your-org/keeper/fault"
)

const (
	retryTries = 4
	retryFirst = 200 * time.Millisecond // upper bound of the first pause; each later one doubles
	retryMost  = 5 * time.Second
)

// Retry tries calls again, up to four times in all with full jitter, where the destination
// was away or too busy. A write whose answer was lost may have acted; that is harmless,
// because the same Write done again changes nothing more.
func Retry(d Driver) Driver { return &retrying{d} }

type retrying struct{ Driver }

// Unwrap gives as the driver below.
func (d *retrying) Unwrap() Driver { return d.Driver }

func passing(err error) bool {
	return fault.Is(err, fault.Throttled) || fault.Is(err, fault.Unavailable)
}

// try runs do by the policy; the answer is that of the last attempt.
func try[T any](ctx context.Context, do func() (T, error)) (T, error) {
	policy := retrypolicy.NewBuilder[T]().
		HandleIf(func(_ T, err error) bool { return passing(err) }).
		WithMaxAttempts(retryTries).
		WithDelayFunc(func(e failsafe.ExecutionAttempt[T]) time.Duration {
			return rand.N(min(retryFirst<<(e.Attempts()-1), retryMost))
		}).
		ReturnLastFailure().
		Build()
	got, err := failsafe.With(policy).WithContext(ctx).Get(do)
	if known := new(fault.Error); err != nil && ctx.Err() != nil && !errors.As(err, &known) {
		err = fault.Wrap(err, fault.Unavailable, "The call ended before the destination answered.")
	}
	return got, err
}

// List begins again after an error, and then yields again what it has yielded already: to
// remember all names would take more memory than the listing itself.
func (d *retrying) List(ctx context.Context) iter.Seq2[Remote, error] {
	return func(yield func(Remote, error) bool) {
		stopped := false
		_, err := try(ctx, func() (struct{}, error) {
			for r, err := range d.Driver.List(ctx) {
				if err != nil {
					return struct{}{}, err
				}
				if stopped = !yield(r, nil); stopped {
					break
				}
			}
			return struct{}{}, nil
		})
		if err != nil && !stopped {
			yield(Remote{}, err)
		}
	}
}

// Describe retries.
func (d *retrying) Describe(ctx context.Context, name string) (Remote, error) {
	return try(ctx, func() (Remote, error) { return d.Driver.Describe(ctx, name) })
}

// Fetch asks again for those names alone that could not be answered for the moment.
func (d *retrying) Fetch(ctx context.Context, names []string) map[string]Fetched {
	all := make(map[string]Fetched, len(names))
	left := names
	_, _ = try(ctx, func() (struct{}, error) {
		var open []string
		var last error
		for name, f := range d.Driver.Fetch(ctx, left) {
			all[name] = f
			if passing(f.Err) {
				open, last = append(open, name), f.Err
			}
		}
		left = open
		return struct{}{}, last
	})
	return all
}

// Put retries.
func (d *retrying) Put(ctx context.Context, w Write) (Remote, error) {
	return try(ctx, func() (Remote, error) { return d.Driver.Put(ctx, w) })
}

// Mark retries.
func (d *retrying) Mark(ctx context.Context, name string, mark Mark) (Remote, error) {
	return try(ctx, func() (Remote, error) { return d.Driver.Mark(ctx, name, mark) })
}

// Unmark retries.
func (d *retrying) Unmark(ctx context.Context, name string, mark Mark) (Remote, error) {
	return try(ctx, func() (Remote, error) { return d.Driver.Unmark(ctx, name, mark) })
}

// Delete retries.
func (d *retrying) Delete(ctx context.Context, r Remote) (Remote, error) {
	return try(ctx, func() (Remote, error) { return d.Driver.Delete(ctx, r) })
}

// Restore retries.
func (d *retrying) Restore(ctx context.Context, r Remote) (Remote, error) {
	return try(ctx, func() (Remote, error) { return d.Driver.Restore(ctx, r) })
}

// Check retries.
func (d *retrying) Check(ctx context.Context) error {
	_, err := try(ctx, func() (struct{}, error) { return struct{}{}, d.Driver.Check(ctx) })
	return err
}
