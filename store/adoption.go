package store

import (
	"slices"

	"gorm.io/gorm/clause"

	"github.com/your-org/keeper/models"
)

// PutAdoption has the next pass mark what stands under a state's name as Keeper's, where its
// value still is the intended one. There is no base from then on. Call it with the secret
// locked.
func (tx *Tx) PutAdoption(state models.SyncState) error {
	if err := tx.DropReleases(state.DestinationID, []models.SecretID{state.SecretID}); err != nil {
		return err
	}
	return tx.putState(state)
}

// PutRelease keeps that the name of a state is no longer Keeper's: it is foreign to every pass
// that reads it from then on. Call it with the destination and the secret locked.
func (tx *Tx) PutRelease(r models.SyncRelease, state models.SyncState) error {
	if err := tx.DropReleases(r.DestinationID, []models.SecretID{r.SecretID}); err != nil {
		return err
	}
	if err := tx.insert(&r, "release"); err != nil {
		return err
	}
	return tx.putState(state)
}

// Release loads that of a secret's name at a destination; NotFound where there is none.
func (tx *Tx) Release(destination models.DestinationID, secret models.SecretID) (models.SyncRelease, error) {
	return take[models.SyncRelease](tx.db().Where("secret_id = ? AND destination_id = ?", secret, destination), "release")
}

// MarkedReleases lists releases of a destination whose marks are still to be taken off.
func (tx *Tx) MarkedReleases(destination models.DestinationID, limit int) ([]models.SyncRelease, error) {
	query := tx.db().Where("destination_id = ? AND marked = ?", destination, true).Order("secret_id").Limit(limit)
	return all[models.SyncRelease](query, "release")
}

// SettleRelease keeps that the mark is off.
func (tx *Tx) SettleRelease(r models.SyncRelease) error {
	done := tx.db().Model(&models.SyncRelease{}).Where("secret_id = ? AND destination_id = ?", r.SecretID, r.DestinationID).UpdateColumn("marked", false)
	return translate(done.Error, "release")
}

// UndoRelease takes a release back whose mark could not be taken off, with the state that was
// before it, due. Where the mark is off by now, or the name was adopted, it does nothing. Call it
// with the secret locked.
func (tx *Tx) UndoRelease(before models.SyncState) error {
	gone := tx.db().Where("secret_id = ? AND destination_id = ? AND marked = ?", before.SecretID, before.DestinationID, true).Delete(&models.SyncRelease{})
	if gone.Error != nil || gone.RowsAffected == 0 {
		return translate(gone.Error, "release")
	}
	before.Dirty, before.UpdatedAt = true, tx.Now()
	return tx.upsertStates([]models.SyncState{before}, nil)
}

// DropReleases forgets that names were given back.
func (tx *Tx) DropReleases(destination models.DestinationID, ids []models.SecretID) error {
	if len(ids) == 0 {
		return nil
	}
	gone := tx.db().Where("destination_id = ? AND secret_id IN ?", destination, ids).Delete(&models.SyncRelease{})
	return translate(gone.Error, "release")
}

func (tx *Tx) putState(state models.SyncState) error {
	now := tx.Now()
	state.Since, state.UpdatedAt = now, now
	if state.IntentHash != nil {
		state.IntentAt = &now
	}
	return tx.upsertStates([]models.SyncState{state}, nil)
}

// notAdopted leaves out the outcomes of secrets that were adopted after the pass had read
// them: what it found was somebody else's, and the next pass finds it to be Keeper's. The
// secrets are locked.
func (tx *Tx) notAdopted(outcomes []SyncOutcome) ([]SyncOutcome, error) {
	var ids []models.SecretID
	for _, o := range outcomes {
		if o.State.BaseAt == nil && !o.Forget {
			ids = append(ids, o.State.SecretID)
		}
	}
	if len(ids) == 0 {
		return outcomes, nil
	}
	query := tx.locked().Select("secret_id, intent_at").
		Where("destination_id = ? AND secret_id IN ? AND base_at IS NULL AND intent_at IS NOT NULL", outcomes[0].State.DestinationID, ids).
		Order(clause.OrderByColumn{Column: clause.Column{Name: "secret_id"}})
	standing, err := all[models.SyncState](query, "sync state")
	if err != nil || len(standing) == 0 {
		return outcomes, err
	}
	return slices.DeleteFunc(slices.Clone(outcomes), func(o SyncOutcome) bool {
		return o.State.BaseAt == nil && slices.ContainsFunc(standing, func(st models.SyncState) bool {
			known := microp(o.State.IntentAt)
			return st.SecretID == o.State.SecretID && (known == nil || st.IntentAt.After(*known))
		})
	}), nil
}

// Busy reports whether a pass over a destination is under way.
func (tx *Tx) Busy(id models.DestinationID) (bool, error) {
	var n int64
	err := tx.db().Model(&models.SyncRun{}).Where("destination_id = ? AND status = ?", id, models.RunRunning).Limit(1).Count(&n).Error
	return n > 0, translate(err, "run")
}
