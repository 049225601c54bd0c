package store_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/your-org/keeper/fault"
	"github.com/your-org/keeper/models"
	"github.com/your-org/keeper/store"
)

const figureDay models.Day = "2026-11-21"

// figuresOf are a day's figures in one line each, sorted.
func figuresOf(figures []models.Figure) []string {
	lines := make([]string, len(figures))
	for i, f := range figures {
		lines[i] = fmt.Sprint(f.Day, " ", f.EnvironmentID, " ", f.Metric, " ", f.N)
	}
	slices.Sort(lines)
	return lines
}

func counts(t *testing.T, s *store.Store, day models.Day) []string {
	t.Helper()
	return figuresOf(read(t, s, func(tx *store.Tx) ([]models.Figure, error) { return tx.CountDay(day) }))
}

func testFigures(t *testing.T, s *store.Store) {
	t.Run("Nothing", func(t *testing.T) { same(t, counts(t, s, figureDay), []string{}) })
	h := newHouse(t, s)
	t.Run("Audit", func(t *testing.T) { testFigureAudit(t, s, h) })
	t.Run("Runs", func(t *testing.T) { testFigureRuns(t, s, h) })
	t.Run("Put", func(t *testing.T) { testFigurePut(t, s) })
}

func testFigureAudit(t *testing.T, s *store.Store, h *house) {
	noon := figureDay.Start().Add(12 * time.Hour)
	entry := func(action string, at time.Time, change func(*models.AuditEntry)) models.AuditEntry {
		e := models.AuditEntry{Action: action, At: at, Outcome: models.OutcomeAllowed, EnvironmentID: h.env.ID, ActorKind: models.ActorUser}
		if change != nil {
			change(&e)
		}
		return e
	}
	version := func(e *models.AuditEntry) { e.Version = 2 }
	var entries []models.AuditEntry
	for i := range 400 { // days before and after, so that halving has something to halve
		entries = append(entries, entry("secret.reveal", noon.Add(time.Duration(i-200)*7*time.Hour), nil))
	}
	entries = slices.DeleteFunc(entries, func(e models.AuditEntry) bool { return models.DayOf(e.At) == figureDay })
	at := slices.IndexFunc(entries, func(e models.AuditEntry) bool { return e.At.After(noon) })
	entries = slices.Insert(
		entries, at,
		// Out of order by less than an hour, on both ends of the day.
		entry("secret.create", figureDay.Start().Add(20*time.Minute), version),
		entry("secret.create", figureDay.Start().Add(-time.Microsecond), version),
		entry("secret.create", figureDay.Start(), version),
		entry("secret.update", noon, version),
		entry("secret.rollback", noon, version),
		entry("secret.take", noon, version),
		entry("secret.update", noon, nil), // of what is said of it alone
		entry("secret.delete", noon, nil),
		entry("secret.reveal", noon, nil),
		entry("secret.reveal", noon, func(e *models.AuditEntry) { e.ActorKind = models.ActorToken }),
		entry("secret.reveal", noon, func(e *models.AuditEntry) { e.ActorKind = models.ActorToken }),
		entry("secret.reveal", noon, func(e *models.AuditEntry) { e.Outcome = models.OutcomeRefused }),
		entry("secret.reveal", noon, func(e *models.AuditEntry) { e.Outcome = models.OutcomeFailed }),
		entry("secret.reveal", noon, func(e *models.AuditEntry) { e.EnvironmentID = 0 }),
		entry("secret.reveal", noon, func(e *models.AuditEntry) { e.EnvironmentID = h.env.ID + 1 }),
		entry("destination.reveal", noon, nil),
		entry("secret.create", figureDay.Next().Start().Add(20*time.Minute), version),
		entry("secret.delete", figureDay.Next().Start().Add(-time.Microsecond), nil),
	)
	write(t, s, func(tx *store.Tx) error { return tx.AppendAudits(entries) })
	same(t, counts(t, s, figureDay), []string{
		fmt.Sprintf("2026-11-21 %d read.people 1", h.env.ID),
		fmt.Sprintf("2026-11-21 %d read.programs 2", h.env.ID),
		fmt.Sprintf("2026-11-21 %d secret.changed 3", h.env.ID),
		fmt.Sprintf("2026-11-21 %d secret.created 2", h.env.ID),
		fmt.Sprintf("2026-11-21 %d secret.deleted 2", h.env.ID),
		fmt.Sprintf("2026-11-21 %d read.people 1", h.env.ID+1),
	})
	all := 0
	for day := figureDay.Add(-70); day <= figureDay.Add(70); day = day.Next() {
		for _, f := range read(t, s, func(tx *store.Tx) ([]models.Figure, error) { return tx.CountDay(day) }) {
			all += int(f.N)
		}
	}
	if want := len(entries) - 5; all != want { // a mere description, two not allowed, one of no environment, one of another kind
		t.Errorf("the days hold %d of %d entries", all, want)
	}
	t.Run("Plan", func(t *testing.T) {
		plans, err := s.Explain(t.Context(), func(tx *store.Tx) error { _, err := tx.CountDay(figureDay); return err })
		if err != nil {
			t.Fatal(err)
		}
		const byPlace = "SEARCH audit_entries USING INTEGER PRIMARY KEY (rowid>? AND rowid<?)"
		if s.Dialect() == store.SQLite && !slices.ContainsFunc(plans, func(plan string) bool {
			return strings.Contains(plan, "COUNT(*)") && strings.Contains(plan, byPlace)
		}) {
			t.Errorf("no plan counts the day's entries alone:\n%s", strings.Join(plans, "\n"))
		}
	})
}

