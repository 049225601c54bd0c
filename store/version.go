package store

import (
	"database/sql"

	"github.com/your-org/keeper/fault"
	"github.com/your-org/keeper/models"
)

// AddVersion adds a version. Conflict where the number is taken.
func (tx *Tx) AddVersion(v *models.SecretVersion) error {
	first(&v.CreatedAt, tx.Now())
	v.CreatedAt = micro(v.CreatedAt)
	facts, err := encodeJSON(v.Facts)
	if err != nil {
		return err
	}
	_, err = tx.exec("version", insertVersion, int64(v.SecretID), int64(v.Number), string(v.DataKeyID), v.Format, v.Ciphertext,
		v.Hash, v.Size, string(v.Type), facts, v.Comment, int64(v.RolledFrom), v.CreatedAt, v.CreatedBy)
	return err
}

var insertVersion = newQuery("INSERT INTO secret_versions (secret_id, number, data_key_id, format, ciphertext, hash, size, " +
	"type, facts, comment, rolled_from, created_at, created_by) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)")

// Version loads one version with its ciphertext.
func (tx *Tx) Version(secret models.SecretID, number models.VersionNumber) (models.SecretVersion, error) {
	return scanVersion(tx.row(versionByNumber, int64(secret), int64(number)))
}

var versionByNumber = newQuery("SELECT secret_id, number, data_key_id, format, ciphertext, hash, size, type, facts, comment, " +
	"rolled_from, created_at, created_by FROM secret_versions WHERE secret_id = ? AND number = ?")

func scanVersion(row *sql.Row) (v models.SecretVersion, err error) {
	var facts sql.NullString
	err = row.Scan((*int64)(&v.SecretID), (*int64)(&v.Number), (*string)(&v.DataKeyID), &v.Format, &v.Ciphertext, &v.Hash, &v.Size,
		(*string)(&v.Type), &facts, &v.Comment, (*int64)(&v.RolledFrom), &v.CreatedAt, &v.CreatedBy)
	if err != nil {
		return models.SecretVersion{}, translate(err, "version")
	}
	if err := decodeJSON(facts, &v.Facts); err != nil {
		return models.SecretVersion{}, fault.Wrap(err, fault.Internal, "The version's row is damaged.")
	}
	return v, nil
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

// VersionPage is a page of a secret's versions, newest first, without their ciphertexts, and the
// cursors of the pages around it.
func (tx *Tx) VersionPage(secret models.SecretID, cursor string, limit int) ([]models.SecretVersion, Around, error) {
	query := tx.db().Omit("ciphertext").Where("secret_id = ?", secret)
	return pageByNumber(query, "versions", "number", true, cursor, limit, "version", func(v *models.SecretVersion) int64 { return int64(v.Number) })
}

const selectCurrent = "SELECT " + secretColumns + ", v.data_key_id, v.format, v.ciphertext, v.hash, v.size, v.type, " +
	"v.comment, v.rolled_from, v.created_at, v.created_by " +
	"FROM secrets s JOIN secret_versions v ON v.secret_id = s.id AND v.number = s.current_version WHERE "

var (
	currentByID   = newQuery(selectCurrent + "s.id = ?")
	secretLocked  = newQuery(selectSecret + "s.id = ? FOR UPDATE") // not on SQLite, which has one writer
	currentByName = newQuery(selectCurrent + "s.environment_id = ? AND s.name = ?")
)

// CurrentVersion loads a secret, deleted or not, with its current version and the
// ciphertext, in one prepared query.
func (tx *Tx) CurrentVersion(id models.SecretID) (models.Secret, models.SecretVersion, error) {
	return scanCurrent(tx.row(currentByID, int64(id)))
}

// LockCurrentVersion is CurrentVersion for a transaction that changes the secret: until it
// ends, nobody else does.
func (tx *Tx) LockCurrentVersion(id models.SecretID) (models.Secret, models.SecretVersion, error) {
	if tx.s.options.Dialect == SQLite {
		return tx.CurrentVersion(id)
	}
	// Two reads: PostgreSQL finds nothing by a join whose one side moved while it waited.
	s, err := scanSecret(tx.row(secretLocked, int64(id)))
	if err != nil {
		return models.Secret{}, models.SecretVersion{}, err
	}
	v, err := tx.Version(id, s.CurrentVersion)
	return s, v, err
}

// CurrentVersionByName is CurrentVersion by the name in an environment.
func (tx *Tx) CurrentVersionByName(environment models.EnvironmentID, name string) (models.Secret, models.SecretVersion, error) {
	return scanCurrent(tx.row(currentByName, int64(environment), name))
}

func scanCurrent(row scannable) (models.Secret, models.SecretVersion, error) {
	var v models.SecretVersion
	s, err := scanSecret(row, (*string)(&v.DataKeyID), &v.Format, &v.Ciphertext, &v.Hash, &v.Size, (*string)(&v.Type),
		&v.Comment, (*int64)(&v.RolledFrom), &v.CreatedAt, &v.CreatedBy)
	if err != nil {
		return models.Secret{}, models.SecretVersion{}, err
	}
	v.SecretID, v.Number = s.ID, s.CurrentVersion
	v.Facts = s.Facts // Secret.Facts is that of the current version
	return s, v, nil
}
