package store_test

import (
	"context"
	"database/sql"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	_ "github.com/jackc/pgx/v5/stdlib"

	"github.com/your-org/keeper/fault"
	"github.com/your-org/keeper/store"
	"github.com/your-org/keeper/store/storetest"
)

// raw opens a database without the store.
func raw(t *testing.T, o store.Options) *sql.DB {
	t.Helper()
	name, source := "sqlite", o.Path
	switch o.Dialect {
	case store.MySQL:
		name, source = "mysql", fmt.Sprintf("%s@tcp(%s:%d)/%s?multiStatements=true", o.User, o.Host, o.Port, o.Name)
		if strings.HasPrefix(o.Host, "/") {
			source = fmt.Sprintf("%s@unix(%s)/%s?multiStatements=true", o.User, o.Host, o.Name)
		}
	case store.Postgres:
		name, source = "pgx", fmt.Sprintf("host=%s port=%d user=%s dbname=%s sslmode=disable", o.Host, o.Port, o.User, o.Name)
	}
	db, err := sql.Open(name, source)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = db.Close() })
	return db
}

// older makes the older Keeper's tables as its models did.
func older(t *testing.T, o store.Options) {
	t.Helper()
	db := raw(t, o)
	blob := map[string]string{store.SQLite: "BLOB", store.MySQL: "BLOB", store.Postgres: "BYTEA"}[o.Dialect]
	for _, text := range []string{
		"CREATE TABLE environments (id INTEGER PRIMARY KEY, name VARCHAR(50) NOT NULL)",
		"CREATE TABLE secrets (id INTEGER PRIMARY KEY, name VARCHAR(255), secret_type VARCHAR(20), encrypted_value " + blob +
			", environment_id INTEGER, description TEXT, created_at TIMESTAMP NULL)",
		"CREATE TABLE kept (name VARCHAR(255), environment VARCHAR(50), ciphertext TEXT)",
		"CREATE TABLE other (id INTEGER PRIMARY KEY)",
		"INSERT INTO environments VALUES (7, 'production'), (9, 'staging')",
		"INSERT INTO secrets VALUES (2, 'b', 'TEXT', 'gAAAAB', 9, NULL, NULL), (1, 'a', 'API_KEY', 'gAAAAA', 7, 'd', '2021-03-04 05:06:07'), " +
			"(3, 'c', 'TEXT', NULL, 4, '', NULL)",
		"INSERT INTO kept VALUES ('k', 'production', 'gAAAAK')",
	} {
		if _, err := db.ExecContext(t.Context(), text); err != nil {
			t.Fatal(err)
		}
	}
	if err := db.Close(); err != nil {
		t.Fatal(err)
	}
}

func legacyRows(ctx context.Context, o store.Options, table string) (all []store.LegacyRow, err error) {
	for row, err := range store.LegacyRows(ctx, o, table) {
		if err != nil {
			return all, err
		}
		all = append(all, row)
	}
	return all, nil
}

func TestLegacyRows(t *testing.T) {
	for _, dialect := range storetest.Dialects {
		t.Run(dialect, func(t *testing.T) {
			o := storetest.Options(t, dialect)
			older(t, o)
			got, err := legacyRows(t.Context(), o, "secrets")
			want := []store.LegacyRow{
				{"name": "a", "secret_type": "API_KEY", "encrypted_value": "gAAAAA", "environment": "production", "description": "d", "created_at": "2021-03-04 05:06:07"},
				{"name": "b", "secret_type": "TEXT", "encrypted_value": "gAAAAB", "environment": "staging"},
				{"name": "c", "secret_type": "TEXT", "description": ""},
			}
			if diff := cmp.Diff(want, got); diff != "" || err != nil {
				t.Errorf("-want +got\n%s, %v", diff, err)
			}
			got, err = legacyRows(t.Context(), o, "kept")
			if diff := cmp.Diff([]store.LegacyRow{{"name": "k", "environment": "production", "ciphertext": "gAAAAK"}}, got); diff != "" || err != nil {
				t.Errorf("environments by name: -want +got\n%s, %v", diff, err)
			}
			for _, table := range []string{"missing", "other", "", "a b", "secrets; DROP TABLE secrets", "`secrets`", "1a", strings.Repeat("a", 65)} {
				if got, err := legacyRows(t.Context(), o, table); !fault.Is(err, fault.Invalid) || len(got) != 0 {
					t.Errorf("table %q: %d rows, %v", table, len(got), err)
				}
			}
		})
	}
}

// TestLegacyRowsChangeNothing reads the file that Python made, in a folder that it may not
// leave a journal in.
func TestLegacyRowsChangeNothing(t *testing.T) {
	before, err := os.ReadFile("../legacy/testdata/older.db")
	if err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(t.TempDir(), "older.db")
	if err := os.WriteFile(path, before, 0o600); err != nil {
		t.Fatal(err)
	}
	rows, err := legacyRows(t.Context(), store.Options{Dialect: store.SQLite, Path: path}, "secrets")
	if err != nil || len(rows) != 16 || rows[0]["environment"] != "production" || !strings.HasPrefix(rows[0]["encrypted_value"], "gAAAA") {
		t.Errorf("%d rows, %v", len(rows), err)
	}
	after, err := os.ReadFile(path)
	if diff := cmp.Diff(before, after); diff != "" || err != nil {
		t.Errorf("the file was changed: %v", err)
	}
	if files, err := os.ReadDir(filepath.Dir(path)); err != nil || len(files) != 1 {
		t.Errorf("it left %v, %v", files, err)
	}
	_, err = legacyRows(t.Context(), store.Options{Dialect: store.SQLite, Path: path + ".none"}, "secrets")
	if !fault.Is(err, fault.Invalid) {
		t.Errorf("no such file: %v", err)
	}
}
