package store

import (
	"gorm.io/gorm"

	"github.com/your-org/keeper/models"
)

// Recipients lists those for whom an environment's data keys are wrapped besides its own
// wrapping key, by kind and key.
func (tx *Tx) Recipients(environment models.EnvironmentID) ([]models.Recipient, error) {
	query := tx.db().Where("environment_id = ?", environment).Order("kind").Order(theKey)
	return all[models.Recipient](query, "recipient")
}

// AddRecipient adds a recipient, which is a new key generation. Conflict where it stands.
func (tx *Tx) AddRecipient(r *models.Recipient) error {
	if err := tx.BumpKeyGeneration(r.EnvironmentID); err != nil {
		return err
	}
	first(&r.CreatedAt, tx.Now())
	return tx.insert(r, "recipient")
}

// RemoveRecipient removes a recipient, which is a new key generation. What is wrapped for it
// stays wrapped.
func (tx *Tx) RemoveRecipient(environment models.EnvironmentID, kind models.RecipientKind, key string) error {
	if err := tx.BumpKeyGeneration(environment); err != nil {
		return err
	}
	done := keyed(tx.db().Where("environment_id = ? AND kind = ?", environment, kind), key).Delete(&models.Recipient{})
	return affected(done.RowsAffected, translate(done.Error, "recipient"), "recipient")
}

// BumpKeyGeneration begins a new key generation: when the transaction ends, no data key is
// added any more that was made for those of before. It waits for those being added.
func (tx *Tx) BumpKeyGeneration(environment models.EnvironmentID) error {
	done := tx.db().Model(&models.Environment{}).Where("id = ?", environment).
		UpdateColumn("key_generation", gorm.Expr("key_generation + 1"))
	return affected(done.RowsAffected, translate(done.Error, "environment"), "environment")
}

// HoldKeyGeneration keeps an environment's key generation until the transaction ends. Stale
// where it is not the given one. Many transactions may hold it at once.
func (tx *Tx) HoldKeyGeneration(environment models.EnvironmentID, generation int64) error {
	var stands int64
	if err := tx.row(keyGenerationShared, int64(environment)).Scan(&stands); err != nil {
		return translate(err, "environment")
	}
	if stands != generation {
		return stale("environment's recipients")
	}
	return nil
}

var keyGenerationShared = shared("SELECT key_generation FROM environments WHERE id = ?", "SHARE")
