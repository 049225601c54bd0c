package sync_test

import (
	"context"
	"errors"
	"fmt"
	"iter"
	gosync "sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"
	"golang.org/x/sync/errgroup"

	"github.com/your-org/keeper/fault"
	"github.com/your-org/keeper/models"
	keepersync "github.com/your-org/keeper/sync"
)

// scripted answers each call with the next error of its script, then well.
type scripted struct {
	mu     gosync.Mutex
	script []error
	calls  []string
	quota  keepersync.Quota
}

func (d *scripted) Quota() keepersync.Quota { return d.quota }

func (d *scripted) next(call string) error {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.calls = append(d.calls, call)
	if len(d.script) == 0 {
		return nil
	}
	err := d.script[0]
	d.script = d.script[1:]
	return err
}

func (d *scripted) List(context.Context) iter.Seq2[keepersync.Remote, error] {
	return func(yield func(keepersync.Remote, error) bool) {
		err := d.next("list")
		for i := range 5 {
			if err != nil && i == 2 {
				yield(keepersync.Remote{}, err)
				return
			}
			if !yield(keepersync.Remote{Name: fmt.Sprint("n", i), Version: "1"}, nil) {
				return
			}
		}
	}
}

func (d *scripted) Fetch(_ context.Context, names []string) map[string]keepersync.Fetched {
	all := map[string]keepersync.Fetched{}
	for _, n := range names {
		all[n] = keepersync.Fetched{Version: "1", Err: d.next("fetch " + n)}
	}
	return all
}

func (d *scripted) one(call string) (keepersync.Remote, error) {
	return keepersync.Remote{Name: "n", Version: "1"}, d.next(call)
}

func (d *scripted) Describe(context.Context, string) (keepersync.Remote, error) {
	return d.one("describe")
}

func (d *scripted) Put(_ context.Context, w keepersync.Write) (keepersync.Remote, error) {
	return d.one("put")
}

func (d *scripted) Mark(context.Context, string, keepersync.Mark) (keepersync.Remote, error) {
	return d.one("mark")
}

func (d *scripted) Unmark(context.Context, string, keepersync.Mark) (keepersync.Remote, error) {
	return d.one("unmark")
}

func (d *scripted) Delete(context.Context, keepersync.Remote) (keepersync.Remote, error) {
	return d.one("delete")
}

func (d *scripted) Restore(context.Context, keepersync.Remote) (keepersync.Remote, error) {
	return d.one("restore")
}

func (d *scripted) Check(context.Context) error { return d.next("check") }

// ops calls every operation of a driver but Fetch and List.
var ops = map[string]func(context.Context, keepersync.Driver) error{
	"describe": func(ctx context.Context, d keepersync.Driver) error { _, err := d.Describe(ctx, "n"); return err },
	"put": func(ctx context.Context, d keepersync.Driver) error {
		_, err := d.Put(ctx, keepersync.Write{})
		return err
	},
	"mark":    func(ctx context.Context, d keepersync.Driver) error { _, err := d.Mark(ctx, "n", ours); return err },
	"unmark":  func(ctx context.Context, d keepersync.Driver) error { _, err := d.Unmark(ctx, "n", ours); return err },
	"delete":  func(ctx context.Context, d keepersync.Driver) error { _, err := d.Delete(ctx, live("1")); return err },
	"restore": func(ctx context.Context, d keepersync.Driver) error { _, err := d.Restore(ctx, live("1")); return err },
	"check":   func(ctx context.Context, d keepersync.Driver) error { return d.Check(ctx) },
}

func listed(ctx context.Context, d keepersync.Driver) (names []string, err error) {
	for r, err := range d.List(ctx) {
		if err != nil {
			return names, err
		}
		names = append(names, r.Name)
	}
	return names, nil
}

