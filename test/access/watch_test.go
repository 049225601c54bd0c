package access

import (
	"context"
	"database/sql"
	"fmt"
	"slices"
	"strings"
	"testing"

	_ "modernc.org/sqlite" // registers the driver
)

// watch knows the database as it was seeded: it tells what differs, and puts it back. It works
// on a connection of its own, beside the product's.
type watch struct {
	t      *testing.T
	conn   *sql.Conn
	tables []string
	facts  map[string]string // by table: its columns but those that say when something was last used
}

// unwatched may differ after a refusal: the record of it, and the counts that slow guessing.
var unwatched = []string{"audit_entries", "attempts"}

// uses are columns that say when somebody was last there.
var uses = []string{"last_seen_at", "last_used_at", "last_used_by", "last_sign_in_at"}

func newWatch(t *testing.T, path string) *watch {
	t.Helper()
	pool, err := sql.Open("sqlite", "file:"+path+"?_pragma=busy_timeout(10000)&_pragma=temp_store(2)")
	must(t, err)
	conn, err := pool.Conn(context.Background())
	must(t, err)
	t.Cleanup(func() { _ = conn.Close(); _ = pool.Close() })
	return &watch{t: t, conn: conn, facts: map[string]string{}}
}

// remember takes the database as it is for what it should be.
func (w *watch) remember() {
	w.t.Helper()
	w.exec("CREATE TABLE main.touched (name TEXT PRIMARY KEY) WITHOUT ROWID") // filled by triggers: few tables need a comparison then
	for _, table := range w.texts("SELECT name FROM sqlite_master WHERE type = 'table' AND name NOT LIKE 'sqlite_%' AND name NOT LIKE 'goose_%' AND name != 'touched'") {
		if slices.Contains(unwatched, table) {
			continue
		}
		columns := slices.DeleteFunc(w.texts("SELECT name FROM pragma_table_info('"+table+"')"), func(c string) bool { return slices.Contains(uses, c) })
		w.tables = append(w.tables, table)
		w.facts[table] = `"` + strings.Join(columns, `", "`) + `"`
		w.exec("CREATE TEMP TABLE seed_" + table + " AS SELECT * FROM main." + table)
		for _, change := range []string{"INSERT", "UPDATE", "DELETE"} {
			w.exec("CREATE TRIGGER main.touch_" + table + change + " AFTER " + change + " ON " + table +
				" BEGIN INSERT OR IGNORE INTO touched VALUES ('" + table + "'); END")
		}
	}
	if len(w.tables) < 30 {
		w.t.Fatalf("only %d tables: %v", len(w.tables), w.tables)
	}
}

// changed names the tables whose rows are not what they were.
func (w *watch) changed() []string {
	w.t.Helper()
	var changed []string
	for _, table := range w.texts("SELECT name FROM touched") {
		now, then := "SELECT "+w.facts[table]+" FROM main."+table, "SELECT "+w.facts[table]+" FROM seed_"+table
		var differs bool
		err := w.conn.QueryRowContext(context.Background(),
			fmt.Sprintf("SELECT EXISTS(%s EXCEPT %s) OR EXISTS(%s EXCEPT %s)", now, then, then, now)).Scan(&differs)
		must(w.t, err)
		if differs {
			changed = append(changed, table)
		}
	}
	return changed
}

// restore puts back what was remembered, and forgets what was counted.
func (w *watch) restore() {
	w.t.Helper()
	for _, table := range w.changed() {
		w.exec("BEGIN IMMEDIATE; DELETE FROM main." + table + "; INSERT INTO main." + table + " SELECT * FROM seed_" + table + "; COMMIT")
	}
	w.exec("DELETE FROM main.attempts; DELETE FROM main.touched")
}

func (w *watch) exec(statement string, args ...any) {
	w.t.Helper()
	if _, err := w.conn.ExecContext(context.Background(), statement, args...); err != nil {
		w.t.Fatalf("%s: %v", statement, err)
	}
}

func (w *watch) texts(query string) []string {
	w.t.Helper()
	rows, err := w.conn.QueryContext(context.Background(), query)
	must(w.t, err)
	defer rows.Close()
	var texts []string
	for rows.Next() {
		var text string
		must(w.t, rows.Scan(&text))
		texts = append(texts, text)
	}
	must(w.t, rows.Err())
	return texts
}
