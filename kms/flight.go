package kms

import (
	"context"
	"sync"
	"time"

	"github.com/your-org/keeper/fault"
)

// flightLimit bounds one shared piece of work: a few database calls and one call of the
// backend with its retries.
const flightLimit = 20 * time.Second

// flights lets many callers share one piece of work. The work runs on a goroutine of its
// own, so that a caller that gives up neither ends it for the others nor waits for it.
type flights[T any] struct {
	mu     sync.Mutex
	byName map[string]*flight[T]
	closed bool
	wait   sync.WaitGroup
}

type flight[T any] struct {
	cancel context.CancelFunc
	done   chan struct{}
	result T
	err    error
}

func newFlights[T any]() *flights[T] { return &flights[T]{byName: map[string]*flight[T]{}} }

// do runs the work under a name, or waits for the one that already runs under it. The work
// gets the values of the first caller's context but not its end.
func (f *flights[T]) do(ctx context.Context, name string, work func(context.Context) (T, error)) (T, error) {
	var none T
	if err := ctx.Err(); err != nil {
		return none, gaveUp(err)
	}
	one, err := f.join(ctx, name, work)
	if err != nil {
		return none, err
	}
	select {
	case <-one.done:
		return one.result, one.err
	case <-ctx.Done():
		return none, gaveUp(ctx.Err())
	}
}

func (f *flights[T]) join(ctx context.Context, name string, work func(context.Context) (T, error)) (*flight[T], error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.closed {
		return nil, fault.New(fault.Unavailable, "Keeper is shutting down.")
	}
	if one, ok := f.byName[name]; ok {
		return one, nil
	}
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), flightLimit)
	one := &flight[T]{cancel: cancel, done: make(chan struct{})}
	f.byName[name] = one
	f.wait.Go(func() {
		defer cancel()
		f.run(ctx, name, one, work)
	})
	return one, nil
}

func (f *flights[T]) run(ctx context.Context, name string, one *flight[T], work func(context.Context) (T, error)) {
	one.result, one.err = work(ctx)
	f.mu.Lock()
	delete(f.byName, name)
	f.mu.Unlock()
	close(one.done)
}

// close ends what runs and waits for it.
func (f *flights[T]) close() {
	f.mu.Lock()
	f.closed = true
	for _, one := range f.byName {
		one.cancel()
	}
	f.mu.Unlock()
	f.wait.Wait()
}

func gaveUp(cause error) error {
	return fault.Wrap(cause, fault.Unavailable, "The request ended before its data key was there.")
}
