package keystest

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"net/http"
	"sync"
	"sync/atomic"
	"testing"

	"golang.org/x/sync/errgroup"

	"github.com/your-org/keeper/api"
	"github.com/your-org/keeper/client"
)

// ledger is what was written and acknowledged, kept by the one who wrote it.
type ledger struct {
	entries []*entry
	written atomic.Int64 // acknowledged since the start
	read    atomic.Int64 // values that were read and right
}

// entry is one secret. It has one writer; readers take the lock.
type entry struct {
	id          int64
	environment int64
	name        string

	mu      sync.Mutex
	values  []string // of version 1, 2, …: acknowledged
	pending string   // sent and not answered: it may stand as the next version, or not
	tries   int
}

// fill writes a number of secrets with a number of versions each, in turn over environments.
func (l *ledger) fill(t *testing.T, c *client.Client, secrets, versions int, environments ...api.Environment) {
	t.Helper()
	var group errgroup.Group
	group.SetLimit(8)
	first := len(l.entries)
	for i := range secrets {
		e := environments[i%len(environments)]
		one := &entry{environment: e.ID, name: fmt.Sprintf("team-%d/secret-%d", i%7, first+i)}
		l.entries = append(l.entries, one)
		group.Go(func() error { return one.create(t.Context(), l, c, versions) })
	}
	if err := group.Wait(); err != nil {
		t.Fatal(err)
	}
}

func (e *entry) create(ctx context.Context, l *ledger, c *client.Client, versions int) error {
	value := e.next()
	made, err := c.CreateSecret(ctx, api.NewSecret{
		EnvironmentID: api.EnvironmentByID(e.environment), Name: e.name, SecretType: "TEXT", Value: api.NewValue(value),
	})
	if err != nil {
		return err
	}
	e.id, e.values, e.pending = made.ID, []string{value}, ""
	l.written.Add(1)
	for len(e.values) < versions {
		if err := e.write(ctx, l, c); err != nil {
			return err
		}
	}
	return nil
}

// next is a value that was never written before, and is now under way.
func (e *entry) next() string {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.tries++
	e.pending = fmt.Sprintf("value %d of %s in %d", e.tries, e.name, e.environment)
	return e.pending
}

// write adds a version. Where there is no answer, it stays pending.
func (e *entry) write(ctx context.Context, l *ledger, c *client.Client) error {
	value := e.next()
	got, err := c.UpdateSecret(ctx, e.id, api.SecretChange{Value: api.NewValue(value)}, 0)
	if err != nil {
		return err
	}
	e.mu.Lock()
	defer e.mu.Unlock()
	if want := int64(len(e.values) + 1); got.Version != want {
		return fmt.Errorf("%s: writing version %d was acknowledged as %d", e.name, want, got.Version)
	}
	e.values, e.pending = append(e.values, value), ""
	l.written.Add(1)
	return nil
}

// check reads one acknowledged version and holds it against what was written.
func (e *entry) check(ctx context.Context, l *ledger, c *client.Client, number int) error {
	e.mu.Lock()
	want := e.values[number-1]
	e.mu.Unlock()
	got, err := c.GetVersion(ctx, e.id, int64(number))
	if err != nil {
		return fmt.Errorf("%s, version %d: %w", e.name, number, err)
	}
	if got.Value.Reveal() != want {
		return fmt.Errorf("%s, version %d: %w", e.name, number, errWrong)
	}
	l.read.Add(1)
	return nil
}

var errWrong = errors.New("THE VALUE IS WRONG")

// settle finds out what became of a write that had no answer, and whether the acknowledged
// one before it is still there.
func (e *entry) settle(ctx context.Context, l *ledger, c *client.Client) error {
	got, err := c.RevealSecret(ctx, e.id)
	if err != nil {
		return fmt.Errorf("%s: %w", e.name, err)
	}
	value, number := got.Value.Reveal(), int(got.Version)
	e.mu.Lock()
	defer e.mu.Unlock()
	switch {
	case number == len(e.values) && value == e.values[number-1]:
	case number == len(e.values)+1 && e.pending != "" && value == e.pending:
		e.values = append(e.values, value)
	case number < len(e.values):
		return fmt.Errorf("%s: version %d was acknowledged and is GONE: the current one is %d", e.name, len(e.values), number)
	default:
		return fmt.Errorf("%s, version %d of %d: %w", e.name, number, len(e.values), errWrong)
	}
	e.pending = ""
	l.read.Add(1)
	return nil
}

func (l *ledger) settle(ctx context.Context, c *client.Client) error {
	return l.each(func(e *entry) error { return e.settle(ctx, l, c) })
}

func (l *ledger) each(do func(*entry) error) error {
	var group errgroup.Group
	group.SetLimit(8)
	for _, e := range l.entries {
		group.Go(func() error { return do(e) })
	}
	return group.Wait()
}

// versions is how many versions were acknowledged in an environment; 0: in all.
func (l *ledger) versions(environment int64) int {
	n := 0
	for _, e := range l.entries {
		if environment == 0 || e.environment == environment {
			n += len(e.values)
		}
	}
	return n
}

// load is readers and writers at work.
type load struct {
	wait   sync.WaitGroup
	ending atomic.Bool // what fails now fails because of the kill
	stop   chan struct{}
	mu     sync.Mutex
	failed []error
}

const (
	writers = 3
	readers = 4
)

// begin starts readers and writers, each writer with secrets of its own.
func (l *ledger) begin(ctx context.Context, c *client.Client, seed uint64) *load {
	run := &load{stop: make(chan struct{})}
	for i := range writers {
		run.worker(func() error {
			for n := i; !run.stopped(); n += writers {
				if n >= len(l.entries) {
					n = i
				}
				if err := l.entries[n].write(ctx, l, c); err != nil {
					return err
				}
			}
			return nil
		})
	}
	for i := range readers {
		random := rand.New(rand.NewPCG(seed, uint64(i)))
		run.worker(func() error {
			for !run.stopped() {
				e := l.entries[random.IntN(len(l.entries))]
				e.mu.Lock()
				number := 1 + random.IntN(len(e.values))
				e.mu.Unlock()
				if err := e.check(ctx, l, c, number); err != nil {
					return err
				}
			}
			return nil
		})
	}
	return run
}

func (r *load) worker(do func() error) {
	r.wait.Go(func() {
		err := do()
		var problem *api.Problem
		refused := errors.As(err, &problem) && problem.Status != http.StatusServiceUnavailable
		if err == nil || r.ending.Load() && !refused && !errors.Is(err, errWrong) {
			return
		}
		r.mu.Lock()
		r.failed = append(r.failed, err)
		r.mu.Unlock()
	})
}

func (r *load) stopped() bool {
	select {
	case <-r.stop:
		return true
	default:
		return r.ending.Load()
	}
}

// end waits for all workers and says what went wrong before the kill.
func (r *load) end() error {
	close(r.stop)
	r.wait.Wait()
	return errors.Join(r.failed...)
}
