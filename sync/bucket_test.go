package sync_test

import (
	"context"
	"testing"
	"testing/synctest"
	"time"

	"golang.org/x/sync/errgroup"

	keepersync "github.com/your-org/keeper/sync"
)

// accounted is a driver that asks for its account.
type accounted struct {
	scripted
	scope string
}

func (d *accounted) Scope(context.Context) string { return d.scope }

func TestTurns(t *testing.T) {
	quota := keepersync.Quota{Scope: "s", Rates: map[keepersync.Family]float64{keepersync.FamilyDelete: 10}}

	t.Run("TheSmallDoesNotWaitForTheBig", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			l := keepersync.NewLimiter(1)
			big, small := keepersync.Limit(&scripted{quota: quota}, l), keepersync.Limit(&scripted{quota: quota}, l)
			var calls errgroup.Group
			for range 200 {
				calls.Go(func() error { _, err := big.Delete(t.Context(), live("1")); return err })
			}
			synctest.Wait()
			begun := time.Now()
			for range 5 {
				if _, err := small.Delete(t.Context(), live("1")); err != nil {
					t.Fatal(err)
				}
			}
			if took := time.Since(begun); took > 1200*time.Millisecond {
				t.Errorf("five calls of the small one took %v behind 200 of the big one", took)
			}
			if err := calls.Wait(); err != nil {
				t.Error(err)
			}
			mustBe(t, "205 calls at 10 a second", time.Since(begun).Round(100*time.Millisecond), 20400*time.Millisecond)
		})
	})

	t.Run("WhoLeavesTakesNobodysTurn", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			l := keepersync.NewLimiter(1)
			one, other := keepersync.Limit(&scripted{quota: quota}, l), keepersync.Limit(&scripted{quota: quota}, l)
			_, _ = one.Delete(t.Context(), live("1"))
			ctx, cancel := context.WithCancel(t.Context())
			var left errgroup.Group
			for range 50 {
				left.Go(func() error { _, err := one.Delete(ctx, live("1")); return err })
			}
			synctest.Wait()
			cancel()
			if left.Wait() == nil {
				t.Error("a call that was ended went out")
			}
			begun := time.Now()
			_, err := other.Delete(t.Context(), live("1"))
			if took := time.Since(begun).Round(time.Millisecond); err != nil || took > 100*time.Millisecond {
				t.Errorf("the next took %v, %v", took, err)
			}
		})
	})

	t.Run("TheAccountIsWhatCounts", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			l := keepersync.NewLimiter(1)
			open := func(scope, account string) keepersync.Driver {
				q := quota
				q.Scope = scope
				return keepersync.Limit(&accounted{scripted{quota: q}, account}, l)
			}
			took := func(drivers ...keepersync.Driver) time.Duration {
				begun := time.Now()
				var calls errgroup.Group
				for _, d := range drivers {
					for range 11 {
						calls.Go(func() error { _, err := d.Delete(t.Context(), live("1")); return err })
					}
				}
				_ = calls.Wait()
				return time.Since(begun).Round(time.Millisecond)
			}
			mustBe(t, "two keys of one account", took(open("k1", "a"), open("k2", "a")), 2100*time.Millisecond)
			mustBe(t, "two accounts", took(open("k", "b"), open("k", "c")), time.Second)
		})
	})
}
