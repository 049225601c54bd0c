package keystest

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"testing"

	"github.com/your-org/keeper/api"
	"github.com/your-org/keeper/store"
	"github.com/your-org/keeper/test/awsstandin/standin"
)

// vandal is somebody who can write to the database, and to nothing else.
type vandal struct {
	*world
	db *sql.DB
	l  *ledger
	// victim is the secret whose rows are changed.
	victim *entry
}

// newVandal starts a Keeper that keeps no data key in memory, so that every read is as the
// first one after a start.
func newVandal(t *testing.T) *vandal {
	t.Helper()
	v := &vandal{l: new(ledger)}
	v.world = newWorld(t, store.SQLite, standin.Options{}, onKMS("KMS_DEK_CACHE_TTL=0", "KEEPER_DATA_KEY_MAX_USES=2", "KEEPER_SCRUB_RATE=100000")...)
	v.start(t)
	v.l.fill(t, v.client, 6, 3, v.environment(t, "alpha"), v.environment(t, "beta"))
	v.victim = v.l.entries[0]
	v.db = v.sqlite(t)
	return v
}

// sqlite opens the database's file past Keeper.
func (w *world) sqlite(t *testing.T) *sql.DB {
	t.Helper()
	db, err := sql.Open("sqlite", "file:"+w.store.Path+"?_pragma=busy_timeout(10000)")
	if err != nil {
		t.Fatal(err)
	}
	db.SetMaxOpenConns(1)
	t.Cleanup(func() { _ = db.Close() })
	return db
}

func (v *vandal) exec(t *testing.T, statement string, args ...any) {
	t.Helper()
	if _, err := v.db.ExecContext(t.Context(), statement, args...); err != nil {
		t.Fatalf("%s: %v", statement, err)
	}
}

// tableCell is one column of one row, found by SQLite's row number, which stays when the columns
// that name the row change.
type tableCell struct {
	table, column string
	row           int64
	value         any
	kind          string // SQLite's: "blob", "text", "integer", "real", "null"
}

// cells are the columns of the row that a condition names.
func (v *vandal) cells(t *testing.T, table, where string, args ...any) []tableCell {
	t.Helper()
	var row int64
	if err := v.db.QueryRowContext(t.Context(), "SELECT rowid FROM "+table+" WHERE "+where, args...).Scan(&row); err != nil {
		t.Fatalf("%s: %v", table, err)
	}
	names, err := v.db.QueryContext(t.Context(), "SELECT name FROM pragma_table_info(?)", table)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = names.Close() }() // read to its end below
	var cells []tableCell
	for names.Next() {
		c := tableCell{table: table, row: row}
		if err := names.Scan(&c.column); err != nil {
			t.Fatal(err)
		}
		cells = append(cells, c)
	}
	if err := names.Err(); err != nil || len(cells) == 0 {
		t.Fatalf("%s has %d columns: %v", table, len(cells), err)
	}
	for i, c := range cells {
		read := fmt.Sprintf("SELECT typeof(%s), CASE WHEN typeof(%[1]s) = 'text' THEN CAST(%[1]s AS BLOB) ELSE %[1]s END FROM %s WHERE rowid = ?", c.column, table)
		if err := v.db.QueryRowContext(t.Context(), read, row).Scan(&cells[i].kind, &cells[i].value); err != nil {
			t.Fatal(err)
		}
		if text, ok := cells[i].value.([]byte); ok && text == nil {
			cells[i].value = []byte{} // nil would be written as NULL
		}
	}
	return cells
}

// changed are the cell's contents with each byte flipped in turn, one bit and all bits, and
// with a byte missing; or other numbers.
func (c tableCell) changed() []any {
	var all []any
	switch value := c.value.(type) {
	case []byte:
		for i := range value {
			for _, mask := range []byte{0x01, 0x80, 0xff} {
				flipped := slices.Clone(value)
				flipped[i] ^= mask
				all = append(all, flipped)
			}
		}
		if len(value) > 0 {
			all = append(all, value[1:], value[:len(value)-1])
		}
		all = append(all, []byte{}, append(slices.Clone(value), 0))
	case int64:
		all = append(all, value+1, value-1, value^1<<20, int64(0), int64(-1))
	}
	return all
}

func (v *vandal) put(t *testing.T, c tableCell, value any) bool {
	t.Helper()
	as := "?"
	if c.kind == "text" {
		as = "CAST(? AS TEXT)"
	}
	_, err := v.db.ExecContext(t.Context(), fmt.Sprintf("UPDATE %s SET %s = %s WHERE rowid = ?", c.table, c.column, as), value, c.row)
	return err == nil // the database itself may refuse, such as a row's name that is taken
}

