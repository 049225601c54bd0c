// Package migrations brings a database to the schema that this program needs. Each
// migration makes one change, since MySQL commits at every DDL statement, and works on
// structs of its own that never change again.
package migrations

import (
	"context"
	"database/sql"
	"fmt"
	"log/slog"
	"time"

	"github.com/pressly/goose/v3"
	"github.com/pressly/goose/v3/lock"
	"gorm.io/gorm"
)

// Opener makes a GORM handle of the right dialect on a connection.
type Opener func(gorm.ConnPool) (*gorm.DB, error)

// created lists the tables in the order in which they came; the place in the list is the
// migration's number. Only ever append, and only migrations.
var created = []any{
	&environment{},
	&user{},
	&membership{},
	&session{},
	&token{},
	&dataKey{},
	&wrappedKey{},
	&secret{},
	&secretVersion{},
	&secretTag{},
	&destination{},
	&syncState{},
	&syncRun{},
	&syncResult{},
	&auditEntry{},
	&job{},
	&setting{},
}

// VersionTable is where goose keeps which migrations ran.
const VersionTable = "goose_db_version"

// LockTable is where goose keeps its lock on MySQL.
const LockTable = "goose_lock"

// Provider prepares the migrations for a database of a dialect ("sqlite", "mysql",
// "postgres"). Two processes that migrate at once wait for each other on MySQL and
// PostgreSQL; SQLite's caller sees to that.
func Provider(db *sql.DB, dialect string, open Opener, log *slog.Logger) (*goose.Provider, error) {
	options := []goose.ProviderOption{
		goose.WithDisableGlobalRegistry(true),
		goose.WithTableName(VersionTable),
		goose.WithGoMigrations(all(open)...),
		goose.WithSlog(log),
	}
	kind := goose.DialectSQLite3
	switch dialect {
	case "mysql":
		kind = goose.DialectMySQL
		locker, err := lock.NewMySQLTableLocker(lock.WithTableName(LockTable), lock.WithTableLockTimeout(time.Second, 120))
		if err != nil {
			return nil, fmt.Errorf("preparing the migration lock: %w", err)
		}
		options = append(options, goose.WithLocker(locker))
	case "postgres":
		kind = goose.DialectPostgres
		locker, err := lock.NewPostgresSessionLocker(lock.WithLockTimeout(1, 120))
		if err != nil {
			return nil, fmt.Errorf("preparing the migration lock: %w", err)
		}
		options = append(options, goose.WithSessionLocker(locker))
	}
	provider, err := goose.NewProvider(kind, db, nil, options...)
	if err != nil {
		return nil, fmt.Errorf("preparing the migrations: %w", err)
	}
	return provider, nil
}

// Tables names every table that the migrations made, the youngest first, so that dropping
// them in this order breaks no foreign key.
func Tables() []string {
	names := []string{VersionTable, LockTable}
	for i := len(created) - 1; i >= 0; i-- {
		names = append(names, created[i].(interface{ TableName() string }).TableName())
	}
	return names
}

func all(open Opener) []*goose.Migration {
	list := make([]*goose.Migration, len(created))
	for i, table := range created {
		list[i] = goose.NewGoMigration(int64(i+1), &goose.GoFunc{RunTx: create(open, table)}, nil)
	}
	return list
}

// create makes a table unless it stands: on MySQL a process can die between the DDL, which
// commits itself, and the row that says that it ran.
func create(open Opener, table any) func(context.Context, *sql.Tx) error {
	return func(ctx context.Context, tx *sql.Tx) error {
		db, err := open(tx)
		if err != nil {
			return err
		}
		db = db.WithContext(ctx)
		if db.Name() == "mysql" {
			db = db.Set("gorm:table_options", "ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_bin")
		}
		if db.Migrator().HasTable(table) {
			return nil
		}
		return db.Migrator().CreateTable(table)
	}
}
