package store_test

import (
	"context"
	"strconv"
	"sync"
	"testing"
	"time"

	"github.com/your-org/keeper/fault"
	"github.com/your-org/keeper/models"
	"github.com/your-org/keeper/store"
)

func keyRun(kind models.KeyRunKind, env models.EnvironmentID, status models.KeyRunStatus, created time.Time) models.KeyRun {
	return models.KeyRun{ID: models.NewKeyRunID(), Kind: kind, EnvironmentID: env, Status: status, CreatedAt: created, CreatedBy: "ada"}
}

func testKeyRuns(t *testing.T, s *store.Store) {
	h := newHouse(t, s)
	get := func(id models.KeyRunID) models.KeyRun {
		return read(t, s, func(tx *store.Tx) (models.KeyRun, error) { return tx.KeyRun(id) })
	}
	add := func(r models.KeyRun) models.KeyRun {
		write(t, s, func(tx *store.Tx) error { return tx.CreateKeyRun(&r) })
		return r
	}
	run := add(keyRun(models.KeyRewrap, h.env.ID, models.KeyRunQueued, at))
	t.Run("OK", func(t *testing.T) {
		same(t, get(run.ID), run)
		run.Status, run.Total, run.Done, run.Failed, run.Calls, run.Remaining = models.KeyRunRunning, 9, 8, 7, 6, 5
		run.FromKey, run.ToKey, run.Cursor, run.Error, run.Hint, run.StartedAt = "arn:a", "arn:b", "dek_1", "e", "h", &at
		stands := run
		run.Kind, run.EnvironmentID, run.CreatedBy = models.KeyScrub, 99, "bob"
		write(t, s, func(tx *store.Tx) error { return tx.UpdateKeyRun(&run) })
		cut := micros(at)
		stands.UpdatedAt, stands.StartedAt = run.UpdatedAt, &cut
		run = stands
		same(t, get(run.ID), run)
		same(t, read(t, s, func(tx *store.Tx) (models.KeyRun, error) { return tx.ActiveKeyRun(models.KeyRewrap, h.env.ID) }), run)
	})
	t.Run("NotFound", func(t *testing.T) {
		for name, do := range map[string]func(*store.Tx) error{
			"Run":         func(tx *store.Tx) error { _, err := tx.KeyRun("krn_none"); return err },
			"Lock":        func(tx *store.Tx) error { _, err := tx.LockKeyRun("krn_none"); return err },
			"Update":      func(tx *store.Tx) error { return tx.UpdateKeyRun(&models.KeyRun{ID: "krn_none"}) },
			"Active":      func(tx *store.Tx) error { _, err := tx.ActiveKeyRun(models.KeyScrub, h.env.ID); return err },
			"ActiveAll":   func(tx *store.Tx) error { _, err := tx.ActiveKeyRun(models.KeyRewrap, 0); return err },
			"Environment": func(tx *store.Tx) error { r := keyRun(models.KeyRewrap, 99, "", at); return tx.CreateKeyRun(&r) },
		} {
			t.Run(name, func(t *testing.T) { failing(t, s, fault.NotFound, do) })
		}
	})
	t.Run("Conflict", func(t *testing.T) {
		failing(t, s, fault.Conflict, func(tx *store.Tx) error {
			second := keyRun(models.KeyRewrap, h.env.ID, models.KeyRunQueued, at)
			return tx.CreateKeyRun(&second)
		})
	})
	t.Run("Cancelled", func(t *testing.T) {
		worker := run
		run.Status = models.KeyRunCancelled
		write(t, s, func(tx *store.Tx) error { return tx.UpdateKeyRun(&run) })
		worker.Done++
		failing(t, s, fault.Stale, func(tx *store.Tx) error { return tx.UpdateKeyRun(&worker) })
		same(t, get(run.ID), run)
	})
	t.Run("List", func(t *testing.T) { testKeyRunList(t, h, add, run) })
}