// read holds that a version is either refused or right. Only a row that lost its own name may
// be absent.
func (v *vandal) read(t *testing.T, what string, e *entry, number int, mayBeAbsent bool) (refused bool) {
	t.Helper()
	err := e.check(t.Context(), v.l, v.client, number)
	var problem *api.Problem
	switch {
	case err == nil:
		return false
	case errors.Is(err, errWrong):
		t.Errorf("%s: %v", what, err)
	case !errors.As(err, &problem):
		t.Errorf("%s: %v", what, err)
	case problem.Status == http.StatusNotFound && !mayBeAbsent:
		t.Errorf("%s: what is damaged is said to be absent", what)
	case strings.Contains(problem.Error(), e.values[number-1]):
		t.Errorf("%s: the refusal holds the value", what)
	}
	return true
}

// olderRow reports whether a change makes a data key look like one of before commitments.
func olderRow(column string, value any) bool {
	text, is := value.([]byte)
	return column == "data_keys.key_check" && is && len(text) == 0
}

// TestFlippedBytes changes every byte of every column of one row of each table that a value
// is read from.
func TestFlippedBytes(t *testing.T) {
	v := newVandal(t)
	secret := v.victim.id
	var key string
	if err := v.db.QueryRowContext(t.Context(), "SELECT data_key_id FROM secret_versions WHERE secret_id = ? AND number = 2", secret).Scan(&key); err != nil {
		t.Fatal(err)
	}
	named := map[string]bool{"secret_versions.secret_id": true, "secret_versions.number": true}
	mustRefuse := map[string]bool{
		"secret_versions.ciphertext": true, "secret_versions.data_key_id": true, "secret_versions.format": true,
		"wrapped_keys.blob": true, "wrapped_keys.recipient_id": true, "wrapped_keys.data_key_id": true, "data_keys.id": true,
		"data_keys.environment_id": true, "data_keys.key_check": true,
	}
	for _, where := range []struct {
		table, condition string
		args             []any
	}{
		{"secret_versions", "secret_id = ? AND number = 2", []any{secret}},
		{"data_keys", "id = ?", []any{key}},
		{"wrapped_keys", "data_key_id = ?", []any{key}},
	} {
		for _, c := range v.cells(t, where.table, where.condition, where.args...) {
			name := c.table + "." + c.column
			t.Run(name, func(t *testing.T) {
				changes, refused := 0, 0
				for i, value := range c.changed() {
					if !v.put(t, c, value) {
						continue
					}
					changes++
					if v.read(t, fmt.Sprintf("%s, change %d", name, i), v.victim, 2, named[name]) {
						refused++
					} else if mustRefuse[name] && !olderRow(name, value) {
						t.Errorf("change %d was not noticed", i)
					}
				}
				if !v.put(t, c, c.value) {
					t.Fatal("the row cannot be put back")
				}
				if v.read(t, name, v.victim, 2, false) {
					t.Error("put back as it was, it is refused")
				}
				t.Logf("%d changes, %d refused, the others left the value right", changes, refused)
			})
		}
	}
}

// movable is all of a version that may be moved to another row.
const movable = "data_key_id, format, ciphertext, hash, size, type, facts, comment"

// move overwrites one version's row with what stands in another's.
func (v *vandal) move(t *testing.T, from *entry, fromNumber int, to *entry, toNumber int) (back func()) {
	t.Helper()
	var columns []string
	for column := range strings.SplitSeq(movable, ", ") {
		columns = append(columns, column+" = (SELECT s."+column+" FROM secret_versions s WHERE s.secret_id = ? AND s.number = ?)")
	}
	v.exec(t, "DROP TABLE IF EXISTS kept")
	v.exec(t, "CREATE TEMP TABLE kept AS SELECT * FROM secret_versions WHERE secret_id = ? AND number = ?", to.id, toNumber)
	var args []any
	for range columns {
		args = append(args, from.id, fromNumber)
	}
	v.exec(t, "UPDATE secret_versions SET "+strings.Join(columns, ", ")+" WHERE secret_id = ? AND number = ?", append(args, to.id, toNumber)...)
	return func() {
		v.exec(t, "DELETE FROM secret_versions WHERE secret_id = ? AND number = ?", to.id, toNumber)
		v.exec(t, "INSERT INTO secret_versions SELECT * FROM kept")
	}
}

