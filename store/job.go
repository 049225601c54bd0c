package store

import (
	"time"

	"gorm.io/gorm"
	"gorm.io/gorm/clause"

	"github.com/your-org/keeper/fault"
	"github.com/your-org/keeper/models"
)

// EnqueueJob asks for work. Where the job stands already it becomes due no later than due,
// with the new payload, and its generation grows: whoever is working on it will leave it due.
func (tx *Tx) EnqueueJob(kind, key, payload string, due time.Time) error {
	now := tx.Now()
	_, err := tx.exec("job", enqueueJob, kind, key, payload, micro(due), now, now)
	return err
}

// EnqueueDestinationJobs is EnqueueJob for every destination of an environment, whose ID is
// the job's key.
func (tx *Tx) EnqueueDestinationJobs(kind string, environment models.EnvironmentID, due time.Time) error {
	now := tx.Now()
	_, err := tx.exec("job", enqueueDestinationJobs, kind, micro(due), now, now, int64(environment))
	return err
}

var (
	enqueueJob             = enqueue("VALUES (?, ?, ?, ?, 1, '', 0, '', ?, ?)")
	enqueueDestinationJobs = enqueue("SELECT ?, d.id, '', ?time, 1, '', 0, '', ?time, ?time FROM destinations d WHERE d.environment_id = ?")
)

func enqueue(rows string) query {
	return newUpsert(
		"INSERT INTO jobs (kind, `key`, payload, due_at, generation, lease_token, attempts, last_error, created_at, updated_at) "+rows,
		"kind, `key`",
		"due_at = CASE WHEN jobs.due_at < excluded.due_at THEN jobs.due_at ELSE excluded.due_at END, "+
			"generation = jobs.generation + 1, payload = excluded.payload, updated_at = excluded.updated_at")
}

// ScheduleJob adds a job unless it stands.
func (tx *Tx) ScheduleJob(kind, key, payload string, due time.Time) error {
	now := tx.Now()
	row := models.Job{
		Kind: kind, Key: key, Payload: payload, DueAt: micro(due), Generation: 1, CreatedAt: now, UpdatedAt: now,
	}
	return translate(tx.db().Clauses(clause.OnConflict{DoNothing: true}).Create(&row).Error, "job")
}

// Claim leases up to limit jobs of the kinds that are due at now and that nobody has a
// lease on, the longest due first, until now + lease, under the token. No two callers get the
// same job while its lease lasts.
func (tx *Tx) Claim(kinds []string, now time.Time, lease time.Duration, token string, limit int) ([]models.Job, error) {
	now = micro(now)
	query := tx.db()
	if tx.s.options.Dialect != SQLite {
		query = query.Clauses(clause.Locking{Strength: "UPDATE", Options: "SKIP LOCKED"})
	}
	free, err := all[models.Job](claimable(query, kinds, now).Order("due_at, id").Limit(limit), "job")
	if err != nil || len(free) == 0 {
		return nil, err
	}
	until := micro(now.Add(lease))
	ids := make([]int64, len(free))
	for i := range free {
		ids[i] = free[i].ID
		free[i].LeaseToken, free[i].LeaseUntil = token, &until
	}
	err = tx.db().Model(&models.Job{}).Where("id IN ?", ids).
		UpdateColumns(map[string]any{"lease_token": token, "lease_until": until}).Error
	return free, translate(err, "job")
}

// ExtendLease keeps a job until a later time. Conflict where the lease was lost.
func (tx *Tx) ExtendLease(id int64, token string, until time.Time) error {
	return tx.leased(id, token, map[string]any{"lease_until": micro(until)})
}

// unasked is when a job is due that runs only when it is asked for.
var unasked = time.Date(9999, 12, 31, 0, 0, 0, 0, time.UTC)