func testKeyRunList(t *testing.T, h *house, add func(models.KeyRun) models.KeyRun, oldest models.KeyRun) {
	newest := []models.KeyRunID{oldest.ID}
	for i := range 6 {
		status := models.KeyRunSucceeded
		if i == 5 {
			status = models.KeyRunRunning
		}
		run := add(keyRun(models.KeyScrub, models.EnvironmentID(i%2)*h.env.ID, status, at.Add(time.Duration(1+i/2)*time.Hour)))
		newest = append([]models.KeyRunID{run.ID}, newest...)
	}
	list := func(q store.KeyRunQuery) (ids []models.KeyRunID) {
		for {
			var around store.Around
			rows := read(t, h.s, func(tx *store.Tx) (rows []models.KeyRun, err error) {
				rows, around, err = tx.KeyRuns(q)
				return rows, err
			})
			for _, row := range rows {
				ids = append(ids, row.ID)
			}
			if q.Cursor = around.Next; q.Cursor == "" {
				return ids
			}
		}
	}
	same(t, len(list(store.KeyRunQuery{Limit: 2})), 7)
	same(t, list(store.KeyRunQuery{Kind: models.KeyRewrap}), newest[6:])
	same(t, list(store.KeyRunQuery{Kind: models.KeyScrub, Environment: h.env.ID, Limit: 1}), []models.KeyRunID{newest[0], newest[2], newest[4]})
	same(t, list(store.KeyRunQuery{Unfinished: true}), newest[:1])
	_, err := tryRead(h.s, func(tx *store.Tx) (int, error) {
		_, _, err := tx.KeyRuns(store.KeyRunQuery{Cursor: "x"})
		return 0, err
	})
	wantKind(t, err, fault.Invalid)
	t.Run("DeleteBefore", func(t *testing.T) {
		write(t, h.s, func(tx *store.Tx) error {
			return tx.AddKeyFindings([]models.KeyFinding{{RunID: newest[5]}, {RunID: newest[3]}})
		})
		write(t, h.s, func(tx *store.Tx) error {
			n, err := tx.DeleteKeyRunsBefore(at.Add(150*time.Minute), 1)
			same(t, n, 3) // two of all environments; one of the house's, whose newest is running and does not count
			return err
		})
		same(t, len(list(store.KeyRunQuery{})), 4)
		same(t, list(store.KeyRunQuery{Kind: models.KeyRewrap}), newest[6:])
		same(t, list(store.KeyRunQuery{Unfinished: true}), newest[:1])
	})
}

// testKeyRunRace asks for the same run many times at once.
func testKeyRunRace(t *testing.T, s *store.Store) {
	h := newHouse(t, s)
	for _, env := range []models.EnvironmentID{0, h.env.ID} {
		const callers = 8
		var wait sync.WaitGroup
		errs := make(chan error, callers)
		for range callers {
			wait.Go(func() {
				run := keyRun(models.KeyScrub, env, models.KeyRunQueued, at)
				errs <- s.Write(context.Background(), func(tx *store.Tx) error { return tx.CreateKeyRun(&run) })
			})
		}
		wait.Wait()
		close(errs)
		made := 0
		for err := range errs {
			if err == nil {
				made++
			} else {
				wantKind(t, err, fault.Conflict)
			}
		}
		same(t, made, 1)
	}
}

func testKeyFindings(t *testing.T, s *store.Store) {
	h := newHouse(t, s)
	run, other := keyRun(models.KeyScrub, 0, models.KeyRunRunning, at), keyRun(models.KeyScrub, h.env.ID, models.KeyRunRunning, at)
	write(t, s, func(tx *store.Tx) error { return tx.CreateKeyRun(&run) })
	write(t, s, func(tx *store.Tx) error { return tx.CreateKeyRun(&other) })
	want := []models.KeyFinding{{RunID: other.ID, Kind: models.FindingDamaged}}
	for i := range 5 {
		kind := models.FindingDamaged
		if i > 2 {
			kind = models.FindingUnknown
		}
		want = append(want, models.KeyFinding{
			RunID: run.ID, Kind: kind, EnvironmentID: h.env.ID, ObjectKind: "version", Object: "production/a, version " + strconv.Itoa(i),
			SecretID: 7, Version: 3, DataKeyID: h.key.ID, Problem: "It does not open.", At: micros(at),
		})
	}
	write(t, s, func(tx *store.Tx) error { return tx.AddKeyFindings(want) })
	write(t, s, func(tx *store.Tx) error { return tx.AddKeyFindings(nil) })
	var got []models.KeyFinding
	for last := int64(0); ; last = got[len(got)-1].ID {
		rows := read(t, s, func(tx *store.Tx) ([]models.KeyFinding, error) { return tx.KeyFindings(run.ID, last, 2) })
		got = append(got, rows...)
		if len(rows) < 2 {
			break
		}
	}
	for i := range got {
		got[i].ID = 0
	}
	same(t, got, want[1:])
	var damaged, unknown int64
	read(t, s, func(tx *store.Tx) (_ bool, err error) {
		damaged, unknown, err = tx.CountKeyFindings(run.ID)
		return true, err
	})
	same(t, []int64{damaged, unknown}, []int64{3, 2})
	failing(t, s, fault.Conflict, func(tx *store.Tx) error { return tx.AddKeyFindings([]models.KeyFinding{{RunID: "krn_none"}}) })
}

