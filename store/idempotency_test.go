package store_test

import (
	"context"
	"fmt"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/your-org/keeper/fault"
	"github.com/your-org/keeper/models"
	"github.com/your-org/keeper/store"
)

func keyOf(slot, holder string, now time.Time) models.IdempotencyKey {
	return models.IdempotencyKey{
		Slot: slot, UserID: "usr_1", Fingerprint: []byte{0, 255, 7}, Holder: holder,
		LeaseUntil: now.Add(time.Minute), ExpiresAt: now.Add(time.Hour),
	}
}

func testIdempotencyKeys(t *testing.T, s *store.Store) {
	now := s0()
	claim := func(k models.IdempotencyKey, at time.Time) error {
		return s.Write(context.Background(), func(tx *store.Tx) error { return tx.ClaimKey(k, at) })
	}
	get := func(slot string) models.IdempotencyKey {
		t.Helper()
		return read(t, s, func(tx *store.Tx) (models.IdempotencyKey, error) { return tx.IdempotencyKey(slot) })
	}
	claimed := func(slot string) models.IdempotencyKey {
		t.Helper()
		k := keyOf(slot, "try_1", now)
		if err := claim(k, now); err != nil {
			t.Fatal(err)
		}
		return k
	}
	act := func(holder, slot string, outcome models.Outcome) error {
		return s.Write(store.UnderKey(context.Background(), slot, holder), func(tx *store.Tx) error {
			if err := tx.CreateEnvironment(&models.Environment{Name: slot + "-" + string(outcome)}); err != nil {
				return err
			}
			entry := entryOf(1, "environment.create", slot)
			entry.Outcome = outcome
			return tx.AppendAudit(entry)
		})
	}
	t.Run("Taken", func(t *testing.T) {
		k := claimed("taken")
		same(t, get("taken"), k)
		wantKind(t, claim(keyOf("taken", "try_2", now), now.Add(time.Minute-time.Microsecond)), fault.Conflict)
		same(t, get("taken"), k)
	})
	t.Run("LeaseOver", func(t *testing.T) {
		claimed("lapsed")
		next := keyOf("lapsed", "try_2", now.Add(time.Minute))
		if err := claim(next, now.Add(time.Minute)); err != nil {
			t.Fatal(err)
		}
		same(t, get("lapsed"), next)
		failing(t, s, fault.NotFound, func(tx *store.Tx) error { return tx.AnswerKey("lapsed", "try_1", []byte{1}) })
		failing(t, s, fault.NotFound, func(tx *store.Tx) error { return tx.RenewKey("lapsed", "try_1", now.Add(time.Hour)) })
		write(t, s, func(tx *store.Tx) error { return tx.ReleaseKey("lapsed", "try_1", now) }) // not its own any more
		same(t, get("lapsed"), next)
	})
	t.Run("Renewed", func(t *testing.T) {
		claimed("renewed")
		write(t, s, func(tx *store.Tx) error { return tx.RenewKey("renewed", "try_1", now.Add(2*time.Minute)) })
		wantKind(t, claim(keyOf("renewed", "try_2", now), now.Add(time.Minute)), fault.Conflict)
	})
	t.Run("Answered", func(t *testing.T) {
		k := claimed("answered")
		write(t, s, func(tx *store.Tx) error { return tx.AnswerKey("answered", "try_1", []byte{1, 0, 2}) })
		k.Acted, k.Answer = true, []byte{1, 0, 2}
		same(t, get("answered"), k)
		wantKind(t, claim(keyOf("answered", "try_2", now), now.Add(time.Hour-time.Microsecond)), fault.Conflict)
		if err := claim(keyOf("answered", "try_2", now.Add(time.Hour)), now.Add(time.Hour)); err != nil {
			t.Errorf("after its end: %v", err)
		}
	})
	t.Run("Released", func(t *testing.T) {
		claimed("released")
		write(t, s, func(tx *store.Tx) error { return tx.ReleaseKey("released", "try_1", now) })
		_, err := tryRead(s, func(tx *store.Tx) (models.IdempotencyKey, error) { return tx.IdempotencyKey("released") })
		wantKind(t, err, fault.NotFound)
	})
	t.Run("Acted", func(t *testing.T) {
		k := claimed("acted")
		if err := act("try_1", "acted", models.OutcomeAllowed); err != nil {
			t.Fatal(err)
		}
		again := s.Write(store.UnderKey(context.Background(), "acted", "try_1"), func(tx *store.Tx) error {
			return tx.AppendAudits([]models.AuditEntry{entryOf(1, "environment.update", "x"), entryOf(1, "environment.update", "y")})
		})
		if again != nil { // several transactions and entries of one attempt
			t.Fatal(again)
		}
		wantKind(t, claim(keyOf("acted", "try_2", now), now.Add(30*time.Minute)), fault.Conflict)
		write(t, s, func(tx *store.Tx) error { return tx.ReleaseKey("acted", "try_1", now.Add(time.Second)) })
		k.Acted, k.LeaseUntil = true, now.Add(time.Second)
		same(t, get("acted"), k)
	})
	t.Run("NothingDone", func(t *testing.T) {
		k := claimed("refused")
		if err := act("try_1", "refused", models.OutcomeRefused); err != nil {
			t.Fatal(err)
		}
		same(t, get("refused"), k)
		failed := s.Write(store.UnderKey(context.Background(), "refused", "try_1"), func(tx *store.Tx) error {
			if err := tx.AppendAudit(entryOf(1, "environment.create", "x")); err != nil {
				return err
			}
			return fault.New(fault.Conflict, "no")
		})
		wantKind(t, failed, fault.Conflict)
		same(t, get("refused"), k)
	})
	t.Run("TakenOver", func(t *testing.T) {
		claimed("lost")
		if err := claim(keyOf("lost", "try_2", now), now.Add(time.Minute)); err != nil {
			t.Fatal(err)
		}
		wantKind(t, act("try_1", "lost", models.OutcomeAllowed), fault.Conflict)
		_, err := tryRead(s, func(tx *store.Tx) (models.Environment, error) { return tx.EnvironmentByName("lost-allowed") })
		wantKind(t, err, fault.NotFound)
		if get("lost").Acted {
			t.Error("the act of one attempt marks the other's key")
		}
		if err := act("try_2", "lost", models.OutcomeAllowed); err != nil {
			t.Error(err)
		}
	})
	t.Run("Swept", func(t *testing.T) {
		before := read(t, s, func(tx *store.Tx) (int64, error) { return tx.CountKeys("usr_1") })
		for i := range 3 {
			k := keyOf(fmt.Sprint("old-", i), "try_1", now)
			k.ExpiresAt = now.Add(-time.Hour)
			if err := claim(k, now.Add(-2*time.Hour)); err != nil {
				t.Fatal(err)
			}
		}
		for _, want := range []int{2, 1, 0} {
			write(t, s, func(tx *store.Tx) error {
				n, err := tx.DeleteKeysBefore(now, 2)
				if n != want {
					t.Errorf("%d keys went, want %d", n, want)
				}
				return err
			})
		}
		same(t, read(t, s, func(tx *store.Tx) (int64, error) { return tx.CountKeys("usr_1") }), before)
		same(t, read(t, s, func(tx *store.Tx) (int64, error) { return tx.CountKeys("usr_2") }), int64(0))
	})
}

