package kms

import (
	"testing"
	"time"

	"github.com/your-org/keeper/models"
)

func TestKeyCache(t *testing.T) {
	now := time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)
	open := func(ttl time.Duration, size int) *keyCache {
		return newKeyCache(ttl, 0, size, func() time.Time { return now })
	}
	key := func(id models.DataKeyID, env models.EnvironmentID) *dataKey {
		return &dataKey{id: id, environment: env}
	}
	has := func(t *testing.T, c *keyCache, want ...models.DataKeyID) {
		t.Helper()
		for _, id := range want {
			if c.get(id) == nil {
				t.Errorf("%s is gone", id)
			}
		}
		if got, _ := c.count(); got != len(want) || c.order.Len() != len(want) {
			t.Errorf("got %d keys in an order of %d, want %d", got, c.order.Len(), len(want))
		}
	}

	t.Run("TimeIsNotExtendedByUse", func(t *testing.T) {
		c := open(time.Minute, 10)
		c.put(key("a", 1), c.mark())
		for range 59 {
			now = now.Add(time.Second)
			has(t, c, "a")
		}
		now = now.Add(time.Second)
		if c.get("a") != nil {
			t.Error("a key was given after its time")
		}
		c.sweep()
		has(t, c)
	})
	t.Run("SweepKeepsTheLiving", func(t *testing.T) {
		c := open(time.Minute, 10)
		c.put(key("a", 1), c.mark())
		now = now.Add(30 * time.Second)
		c.put(key("b", 1), c.mark())
		now = now.Add(30 * time.Second)
		c.sweep()
		has(t, c, "b")
	})
	t.Run("OldestGoesWhenFull", func(t *testing.T) {
		c := open(time.Minute, 2)
		for _, id := range []models.DataKeyID{"a", "b", "a", "c"} {
			c.put(key(id, 1), c.mark())
		}
		has(t, c, "a", "c")
	})
	t.Run("Forget", func(t *testing.T) {
		c := open(time.Minute, 10)
		c.put(key("a", 1), c.mark())
		c.put(key("b", 2), c.mark())
		before := c.mark()
		c.forget(1)
		has(t, c, "b")
		c.put(key("a", 1), before)
		has(t, c, "b")
	})
	t.Run("Closed", func(t *testing.T) {
		c := open(time.Minute, 10)
		c.put(key("a", 1), c.mark())
		c.close()
		c.put(key("b", 1), c.mark())
		has(t, c)
	})
	t.Run("Grace", func(t *testing.T) {
		c := newKeyCache(time.Minute, time.Minute, 10, func() time.Time { return now })
		c.put(key("a", 1), c.mark())
		now = now.Add(time.Minute)
		if c.get("a") != nil || c.peek("a") == nil {
			t.Error("a key past its time is to be kept, and not to be given without a question")
		}
		if c.stale("a", 10*time.Second) == nil || c.get("a") == nil {
			t.Error("a key in its grace is not given")
		}
		if all, stale := c.count(); all != 1 || stale != 1 {
			t.Errorf("got %d keys of which %d are stale, want 1 and 1", all, stale)
		}
		now = now.Add(10 * time.Second)
		if c.get("a") != nil {
			t.Error("a key in its grace is given without another try")
		}
		now = now.Add(45 * time.Second)
		if c.stale("a", 10*time.Second) == nil {
			t.Error("a key in its grace is not given")
		}
		now = now.Add(5 * time.Second)
		if c.get("a") != nil || c.stale("a", 10*time.Second) != nil {
			t.Error("a key was given past its grace")
		}
		c.sweep()
		if all, stale := c.count(); all != 0 || stale != 0 {
			t.Errorf("got %d keys of which %d are stale, want none", all, stale)
		}
	})
	t.Run("DropIsForItsEnvironment", func(t *testing.T) {
		c := open(time.Minute, 10)
		c.put(key("a", 1), c.mark())
		c.drop(2, "a")
		has(t, c, "a")
		c.drop(1, "a")
		has(t, c)
	})
	t.Run("Off", func(t *testing.T) {
		c := open(NoCache, 10)
		c.put(key("a", 1), c.mark())
		has(t, c)
	})
}
