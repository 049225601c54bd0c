package store

import (
	"encoding/base64"
	"encoding/json"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode"

	"gorm.io/gorm"

	"github.com/your-org/keeper/fault"
)

// maxPage is the most rows that one call returns; it is also what a limit of 0 means.
const maxPage = 200

func pageSize(limit int) int {
	if limit <= 0 || limit > maxPage {
		return maxPage
	}
	return limit
}

// cursor is where a page ended: the sort key and the unique id of its last row. It is
// opaque to callers, and fits only the order that made it.
type cursor struct {
	Order string `json:"o"`
	Key   string `json:"k,omitempty"`
	ID    string `json:"i"`
	Back  bool   `json:"b,omitempty"` // it is the first row of a page, and leads to the one before
}

// back reports whether a cursor leads to the page before; none leads to the first.
func (c *cursor) back() bool { return c != nil && c.Back }

func (c cursor) encode() string {
	text, _ := json.Marshal(c) // strings always encode
	return base64.RawURLEncoding.EncodeToString(text)
}

// parseCursor reads what encode made for the same order; "" is nil, the beginning.
func parseCursor(text, order string) (*cursor, error) {
	if text == "" {
		return nil, nil //nolint:nilnil // no cursor is no error
	}
	raw, err := base64.RawURLEncoding.DecodeString(text)
	if err != nil {
		return nil, badCursor()
	}
	var c cursor
	if err := json.Unmarshal(raw, &c); err != nil || c.Order != order || c.ID == "" {
		return nil, badCursor()
	}
	return &c, nil
}

func badCursor() error {
	return fault.InvalidField("cursor", "is not one that this list returned")
}

// number reads an id that is one.
func (c *cursor) number() (int64, error) {
	n, err := strconv.ParseInt(c.ID, 10, 64)
	if err != nil {
		return 0, badCursor()
	}
	return n, nil
}

// time reads a key that is one.
func (c *cursor) time() (time.Time, error) {
	n, err := strconv.ParseInt(c.Key, 10, 64)
	if err != nil {
		return time.Time{}, badCursor()
	}
	return time.UnixMicro(n).UTC(), nil
}

func timeKey(t time.Time) string { return strconv.FormatInt(t.UnixMicro(), 10) }

// after keeps the rows beyond (key, id) in the order by key and id. The first condition
// says again what the second implies, so that an index on key is used.
func after(query *gorm.DB, keyColumn, idColumn string, desc bool, key, id any) *gorm.DB {
	beyond := ">"
	if desc {
		beyond = "<"
	}
	return query.Where(keyColumn+" "+beyond+"= ? AND ("+keyColumn+" "+beyond+" ? OR "+idColumn+" "+beyond+" ?)", key, key, id)
}

func orderBy(query *gorm.DB, desc bool, columns ...string) *gorm.DB {
	for _, column := range columns {
		if desc {
			column += " DESC"
		}
		query = query.Order(column)
	}
	return query
}

// page cuts rows, of which one more than the limit was asked for, and makes the cursor of
// the last that stays; "" where there are no more.
func page[T any](rows []T, limit int, at func(*T) cursor) ([]T, string) {
	if len(rows) <= limit {
		return rows, ""
	}
	return rows[:limit], at(&rows[limit-1]).encode()
}

// Around are the cursors of the pages before and after one, "" where there is none.
type Around struct{ Prev, Next string }

// pageAround is page for a list that can be gone through both ways. The rows of a page that
// was asked for backwards come in the other order, the nearest first, and are turned round.
func pageAround[T any](rows []T, limit int, from *cursor, at func(*T) cursor) ([]T, Around) {
	rows, more := page(rows, limit, at)
	if from.back() {
		slices.Reverse(rows)
	}
	if len(rows) == 0 {
		return rows, Around{}
	}
	first, last := at(&rows[0]), at(&rows[len(rows)-1])
	first.Back = true
	before, behind := from != nil, more != "" // the page that it was asked from lies on one side
	if from.back() {
		before, behind = behind, before
	}
	var around Around
	if before {
		around.Prev = first.encode()
	}
	if behind {
		around.Next = last.encode()
	}
	return rows, around
}

