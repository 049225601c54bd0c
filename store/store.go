// Package store keeps Keeper's rows in SQLite, MySQL (or MariaDB) or PostgreSQL, and is the
// only package that knows GORM. All reading and writing goes through Store.Read and
// Store.Write, whose Tx has the methods, a file per noun.
//
// Errors are faults: NotFound, Conflict for what is taken or still in use, Stale where a
// revision moved, Unavailable where the database does not answer. Times are UTC, cut to the
// microsecond before they are written, so that what is read equals what was written.
package store

import (
	"context"
	"database/sql"
	"errors"
	"log/slog"
	"sync"
	"sync/atomic"
	"time"

	"gorm.io/gorm"

	"github.com/your-org/keeper/fault"
	"github.com/your-org/keeper/models"
)

// The dialects.
const (
	SQLite   = "sqlite"
	MySQL    = "mysql" // MariaDB too
	Postgres = "postgres"
)

// Options say which database, and how.
type Options struct {
	Dialect string

	// Path is SQLite's file. Exclusive takes <Path>.lock until Close, so that a second
	// server on the same file is refused; commands run beside the server without it.
	Path      string
	Exclusive bool

	// Where MySQL or PostgreSQL is. A Host that begins with a slash is a socket: MySQL's
	// file, PostgreSQL's folder. Params are the driver's own.
	Host     string
	Port     int // 0: the dialect's usual one
	User     string
	Password string
	Name     string
	Params   map[string]string

	PoolSize    int // connections that are kept; 0: 10. On SQLite the readers
	MaxOverflow int // further ones under load; 0: none

	Log *slog.Logger     // nil: slog.Default()
	Now func() time.Time // nil: time.Now

	// Lose, for tests, is asked before each statement outside of a transaction whether its answer
	// is to be lost, as where the connection breaks; nil: none is.
	Lose func(statement string) bool
}

// Store is an open database. Its methods may be called by many goroutines at once.
type Store struct {
	options Options
	log     *slog.Logger

	orm     *gorm.DB // Tx gives it the connection to work on
	reader  *sql.DB  // on MySQL and PostgreSQL the one pool
	reads   gorm.ConnPool
	changes *queue
	// write runs one closure in a transaction.
	write func(context.Context, func(*Tx) error) error
	// admin opens a pool for DDL, and done gives it back.
	admin func() (pool *sql.DB, done func(), err error)

	unknown sync.Map // codes of errors that classify does not know, each of which is logged once

	closed atomic.Bool
	close  []func() error // in order
}

// Open connects. The schema is not touched: call Migrate. A database that does not answer
// is fault.Unavailable; a SQLite file that another server holds is fault.Conflict.
func Open(ctx context.Context, options Options) (*Store, error) {
	s := &Store{options: options, log: options.Log}
	if s.log == nil {
		s.log = slog.Default()
	}
	if s.options.Now == nil {
		s.options.Now = time.Now
	}
	if s.options.PoolSize <= 0 {
		s.options.PoolSize = 10
	}
	open := map[string]func(*Store, context.Context) error{
		SQLite: (*Store).openSQLite, MySQL: (*Store).openMySQL, Postgres: (*Store).openPostgres,
	}[options.Dialect]
	if open == nil {
		return nil, fault.New(fault.Invalid, "There is no database dialect %q.", options.Dialect)
	}
	if err := open(s, ctx); err != nil {
		_ = s.Close()
		return nil, err
	}
	if options.Lose != nil {
		s.reads = losing{s.reads, options.Lose}
	}
	return s, nil
}

// Close waits for the writes that are under way and lets the database go. What comes later
// is refused as Unavailable.
func (s *Store) Close() error {
	s.closed.Store(true)
	var problems []error
	for _, step := range s.close {
		problems = append(problems, step())
	}
	s.close = nil
	return errors.Join(problems...)
}

// Dialect is "sqlite", "mysql" or "postgres".
func (s *Store) Dialect() string { return s.options.Dialect }

// Ping asks the database for a sign of life.
func (s *Store) Ping(ctx context.Context) error {
	if s.closed.Load() {
		return errClosed
	}
	var one int
	return translate(s.reader.QueryRowContext(ctx, "SELECT 1").Scan(&one), "answer")
}

// Read runs the closure's reads, each of which sees the latest commit: there is no
// transaction around them. The closure must not write.
func (s *Store) Read(ctx context.Context, do func(*Tx) error) error {
	if s.closed.Load() {
		return errClosed
	}
	return s.told(do(&Tx{s: s, ctx: ctx, conn: s.reads}))
}

// Write runs the closure in one transaction: all of it happens, durably, before Write
// returns nil, or none of it. After any error of one of its methods the closure should
// return an error (PostgreSQL takes nothing more in that transaction).
//
// The closure must be quick and touch nothing but the Tx, its own variables and the
// processor: on SQLite all writers wait for it; on MySQL and PostgreSQL it runs again, up
// to three times in all, when the database asks for that (deadlock, serialization failure).
// On SQLite it runs on another goroutine. A panic rolls back and goes on in the caller.
//
// A context that ends while the write waits for its turn stops it; once its turn came, the
// write ends one way or the other.
func (s *Store) Write(ctx context.Context, do func(*Tx) error) error {
	return s.told(s.write(ctx, marking(ctx, do)))
}

// Record appends one audit entry durably, in a commit that it shares with others at the
// same time.
func (s *Store) Record(ctx context.Context, entry models.AuditEntry) error {
	s.complete(&entry)
	return s.told(s.changes.do(ctx, &request{ctx: ctx, entry: &entry}))
}

// now is the time as it is stored.
func (s *Store) now() time.Time { return micro(s.options.Now()) }

// micro cuts a time to what all databases keep.
func micro(t time.Time) time.Time { return t.UTC().Truncate(time.Microsecond) }

// microp is micro for a time that may be missing.
func microp(t *time.Time) *time.Time {
	if t == nil {
		return nil
	}
	cut := micro(*t)
	return &cut
}
