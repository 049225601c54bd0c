package app

import (
	"log/slog"
	"path/filepath"
	"testing"
	"time"

	"github.com/your-org/keeper/config"
	"github.com/your-org/keeper/fault"
	"github.com/your-org/keeper/models"
	"github.com/your-org/keeper/store"
)

// TestSweepOfKeys sees that the janitor removes keys of requests when they have ended.
func TestSweepOfKeys(t *testing.T) {
	dir := t.TempDir()
	c, err := config.Load(map[string]string{
		"DATABASE_URL": "sqlite:///" + filepath.Join(dir, "keeper.db"), "KEEPER_MASTER_KEY_FILE": filepath.Join(dir, "master.key"),
		"KEEPER_ADMIN_PASSWORD": "violet harbour lantern",
	}, nil)
	must(t, err)
	a, err := New(t.Context(), c, Options{Log: slog.New(slog.DiscardHandler), Server: true, Version: "test"})
	must(t, err)
	t.Cleanup(func() { must(t, a.Close()) })
	now := time.Now()
	for slot, ends := range map[string]time.Time{"ended": now.Add(-time.Second), "stands": now.Add(time.Hour)} {
		key := models.IdempotencyKey{Slot: slot, UserID: "usr_1", Fingerprint: []byte{1}, Holder: "try_1", LeaseUntil: now, ExpiresAt: ends}
		must(t, a.Store.Write(t.Context(), func(tx *store.Tx) error { return tx.ClaimKey(key, now.Add(-time.Hour)) }))
	}
	_, err = a.sweep(t.Context(), models.Job{})
	must(t, err)
	kept := func(slot string) error {
		return a.Store.Read(t.Context(), func(tx *store.Tx) error {
			_, err := tx.IdempotencyKey(slot)
			return err
		})
	}
	if err := kept("ended"); !fault.Is(err, fault.NotFound) {
		t.Errorf("what ended is there still: %v", err)
	}
	must(t, kept("stands"))
}
