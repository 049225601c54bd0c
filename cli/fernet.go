package cli

import (
	"bufio"
	"cmp"
	"context"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"

	"github.com/spf13/cobra"

	"github.com/your-org/keeper/app"
	"github.com/your-org/keeper/config"
	"github.com/your-org/keeper/fault"
	"github.com/your-org/keeper/legacy"
	"github.com/your-org/keeper/models"
)

// fromFernet is what the flags of migrate from-fernet say.
type fromFernet struct {
	file, rows, table, user, conflict string
	dry, real                         bool
	options                           legacy.Options
}

func (e *env) fromFernetCommand() *cobra.Command {
	var f fromFernet
	cmd := &cobra.Command{
		Use: "from-fernet [FILE]", Short: "Bring secrets of the older Keeper over; shows only what it would do", Args: cobra.MaximumNArgs(1),
		Long: `Bring over secrets that the older Keeper encrypted with Fernet. Without --no-dry-run it changes
nothing and shows what it would do.

KEEPER_FERNET_KEY holds the older Keeper's key, or several separated by commas, newest first. FILE is
an export (JSON, JSON lines, or CSV with a line of names) or the older Keeper's SQLite file; - is
standard input. With --rows the rows come out of the database of that URL instead. Rows have the columns
name, environment (or environment_id, of the table environments), secret_type and encrypted_value
(or value_encrypted, encrypted_data, ciphertext), and may have description and created_at.

It works on Keeper's own database, so it is run where the server's settings are. Every value that
is written is opened again and compared before it counts. Nothing is dropped: each row is counted,
and those that were not brought over are listed with the reason. Running it again is harmless.

EXIT STATUS
  0  every row stands in Keeper now; of a dry run: would stand
  1  some rows were not brought over, or the rows could not be read to their end`,
		Example: `  keeper migrate from-fernet export.json
  keeper migrate from-fernet older.db --create-environments --no-dry-run
  echo "$OLD_DATABASE_URL" | keeper migrate from-fernet --rows - --no-dry-run`,
		RunE: func(cmd *cobra.Command, args []string) error {
			f.file = strings.Join(args, "")
			return e.migrateFromFernet(cmd.Context(), f)
		},
	}
	flags := cmd.Flags()
	flags.StringVar(&f.rows, "rows", "", "read the older Keeper's database of this URL instead of a file; - reads the URL from standard input")
	flags.StringVar(&f.table, "table", "secrets", "table of that database, or of the SQLite file")
	flags.StringVarP(&f.options.Environment, "environment", "e", "", "environment of rows that name none; rows of others are left out")
	flags.BoolVar(&f.dry, "dry-run", false, "change nothing; this is what happens without either flag")
	flags.BoolVar(&f.real, "no-dry-run", false, "do it")
	flags.StringVar(&f.conflict, "on-conflict", "skip", "where another value stands: skip leaves it, version writes a new version")
	flags.BoolVar(&f.options.AsText, "as-text", false, "take as TEXT what is not valid for its type, or has none that Keeper knows")
	flags.BoolVar(&f.options.CreateEnvironments, "create-environments", false, "make environments that are not there")
	flags.StringVar(&f.user, "user", app.FirstUser, "user in whose name it is done and recorded")
	cmd.MarkFlagsMutuallyExclusive("dry-run", "no-dry-run")
	return cmd
}

func (f *fromFernet) check() error {
	switch {
	case (f.file == "") == (f.rows == ""):
		return fault.New(fault.Invalid, "Say where the rows are: a FILE, or --rows with the database's URL.")
	case f.conflict != "skip" && f.conflict != "version":
		return fault.InvalidField("--on-conflict", "must be skip or version")
	}
	f.options.DryRun, f.options.NewVersions = !f.real, f.conflict == "version"
	return nil
}