func TestRetry(t *testing.T) {
	away, busy, denied := broken(fault.Unavailable), broken(fault.Throttled), broken(fault.Forbidden)

	for op, call := range ops {
		for _, c := range []struct {
			name   string
			script []error
			want   error
			calls  int
		}{
			{"OK", nil, nil, 1},
			{"PassingFailure", []error{away, busy, away}, nil, 4},
			{"LastingFailure", []error{away, busy, away, busy, away}, busy, 4},
			{"NoPermission", []error{denied}, denied, 1},
			{"NoPermissionAtLast", []error{away, denied}, denied, 2},
			{"Conflict", []error{broken(fault.Conflict)}, broken(fault.Conflict), 1},
			{"NotFound", []error{broken(fault.NotFound)}, broken(fault.NotFound), 1},
		} {
			t.Run(op+"/"+c.name, func(t *testing.T) {
				synctest.Test(t, func(t *testing.T) {
					d := &scripted{script: c.script}
					begun := time.Now()
					err := call(t.Context(), keepersync.Retry(d))
					mustBe(t, "kind", fault.KindOf(err), fault.KindOf(c.want))
					mustBe(t, "failed", err != nil, c.want != nil)
					mustBe(t, "calls", len(d.calls), c.calls)
					if took := time.Since(begun); took > 1400*time.Millisecond {
						t.Errorf("paused for %v", took)
					}
				})
			})
		}
	}

	t.Run("FullJitter", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			seen := map[time.Duration]bool{}
			var longest time.Duration
			for range 50 {
				begun := time.Now()
				_ = keepersync.Retry(&scripted{script: []error{away}}).Check(t.Context())
				took := time.Since(begun)
				seen[took], longest = true, max(longest, took)
			}
			if len(seen) < 45 || longest > 200*time.Millisecond || longest < 100*time.Millisecond {
				t.Errorf("%d different pauses, the longest %v", len(seen), longest)
			}
		})
	})

	t.Run("EndsWithItsContext", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			ctx, cancel := context.WithCancel(t.Context())
			cancel()
			d := &scripted{script: []error{away, away, away}}
			_, err := keepersync.Retry(d).Describe(ctx, "n")
			mustBe(t, "kind", fault.KindOf(err), fault.Unavailable)
			if len(d.calls) > 1 {
				t.Errorf("called %d times after the end", len(d.calls))
			}
			ctx, cancel = context.WithTimeout(t.Context(), time.Nanosecond) // ends in the first pause
			defer cancel()
			d = &scripted{script: []error{away, away, away}}
			_, err = keepersync.Retry(d).Describe(ctx, "n")
			if known := new(fault.Error); !errors.As(err, &known) || len(d.calls) != 1 {
				t.Errorf("after %d calls: %T %v", len(d.calls), err, err)
			}
		})
	})

	t.Run("ListBeginsAgain", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			names, err := listed(t.Context(), keepersync.Retry(&scripted{script: []error{away, busy}}))
			if diff := cmp.Diff([]string{"n0", "n1", "n0", "n1", "n0", "n1", "n2", "n3", "n4"}, names); diff != "" || err != nil {
				t.Errorf("%v\n%s", err, diff)
			}
			names, err = listed(t.Context(), keepersync.Retry(&scripted{script: []error{away, away, away, away}}))
			if len(names) != 8 || !fault.Is(err, fault.Unavailable) {
				t.Errorf("a listing that stays cut gave %v, %v", names, err)
			}
			for range keepersync.Retry(&scripted{}).List(t.Context()) {
				break // must not fall into an iterator that goes on
			}
		})
	})

	t.Run("FetchAsksAgainForTheOpenOnes", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			d := &scripted{script: []error{nil, away, denied}}
			got := keepersync.Retry(d).Fetch(t.Context(), []string{"a", "b", "c"})
			if diff := cmp.Diff([]string{"fetch a", "fetch b", "fetch c", "fetch b"}, d.calls); diff != "" {
				t.Errorf("calls (-want +got):\n%s", diff)
			}
			if len(got) != 3 || got["a"].Err != nil || got["b"].Err != nil || !fault.Is(got["c"].Err, fault.Forbidden) {
				t.Errorf("answers: %v", got)
			}
		})
	})
}

