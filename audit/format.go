package audit

import (
	"bufio"
	"encoding/csv"
	"encoding/json"
	"io"
	"regexp"
	"strconv"
	"strings"
	"time"

	"github.com/your-org/keeper/models"
)

// Format is how an export is written.
type Format string

// The formats.
const (
	CSV       Format = "csv"   // a heading and a row per entry, for spreadsheets; see guard
	JSONLines Format = "jsonl" // an object per line, exactly as it is on record
)

func (f Format) known() bool { return f == CSV || f == JSONLines }

// MediaType is what a server calls it.
func (f Format) MediaType() string {
	if f == CSV {
		return "text/csv"
	}
	return "application/x-ndjson"
}

// FileName is how a file of an export that was made at a time is called.
func (f Format) FileName(at time.Time) string {
	return "keeper-audit-" + at.UTC().Format("20060102T150405Z") + "." + string(f)
}

// encoder writes entries. What it keeps back, flush writes.
type encoder interface {
	entry(e *models.AuditEntry) error
	flush() error
}

func (f Format) encoder(w io.Writer) encoder {
	if f == CSV {
		return &csvEncoder{out: csv.NewWriter(w)}
	}
	buffered := bufio.NewWriter(w)
	lines := json.NewEncoder(buffered)
	lines.SetEscapeHTML(false)
	return &lineEncoder{buffered, lines}
}

// line is an entry as JSON.
type line struct {
	ID              string            `json:"id"`
	Seq             *int64            `json:"seq,omitempty"` // its place in the log's tree, where it has one
	At              time.Time         `json:"at"`
	Actor           string            `json:"actor"`
	ActorID         string            `json:"actor_id,omitempty"`
	ActorKind       string            `json:"actor_kind"`
	Via             string            `json:"via,omitempty"`
	Address         string            `json:"address,omitempty"`
	RequestID       string            `json:"request_id,omitempty"`
	Action          string            `json:"action"`
	Outcome         string            `json:"outcome"`
	EnvironmentID   int64             `json:"environment_id,omitempty"`
	EnvironmentName string            `json:"environment,omitempty"`
	ObjectKind      string            `json:"object_kind,omitempty"`
	ObjectID        string            `json:"object_id,omitempty"`
	ObjectName      string            `json:"object,omitempty"`
	Version         int64             `json:"version,omitempty"`
	Detail          map[string]string `json:"detail,omitempty"`
}

type lineEncoder struct {
	out   *bufio.Writer
	lines *json.Encoder
}

func (l *lineEncoder) flush() error { return l.out.Flush() }

func (l *lineEncoder) entry(e *models.AuditEntry) error {
	return l.lines.Encode(line{
		ID: e.UID, Seq: e.Seq, At: e.At.UTC(), Actor: e.ActorName, ActorID: e.ActorID, ActorKind: string(e.ActorKind),
		Via: e.Via, Address: e.Address, RequestID: e.RequestID, Action: e.Action, Outcome: string(e.Outcome),
		EnvironmentID: int64(e.EnvironmentID), EnvironmentName: e.EnvironmentName,
		ObjectKind: e.ObjectKind, ObjectID: e.ObjectID, ObjectName: e.ObjectName, Version: int64(e.Version), Detail: e.Detail,
	})
}

var heading = []string{
	"id", "seq", "at", "actor", "actor_id", "actor_kind", "via", "address", "request_id", "action", "outcome",
	"environment_id", "environment", "object_kind", "object_id", "object", "version", "detail",
}

type csvEncoder struct {
	out   *csv.Writer
	begun bool
}

// flush writes the heading too, also where there is no entry.
func (c *csvEncoder) flush() error {
	if err := c.begin(); err != nil {
		return err
	}
	c.out.Flush()
	return c.out.Error()
}

func (c *csvEncoder) begin() error {
	if c.begun {
		return nil
	}
	c.begun = true
	return c.out.Write(heading)
}

func (c *csvEncoder) entry(e *models.AuditEntry) error {
	if err := c.begin(); err != nil {
		return err
	}
	detail := ""
	if len(e.Detail) > 0 {
		text, err := json.Marshal(e.Detail)
		if err != nil {
			return err
		}
		detail = string(text)
	}
	seq := ""
	if e.Seq != nil {
		seq = strconv.FormatInt(*e.Seq, 10)
	}
	row := []string{
		e.UID, seq, e.At.UTC().Format(time.RFC3339Nano), e.ActorName, e.ActorID, string(e.ActorKind), e.Via, e.Address, e.RequestID,
		e.Action, string(e.Outcome), number(int64(e.EnvironmentID)), e.EnvironmentName, e.ObjectKind, e.ObjectID, e.ObjectName,
		number(int64(e.Version)), detail,
	}
	for i := range row {
		row[i] = guard(row[i])
	}
	return c.out.Write(row)
}

// number is a number; "" for 0, which is none.
func number(n int64) string {
	if n == 0 {
		return ""
	}
	return strconv.FormatInt(n, 10)
}

// inner is what would begin a formula in a cell of its own, where a spreadsheet parts cells at more
// than commas.
var inner = regexp.MustCompile("([;\t\r\n][ \u00a0\"']*)([=+\\-@\uff1d\uff0b\uff0d\uff20])")

// guard puts an apostrophe before what a spreadsheet would take for a formula: names in
// the log are typed by strangers, such as that of a sign-in that failed. The characters are
// OWASP's, with the wide forms that spreadsheets take for the same.
func guard(cell string) string {
	cell = inner.ReplaceAllString(cell, "$1'$2")
	if bare := strings.TrimLeft(cell, " \u00a0"); bare != "" && strings.ContainsRune("=+-@\t\r\n\uff1d\uff0b\uff0d\uff20", []rune(bare)[0]) {
		return "'" + cell
	}
	return cell
}
