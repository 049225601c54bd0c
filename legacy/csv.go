package legacy

import (
	"encoding/csv"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"

	"github.com/your-org/keeper/fault"
)

// rowsOfCSV reads comma-separated values under a line of column names. A row with another
// number of fields than that line is a row with a problem; quotes that do not close end the
// file, as nobody can tell where the next row would begin.
func rowsOfCSV(r io.Reader) Rows {
	return func(yield func(Row, error) bool) {
		reader := csv.NewReader(r)
		reader.FieldsPerRecord = -1
		header, err := reader.Read()
		if err != nil {
			yield(Row{}, noHeader())
			return
		}
		for i, name := range header {
			header[i] = strings.ToLower(strings.TrimSpace(strings.TrimPrefix(name, "\ufeff")))
		}
		if !slices.Contains(header, "name") || !slices.ContainsFunc(tokenColumns, func(c string) bool { return slices.Contains(header, c) }) {
			yield(Row{}, noHeader())
			return
		}
		for rows := 0; ; rows++ {
			fields, err := reader.Read()
			if errors.Is(err, io.EOF) {
				return
			}
			row, err := rowOfRecord(reader, header, fields, err)
			if err != nil {
				yield(Row{}, broken(rows, "%s", err))
				return
			}
			if !yield(row, nil) {
				return
			}
		}
	}
}

// rowOfRecord makes a row of what the reader returned. Its errors quote nothing.
func rowOfRecord(reader *csv.Reader, header, fields []string, err error) (Row, error) {
	var parse *csv.ParseError
	switch {
	case errors.Is(err, csv.ErrBareQuote) && errors.As(err, &parse): // the reader goes on in the next line
		return Row{Place: fmt.Sprintf("line %d", parse.StartLine), Problem: "It has a quote inside a field that is not quoted."}, nil
	case errors.As(err, &parse):
		return Row{}, fmt.Errorf("the quotes of the row that begins in line %d do not close, or close too early", parse.StartLine)
	case err != nil:
		return Row{}, errors.New("reading it failed")
	}
	line, _ := reader.FieldPos(0)
	columns := make(map[string]string, len(header))
	for i, name := range header[:min(len(header), len(fields))] {
		columns[name] = fields[i]
	}
	row := newRow(fmt.Sprintf("line %d", line), columns)
	if len(fields) != len(header) {
		row.Problem = fmt.Sprintf("It has %d fields, the line of names %d.", len(fields), len(header))
	}
	return row, nil
}

func noHeader() error {
	return fault.New(fault.Invalid, "The file's first line does not name its columns.").
		WithHint("Expected are name, %s, and if there are any environment, secret_type, description, created_at.", strings.Join(tokenColumns, " or "))
}
