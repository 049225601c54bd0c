package store_test

import (
	"slices"
	"testing"

	"github.com/your-org/keeper/fault"
	"github.com/your-org/keeper/models"
	"github.com/your-org/keeper/store"
)

func testGroups(t *testing.T, s *store.Store) {
	h := newHouse(t, s)
	d := h.destination(t, "vault")
	group := models.SyncGroup{DestinationID: d.ID, Folder: "app", RemoteName: "production/app", Hash: []byte("one"), Size: 3}
	write(t, s, func(tx *store.Tx) error { return tx.CreateSyncGroup(&group) })
	get := func() models.SyncGroup {
		return read(t, s, func(tx *store.Tx) (models.SyncGroup, error) { return tx.SyncGroup(group.ID) })
	}
	due := func() int {
		return read(t, s, func(tx *store.Tx) (int, error) { return tx.CountDueGroups(d.ID, at) })
	}
	a, b := h.secret(t, "app/a"), h.secret(t, "app/b")
	for _, secret := range []models.Secret{a, b} {
		write(t, s, func(tx *store.Tx) error { return tx.MarkDirty(secret.ID) })
	}
	states := func() []models.SyncState {
		return read(t, s, func(tx *store.Tx) ([]models.SyncState, error) {
			return tx.StatesOfSecrets([]models.SecretID{a.ID, b.ID})
		})
	}
	// outcome is what a pass found that knew the group and its members as they are.
	outcome := func(status models.SyncStatus) store.GroupOutcome {
		state := group.State()
		state.Status, state.BaseHash, state.BaseVersion, state.BaseRemoteVersion, state.BaseAt = status, group.Hash, group.Version, "7", &at
		o := store.GroupOutcome{SyncOutcome: store.SyncOutcome{State: state, Version: group.Version}}
		for _, secret := range []models.Secret{a, b} {
			member := models.SyncState{
				SecretID: secret.ID, DestinationID: d.ID, GroupID: group.ID, RemoteName: group.RemoteName, Status: status, Since: at,
				BaseVersion: 1, BaseRemoteVersion: "7", BaseAt: &at,
			}
			o.Members = append(o.Members, store.SyncOutcome{State: member, Version: secret.CurrentVersion})
		}
		return o
	}

	t.Run("Folders", func(t *testing.T) {
		again := group
		again.ID = 0
		failing(t, s, fault.Conflict, func(tx *store.Tx) error { return tx.CreateSyncGroup(&again) })
		if got := get(); got.Version != 1 || !got.Dirty || got.Status != "" || due() != 1 {
			t.Errorf("got %+v", got)
		}
	})
	t.Run("Recorded", func(t *testing.T) {
		write(t, s, func(tx *store.Tx) error { return tx.RecordGroup(outcome(models.StatusInSync)) })
		if got := get(); got.Dirty || got.Status != models.StatusInSync || got.BaseRemoteVersion != "7" || due() != 0 {
			t.Errorf("got %+v", got)
		}
		if slices.ContainsFunc(states(), func(st models.SyncState) bool {
			return st.Dirty || st.Status != models.StatusInSync || st.GroupID != group.ID
		}) {
			t.Errorf("members %+v", states())
		}
	})
	t.Run("Repeated", func(t *testing.T) {
		write(t, s, func(tx *store.Tx) error { return tx.MarkDirty(b.ID) })
		o := outcome(models.StatusDrifted)
		o.Members, o.State.LastError, o.State.Attempts, o.State.NextTryAt, o.State.BaseRemoteVersion = nil, "no", 2, &at, "8"
		write(t, s, func(tx *store.Tx) error { return tx.RecordGroup(o) })
		got := states()
		if st := got[0]; st.Status != models.StatusDrifted || st.LastError != "no" || st.Attempts != 2 || st.NextTryAt == nil || st.BaseRemoteVersion != "8" {
			t.Errorf("the one that did not change: %+v", st)
		}
		if st := got[1]; !st.Dirty || st.Status != models.StatusSourceChanged || st.LastError != "" {
			t.Errorf("the one that changed: %+v", st)
		}
	})
	t.Run("Moved", func(t *testing.T) {
		before := outcome(models.StatusInSync)
		stale := group
		group.Hash, group.Size = []byte("two"), 4
		write(t, s, func(tx *store.Tx) error { return tx.MoveGroup(&group) })
		if got := get(); got.Version != 2 || string(got.Hash) != "two" || got.Size != 4 || !got.Dirty {
			t.Errorf("got %+v", got)
		}
		failing(t, s, fault.Stale, func(tx *store.Tx) error { return tx.MoveGroup(&stale) })
		write(t, s, func(tx *store.Tx) error { return tx.RecordGroup(before) })
		if got := get(); !got.Dirty || due() != 1 {
			t.Errorf("a pass over the version before ended that the group is due: %+v", got)
		}
	})
	t.Run("Intents", func(t *testing.T) {
		intent := models.SyncState{SecretID: group.ID.SecretID(), IntentHash: []byte("two"), IntentVersion: 2, IntentAt: &at}
		write(t, s, func(tx *store.Tx) error { return tx.SetGroupIntents([]models.SyncState{intent}) })
		if got := get(); string(got.IntentHash) != "two" || got.IntentVersion != 2 || got.BaseAt != nil || len(got.BaseHash) != 0 {
			t.Errorf("got %+v", got)
		}
	})
	t.Run("Forgotten", func(t *testing.T) {
		o := outcome(models.StatusInSync)
		o.Forget, o.Deleted, o.Members = true, true, nil
		write(t, s, func(tx *store.Tx) error { return tx.RecordGroup(o) })
		if got := get(); got.Status != "" || got.BaseAt != nil || got.IntentAt != nil || got.Dirty || got.Folder != "app" || got.Version != 2 {
			t.Errorf("got %+v", got)
		}
	})
	t.Run("Removed", func(t *testing.T) {
		write(t, s, func(tx *store.Tx) error { return tx.DeleteDestination(d.ID) })
		write(t, s, func(tx *store.Tx) error { return tx.RecordGroup(outcome(models.StatusInSync)) })
		failing(t, s, fault.NotFound, func(tx *store.Tx) error { _, err := tx.SyncGroup(group.ID); return err })
	})
}
