package store

import (
	"slices"
	"time"

	"gorm.io/gorm"

	"github.com/your-org/keeper/fault"
	"github.com/your-org/keeper/models"
)

// auditSlack is how far the order of audit entries by ID may be from their order by time:
// clocks of replicas differ, and an entry's time is taken before it waits for its commit.
const auditSlack = time.Hour

// auditFrom is an ID before which no entry of a time or later stands, give or take what
// auditSlack allows for. IDs rise with time, so that halving finds it without an index on the
// time, which would cost every reveal.
func (tx *Tx) auditFrom(at time.Time) (int64, error) {
	at = micro(at.Add(-auditSlack))
	newest, err := all[models.AuditEntry](tx.db().Select("id").Order("id DESC").Limit(1), "audit entry")
	if err != nil || len(newest) == 0 {
		return 0, err
	}
	low, high := int64(0), newest[0].ID+1
	for low < high {
		middle := low + (high-low)/2
		entry, err := take[models.AuditEntry](tx.db().Select("id", "at").Where("id >= ?", middle).Order("id"), "audit entry")
		if err != nil {
			return 0, err
		}
		if entry.At.Before(at) {
			low = entry.ID + 1
		} else {
			high = middle
		}
	}
	return low, nil
}

// CountDay counts what happened on a day, from the audit log and from the runs that ended on
// it. What happened in no environment is left out.
func (tx *Tx) CountDay(day models.Day) ([]models.Figure, error) {
	counted := tally{}
	for _, count := range []func(models.Day, tally) error{tx.countAudit, tx.countRuns, tx.countDrift} {
		if err := count(day, counted); err != nil {
			return nil, err
		}
	}
	return counted.figures(), nil
}

// tally adds up figures, by all but their count.
type tally map[models.Figure]int64

func (t tally) add(f models.Figure, n int64) {
	if n > 0 && f.EnvironmentID > 0 {
		t[f] += n
	}
}

func (t tally) figures() []models.Figure {
	figures := make([]models.Figure, 0, len(t))
	for f, n := range t {
		f.N = n
		figures = append(figures, f)
	}
	return figures
}

// counted are the actions that make figures. One on a secret without a new version changed
// only what is said of it.
var counted = map[string]models.Metric{
	"secret.create": models.SecretsCreated, "secret.update": models.ValuesChanged, "secret.rollback": models.ValuesChanged,
	"secret.take": models.ValuesChanged, "secret.delete": models.SecretsDeleted, "secret.reveal": models.ReadsByPrograms,
}

func (tx *Tx) countAudit(day models.Day, into tally) error {
	low, err := tx.auditFrom(day.Start())
	if err != nil {
		return err
	}
	high, err := tx.auditFrom(day.Next().Start().Add(2 * auditSlack))
	if err != nil {
		return err
	}
	actions := make([]string, 0, len(counted))
	for action := range counted {
		actions = append(actions, action)
	}
	slices.Sort(actions)
	var rows []struct {
		EnvironmentID models.EnvironmentID
		Action        string
		ActorKind     models.ActorKind
		Versioned     bool
		N             int64
	}
	const by = "environment_id, action, actor_kind, version > 0"
	err = tx.db().Model(&models.AuditEntry{}).Select(by+" AS versioned, COUNT(*) AS n").
		Where("id >= ? AND id < ? AND at >= ? AND at < ?", low, high, day.Start(), day.Next().Start()).
		Where("outcome = ? AND action IN ?", models.OutcomeAllowed, actions).Group(by).Scan(&rows).Error
	for _, row := range rows {
		metric := counted[row.Action]
		switch {
		case metric == models.ReadsByPrograms && row.ActorKind == models.ActorUser:
			metric = models.ReadsByPeople
		case metric == models.ValuesChanged && !row.Versioned:
			continue
		}
		into.add(models.Figure{EnvironmentID: row.EnvironmentID, Day: day, Metric: metric}, row.N)
	}
	return translate(err, "audit entry")
}

// ended are the runs that ended on a day.
func (tx *Tx) ended(day models.Day) *gorm.DB {
	return tx.db().Table("sync_runs r").Where("r.finished_at >= ? AND r.finished_at < ?", day.Start(), day.Next().Start())
}

