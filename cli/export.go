package cli

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"github.com/your-org/keeper/api"
	"github.com/your-org/keeper/fault"
)

// exportFlags are what the flags of secrets export say.
type exportFlags struct {
	environment, format, out string
	params                   api.ExportSecretsParams
}

func (e *env) secretsExportCommand() *cobra.Command {
	var f exportFlags
	cmd := &cobra.Command{
		Use: "export", Short: "Print the values of an environment; each is recorded as revealed", Args: cobra.NoArgs,
		Long: `Print the current values of all secrets of an environment that are not deleted. Each is
recorded as revealed. A secret that cannot be opened fails the export, unless --partial is given:
then it is left out, and named on standard error.

In dotenv, names become upper case with underscores (payments/api-key: PAYMENTS_API_KEY); two
secrets that would get the same name fail the export. Values are quoted for a POSIX shell. Those
that other readers of such files may take otherwise are named on standard error; JSON and YAML
hold every value.`,
		Example: `  keeper secrets export -e production --prefix payments/ --out .env
  keeper secrets export -e production --format json | jq -r '.secrets[].name'`,
		RunE: func(cmd *cobra.Command, _ []string) error { return e.exportSecrets(cmd.Context(), f) },
	}
	flags := cmd.Flags()
	flags.StringVarP(&f.environment, "environment", "e", "", "environment, by name or id (required)")
	flags.StringVar(&f.format, "format", "", "dotenv, json or yaml; default: dotenv, with -o json: json")
	flags.StringVar(&f.params.Prefix, "prefix", "", "only secrets whose names begin with this")
	flags.StringVar(&f.out, "out", "", "write to this new file, which only you may read; default: standard output")
	flags.BoolVar(&f.params.Partial, "partial", false, "leave out what cannot be opened")
	_ = cmd.MarkFlagRequired("environment") // the flag exists
	return cmd
}

func (e *env) exportSecrets(ctx context.Context, f exportFlags) error {
	if f.format == "" {
		f.format = map[string]string{"json": "json", "table": "dotenv"}[e.output]
	}
	render, known := map[string]func(exported) ([]byte, error){"dotenv": e.dotenv, "json": exportJSON, "yaml": exportYAML}[f.format]
	if !known {
		return fault.InvalidField("--format", "must be dotenv, json or yaml")
	}
	c, err := e.client()
	if err != nil {
		return err
	}
	values, err := c.ExportSecrets(ctx, api.EnvironmentNamed(f.environment), f.params)
	if err != nil {
		return err
	}
	text, err := render(clearly(f.environment, values))
	defer clear(text)
	if err != nil {
		return err
	}
	if f.out == "" {
		_, err = e.std.Out.Write(text)
	} else {
		err = writePrivate(f.out, text)
	}
	if err != nil {
		return err
	}
	for _, one := range values.Unknown {
		e.say("%s is left out: %s", one.Name, printable(one.Problem))
	}
	e.say("%d values of %s; each is on record as revealed.", len(values.Items), f.environment)
	return nil
}

// exported is what JSON and YAML hold: unlike an api.Export its values print.
type exported struct {
	Environment string              `json:"environment"`
	Secrets     []exportedSecret    `json:"secrets"`
	Unknown     []api.UnknownSecret `json:"unknown,omitempty"`
}

type exportedSecret struct {
	Name        string         `json:"name"`
	Type        api.SecretType `json:"secret_type"`
	Value       string         `json:"value"`
	Version     int64          `json:"version"`
	Description string         `json:"description,omitempty"`
	Owner       string         `json:"owner,omitempty"`
	Tags        api.Tags       `json:"tags,omitempty"`
}

func clearly(environment string, values api.Export) exported {
	x := exported{Environment: environment, Secrets: make([]exportedSecret, len(values.Items)), Unknown: values.Unknown}
	for i, one := range values.Items {
		x.Secrets[i] = exportedSecret{
			Name: one.Name, Type: one.SecretType, Value: one.Value.Reveal(), Version: one.Version,
			Description: one.Description, Owner: one.Owner, Tags: one.Tags,
		}
	}
	return x
}

