package sync_test

import (
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"
	"golang.org/x/sync/errgroup"

	"github.com/your-org/keeper/fault"
	keepersync "github.com/your-org/keeper/sync"
)

// tenth is a quota of ten deletes a second.
var tenth = keepersync.Quota{Scope: "s", Rates: map[keepersync.Family]float64{keepersync.FamilyDelete: 10}}

func TestShare(t *testing.T) {
	// many makes calls at once, and wait says how long they took.
	many := func(t *testing.T, n int, drivers ...keepersync.Driver) (wait func() time.Duration) {
		begun := time.Now()
		var calls errgroup.Group
		for range n {
			for _, d := range drivers {
				calls.Go(func() error { _, err := d.Delete(t.Context(), live("1")); return err })
			}
		}
		synctest.Wait()
		return func() time.Duration {
			if err := calls.Wait(); err != nil {
				t.Error(err)
			}
			return time.Since(begun).Round(time.Millisecond)
		}
	}

	t.Run("WaitersGoByTheirPart", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			l := keepersync.NewLimiter(1)
			took := many(t, 41, keepersync.Limit(&scripted{quota: tenth}, l))
			time.Sleep(time.Second)
			l.SetPart("s", 0.5) // after 11
			time.Sleep(4 * time.Second)
			l.SetPart("s", 1) // after 31
			mustBe(t, "41 calls", took(), 6*time.Second)
		})
	})

	t.Run("WhoWaitsForLongIsLetGoSooner", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			l := keepersync.NewLimiter(1)
			l.SetPart("s", 0.01)
			took := many(t, 2, keepersync.Limit(&scripted{quota: tenth}, l))
			time.Sleep(2 * time.Second)
			l.SetPart("s", 1)
			mustBe(t, "two calls", took(), 2080*time.Millisecond) // a fifth of a token was there
		})
	})

	t.Run("TwoHalvesAreTheWhole", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			one, other := keepersync.NewLimiter(0.8), keepersync.NewLimiter(0.8)
			for _, l := range []*keepersync.Limiter{one, other} {
				l.SetPart("s", 0.5)
			}
			took := many(t, 41, keepersync.Limit(&scripted{quota: tenth}, one), keepersync.Limit(&scripted{quota: tenth}, other))
			mustBe(t, "82 calls at 8 a second", took(), 10*time.Second)
		})
	})

	t.Run("TurnsStayTurns", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			l := keepersync.NewLimiter(1)
			big, small := keepersync.Limit(&scripted{quota: tenth}, l), keepersync.Limit(&scripted{quota: tenth}, l)
			all := many(t, 100, big)
			l.SetPart("s", 0.5)
			few := many(t, 5, small)
			if took := few(); took > 2200*time.Millisecond {
				t.Errorf("five calls took %v behind a hundred, at 5 a second", took)
			}
			mustBe(t, "all", all(), 20800*time.Millisecond)
		})
	})

	t.Run("BurstsAreSharedToo", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			quota := tenth
			quota.Rates = map[keepersync.Family]float64{keepersync.FamilyDelete: 100}
			l := keepersync.NewLimiter(1)
			d := keepersync.Limit(&scripted{quota: quota}, l)
			mustBe(t, "ten at once", many(t, 10, d)(), 0)
			time.Sleep(time.Minute)
			l.SetPart("s", 0.5)
			mustBe(t, "ten, five of them at once", many(t, 10, d)(), 100*time.Millisecond)
		})
	})

	t.Run("WhatThrottlingTookStaysOff", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			inner := &scripted{quota: tenth}
			l := keepersync.NewLimiter(1)
			d := keepersync.Limit(inner, l)
			between := func() time.Duration { // two calls
				_, _ = d.Delete(t.Context(), live("1"))
				return many(t, 1, d)()
			}
			inner.script = []error{broken(fault.Throttled)}
			_, _ = d.Delete(t.Context(), live("1"))
			mustBe(t, "throttled", between(), 200*time.Millisecond)
			l.SetPart("s", 0.5)
			mustBe(t, "and halved", between(), 400*time.Millisecond)
			l.SetPart("s", 1)
			mustBe(t, "and whole", between(), 200*time.Millisecond)
			l.SetPart("s", 0.5)
			for range 3 {
				time.Sleep(5 * time.Second)
				_ = between()
			}
			mustBe(t, "recovered, and halved", between(), 200*time.Millisecond)
			l.SetPart("s", 1)
			mustBe(t, "recovered, and whole", between(), 100*time.Millisecond)
		})
	})

	t.Run("AnUnknownScopeBeginsSmallAndIsToldOf", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			l := keepersync.NewLimiter(1)
			begun := l.Share(0.25)
			told := func() bool {
				select {
				case <-begun:
					return true
				default:
					return false
				}
			}
			d := keepersync.Limit(&scripted{quota: tenth}, l)
			mustBe(t, "used", len(l.Used(time.Hour)), 0)
			took := many(t, 3, d)
			mustBe(t, "told at the first", told(), true)
			mustBe(t, "three calls at a quarter", took(), 800*time.Millisecond)
			mustBe(t, "told again", told(), false)
			if diff := cmp.Diff([]string{"s"}, l.Used(time.Second)); diff != "" {
				t.Errorf("used (-want +got):\n%s", diff)
			}
			l.SetPart("s", 1)
			time.Sleep(time.Second)
			mustBe(t, "two calls at the whole", many(t, 2, d)(), 100*time.Millisecond)
			mustBe(t, "told of what is known", told(), false)
			time.Sleep(time.Minute)
			mustBe(t, "used in the last seconds", len(l.Used(time.Second)), 0)
			l.Leave("s")
			mustBe(t, "two calls, anew", many(t, 2, d)(), 400*time.Millisecond)
			mustBe(t, "told anew", told(), true)
		})
	})

	t.Run("WhoWaitsUsesIt", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			l := keepersync.NewLimiter(1)
			l.SetPart("s", 0.001)
			took := many(t, 2, keepersync.Limit(&scripted{quota: tenth}, l))
			time.Sleep(99 * time.Second)
			mustBe(t, "used", len(l.Used(time.Second)), 1)
			mustBe(t, "two calls", took(), 100*time.Second)
			time.Sleep(2 * time.Second)
			mustBe(t, "used after", len(l.Used(time.Second)), 0)
		})
	})
}