// testIdempotencyRace has many attempts take one key at once, fresh or after a lease that ended.
func testIdempotencyRace(t *testing.T, s *store.Store) {
	now := s0()
	for round := range 10 {
		slot := fmt.Sprint("raced-", round)
		if round%2 == 1 {
			write(t, s, func(tx *store.Tx) error {
				return tx.ClaimKey(keyOf(slot, "try_0", now.Add(-time.Hour)), now.Add(-time.Hour))
			})
		}
		var won, acted atomic.Int64
		var all sync.WaitGroup
		for i := range 8 {
			all.Go(func() {
				holder := fmt.Sprint("try_", i+1)
				err := s.Write(context.Background(), func(tx *store.Tx) error { return tx.ClaimKey(keyOf(slot, holder, now), now) })
				if err == nil {
					won.Add(1)
				} else if !fault.Is(err, fault.Conflict) {
					t.Errorf("%s: %v", holder, err)
				}
				err = s.Write(store.UnderKey(context.Background(), slot, holder), func(tx *store.Tx) error {
					return tx.AppendAudit(entryOf(1, "environment.create", slot))
				})
				if err == nil {
					acted.Add(1)
				} else if !fault.Is(err, fault.Conflict) {
					t.Errorf("%s acts: %v", holder, err)
				}
			})
		}
		all.Wait()
		if won.Load() != 1 || acted.Load() != 1 {
			t.Errorf("%s: %d attempts have the key, and %d acted", slot, won.Load(), acted.Load())
		}
	}
}
