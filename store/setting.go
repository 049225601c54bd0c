package store

import (
	"gorm.io/gorm"
	"gorm.io/gorm/clause"

	"github.com/your-org/keeper/models"
)

// Setting reads one value; NotFound where it was never set.
func (tx *Tx) Setting(key string) (string, error) {
	row, err := take[models.Setting](keyed(tx.db(), key), "setting")
	return row.Value, err
}

// PutSetting sets a value, instead of one that stands.
func (tx *Tx) PutSetting(key, value string) error {
	replacing := clause.OnConflict{
		Columns:   []clause.Column{{Name: "key"}},
		DoUpdates: clause.AssignmentColumns([]string{"value", "updated_at"}),
	}
	return tx.putSetting(replacing, key, value)
}

// PutSettingIfAbsent sets a value unless one stands, and returns the one that stands then:
// of many that call it at once, all get the same.
func (tx *Tx) PutSettingIfAbsent(key, value string) (string, error) {
	if err := tx.putSetting(clause.OnConflict{DoNothing: true}, key, value); err != nil {
		return "", err
	}
	// Locked, so that MySQL reads the latest commit.
	row, err := take[models.Setting](keyed(tx.locked(), key), "setting")
	return row.Value, err
}

func (tx *Tx) putSetting(conflict clause.OnConflict, key, value string) error {
	row := models.Setting{Key: key, Value: value, UpdatedAt: tx.Now()}
	return translate(tx.db().Clauses(conflict).Create(&row).Error, "setting")
}

// theKey is the column key, a reserved word on MySQL, which GORM quotes.
var theKey = clause.OrderByColumn{Column: clause.Column{Name: "key"}}

// keyed compares that column.
func keyed(query *gorm.DB, key string) *gorm.DB { return query.Where(map[string]any{"key": key}) }