// TestMovedRows puts rows where others were: of another secret, of another environment, and an
// old version under the newest number.
func TestMovedRows(t *testing.T) {
	v := newVandal(t)
	a, other, abroad := v.l.entries[0], v.l.entries[2], v.l.entries[1]
	if a.environment != other.environment || a.environment == abroad.environment {
		t.Fatal("the secrets are not where this test needs them")
	}
	for _, move := range []struct {
		name   string
		from   *entry
		number int
		to     *entry
		as     int
	}{
		{"AnotherSecret", other, 3, a, 3},
		{"AnotherEnvironment", abroad, 3, a, 3},
		{"OldVersionAsNewest", a, 1, a, 3},
		{"NewestVersionAsOld", a, 3, a, 1},
	} {
		t.Run(move.name, func(t *testing.T) {
			back := v.move(t, move.from, move.number, move.to, move.as)
			if !v.read(t, move.name, move.to, move.as, false) {
				t.Error("it was not noticed")
			}
			if move.as == 3 {
				got, err := v.client.RevealSecret(t.Context(), move.to.id)
				if err == nil || got.Value.Reveal() != "" {
					t.Error("read as the current version it was not noticed")
				}
			}
			if err := move.from.check(t.Context(), v.l, v.client, move.from.other(move.number, move.to, move.as)); err != nil {
				t.Errorf("what was not touched does not open: %v", err)
			}
			if out, err := v.scrub(t.Context()); err == nil || !strings.Contains(out, fmt.Sprintf("%s, version %d", move.to.name, move.as)) {
				t.Errorf("the scrub does not name %s, version %d (%v):\n%s", move.to.name, move.as, err, out)
			}
			back()
			if v.read(t, move.name, move.to, move.as, false) {
				t.Error("put back as it was, it is refused")
			}
		})
	}
}

// other is a number of this secret that a move did not touch.
func (e *entry) other(number int, to *entry, as int) int {
	if e == to && number == as {
		return 2
	}
	return number
}

// scrub is the command, with what it prints on both of its ways out.
func (v *vandal) scrub(ctx context.Context) (string, error) {
	out, err := v.keeper.Command(ctx, "", "scrub")
	if err != nil {
		out += "\n" + err.Error()
	}
	return out, err
}

// TestScrubNamesDamage damages one thing of each kind at once: the scrub names each, and
// nothing else, and says so by its exit code.
func TestScrubNamesDamage(t *testing.T) {
	v := newVandal(t)
	if out, err := v.scrub(t.Context()); err != nil {
		t.Fatalf("the scrub of what is whole: %v\n%s", err, out)
	}
	e := v.l.entries
	flip := func(table, column, where string, args ...any) {
		for _, c := range v.cells(t, table, where, args...) {
			if c.column == column && !v.put(t, c, c.changed()[0]) {
				t.Fatalf("%s.%s cannot be changed", table, column)
			}
		}
	}
	flip("secret_versions", "ciphertext", "secret_id = ? AND number = 1", e[0].id)
	flip("secret_versions", "hash", "secret_id = ? AND number = 2", e[1].id)
	v.exec(t, "UPDATE secrets SET current_version = 2 WHERE id = ?", e[2].id)
	var key, sealed string
	if err := v.db.QueryRowContext(t.Context(), "SELECT data_key_id FROM secret_versions WHERE secret_id = ? AND number = 3", e[3].id).Scan(&key); err != nil {
		t.Fatal(err)
	}
	flip("wrapped_keys", "blob", "data_key_id = ?", key)
	if err := v.db.QueryRowContext(t.Context(), "SELECT data_key_id FROM secret_versions WHERE secret_id = ? AND number = 3 AND data_key_id <> ?", e[4].id, key).Scan(&sealed); err != nil {
		t.Fatal(err)
	}
	flip("data_keys", "key_check", "id = ?", sealed)
	out, err := v.scrub(t.Context())
	if err == nil {
		t.Error("the scrub's exit code says that all is well")
	}
	for _, want := range []string{e[0].name + ", version 1", e[1].name + ", version 2", e[2].name, key, sealed} {
		if !strings.Contains(out, want) {
			t.Errorf("the scrub does not name %q:\n%s", want, out)
		}
	}
	for _, one := range e {
		for _, value := range one.values {
			if strings.Contains(out, value) {
				t.Error("the scrub prints a value")
			}
		}
	}
}
