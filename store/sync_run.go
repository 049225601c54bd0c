package store

import (
	"time"

	"gorm.io/gorm"

	"github.com/your-org/keeper/fault"
	"github.com/your-org/keeper/models"
)

// CreateRun adds a run. Conflict where the ID is taken.
func (tx *Tx) CreateRun(r *models.SyncRun) error {
	first(&r.StartedAt, tx.Now())
	return tx.insert(r, "sync run")
}

// UpdateRun writes all of a run that stands.
func (tx *Tx) UpdateRun(r *models.SyncRun) error { return tx.replace(r, "sync run") }

// Run loads one by its ID.
func (tx *Tx) Run(id models.RunID) (models.SyncRun, error) {
	return take[models.SyncRun](tx.db().Where("id = ?", id), "sync run")
}

// QueuedFullRun is a run of a destination that was asked for, has not begun, and is to look
// at everything by itself: it serves whoever else wants that.
func (tx *Tx) QueuedFullRun(destination models.DestinationID) (models.SyncRun, error) {
	query := tx.locked().Where(&models.SyncRun{DestinationID: destination, Status: models.RunQueued, Full: true}).Where("plan_id = ?", "")
	return take[models.SyncRun](query.Order("started_at, id"), "sync run")
}

// QueuedRun is the oldest run of a destination that was asked for and has not begun.
func (tx *Tx) QueuedRun(destination models.DestinationID) (models.SyncRun, error) {
	query := tx.locked().Where("destination_id = ? AND status = ?", destination, models.RunQueued).Order("started_at, id")
	return take[models.SyncRun](query, "sync run")
}

// RunQuery says which runs to list. Empty fields do not narrow, except Environments.
type RunQuery struct {
	Environments  []models.EnvironmentID // none: nothing is listed
	DestinationID models.DestinationID
	Status        models.RunStatus
	Trigger       models.RunTrigger
	Since, Until  time.Time // when it began: not before Since, before Until
	Secret        string    // part of the name of a secret among its results, in either case
	Cursor        string
	Limit         int // 0, and more than 200: 200
}

// Runs lists runs, the newest first, and the cursors of the pages around them.
func (tx *Tx) Runs(q RunQuery) ([]models.SyncRun, Around, error) {
	if len(q.Environments) == 0 {
		return nil, Around{}, nil
	}
	order := newest("runs", "started_at", "id", func(r *models.SyncRun) (time.Time, string) { return r.StartedAt, string(r.ID) })
	return pageOf(tx.runs(q), order, q.Cursor, q.Limit, "sync run")
}

// runs is what a query chooses, in no order.
func (tx *Tx) runs(q RunQuery) *gorm.DB {
	query := tx.db().Where("environment_id IN ?", q.Environments).
		Where(&models.SyncRun{DestinationID: q.DestinationID, Status: q.Status, Trigger: q.Trigger}) // those that are not empty
	if !q.Since.IsZero() {
		query = query.Where("started_at >= ?", micro(q.Since))
	}
	if !q.Until.IsZero() {
		query = query.Where("started_at < ?", micro(q.Until))
	}
	if q.Secret != "" {
		named := tx.db().Model(&models.SyncResult{}).Select("1").Where("sync_results.run_id = sync_runs.id")
		query = query.Where("EXISTS (?)", tx.contains(named, q.Secret, "sync_results.secret_name"))
	}
	return query
}

// AddResults adds results of a run.
func (tx *Tx) AddResults(results []models.SyncResult) error {
	if len(results) == 0 {
		return nil
	}
	rows := append([]models.SyncResult(nil), results...)
	for i := range rows {
		rows[i].ID = 0
		first(&rows[i].At, tx.Now())
		rows[i].At = micro(rows[i].At)
	}
	return translate(tx.db().CreateInBatches(&rows, batchSize).Error, "sync result")
}

// ResultQuery says which results of a run to list.
type ResultQuery struct {
	Run        models.RunID
	FailedOnly bool // also those that could not be read
	Cursor     string
	Limit      int // 0, and more than 200: 200
}

// notDone are the results of secrets with which something is wrong that another try may mend.
const notDone = "(failed = ? OR status = ?)"

// Results lists a run's results in the order in which they came, and the cursors of the pages
// around them.
func (tx *Tx) Results(q ResultQuery) ([]models.SyncResult, Around, error) {
	query := tx.db().Where("run_id = ?", q.Run)
	if q.FailedOnly {
		query = query.Where(notDone, true, models.StatusUnknown)
	}
	return pageByNumber(query, "results", "id", false, q.Cursor, q.Limit, "sync result", func(r *models.SyncResult) int64 { return r.ID })
}

