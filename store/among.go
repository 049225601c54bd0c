package store

import (
	"strconv"
	"strings"

	"gorm.io/gorm"

	"github.com/your-org/keeper/models"
)

// among is a condition that a column is one of a list of numbers, which idList makes a single
// parameter: the text of a query stays the same, and prepared, whatever the list's length.
func (tx *Tx) among(column string) string {
	switch tx.s.options.Dialect {
	case Postgres:
		return column + " = ANY(?::bigint[])"
	case MySQL:
		return column + " IN (SELECT listed.n FROM JSON_TABLE(?, '$[*]' COLUMNS (n BIGINT PATH '$')) listed)"
	default:
		return column + " IN (SELECT value FROM json_each(?))"
	}
}

func idList(dialect string, ids []models.SecretID) string {
	parts := make([]string, len(ids))
	for i, id := range ids {
		parts[i] = strconv.FormatInt(int64(id), 10)
	}
	list := strings.Join(parts, ",")
	if dialect == Postgres {
		return "{" + list + "}"
	}
	return "[" + list + "]"
}

// fewRows is up to how many secrets are fetched and sorted to list a page of them. Where there
// are more, going through the list in its order soon finds a page.
const fewRows = 2000

// within narrows a list of secrets, whose table or alias is given, to environments and to those
// that are in every list. Where a list is short the secrets of it are looked at, and no others:
// the plus keeps SQLite, which does not know how long it is, from an index that begins with the
// environment and is in the order of the page.
func (tx *Tx) within(query *gorm.DB, table string, environments []models.EnvironmentID, lists ...[]models.SecretID) *gorm.DB {
	plus := ""
	for _, list := range lists {
		if list == nil {
			continue
		}
		if len(list) <= fewRows {
			plus = "+"
		}
		query = query.Where(tx.among(table+".id"), idList(tx.s.options.Dialect, list))
	}
	return query.Where(plus+table+".environment_id IN ?", environments)
}

// few are the secrets that a query chooses, nil where they are too many to be looked at one by one.
func few(query *gorm.DB, column, noun string) ([]models.SecretID, error) {
	ids := []models.SecretID{}
	if err := query.Limit(fewRows+1).Pluck(column, &ids).Error; err != nil {
		return nil, translate(err, noun)
	}
	if len(ids) > fewRows {
		return nil, nil
	}
	return ids, nil
}
