package store

import (
	"cmp"
	"slices"
	"strconv"
	"strings"
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
	Among          []models.SecretID      // only of these, where it is not nil
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

// never stands for the expiry of secrets that have none; it is later than any that is stored, and
// than any that a database takes.
var never = time.Date(99999, 1, 1, 0, 0, 0, 0, time.UTC)

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
	limit := pageSize(q.Limit)
	rows, err := tx.pageOfSecrets(q, order, at, limit+1)
	if err != nil {
		return nil, Around{}, err
	}
	rows, around := pageAround(rows, limit, at, func(s *models.Secret) cursor {
		return cursor{Order: name, Key: order.key(s), ID: strconv.FormatInt(int64(s.ID), 10)}
	})
	return rows, around, nil
}

// apart is how many environments are asked one by one.
const apart = 32

// pageOfSecrets lists from a cursor on, in its direction. Environments are asked one by one while
// they are few: an index of each gives the order, where those of all would be sorted whole.
func (tx *Tx) pageOfSecrets(q SecretQuery, order secretOrder, at *cursor, limit int) (rows []models.Secret, err error) {
	environments := slices.Compact(slices.Sorted(slices.Values(q.Environments)))
	step := 1
	if len(environments) > apart {
		step = len(environments)
	}
	desc := q.Desc != at.back()
	for q.Environments = range slices.Chunk(environments, step) {
		found, err := tx.someSecrets(q, order, at, desc, limit)
		if err != nil {
			return nil, err
		}
		rows = append(rows, found...)
	}
	slices.SortFunc(rows, func(a, b models.Secret) int {
		if desc {
			return order.compare(&b, &a)
		}
		return order.compare(&a, &b)
	})
	return rows[:min(len(rows), limit)], nil
}

func (tx *Tx) someSecrets(q SecretQuery, order secretOrder, at *cursor, desc bool, limit int) ([]models.Secret, error) {
	var key any
	var id int64
	if at != nil {
		var err error
		if id, err = at.number(); err != nil {
			return nil, err
		}
		if key, err = order.parse(at); err != nil {
			return nil, err
		}
	}
	if order.column == "expires_at" {
		return tx.secretsByExpiry(q, at != nil, key, id, desc, limit)
	}
	query := tx.filterSecrets(q)
	if at != nil {
		query = after(query, order.column, "id", desc, key, id)
	}
	return all[models.Secret](orderBy(query, desc, order.column, "id").Limit(limit), "secret")
}

// secretsByExpiry lists those that expire before those that never do, and the other way round
// where desc: two queries, each in the order of an index. A key that is no time is of the latter.
func (tx *Tx) secretsByExpiry(q SecretQuery, from bool, key any, id int64, desc bool, limit int) (rows []models.Secret, err error) {
	_, within := key.(time.Time)
	for _, expiring := range []bool{!desc, desc} {
		if from && within != expiring && expiring != desc {
			continue // the cursor is in the second part, beyond all of this
		}
		query := tx.filterSecrets(q)
		switch {
		case expiring && from && within:
			query = after(query.Where("expires_at IS NOT NULL"), "expires_at", "id", desc, key, id)
		case expiring:
			query = query.Where("expires_at IS NOT NULL")
		case from && !within:
			query = query.Where("expires_at IS NULL AND id "+map[bool]string{false: ">", true: "<"}[desc]+" ?", id)
		default:
			query = query.Where("expires_at IS NULL")
		}
		found, err := all[models.Secret](orderBy(query, desc, map[bool][]string{true: {"expires_at", "id"}, false: {"id"}}[expiring]...).Limit(limit-len(rows)), "secret")
		if err != nil {
			return nil, err
		}
		if rows = append(rows, found...); len(rows) == limit {
			break
		}
	}
	return rows, nil
}

func (tx *Tx) filterSecrets(q SecretQuery) *gorm.DB {
	standing, err := tx.standingFew(q.Environments, "", q.States)
	var deleted []models.SecretID
	if err == nil && q.Deleted {
		gone := tx.db().Model(&models.Secret{}).Where("environment_id IN ? AND deleted_at IS NOT NULL", q.Environments)
		deleted, err = few(gone, "id", "secret")
	}
	query := tx.within(tx.db(), "secrets", q.Environments, q.Among, standing, deleted)
	if err != nil {
		_ = query.AddError(err)
		return query
	}
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
	if !q.States.empty() && standing == nil {
		states := tx.standing(tx.db().Table("sync_states st").Where("st.destination_id IN (?)", tx.destinationsIn(q.Environments)), q.States)
		query = query.Where("EXISTS (?)", states.Select("1").Where("st.secret_id = secrets.id"))
	}
	if q.ExpiringBefore != nil {
		query = query.Where("expires_at < ?", micro(*q.ExpiringBefore))
	}
	return query
}

// secretOrder is a sort key: its column, and what stands there, a text or a time.
type secretOrder struct {
	column  string
	text    func(*models.Secret) string
	instant func(*models.Secret) time.Time // where text is nil
}

var secretOrders = map[SecretSort]secretOrder{
	SortName:    {column: "name", text: func(s *models.Secret) string { return s.Name }},
	SortType:    {column: "type", text: func(s *models.Secret) string { return string(s.Type) }},
	SortUpdated: {column: "updated_at", instant: func(s *models.Secret) time.Time { return s.UpdatedAt }},
	SortCreated: {column: "created_at", instant: func(s *models.Secret) time.Time { return s.CreatedAt }},
	SortChanged: {column: "value_changed_at", instant: func(s *models.Secret) time.Time { return s.ValueChangedAt }},
	SortExpires: {column: "expires_at", instant: func(s *models.Secret) time.Time {
		if s.ExpiresAt == nil {
			return never
		}
		return *s.ExpiresAt
	}},
}

// key is the secret's sort key as a cursor holds it; "" for no expiry.
func (o secretOrder) key(s *models.Secret) string {
	if o.text != nil {
		return o.text(s)
	}
	at := o.instant(s)
	if at.Equal(never) {
		return ""
	}
	return timeKey(at)
}

// parse reads what key made.
func (o secretOrder) parse(c *cursor) (any, error) {
	switch {
	case o.text != nil:
		return c.Key, nil
	case o.column == "expires_at" && c.Key == "":
		return nil, nil //nolint:nilnil // no expiry
	default:
		return c.time()
	}
}

// compare orders as the databases do.
func (o secretOrder) compare(a, b *models.Secret) int {
	if o.text != nil {
		return cmp.Or(strings.Compare(o.text(a), o.text(b)), cmp.Compare(a.ID, b.ID))
	}
	return cmp.Or(o.instant(a).Compare(o.instant(b)), cmp.Compare(a.ID, b.ID))
}