func testKeyDrills(t *testing.T, s *store.Store) {
	h := newHouse(t, s)
	list := func(env models.EnvironmentID) []models.KeyDrill {
		return read(t, s, func(tx *store.Tx) ([]models.KeyDrill, error) { return tx.KeyDrills(env) })
	}
	proved := micros(at)
	d := models.KeyDrill{
		EnvironmentID: h.env.ID, RecipientKind: models.RecipientKMS, RecipientID: "arn:a", TriedAt: micros(at), ProvedAt: &proved, Actor: "ada",
	}
	put := func(d models.KeyDrill) { write(t, s, func(tx *store.Tx) error { return tx.PutKeyDrill(&d) }) }
	put(d)
	same(t, list(h.env.ID), []models.KeyDrill{d})
	failed := d
	failed.TriedAt, failed.ProvedAt, failed.Error, failed.Actor = micros(at.Add(time.Hour)), nil, "It is disabled.", "bob"
	put(failed)
	failed.ProvedAt = &proved
	same(t, list(0), []models.KeyDrill{failed})
	again := micros(at.Add(2 * time.Hour))
	d.ProvedAt, d.TriedAt = &again, again
	put(d)
	never := models.KeyDrill{EnvironmentID: h.env.ID, RecipientKind: models.RecipientRecovery, RecipientID: "age1x", TriedAt: again, Error: "never"}
	put(never)
	same(t, list(0), []models.KeyDrill{d, never})
	same(t, len(list(99)), 0)
	failing(t, s, fault.Conflict, func(tx *store.Tx) error { return tx.PutKeyDrill(&models.KeyDrill{EnvironmentID: 99, RecipientID: "x"}) })
}

// testDeleteEnvironmentKeys holds that an environment goes with all that was kept of its
// keys, and that others keep theirs.
func testDeleteEnvironmentKeys(t *testing.T, s *store.Store) {
	h := newHouse(t, s)
	other := house{s: s, env: models.Environment{Name: "other"}}
	write(t, s, func(tx *store.Tx) error { return tx.CreateEnvironment(&other.env) })
	over := keyRun(models.KeyScrub, 0, models.KeyRunSucceeded, at)
	write(t, s, func(tx *store.Tx) error { return tx.CreateKeyRun(&over) })
	for _, in := range []*house{h, &other} {
		in.dataKey(t, at, "a", "b")
		for _, kind := range []models.KeyRunKind{models.KeyRewrap, models.KeyScrub} {
			run := keyRun(kind, in.env.ID, models.KeyRunRunning, at)
			write(t, s, func(tx *store.Tx) error {
				if err := tx.CreateKeyRun(&run); err != nil {
					return err
				}
				if err := tx.EnqueueJob("keys", string(run.ID), "", at); err != nil {
					return err
				}
				return tx.AddKeyFindings([]models.KeyFinding{{RunID: run.ID}, {RunID: over.ID, EnvironmentID: in.env.ID}})
			})
		}
		write(t, s, func(tx *store.Tx) error {
			return tx.AddRecipient(&models.Recipient{EnvironmentID: in.env.ID, Kind: models.RecipientKMS, Key: "arn:x"})
		})
		write(t, s, func(tx *store.Tx) error {
			return tx.PutKeyDrill(&models.KeyDrill{EnvironmentID: in.env.ID, RecipientKind: models.RecipientKMS, RecipientID: "a"})
		})
	}
	write(t, s, func(tx *store.Tx) error { return tx.DeleteEnvironment(h.env.ID) })
	counts := read(t, s, func(tx *store.Tx) (counts []int, err error) {
		for _, env := range []models.EnvironmentID{h.env.ID, other.env.ID} {
			recipients, _ := tx.Recipients(env)
			drills, _ := tx.KeyDrills(env)
			runs, _, _ := tx.KeyRuns(store.KeyRunQuery{Environment: env})
			keys, err := tx.CountDataKeysUnder(env, "")
			if err != nil {
				return nil, err
			}
			counts = append(counts, len(recipients), len(drills), len(runs), int(keys))
		}
		jobs, err := tx.Jobs("keys")
		if err != nil {
			return nil, err
		}
		findings, err := tx.KeyFindings(over.ID, 0, 0)
		return append(counts, len(jobs), len(findings)), err
	})
	same(t, counts, []int{0, 0, 0, 0, 1, 1, 2, 1, 2, 2})
}
