package store_test

import (
	"fmt"
	"testing"
	"time"

	"github.com/your-org/keeper/fault"
	"github.com/your-org/keeper/models"
	"github.com/your-org/keeper/store"
)

// testRunHistory goes through a destination's runs both ways and narrows them.
func testRunHistory(t *testing.T, s *store.Store) {
	h := newHouse(t, s)
	d := h.destination(t, "d")
	var runs []models.RunID // the newest first, of which two began at once
	for i := range 7 {
		run := models.SyncRun{
			ID: models.RunID(fmt.Sprintf("run_%02d", i)), DestinationID: d.ID, EnvironmentID: h.env.ID, Status: models.RunSucceeded,
			Trigger: models.TriggerChange, StartedAt: at.Add(time.Duration(i/2) * time.Hour),
		}
		if i == 3 {
			run.Trigger, run.Status = models.TriggerManual, models.RunPartial
		}
		runs = append([]models.RunID{run.ID}, runs...)
		write(t, s, func(tx *store.Tx) error {
			if err := tx.CreateRun(&run); err != nil {
				return err
			}
			return tx.AddResults([]models.SyncResult{
				{RunID: run.ID, SecretID: 1, SecretName: fmt.Sprintf("pay/Straße-%d", i), Status: models.StatusInSync, At: at},
				{RunID: run.ID, SecretID: 2, SecretName: "mail/100%", Status: models.StatusUnknown, Failed: i == 3, At: at},
			})
		})
	}
	list := func(q store.RunQuery) ([]models.RunID, store.Around) {
		t.Helper()
		q.Environments = []models.EnvironmentID{h.env.ID}
		var around store.Around
		rows := read(t, s, func(tx *store.Tx) (rows []models.SyncRun, err error) {
			rows, around, err = tx.Runs(q)
			return rows, err
		})
		ids := []models.RunID{}
		for _, r := range rows {
			ids = append(ids, r.ID)
		}
		return ids, around
	}
	t.Run("BothWays", func(t *testing.T) {
		var pages [][]models.RunID
		var around store.Around
		for cursor := ""; ; cursor = around.Next {
			var ids []models.RunID
			ids, around = list(store.RunQuery{Limit: 3, Cursor: cursor})
			if pages = append(pages, ids); (cursor == "") != (around.Prev == "") {
				t.Errorf("page %d has the cursor %q of the one before", len(pages), around.Prev)
			}
			if around.Next == "" {
				break
			}
		}
		same(t, pages, [][]models.RunID{runs[:3], runs[3:6], runs[6:]})
		for i := len(pages) - 2; i >= 0; i-- {
			var ids []models.RunID
			ids, around = list(store.RunQuery{Limit: 3, Cursor: around.Prev})
			same(t, ids, pages[i])
			if around.Next == "" || (around.Prev == "") != (i == 0) {
				t.Errorf("back at page %d: %+v", i, around)
			}
		}
		ids, _ := list(store.RunQuery{Limit: 3, Cursor: around.Next})
		same(t, ids, pages[1])
	})
	t.Run("Narrowed", func(t *testing.T) {
		for name, c := range map[string]struct {
			q    store.RunQuery
			want []models.RunID
		}{
			"Trigger":     {store.RunQuery{Trigger: models.TriggerManual}, []models.RunID{"run_03"}},
			"Status":      {store.RunQuery{Status: models.RunPartial}, []models.RunID{"run_03"}},
			"Both":        {store.RunQuery{Status: models.RunPartial, Trigger: models.TriggerChange}, []models.RunID{}},
			"Destination": {store.RunQuery{DestinationID: "dst_none"}, []models.RunID{}},
			"Since":       {store.RunQuery{Since: at.Add(2 * time.Hour)}, runs[:3]},
			"Until":       {store.RunQuery{Until: at.Add(time.Hour)}, runs[5:]},
			"Secret":      {store.RunQuery{Secret: "STRASSE"}, []models.RunID{}},
			"SecretCase":  {store.RunQuery{Secret: "PAY/stra"}, runs},
			"SecretOne":   {store.RunQuery{Secret: "e-5"}, []models.RunID{"run_05"}},
			"NoWildcard":  {store.RunQuery{Secret: "y%5"}, []models.RunID{}},
		} {
			t.Run(name, func(t *testing.T) {
				ids, _ := list(c.q)
				same(t, ids, c.want)
			})
		}
	})
	t.Run("FailedResults", func(t *testing.T) {
		failed := func(cursor string) ([]models.SyncResult, store.Around) {
			var around store.Around
			rows := read(t, s, func(tx *store.Tx) (rows []models.SyncResult, err error) {
				rows, around, err = tx.Results(store.ResultQuery{Run: "run_03", FailedOnly: true, Cursor: cursor, Limit: 1})
				return rows, err
			})
			return rows, around
		}
		rows, around := failed("")
		if len(rows) != 1 || rows[0].SecretName != "mail/100%" || around != (store.Around{}) {
			t.Errorf("got %+v, %+v", rows, around)
		}
		same(t, read(t, s, func(tx *store.Tx) (int, error) { return tx.CountNotDone("run_04") }), 1)
		same(t, read(t, s, func(tx *store.Tx) (int, error) { return tx.CountNotDone("run_none") }), 0)
	})
	t.Run("CursorOfAnother", func(t *testing.T) {
		_, around := list(store.RunQuery{Limit: 1})
		_, err := tryRead(s, func(tx *store.Tx) (int, error) {
			_, _, err := tx.Results(store.ResultQuery{Run: "run_03", Cursor: around.Next})
			return 0, err
		})
		wantKind(t, err, fault.Invalid)
	})
}

