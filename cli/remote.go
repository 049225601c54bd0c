package cli

import (
	"bufio"
	"cmp"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"strings"
	"time"
	"unicode"

	"github.com/jedib0t/go-pretty/v6/table"
	"github.com/jedib0t/go-pretty/v6/text"
	"golang.org/x/term"

	"github.com/your-org/keeper/api"
	"github.com/your-org/keeper/client"
	"github.com/your-org/keeper/config"
	"github.com/your-org/keeper/fault"
	"github.com/your-org/keeper/models"
)

// defaultServer is where commands look for a server when KEEPER_URL does not say.
const defaultServer = "http://localhost:8989"

// client is the API of the server that the settings name.
func (e *env) client() (*client.Client, error) { return e.clientWithin(callTime) }

// patientClient is client for calls whose answers come for as long as they take.
func (e *env) patientClient() (*client.Client, error) { return e.clientWithin(0) }

func (e *env) clientWithin(limit time.Duration) (*client.Client, error) {
	c, err := config.ForClient()
	if err != nil {
		return nil, err
	}
	if !c.Token.Set() {
		return nil, fault.New(fault.Unauthenticated, "KEEPER_TOKEN is not set.").
			WithHint("Make a token on the page Tokens, or beside the server with: keeper tokens create --name NAME")
	}
	calls, err := httpClient(c)
	if err != nil {
		return nil, err
	}
	calls.Timeout = limit
	return client.New(cmp.Or(c.ServerURL, defaultServer), c.Token.Reveal(), client.WithHTTPClient(calls), client.WithUserAgent("keeper/"+Version))
}

// print writes data: as JSON where that is asked for, else as the table function does.
func (e *env) print(data any, asTable func(io.Writer)) error {
	if e.output == "json" {
		encoder := json.NewEncoder(e.std.Out)
		encoder.SetIndent("", "  ")
		return encoder.Encode(data)
	}
	asTable(e.std.Out)
	return nil
}

// grid writes rows under headings: plain columns, made for eyes and for awk alike.
func grid(w io.Writer, headings []string, rows [][]any) {
	t := table.NewWriter()
	t.SetOutputMirror(w)
	style := table.StyleDefault
	style.Options = table.Options{}
	style.Box.PaddingLeft, style.Box.PaddingRight = "", "  "
	style.Format.Header = text.FormatUpper
	t.SetStyle(style)
	head := make(table.Row, len(headings))
	for i, h := range headings {
		head[i] = h
	}
	t.AppendHeader(head)
	for _, row := range rows {
		t.AppendRow(shown(row))
	}
	t.Render()
}

// shown is a row without what would steer the terminal: texts in it come from others.
func shown(row []any) table.Row {
	clean := make(table.Row, len(row))
	for i, cell := range row {
		clean[i] = printable(fmt.Sprint(cell))
		if n, ok := cell.(int64); ok {
			clean[i] = n
		}
		if n, ok := cell.(int); ok {
			clean[i] = n
		}
	}
	return clean
}

// printable replaces control characters: a description must not move the cursor, write the
// clipboard or look like another line.
func printable(s string) string {
	return strings.Map(func(c rune) rune {
		if unicode.IsControl(c) || unicode.Is(unicode.Cf, c) {
			return '\uFFFD'
		}
		return c
	}, s)
}

// facts writes names and what they are, one a line; empty ones are left out.
func facts(w io.Writer, pairs ...string) {
	for i := 0; i+1 < len(pairs); i += 2 {
		if pairs[i+1] != "" {
			fmt.Fprintf(w, "%-16s %s\n", pairs[i], printable(pairs[i+1]))
		}
	}
}

// moment is a time for people; "" where there is none.
func moment(t time.Time) string {
	if t.IsZero() {
		return ""
	}
	return t.UTC().Format("2006-01-02 15:04:05 UTC")
}

// readValue gets a secret's value: from a file, from standard input, or typed at a hidden
// prompt. It is never an argument, since arguments are seen by every process.
func (e *env) readValue(file string) (api.Value, error) {
	if file != "" && file != "-" {
		b, err := os.ReadFile(file)
		if err != nil {
			return api.Value{}, fault.Wrap(err, fault.Invalid, "The file %s cannot be read.", file)
		}
		return api.NewValue(string(b)), nil
	}
	if stdin, ok := e.std.In.(*os.File); ok && term.IsTerminal(int(stdin.Fd())) {
		fmt.Fprint(e.std.Err, "Value (not shown): ")
		b, err := term.ReadPassword(int(stdin.Fd()))
		fmt.Fprintln(e.std.Err)
		if err != nil {
			return api.Value{}, fault.Wrap(err, fault.Invalid, "The value cannot be read from the terminal.")
		}
		return api.NewValue(string(b)), nil
	}
	b, err := io.ReadAll(io.LimitReader(bufio.NewReader(e.std.In), models.MaxValueSize+2))
	if err != nil {
		return api.Value{}, fault.Wrap(err, fault.Invalid, "The value cannot be read from standard input.")
	}
	// The newline that echo and editors add is not part of a value; a file keeps its own.
	return api.NewValue(strings.TrimSuffix(string(b), "\n")), nil
}

// parseTags reads key=value pairs.
func parseTags(pairs []string) (api.Tags, error) {
	tags := api.Tags{}
	for _, pair := range pairs {
		key, value, ok := strings.Cut(pair, "=")
		if !ok || key == "" {
			return nil, fault.InvalidField("--tag", "must be key=value")
		}
		tags[key] = value
	}
	return tags, nil
}
