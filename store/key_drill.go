package store

import (
	"gorm.io/gorm/clause"

	"github.com/your-org/keeper/models"
)

// PutKeyDrill keeps the last try of an environment's recipient. Where it has no ProvedAt, that
// of the tries before stays.
func (tx *Tx) PutKeyDrill(d *models.KeyDrill) error {
	columns := []string{"tried_at", "error", "actor"}
	if d.ProvedAt != nil {
		columns = append(columns, "proved_at")
	}
	first(&d.TriedAt, tx.Now())
	row := *d
	row.TriedAt, row.ProvedAt = micro(d.TriedAt), microp(d.ProvedAt)
	replacing := clause.OnConflict{
		Columns:   []clause.Column{{Name: "environment_id"}, {Name: "recipient_kind"}, {Name: "recipient_id"}},
		DoUpdates: clause.AssignmentColumns(columns),
	}
	return translate(tx.db().Clauses(replacing).Create(&row).Error, "key drill")
}

// KeyDrills lists the last tries, by environment, kind and recipient, of one environment or
// (0) of all.
func (tx *Tx) KeyDrills(environment models.EnvironmentID) ([]models.KeyDrill, error) {
	query := tx.db().Order("environment_id, recipient_kind, recipient_id")
	if environment != 0 {
		query = query.Where("environment_id = ?", environment)
	}
	return all[models.KeyDrill](query, "key drill")
}
