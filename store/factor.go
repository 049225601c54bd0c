package store

import (
	"time"

	"gorm.io/gorm/clause"

	"github.com/your-org/keeper/models"
)

// CreateStep adds a sign-in step. Conflict where the hash is taken.
func (tx *Tx) CreateStep(s *models.SignInStep) error {
	first(&s.CreatedAt, tx.Now())
	return tx.insert(s, "step")
}

// Step loads one by its hash, expired or not.
func (tx *Tx) Step(hash string) (models.SignInStep, error) {
	return take[models.SignInStep](tx.db().Where("hash = ?", hash), "step")
}

// TryStep counts a try of a step, on all replicas together, and returns the step as it
// stands now. NotFound where there is none.
func (tx *Tx) TryStep(hash string) (models.SignInStep, error) {
	one := tx.db().Model(&models.SignInStep{}).Where("hash = ?", hash)
	done := one.UpdateColumn("tries", clause.Expr{SQL: "tries + 1"})
	if err := affected(done.RowsAffected, translate(done.Error, "step"), "step"); err != nil {
		return models.SignInStep{}, err
	}
	return tx.Step(hash)
}

// SetStepData replaces what a step needs to be checked.
func (tx *Tx) SetStepData(hash string, data []byte) error {
	done := tx.db().Model(&models.SignInStep{}).Where("hash = ?", hash).UpdateColumn("data", data)
	return affected(done.RowsAffected, translate(done.Error, "step"), "step")
}

// TakeStep uses a step up. NotFound where it is used up already: of two who take it at once,
// one gets that.
func (tx *Tx) TakeStep(hash string) error {
	done := tx.db().Where("hash = ?", hash).Delete(&models.SignInStep{})
	return affected(done.RowsAffected, translate(done.Error, "step"), "step")
}

// DeleteStepsOfUser ends all steps of a user.
func (tx *Tx) DeleteStepsOfUser(user models.UserID) error {
	return translate(tx.db().Where("user_id = ?", user).Delete(&models.SignInStep{}).Error, "step")
}

// DeleteStepsBefore removes steps that expired before a time, and says how many.
func (tx *Tx) DeleteStepsBefore(at time.Time) (int, error) {
	done := tx.db().Where("expires_at < ?", micro(at)).Delete(&models.SignInStep{})
	return int(done.RowsAffected), translate(done.Error, "step")
}

// CreatePasskey adds a passkey. Conflict where its id is taken, by whomever.
func (tx *Tx) CreatePasskey(p *models.Passkey) error {
	first(&p.CreatedAt, tx.Now())
	return tx.insert(p, "passkey")
}

// LockPasskey loads one by its id, and nobody else changes it until the transaction ends.
func (tx *Tx) LockPasskey(id string) (models.Passkey, error) {
	return take[models.Passkey](tx.locked().Where("id = ?", id), "passkey")
}

// UpdatePasskey writes all but the creation.
func (tx *Tx) UpdatePasskey(p *models.Passkey) error { return tx.replace(p, "passkey", "created_at") }

// Passkeys lists a user's, the oldest first.
func (tx *Tx) Passkeys(user models.UserID) ([]models.Passkey, error) {
	return all[models.Passkey](tx.db().Where("user_id = ?", user).Order("created_at, id"), "passkey")
}

// DeletePasskey removes one of a user's.
func (tx *Tx) DeletePasskey(user models.UserID, id string) error {
	done := tx.db().Where("id = ? AND user_id = ?", id, user).Delete(&models.Passkey{})
	return affected(done.RowsAffected, translate(done.Error, "passkey"), "passkey")
}

// DeletePasskeysOfUser removes all of a user's.
func (tx *Tx) DeletePasskeysOfUser(user models.UserID) error {
	return translate(tx.db().Where("user_id = ?", user).Delete(&models.Passkey{}).Error, "passkey")
}

// ReplaceRecoveryCodes gives a user new codes, by their hashes, in place of all before; none
// for none.
func (tx *Tx) ReplaceRecoveryCodes(user models.UserID, hashes []string) error {
	if err := tx.db().Where("user_id = ?", user).Delete(&models.RecoveryCode{}).Error; err != nil {
		return translate(err, "recovery code")
	}
	for _, hash := range hashes {
		if err := tx.insert(&models.RecoveryCode{Hash: hash, UserID: user, CreatedAt: tx.Now()}, "recovery code"); err != nil {
			return err
		}
	}
	return nil
}

// TakeRecoveryCode uses a user's code up. NotFound where there is none, or not any more.
func (tx *Tx) TakeRecoveryCode(user models.UserID, hash string) error {
	done := tx.db().Where("hash = ? AND user_id = ?", hash, user).Delete(&models.RecoveryCode{})
	return affected(done.RowsAffected, translate(done.Error, "recovery code"), "recovery code")
}

// CountRecoveryCodes says how many a user has left.
func (tx *Tx) CountRecoveryCodes(user models.UserID) (int, error) {
	var n int64
	err := tx.db().Model(&models.RecoveryCode{}).Where("user_id = ?", user).Count(&n).Error
	return int(n), translate(err, "recovery code")
}
