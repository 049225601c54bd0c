package store

import (
	"database/sql"
	"errors"
	"reflect"
	"strings"
	"time"

	"github.com/your-org/keeper/fault"
	"github.com/your-org/keeper/models"
)

// secretTag repeats one tag of a secret as a row, for the filter.
type secretTag struct {
	SecretID models.SecretID `gorm:"primaryKey;autoIncrement:false"`
	Key      string          `gorm:"primaryKey"`
	Value    string
}

func (secretTag) TableName() string { return "secret_tags" }

// CreateSecret adds a secret at revision 1 and sets its ID. Conflict where the environment
// has one of that name, deleted or not.
func (tx *Tx) CreateSecret(s *models.Secret) error {
	first(&s.CreatedAt, tx.Now())
	first(&s.ValueChangedAt, s.CreatedAt)
	s.UpdatedAt, s.Revision = s.CreatedAt, 1
	args, err := changingArgs(s)
	if err != nil {
		return err
	}
	args = append(args, int64(s.EnvironmentID), s.Name, s.CreatedAt, s.CreatedBy, s.Revision)
	id, err := tx.insertID("secret", insertSecret, args...)
	if err != nil {
		return err
	}
	s.ID = models.SecretID(id)
	return tx.insertTags(s)
}

// Secret loads one by its ID, deleted or not.
func (tx *Tx) Secret(id models.SecretID) (models.Secret, error) {
	return scanSecret(tx.row(secretByID, int64(id)))
}

// SecretByName loads one by its name in an environment, deleted or not.
func (tx *Tx) SecretByName(environment models.EnvironmentID, name string) (models.Secret, error) {
	return scanSecret(tx.row(secretByName, int64(environment), name))
}

// UpdateSecret writes all but the environment, the name and the creation. Stale where the
// revision is not the expected one (0: whichever it is); s bears the new one afterwards.
// Until the transaction ends no other changes this secret.
func (tx *Tx) UpdateSecret(s *models.Secret, expected int64) error {
	if err := tx.noteText(s); err != nil {
		return err
	}
	s.UpdatedAt = tx.Now()
	args, err := changingArgs(s)
	if err != nil {
		return err
	}
	changed, err := tx.exec("secret", updateSecret, append(args, int64(s.ID), expected, expected)...)
	if err != nil {
		return err
	}
	s.Revision, err = tx.newRevision(s.ID, expected, changed > 0)
	if err != nil {
		return err
	}
	if _, err := tx.exec("tag", deleteTags, int64(s.ID)); err != nil {
		return err
	}
	return tx.insertTags(s)
}

// newRevision is the revision that an update made.
func (tx *Tx) newRevision(id models.SecretID, expected int64, changed bool) (revision int64, err error) {
	if changed && expected != 0 {
		return expected + 1, nil
	}
	// After the update the row is ours, so this is the revision that it made.
	err = tx.row(secretRevision, int64(id)).Scan(&revision)
	if err == nil && !changed {
		return 0, stale("secret")
	}
	return revision, translate(err, "secret")
}

// changing are the columns that an update writes, in the order of changingArgs.
var changing = []string{
	"type", "description", "owner", "tags", "expires_at", "rotate_every", "current_version", "current_size", "facts",
	"deleted_at", "purge_after", "updated_at", "updated_by", "value_changed_at",
}

const (
	secretColumns = "s.id, s.environment_id, s.name, s.type, s.description, s.owner, s.tags, s.expires_at, s.rotate_every, " +
		"s.current_version, s.current_size, s.facts, s.revision, s.deleted_at, s.purge_after, s.created_at, s.created_by, " +
		"s.updated_at, s.updated_by, s.value_changed_at"
	selectSecret = "SELECT " + secretColumns + " FROM secrets s WHERE "
)

var (
	insertSecret = newQuery("INSERT INTO secrets (" + strings.Join(changing, ", ") +
		", environment_id, name, created_at, created_by, revision) VALUES (" + strings.Repeat("?, ", len(changing)) + "?, ?, ?, ?, ?)")
	updateSecret = newQuery("UPDATE secrets SET " + strings.Join(changing, " = ?, ") +
		" = ?, revision = revision + 1 WHERE id = ? AND (? = 0 OR revision = ?)")
	secretRevision = newQuery("SELECT revision FROM secrets WHERE id = ?")
	secretByID     = newQuery(selectSecret + "s.id = ?")
	secretByName   = newQuery(selectSecret + "s.environment_id = ? AND s.name = ?")
	insertTag      = newQuery("INSERT INTO secret_tags (secret_id, `key`, value) VALUES (?, ?, ?)")
	deleteTags     = newQuery("DELETE FROM secret_tags WHERE secret_id = ?")
)

