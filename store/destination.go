package store

import (
	"gorm.io/gorm"

	"github.com/your-org/keeper/models"
)

// CreateDestination adds a destination at revision 1. Conflict where the environment has one
// of that name.
func (tx *Tx) CreateDestination(d *models.Destination) error {
	first(&d.CreatedAt, tx.Now())
	d.UpdatedAt, d.Revision = d.CreatedAt, 1
	if err := tx.holdDataKey(d.CredentialsKeyID); err != nil {
		return err
	}
	return tx.insert(d, "destination")
}

// UpdateDestination writes the settings: not the environment, nor the kind, the creation and
// the health. Stale where the revision is not the expected one (0: whichever it is); d bears
// the new one afterwards.
func (tx *Tx) UpdateDestination(d *models.Destination, expected int64) error {
	where := tx.locked().Model(&models.Destination{}).Where("id = ?", d.ID)
	return tx.revised(where, "destination", expected, func(next int64) error {
		d.Revision, d.UpdatedAt = next, tx.Now()
		if err := tx.holdDataKey(d.CredentialsKeyID); err != nil {
			return err
		}
		return tx.replace(d, "destination", "environment_id", "kind", "created_at", "last_full_at", "last_run_at", "last_run_status", "last_error")
	})
}

// Destination loads one by its ID.
func (tx *Tx) Destination(id models.DestinationID) (models.Destination, error) {
	return take[models.Destination](tx.db().Where("id = ?", id), "destination")
}

// LockDestination has transactions that call it for the same destination come one after the other.
func (tx *Tx) LockDestination(id models.DestinationID) error {
	_, err := take[models.Destination](tx.locked().Where("id = ?", id), "destination")
	return err
}

// DestinationByName loads one by its name in an environment.
func (tx *Tx) DestinationByName(environment models.EnvironmentID, name string) (models.Destination, error) {
	return take[models.Destination](tx.db().Where("environment_id = ? AND name = ?", environment, name), "destination")
}

// Destinations lists those of the environments, by environment and name.
func (tx *Tx) Destinations(environments []models.EnvironmentID) ([]models.Destination, error) {
	query := tx.db().Where("environment_id IN ?", environments).Order("environment_id, name")
	return all[models.Destination](query, "destination")
}

// SetDestinationHealth keeps how a run that has finished ended, and when the newest full pass
// began; it leaves the revision alone.
func (tx *Tx) SetDestinationHealth(run *models.SyncRun) error {
	health := map[string]any{"last_run_at": microp(run.FinishedAt), "last_run_status": run.Status, "last_error": run.Error}
	if run.Full && run.Status != models.RunFailed {
		health["last_full_at"] = micro(run.StartedAt)
	}
	done := tx.db().Model(&models.Destination{}).Where("id = ?", run.DestinationID).UpdateColumns(health)
	return affected(done.RowsAffected, translate(done.Error, "destination"), "destination")
}

// DeleteDestination removes a destination with its sync states, runs, results, receipts, plans, and the jobs
// whose key is its ID. What it holds outside Keeper stays.
func (tx *Tx) DeleteDestination(id models.DestinationID) error {
	if _, err := take[models.Destination](tx.locked().Where("id = ?", id), "destination"); err != nil {
		return err
	}
	runs := tx.db().Model(&models.SyncRun{}).Select("id").Where("destination_id = ?", id)
	if _, err := tx.deletePlans(func(plans *gorm.DB) *gorm.DB { return plans.Where("destination_id = ?", id) }); err != nil {
		return err
	}
	if _, err := tx.deleteImports(func(imports *gorm.DB) *gorm.DB { return imports.Where("destination_id = ?", id) }); err != nil {
		return err
	}
	steps := []error{
		tx.db().Where("destination_id = ?", id).Delete(&models.SyncHold{}).Error,
		tx.db().Where("run_id IN (?)", runs).Delete(&models.SyncResult{}).Error,
		tx.db().Where("destination_id = ?", id).Delete(&models.SyncReceipt{}).Error,
		tx.db().Where("destination_id = ?", id).Delete(&models.SyncRun{}).Error,
		tx.db().Where("destination_id = ?", id).Delete(&models.SyncState{}).Error,
		tx.db().Where("destination_id = ?", id).Delete(&models.SyncDeletion{}).Error,
		tx.db().Where("destination_id = ?", id).Delete(&models.SyncRelease{}).Error,
		tx.db().Table(groupHolds).Where("destination_id = ?", id).Delete(&models.SyncHold{}).Error,
		tx.db().Where("destination_id = ?", id).Delete(&models.SyncGroup{}).Error,
		keyed(tx.db(), string(id)).Delete(&models.Job{}).Error,
		tx.db().Where("id = ?", id).Delete(&models.Destination{}).Error,
	}
	for _, err := range steps {
		if err != nil {
			return translate(err, "destination")
		}
	}
	return nil
}
