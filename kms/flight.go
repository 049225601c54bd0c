package kms

import (
	"context"
	"sync"
	"time"

	"github.com/your-org/keeper/fault"
)

// flightLimit bounds one shared piece of work: a few database calls and the calls of the
// backends, each with its own bound.
const flightLimit = 20 * time.Second

// flights lets many callers share one piece of work. The work runs on a goroutine of its
// own, so that a caller that gives up neither ends it for the others nor waits for it.
type flights[T any] struct {
	mu      sync.Mutex
	byName  map[string]*flight[T] // those that can be joined
	running map[*flight[T]]struct{}
	closed  bool
	wait    sync.WaitGroup
}

type flight[T any] struct {
	cancel context.CancelFunc
	done   chan struct{}
	result T
	err    error

	late    chan struct{} // closed when nobody should wait any more
	lateErr error
}

// work is what a flight does. Telling late sends those who wait away with an error, once;
// the work goes on, and those who come after that begin anew.
type work[T any] func(ctx context.Context, late func(error)) (T, error)

func newFlights[T any]() *flights[T] {
	return &flights[T]{byName: map[string]*flight[T]{}, running: map[*flight[T]]struct{}{}}
}

// do runs the work under a name, or waits for the one that already runs under it. The work
// gets the values of the first caller's context but not its end.
func (f *flights[T]) do(ctx context.Context, name string, w work[T]) (T, error) {
	var none T
	if err := ctx.Err(); err != nil {
		return none, gaveUp(err)
	}
	one, err := f.join(ctx, name, w)
	if err != nil {
		return none, err
	}
	select {
	case <-one.done:
		return one.result, one.err
	case <-one.late:
		return none, one.lateErr
	case <-ctx.Done():
		return none, gaveUp(ctx.Err())
	}
}

func (f *flights[T]) join(ctx context.Context, name string, w work[T]) (*flight[T], error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.closed {
		return nil, fault.New(fault.Unavailable, "Keeper is shutting down.")
	}
	if one, ok := f.byName[name]; ok {
		return one, nil
	}
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), flightLimit)
	one := &flight[T]{cancel: cancel, done: make(chan struct{}), late: make(chan struct{})}
	f.byName[name], f.running[one] = one, struct{}{}
	f.wait.Go(func() {
		defer cancel()
		f.run(ctx, name, one, w)
	})
	return one, nil
}

func (f *flights[T]) run(ctx context.Context, name string, one *flight[T], w work[T]) {
	var once sync.Once
	one.result, one.err = w(ctx, func(err error) {
		once.Do(func() {
			f.leave(name, one)
			one.lateErr = err
			close(one.late)
		})
	})
	f.leave(name, one)
	f.mu.Lock()
	delete(f.running, one)
	f.mu.Unlock()
	close(one.done)
}

// leave lets nobody join any more.
func (f *flights[T]) leave(name string, one *flight[T]) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.byName[name] == one {
		delete(f.byName, name)
	}
}

// close ends what runs and waits for it.
func (f *flights[T]) close() {
	f.mu.Lock()
	f.closed = true
	for one := range f.running {
		one.cancel()
	}
	f.mu.Unlock()
	f.wait.Wait()
}

func gaveUp(cause error) error {
	return fault.Wrap(cause, fault.Unavailable, "The request ended before its data key was there.")
}
