package store

import (
	"cmp"
	"context"
	"database/sql"
	"fmt"
	"iter"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	driver "modernc.org/sqlite"

	"github.com/your-org/keeper/fault"
)

// LegacyRow is a row of the older Keeper's table of secrets: its columns as text, by the
// names they have there. What is NULL is left out.
type LegacyRow map[string]string

// legacyColumns are those that are read, where the table has them.
var legacyColumns = []string{
	"name", "environment", "environment_name", "secret_type", "type", "encrypted_value", "value_encrypted", "encrypted_data",
	"ciphertext", "description", "created_at",
}

// LegacyRows reads the older Keeper's table of secrets, one row after the other, and changes
// nothing: of a SQLite file not even the journal's mode. Where the table names environments
// by number, the name comes from the table environments as the column environment.
func LegacyRows(ctx context.Context, options Options, table string) iter.Seq2[LegacyRow, error] {
	return func(yield func(LegacyRow, error) bool) {
		if err := readLegacy(ctx, options, table, yield); err != nil {
			yield(nil, err)
		}
	}
}

func readLegacy(ctx context.Context, options Options, table string, yield func(LegacyRow, error) bool) error {
	if !identifier(table) {
		return fault.New(fault.Invalid, "The table's name is not one.").WithHint("It may hold letters, digits and underscores.")
	}
	pool, done, err := openLegacy(ctx, options)
	if err != nil {
		return err
	}
	defer done()
	query, columns, err := legacyQuery(ctx, pool, options.Dialect, table)
	if err != nil {
		return err
	}
	rows, err := pool.QueryContext(ctx, query)
	if err != nil {
		return translate(err, "older rows")
	}
	defer func() { _ = rows.Close() }()
	for rows.Next() {
		row, err := scanLegacy(rows, columns)
		if err != nil {
			return err
		}
		if !yield(row, nil) {
			return nil
		}
	}
	return translate(rows.Err(), "older rows")
}

// identifier reports whether a name can stand in SQL unquoted, and so means nothing else.
func identifier(name string) bool {
	outside := func(c rune) bool {
		return c != '_' && (c < '0' || c > '9') && (c < 'a' || c > 'z') && (c < 'A' || c > 'Z')
	}
	return name != "" && len(name) <= 64 && (name[0] < '0' || name[0] > '9') && !strings.ContainsFunc(name, outside)
}

// openLegacy opens the older database to be read.
func openLegacy(ctx context.Context, options Options) (*sql.DB, func(), error) {
	if options.Dialect != SQLite {
		s, err := Open(ctx, options)
		if err != nil {
			return nil, nil, err
		}
		return s.reader, func() { _ = s.Close() }, nil
	}
	path, err := filepath.Abs(options.Path)
	if err == nil {
		_, err = os.Stat(path)
	}
	if err != nil {
		return nil, nil, fault.Wrap(err, fault.Invalid, "The database file %s cannot be read.", options.Path)
	}
	settings := url.Values{"mode": {"ro"}, "_pragma": {"busy_timeout(10000)", "query_only(1)"}}
	source := url.URL{Scheme: "file", Path: path, RawQuery: settings.Encode()}
	connector, err := driver.NewConnector(source.String())
	if err != nil {
		return nil, nil, fault.Wrap(err, fault.Internal, "The database could not be opened.")
	}
	pool := sql.OpenDB(connector)
	return pool, func() { _ = pool.Close() }, nil
}

// legacyQuery selects what there is of the columns. The names in it are those of
// legacyColumns, and a table's that is an identifier.
func legacyQuery(ctx context.Context, pool *sql.DB, dialect, table string) (query string, columns []string, err error) {
	mark := "`"
	if dialect == Postgres {
		mark = `"`
	}
	quoted := func(name string) string { return mark + name + mark }
	there, err := columnsOf(ctx, pool, quoted(table))
	if err != nil {
		return "", nil, err
	}
	var selected []string
	for _, column := range legacyColumns {
		if slices.Contains(there, column) {
			columns, selected = append(columns, column), append(selected, "s."+quoted(column))
		}
	}
	from, order := quoted(table)+" s", ""
	_, noNames := columnsOf(ctx, pool, quoted("environments"))
	if noNames == nil && slices.Contains(there, "environment_id") && !slices.Contains(columns, "environment") {
		columns, selected = append(columns, "environment"), append(selected, "e."+quoted("name"))
		from += " LEFT JOIN " + quoted("environments") + " e ON e.id = s.environment_id"
	}
	if slices.Contains(there, "id") {
		order = " ORDER BY s.id"
	}
	if !slices.Contains(columns, "name") {
		return "", nil, fault.New(fault.Invalid, "The table %s is not the older Keeper's table of secrets: it has no column name.", table).
			WithHint("Say with --table which one is.")
	}
	return fmt.Sprintf("SELECT %s FROM %s%s", strings.Join(selected, ", "), from, order), columns, nil
}

func columnsOf(ctx context.Context, pool *sql.DB, quoted string) ([]string, error) {
	//nolint:gosec // G202: what is quoted here is an identifier, as identifier tells
	rows, err := pool.QueryContext(ctx, "SELECT * FROM "+quoted+" WHERE 1 = 0")
	if err != nil {
		if translated := translate(err, "table"); fault.Is(translated, fault.Unavailable) {
			return nil, translated
		}
		return nil, fault.Wrap(err, fault.Invalid, "The older database has no table %s that can be read.", strings.Trim(quoted, "`\"")).
			WithHint("Say with --table which one holds the secrets.")
	}
	defer func() { _ = rows.Close() }()
	columns, err := rows.Columns()
	return columns, translate(cmp.Or(err, rows.Err()), "table")
}

func scanLegacy(rows *sql.Rows, columns []string) (LegacyRow, error) {
	cells, into := make([]any, len(columns)), make([]any, len(columns))
	for i := range cells {
		into[i] = &cells[i]
	}
	if err := rows.Scan(into...); err != nil {
		return nil, translate(err, "older row")
	}
	row := make(LegacyRow, len(columns))
	for i, cell := range cells {
		switch cell := cell.(type) {
		case nil:
		case []byte:
			row[columns[i]] = string(cell)
		case time.Time:
			row[columns[i]] = cell.UTC().Format(time.DateTime)
		default:
			row[columns[i]] = fmt.Sprint(cell)
		}
	}
	return row, nil
}
