package sync_test

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"slices"
	"strings"
	gosync "sync"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/your-org/keeper/fault"
	"github.com/your-org/keeper/models"
	keepersync "github.com/your-org/keeper/sync"
	"github.com/your-org/keeper/sync/memory"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// world is a place, a ledger and a clock, and a record of what the engine sent to the place.
type world struct {
	place *memory.Place
	book  *book
	tape  *tape
	clock *clock

	strategy models.Strategy
}

func newWorld(t *testing.T) *world {
	t.Helper()
	c := &clock{now: noon}
	w := &world{place: memory.NewPlace(), book: newBook(c.read), clock: c}
	w.place.SetClock(c.read)
	w.tape = &tape{Driver: memory.New(memory.Options{Place: w.place, Prefix: "keeper/"})}
	w.tape.put = func(write keepersync.Write) {
		if in := w.book.intent(write.Mark.Secret); in == nil || in.Version != write.Version {
			t.Errorf("%s: version %d was sent without an intent on record: %+v", write.Name, write.Version, in)
		}
	}
	return w
}

func (w *world) options(full bool) keepersync.Options {
	return keepersync.Options{Owner: "us", Destination: "dst_1", Strategy: w.strategy, Full: full, Now: w.clock.read}
}

func (w *world) run(t *testing.T, full bool) models.RunCounts {
	t.Helper()
	counts, err := keepersync.Run(t.Context(), w.tape, w.book, w.options(full))
	if err != nil {
		t.Fatalf("run: %v", err)
	}
	return counts
}

// settle lets time pass and runs until nothing is left to do, and fails where that does not
// happen. The last run must be silent: no write, no value read.
func (w *world) settle(t *testing.T) {
	t.Helper()
	for range 4 {
		w.clock.pass(time.Hour)
		w.run(t, true)
	}
	w.tape.rewind()
	w.clock.pass(time.Hour)
	w.run(t, true)
	if calls := w.tape.without("list", "describe"); len(calls) > 0 {
		t.Fatalf("still busy after the world came to rest: %v", calls)
	}
}

// check fails where the place is not what the ledger says.
func (w *world) check(t *testing.T) {
	t.Helper()
	for id, r := range w.book.rows {
		e := r.read()
		there, ok := w.place.Get(e.RemoteName)
		mark := keepersync.Mark{Owner: "us", Destination: "dst_1", Secret: id}
		switch {
		case e.Desired == nil && ok && !there.Remote.Deleted:
			t.Errorf("%s is deleted in Keeper and still there", e.Name)
		case e.Desired == nil:
		case !ok || there.Remote.Deleted:
			t.Errorf("%s is not there", e.Name)
		case string(there.Value) != r.versions[len(r.versions)-1]:
			t.Errorf("%s holds %q, want %q", e.Name, there.Value, r.versions[len(r.versions)-1])
		case there.Remote.Mark != mark:
			t.Errorf("%s is marked %+v", e.Name, there.Remote.Mark)
		case e.Status != models.StatusInSync:
			t.Errorf("%s has status %s", e.Name, e.Status)
		}
	}
}

// writes is how often a value was written under a secret's name.
func (w *world) writes(name string) int {
	there, _ := w.place.Get("keeper/" + name)
	return there.Writes
}

type clock struct {
	mu  gosync.Mutex
	now time.Time
}

func (c *clock) read() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.now
}

func (c *clock) pass(d time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.now = c.now.Add(d)
}

// tape records each call of a driver as "op name", and may end it before or after it acts.
type tape struct {
	keepersync.Driver
	before func(op, name string) error
	after  func(op, name string) error
	put    func(keepersync.Write)

	mu    gosync.Mutex
	calls []string
}

func (d *tape) rewind() {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.calls = nil
}

// without are the calls but for those of some operations.
func (d *tape) without(ops ...string) []string {
	d.mu.Lock()
	defer d.mu.Unlock()
	return slices.DeleteFunc(slices.Clone(d.calls), func(c string) bool {
		op, _, _ := strings.Cut(c, " ")
		return slices.Contains(ops, op)
	})
}

// changes are the calls that change the place.
func (d *tape) changes() []string { return d.without("list", "describe", "fetch", "check") }

