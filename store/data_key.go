package store

import (
	"bytes"
	"database/sql"
	"errors"
	"slices"
	"time"

	"gorm.io/gorm"
	"gorm.io/gorm/clause"

	"github.com/your-org/keeper/fault"
	"github.com/your-org/keeper/models"
)

// DataKeyRow is a data key with its wrapped keys, by kind and recipient.
type DataKeyRow struct {
	Key     models.DataKey
	Wrapped []models.WrappedKey
}

// DataKeyQuery says which data keys, of both purposes. Empty fields do not narrow.
type DataKeyQuery struct {
	Environment models.EnvironmentID
	Under       string // wrapped for this recipient, as WrappedKey.RecipientID
}

// DataKeysPage lists data keys beyond one, by ID; fewer than the limit (0, and more than 200:
// 200) are the last.
func (tx *Tx) DataKeysPage(q DataKeyQuery, after models.DataKeyID, limit int) ([]DataKeyRow, error) {
	query := tx.dataKeys(q).Order(q.idColumn()).Limit(pageSize(limit))
	if after != "" {
		query = query.Where(q.idColumn()+" > ?", after)
	}
	keys, err := all[models.DataKey](query.Select("k.*"), "data key")
	if err != nil || len(keys) == 0 {
		return nil, err
	}
	rows := make([]DataKeyRow, len(keys))
	ids := make([]models.DataKeyID, len(keys))
	for i, key := range keys {
		rows[i].Key, ids[i] = key, key.ID
	}
	wrapped, err := all[models.WrappedKey](tx.db().Where("data_key_id IN ?", ids).
		Order("data_key_id, recipient_kind, recipient_id"), "wrapped key")
	for i := range rows {
		end := slices.IndexFunc(wrapped, func(w models.WrappedKey) bool { return w.DataKeyID != rows[i].Key.ID })
		if end < 0 {
			end = len(wrapped)
		}
		rows[i].Wrapped, wrapped = wrapped[:end:end], wrapped[end:]
	}
	return rows, err
}

// CountDataKeysUnder counts what DataKeysPage lists in all.
func (tx *Tx) CountDataKeysUnder(environment models.EnvironmentID, recipientID string) (int64, error) {
	var n int64
	err := tx.dataKeys(DataKeyQuery{Environment: environment, Under: recipientID}).Count(&n).Error
	return n, translate(err, "data key")
}

func (tx *Tx) dataKeys(q DataKeyQuery) *gorm.DB {
	query := tx.db().Table("data_keys k")
	if q.Under != "" {
		query = tx.db().Table(underRecipient[tx.s.options.Dialect]).Where("w.recipient_id = ?", q.Under)
	}
	if q.Environment != 0 {
		query = query.Where("k.environment_id = ?", q.Environment)
	}
	return query
}

// underRecipient begins with the index that has a recipient's data keys in order. MySQL has
// to be told: it would rather sort them all for each page.
var underRecipient = map[string]string{
	SQLite:   "wrapped_keys w CROSS JOIN data_keys k ON k.id = w.data_key_id",
	MySQL:    "wrapped_keys w FORCE INDEX (wrapped_keys_recipient) STRAIGHT_JOIN data_keys k ON k.id = w.data_key_id",
	Postgres: "wrapped_keys w JOIN data_keys k ON k.id = w.data_key_id",
}

// idColumn is the column by whose index the query walks.
func (q DataKeyQuery) idColumn() string {
	if q.Under != "" {
		return "w.data_key_id"
	}
	return "k.id"
}

// ReplaceWrapped adds wrapped keys to a data key, or overwrites those of the same recipient,
// and takes others away; check is kept where the data key has none. Stale where one to be
// taken away is not as it is given here, blob included; Conflict where no wrapped key would
// be left, or where the data key has another check. After an error nothing may be kept.
func (tx *Tx) ReplaceWrapped(id models.DataKeyID, add, remove []models.WrappedKey, check []byte) error {
	// Everyone who changes the wrapped keys of a data key holds its row.
	key, err := take[models.DataKey](tx.locked().Where("id = ?", id), "data key")
	if err != nil {
		return err
	}
	for i := range remove {
		if err := tx.removeWrapped(id, &remove[i]); err != nil {
			return err
		}
	}
	if err := tx.putWrapped(id, add); err != nil {
		return err
	}
	if err := tx.keepCheck(&key, check); err != nil {
		return err
	}
	left, err := tx.wrappedKeys(id)
	if err == nil && len(left) == 0 {
		return fault.New(fault.Conflict, "The data key would be left without anybody who can open it; nothing was changed.")
	}
	return err
}

func (tx *Tx) removeWrapped(id models.DataKeyID, w *models.WrappedKey) error {
	n, err := tx.exec("wrapped key", deleteWrapped, string(id), string(w.RecipientKind), w.RecipientID, w.Blob)
	if err == nil && n == 0 {
		return stale("wrapped key")
	}
	return err
}

