package store

import (
	"time"

	"gorm.io/gorm/clause"

	"github.com/your-org/keeper/models"
)

// CountAttempt counts a try in a slot, on all replicas together, and returns the slot as it
// stands now. A slot whose window is over begins anew. Two tries at once never get the same
// count.
func (tx *Tx) CountAttempt(slot string, now time.Time, window time.Duration) (models.Attempt, error) {
	now = micro(now)
	begin := models.Attempt{Slot: slot, Count: 1, StartsAt: now, EndsAt: micro(now.Add(window))}
	// MySQL sets the columns in this order, and reads those that it has set already as new:
	// the end, which decides, comes last.
	anew := func(column string, fresh, stands any) clause.Assignment {
		return clause.Assignment{
			Column: clause.Column{Name: column},
			Value:  clause.Expr{SQL: "CASE WHEN attempts.ends_at <= ? THEN ? ELSE ? END", Vars: []any{now, fresh, stands}},
		}
	}
	again := clause.OnConflict{Columns: []clause.Column{{Name: "slot"}}, DoUpdates: clause.Set{
		anew("count", clause.Expr{SQL: "1"}, clause.Expr{SQL: "attempts.count + 1"}),
		anew("starts_at", begin.StartsAt, clause.Expr{SQL: "attempts.starts_at"}),
		anew("ends_at", begin.EndsAt, clause.Expr{SQL: "attempts.ends_at"}),
	}}
	if err := tx.db().Clauses(again).Create(&begin).Error; err != nil {
		return models.Attempt{}, translate(err, "attempt")
	}
	return take[models.Attempt](tx.db().Where("slot = ?", slot), "attempt")
}

// UncountAttempt takes a try of the window that is under way back.
func (tx *Tx) UncountAttempt(slot string) error {
	less := tx.db().Model(&models.Attempt{}).Where("slot = ? AND count > 0", slot)
	return translate(less.UpdateColumn("count", clause.Expr{SQL: "count - 1"}).Error, "attempt")
}

// DeleteAttempts lets a slot begin anew.
func (tx *Tx) DeleteAttempts(slot string) error {
	return translate(tx.db().Where("slot = ?", slot).Delete(&models.Attempt{}).Error, "attempt")
}

// DeleteAttemptsBefore removes slots whose window ended before a time, and says how many.
func (tx *Tx) DeleteAttemptsBefore(at time.Time) (int, error) {
	done := tx.db().Where("ends_at < ?", micro(at)).Delete(&models.Attempt{})
	return int(done.RowsAffected), translate(done.Error, "attempt")
}
