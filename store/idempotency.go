package store

import (
	"context"
	"time"

	"gorm.io/gorm"

	"github.com/your-org/keeper/fault"
	"github.com/your-org/keeper/models"
)

// ClaimKey takes a key for the attempt that its Holder names. A key that has ended is free, and
// so is one whose lease is over without an act. Conflict where another attempt has it.
func (tx *Tx) ClaimKey(k models.IdempotencyKey, now time.Time) error {
	now = micro(now)
	free := tx.db().Where("slot = ? AND (expires_at <= ? OR (acted = ? AND lease_until <= ?))", k.Slot, now, false, now)
	if err := free.Delete(&models.IdempotencyKey{}).Error; err != nil {
		return translate(err, "key")
	}
	return tx.insert(&k, "key")
}

// IdempotencyKey loads one by its slot.
func (tx *Tx) IdempotencyKey(slot string) (models.IdempotencyKey, error) {
	return take[models.IdempotencyKey](tx.db().Where("slot = ?", slot), "key")
}

// AnswerKey keeps the sealed answer of the attempt that holds a key. NotFound where it holds it
// no more.
func (tx *Tx) AnswerKey(slot, holder string, answer []byte) error {
	return held(tx.heldKey(slot, holder).UpdateColumns(map[string]any{"acted": true, "answer": answer}))
}

// RenewKey keeps a key for longer. NotFound where the attempt holds it no more.
func (tx *Tx) RenewKey(slot, holder string, until time.Time) error {
	return held(tx.heldKey(slot, holder).UpdateColumn("lease_until", micro(until)))
}

// ReleaseKey gives a key back. Where the attempt committed an act the row stays, to tell of it,
// and its lease is over.
func (tx *Tx) ReleaseKey(slot, holder string, now time.Time) error {
	free := tx.db().Where("slot = ? AND holder = ? AND acted = ?", slot, holder, false).Delete(&models.IdempotencyKey{})
	if free.Error != nil || free.RowsAffected > 0 {
		return translate(free.Error, "key")
	}
	return translate(tx.heldKey(slot, holder).UpdateColumn("lease_until", micro(now)).Error, "key")
}

func (tx *Tx) heldKey(slot, holder string) *gorm.DB {
	return tx.db().Model(&models.IdempotencyKey{}).Where("slot = ? AND holder = ?", slot, holder)
}

func held(done *gorm.DB) error {
	return affected(done.RowsAffected, translate(done.Error, "key"), "key")
}

// CountKeys is how many keys a user has in the table.
func (tx *Tx) CountKeys(user models.UserID) (n int64, err error) {
	err = tx.db().Model(&models.IdempotencyKey{}).Where("user_id = ?", user).Count(&n).Error
	return n, translate(err, "key")
}

// DeleteKeysBefore removes up to limit keys that ended until a time, and says how many.
func (tx *Tx) DeleteKeysBefore(at time.Time, limit int) (int, error) {
	var slots []string
	ended := tx.db().Model(&models.IdempotencyKey{}).Where("expires_at <= ?", micro(at)).Limit(limit).Pluck("slot", &slots)
	if ended.Error != nil || len(slots) == 0 {
		return 0, translate(ended.Error, "key")
	}
	done := tx.db().Where("slot IN ? AND expires_at <= ?", slots, micro(at)).Delete(&models.IdempotencyKey{})
	return int(done.RowsAffected), translate(done.Error, "key")
}

type attemptKey struct{}

type attempt struct{ slot, holder string }

// UnderKey makes every write of a context tell that it is of the attempt that holds a key: a
// transaction that appends an audit entry of something allowed marks the key as acted on, and
// comes to nothing where the attempt holds the key no more.
func UnderKey(ctx context.Context, slot, holder string) context.Context {
	return context.WithValue(ctx, attemptKey{}, attempt{slot, holder})
}

// marking is do with that mark, which commits with it or not at all.
func marking(ctx context.Context, do func(*Tx) error) func(*Tx) error {
	under, ok := ctx.Value(attemptKey{}).(attempt)
	if !ok {
		return do
	}
	return func(tx *Tx) error {
		if err := do(tx); err != nil || !tx.acted {
			return err
		}
		err := held(tx.heldKey(under.slot, under.holder).UpdateColumn("acted", true))
		if fault.Is(err, fault.NotFound) {
			return fault.New(fault.Conflict, "The request took so long that another attempt with its key took over; nothing was done by this one.").
				WithHint("Look at what the other attempt was answered.")
		}
		return err
	}
}
