package legacy

import (
	"cmp"
	"fmt"
	"iter"
	"strings"

	"github.com/your-org/keeper/fault"
)

// Row is one secret as the older Keeper held it, still encrypted. All of it is text from
// outside: nothing of it is checked yet.
type Row struct {
	Place       string // where it stands: "row 3", "line 17"
	Name        string
	Environment string // by name; "" where the row does not say
	Type        string
	Token       string
	Description string
	CreatedAt   string
	Problem     string // why the row could not be read; the other fields may be empty then
}

// Rows goes over rows. An error ends it: what comes after cannot be read.
type Rows = iter.Seq2[Row, error]

// The names that a column may have, the first of those that are there and not empty being
// taken.
var (
	tokenColumns       = []string{"encrypted_value", "value_encrypted", "encrypted_data", "ciphertext"}
	environmentColumns = []string{"environment", "environment_name"}
	typeColumns        = []string{"secret_type", "type"}
)

// Columns goes over rows of a database, each its columns by name.
func Columns[M ~map[string]string](records iter.Seq2[M, error]) Rows {
	return func(yield func(Row, error) bool) {
		n := 0
		for record, err := range records {
			if n++; err != nil {
				yield(Row{}, err)
				return
			}
			if !yield(newRow(fmt.Sprintf("row %d", n), record), nil) {
				return
			}
		}
	}
}

// newRow makes a row of its columns, whose names are in lower case.
func newRow(place string, columns map[string]string) Row {
	pick := func(names ...string) (text string) {
		for _, name := range names {
			text = cmp.Or(text, strings.TrimSpace(columns[name]))
		}
		return text
	}
	return Row{
		Place: place, Name: pick("name"), Environment: pick(environmentColumns...), Type: pick(typeColumns...),
		Token: pick(tokenColumns...), Description: pick("description"), CreatedAt: pick("created_at"),
	}
}

// broken is the error that ends a file.
func broken(after int, format string, args ...any) error {
	return fault.New(fault.Invalid, "The file cannot be read further than %d rows: %s.", after, fmt.Sprintf(format, args...)).
		WithHint("What was brought over stays. Mend the file and run this again; what stands already is left as it is.")
}
