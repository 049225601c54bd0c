package destinations_test

import (
	"testing"
	"time"

	"github.com/your-org/keeper/models"
	"github.com/your-org/keeper/store"
	"github.com/your-org/keeper/store/storetest"
)

// TestHalfIntents reads rows of which an intent has only a part, as older versions of Keeper left
// them: a write is recognised by its hash, and by nothing else.
func TestHalfIntents(t *testing.T) {
	now := time.Now()
	for _, dialect := range storetest.Dialects {
		t.Run(dialect, func(t *testing.T) {
			h := newHouse(t, storetest.Open(t, dialect))
			d, place := h.destination(t, "one"), h.places.at("one")
			half := func(t *testing.T, name string, intent func(models.SyncState) models.SyncState) models.Secret {
				t.Helper()
				s := h.put(t, name, "ours")
				err := h.store.Write(t.Context(), func(tx *store.Tx) error {
					_, current, err := tx.LockCurrentVersion(s.ID)
					if err != nil {
						return err
					}
					state := models.SyncState{SecretID: s.ID, DestinationID: d.ID, RemoteName: "production/" + name, IntentHash: current.Hash, IntentVersion: 1, IntentAt: &now}
					return tx.SetIntents([]models.SyncState{intent(state)})
				})
				if err != nil {
					t.Fatal(err)
				}
				return s
			}
			noHash := func(st models.SyncState) models.SyncState { st.IntentHash = nil; return st }
			empty := func(st models.SyncState) models.SyncState { st.IntentHash = []byte{}; return st }
			hashOnly := func(st models.SyncState) models.SyncState { st.IntentVersion, st.IntentAt = 0, nil; return st }

			for name, intent := range map[string]func(models.SyncState) models.SyncState{"NoHash": noHash, "EmptyHash": empty} {
				t.Run(name, func(t *testing.T) {
					s, gone := half(t, name, intent), half(t, name+"/gone", intent)
					place.Edit("production/"+name, []byte("ours"))
					place.Edit("production/"+name+"/gone", []byte("ours"))
					h.delete(t, gone)
					h.full(t, d)
					h.wantForeign(t, s, d, "ours")
					if !holds(place, "production/"+name+"/gone", "ours") {
						t.Error("what a deleted secret never wrote was deleted")
					}
				})
			}
			t.Run("HashOnly", func(t *testing.T) {
				own, theirs := half(t, "own", hashOnly), half(t, "theirs", hashOnly)
				place.Edit("production/own", []byte("ours"))
				place.Edit("production/theirs", []byte("another"))
				h.full(t, d)
				h.wantForeign(t, theirs, d, "another")
				h.full(t, d)
				h.wantOwn(t, own, d, "ours")
				if there, _ := place.Get("production/own"); there.Writes != 1 {
					t.Errorf("what stood there already was written %d times", there.Writes)
				}
			})
		})
	}
}
