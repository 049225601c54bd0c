package models

import (
	"bytes"
	"encoding/csv"
	"errors"
	"io"
	"slices"
	"strings"

	"github.com/your-org/keeper/fault"
)

// NameMapping is one line of a name map: what ImportItem.Label gives, and the name of the
// secret that it becomes, "" to leave it out.
type NameMapping struct{ There, Secret string }

// nameMapHeading is the first line of a name map.
var nameMapHeading = []string{"name there", "secret"}

// ParseNameMap reads a name map: CSV of two columns that a comma or a tab parts, with or
// without its heading. What is no name map is Invalid; the message says which line is wrong.
func ParseNameMap(text []byte) (map[string]string, error) {
	text = bytes.TrimPrefix(text, []byte("\ufeff"))
	reader := csv.NewReader(bytes.NewReader(text))
	reader.FieldsPerRecord = len(nameMapHeading)
	if line, _, _ := bytes.Cut(text, []byte("\n")); bytes.ContainsRune(line, '\t') {
		reader.Comma = '\t'
	}
	names := map[string]string{}
	for {
		row, err := reader.Read()
		if errors.Is(err, io.EOF) {
			return names, nil
		}
		if wrong := (*csv.ParseError)(nil); errors.As(err, &wrong) {
			return nil, fault.Wrap(err, fault.Invalid, "Line %d of the name map is not two columns.", wrong.Line)
		}
		if err != nil {
			return nil, fault.Wrap(err, fault.Invalid, "The name map cannot be read.")
		}
		line, _ := reader.FieldPos(0)
		if line == 1 && slices.Equal(row, nameMapHeading) {
			continue
		}
		if _, twice := names[row[0]]; twice {
			return nil, fault.New(fault.Invalid, "Line %d of the name map has a name there that an earlier line has.", line)
		}
		names[row[0]] = strings.TrimSpace(row[1])
	}
}

// WriteNameMap writes what ParseNameMap reads.
func WriteNameMap(w io.Writer, lines []NameMapping) error {
	out := csv.NewWriter(w)
	rows := [][]string{nameMapHeading}
	for _, line := range lines {
		rows = append(rows, []string{line.There, line.Secret})
	}
	return out.WriteAll(rows)
}
