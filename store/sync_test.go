package store_test

import (
	"strconv"
	"testing"
	"time"

	"github.com/your-org/keeper/fault"
	"github.com/your-org/keeper/models"
	"github.com/your-org/keeper/store"
)

func testDestinations(t *testing.T, s *store.Store) {
	h := newHouse(t, s)
	d := h.destination(t, "vault")
	a := h.destination(t, "aws")
	get := func(id models.DestinationID) models.Destination {
		return read(t, s, func(tx *store.Tx) (models.Destination, error) { return tx.Destination(id) })
	}
	t.Run("OK", func(t *testing.T) {
		same(t, get(d.ID), d)
		same(t, read(t, s, func(tx *store.Tx) (models.Destination, error) { return tx.DestinationByName(h.env.ID, "vault") }), d)
		same(t, read(t, s, func(tx *store.Tx) ([]models.Destination, error) {
			return tx.Destinations([]models.EnvironmentID{h.env.ID})
		}), []models.Destination{a, d})
	})
	t.Run("Health", func(t *testing.T) {
		run := models.SyncRun{DestinationID: d.ID, Full: true, Status: models.RunFailed, Error: "away", StartedAt: at, FinishedAt: &at}
		write(t, s, func(tx *store.Tx) error { return tx.SetDestinationHealth(&run) })
		got := get(d.ID)
		cut := at.Truncate(time.Microsecond)
		if got.LastRunAt == nil || !got.LastRunAt.Equal(cut) || got.LastError != "away" || got.Revision != 1 || got.LastFullAt != nil {
			t.Errorf("got %+v", got)
		}
		run.Status, run.Error = models.RunPartial, ""
		write(t, s, func(tx *store.Tx) error { return tx.SetDestinationHealth(&run) })
		if got = get(d.ID); got.LastFullAt == nil || !got.LastFullAt.Equal(cut) || got.LastError != "" {
			t.Errorf("got %+v", got)
		}
		run.DestinationID = "dst_none"
		failing(t, s, fault.NotFound, func(tx *store.Tx) error { return tx.SetDestinationHealth(&run) })
	})
	t.Run("Update", func(t *testing.T) {
		changed := d
		changed.Paused, changed.Name, changed.LastError = true, "vault-2", "from a stale copy"
		write(t, s, func(tx *store.Tx) error { return tx.UpdateDestination(&changed, 1) })
		if got := get(d.ID); !got.Paused || got.Name != "vault-2" || got.LastError != "" || got.Revision != 2 {
			t.Errorf("got %+v", got)
		}
		failing(t, s, fault.Stale, func(tx *store.Tx) error { return tx.UpdateDestination(&changed, 1) })
		changed.Name = "aws"
		failing(t, s, fault.Conflict, func(tx *store.Tx) error { return tx.UpdateDestination(&changed, 2) })
	})
	t.Run("Delete", func(t *testing.T) {
		secret := h.secret(t, "a")
		run := models.SyncRun{ID: models.NewRunID(), DestinationID: d.ID, EnvironmentID: h.env.ID, Trigger: models.TriggerManual, Status: models.RunRunning}
		write(t, s, func(tx *store.Tx) error { return tx.MarkDirty(secret.ID) })
		write(t, s, func(tx *store.Tx) error { return tx.CreateRun(&run) })
		write(t, s, func(tx *store.Tx) error {
			return tx.AddResults([]models.SyncResult{{RunID: run.ID, SecretID: secret.ID, SecretName: "a"}})
		})
		write(t, s, func(tx *store.Tx) error { return tx.EnqueueJob("sync", string(d.ID), "", at) })
		write(t, s, func(tx *store.Tx) error { return tx.DeleteDestination(d.ID) })
		failing(t, s, fault.NotFound, func(tx *store.Tx) error { return tx.DeleteDestination(d.ID) })
		failing(t, s, fault.NotFound, func(tx *store.Tx) error { _, err := tx.Run(run.ID); return err })
		failing(t, s, fault.NotFound, func(tx *store.Tx) error { _, err := tx.Job("sync", string(d.ID)); return err })
		states := read(t, s, func(tx *store.Tx) ([]models.SyncState, error) {
			return tx.StatesOfSecrets([]models.SecretID{secret.ID})
		})
		if len(states) != 1 || states[0].DestinationID != a.ID {
			t.Errorf("got %+v, want only the other destination's", states)
		}
	})
}

