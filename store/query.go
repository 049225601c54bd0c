package store

import (
	"regexp"
	"strconv"
	"strings"
)

// query is one SQL text in the dialects' spellings. The paths that every request takes are
// written so, and run prepared; GORM writes the others.
type query struct{ sqlite, mysql, postgres string }

// newQuery takes a text with ? for parameters, backquotes around names that are reserved
// words somewhere, and ?time for a parameter whose type PostgreSQL cannot know.
func newQuery(text string) query {
	common := strings.ReplaceAll(text, "?time", "?")
	return query{sqlite: common, mysql: common, postgres: numbered(text)}
}

// excluded matches the value that an insert would have written.
var excluded = regexp.MustCompile("excluded\\.(`?\\w+`?)")

// newUpsert takes an insert, the unique columns, and what to set of the row that stands, in
// which excluded.x is the new value of x. MySQL sets from left to right.
func newUpsert(insert, unique, set string) query {
	q := newQuery(insert + " ON CONFLICT (" + unique + ") DO UPDATE SET " + set)
	q.mysql = newQuery(insert + " ON DUPLICATE KEY UPDATE " + excluded.ReplaceAllString(set, "VALUES($1)")).mysql
	return q
}

// shared is a read whose rows nobody changes until the end of the transaction, and that many
// may do at once; strength is PostgreSQL's. SQLite has one writer.
func shared(text, strength string) query {
	q := newQuery(text)
	q.mysql += " LOCK IN SHARE MODE" // MariaDB knows only MySQL's older words
	q.postgres += " FOR " + strength
	return q
}

func numbered(text string) string {
	var b strings.Builder
	parts := strings.Split(strings.ReplaceAll(text, "`", `"`), "?")
	for i, part := range parts {
		if i > 0 {
			b.WriteString("$" + strconv.Itoa(i))
			if rest, timed := strings.CutPrefix(part, "time"); timed {
				b.WriteString("::timestamptz")
				part = rest
			}
		}
		b.WriteString(part)
	}
	return b.String()
}

func (q query) in(dialect string) string {
	switch dialect {
	case MySQL:
		return q.mysql
	case Postgres:
		return q.postgres
	default:
		return q.sqlite
	}
}
