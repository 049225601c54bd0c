package store_test

import (
	"bytes"
	"context"
	"log/slog"
	"strings"
	"testing"

	"github.com/your-org/keeper/fault"
	"github.com/your-org/keeper/models"
	"github.com/your-org/keeper/store"
	"github.com/your-org/keeper/store/storetest"
)

// TestUnknownError drops a table under a store and looks for the one line that tells of it.
func TestUnknownError(t *testing.T) {
	for dialect, code := range map[string]string{store.SQLite: "SQLite 1", store.MySQL: "MySQL 1146", store.Postgres: "SQLSTATE 42P01"} {
		t.Run(dialect, func(t *testing.T) {
			var out bytes.Buffer
			options := storetest.Options(t, dialect)
			options.Log = slog.New(slog.NewTextHandler(&out, nil))
			s := storetest.OpenWith(t, options)
			if err := s.Exec(t.Context(), "DROP TABLE settings"); err != nil {
				t.Fatal(err)
			}
			const value = "not-to-be-seen"
			for range 3 {
				wantKind(t, s.Write(context.Background(), func(tx *store.Tx) error { return tx.PutSetting("key-"+value, value) }), fault.Internal)
				_, err := tryRead(s, func(tx *store.Tx) (string, error) { return tx.Setting("key-" + value) })
				wantKind(t, err, fault.Internal)
			}
			if got := out.String(); strings.Count(got, code) != 1 || strings.Contains(got, value) {
				t.Errorf("the log is not one line with %q: %s", code, got)
			}
			out.Reset()
			_, err := tryRead(s, func(tx *store.Tx) (models.Environment, error) { return tx.Environment(99) })
			wantKind(t, err, fault.NotFound)
			if out.Len() > 0 {
				t.Errorf("the log tells of an error that is known: %s", out.String())
			}
		})
	}
}