// testQueuedFullRun finds the run that serves whoever asks for a full one.
func testQueuedFullRun(t *testing.T, s *store.Store) {
	h := newHouse(t, s)
	d := h.destination(t, "d")
	queue := func(run models.SyncRun) {
		run.DestinationID, run.EnvironmentID, run.StartedAt = d.ID, h.env.ID, at
		write(t, s, func(tx *store.Tx) error { return tx.CreateRun(&run) })
	}
	queue(models.SyncRun{ID: "run_1", Status: models.RunRunning, Full: true})
	queue(models.SyncRun{ID: "run_2", Status: models.RunQueued, Full: true, PlanID: "pln_1"})
	queue(models.SyncRun{ID: "run_3", Status: models.RunQueued})
	failing(t, s, fault.NotFound, func(tx *store.Tx) error { _, err := tx.QueuedFullRun(d.ID); return err })
	queue(models.SyncRun{ID: "run_4", Status: models.RunQueued, Full: true})
	got := models.SyncRun{}
	write(t, s, func(tx *store.Tx) (err error) { got, err = tx.QueuedFullRun(d.ID); return err })
	same(t, got.ID, models.RunID("run_4"))
}

// testRetryFailed makes due what a run could not do, and nothing else.
func testRetryFailed(t *testing.T, s *store.Store) {
	h := newHouse(t, s)
	d, other := h.destination(t, "d"), h.destination(t, "other")
	run := models.SyncRun{ID: "run_1", DestinationID: d.ID, EnvironmentID: h.env.ID, StartedAt: at}
	later := at.Add(time.Hour)
	var outcomes []store.SyncOutcome
	var results []models.SyncResult
	for i, status := range []models.SyncStatus{models.StatusSourceChanged, models.StatusUnknown, models.StatusInSync, models.StatusForeign} {
		secret := h.secret(t, fmt.Sprint("s", i))
		for _, there := range []models.Destination{d, other} {
			state := models.SyncState{SecretID: secret.ID, DestinationID: there.ID, Status: status, Since: at, Attempts: 1, NextTryAt: &later, LastError: "it failed"}
			outcomes = append(outcomes, store.SyncOutcome{State: state, Version: secret.CurrentVersion})
		}
		results = append(results, models.SyncResult{
			RunID: run.ID, SecretID: secret.ID, SecretName: secret.Name, Status: status, Failed: status != models.StatusUnknown && status != models.StatusForeign, At: at,
		})
	}
	var n int
	write(t, s, func(tx *store.Tx) (err error) {
		if err := tx.CreateRun(&run); err != nil {
			return err
		}
		if err := tx.AddResults(results); err != nil {
			return err
		}
		if err := tx.RecordSync(outcomes); err != nil {
			return err
		}
		n, err = tx.RetryFailed(run, at)
		return err
	})
	same(t, n, 2) // what is in sync by now, and what is not Keeper's, is left alone
	due := func(there models.Destination) (names []string) {
		for _, e := range read(t, s, func(tx *store.Tx) ([]store.SyncEntry, error) { return tx.SyncEntries(there.ID, true, at, 0, 10) }) {
			names = append(names, e.Name)
		}
		return names
	}
	same(t, due(d), []string{"s0", "s1"})
	same(t, due(other), nil)
}

