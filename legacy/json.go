package legacy

import (
	"bufio"
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strings"
)

// rowsOfJSON reads a document: an array of rows, an object with such an array under
// "secrets", or objects one after the other that are rows themselves.
func rowsOfJSON(r io.Reader) Rows {
	return func(yield func(Row, error) bool) {
		d := documents{decoder: json.NewDecoder(r), yield: yield}
		for {
			switch err := d.value(); {
			case errors.Is(err, errStop):
				return
			case errors.Is(err, io.EOF) && d.whole:
				return
			case err != nil:
				yield(Row{}, broken(d.rows, "it is not valid JSON from there on"))
				return
			}
		}
	}
}

// errStop says that nobody wants more rows.
var errStop = errors.New("legacy: stop")

// documents walks over JSON without holding more of it than one row.
type documents struct {
	decoder *json.Decoder
	yield   func(Row, error) bool
	rows    int
	whole   bool // between two documents
}

// value reads one document.
func (d *documents) value() error {
	d.whole = true
	start, err := d.decoder.Token()
	if err != nil {
		return err
	}
	d.whole = false
	switch start {
	case json.Delim('['):
		return d.array()
	case json.Delim('{'):
		return d.object()
	default:
		return errors.New("neither an array nor an object")
	}
}

// array reads rows up to the bracket that closes it.
func (d *documents) array() error {
	for d.decoder.More() {
		var raw json.RawMessage
		if err := d.decoder.Decode(&raw); err != nil {
			return err
		}
		if err := d.row(raw); err != nil {
			return err
		}
	}
	_, err := d.decoder.Token()
	return err
}

// object reads an object that holds rows under "secrets", or is one itself.
func (d *documents) object() error {
	columns, holds := map[string]string{}, false
	for d.decoder.More() {
		key, err := d.decoder.Token()
		if err != nil {
			return err
		}
		if key == "secrets" {
			if start, err := d.decoder.Token(); err != nil || start != json.Delim('[') {
				return errors.New("secrets without an array")
			}
			if err := d.array(); err != nil {
				return err
			}
			holds = true
			continue
		}
		var raw json.RawMessage
		if err := d.decoder.Decode(&raw); err != nil {
			return err
		}
		columns[strings.ToLower(fmt.Sprint(key))] = scalar(raw)
	}
	if _, err := d.decoder.Token(); err != nil || holds {
		return err
	}
	return d.send(newRow(d.place(), columns))
}

func (d *documents) place() string { return fmt.Sprintf("row %d", d.rows+1) }

// row sends one element of an array on, whatever it is.
func (d *documents) row(raw json.RawMessage) error { return d.send(rowOfJSON(d.place(), raw)) }

func (d *documents) send(row Row) error {
	d.rows++
	if !d.yield(row, nil) {
		return errStop
	}
	return nil
}

// rowOfJSON reads one object. What is none is a row with a problem.
func rowOfJSON(place string, raw []byte) Row {
	var object map[string]json.RawMessage
	if json.Unmarshal(raw, &object) != nil || object == nil {
		return Row{Place: place, Problem: "It is not a JSON object."}
	}
	columns := make(map[string]string, len(object))
	for key, value := range object {
		columns[strings.ToLower(key)] = scalar(value)
	}
	return newRow(place, columns)
}

// scalar is a JSON value as text: a string's own, nothing for null, and else what stands
// there.
func scalar(raw json.RawMessage) string {
	var text *string
	if json.Unmarshal(raw, &text) != nil {
		return string(raw)
	}
	if text == nil {
		return ""
	}
	return *text
}

// maxLine bounds a line of JSON, in bytes: a token of the largest value that Keeper takes
// has less than 100,000.
const maxLine = 4 << 20

// rowsOfLines reads an object a line. A line that is none is a row with a problem, and the
// next one is read all the same.
func rowsOfLines(r io.Reader) Rows {
	return func(yield func(Row, error) bool) {
		lines := bufio.NewScanner(r)
		lines.Buffer(nil, maxLine)
		number, rows := 0, 0
		for lines.Scan() {
			number++
			line := bytes.TrimSpace(lines.Bytes())
			if len(line) == 0 {
				continue
			}
			rows++
			if !yield(rowOfJSON(fmt.Sprintf("line %d", number), line), nil) {
				return
			}
		}
		if lines.Err() != nil {
			yield(Row{}, broken(rows, "line %d is longer than %d bytes, or the file ends there", number+1, maxLine))
		}
	}
}