// changingArgs also cuts s's times to what is stored.
func changingArgs(s *models.Secret) ([]any, error) {
	cutTimes(reflect.ValueOf(s))
	tags, err := encodeJSON(s.Tags)
	if err != nil {
		return nil, err
	}
	facts, err := encodeJSON(s.Facts)
	if err != nil {
		return nil, err
	}
	return append(make([]any, 0, len(changing)+5), string(s.Type), s.Description, s.Owner, tags, s.ExpiresAt, s.RotateEvery,
		int64(s.CurrentVersion), s.CurrentSize, facts, s.DeletedAt, s.PurgeAfter, s.UpdatedAt, s.UpdatedBy, s.ValueChangedAt), nil
}

// scannable is one row, alone or of many.
type scannable interface{ Scan(into ...any) error }

// scanSecret reads secretColumns, and what else the row has.
func scanSecret(row scannable, more ...any) (s models.Secret, err error) {
	var tags, facts sql.NullString
	into := append(make([]any, 0, 32), (*int64)(&s.ID), (*int64)(&s.EnvironmentID), &s.Name, (*string)(&s.Type), &s.Description,
		&s.Owner, &tags, &s.ExpiresAt, &s.RotateEvery, (*int64)(&s.CurrentVersion), &s.CurrentSize, &facts, &s.Revision,
		&s.DeletedAt, &s.PurgeAfter, &s.CreatedAt, &s.CreatedBy, &s.UpdatedAt, &s.UpdatedBy, &s.ValueChangedAt)
	if err := row.Scan(append(into, more...)...); err != nil {
		return models.Secret{}, translate(err, "secret")
	}
	if err := errors.Join(decodeJSON(tags, &s.Tags), decodeJSON(facts, &s.Facts)); err != nil {
		return models.Secret{}, fault.Wrap(err, fault.Internal, "The secret's row is damaged.")
	}
	return s, nil
}

func (tx *Tx) insertTags(s *models.Secret) error {
	for key, value := range s.Tags {
		if _, err := tx.exec("tag", insertTag, int64(s.ID), key, value); err != nil {
			return err
		}
	}
	return nil
}

// PurgeSecret removes a secret for good, with its versions, tags and sync states.
func (tx *Tx) PurgeSecret(id models.SecretID) error {
	if _, err := take[models.Secret](tx.locked().Where("id = ?", id), "secret"); err != nil {
		return err
	}
	for _, child := range []any{&models.SyncHold{}, &models.SyncState{}, &models.SyncRelease{}, &secretTag{}, &models.SecretVersion{}} {
		if err := tx.db().Where("secret_id = ?", id).Delete(child).Error; err != nil {
			return translate(err, "secret")
		}
	}
	if _, err := tx.exec("secret", dropChange, int64(id)); err != nil {
		return err
	}
	return translate(tx.db().Where("id = ?", id).Delete(&models.Secret{}).Error, "secret")
}

// SecretCounts says how many secrets an environment has.
type SecretCounts struct {
	EnvironmentID models.EnvironmentID
	Active        int
	Deleted       int
	Expiring      int // active ones that expire within 30 days, or have
}

// CountSecrets counts per environment; environments without secrets are left out. Each count is
// a range of an index.
func (tx *Tx) CountSecrets(environments []models.EnvironmentID) (counts []SecretCounts, err error) {
	const count = "(SELECT COUNT(*) FROM secrets s WHERE s.environment_id = e.id AND s.deleted_at IS "
	var all []SecretCounts
	err = tx.db().Table("environments e").Where("e.id IN ?", environments).Order("e.id").
		Select("e.id AS environment_id, "+count+"NULL) AS active, "+count+"NOT NULL) AS deleted, "+count+"NULL AND s.expires_at < ?) AS expiring",
			tx.Now().AddDate(0, 0, 30)).Scan(&all).Error
	for _, c := range all {
		if c.Active+c.Deleted > 0 {
			counts = append(counts, c)
		}
	}
	return counts, translate(err, "secret")
}

// PurgeableSecrets lists deleted secrets whose grace is over and that have no copy anywhere,
// up to a limit.
func (tx *Tx) PurgeableSecrets(now time.Time, limit int) ([]models.Secret, error) {
	copies := tx.db().Model(&models.SyncState{}).Select("1").Where("sync_states.secret_id = secrets.id")
	query := tx.db().Where("purge_after <= ? AND NOT EXISTS (?)", micro(now), copies).Order("id").Limit(limit)
	return all[models.Secret](query, "secret")
}
