package store_test

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/your-org/keeper/fault"
	"github.com/your-org/keeper/models"
	"github.com/your-org/keeper/store"
	"github.com/your-org/keeper/store/storetest"
)

func TestMapping(t *testing.T) {
	for _, dialect := range storetest.Dialects {
		t.Run(dialect, func(t *testing.T) {
			s := storetest.Open(t, dialect)
			h := newHouse(t, s)
			t.Run("EntryHashes", func(t *testing.T) { testEntryHashes(t, s, h) })
			t.Run("NamesAt", func(t *testing.T) { testNamesAt(t, s, h) })
			t.Run("Deletions", func(t *testing.T) { testDeletions(t, s, h) })
		})
	}
}

func testEntryHashes(t *testing.T, s *store.Store, h *house) {
	one, two := h.secret(t, "hash-one"), h.secret(t, "hash-two")
	ids := []models.SecretID{one.ID, two.ID}
	want := store.EntryHash{SecretID: one.ID, Number: one.CurrentVersion, Hash: []byte{0, 1, 2}}
	write(t, s, func(tx *store.Tx) error {
		return tx.SetEntryHashes([]store.EntryHash{want, {SecretID: one.ID, Number: 99, Hash: []byte{9}}})
	})
	got := read(t, s, func(tx *store.Tx) (map[models.SecretID]store.EntryHash, error) { return tx.EntryHashes(ids) })
	if diff := cmp.Diff(map[models.SecretID]store.EntryHash{one.ID: want}, got); diff != "" {
		t.Error(diff)
	}
	h.change(t, &one)
	got = read(t, s, func(tx *store.Tx) (map[models.SecretID]store.EntryHash, error) { return tx.EntryHashes(ids) })
	if len(got) != 0 {
		t.Errorf("the version of before is told of: %v", got)
	}
}

func testNamesAt(t *testing.T, s *store.Store, h *house) {
	d, other := h.destination(t, "names"), h.destination(t, "names-too")
	written, intended, seen := h.secret(t, "n-written"), h.secret(t, "n-intended"), h.secret(t, "n-seen")
	now := time.Now()
	write(t, s, func(tx *store.Tx) error {
		return tx.RecordSync([]store.SyncOutcome{
			{Version: 1, State: models.SyncState{SecretID: written.ID, DestinationID: d.ID, RemoteName: "a", Status: models.StatusInSync, BaseAt: &now}},
			{Version: 1, State: models.SyncState{SecretID: intended.ID, DestinationID: d.ID, RemoteName: "b", Status: models.StatusUnknown, IntentAt: &now}},
			{Version: 1, State: models.SyncState{SecretID: seen.ID, DestinationID: d.ID, RemoteName: "c", Status: models.StatusForeign}},
			{Version: 1, State: models.SyncState{SecretID: seen.ID, DestinationID: other.ID, RemoteName: "d", Status: models.StatusInSync, BaseAt: &now}},
		})
	})
	got := read(t, s, func(tx *store.Tx) (map[string]store.NameAt, error) {
		return tx.NamesAt(d.ID, []string{"a", "b", "c", "d", "A"})
	})
	want := map[string]store.NameAt{"a": {RemoteName: "a", SecretID: written.ID, SecretName: "n-written"}, "b": {RemoteName: "b", SecretID: intended.ID, SecretName: "n-intended"}}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
}

func testDeletions(t *testing.T, s *store.Store, h *house) {
	d := h.destination(t, "deletions")
	at := time.Now().Add(-48 * time.Hour).UTC().Truncate(time.Microsecond)
	row := func(secret models.SecretID, version string, at time.Time) models.SyncDeletion {
		return models.SyncDeletion{DestinationID: d.ID, SecretID: secret, SecretName: "x", RemoteName: "p/x", RemoteVersion: version, DeletedAt: at}
	}
	versions := func(upTo time.Time) (got []string, ids []int64) {
		for _, r := range read(t, s, func(tx *store.Tx) ([]models.SyncDeletion, error) { return tx.Deletions(d.ID, upTo, 10) }) {
			got, ids = append(got, r.RemoteVersion), append(ids, r.ID)
		}
		return got, ids
	}
	write(t, s, func(tx *store.Tx) error {
		return tx.AddDeletions([]models.SyncDeletion{row(1, "later", at.Add(time.Hour)), row(-2, "first", at)})
	})
	if got, _ := versions(at); !cmp.Equal(got, []string{"first"}) {
		t.Errorf("due are %v", got)
	}
	write(t, s, func(tx *store.Tx) error {
		return tx.AddDeletions([]models.SyncDeletion{row(1, "again", at.Add(time.Minute))})
	})
	got, ids := versions(time.Now())
	if !cmp.Equal(got, []string{"first", "again"}) {
		t.Fatalf("there are %v", got)
	}
	write(t, s, func(tx *store.Tx) error { return tx.DropDeletion(ids[0]) })
	failing(t, s, fault.NotFound, func(tx *store.Tx) error { return tx.DropDeletion(ids[0]) })
	write(t, s, func(tx *store.Tx) error { return tx.DeleteDestination(d.ID) })
	if got, _ := versions(time.Now()); len(got) != 0 {
		t.Errorf("after the destination was removed: %v", got)
	}
}
