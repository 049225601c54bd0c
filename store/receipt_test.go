package store_test

import (
	"testing"
	"time"

	"github.com/your-org/keeper/fault"
	"github.com/your-org/keeper/models"
	"github.com/your-org/keeper/store"
)

func testReceipts(t *testing.T, s *store.Store) {
	h := newHouse(t, s)
	d, other := h.destination(t, "d"), h.destination(t, "other")
	receipt := func(d models.Destination, age time.Duration) models.SyncReceipt {
		r := models.SyncRun{
			ID: models.NewRunID(), DestinationID: d.ID, EnvironmentID: h.env.ID, Trigger: models.TriggerManual, Status: models.RunSucceeded,
			StartedAt: at.Add(-age),
		}
		write(t, s, func(tx *store.Tx) error { return tx.CreateRun(&r) })
		receipt := models.SyncReceipt{RunID: r.ID, DestinationID: d.ID, EnvironmentID: h.env.ID, Body: "pröved\n\n— k AAAA\n", Whole: age > time.Hour, CreatedAt: at.Add(-age)}
		write(t, s, func(tx *store.Tx) error { return tx.AddReceipt(&receipt) })
		return receipt
	}
	old, newest, others := receipt(d, 2*time.Hour), receipt(d, time.Hour), receipt(other, 0)
	get := func(id models.RunID) (models.SyncReceipt, error) {
		return tryRead(s, func(tx *store.Tx) (models.SyncReceipt, error) { return tx.Receipt(id) })
	}
	t.Run("OK", func(t *testing.T) {
		got, err := get(old.RunID)
		if err != nil {
			t.Fatal(err)
		}
		same(t, got, old)
	})
	t.Run("List", func(t *testing.T) {
		for about, want := range map[*bool][]models.SyncReceipt{nil: {newest, old}, new(true): {old}, new(false): {newest}} {
			got := read(t, s, func(tx *store.Tx) ([]models.SyncReceipt, error) {
				list, _, err := tx.Receipts(store.ReceiptQuery{DestinationID: d.ID, Whole: about})
				return list, err
			})
			same(t, got, want)
		}
	})
	t.Run("NotFound", func(t *testing.T) {
		_, err := get("run_none")
		wantKind(t, err, fault.NotFound)
	})
	t.Run("Conflict", func(t *testing.T) {
		failing(t, s, fault.Conflict, func(tx *store.Tx) error { twin := old; return tx.AddReceipt(&twin) })
	})
	t.Run("GoesWithItsRun", func(t *testing.T) {
		write(t, s, func(tx *store.Tx) error { _, err := tx.DeleteRunsBefore(at.Add(-90*time.Minute), 0); return err })
		_, err := get(old.RunID)
		wantKind(t, err, fault.NotFound)
		if _, err := get(newest.RunID); err != nil {
			t.Error(err)
		}
	})
	t.Run("GoesWithItsDestination", func(t *testing.T) {
		write(t, s, func(tx *store.Tx) error { return tx.DeleteDestination(d.ID) })
		_, err := get(newest.RunID)
		wantKind(t, err, fault.NotFound)
		if _, err := get(others.RunID); err != nil {
			t.Error(err)
		}
	})
}
