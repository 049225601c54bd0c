package store

import (
	"slices"
	"time"

	"github.com/your-org/keeper/fault"
	"github.com/your-org/keeper/models"
)

var unfinished = []models.KeyRunStatus{models.KeyRunQueued, models.KeyRunRunning}

// CreateKeyRun adds a run. Conflict where one of the same kind and environment has not ended:
// of two that come at once, one is refused.
func (tx *Tx) CreateKeyRun(r *models.KeyRun) error {
	hold := tx.locked().Model(&models.Environment{}).Select("id").Order("id")
	if r.EnvironmentID != 0 {
		hold = hold.Where("id = ?", r.EnvironmentID)
	}
	held, err := all[models.EnvironmentID](hold, "environment")
	if err != nil {
		return err
	}
	if r.EnvironmentID != 0 && len(held) == 0 {
		return notFound("environment")
	}
	switch _, err := tx.ActiveKeyRun(r.Kind, r.EnvironmentID); {
	case err == nil:
		return fault.New(fault.Conflict, "There is a run of that kind already that has not ended.")
	case !fault.Is(err, fault.NotFound):
		return err
	}
	first(&r.CreatedAt, tx.Now())
	r.UpdatedAt = tx.Now()
	return tx.insert(r, "key run")
}

// UpdateKeyRun writes all but what a run is. Stale where it was cancelled, which is final.
func (tx *Tx) UpdateKeyRun(r *models.KeyRun) error {
	stands, err := tx.LockKeyRun(r.ID)
	if err != nil {
		return err
	}
	if stands.Status == models.KeyRunCancelled && r.Status != models.KeyRunCancelled {
		return stale("key run")
	}
	r.UpdatedAt = tx.Now()
	return tx.replace(r, "key run", "kind", "environment_id", "created_at", "created_by")
}

// KeyRun loads one by its ID.
func (tx *Tx) KeyRun(id models.KeyRunID) (models.KeyRun, error) {
	return take[models.KeyRun](tx.db().Where("id = ?", id), "key run")
}

// LockKeyRun is KeyRun for a transaction that changes the run: until it ends, nobody else
// does.
func (tx *Tx) LockKeyRun(id models.KeyRunID) (models.KeyRun, error) {
	return take[models.KeyRun](tx.locked().Where("id = ?", id), "key run")
}

// ActiveKeyRun is the run of a kind and an environment (0: that over all) that has not ended.
func (tx *Tx) ActiveKeyRun(kind models.KeyRunKind, environment models.EnvironmentID) (models.KeyRun, error) {
	query := tx.db().Where("kind = ? AND environment_id = ? AND status IN ?", kind, environment, unfinished)
	return take[models.KeyRun](query.Order("created_at, id"), "key run")
}

// KeyRunQuery says which key runs to list. Empty fields do not narrow.
type KeyRunQuery struct {
	Kind        models.KeyRunKind
	Environment models.EnvironmentID
	Unfinished  bool
	Cursor      string
	Limit       int // 0, and more than 200: 200
}

// KeyRuns lists runs, the newest first, and the cursors of the pages around them.
func (tx *Tx) KeyRuns(q KeyRunQuery) ([]models.KeyRun, Around, error) {
	query := tx.db()
	if q.Kind != "" {
		query = query.Where("kind = ?", q.Kind)
	}
	if q.Environment != 0 {
		query = query.Where("environment_id = ?", q.Environment)
	}
	if q.Unfinished {
		query = query.Where("status IN ?", unfinished)
	}
	return pageOf(query, newest("key runs", "created_at", "id", func(r *models.KeyRun) (time.Time, string) { return r.CreatedAt, string(r.ID) }), q.Cursor, q.Limit, "key run")
}

// DeleteKeyRunsBefore removes ended runs that were asked for before a time, with their
// findings, but keeps the newest ones of each kind and environment, and says how many went.
func (tx *Tx) DeleteKeyRunsBefore(before time.Time, keep int) (int, error) {
	ended := tx.db().Select("id, kind, environment_id, created_at").Where("status NOT IN ?", unfinished)
	rows, err := all[models.KeyRun](orderBy(ended, true, "created_at", "id"), "key run")
	if err != nil {
		return 0, err
	}
	type group struct {
		kind        models.KeyRunKind
		environment models.EnvironmentID
	}
	newer := map[group]int{}
	var old []models.KeyRunID
	for _, r := range rows {
		g := group{r.Kind, r.EnvironmentID}
		if newer[g]++; newer[g] > keep && r.CreatedAt.Before(before) {
			old = append(old, r.ID)
		}
	}
	return len(old), tx.deleteKeyRuns(old)
}

func (tx *Tx) deleteKeyRuns(ids []models.KeyRunID) error {
	for batch := range slices.Chunk(ids, batchSize) {
		if err := tx.db().Where("run_id IN ?", batch).Delete(&models.KeyFinding{}).Error; err != nil {
			return translate(err, "key finding")
		}
		if err := tx.db().Where("id IN ?", batch).Delete(&models.KeyRun{}).Error; err != nil {
			return translate(err, "key run")
		}
	}
	return nil
}
