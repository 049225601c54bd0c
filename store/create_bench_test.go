package store_test

import (
	"context"
	"fmt"
	"testing"
	"time"

	"github.com/your-org/keeper/models"
	"github.com/your-org/keeper/store"
	"github.com/your-org/keeper/store/storetest"
)

// BenchmarkCreateSecret creates secrets with a version and an entry where 100,000 stand, a hundred
// to a transaction, with all indexes and without those that lists alone are sorted and counted by.
func BenchmarkCreateSecret(b *testing.B) {
	sorting := []string{"secrets_type", "secrets_created", "secrets_updated", "secrets_rotation", "secrets_value_changed", "secrets_standing"}
	for _, c := range []struct {
		name    string
		without []string
	}{{"all", nil}, {"without", sorting}} {
		b.Run(c.name, func(b *testing.B) {
			s := storetest.Open(b, store.SQLite)
			ctx := context.Background()
			for _, index := range c.without {
				if err := s.Exec(ctx, "DROP INDEX "+index); err != nil {
					b.Fatal(err)
				}
			}
			ids, key := furnish(b, s, 1)
			next := 0
			create := func(n int) {
				err := s.Write(ctx, func(tx *store.Tx) error {
					like, err := tx.Secret(ids[0])
					if err != nil {
						return err
					}
					for range n {
						next++
						one := models.Secret{
							EnvironmentID: like.EnvironmentID, Type: models.Password, CurrentVersion: 1, CurrentSize: 200, CreatedBy: "ada",
							Name: fmt.Sprintf("team-%d/service-%05d/key", next%17, next), CreatedAt: time.Now(), RotateEvery: 30 * (next % 2),
						}
						if err := tx.CreateSecret(&one); err != nil {
							return err
						}
						if err := tx.AddVersion(benchVersion(one.ID, 1, key)); err != nil {
							return err
						}
						if err := tx.AppendAudit(entryOf(like.EnvironmentID, "secret.create", fmt.Sprint(one.ID))); err != nil {
							return err
						}
					}
					return nil
				})
				if err != nil {
					b.Fatal(err)
				}
			}
			for range 100 {
				create(1000)
			}
			b.ResetTimer()
			for b.Loop() {
				create(100)
			}
			b.ReportMetric(float64(100*b.N)/b.Elapsed().Seconds(), "secrets/s")
		})
	}
}
