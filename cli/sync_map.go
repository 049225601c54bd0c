package cli

import (
	"encoding/csv"
	"errors"
	"os"
	"slices"
	"strings"

	"github.com/your-org/keeper/api"
	"github.com/your-org/keeper/fault"
)

// mapHeading is the first line of a name map.
var mapHeading = []string{"name there", "secret"}

// readNameMap reads a name map, two columns that a comma or a tab parts; no file is none.
func readNameMap(file string) (map[string]string, error) {
	if file == "" {
		return nil, nil
	}
	bad := func(err error, format string, args ...any) error {
		return fault.Wrap(err, fault.Invalid, format, args...).WithHint("--write-map FILE writes one as it must look.")
	}
	text, err := os.ReadFile(file)
	if err != nil {
		return nil, bad(err, "The name map %s cannot be read.", file)
	}
	reader := csv.NewReader(strings.NewReader(strings.TrimPrefix(string(text), "\ufeff")))
	reader.FieldsPerRecord = 2
	if line, _, _ := strings.Cut(string(text), "\n"); strings.Contains(line, "\t") {
		reader.Comma = '\t'
	}
	rows, err := reader.ReadAll()
	var wrong *csv.ParseError
	if errors.As(err, &wrong) {
		return nil, bad(err, "Line %d of the name map %s is not two columns.", wrong.Line, file)
	}
	if err != nil {
		return nil, bad(err, "The name map %s cannot be read.", file)
	}
	if len(rows) > 0 && slices.Equal(rows[0], mapHeading) {
		rows = rows[1:]
	}
	names := make(map[string]string, len(rows))
	for _, row := range rows {
		if _, twice := names[row[0]]; twice {
			return nil, bad(nil, "The name map %s has %s twice.", file, printable(row[0]))
		}
		names[row[0]] = strings.TrimSpace(row[1])
	}
	return names, nil
}

func writeNameMap(file string, items []api.ImportItem) error {
	rows := [][]string{mapHeading}
	for _, item := range items {
		name := item.SecretName
		if item.Status == api.ItemLeftOut {
			name = ""
		}
		rows = append(rows, []string{labelOf(item), name})
	}
	var text strings.Builder
	err := csv.NewWriter(&text).WriteAll(rows)
	if err == nil {
		err = os.WriteFile(file, []byte(text.String()), 0o600)
	}
	if err != nil {
		return fault.Wrap(err, fault.Invalid, "The name map cannot be written to %s.", file)
	}
	return nil
}

// unusedNames are those of a map that no item has, sorted.
func unusedNames(names map[string]string, items []api.ImportItem) []string {
	used := make(map[string]bool, len(items))
	for _, item := range items {
		used[labelOf(item)] = true
	}
	var unused []string
	for name := range names {
		if !used[name] {
			unused = append(unused, name)
		}
	}
	slices.Sort(unused)
	return unused
}