// CountNotDone says how many results of a run another try may mend.
func (tx *Tx) CountNotDone(run models.RunID) (int, error) {
	var n int64
	err := tx.db().Model(&models.SyncResult{}).Where("run_id = ?", run).Where(notDone, true, models.StatusUnknown).
		Distinct("secret_id").Count(&n).Error
	return int(n), translate(err, "sync result")
}

// RetryFailed makes the secrets that a run could not deal with due at once at its destination,
// and says how many of them that are not in sync by now.
func (tx *Tx) RetryFailed(run models.SyncRun, now time.Time) (int, error) {
	named := tx.db().Model(&models.SyncResult{}).Select("secret_id").Where("run_id = ?", run.ID).Where(notDone, true, models.StatusUnknown)
	done := tx.db().Model(&models.SyncState{}).
		Where("destination_id = ? AND status <> ? AND secret_id IN (?)", run.DestinationID, models.StatusInSync, named).
		UpdateColumns(map[string]any{"next_try_at": micro(now)})
	if done.Error != nil {
		return 0, translate(done.Error, "sync state")
	}
	groups := tx.db().Model(&models.SyncGroup{}).
		Where("destination_id = ? AND status <> ? AND -id IN (?)", run.DestinationID, models.StatusInSync, named).
		UpdateColumns(map[string]any{"next_try_at": micro(now)})
	return int(done.RowsAffected + groups.RowsAffected), translate(groups.Error, "sync group")
}

// DueNow makes secrets due at once at a destination, as they stand there.
func (tx *Tx) DueNow(destination models.DestinationID, ids []models.SecretID, now time.Time) error {
	states := func() *gorm.DB {
		return tx.db().Model(&models.SyncState{}).Where("destination_id = ? AND secret_id IN ?", destination, ids)
	}
	if done := states().Where("group_id = 0").UpdateColumns(map[string]any{"next_try_at": micro(now)}); done.Error != nil {
		return translate(done.Error, "sync state")
	}
	groups := tx.db().Model(&models.SyncGroup{}).Where("id IN (?)", states().Select("group_id")).
		UpdateColumns(map[string]any{"next_try_at": micro(now)})
	return translate(groups.Error, "sync group")
}

// carriedOut are the statuses of a run that went through what it was to do.
var carriedOut = []models.RunStatus{models.RunSucceeded, models.RunPartial}

// TakenAway lists the entries of which a destination's runs took something away since a time,
// or since a plan that the brake had held was last applied, with how many values of each: a copy
// was deleted, a value was written over that was not Keeper's, or was taken into Keeper. What failed
// is among it, since it may have been done all the same; what persons decided is not.
func (tx *Tx) TakenAway(destination models.DestinationID, since time.Time) (map[models.SecretID]int, error) {
	since = micro(since)
	held := tx.db().Model(&models.SyncRun{}).Select("plan_id").Where("destination_id = ? AND status = ?", destination, models.RunHeld)
	let := tx.db().Where("destination_id = ? AND status IN ? AND started_at > ? AND plan_id <> '' AND plan_id IN (?)", destination, carriedOut, since, held)
	applied, err := all[models.SyncRun](let.Order("started_at DESC").Limit(1), "sync run")
	if err != nil {
		return nil, err
	}
	if len(applied) > 0 {
		since = applied[0].StartedAt
	}
	runs := tx.db().Model(&models.SyncRun{}).Select("id").
		Where("destination_id = ? AND (finished_at IS NULL OR finished_at >= ?)", destination, since)
	var rows []struct {
		SecretID models.SecretID
		Most     int // in one run
		InAll    int
	}
	err = tx.db().Model(&models.SyncResult{}).Where("run_id IN (?) AND at >= ? AND found <> '' AND lost > 0", runs, since).
		Select("secret_id, MAX(lost) AS most, SUM(lost) AS in_all").Group("secret_id").Scan(&rows).Error
	if err != nil {
		return nil, translate(err, "sync result")
	}
	taken := make(map[models.SecretID]int, len(rows))
	for _, row := range rows {
		taken[row.SecretID] = row.Most
		if id, grouped := models.GroupOf(row.SecretID); grouped && row.InAll > row.Most {
			has, err := tx.countWritten(id)
			if err != nil {
				return nil, err
			}
			taken[row.SecretID] = min(row.InAll, max(row.Most, has)) // the same ones again and again count once
		}
	}
	return taken, nil
}