func exportJSON(x exported) ([]byte, error) {
	var b bytes.Buffer
	encoder := json.NewEncoder(&b)
	encoder.SetEscapeHTML(false)
	encoder.SetIndent("", "  ")
	err := encoder.Encode(x)
	return b.Bytes(), err
}

// exportYAML writes what exportJSON does, in blocks. Each text stands in double quotes: no
// value can be taken for a number, a date or a tag.
func exportYAML(x exported) ([]byte, error) {
	var b bytes.Buffer
	fmt.Fprintf(&b, "environment: %s\nsecrets:", quoted(x.Environment))
	if len(x.Secrets) == 0 {
		b.WriteString(" []")
	}
	b.WriteString("\n")
	for _, one := range x.Secrets {
		fmt.Fprintf(&b, "  - name: %s\n    secret_type: %s\n    value: %s\n    version: %d\n", quoted(one.Name), one.Type, quoted(one.Value), one.Version)
		for _, more := range []struct{ name, text string }{{"description", one.Description}, {"owner", one.Owner}} {
			if more.text != "" {
				fmt.Fprintf(&b, "    %s: %s\n", more.name, quoted(more.text))
			}
		}
		yamlTags(&b, one.Tags)
	}
	if len(x.Unknown) > 0 {
		b.WriteString("unknown:\n")
	}
	for _, one := range x.Unknown {
		fmt.Fprintf(&b, "  - id: %d\n    name: %s\n    problem: %s\n", one.ID, quoted(one.Name), quoted(one.Problem))
	}
	return b.Bytes(), nil
}

func yamlTags(b *bytes.Buffer, tags api.Tags) {
	if len(tags) == 0 {
		return
	}
	keys := make([]string, 0, len(tags))
	for key := range tags {
		keys = append(keys, key)
	}
	slices.Sort(keys)
	b.WriteString("    tags:\n")
	for _, key := range keys {
		fmt.Fprintf(b, "      %s: %s\n", quoted(key), quoted(tags[key]))
	}
}

// quoted is a text in YAML's double quotes, in printable characters of ASCII alone: of the
// others, YAML takes some for the end of a line and refuses some.
func quoted(text string) string {
	var b strings.Builder
	b.WriteByte('"')
	for _, c := range text {
		switch {
		case c == '"' || c == '\\':
			b.WriteRune('\\')
			b.WriteRune(c)
		case c == '\n':
			b.WriteString(`\n`)
		case c >= ' ' && c < 0x7f:
			b.WriteRune(c)
		case c > 0xffff:
			fmt.Fprintf(&b, `\U%08X`, c)
		default:
			fmt.Fprintf(&b, `\u%04X`, c)
		}
	}
	b.WriteByte('"')
	return b.String()
}

// writePrivate writes a file that is not there yet and that only its owner may read.
func writePrivate(path string, text []byte) error {
	return createPrivate(path, func(w io.Writer) error {
		_, err := w.Write(text)
		return err
	})
}

// createPrivate makes a file that is not there yet and that only its owner may read, of what
// write writes; where that fails there is none.
func createPrivate(path string, write func(io.Writer) error) error {
	file, err := os.OpenFile(path, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
	if errors.Is(err, fs.ErrExist) {
		return fault.Wrap(err, fault.Conflict, "The file %s is there already; it was left as it is.", path).WithHint("Remove it first, or name another.")
	}
	if err != nil {
		return fault.Wrap(err, fault.Invalid, "The file %s cannot be written.", path)
	}
	err = write(file)
	if err = errors.Join(err, file.Sync(), file.Close()); err != nil {
		_ = os.Remove(path) // half of it is of no use
		return fault.Wrap(err, fault.Invalid, "The file %s could not be written; it was removed again.", path)
	}
	return nil
}
