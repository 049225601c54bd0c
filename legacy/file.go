package legacy

import (
	"bufio"
	"bytes"
	"encoding/json"
	"io"
	"path/filepath"
	"strings"
)

// peekSize is how much of a file is looked at to tell its form.
const peekSize = 256 << 10

// IsSQLite reports whether these first bytes are those of a SQLite database.
func IsSQLite(head []byte) bool { return bytes.HasPrefix(head, []byte("SQLite format 3\x00")) }

// Read goes over the rows of an export: JSON, JSON lines, or CSV under a line of names. The
// form is told by how it begins, and where that fits two of them by the file's name.
func Read(r io.Reader, name string) Rows {
	buffered := bufio.NewReaderSize(r, peekSize)
	head, _ := buffered.Peek(peekSize) // shorter where the file is
	if after, ok := bytes.CutPrefix(head, []byte("\ufeff")); ok {
		head = after
		_, _ = buffered.Discard(len("\ufeff")) // it is there
	}
	head = bytes.TrimLeft(head, " \t\r\n")
	switch {
	case bytes.HasPrefix(head, []byte("[")):
		return rowsOfJSON(buffered)
	case bytes.HasPrefix(head, []byte("{")):
		if linewise(head, name) {
			return rowsOfLines(buffered)
		}
		return rowsOfJSON(buffered)
	default:
		return rowsOfCSV(buffered)
	}
}

// linewise reports whether JSON that begins with an object has one on every line: where its
// name says so, or the first line is a row by itself.
func linewise(head []byte, name string) bool {
	switch strings.ToLower(filepath.Ext(name)) {
	case ".jsonl", ".ndjson":
		return true
	}
	line, _, _ := bytes.Cut(head, []byte("\n"))
	var object map[string]json.RawMessage
	if json.Unmarshal(line, &object) != nil {
		return false
	}
	_, wraps := object["secrets"]
	return !wraps
}