func state(t *testing.T, s *store.Store, secret models.SecretID) models.SyncState {
	t.Helper()
	states := read(t, s, func(tx *store.Tx) ([]models.SyncState, error) { return tx.StatesOfSecrets([]models.SecretID{secret}) })
	if len(states) != 1 {
		t.Fatalf("got %d states, want 1", len(states))
	}
	return states[0]
}

func testSyncStates(t *testing.T, s *store.Store) {
	h := newHouse(t, s)
	d := h.destination(t, "d")
	secret := h.secret(t, "a")
	record := func(st models.SyncState, version models.VersionNumber, deleted bool) models.SyncState {
		t.Helper()
		write(t, s, func(tx *store.Tx) error {
			return tx.RecordSync([]store.SyncOutcome{{State: st, Version: version, Deleted: deleted}})
		})
		return state(t, s, secret.ID)
	}
	write(t, s, func(tx *store.Tx) error { return tx.MarkDirty(secret.ID) })
	first := state(t, s, secret.ID)
	t.Run("MarkDirty", func(t *testing.T) {
		if first.Status != models.StatusSourceChanged || !first.Dirty || first.DestinationID != d.ID || first.Since.IsZero() {
			t.Errorf("got %+v", first)
		}
		write(t, s, func(tx *store.Tx) error { return tx.MarkDirty(secret.ID) })
		if again := state(t, s, secret.ID); !again.Since.Equal(first.Since) {
			t.Errorf("since moved from %v to %v", first.Since, again.Since)
		}
	})
	intent := models.SyncState{
		DestinationID: d.ID, SecretID: secret.ID, RemoteName: "keeper/a", IntentHash: []byte{9}, IntentVersion: 1, IntentAt: &at,
		Status: models.StatusInSync, LastError: "an intent does not touch this",
	}
	t.Run("Intent", func(t *testing.T) {
		write(t, s, func(tx *store.Tx) error { return tx.SetIntents([]models.SyncState{intent}) })
		got := state(t, s, secret.ID)
		if got.RemoteName != "keeper/a" || got.IntentVersion != 1 || !got.Dirty || !got.Since.Equal(first.Since) || got.IntentHash[0] != 9 || got.LastError != "" {
			t.Errorf("got %+v", got)
		}
	})
	settled := models.SyncState{
		SecretID: secret.ID, DestinationID: d.ID, RemoteName: "keeper/a", Status: models.StatusInSync, Since: at,
		BaseHash: []byte{9}, BaseVersion: 1, BaseRemoteVersion: "v1", BaseAt: &at, Attempts: 2, NextTryAt: &at, LastError: "e", LastHint: "h",
	}
	t.Run("Record", func(t *testing.T) {
		got := record(settled, 1, false)
		want := settled
		cut := at.UTC().Truncate(time.Microsecond)
		want.Since, want.BaseAt, want.NextTryAt, want.UpdatedAt = cut, &cut, &cut, got.UpdatedAt
		same(t, got, want)
	})
	t.Run("ChangedMeanwhile", func(t *testing.T) {
		h.change(t, &secret)
		got := record(settled, 1, false)
		if !got.Dirty || got.Status != models.StatusSourceChanged || got.NextTryAt != nil || got.Attempts != 0 || got.BaseRemoteVersion != "v1" {
			t.Errorf("got %+v, want what was written, but dirty and due", got)
		}
		if got = record(settled, 2, false); got.Dirty || got.Status != models.StatusInSync {
			t.Errorf("got %+v, want in sync", got)
		}
		if got = record(settled, 2, true); !got.Dirty {
			t.Errorf("got %+v, want dirty: it was undeleted meanwhile", got)
		}
		write(t, s, func(tx *store.Tx) error {
			return tx.RecordSync([]store.SyncOutcome{{State: settled, Version: 2, Deleted: true, Forget: true}})
		})
		if got = state(t, s, secret.ID); !got.Dirty {
			t.Errorf("got %+v, want it kept and dirty: it was undeleted meanwhile", got)
		}
	})
	t.Run("MarkDirtyResets", func(t *testing.T) {
		failed := settled
		failed.Status, failed.Attempts = models.StatusUnknown, 4
		record(failed, 2, false)
		write(t, s, func(tx *store.Tx) error { return tx.MarkDirtyEnvironment(h.env.ID) })
		got := state(t, s, secret.ID)
		if got.Attempts != 0 || got.NextTryAt != nil || got.Status != models.StatusSourceChanged || got.Since.Equal(failed.Since) {
			t.Errorf("got %+v", got)
		}
	})
	t.Run("Purged", func(t *testing.T) {
		gone := settled
		gone.SecretID = 4711
		write(t, s, func(tx *store.Tx) error { return tx.RecordSync([]store.SyncOutcome{{State: gone, Version: 1}}) })
	})
	t.Run("Forget", func(t *testing.T) {
		write(t, s, func(tx *store.Tx) error {
			return tx.RecordSync([]store.SyncOutcome{{State: settled, Version: 2, Forget: true}})
		})
		states := read(t, s, func(tx *store.Tx) ([]models.SyncState, error) {
			return tx.StatesOfSecrets([]models.SecretID{secret.ID})
		})
		same(t, len(states), 0)
	})
	t.Run("Delete", func(t *testing.T) {
		write(t, s, func(tx *store.Tx) error { return tx.DeleteSyncState(d.ID, secret.ID) })
		write(t, s, func(tx *store.Tx) error { return tx.SetIntents([]models.SyncState{intent}) })
		if got := state(t, s, secret.ID); !got.Dirty || got.RemoteName != "keeper/a" {
			t.Errorf("got %+v, want a new dirty row", got)
		}
	})
	t.Run("ForgetDeleted", func(t *testing.T) {
		gone, left := h.secret(t, "gone"), settled
		left.SecretID, gone.DeletedAt = gone.ID, &at
		write(t, s, func(tx *store.Tx) error { return tx.MarkDirty(gone.ID) })
		write(t, s, func(tx *store.Tx) error { return tx.UpdateSecret(&gone, gone.Revision) })
		// A pass over a deleted secret knows of no version.
		write(t, s, func(tx *store.Tx) error {
			return tx.RecordSync([]store.SyncOutcome{{State: left, Deleted: true, Forget: true}})
		})
		states := read(t, s, func(tx *store.Tx) ([]models.SyncState, error) {
			return tx.StatesOfSecrets([]models.SecretID{gone.ID})
		})
		same(t, len(states), 0)
	})
}

