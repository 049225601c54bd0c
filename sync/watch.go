package sync

import (
	"context"
	"iter"
	"time"

	"github.com/your-org/keeper/fault"
)

// Observe tells of every call: its operation ("list", "describe", "fetch", "put", "mark",
// "unmark", "delete", "restore", "check"), how long it took and how it ended, for metrics and logs.
// No value reaches the listener. It stands lowest, so that each attempt is told of.
func Observe(d Driver, tell func(op string, took time.Duration, err error)) Driver {
	return &watched{d, tell}
}

type watched struct {
	Driver
	tell func(op string, took time.Duration, err error)
}

// Unwrap gives as the driver below.
func (d *watched) Unwrap() Driver { return d.Driver }

// as finds an optional interface of a driver through the wrappers around it.
func as[T any](d Driver) (T, bool) {
	for {
		if found, ok := d.(T); ok {
			return found, true
		}
		wrapper, ok := d.(interface{ Unwrap() Driver })
		if !ok {
			var none T
			return none, false
		}
		d = wrapper.Unwrap()
	}
}

func watch[T any](d *watched, op string, do func() (T, error)) (T, error) {
	begun := time.Now()
	got, err := do()
	d.tell(op, time.Since(begun), err)
	return got, err
}

// List counts the time that the destination takes, not that of who reads the listing.
func (d *watched) List(ctx context.Context) iter.Seq2[Remote, error] {
	return func(yield func(Remote, error) bool) {
		var took time.Duration
		var failed error
		begun := time.Now()
		for r, err := range d.Driver.List(ctx) {
			took += time.Since(begun)
			failed = err
			if !yield(r, err) {
				begun = time.Now()
				break
			}
			begun = time.Now()
		}
		d.tell("list", took+time.Since(begun), failed)
	}
}

// Describe is told of.
func (d *watched) Describe(ctx context.Context, name string) (Remote, error) {
	return watch(d, "describe", func() (Remote, error) { return d.Driver.Describe(ctx, name) })
}

// Fetch is told of once per batch, with the first error that is more than an absence.
func (d *watched) Fetch(ctx context.Context, names []string) map[string]Fetched {
	begun := time.Now()
	all := d.Driver.Fetch(ctx, names)
	var failed error
	for _, name := range names {
		if err := all[name].Err; err != nil && !fault.Is(err, fault.NotFound) {
			failed = err
			break
		}
	}
	d.tell("fetch", time.Since(begun), failed)
	return all
}

// Put is told of.
func (d *watched) Put(ctx context.Context, w Write) (Remote, error) {
	return watch(d, "put", func() (Remote, error) { return d.Driver.Put(ctx, w) })
}

// Mark is told of.
func (d *watched) Mark(ctx context.Context, name string, mark Mark) (Remote, error) {
	return watch(d, "mark", func() (Remote, error) { return d.Driver.Mark(ctx, name, mark) })
}

// Unmark is told of.
func (d *watched) Unmark(ctx context.Context, name string, mark Mark) (Remote, error) {
	return watch(d, "unmark", func() (Remote, error) { return d.Driver.Unmark(ctx, name, mark) })
}

// Delete is told of.
func (d *watched) Delete(ctx context.Context, r Remote) (Remote, error) {
	return watch(d, "delete", func() (Remote, error) { return d.Driver.Delete(ctx, r) })
}

// Restore is told of.
func (d *watched) Restore(ctx context.Context, r Remote) (Remote, error) {
	return watch(d, "restore", func() (Remote, error) { return d.Driver.Restore(ctx, r) })
}

// Check is told of.
func (d *watched) Check(ctx context.Context) error {
	_, err := watch(d, "check", func() (struct{}, error) { return struct{}{}, d.Driver.Check(ctx) })
	return err
}
