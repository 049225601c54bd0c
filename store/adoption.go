package store

import (
	"slices"

	"gorm.io/gorm/clause"

	"github.com/your-org/keeper/models"
)

// PutAdoption has the next pass mark what stands under a state's name as Keeper's, where its
// value still is the intended one. There is no base from then on. Call it with the secret
// locked.
func (tx *Tx) PutAdoption(state models.SyncState) error { return tx.putState(state) }

// PutRelease keeps that a name is no longer Keeper's. Call it with the secret locked.
func (tx *Tx) PutRelease(state models.SyncState) error { return tx.putState(state) }

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