func (e *env) migrateFromFernet(ctx context.Context, f fromFernet) error {
	if err := f.check(); err != nil {
		return err
	}
	c, err := config.FromEnvironment()
	if err != nil {
		return err
	}
	if !c.FernetKey.Set() {
		return fault.New(fault.Invalid, "KEEPER_FERNET_KEY is not set.").WithHint("It holds the key of the older Keeper, 44 characters.")
	}
	keys, err := legacy.ParseKeys(c.FernetKey.Reveal())
	if err != nil {
		return err
	}
	rows, done, err := e.legacyRows(ctx, &f)
	if err != nil {
		return err
	}
	defer done()
	m, n := e.meter(), 0
	f.options.Each = func(legacy.Result) {
		if n++; n%100 == 0 {
			m.show(fmt.Sprintf("%d rows", n), now())
		}
	}
	var report *legacy.Report // nil: it did not come to reading rows
	err = e.locallyAs(ctx, f.user, func(a *app.App, actor models.Actor) (err error) {
		importer := legacy.Importer{Secrets: a.Secrets, Actor: actor, Keys: keys, Options: f.options}
		report, err = importer.Run(ctx, rows)
		return err
	})
	m.clear()
	if report == nil {
		return err
	}
	if shown := e.printImport(report); err == nil {
		err = shown
	}
	if err == nil && !report.Complete() {
		return quietExit(exitFailed)
	}
	return err
}

// legacyRows opens what the rows come from.
func (e *env) legacyRows(ctx context.Context, f *fromFernet) (legacy.Rows, func(), error) {
	if f.rows != "" {
		address := f.rows
		if address == "-" {
			line, _ := bufio.NewReader(e.std.In).ReadString('\n')
			address = strings.TrimSpace(line)
		}
		f.options.Source = "table " + f.table
		rows, err := app.LegacyRows(ctx, address, f.table, e.quietLog())
		if err != nil {
			return nil, nil, err
		}
		return legacy.Columns(rows), func() {}, nil
	}
	if f.file == "-" {
		f.options.Source = "standard input"
		return legacy.Read(e.std.In, ""), func() {}, nil
	}
	f.options.Source = filepath.Base(f.file)
	file, err := os.Open(f.file)
	if err != nil {
		return nil, nil, fault.Wrap(err, fault.Invalid, "The file %s cannot be read.", f.file)
	}
	done := func() { _ = file.Close() } // it was only read
	head := make([]byte, 16)
	n, _ := io.ReadFull(file, head)
	if legacy.IsSQLite(head[:n]) {
		return legacy.Columns(app.LegacyFile(ctx, f.file, f.table)), done, nil
	}
	if _, err := file.Seek(0, io.SeekStart); err != nil { // a pipe
		return legacy.Read(io.MultiReader(strings.NewReader(string(head[:n])), file), f.file), done, nil
	}
	return legacy.Read(file, f.file), done, nil
}

// printImport writes the counts as data, and what was not brought over as talk.
func (e *env) printImport(r *legacy.Report) error {
	err := e.print(r, func(w io.Writer) {
		var rows [][]any
		for _, outcome := range legacy.Outcomes {
			if n := r.Counts[outcome]; n > 0 {
				rows = append(rows, []any{n, strings.ReplaceAll(string(outcome), "_", " ")})
			}
		}
		grid(w, []string{"rows", "outcome"}, append(rows, []any{r.Rows, "in all"}))
	})
	if e.output != "json" {
		for _, p := range r.Problems {
			e.say("%s: %s: %s: %s", p.Place, printable(cmp.Or(p.Environment, "?")+" "+cmp.Or(p.Name, "?")), strings.ReplaceAll(string(p.Outcome), "_", " "), printable(p.Reason))
		}
	}
	for _, name := range r.Environments {
		e.say("The environment %s %s made.", name, map[bool]string{true: "would be", false: "was"}[r.DryRun])
	}
	if r.Cut != "" {
		e.say("%s", printable(r.Cut))
	}
	if good := r.Counts[legacy.Imported] + r.Counts[legacy.NewVersion] + r.Counts[legacy.AlreadyThere]; good == 0 && r.Counts[legacy.WrongKey] > 0 {
		e.say("No row opens under KEEPER_FERNET_KEY: it is probably not the older Keeper's key.")
	}
	if r.DryRun {
		e.say("This was a dry run; nothing was changed. Add --no-dry-run to do it.")
	}
	return err
}