// CompleteJob gives the lease back after success. The job is due again at nextDue, or when
// it is asked for where that is nil. Where it was asked for meanwhile (its generation is not
// the one that was seen at the claim), it stays due. Conflict where the lease was lost;
// nothing is changed then.
func (tx *Tx) CompleteJob(id int64, token string, generation int64, nextDue *time.Time) error {
	row, err := tx.leasedJob(id, token)
	if err != nil {
		return err
	}
	changes := map[string]any{
		"lease_token": "", "lease_until": nil, "attempts": 0, "last_error": "", "updated_at": tx.Now(),
	}
	if row.Generation == generation {
		changes["due_at"] = unasked
		if nextDue != nil {
			changes["due_at"] = micro(*nextDue)
		}
	}
	return tx.leased(id, token, changes)
}

// FailJob gives the lease back after a failure; the job is due again at nextTry, or as it was
// asked for meanwhile (its generation is not the one that was seen at the claim). Conflict where the
// lease was lost.
func (tx *Tx) FailJob(id int64, token string, generation int64, lastError string, nextTry time.Time) error {
	row, err := tx.leasedJob(id, token)
	if err != nil {
		return err
	}
	changes := map[string]any{
		"lease_token": "", "lease_until": nil, "attempts": gorm.Expr("attempts + 1"), "last_error": lastError, "updated_at": tx.Now(),
	}
	if row.Generation == generation {
		changes["due_at"] = micro(nextTry)
	}
	return tx.leased(id, token, changes)
}

// leasedJob locks a job that the token has the lease on.
func (tx *Tx) leasedJob(id int64, token string) (models.Job, error) {
	row, err := take[models.Job](tx.locked().Where("id = ? AND lease_token = ?", id, token), "job")
	if fault.Is(err, fault.NotFound) {
		err = leaseLost()
	}
	return row, err
}

// ReleaseJob gives the lease back with the work undone and nothing held against the job.
// Conflict where the lease was lost.
func (tx *Tx) ReleaseJob(id int64, token string) error {
	return tx.leased(id, token, map[string]any{"lease_token": "", "lease_until": nil})
}

func (tx *Tx) leased(id int64, token string, changes map[string]any) error {
	done := tx.db().Model(&models.Job{}).Where("id = ? AND lease_token = ?", id, token).UpdateColumns(changes)
	if done.Error == nil && done.RowsAffected == 0 {
		return leaseLost()
	}
	return translate(done.Error, "job")
}

func leaseLost() error {
	return fault.New(fault.Conflict, "The lease on the job was lost; somebody else may be working on it.")
}

// Job loads one by its kind and key.
func (tx *Tx) Job(kind, key string) (models.Job, error) {
	return take[models.Job](keyed(tx.db().Where("kind = ?", kind), key), "job")
}

// Jobs lists a kind's, by key.
func (tx *Tx) Jobs(kind string) ([]models.Job, error) {
	query := tx.db().Where("kind = ?", kind).Order(theKey)
	return all[models.Job](query, "job")
}

// DeleteJob removes a job; whoever works on it finds its lease lost. That there is none is
// no error.
func (tx *Tx) DeleteJob(kind, key string) error {
	return translate(keyed(tx.db().Where("kind = ?", kind), key).Delete(&models.Job{}).Error, "job")
}

// JobsDue reports whether there is something for Claim to lease; it asks without locking.
func (tx *Tx) JobsDue(kinds []string, now time.Time) (bool, error) {
	due, err := all[models.Job](claimable(tx.db(), kinds, micro(now)).Select("id").Limit(1), "job")
	return len(due) > 0, err
}

func claimable(query *gorm.DB, kinds []string, now time.Time) *gorm.DB {
	return query.Where("kind IN ? AND due_at <= ?", kinds, now).Where("lease_until IS NULL OR lease_until <= ?", now)
}

// ReleaseLeases gives all leases back. Only who is alone on the database may call it: at the
// start of a server that has it for itself, whoever held a lease is dead.
func (tx *Tx) ReleaseLeases() error {
	return translate(tx.db().Model(&models.Job{}).Where("lease_token <> ?", "").
		UpdateColumns(map[string]any{"lease_token": "", "lease_until": nil}).Error, "job")
}
