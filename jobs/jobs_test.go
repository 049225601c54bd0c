package jobs

import (
	"context"
	"errors"
	"log/slog"
	"path/filepath"
	"strconv"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"go.uber.org/goleak"

	"github.com/your-org/keeper/models"
	"github.com/your-org/keeper/store"
	"github.com/your-org/keeper/store/storetest"
)

var silent = slog.New(slog.DiscardHandler)

func enqueue(t *testing.T, s *store.Store, key string, due time.Time) {
	t.Helper()
	err := s.Write(context.Background(), func(tx *store.Tx) error { return tx.EnqueueJob("k", key, "{}", due) })
	if err != nil {
		t.Fatal(err)
	}
}

func job(t *testing.T, s *store.Store, key string) (got models.Job) {
	t.Helper()
	err := s.Read(context.Background(), func(tx *store.Tx) (err error) {
		got, err = tx.Job("k", key)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return got
}

// tick runs what is due once and waits for it.
func tick(t *testing.T, r *Runner) int {
	t.Helper()
	n, err := r.Tick(context.Background())
	if err != nil {
		t.Fatal(err)
	}
	r.Wait()
	return n
}

func TestOutcomes(t *testing.T) {
	s := storetest.SQLite(t)
	now := time.Now().UTC().Truncate(time.Second)
	next := now.Add(time.Hour)
	var outcome func() (*time.Time, error)
	r := New(s, Options{Now: func() time.Time { return now }, Log: silent})
	r.Handle("k", func(context.Context, models.Job) (*time.Time, error) { return outcome() })

	t.Run("Next", func(t *testing.T) {
		enqueue(t, s, "next", now)
		outcome = func() (*time.Time, error) { return &next, nil }
		if n := tick(t, r); n != 1 {
			t.Fatalf("got %d jobs, want 1", n)
		}
		if got := job(t, s, "next"); !got.DueAt.Equal(next) || got.LeaseToken != "" {
			t.Errorf("got %+v", got)
		}
		if n := tick(t, r); n != 0 {
			t.Errorf("got %d jobs, want none until it is due again", n)
		}
	})
	t.Run("Error", func(t *testing.T) {
		enqueue(t, s, "error", now)
		outcome = func() (*time.Time, error) { return &next, errors.New("the cause stays in the log") }
		tick(t, r)
		got := job(t, s, "error")
		if got.Attempts != 1 || got.LastError == "" || got.LeaseToken != "" || got.DueAt.Before(now) || got.DueAt.After(now.Add(time.Second)) {
			t.Errorf("got %+v", got)
		}
		if got.LastError == "the cause stays in the log" {
			t.Error("the row shows an error that nobody classified")
		}
	})
	t.Run("Panic", func(t *testing.T) {
		enqueue(t, s, "panic", now)
		outcome = func() (*time.Time, error) { panic("boom") }
		tick(t, r)
		if got := job(t, s, "panic"); got.Attempts != 1 || got.LeaseToken != "" {
			t.Errorf("got %+v", got)
		}
	})
	t.Run("AskedForMeanwhile", func(t *testing.T) {
		enqueue(t, s, "again", now)
		runs := 0
		outcome = func() (*time.Time, error) {
			if runs++; runs == 1 {
				enqueue(t, s, "again", now)
			}
			return &next, nil
		}
		tick(t, r)
		tick(t, r)
		if got := job(t, s, "again"); runs < 2 || !got.DueAt.Equal(next) {
			t.Errorf("got %d runs and %+v, want a second run", runs, got)
		}
	})
}

func TestBackoff(t *testing.T) {
	for failures := range 100 {
		for range 50 {
			if d := backoff(failures); d < 0 || d >= maxBackoff || failures < 8 && d >= time.Second<<failures {
				t.Fatalf("got %v after %d failures", d, failures)
			}
		}
	}
}

// TestSchedule holds that a job runs when its time comes and not before, whichever replica
// made it; with a clock of its own.
func TestSchedule(t *testing.T) {
	path := filepath.Join(t.TempDir(), "keeper.db")
	synctest.Test(t, func(t *testing.T) {
		s := storetest.OpenWith(t, store.Options{Dialect: store.SQLite, Path: path, Log: silent})
		start := time.Now()
		var ran atomic.Int64
		r := New(s, Options{Log: silent})
		r.Handle("k", func(context.Context, models.Job) (*time.Time, error) {
			ran.Store(int64(time.Since(start)))
			return nil, nil
		})
		ctx, cancel := context.WithCancel(context.Background())
		ended := make(chan error)
		go func() { ended <- r.Run(ctx) }()
		enqueue(t, s, "1", start.Add(10*time.Minute))
		time.Sleep(10*time.Minute - time.Millisecond)
		if ran.Load() != 0 {
			t.Errorf("it ran after %v", time.Duration(ran.Load()))
		}
		time.Sleep(1500 * time.Millisecond)
		if got := time.Duration(ran.Load()); got < 10*time.Minute || got > 10*time.Minute+time.Second {
			t.Errorf("it ran after %v, want within a second of 10m", got)
		}
		cancel()
		if err := <-ended; err != nil {
			t.Error(err)
		}
	})
}

func TestWake(t *testing.T) {
	s := storetest.SQLite(t)
	done := make(chan struct{})
	r := New(s, Options{Poll: time.Hour, Log: silent})
	r.Handle("k", func(context.Context, models.Job) (*time.Time, error) { close(done); return nil, nil })
	start(t, r)
	time.Sleep(20 * time.Millisecond) // the first look is over
	enqueue(t, s, "1", time.Now())
	r.Wake()
	receive(t, done)
}

// TestWorkers holds that all due jobs are done though there are more than workers, with no
// more at a time, and without waiting for a poll.
func TestWorkers(t *testing.T) {
	s := storetest.SQLite(t)
	const jobs = 20
	for i := range jobs {
		enqueue(t, s, strconv.Itoa(i), time.Now())
	}
	var now, most, total atomic.Int64
	done := make(chan struct{})
	r := New(s, Options{Poll: time.Hour, Workers: 3, Log: silent})
	r.Handle("k", func(context.Context, models.Job) (*time.Time, error) {
		for seen := now.Add(1); ; {
			if known := most.Load(); seen <= known || most.CompareAndSwap(known, seen) {
				break
			}
		}
		time.Sleep(time.Millisecond)
		now.Add(-1)
		if total.Add(1) == jobs {
			close(done)
		}
		return nil, nil
	})
	start(t, r)
	receive(t, done)
	if most.Load() > 3 {
		t.Errorf("got %d at a time, want 3 at most", most.Load())
	}
}

func TestLease(t *testing.T) {
	const lease = 300 * time.Millisecond
	t.Run("Extended", func(t *testing.T) {
		s := storetest.SQLite(t)
		var runs atomic.Int64
		done := make(chan struct{})
		for range 2 { // two replicas
			r := New(s, Options{Poll: 20 * time.Millisecond, Lease: lease, Log: silent})
			r.Handle("k", func(ctx context.Context, _ models.Job) (*time.Time, error) {
				runs.Add(1)
				select {
				case <-ctx.Done():
					t.Errorf("the context ended: %v", context.Cause(ctx))
				case <-time.After(3 * lease):
				}
				close(done)
				return nil, nil
			})
			start(t, r)
		}
		enqueue(t, s, "1", time.Now())
		receive(t, done)
		if runs.Load() != 1 {
			t.Errorf("got %d runs, want 1", runs.Load())
		}
	})
	t.Run("Lost", func(t *testing.T) {
		s := storetest.SQLite(t)
		stopped := make(chan error, 1)
		r := New(s, Options{Lease: lease, Log: silent})
		r.Handle("k", func(ctx context.Context, _ models.Job) (*time.Time, error) {
			err := s.Write(context.Background(), func(tx *store.Tx) error {
				_, err := tx.Claim([]string{"k"}, time.Now().Add(time.Hour), time.Hour, "thief", 1)
				return err
			})
			if err != nil {
				t.Error(err)
			}
			<-ctx.Done()
			stopped <- context.Cause(ctx)
			return nil, nil
		})
		enqueue(t, s, "1", time.Now())
		tick(t, r)
		if err := <-stopped; !errors.Is(err, errLeaseLost) {
			t.Errorf("got %v, want a lost lease", err)
		}
		if got := job(t, s, "1"); got.LeaseToken != "thief" {
			t.Errorf("got %+v, want the other's lease untouched", got)
		}
	})
	t.Run("GivenBack", func(t *testing.T) {
		s := storetest.SQLite(t)
		began := make(chan struct{})
		r := New(s, Options{Log: silent})
		r.Handle("k", func(ctx context.Context, _ models.Job) (*time.Time, error) {
			close(began)
			<-ctx.Done()
			return nil, ctx.Err()
		})
		enqueue(t, s, "1", time.Now())
		ctx, cancel := context.WithCancel(context.Background())
		ended := make(chan struct{})
		go func() { defer close(ended); _ = r.Run(ctx) }()
		receive(t, began)
		cancel()
		receive(t, ended)
		if got := job(t, s, "1"); got.LeaseToken != "" || got.LeaseUntil != nil || got.Attempts != 0 {
			t.Errorf("got %+v, want it free and without a failure", got)
		}
	})
}

// TestReplicas has four runners share many jobs: each is done once.
func TestReplicas(t *testing.T) {
	for _, dialect := range storetest.Dialects {
		t.Run(dialect, func(t *testing.T) {
			s := storetest.Open(t, dialect)
			const jobs = 60
			var done sync.Map
			var total atomic.Int64
			all := make(chan struct{})
			for range 4 {
				r := New(s, Options{Poll: 5 * time.Millisecond, Log: silent})
				r.Handle("k", func(_ context.Context, j models.Job) (*time.Time, error) {
					if _, twice := done.LoadOrStore(j.Key, true); twice {
						t.Errorf("job %s was done twice", j.Key)
					}
					if total.Add(1) == jobs {
						close(all)
					}
					return nil, nil
				})
				start(t, r)
			}
			for i := range jobs {
				enqueue(t, s, strconv.Itoa(i), time.Now())
			}
			receive(t, all)
		})
	}
}

// start runs r until the test's end.
func start(t *testing.T, r *Runner) {
	t.Helper()
	ctx, cancel := context.WithCancel(context.Background())
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		if err := r.Run(ctx); err != nil {
			t.Errorf("running: %v", err)
		}
	}()
	t.Cleanup(func() { cancel(); <-ended })
}

func receive(t *testing.T, from <-chan struct{}) {
	t.Helper()
	select {
	case <-from:
	case <-time.After(30 * time.Second):
		t.Fatal("it did not happen")
	}
}

func TestNoLeak(t *testing.T) {
	ignore := goleak.IgnoreCurrent()
	t.Run("Run", func(t *testing.T) {
		s := storetest.SQLite(t)
		r := New(s, Options{Log: silent})
		r.Handle("k", func(context.Context, models.Job) (*time.Time, error) { return nil, nil })
		enqueue(t, s, "1", time.Now())
		start(t, r)
	})
	goleak.VerifyNone(t, ignore)
}