// edge is where a page of a list that is ordered by a key and an id begins or ends: the two
// columns, and what they hold in a row.
type edge[T any] struct {
	order     string // names the list, and its order, in the cursors
	key, id   string // columns
	ascending bool
	at        func(*T) (key, id string)
	parse     func(*cursor) (any, error)
}

// newest is the edge of a list by a time and an id, the newest first.
func newest[T any](order, key, id string, at func(*T) (time.Time, string)) edge[T] {
	return edge[T]{
		order: order, key: key, id: id, parse: func(c *cursor) (any, error) { return c.time() },
		at: func(row *T) (string, string) { t, id := at(row); return timeKey(t), id },
	}
}

// named is the edge of a list by a name and an id.
func named[T any](order, key, id string, at func(*T) (name, id string)) edge[T] {
	return edge[T]{order: order, key: key, id: id, ascending: true, at: at, parse: func(c *cursor) (any, error) { return c.Key, nil }}
}

// pageOf reads the page of a query that a cursor leads to, and the cursors of the pages
// around it.
func pageOf[T any](query *gorm.DB, e edge[T], text string, limit int, noun string) ([]T, Around, error) {
	from, err := parseCursor(text, e.order)
	if err != nil {
		return nil, Around{}, err
	}
	desc := e.ascending == from.back()
	query = orderBy(query, desc, e.key, e.id)
	if from != nil {
		key, err := e.parse(from)
		if err != nil {
			return nil, Around{}, err
		}
		query = after(query, e.key, e.id, desc, key, from.ID)
	}
	limit = pageSize(limit)
	var rows []T
	if err := query.Limit(limit + 1).Find(&rows).Error; err != nil {
		return nil, Around{}, translate(err, noun)
	}
	rows, around := pageAround(rows, limit, from, func(row *T) cursor {
		key, id := e.at(row)
		return cursor{Order: e.order, Key: key, ID: id}
	})
	return rows, around, nil
}

// pageByNumber is pageOf for a list that is ordered by a number alone, in one column.
func pageByNumber[T any](query *gorm.DB, order, column string, desc bool, text string, limit int, noun string, at func(*T) int64) ([]T, Around, error) {
	from, err := parseCursor(text, order)
	if err != nil {
		return nil, Around{}, err
	}
	desc = desc != from.back()
	query = orderBy(query, desc, column)
	if from != nil {
		n, err := from.number()
		if err != nil {
			return nil, Around{}, err
		}
		query = query.Where(column+map[bool]string{false: " > ?", true: " < ?"}[desc], n)
	}
	limit = pageSize(limit)
	rows, err := all[T](query.Limit(limit+1), noun)
	if err != nil {
		return nil, Around{}, err
	}
	rows, around := pageAround(rows, limit, from, func(row *T) cursor {
		return cursor{Order: order, ID: strconv.FormatInt(at(row), 10)}
	})
	return rows, around, nil
}

// contains matches any of the columns against a part of its text, in either case.
func (tx *Tx) contains(query *gorm.DB, part string, columns ...string) *gorm.DB {
	if part == "" {
		return query
	}
	fold := "LOWER"
	if tx.s.options.Dialect == SQLite {
		fold = foldFunction
		if isASCII(part) {
			fold = "" // LIKE takes ASCII in either case by itself, at a quarter of the cost
		}
	}
	pattern := "%" + strings.NewReplacer("!", "!!", "%", "!%", "_", "!_").Replace(strings.ToLower(part)) + "%"
	conditions := make([]string, len(columns))
	args := make([]any, len(columns))
	for i, column := range columns {
		conditions[i] = fold + "(" + column + ") LIKE ? ESCAPE '!'"
		args[i] = pattern
	}
	return query.Where("("+strings.Join(conditions, " OR ")+")", args...)
}

func isASCII(text string) bool {
	return strings.IndexFunc(text, func(r rune) bool { return r > unicode.MaxASCII }) < 0
}