func TestLimit(t *testing.T) {
	quota := keepersync.Quota{Scope: "aws/1/eu", PageSize: 2, BatchSize: 2, Rates: map[keepersync.Family]float64{
		keepersync.FamilyList: 10, keepersync.FamilyBatchGet: 10, keepersync.FamilyPut: 10, keepersync.FamilyCreate: 10, keepersync.FamilyDelete: 10,
	}}
	// took is how long 81 calls take that are made 8 at a time.
	took := func(ctx context.Context, do func()) time.Duration {
		begun := time.Now()
		var calls errgroup.Group
		calls.SetLimit(8)
		for range 81 {
			calls.Go(func() error { do(); return nil })
		}
		_ = calls.Wait()
		return time.Since(begun).Round(time.Millisecond)
	}

	t.Run("KeepsToItsShare", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			d := keepersync.Limit(&scripted{quota: quota}, keepersync.NewLimiter(0))
			mustBe(t, "81 deletes at 0.8 of 10 a second", took(t.Context(), func() { _, _ = d.Delete(t.Context(), live("1")) }), 10*time.Second)
			mustBe(t, "81 describes, which have no quota", took(t.Context(), func() { _, _ = d.Describe(t.Context(), "n") }), 0)
		})
	})

	t.Run("DestinationsShareAScopeAndNoOther", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			l := keepersync.NewLimiter(0.5)
			other := quota
			other.Scope = "aws/1/us"
			a, b, c := keepersync.Limit(&scripted{quota: quota}, l), keepersync.Limit(&scripted{quota: quota}, l), keepersync.Limit(&scripted{quota: other}, l)
			call := func(d keepersync.Driver) func() { return func() { _, _ = d.Delete(t.Context(), live("1")) } }
			var both errgroup.Group
			begun := time.Now()
			both.Go(func() error { took(t.Context(), call(a)); return nil })
			both.Go(func() error { took(t.Context(), call(b)); return nil })
			_ = both.Wait()
			mustBe(t, "162 deletes of two at 5 a second", time.Since(begun).Round(100*time.Millisecond), 32200*time.Millisecond)
			mustBe(t, "81 elsewhere", took(t.Context(), call(c)), 16*time.Second)
		})
	})

	t.Run("CountsPagesBatchesAndKindsOfWrite", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			d := keepersync.Limit(&scripted{quota: quota}, keepersync.NewLimiter(1))
			spend := func(what string, want time.Duration, do func()) {
				begun := time.Now()
				do()
				mustBe(t, what, time.Since(begun).Round(time.Millisecond), want)
			}
			spend("a listing of three pages", 200*time.Millisecond, func() { _, _ = listed(t.Context(), d) })
			spend("a fetch of three batches", 200*time.Millisecond, func() { d.Fetch(t.Context(), []string{"a", "b", "c", "d", "e"}) })
			spend("a creation", 0, func() { _, _ = d.Put(t.Context(), keepersync.Write{}) })
			spend("an update", 0, func() { _, _ = d.Put(t.Context(), keepersync.Write{Replaces: live("1")}) })
			spend("another update", 100*time.Millisecond, func() { _, _ = d.Put(t.Context(), keepersync.Write{Replaces: live("1")}) })
		})
	})

	t.Run("SlowsDownWhenThrottledAndRecovers", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			inner := &scripted{quota: quota}
			d := keepersync.Limit(inner, keepersync.NewLimiter(1))
			pace := func() time.Duration { // of one call, after another
				_, _ = d.Delete(t.Context(), live("1"))
				begun := time.Now()
				_, _ = d.Delete(t.Context(), live("1"))
				return time.Since(begun).Round(time.Millisecond)
			}
			mustBe(t, "at first", pace(), 100*time.Millisecond)
			inner.script = []error{broken(fault.Throttled), broken(fault.Throttled)} // together: one cut
			_, _ = d.Delete(t.Context(), live("1"))
			mustBe(t, "throttled", pace(), 200*time.Millisecond)
			time.Sleep(2 * time.Second)
			inner.script = []error{broken(fault.Throttled)}
			_, _ = d.Delete(t.Context(), live("1"))
			mustBe(t, "throttled again", pace(), 400*time.Millisecond)
			time.Sleep(5 * time.Second)
			mustBe(t, "after some quiet", pace(), 267*time.Millisecond)
			for range 4 {
				time.Sleep(5 * time.Second)
				_ = pace()
			}
			mustBe(t, "recovered", pace(), 100*time.Millisecond)
		})
	})

	t.Run("EndsWithItsContext", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			inner := &scripted{quota: quota}
			d := keepersync.Limit(inner, keepersync.NewLimiter(1))
			ctx, cancel := context.WithCancel(t.Context())
			cancel()
			for _, err := range []error{
				func() error { _, err := d.Delete(ctx, live("1")); return err }(),
				func() error { _, err := listed(ctx, d); return err }(),
				d.Fetch(ctx, []string{"a"})["a"].Err,
			} {
				mustBe(t, "kind", fault.KindOf(err), fault.Unavailable)
			}
			mustBe(t, "calls", len(inner.calls), 0)
		})
	})

	t.Run("FindsTheQuotaThroughWrappers", func(t *testing.T) {
		inner := &scripted{quota: quota}
		watched := keepersync.Observe(inner, func(string, time.Duration, error) {})
		if keepersync.Limit(watched, keepersync.NewLimiter(1)) == watched {
			t.Error("did not find the quota of a driver that is watched")
		}
		plain := &tape{}
		if keepersync.Limit(plain, keepersync.NewLimiter(1)) != keepersync.Driver(plain) {
			t.Error("limits a driver that publishes no quota")
		}
	})
}

func TestObserve(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var told []string
		d := keepersync.Observe(&scripted{}, func(op string, took time.Duration, err error) {
			told = append(told, fmt.Sprint(op, " ", took, " ", err != nil))
		})
		for _, op := range []string{"describe", "put", "mark", "unmark", "delete", "restore", "check"} {
			if err := ops[op](t.Context(), d); err != nil {
				t.Errorf("%s: %v", op, err)
			}
		}
		for range d.List(t.Context()) {
			time.Sleep(time.Second) // the reader's time, not the destination's
		}
		for range d.List(t.Context()) {
			break
		}
		d.Fetch(t.Context(), []string{"a", "b"})
		d = keepersync.Observe(&scripted{script: []error{broken(fault.NotFound), broken(fault.Forbidden), errors.New("put")}}, func(op string, _ time.Duration, err error) {
			told = append(told, fmt.Sprint(op, " ", fault.KindOf(err)))
		})
		d.Fetch(t.Context(), []string{"a", "b"})
		_, _ = d.Put(t.Context(), keepersync.Write{Value: models.NewPlaintext([]byte("value"))})
		want := []string{
			"describe 0s false", "put 0s false", "mark 0s false", "unmark 0s false", "delete 0s false", "restore 0s false", "check 0s false",
			"list 0s false", "list 0s false", "fetch 0s false", "fetch forbidden", "put internal",
		}
		if diff := cmp.Diff(want, told); diff != "" {
			t.Errorf("told (-want +got):\n%s", diff)
		}
	})
}
