package store

import (
	"cmp"
	"slices"
	"time"

	"gorm.io/gorm"

	"github.com/your-org/keeper/models"
)

// CountTypes says how many secrets of each type an environment has, deleted ones left out. Each
// count is a range of an index.
func (tx *Tx) CountTypes(environment models.EnvironmentID) (map[models.SecretType]int, error) {
	counts := make(map[models.SecretType]int, len(models.SecretTypes))
	for _, t := range models.SecretTypes {
		var n int64
		err := tx.db().Model(&models.Secret{}).Where("environment_id = ? AND type = ? AND deleted_at IS NULL", environment, t).Count(&n).Error
		if err != nil {
			return nil, translate(err, "secret")
		}
		if n > 0 {
			counts[t] = int(n)
		}
	}
	return counts, nil
}

// CountDeleted says how many secrets of an environment are deleted and can be undeleted.
func (tx *Tx) CountDeleted(environment models.EnvironmentID) (int, error) {
	var n int64
	err := tx.db().Model(&models.Secret{}).Where("environment_id = ? AND deleted_at IS NOT NULL", environment).Count(&n).Error
	return int(n), translate(err, "secret")
}

// TagKeys lists the tag keys in use in the environments, by name, up to a limit. Each key is
// looked for by itself, since tags are many and keys are few.
func (tx *Tx) TagKeys(environments []models.EnvironmentID, limit int) (keys []string, err error) {
	if len(environments) == 0 {
		return nil, nil
	}
	last := ""
	for len(keys) < limit {
		secrets := tx.db().Model(&models.Secret{}).Select("1").
			Where("secrets.id = secret_tags.secret_id AND environment_id IN ? AND deleted_at IS NULL", environments)
		var tag secretTag
		err := tx.db().Where("? > ? AND EXISTS (?)", theKey.Column, last, secrets).Order(theKey).Limit(1).Find(&tag).Error
		if err != nil || tag.Key == "" {
			return keys, translate(err, "secret")
		}
		last, keys = tag.Key, append(keys, tag.Key)
	}
	return keys, nil
}

// DueSecrets lists secrets that expire before a time, or whose value is due for rotation by
// then, by ID: of each environment's that expire, and of those with the same period, up to a
// limit, the most urgent.
func (tx *Tx) DueSecrets(environments []models.EnvironmentID, before time.Time, limit int) (due []models.Secret, err error) {
	for _, environment := range environments {
		found, err := tx.dueIn(environment, before, limit)
		if err != nil {
			return nil, err
		}
		due = append(due, found...)
	}
	slices.SortFunc(due, func(a, b models.Secret) int { return cmp.Compare(a.ID, b.ID) })
	return slices.CompactFunc(due, func(a, b models.Secret) bool { return a.ID == b.ID }), nil
}

// dueIn asks in the order of an index each time, so that it reads what it returns and no more.
func (tx *Tx) dueIn(environment models.EnvironmentID, before time.Time, limit int) ([]models.Secret, error) {
	query := func() *gorm.DB { return tx.db().Where("environment_id = ? AND deleted_at IS NULL", environment) }
	due, err := all[models.Secret](query().Where("expires_at < ?", micro(before)).Order("expires_at, id").Limit(limit), "secret")
	if err != nil {
		return nil, err
	}
	for days := 0; ; { // periods are few: there are not many ways to say how often
		var next *int
		err := tx.db().Model(&models.Secret{}).Where("environment_id = ? AND rotate_every > ?", environment, days).Select("MIN(rotate_every)").Scan(&next).Error
		if err != nil || next == nil {
			return due, translate(err, "secret")
		}
		days = *next
		found, err := all[models.Secret](query().Where("rotate_every = ? AND value_changed_at < ?", days, micro(before.AddDate(0, 0, -days))).
			Order("value_changed_at").Limit(limit), "secret")
		if err != nil {
			return nil, err
		}
		due = append(due, found...)
	}
}

// CountChangedSince says how many secrets in the environments got a value since a time, their
// first or another, deleted ones left out. An index holds all that it asks for.
func (tx *Tx) CountChangedSince(environments []models.EnvironmentID, since time.Time) (int, error) {
	var n int64
	err := tx.db().Model(&models.Secret{}).
		Where("environment_id IN ? AND value_changed_at >= ? AND deleted_at IS NULL", environments, micro(since)).Count(&n).Error
	return int(n), translate(err, "secret")
}

// NewestDataKey is the youngest data key that seals an environment's values, and how many
// there are; nil where there is none.
func (tx *Tx) NewestDataKey(environment models.EnvironmentID) (*models.DataKey, int, error) {
	sealing := func() *gorm.DB {
		return tx.db().Model(&models.DataKey{}).Where("environment_id = ? AND purpose = ?", environment, models.PurposeSeal)
	}
	var n int64
	if err := sealing().Count(&n).Error; err != nil || n == 0 {
		return nil, 0, translate(err, "data key")
	}
	keys, err := all[models.DataKey](sealing().Order("created_at DESC, id").Limit(1), "data key")
	if err != nil || len(keys) == 0 {
		return nil, 0, err
	}
	return &keys[0], int(n), nil
}
