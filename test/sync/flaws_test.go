package synctests

import (
	"database/sql"
	"fmt"
	"testing"
)

// flaws has the database refuse writes to a table, on a connection of its own.
type flaws struct {
	db    *sql.DB
	table string
}

func newFlaws(t *testing.T, path string) *flaws {
	t.Helper()
	db, err := sql.Open("sqlite", "file:"+path+"?_pragma=busy_timeout(10000)")
	if err != nil {
		t.Fatal(err)
	}
	db.SetMaxOpenConns(1)
	return &flaws{db: db}
}

func (f *flaws) close() { _ = f.db.Close() }

// tables are those whose writes a sync cannot do without.
var tables = []string{"sync_states", "sync_results", "sync_runs", "sync_holds", "sync_receipts", "secret_versions", "plans", "plan_items", "audit_entries"}

// begin has each write of a row to a table fail.
func (f *flaws) begin(table string) error {
	f.table = table
	for _, op := range []string{"INSERT", "UPDATE"} {
		_, err := f.db.Exec(fmt.Sprintf("CREATE TRIGGER flaw_%s BEFORE %s ON %s BEGIN SELECT RAISE(ABORT, 'made to fail'); END", op, op, table))
		if err != nil {
			return err
		}
	}
	return nil
}

// mend ends that.
func (f *flaws) mend() error {
	if f.table == "" {
		return nil
	}
	f.table = ""
	for _, op := range []string{"INSERT", "UPDATE"} {
		if _, err := f.db.Exec("DROP TRIGGER IF EXISTS flaw_" + op); err != nil {
			return err
		}
	}
	return nil
}