var deleteWrapped = newQuery("DELETE FROM wrapped_keys WHERE data_key_id = ? AND recipient_kind = ? AND recipient_id = ? AND `blob` = ?")

func (tx *Tx) putWrapped(id models.DataKeyID, add []models.WrappedKey) error {
	if len(add) == 0 {
		return nil
	}
	rows := slices.Clone(add)
	for i := range rows {
		rows[i].DataKeyID = id
		first(&rows[i].CreatedAt, tx.Now())
		rows[i].CreatedAt = micro(rows[i].CreatedAt)
	}
	replacing := clause.OnConflict{
		Columns:   []clause.Column{{Name: "data_key_id"}, {Name: "recipient_kind"}, {Name: "recipient_id"}},
		DoUpdates: clause.AssignmentColumns([]string{"blob", "created_at"}),
	}
	return translate(tx.db().Clauses(replacing).Create(&rows).Error, "wrapped key")
}

func (tx *Tx) keepCheck(key *models.DataKey, check []byte) error {
	switch {
	case len(check) == 0 || bytes.Equal(key.Check, check):
		return nil
	case len(key.Check) > 0:
		return fault.New(fault.Conflict, "The data key's check is another one; nothing was changed.")
	}
	return translate(tx.db().Model(key).UpdateColumn("key_check", check).Error, "data key")
}

// holdDataKey keeps a data key from being deleted until the transaction ends, for rows that
// name it without a foreign key; "" is none. Conflict where it is gone.
func (tx *Tx) holdDataKey(id models.DataKeyID) error {
	if id == "" {
		return nil
	}
	var stands string
	err := tx.row(dataKeyShared, string(id)).Scan(&stands)
	if errors.Is(err, sql.ErrNoRows) {
		return fault.New(fault.Conflict, "The data key of the credentials is gone; nothing was changed.").WithHint("Try again.")
	}
	return translate(err, "data key")
}

var dataKeyShared = shared("SELECT id FROM data_keys WHERE id = ?", "KEY SHARE")

// RetireDataKeys has the environment's data keys that seal and were made before a time seal
// nothing more, and says how many did until now.
func (tx *Tx) RetireDataKeys(environment models.EnvironmentID, before time.Time) (int64, error) {
	now := tx.Now()
	done := tx.db().Model(&models.DataKey{}).
		Where("environment_id = ? AND purpose = ? AND retire_at > ? AND created_at < ?", environment, models.PurposeSeal, now, micro(before)).
		UpdateColumn("retire_at", now)
	return done.RowsAffected, translate(done.Error, "data key")
}

// DeleteUnusedDataKeys removes up to limit (0, and more than 200: 200) data keys of the
// environment that sealed, retired before a time, and have nothing sealed under them, and
// says how many. A version or credentials that come at the same time win, or fail with
// Conflict.
func (tx *Tx) DeleteUnusedDataKeys(environment models.EnvironmentID, retiredBefore time.Time, limit int) (int64, error) {
	unused := func(query *gorm.DB) *gorm.DB {
		versions := tx.db().Model(&models.SecretVersion{}).Select("1").Where("secret_versions.data_key_id = data_keys.id")
		credentials := tx.db().Model(&models.Destination{}).Select("1").Where("destinations.credentials_key_id = data_keys.id")
		channels := tx.db().Model(&models.AlertChannel{}).Select("1").Where("alert_channels.secret_key_id = data_keys.id")
		return query.Model(&models.DataKey{}).Select("id").Where("NOT EXISTS (?) AND NOT EXISTS (?) AND NOT EXISTS (?)", versions, credentials, channels)
	}
	ids, err := all[models.DataKeyID](unused(tx.db()).
		Where("environment_id = ? AND purpose = ? AND retire_at < ?", environment, models.PurposeSeal, micro(retiredBefore)).
		Order("retire_at, id").Limit(pageSize(limit)), "data key")
	if err != nil || len(ids) == 0 {
		return 0, err
	}
	// Whoever seals under one of them holds its row (a foreign key does that, or
	// holdDataKey). When all are ours, those still unused stay so.
	locked, err := all[models.DataKeyID](tx.locked().Model(&models.DataKey{}).Select("id").Where("id IN ?", ids).Order("id"), "data key")
	if err != nil || len(locked) == 0 {
		return 0, err
	}
	ids, err = all[models.DataKeyID](unused(tx.db()).Where("id IN ?", locked), "data key")
	if err != nil || len(ids) == 0 {
		return 0, err
	}
	if err := tx.db().Where("data_key_id IN ?", ids).Delete(&models.WrappedKey{}).Error; err != nil {
		return 0, translate(err, "wrapped key")
	}
	done := tx.db().Where("id IN ?", ids).Delete(&models.DataKey{})
	return done.RowsAffected, translate(done.Error, "data key")
}
