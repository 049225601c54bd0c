package store

import (
	"database/sql"
	"errors"
	"reflect"
	"strconv"
	"strings"
	"time"

	"gorm.io/gorm"

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
	return translate(tx.db().Where("id = ?", id).Delete(&models.Secret{}).Error, "secret")
}

// SecretSort is the order of a list of secrets.
type SecretSort string

// The orders; within equal keys by ID. Secrets that never expire come after all others.
const (
	SortName    SecretSort = "name"
	SortUpdated SecretSort = "updated"
	SortCreated SecretSort = "created"
	SortChanged SecretSort = "changed" // of the value
	SortExpires SecretSort = "expires"
	SortType    SecretSort = "type"
)

// SecretQuery says which secrets to list. Empty fields do not narrow, except Environments.
type SecretQuery struct {
	Environments   []models.EnvironmentID // none: nothing is listed
	Search         string                 // part of name, description or owner, in either case
	Types          []models.SecretType
	TagKey         string
	TagValue       string // with TagKey; "": any value
	Owner          string
	Status         models.SyncStatus // at one destination at least
	States         StateFilter       // at one destination at least
	Deleted        bool              // only deleted ones; else only others
	ExpiringBefore *time.Time
	Sort           SecretSort // "": by name
	Desc           bool
	Cursor         string
	Limit          int // 0, and more than 200: 200
}

// never stands for the expiry of secrets that have none.
var never = time.Date(9999, 12, 31, 0, 0, 0, 0, time.UTC)

// ListSecrets returns a page and the cursor of the next one, "" after the last. A cursor
// that this order did not return is Invalid.
func (tx *Tx) ListSecrets(q SecretQuery) ([]models.Secret, string, error) {
	if q.Sort == "" {
		q.Sort = SortName
	}
	order, known := secretOrders[q.Sort]
	if !known {
		return nil, "", fault.InvalidField("sort", "must be one of name, updated, created, changed, expires, type")
	}
	if len(q.Environments) == 0 {
		return nil, "", nil
	}
	query := tx.filterSecrets(q)
	column := order.column(tx.s.options.Dialect)
	name := string(q.Sort) + strconv.FormatBool(q.Desc)
	at, err := parseCursor(q.Cursor, name)
	if err != nil {
		return nil, "", err
	}
	if at != nil {
		id, err := at.number()
		if err != nil {
			return nil, "", err
		}
		key, err := order.parse(at)
		if err != nil {
			return nil, "", err
		}
		query = after(query, column, "id", q.Desc, key, id)
	}
	limit := pageSize(q.Limit)
	rows, err := all[models.Secret](orderBy(query, q.Desc, column, "id").Limit(limit+1), "secret")
	if err != nil {
		return nil, "", err
	}
	rows, next := page(rows, limit, func(s *models.Secret) cursor {
		return cursor{Order: name, Key: order.key(s), ID: strconv.FormatInt(int64(s.ID), 10)}
	})
	return rows, next, nil
}

func (tx *Tx) filterSecrets(q SecretQuery) *gorm.DB {
	query := tx.db().Where("environment_id IN ?", q.Environments)
	if q.Deleted {
		query = query.Where("deleted_at IS NOT NULL")
	} else {
		query = query.Where("deleted_at IS NULL")
	}
	query = tx.contains(query, q.Search, "name", "description", "owner")
	if len(q.Types) > 0 {
		query = query.Where("type IN ?", q.Types)
	}
	if q.TagKey != "" {
		tagged := keyed(tx.db().Model(&secretTag{}).Select("secret_id"), q.TagKey)
		if q.TagValue != "" {
			tagged = tagged.Where("value = ?", q.TagValue)
		}
		query = query.Where("id IN (?)", tagged)
	}
	if q.Owner != "" {
		query = query.Where("owner = ?", q.Owner)
	}
	if q.Status != "" {
		states := tx.db().Model(&models.SyncState{}).Select("secret_id").Where("status = ?", q.Status)
		query = query.Where("id IN (?)", states)
	}
	if !q.States.empty() {
		states := tx.db().Table("sync_states st").Select("st.secret_id")
		query = query.Where("id IN (?)", tx.standing(states, q.States))
	}
	if q.ExpiringBefore != nil {
		query = query.Where("expires_at < ?", micro(*q.ExpiringBefore))
	}
	return query
}

// secretOrder is a sort key: its column, and how a cursor holds it.
type secretOrder struct {
	column func(dialect string) string
	key    func(*models.Secret) string
	parse  func(*cursor) (any, error)
}

var secretOrders = map[SecretSort]secretOrder{
	SortName:    {column("name"), func(s *models.Secret) string { return s.Name }, textKey},
	SortType:    {column("type"), func(s *models.Secret) string { return string(s.Type) }, textKey},
	SortUpdated: {column("updated_at"), func(s *models.Secret) string { return timeKey(s.UpdatedAt) }, instantKey},
	SortCreated: {column("created_at"), func(s *models.Secret) string { return timeKey(s.CreatedAt) }, instantKey},
	SortChanged: {column("value_changed_at"), func(s *models.Secret) string { return timeKey(s.ValueChangedAt) }, instantKey},
	SortExpires: {expiry, func(s *models.Secret) string {
		if s.ExpiresAt == nil {
			return timeKey(never)
		}
		return timeKey(*s.ExpiresAt)
	}, instantKey},
}

func column(name string) func(string) string { return func(string) string { return name } }

// expiry is the time of expiry, or never.
func expiry(dialect string) string {
	if dialect == SQLite {
		return "COALESCE(expires_at, " + timeKey(never) + ")"
	}
	return "COALESCE(expires_at, TIMESTAMP '9999-12-31 00:00:00')"
}

func textKey(c *cursor) (any, error)    { return c.Key, nil }
func instantKey(c *cursor) (any, error) { return c.time() }

// SecretCounts says how many secrets an environment has.
type SecretCounts struct {
	EnvironmentID models.EnvironmentID
	Active        int
	Deleted       int
	Expiring      int // active ones that expire within 30 days, or have
}

// CountSecrets counts per environment; environments without secrets are left out.
func (tx *Tx) CountSecrets(environments []models.EnvironmentID) ([]SecretCounts, error) {
	query := tx.db().Model(&models.Secret{}).Where("environment_id IN ?", environments).
		Group("environment_id").Order("environment_id").
		Select("environment_id, "+
			"SUM(CASE WHEN deleted_at IS NULL THEN 1 ELSE 0 END) AS active, "+
			"SUM(CASE WHEN deleted_at IS NULL THEN 0 ELSE 1 END) AS deleted, "+
			"SUM(CASE WHEN deleted_at IS NULL AND expires_at < ? THEN 1 ELSE 0 END) AS expiring", tx.Now().AddDate(0, 0, 30))
	var counts []SecretCounts
	err := translate(query.Scan(&counts).Error, "secret")
	return counts, err
}

// PurgeableSecrets lists deleted secrets whose grace is over and that have no copy anywhere,
// up to a limit.
func (tx *Tx) PurgeableSecrets(now time.Time, limit int) ([]models.Secret, error) {
	copies := tx.db().Model(&models.SyncState{}).Select("1").Where("sync_states.secret_id = secrets.id")
	query := tx.db().Where("purge_after <= ? AND NOT EXISTS (?)", micro(now), copies).Order("id").Limit(limit)
	return all[models.Secret](query, "secret")
}
