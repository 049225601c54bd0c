package store

import (
	"strconv"
	"strings"

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
