// Package storetest opens migrated, throw-away stores for tests.
package storetest

import (
	"context"
	"log/slog"
	"path/filepath"
	"testing"

	"github.com/your-org/keeper/store"
	"github.com/your-org/keeper/test/databases"
)

// Dialects are those that a test of the store runs on.
var Dialects = []string{store.SQLite, store.MySQL, store.Postgres}

// SQLite opens a migrated store on a file of the test's own, and closes it at the end.
func SQLite(t testing.TB) *store.Store {
	t.Helper()
	return Open(t, store.SQLite)
}

// Open opens a migrated store of a dialect, and closes it at the end. A database server
// that is not installed skips the test, or fails it in CI.
func Open(t testing.TB, dialect string) *store.Store {
	t.Helper()
	return OpenWith(t, Options(t, dialect))
}

// OpenWith is Open with the caller's own options.
func OpenWith(t testing.TB, options store.Options) *store.Store {
	t.Helper()
	ctx := context.Background()
	s, err := store.Open(ctx, options)
	if err != nil {
		t.Fatalf("opening the store: %v", err)
	}
	t.Cleanup(func() {
		if err := s.Close(); err != nil {
			t.Errorf("closing the store: %v", err)
		}
	})
	if err := s.Migrate(ctx); err != nil {
		t.Fatalf("migrating the store: %v", err)
	}
	return s
}

// Options says how to open a fresh, empty database of a dialect, which goes at the test's end.
func Options(t testing.TB, dialect string) store.Options {
	t.Helper()
	options := store.Options{Dialect: dialect, Log: slog.New(slog.DiscardHandler)}
	var at databases.Parts
	switch dialect {
	case store.MySQL:
		at = databases.MariaDB(t)
	case store.Postgres:
		at = databases.Postgres(t)
		options.Params = map[string]string{"sslmode": "disable"}
	default:
		options.Path = filepath.Join(t.TempDir(), "keeper.db")
	}
	options.Host, options.Port, options.User, options.Name = at.Host, at.Port, at.User, at.Name
	return options
}
