package store_test

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"testing"
	"time"

	"github.com/your-org/keeper/store"
)

func testQuotaUsers(t *testing.T, s *store.Store) {
	now := s0()
	scopes := []string{"a", "b", "c"}
	others := func(replica string, now time.Time) map[string]int {
		t.Helper()
		return read(t, s, func(tx *store.Tx) (map[string]int, error) { return tx.OtherQuotaUsers(scopes, replica, now) })
	}
	use := func(replica string, until time.Time, scopes ...string) {
		t.Helper()
		write(t, s, func(tx *store.Tx) error { return tx.UseQuotas(scopes, replica, until) })
	}
	use("one", now.Add(10*time.Second), "a", "b")
	use("two", now.Add(10*time.Second), "a")
	use("three", now.Add(20*time.Second), "a", "elsewhere")
	use("four", now) // nothing
	t.Run("Others", func(t *testing.T) {
		same(t, others("one", now), map[string]int{"a": 2})
		same(t, others("two", now), map[string]int{"a": 2, "b": 1})
		same(t, others("nobody", now), map[string]int{"a": 3, "b": 1})
		same(t, read(t, s, func(tx *store.Tx) (map[string]int, error) { return tx.OtherQuotaUsers(nil, "nobody", now) }), map[string]int{})
	})
	t.Run("RanOut", func(t *testing.T) {
		same(t, others("nobody", now.Add(10*time.Second-time.Microsecond)), map[string]int{"a": 3, "b": 1})
		same(t, others("nobody", now.Add(10*time.Second)), map[string]int{"a": 1})
	})
	t.Run("Renewed", func(t *testing.T) {
		use("one", now.Add(30*time.Second), "a")
		same(t, others("nobody", now.Add(25*time.Second)), map[string]int{"a": 1})
		same(t, others("one", now.Add(25*time.Second)), map[string]int{})
	})
	t.Run("Left", func(t *testing.T) {
		for range 2 {
			write(t, s, func(tx *store.Tx) error { return tx.LeaveQuotas([]string{"a", "c"}, "one") })
		}
		same(t, others("nobody", now), map[string]int{"a": 2, "b": 1})
	})
	t.Run("Swept", func(t *testing.T) {
		write(t, s, func(tx *store.Tx) error {
			n, err := tx.DeleteQuotaUsersBefore(now.Add(20 * time.Second))
			if n != 2 { // one in b, two in a
				t.Errorf("%d rows went", n)
			}
			return err
		})
		same(t, others("nobody", now), map[string]int{"a": 1})
	})
	t.Run("Race", func(t *testing.T) {
		var all sync.WaitGroup
		for i := range 8 {
			all.Go(func() {
				replica := fmt.Sprint("racer-", i)
				for range 20 {
					for _, do := range []func(*store.Tx) error{
						func(tx *store.Tx) error { return tx.UseQuotas(scopes, replica, now.Add(time.Hour)) },
						func(tx *store.Tx) error { _, err := tx.DeleteQuotaUsersBefore(now); return err },
						func(tx *store.Tx) error { return tx.LeaveQuotas(scopes[:2], replica) },
					} {
						if err := s.Write(context.Background(), do); err != nil {
							t.Errorf("%s: %v (%v)", replica, err, errors.Unwrap(err))
						}
					}
				}
			})
		}
		all.Wait()
		same(t, others("racer-0", now), map[string]int{"a": 1, "c": 7})
	})
}