func (tx *Tx) countRuns(day models.Day, into tally) error {
	var rows []struct {
		EnvironmentID             models.EnvironmentID
		DestinationID             models.DestinationID
		Written, Repaired, Failed int64
	}
	err := tx.ended(day).Select("r.environment_id, r.destination_id, " +
		"SUM(r.created + r.updated + r.restored + r.deleted + r.taken) AS written, SUM(r.repaired) AS repaired, SUM(r.failed + r.unknown) AS failed").
		Group("r.environment_id, r.destination_id").Scan(&rows).Error
	for _, row := range rows {
		f := models.Figure{EnvironmentID: row.EnvironmentID, DestinationID: row.DestinationID, Day: day}
		for metric, n := range map[models.Metric]int64{
			models.CopiesWritten: row.Written, models.CopiesRepaired: row.Repaired, models.CopiesFailed: row.Failed,
		} {
			f.Metric = metric
			into.add(f, n)
		}
	}
	return translate(err, "sync run")
}

// countDrift counts the secrets that runs found changed by somebody else. What a person had
// decided on is not found again.
func (tx *Tx) countDrift(day models.Day, into tally) error {
	found := []models.SyncStatus{models.StatusDrifted, models.StatusMissing, models.StatusConflict}
	var rows []struct {
		EnvironmentID models.EnvironmentID
		DestinationID models.DestinationID
		N             int64
	}
	err := tx.ended(day).Joins("JOIN sync_results o ON o.run_id = r.id").
		Where("r.repaired + r.taken + r.held + r.failed + r.unknown > 0 AND o.found IN ?", found).
		Select("r.environment_id, r.destination_id, COUNT(DISTINCT o.secret_id) AS n").
		Group("r.environment_id, r.destination_id").Scan(&rows).Error
	for _, row := range rows {
		into.add(models.Figure{
			EnvironmentID: row.EnvironmentID, DestinationID: row.DestinationID, Day: day, Metric: models.CopiesDrifted,
		}, row.N)
	}
	return translate(err, "sync result")
}

// figuresMark is the setting that says up to when figures were counted.
const figuresMark = "figures_counted"

// FiguresCounted is up to when figures were counted; the zero time: never.
func (tx *Tx) FiguresCounted() (time.Time, error) {
	text, err := tx.Setting(figuresMark)
	if fault.Is(err, fault.NotFound) {
		return time.Time{}, nil
	}
	if err != nil {
		return time.Time{}, err
	}
	return markTime(text)
}

func markTime(text string) (time.Time, error) {
	if text == "" {
		return time.Time{}, nil
	}
	at, err := time.Parse(time.RFC3339Nano, text)
	if err != nil {
		return time.Time{}, fault.Wrap(err, fault.Internal, "The time of the last count cannot be read.")
	}
	return at, nil
}

// FigureCount is what was counted of whole days.
type FigureCount struct {
	After   time.Time    // FiguresCounted before the count began
	Until   time.Time    // when it began
	Days    []models.Day // that were counted
	Figures []models.Figure
	Keep    models.Day // the oldest day that is kept
}

// PutFigures puts a count in place of what stands of its days, and drops what is older than
// is kept. Stale, and nothing is changed, where somebody else counted since this count began:
// of two that count at once, the older never replaces the newer.
func (tx *Tx) PutFigures(c FigureCount) error {
	standing, err := tx.PutSettingIfAbsent(figuresMark, "")
	if err != nil {
		return err
	}
	if at, err := markTime(standing); err != nil || !at.Equal(c.After) {
		if err == nil {
			err = stale("count")
		}
		return err
	}
	gone := tx.db().Where("day IN ? OR day < ?", c.Days, c.Keep).Delete(&models.Figure{})
	if gone.Error != nil {
		return translate(gone.Error, "figure")
	}
	if len(c.Figures) > 0 {
		if err := translate(tx.db().CreateInBatches(c.Figures, batchSize).Error, "figure"); err != nil {
			return err
		}
	}
	return tx.PutSetting(figuresMark, micro(c.Until).Format(time.RFC3339Nano))
}

// FigureQuery says which figures to list.
type FigureQuery struct {
	Environments []models.EnvironmentID // none: nothing is listed
	Metrics      []models.Metric        // none: nothing is listed
	Since        models.Day
}

// Figures lists figures by day. A day without any has none.
func (tx *Tx) Figures(q FigureQuery) ([]models.Figure, error) {
	if len(q.Environments) == 0 || len(q.Metrics) == 0 {
		return nil, nil
	}
	query := tx.db().Where("environment_id IN ? AND day >= ? AND metric IN ?", q.Environments, q.Since, q.Metrics)
	return all[models.Figure](query.Order("day, environment_id, metric, destination_id"), "figure")
}
