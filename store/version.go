package store

import (
	"database/sql"
	"encoding/json"
	"errors"

	"github.com/your-org/keeper/fault"
	"github.com/your-org/keeper/models"
)

// AddVersion adds a version. Conflict where the number is taken.
func (tx *Tx) AddVersion(v *models.SecretVersion) error {
	first(&v.CreatedAt, tx.Now())
	return tx.insert(v, "version")
}

// Version loads one version with its ciphertext.
func (tx *Tx) Version(secret models.SecretID, number models.VersionNumber) (models.SecretVersion, error) {
	return take[models.SecretVersion](tx.db().Where("secret_id = ? AND number = ?", secret, number), "version")
}

// Versions lists a secret's versions below a number (0: all), newest first, without their
// ciphertexts.
func (tx *Tx) Versions(secret models.SecretID, before models.VersionNumber, limit int) ([]models.SecretVersion, error) {
	query := tx.db().Omit("ciphertext").Where("secret_id = ?", secret).Order("number DESC").Limit(pageSize(limit))
	if before > 0 {
		query = query.Where("number < ?", before)
	}
	return all[models.SecretVersion](query, "version")
}

const selectCurrent = "SELECT s.id, s.environment_id, s.name, s.type, s.description, s.owner, s.tags, s.expires_at, " +
	"s.rotate_every, s.current_version, s.current_size, s.facts, s.revision, s.deleted_at, s.purge_after, s.created_at, " +
	"s.created_by, s.updated_at, s.updated_by, s.value_changed_at, " +
	"v.data_key_id, v.format, v.ciphertext, v.hash, v.size, v.type, v.comment, v.rolled_from, v.created_at, v.created_by " +
	"FROM secrets s JOIN secret_versions v ON v.secret_id = s.id AND v.number = s.current_version WHERE "

var (
	currentByID   = newQuery(selectCurrent + "s.id = ?")
	currentByName = newQuery(selectCurrent + "s.environment_id = ? AND s.name = ?")
)

// CurrentVersion loads a secret, deleted or not, with its current version and the
// ciphertext, in one prepared query.
func (tx *Tx) CurrentVersion(id models.SecretID) (models.Secret, models.SecretVersion, error) {
	return scanCurrent(tx.row(currentByID, int64(id)))
}

// CurrentVersionByName is CurrentVersion by the name in an environment.
func (tx *Tx) CurrentVersionByName(environment models.EnvironmentID, name string) (models.Secret, models.SecretVersion, error) {
	return scanCurrent(tx.row(currentByName, int64(environment), name))
}

func scanCurrent(row *sql.Row) (s models.Secret, v models.SecretVersion, err error) {
	var tags, facts sql.NullString
	err = row.Scan(&s.ID, &s.EnvironmentID, &s.Name, &s.Type, &s.Description, &s.Owner, &tags, &s.ExpiresAt,
		&s.RotateEvery, &s.CurrentVersion, &s.CurrentSize, &facts, &s.Revision, &s.DeletedAt, &s.PurgeAfter, &s.CreatedAt,
		&s.CreatedBy, &s.UpdatedAt, &s.UpdatedBy, &s.ValueChangedAt,
		&v.DataKeyID, &v.Format, &v.Ciphertext, &v.Hash, &v.Size, &v.Type, &v.Comment, &v.RolledFrom, &v.CreatedAt, &v.CreatedBy)
	if err != nil {
		return models.Secret{}, models.SecretVersion{}, translate(err, "secret")
	}
	v.SecretID, v.Number = s.ID, s.CurrentVersion
	if err := errors.Join(decodeJSON(tags, &s.Tags), decodeJSON(facts, &s.Facts)); err != nil {
		return models.Secret{}, models.SecretVersion{}, fault.Wrap(err, fault.Internal, "The secret's row is damaged.")
	}
	v.Facts = s.Facts // Secret.Facts is that of the current version
	return s, v, nil
}

// decodeJSON reads a column that GORM's JSON serializer wrote.
func decodeJSON(text sql.NullString, into any) error {
	if text.String == "" {
		return nil
	}
	return json.Unmarshal([]byte(text.String), into)
}