// countWritten is how many values of Keeper's an entry holds that several secrets share.
func (tx *Tx) countWritten(id models.SyncGroupID) (int, error) {
	var n int64
	err := tx.db().Model(&models.SyncState{}).Where("group_id = ? AND base_version > 0", id).Count(&n).Error
	return int(n), translate(err, "sync state")
}

// written are the actions that can end in a value being put.
var written = []models.SyncAction{models.ActionCreate, models.ActionUpdate, models.ActionRepair, models.ActionRestore}

// UntoldDrift lists what a destination's last runs found to be changed by somebody else and
// wrote again, as far as they ended with their process, up to a limit.
func (tx *Tx) UntoldDrift(destination models.DestinationID, limit int) ([]models.SyncResult, error) {
	query := tx.db().Where("destination_id = ? AND status NOT IN ?", destination, []models.RunStatus{models.RunQueued, models.RunRunning})
	runs, err := all[models.SyncRun](query.Order("started_at DESC, id DESC").Limit(untoldRuns), "sync run")
	if err != nil {
		return nil, err
	}
	var untold []models.RunID
	for _, run := range runs {
		if run.Status != models.RunInterrupted {
			break
		}
		untold = append(untold, run.ID)
	}
	if len(untold) == 0 {
		return nil, nil
	}
	found := []models.SyncStatus{models.StatusDrifted, models.StatusMissing, models.StatusConflict}
	results := tx.db().Where("run_id IN ? AND found IN ? AND action IN ?", untold, found, written)
	return all[models.SyncResult](results.Order("id").Limit(limit), "sync result")
}

// untoldRuns bounds how many runs that were cut off in a row are looked through.
const untoldRuns = 20

// cutOff is the reason of a plan whose run ended with its process.
const cutOff = "Keeper was stopped while it applied the plan; part of it may have been done."

// InterruptRuns ends a destination's runs that still say running, as the process that made
// them is gone, with the plans that they applied, and says how many.
func (tx *Tx) InterruptRuns(destination models.DestinationID, now time.Time) (int, error) {
	running := tx.db().Model(&models.SyncRun{}).Select("id").
		Where("destination_id = ? AND status = ?", destination, models.RunRunning)
	cut := tx.db().Model(&models.Plan{}).
		Where("destination_id = ? AND status = ? AND run_id IN (?)", destination, models.PlanApplying, running).
		UpdateColumns(map[string]any{"status": models.PlanRefused, "reason": cutOff})
	if cut.Error != nil {
		return 0, translate(cut.Error, "plan")
	}
	done := tx.db().Model(&models.SyncRun{}).
		Where("destination_id = ? AND status = ?", destination, models.RunRunning).
		UpdateColumns(map[string]any{"status": models.RunInterrupted, "finished_at": micro(now)})
	return int(done.RowsAffected), translate(done.Error, "sync run")
}

// DeleteRunsBefore removes finished runs that started before a time, with their results and receipts, but
// keeps each destination's newest ones, and says how many went.
func (tx *Tx) DeleteRunsBefore(before time.Time, keep int) (int, error) {
	var destinations []models.DestinationID
	err := tx.db().Model(&models.SyncRun{}).Where("started_at < ?", micro(before)).
		Distinct("destination_id").Order("destination_id").Pluck("destination_id", &destinations).Error
	if err != nil {
		return 0, translate(err, "sync run")
	}
	total := 0
	for _, destination := range destinations {
		n, err := tx.deleteRuns(destination, before, keep)
		if err != nil {
			return 0, err
		}
		total += n
	}
	return total, nil
}

func (tx *Tx) deleteRuns(destination models.DestinationID, before time.Time, keep int) (int, error) {
	if keep > 0 {
		query := tx.db().Where("destination_id = ?", destination).Order("started_at DESC, id DESC").Offset(keep - 1)
		oldest, err := take[models.SyncRun](query, "sync run")
		if fault.Is(err, fault.NotFound) {
			return 0, nil // there are fewer
		}
		if err != nil {
			return 0, err
		}
		if oldest.StartedAt.Before(before) {
			before = oldest.StartedAt
		}
	}
	where := func() *gorm.DB {
		return tx.db().Model(&models.SyncRun{}).Where("destination_id = ? AND started_at < ? AND status <> ?",
			destination, micro(before), models.RunRunning)
	}
	for _, child := range []any{&models.SyncResult{}, &models.SyncReceipt{}} {
		if err := tx.db().Where("run_id IN (?)", where().Select("id")).Delete(child).Error; err != nil {
			return 0, translate(err, "sync run")
		}
	}
	done := where().Delete(&models.SyncRun{})
	return int(done.RowsAffected), translate(done.Error, "sync run")
}
