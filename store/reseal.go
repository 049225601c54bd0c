package store

import (
	"time"

	"gorm.io/gorm"

	"github.com/your-org/keeper/models"
)

// VersionRow is a version with its ciphertext and hash, and with what its seal is bound to.
type VersionRow struct {
	models.SecretVersion
	SecretName    string
	EnvironmentID models.EnvironmentID
}

// VersionQuery says which versions, those of deleted secrets included. Empty fields do not
// narrow.
type VersionQuery struct {
	Environment          models.EnvironmentID
	DataKeyCreatedBefore time.Time
}

// VersionsPage lists versions beyond one, by secret and number; fewer than the limit (0, and
// more than 200: 200) are the last.
func (tx *Tx) VersionsPage(
	q VersionQuery, afterSecret models.SecretID, afterNumber models.VersionNumber, limit int,
) (rows []VersionRow, err error) {
	limit = pageSize(limit)
	for len(rows) < limit {
		// Secrets first, by an index of theirs: no database is asked to join and sort with the
		// ciphertexts in hand.
		secrets, err := tx.secretsFrom(q.Environment, afterSecret)
		if err != nil || len(secrets) == 0 {
			return rows, err
		}
		more, err := tx.versionsOf(q, secrets, afterSecret, afterNumber, limit-len(rows))
		if err != nil {
			return nil, err
		}
		rows = append(rows, more...)
		if len(secrets) < maxPage {
			break
		}
		afterSecret, afterNumber = secrets[len(secrets)-1].ID+1, 0
	}
	return rows, nil
}

// secretsFrom lists up to maxPage secrets from an ID on, with what a version's seal is bound
// to alone.
func (tx *Tx) secretsFrom(environment models.EnvironmentID, from models.SecretID) ([]models.Secret, error) {
	query := tx.db().Select("id, environment_id, name").Where("id >= ?", from).Order("id").Limit(maxPage)
	if environment != 0 {
		query = query.Where("environment_id = ?", environment)
	}
	return all[models.Secret](query, "secret")
}

func (tx *Tx) versionsOf(
	q VersionQuery, secrets []models.Secret, afterSecret models.SecretID, afterNumber models.VersionNumber, limit int,
) ([]VersionRow, error) {
	ids := make([]models.SecretID, len(secrets))
	byID := make(map[models.SecretID]*models.Secret, len(secrets))
	for i := range secrets {
		ids[i], byID[secrets[i].ID] = secrets[i].ID, &secrets[i]
	}
	query := tx.db().Where("secret_id IN ?", ids).Order("secret_id, number").Limit(limit)
	if ids[0] == afterSecret {
		query = query.Where("(secret_id > ? OR number > ?)", afterSecret, afterNumber)
	}
	versions, err := all[models.SecretVersion](tx.sealedBefore(query, q.DataKeyCreatedBefore), "version")
	if err != nil {
		return nil, err
	}
	rows := make([]VersionRow, len(versions))
	for i, v := range versions {
		secret := byID[v.SecretID]
		rows[i] = VersionRow{SecretVersion: v, SecretName: secret.Name, EnvironmentID: secret.EnvironmentID}
	}
	return rows, nil
}

// sealedBefore keeps versions whose data key was made before a time; zero: all.
func (tx *Tx) sealedBefore(query *gorm.DB, before time.Time) *gorm.DB {
	if before.IsZero() {
		return query
	}
	older := tx.db().Model(&models.DataKey{}).Select("1").Where("data_keys.id = secret_versions.data_key_id AND data_keys.created_at < ?", micro(before))
	return query.Where("EXISTS (?)", older)
}

// CountVersions counts what VersionsPage lists in all.
func (tx *Tx) CountVersions(q VersionQuery) (n int64, err error) {
	query := tx.db().Model(&models.SecretVersion{})
	if q.Environment != 0 || !q.DataKeyCreatedBefore.IsZero() {
		// A data key seals for its own environment only, and versions are counted by its index.
		query = query.Joins("JOIN data_keys k ON k.id = secret_versions.data_key_id")
	}
	if q.Environment != 0 {
		query = query.Where("k.environment_id = ?", q.Environment)
	}
	if !q.DataKeyCreatedBefore.IsZero() {
		query = query.Where("k.created_at < ?", micro(q.DataKeyCreatedBefore))
	}
	return n, translate(query.Count(&n).Error, "version")
}

// ResealVersion puts another seal of the same value in the place of one that still stands
// under the old data key with the old ciphertext, and reports whether it did. It takes v's
// data key, format and ciphertext, and changes nothing else.
func (tx *Tx) ResealVersion(v *models.SecretVersion, oldKey models.DataKeyID, oldCiphertext []byte) (bool, error) {
	n, err := tx.exec("version", resealVersion, string(v.DataKeyID), v.Format, v.Ciphertext,
		int64(v.SecretID), int64(v.Number), string(oldKey), oldCiphertext)
	return n > 0, err
}

// ResealCredentials is ResealVersion for the credentials of a destination. It is a new
// revision, so that nobody who loaded the destination before writes the old seal back.
func (tx *Tx) ResealCredentials(
	d models.DestinationID, oldKey models.DataKeyID, old []byte, newKey models.DataKeyID, ciphertext []byte,
) (bool, error) {
	if err := tx.holdDataKey(newKey); err != nil {
		return false, err
	}
	n, err := tx.exec("destination", resealCredentials, string(newKey), ciphertext, string(d), string(oldKey), old)
	return n > 0, err
}

var (
	resealVersion = newQuery("UPDATE secret_versions SET data_key_id = ?, format = ?, ciphertext = ? " +
		"WHERE secret_id = ? AND number = ? AND data_key_id = ? AND ciphertext = ?")
	resealCredentials = newQuery("UPDATE destinations SET credentials_key_id = ?, credentials = ?, revision = revision + 1 " +
		"WHERE id = ? AND credentials_key_id = ? AND credentials = ?")
)

// DestinationsWithCredentials lists destinations beyond one that have credentials, by ID, of
// one environment or (0) of all; fewer than the limit (0, and more than 200: 200) are the last.
func (tx *Tx) DestinationsWithCredentials(
	environment models.EnvironmentID, after models.DestinationID, limit int,
) ([]models.Destination, error) {
	query := tx.db().Where("id > ? AND credentials_key_id <> ?", after, "").Order("id").Limit(pageSize(limit))
	if environment != 0 {
		query = query.Where("environment_id = ?", environment)
	}
	return all[models.Destination](query, "destination")
}

// MisplacedCurrent lists secrets beyond one whose current version is not their highest, by
// ID, of one environment or (0) of all; fewer than the limit (0, and more than 200: 200) are
// the last.
func (tx *Tx) MisplacedCurrent(environment models.EnvironmentID, after models.SecretID, limit int) ([]models.Secret, error) {
	highest := tx.db().Model(&models.SecretVersion{}).Select("COALESCE(MAX(number), 0)").Where("secret_versions.secret_id = secrets.id")
	query := tx.db().Where("id > ? AND current_version <> (?)", after, highest).Order("id").Limit(pageSize(limit))
	if environment != 0 {
		query = query.Where("environment_id = ?", environment)
	}
	return all[models.Secret](query, "secret")
}
