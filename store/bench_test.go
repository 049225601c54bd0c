package store_test

import (
	"context"
	"fmt"
	"strconv"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/your-org/keeper/models"
	"github.com/your-org/keeper/store"
	"github.com/your-org/keeper/store/storetest"
)

// furnish makes an environment with a key, n secrets and a destination.
func furnish(b *testing.B, s *store.Store, n int) (ids []models.SecretID, key models.DataKeyID) {
	b.Helper()
	key = models.NewDataKeyID()
	err := s.Write(context.Background(), func(tx *store.Tx) error {
		e := models.Environment{Name: "bench"}
		if err := tx.CreateEnvironment(&e); err != nil {
			return err
		}
		k := models.DataKey{ID: key, EnvironmentID: e.ID, Purpose: models.PurposeSeal, MaxUses: 1 << 40, RetireAt: at.AddDate(1, 0, 0)}
		if err := tx.AddDataKey(k); err != nil {
			return err
		}
		d := models.Destination{ID: models.NewDestinationID(), EnvironmentID: e.ID, Name: "d", Kind: models.DestinationMemory}
		if err := tx.CreateDestination(&d); err != nil {
			return err
		}
		for i := range n {
			secret := models.Secret{EnvironmentID: e.ID, Name: "s" + strconv.Itoa(i), Type: models.Password, CurrentVersion: 1}
			if err := tx.CreateSecret(&secret); err != nil {
				return err
			}
			if err := tx.AddVersion(benchVersion(secret.ID, 1, key)); err != nil {
				return err
			}
			ids = append(ids, secret.ID)
		}
		return nil
	})
	if err != nil {
		b.Fatal(err)
	}
	return ids, key
}

func benchVersion(id models.SecretID, n models.VersionNumber, key models.DataKeyID) *models.SecretVersion {
	return &models.SecretVersion{
		SecretID: id, Number: n, DataKeyID: key, Format: 1, Ciphertext: make([]byte, 228), Hash: make([]byte, 32), Size: 200, Type: models.Password,
	}
}

// spread runs b.N operations on a number of goroutines.
func spread(b *testing.B, goroutines int, do func(i int) error) {
	b.Helper()
	var next atomic.Int64
	var wait sync.WaitGroup
	b.ReportAllocs()
	b.ResetTimer()
	for range goroutines {
		wait.Go(func() {
			for i := int(next.Add(1)); i <= b.N; i = int(next.Add(1)) {
				if err := do(i); err != nil {
					b.Error(err)
					return
				}
			}
		})
	}
	wait.Wait()
	b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "ops/s")
}

func each(b *testing.B, bench func(*testing.B, *store.Store, int)) {
	for _, dialect := range storetest.Dialects {
		for _, n := range []int{1, 16, 64} {
			b.Run(fmt.Sprintf("%s/%d", dialect, n), func(b *testing.B) { bench(b, storetest.Open(b, dialect), n) })
		}
	}
}

// BenchmarkCurrentVersion reads one secret with its ciphertext.
func BenchmarkCurrentVersion(b *testing.B) {
	each(b, func(b *testing.B, s *store.Store, n int) {
		ids, _ := furnish(b, s, 100)
		spread(b, n, func(i int) error {
			return s.Read(context.Background(), func(tx *store.Tx) error {
				_, _, err := tx.CurrentVersion(ids[i%len(ids)])
				return err
			})
		})
	})
}

// BenchmarkRecord appends an audit entry durably.
func BenchmarkRecord(b *testing.B) {
	each(b, func(b *testing.B, s *store.Store, n int) {
		spread(b, n, func(i int) error {
			return s.Record(context.Background(), entryOf(1, "secret.reveal", strconv.Itoa(i%100)))
		})
	})
}

// BenchmarkReveal is what a reveal asks of the store: the read, and its entry before the
// value leaves.
func BenchmarkReveal(b *testing.B) {
	each(b, func(b *testing.B, s *store.Store, n int) {
		ids, _ := furnish(b, s, 100)
		spread(b, n, func(i int) error {
			err := s.Read(context.Background(), func(tx *store.Tx) error {
				_, _, err := tx.CurrentVersion(ids[i%len(ids)])
				return err
			})
			if err != nil {
				return err
			}
			return s.Record(context.Background(), entryOf(1, "secret.reveal", strconv.Itoa(i%100)))
		})
	})
}

// BenchmarkChange is what a new version asks of the store.
func BenchmarkChange(b *testing.B) {
	each(b, func(b *testing.B, s *store.Store, n int) {
		ids, key := furnish(b, s, 2000) // more than are under way, so that no two change the same at once
		spread(b, n, func(i int) error {
			return s.Write(context.Background(), func(tx *store.Tx) error {
				secret, err := tx.Secret(ids[i%len(ids)])
				if err != nil {
					return err
				}
				secret.CurrentVersion++
				if err := tx.UpdateSecret(&secret, 0); err != nil {
					return err
				}
				if err := tx.AddVersion(benchVersion(secret.ID, secret.CurrentVersion, key)); err != nil {
					return err
				}
				if err := tx.MarkDirty(secret.ID); err != nil {
					return err
				}
				if err := tx.AppendAudit(entryOf(1, "secret.update", "7")); err != nil {
					return err
				}
				return tx.EnqueueJob("sync", "d", "{}", tx.Now())
			})
		})
	})
}
