package store

import (
	"context"
	"database/sql"
	"encoding/json"
	"reflect"
	"time"

	"gorm.io/gorm"
	"gorm.io/gorm/clause"

	"github.com/your-org/keeper/fault"
)

// Tx is what a closure of Read or Write works with. It ends with the closure.
type Tx struct {
	s    *Store
	ctx  context.Context
	conn gorm.ConnPool
	orm  *gorm.DB

	acted bool // an audit entry tells of something that was done
}

// Now is the time that this transaction's rows bear, in UTC and whole microseconds.
func (tx *Tx) Now() time.Time { return tx.s.now() }

// db is GORM on this transaction's connection, made at the first use since the hot paths do
// without.
func (tx *Tx) db() *gorm.DB {
	if tx.orm == nil {
		tx.orm = tx.s.orm.Session(&gorm.Session{NewDB: true, Context: tx.ctx, SkipHooks: true})
		tx.orm.Statement.ConnPool = tx.conn
	}
	return tx.orm
}

// locked makes the following read wait for whoever changes the rows, and keeps them until
// the end of the transaction. SQLite has one writer, so there it is nothing.
func (tx *Tx) locked() *gorm.DB {
	if tx.s.options.Dialect == SQLite {
		return tx.db()
	}
	return tx.db().Clauses(clause.Locking{Strength: "UPDATE"})
}

// take loads the first row of the query; none is NotFound.
func take[T any](query *gorm.DB, noun string) (T, error) {
	var row T
	err := query.Take(&row).Error
	return row, translate(err, noun)
}

// all loads the query's rows.
func all[T any](query *gorm.DB, noun string) ([]T, error) {
	var rows []T
	err := query.Find(&rows).Error
	return rows, translate(err, noun)
}

// insert writes a new row (a pointer to a struct, or to a slice of them).
func (tx *Tx) insert(row any, noun string) error {
	cutTimes(reflect.ValueOf(row))
	return translate(tx.db().Create(row).Error, noun)
}

// revised runs an update of the row behind query if its revision is the expected one, or
// whichever it is where expected is 0. It hands the new revision to update, which sets it.
func (tx *Tx) revised(query *gorm.DB, noun string, expected int64, update func(next int64) error) error {
	var current int64
	found := query.Select("revision").Limit(1).Scan(&current)
	switch {
	case found.Error != nil:
		return translate(found.Error, noun)
	case found.RowsAffected == 0:
		return notFound(noun)
	case expected != 0 && expected != current:
		return stale(noun)
	}
	return update(current + 1)
}

// replace writes all columns of a row that stands, except the omitted ones.
func (tx *Tx) replace(row any, noun string, omit ...string) error {
	cutTimes(reflect.ValueOf(row))
	done := tx.db().Model(row).Select("*").Omit(omit...).Updates(row)
	if done.Error == nil && done.RowsAffected == 0 {
		return notFound(noun)
	}
	return translate(done.Error, noun)
}

// exec runs a prepared statement and says how many rows it changed.
func (tx *Tx) exec(noun string, q query, args ...any) (int64, error) {
	done, err := tx.conn.ExecContext(tx.ctx, q.in(tx.s.options.Dialect), args...)
	if err != nil {
		return 0, translate(err, noun)
	}
	n, err := done.RowsAffected()
	return n, translate(err, noun)
}

// insertID runs a prepared insert and returns the new row's ID.
func (tx *Tx) insertID(noun string, q query, args ...any) (id int64, err error) {
	if tx.s.options.Dialect == Postgres {
		err = tx.conn.QueryRowContext(tx.ctx, q.postgres+" RETURNING id", args...).Scan(&id)
		return id, translate(err, noun)
	}
	done, err := tx.conn.ExecContext(tx.ctx, q.in(tx.s.options.Dialect), args...)
	if err != nil {
		return 0, translate(err, noun)
	}
	id, err = done.LastInsertId()
	return id, translate(err, noun)
}

func (tx *Tx) row(q query, args ...any) *sql.Row {
	return tx.conn.QueryRowContext(tx.ctx, q.in(tx.s.options.Dialect), args...)
}

// cutTimes sets every time of a struct, or of each struct of a slice, to UTC and whole
// microseconds.
func cutTimes(v reflect.Value) {
	switch v.Kind() {
	case reflect.Pointer:
		if !v.IsNil() {
			cutTimes(v.Elem())
		}
	case reflect.Slice:
		for i := range v.Len() {
			cutTimes(v.Index(i))
		}
	case reflect.Struct:
		for i := range v.NumField() {
			field := v.Field(i)
			switch t := field.Addr().Interface().(type) {
			case *time.Time:
				*t = micro(*t)
			case **time.Time:
				*t = microp(*t)
			}
		}
	}
}

// encodeJSON makes the text that GORM's JSON serializer would write; nil for a nil map.
func encodeJSON(value any) (any, error) {
	text, err := json.Marshal(value)
	if err != nil {
		return nil, fault.Wrap(err, fault.Internal, "The row could not be encoded.")
	}
	if string(text) == "null" {
		return nil, nil
	}
	return string(text), nil
}

// decodeJSON reads what encodeJSON made.
func decodeJSON(text sql.NullString, into any) error {
	if text.String == "" {
		return nil
	}
	return json.Unmarshal([]byte(text.String), into)
}

// first sets a time that the caller left open.
func first(t *time.Time, now time.Time) {
	if t.IsZero() {
		*t = now
	}
}

func affected(n int64, err error, noun string) error {
	if err == nil && n == 0 {
		return notFound(noun)
	}
	return err
}

func notFound(noun string) error {
	return fault.New(fault.NotFound, "There is no such %s.", noun)
}

func stale(noun string) error {
	return fault.New(fault.Stale, "The %s was changed in the meantime; nothing was changed now.", noun).
		WithHint("Load it again and repeat the change.")
}
