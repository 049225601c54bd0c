package store

import (
	"strconv"
	"time"

	"gorm.io/gorm"

	"github.com/your-org/keeper/fault"
	"github.com/your-org/keeper/models"
)

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

// ListSecrets returns a page, and the cursors of the pages around it. A cursor that this order
// did not return is Invalid.
func (tx *Tx) ListSecrets(q SecretQuery) ([]models.Secret, Around, error) {
	if q.Sort == "" {
		q.Sort = SortName
	}
	order, known := secretOrders[q.Sort]
	if !known {
		return nil, Around{}, fault.InvalidField("sort", "must be one of name, updated, created, changed, expires, type")
	}
	if len(q.Environments) == 0 {
		return nil, Around{}, nil
	}
	name := string(q.Sort) + strconv.FormatBool(q.Desc)
	at, err := parseCursor(q.Cursor, name)
	if err != nil {
		return nil, Around{}, err
	}
	query, column, desc := tx.filterSecrets(q), order.column(tx.s.options.Dialect), q.Desc != at.back()
	if at != nil {
		id, err := at.number()
		if err != nil {
			return nil, Around{}, err
		}
		key, err := order.parse(at)
		if err != nil {
			return nil, Around{}, err
		}
		query = after(query, column, "id", desc, key, id)
	}
	limit := pageSize(q.Limit)
	rows, err := all[models.Secret](orderBy(query, desc, column, "id").Limit(limit+1), "secret")
	if err != nil {
		return nil, Around{}, err
	}
	rows, around := pageAround(rows, limit, at, func(s *models.Secret) cursor {
		return cursor{Order: name, Key: order.key(s), ID: strconv.FormatInt(int64(s.ID), 10)}
	})
	return rows, around, nil
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