func (d *tape) begin(op, name string) error {
	d.mu.Lock()
	d.calls = append(d.calls, strings.TrimSpace(op+" "+name))
	d.mu.Unlock()
	if d.before == nil {
		return nil
	}
	return d.before(op, name)
}

func (d *tape) end(op, name string, err error) error {
	if err == nil && d.after != nil {
		return d.after(op, name)
	}
	return err
}

func (d *tape) call(op, name string, do func() (keepersync.Remote, error)) (keepersync.Remote, error) {
	if err := d.begin(op, name); err != nil {
		return keepersync.Remote{}, err
	}
	r, err := do()
	if err = d.end(op, name, err); err != nil {
		return keepersync.Remote{}, err
	}
	return r, nil
}

func (d *tape) List(ctx context.Context) iter.Seq2[keepersync.Remote, error] {
	if err := d.begin("list", ""); err != nil {
		return func(yield func(keepersync.Remote, error) bool) { yield(keepersync.Remote{}, err) }
	}
	return d.Driver.List(ctx)
}

func (d *tape) Describe(ctx context.Context, name string) (keepersync.Remote, error) {
	return d.call("describe", name, func() (keepersync.Remote, error) { return d.Driver.Describe(ctx, name) })
}

func (d *tape) Fetch(ctx context.Context, names []string) map[string]keepersync.Fetched {
	all := map[string]keepersync.Fetched{}
	for _, name := range names {
		if err := d.begin("fetch", name); err != nil {
			all[name] = keepersync.Fetched{Err: err}
			continue
		}
		all[name] = d.Driver.Fetch(ctx, []string{name})[name]
	}
	return all
}

func (d *tape) Put(ctx context.Context, w keepersync.Write) (keepersync.Remote, error) {
	return d.call("put", w.Name, func() (keepersync.Remote, error) {
		if d.put != nil {
			d.put(w)
		}
		return d.Driver.Put(ctx, w)
	})
}

func (d *tape) Mark(ctx context.Context, name string, m keepersync.Mark) (keepersync.Remote, error) {
	return d.call("mark", name, func() (keepersync.Remote, error) { return d.Driver.Mark(ctx, name, m) })
}

func (d *tape) Unmark(ctx context.Context, name string, m keepersync.Mark) (keepersync.Remote, error) {
	return d.call("unmark", name, func() (keepersync.Remote, error) { return d.Driver.Unmark(ctx, name, m) })
}

func (d *tape) Delete(ctx context.Context, r keepersync.Remote) (keepersync.Remote, error) {
	return d.call("delete", r.Name, func() (keepersync.Remote, error) { return d.Driver.Delete(ctx, r) })
}

func (d *tape) Restore(ctx context.Context, r keepersync.Remote) (keepersync.Remote, error) {
	return d.call("restore", r.Name, func() (keepersync.Remote, error) { return d.Driver.Restore(ctx, r) })
}

var errDead = errors.New("the process is dead")

// life ends at the nth call of driver and ledger together: before the call acts, or after
// it acted and before its answer came. The dead call nobody and record nothing.
type life struct {
	mu    gosync.Mutex
	left  int
	after bool
	dead  bool
	end   context.CancelFunc
}

func (l *life) call(before bool) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.dead {
		return errDead
	}
	if before == l.after {
		return nil
	}
	if l.left--; l.left < 0 {
		l.dead = true
		l.end()
		return errDead
	}
	return nil
}

// live runs the engine until its life ends at call n, and reports whether it did.
func (w *world) live(t *testing.T, n int, after, full bool) (killed bool) {
	t.Helper()
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	l := &life{left: n, after: after, end: cancel}
	lived := &tape{Driver: w.tape.Driver, put: w.tape.put}
	lived.before = func(string, string) error { return l.call(true) }
	lived.after = func(string, string) error { return l.call(false) }
	w.book.failWith(func(string, keepersync.Entry) error { return l.call(!l.after) })
	_, err := keepersync.Run(ctx, lived, w.book, w.options(full))
	w.book.failWith(nil)
	if l.dead && err == nil {
		t.Fatal("died, but the run ended well")
	}
	return l.dead
}

func mustBe[T comparable](t *testing.T, what string, got, want T) {
	t.Helper()
	if got != want {
		t.Errorf("%s: got %v, want %v", what, got, want)
	}
}

func broken(kind fault.Kind) error { return fault.New(kind, "made to fail: %s", fmt.Sprint(kind)) }