// testCountWork counts what a pass has before it.
func testCountWork(t *testing.T, s *store.Store) {
	h := newHouse(t, s)
	d := h.destination(t, "d")
	var outcomes []store.SyncOutcome
	for i := range 4 { // s0 was never written, s1 is in sync, s2 has a newer version, s3 is deleted
		secret := h.secret(t, fmt.Sprint("s", i))
		state := models.SyncState{SecretID: secret.ID, DestinationID: d.ID, Status: models.StatusInSync, Since: at, BaseVersion: secret.CurrentVersion}
		switch i {
		case 0:
			continue
		case 2:
			state.BaseVersion = 9
		case 3:
			write(t, s, func(tx *store.Tx) error {
				secret.DeletedAt = new(at)
				return tx.UpdateSecret(&secret, secret.Revision)
			})
		}
		outcomes = append(outcomes, store.SyncOutcome{State: state, Version: secret.CurrentVersion, Deleted: i == 3})
	}
	write(t, s, func(tx *store.Tx) error { return tx.RecordSync(outcomes) })
	count := func(due bool) store.SyncWork {
		return read(t, s, func(tx *store.Tx) (store.SyncWork, error) { return tx.CountWork(d.ID, due, at) })
	}
	same(t, count(false), store.SyncWork{Entries: 4, Creates: 1, Updates: 1, Deletes: 1})
	same(t, count(true), store.SyncWork{Entries: 1, Creates: 1})
	same(t, read(t, s, func(tx *store.Tx) (store.SyncWork, error) { return tx.CountWork("dst_none", false, at) }), store.SyncWork{})
}

// testTakenAway counts what runs took away by themselves lately: of an entry that several secrets
// share all of it, up to what it has.
func testTakenAway(t *testing.T, s *store.Store) {
	h := newHouse(t, s)
	d := h.destination(t, "d")
	run := models.SyncRun{ID: "run_1", DestinationID: d.ID, EnvironmentID: h.env.ID, StartedAt: at}
	lost := func(id models.SecretID, n int, found models.SyncStatus, when time.Time) models.SyncResult {
		return models.SyncResult{RunID: run.ID, SecretID: id, Status: models.StatusInSync, Action: models.ActionUpdate, Found: found, Lost: n, At: when}
	}
	var members []store.SyncOutcome
	for i := range 3 {
		secret := h.secret(t, fmt.Sprint("s", i))
		members = append(members, store.SyncOutcome{Version: 1, State: models.SyncState{
			SecretID: secret.ID, DestinationID: d.ID, GroupID: 5, BaseVersion: 1, BaseAt: new(at), Status: models.StatusInSync, Since: at,
		}})
	}
	write(t, s, func(tx *store.Tx) error {
		if err := tx.CreateRun(&run); err != nil {
			return err
		}
		if err := tx.RecordSync(members); err != nil {
			return err
		}
		return tx.AddResults([]models.SyncResult{
			lost(1, 1, models.StatusDrifted, at), lost(1, 1, models.StatusDrifted, at),
			lost(2, 1, models.StatusDrifted, at.Add(-time.Hour)), lost(3, 0, models.StatusSourceChanged, at), lost(4, 1, "", at),
			lost(-5, 2, models.StatusSourceChanged, at), lost(-5, 2, models.StatusDrifted, at),
			lost(-6, 7, models.StatusOrphaned, at), lost(-7, 1, models.StatusDrifted, at),
		})
	})
	taken := func() map[models.SecretID]int {
		return read(t, s, func(tx *store.Tx) (map[models.SecretID]int, error) { return tx.TakenAway(d.ID, at.Add(-time.Minute)) })
	}
	every := map[models.SecretID]int{1: 1, -5: 3, -6: 7, -7: 1}
	same(t, taken(), every)
	for i, c := range []struct {
		plan   models.PlanID
		status models.RunStatus
		want   map[models.SecretID]int
	}{
		{"", models.RunSucceeded, every},
		{"pln_1", models.RunHeld, every},
		{"pln_1", models.RunQueued, every},
		{"pln_1", models.RunFailed, every}, // the plan was refused, as something had moved
		{"pln_1", models.RunInterrupted, every},
		{"pln_2", models.RunSucceeded, every}, // the brake had not held it
		{"pln_1", models.RunPartial, map[models.SecretID]int{}},
		{"pln_1", models.RunSucceeded, map[models.SecretID]int{}},
	} {
		t.Run(fmt.Sprint(c.status, c.plan), func(t *testing.T) {
			later := models.SyncRun{
				ID: models.RunID(fmt.Sprint("run_later_", i)), DestinationID: d.ID, EnvironmentID: h.env.ID, PlanID: c.plan, Status: c.status,
				StartedAt: at.Add(time.Duration(i+1) * time.Second),
			}
			write(t, s, func(tx *store.Tx) error { return tx.CreateRun(&later) })
			same(t, taken(), c.want)
		})
	}
}