func testSyncEntries(t *testing.T, s *store.Store) {
	h := newHouse(t, s)
	var secrets []models.Secret
	for i := range 5 {
		secrets = append(secrets, h.secret(t, "s"+strconv.Itoa(i)))
	}
	d := h.destination(t, "d")
	now := s0()
	due := func(only bool, now time.Time, after models.SecretID, limit int) []store.SyncEntry {
		t.Helper()
		return read(t, s, func(tx *store.Tx) ([]store.SyncEntry, error) { return tx.SyncEntries(d.ID, only, now, after, limit) })
	}
	ids := func(entries []store.SyncEntry) (all []int) {
		for _, e := range entries {
			for i := range secrets {
				if secrets[i].ID == e.SecretID {
					all = append(all, i)
				}
			}
		}
		return all
	}
	same(t, ids(due(true, now, 0, 10)), []int{0, 1, 2, 3, 4})
	same(t, ids(due(true, now, secrets[1].ID, 2)), []int{2, 3})
	settle := func(i int, next *time.Time) {
		t.Helper()
		write(t, s, func(tx *store.Tx) error {
			return tx.RecordSync([]store.SyncOutcome{{
				State: models.SyncState{
					SecretID: secrets[i].ID, DestinationID: d.ID, Status: models.StatusInSync, Since: now, NextTryAt: next, BaseRemoteVersion: "r",
				},
				Version: secrets[i].CurrentVersion, Deleted: secrets[i].Deleted(),
			}})
		})
	}
	later := now.Add(time.Minute)
	for i := range 5 {
		settle(i, nil)
	}
	settle(1, &later)
	same(t, ids(due(true, now, 0, 10)), nil)
	same(t, ids(due(true, later, 0, 10)), []int{1})
	count := func(only bool) int {
		t.Helper()
		return read(t, s, func(tx *store.Tx) (int, error) { return tx.CountEntries(d.ID, only, later) })
	}
	same(t, []int{count(true), count(false)}, []int{1, 5})
	same(t, *read(t, s, func(tx *store.Tx) (*time.Time, error) { return tx.NextWaiting(d.ID) }), later)
	h.change(t, &secrets[2])
	same(t, ids(due(true, now, 0, 10)), []int{2})
	entry := due(true, now, 0, 10)[0]
	if entry.CurrentVersion != 2 || entry.Hash[2] != 2 || entry.Size != 3 || entry.Name != "s2" || entry.Deleted ||
		entry.State == nil || !entry.State.Dirty || entry.State.BaseRemoteVersion != "r" {
		t.Errorf("got %+v with %+v", entry, entry.State)
	}
	secrets[3].DeletedAt = &now
	h.change(t, &secrets[3])
	secrets[4].DeletedAt = &now
	h.change(t, &secrets[4])
	write(t, s, func(tx *store.Tx) error { return tx.DeleteSyncState(d.ID, secrets[4].ID) })
	all := due(false, now, 0, 10)
	same(t, ids(all), []int{0, 1, 2, 3})
	if !all[3].Deleted || all[0].State == nil {
		t.Errorf("got %+v", all[3])
	}
	t.Run("List", func(t *testing.T) {
		q := store.StateQuery{Environments: []models.EnvironmentID{h.env.ID}, DestinationID: d.ID, Limit: 1}
		var got []string
		for range 10 {
			var around store.Around
			rows := read(t, s, func(tx *store.Tx) (rows []store.NamedState, err error) {
				rows, around, err = tx.ListStates(q)
				return rows, err
			})
			for _, r := range rows {
				got = append(got, r.SecretName+"/"+string(r.Status))
			}
			if q.Cursor = around.Next; around.Next == "" {
				break
			}
		}
		same(t, got, []string{"s0/in_sync", "s1/in_sync", "s2/source_changed", "s3/source_changed"})
		count := func(q store.StateQuery) int {
			return len(read(t, s, func(tx *store.Tx) ([]store.NamedState, error) { rows, _, err := tx.ListStates(q); return rows, err }))
		}
		env := []models.EnvironmentID{h.env.ID}
		same(t, count(store.StateQuery{Environments: env, StateFilter: store.StateFilter{Statuses: []models.SyncStatus{models.StatusInSync}}, Search: "S1"}), 1)
		same(t, count(store.StateQuery{Environments: env, DestinationID: "dst_none"}), 0)
		same(t, count(store.StateQuery{}), 0)
		_, err := tryRead(s, func(tx *store.Tx) (int, error) {
			_, _, err := tx.ListStates(store.StateQuery{Environments: env, Cursor: "nonsense"})
			return 0, err
		})
		wantKind(t, err, fault.Invalid)
	})
}