func testFigureRuns(t *testing.T, s *store.Store, h *house) {
	d, other := h.destination(t, "d"), h.destination(t, "other")
	day := figureDay.Add(200) // of its own
	run := func(d models.Destination, finished *time.Time, c models.RunCounts, found ...models.SyncResult) {
		r := models.SyncRun{
			ID: models.NewRunID(), DestinationID: d.ID, EnvironmentID: h.env.ID, Trigger: models.TriggerSchedule,
			Status: models.RunSucceeded, StartedAt: day.Start().Add(-time.Hour), FinishedAt: finished, Counts: c,
		}
		for i := range found {
			found[i].RunID, found[i].Action = r.ID, models.ActionRepair
		}
		write(t, s, func(tx *store.Tx) error {
			if err := tx.CreateRun(&r); err != nil {
				return err
			}
			return tx.AddResults(found)
		})
	}
	result := func(id models.SecretID, found models.SyncStatus) models.SyncResult {
		return models.SyncResult{SecretID: id, Found: found, Status: models.StatusInSync}
	}
	first, last, next := day.Start(), day.Next().Start().Add(-time.Microsecond), day.Next().Start()
	all := models.RunCounts{Created: 1, Updated: 10, Restored: 100, Deleted: 1000, Taken: 10000, Repaired: 3, Failed: 5, Unknown: 2, Held: 7}
	run(d, &first, all, result(1, models.StatusDrifted), result(2, models.StatusMissing), result(3, models.StatusConflict),
		result(4, models.StatusSourceChanged), result(5, ""))
	run(d, &last, models.RunCounts{Repaired: 1}, result(1, models.StatusDrifted)) // the same again counts once
	run(d, &next, models.RunCounts{Repaired: 1}, result(9, models.StatusDrifted))
	run(d, nil, models.RunCounts{Repaired: 1}, result(9, models.StatusDrifted))
	run(other, &first, models.RunCounts{Held: 1, InSync: 8}, result(1, models.StatusDrifted))
	figures := read(t, s, func(tx *store.Tx) ([]models.Figure, error) { return tx.CountDay(day) })
	got := map[string]int64{}
	for _, f := range figures {
		got[map[models.DestinationID]string{d.ID: "d ", other.ID: "other "}[f.DestinationID]+string(f.Metric)] = f.N
	}
	same(t, got, map[string]int64{
		"d sync.written": 11111, "d sync.repaired": 4, "d sync.failed": 7, "d sync.drifted": 3, "other sync.drifted": 1,
	})
}

func testFigurePut(t *testing.T, s *store.Store) {
	figure := func(day models.Day, env models.EnvironmentID, n int64) models.Figure {
		return models.Figure{Day: day, EnvironmentID: env, Metric: models.ReadsByPeople, N: n}
	}
	list := func(environments ...models.EnvironmentID) []string {
		return figuresOf(read(t, s, func(tx *store.Tx) ([]models.Figure, error) {
			return tx.Figures(store.FigureQuery{Environments: environments, Metrics: []models.Metric{models.ReadsByPeople}, Since: "2026-01-02"})
		}))
	}
	counted := func() time.Time {
		return read(t, s, func(tx *store.Tx) (time.Time, error) { return tx.FiguresCounted() })
	}
	if got := counted(); !got.IsZero() {
		t.Errorf("counted up to %s before there was a count", got)
	}
	first := store.FigureCount{
		Until: at, Days: []models.Day{"2026-01-01", "2026-01-02", "2026-01-03"}, Keep: "2026-01-01",
		Figures: []models.Figure{figure("2026-01-01", 1, 1), figure("2026-01-02", 1, 2), figure("2026-01-03", 1, 3), figure("2026-01-03", 2, 4)},
	}
	write(t, s, func(tx *store.Tx) error { return tx.PutFigures(first) })
	same(t, list(1), []string{"2026-01-02 1 read.people 2", "2026-01-03 1 read.people 3"})
	same(t, list(2, 3), []string{"2026-01-03 2 read.people 4"})
	same(t, len(list()), 0)
	if got := counted(); !got.Equal(at.Truncate(time.Microsecond)) {
		t.Errorf("counted up to %s, want %s", got, at)
	}

	again := store.FigureCount{
		After: counted(), Until: at.Add(time.Minute), Days: []models.Day{"2026-01-03", "2026-01-04"}, Keep: "2026-01-02",
		Figures: []models.Figure{figure("2026-01-03", 1, 30), figure("2026-01-04", 1, 40)},
	}
	write(t, s, func(tx *store.Tx) error { return tx.PutFigures(again) })
	want := []string{"2026-01-02 1 read.people 2", "2026-01-03 1 read.people 30", "2026-01-04 1 read.people 40"}
	same(t, list(1, 2), want)
	old := read(t, s, func(tx *store.Tx) ([]models.Figure, error) {
		return tx.Figures(store.FigureQuery{Environments: []models.EnvironmentID{1}, Metrics: []models.Metric{models.ReadsByPeople}})
	})
	if len(old) != len(want) {
		t.Errorf("%d figures stand, want %d: what is older than is kept goes", len(old), len(want))
	}
	t.Run("Stale", func(t *testing.T) {
		late := again
		late.Figures = []models.Figure{figure("2026-01-04", 1, 1)}
		failing(t, s, fault.Stale, func(tx *store.Tx) error { return tx.PutFigures(late) })
		same(t, list(1, 2), want)
	})
}