func testSyncRuns(t *testing.T, s *store.Store) {
	h := newHouse(t, s)
	d := h.destination(t, "d")
	var runs []models.SyncRun
	for i := range 6 {
		r := models.SyncRun{
			ID: models.NewRunID(), DestinationID: d.ID, EnvironmentID: h.env.ID, Trigger: models.TriggerChange, Actor: "system",
			Status: models.RunRunning, StartedAt: at.Add(time.Duration(i/2) * time.Hour), Counts: models.RunCounts{Checked: i},
		}
		write(t, s, func(tx *store.Tx) error { return tx.CreateRun(&r) })
		runs = append(runs, r)
	}
	env := []models.EnvironmentID{h.env.ID}
	list := func(q store.RunQuery) (ids []models.RunID) {
		t.Helper()
		for range 20 {
			var around store.Around
			rows := read(t, s, func(tx *store.Tx) (rows []models.SyncRun, err error) {
				rows, around, err = tx.Runs(q)
				return rows, err
			})
			for _, r := range rows {
				ids = append(ids, r.ID)
			}
			if q.Cursor = around.Next; around.Next == "" {
				return ids
			}
		}
		t.Fatal("the walk does not end")
		return nil
	}
	t.Run("OK", func(t *testing.T) {
		same(t, read(t, s, func(tx *store.Tx) (models.SyncRun, error) { return tx.Run(runs[3].ID) }), runs[3])
		whole := list(store.RunQuery{Environments: env})
		if len(whole) != 6 {
			t.Fatalf("got %d runs", len(whole))
		}
		same(t, list(store.RunQuery{Environments: env, Limit: 1}), whole)
		same(t, list(store.RunQuery{Environments: env, DestinationID: "dst_none"}), nil)
		failing(t, s, fault.Conflict, func(tx *store.Tx) error { twin := runs[0]; return tx.CreateRun(&twin) })
	})
	t.Run("Update", func(t *testing.T) {
		done := runs[5]
		done.Status, done.FinishedAt, done.Counts.Failed, done.Error = models.RunPartial, &at, 2, "one failed"
		write(t, s, func(tx *store.Tx) error { return tx.UpdateRun(&done) })
		same(t, read(t, s, func(tx *store.Tx) (models.SyncRun, error) { return tx.Run(done.ID) }), done)
		same(t, list(store.RunQuery{Environments: env, Status: models.RunPartial}), []models.RunID{done.ID})
		failing(t, s, fault.NotFound, func(tx *store.Tx) error { return tx.UpdateRun(&models.SyncRun{ID: "run_none"}) })
	})
	t.Run("Results", func(t *testing.T) {
		var results []models.SyncResult
		for i := range 450 {
			results = append(results, models.SyncResult{RunID: runs[0].ID, SecretID: 1, SecretName: strconv.Itoa(i), Failed: i%100 == 0, At: at})
		}
		write(t, s, func(tx *store.Tx) error { return tx.AddResults(results) })
		walk := func(failed bool) (n int) {
			cursor := ""
			for {
				var around store.Around
				rows := read(t, s, func(tx *store.Tx) (rows []models.SyncResult, err error) {
					rows, around, err = tx.Results(store.ResultQuery{Run: runs[0].ID, FailedOnly: failed, Cursor: cursor})
					return rows, err
				})
				if n += len(rows); around.Next == "" {
					return n
				}
				cursor = around.Next
			}
		}
		same(t, walk(false), 450)
		same(t, walk(true), 5)
	})
	t.Run("Interrupt", func(t *testing.T) {
		var n int
		write(t, s, func(tx *store.Tx) (err error) { n, err = tx.InterruptRuns(d.ID, at); return err })
		same(t, n, 5)
		got := read(t, s, func(tx *store.Tx) (models.SyncRun, error) { return tx.Run(runs[0].ID) })
		if got.Status != models.RunInterrupted || got.FinishedAt == nil {
			t.Errorf("got %+v", got)
		}
	})
	t.Run("DeleteOld", func(t *testing.T) {
		var n int
		del := func(before time.Time, keep int) int {
			write(t, s, func(tx *store.Tx) (err error) { n, err = tx.DeleteRunsBefore(before, keep); return err })
			return n
		}
		same(t, del(at.AddDate(1, 0, 0), 10), 0)
		same(t, del(at.AddDate(1, 0, 0), 2), 4)
		same(t, del(at, 0), 0)
		same(t, del(at.AddDate(1, 0, 0), 0), 2)
	})
}
