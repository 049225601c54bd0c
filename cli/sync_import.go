package cli

import (
	"cmp"
	"context"
	"fmt"
	"io"
	"os"
	"strings"

	"github.com/spf13/cobra"
	"golang.org/x/term"

	"github.com/your-org/keeper/api"
	"github.com/your-org/keeper/client"
	"github.com/your-org/keeper/fault"
)

// importing is what sync import and sync adopt are told.
type importing struct {
	environment, destination string
	purpose                  string
	prefix                   *string
	split                    *bool
	mapFile, writeMap        string
	apply                    string // the id of a preview
	adopt, yes               bool
	side                     string
}

// importReport is an import as the commands print it: names and facts, no values.
type importReport struct {
	api.Import
	Destination string           `json:"destination,omitempty"`
	Items       []api.ImportItem `json:"items"`
}

const importStatus = `

EXIT STATUS
  0  nothing is to be taken, or everything was
  1  failed, or some of it did, or the call is wrong
  2  there is something to take, or some of it was skipped`

func (e *env) syncImportCommand() *cobra.Command {
	o := importing{purpose: "import"}
	var prefix string
	var split, whole bool
	cmd := &cobra.Command{
		Use: "import", Short: "Show what a destination holds that is not Keeper's, and make secrets of it", Args: cobra.NoArgs, Annotations: tells(),
		Long: `Show what a destination holds that is not Keeper's, with the name, type and size of the secret
that each entry would become, and make secrets of it: with --apply and the id of what was
shown, with --yes at once, or after a question on a terminal. No value is shown. What has
changed since it was shown is skipped.

A name map is a CSV file of two columns: the name there, and the secret's. --write-map writes
it as Keeper proposes, --map reads it back; an empty second column leaves the entry out.` + importStatus,
		Example: `  keeper sync import -e production -d aws --prefix legacy/ --write-map names.csv
  keeper sync import -e production -d aws --prefix legacy/ --map names.csv
  keeper sync import --apply imp_… --adopt`,
		RunE: func(cmd *cobra.Command, _ []string) error {
			if cmd.Flags().Changed("prefix") {
				o.prefix = &prefix
			}
			if split || whole {
				o.split = &split
			}
			return e.imports(cmd.Context(), o)
		},
	}
	importFlags(cmd, &o)
	cmd.Flags().StringVar(&prefix, "prefix", "", `what the names there begin with, instead of the destination's prefix; "": all names`)
	cmd.Flags().BoolVar(&split, "split", false, "make a secret of each key of JSON objects and of entries with several keys")
	cmd.Flags().BoolVar(&whole, "whole", false, "make one secret of each entry, of type JSON where it has several keys")
	cmd.Flags().StringVar(&o.mapFile, "map", "", "read the name map from this file")
	cmd.Flags().StringVar(&o.writeMap, "write-map", "", "write the name map to this file, and import nothing")
	cmd.Flags().BoolVar(&o.adopt, "adopt", false, "have Keeper look after the entries from then on, where their names allow it")
	cmd.Flags().StringVar(&o.side, "side", "", "whose value counts where a secret has another one: keeper (with --adopt) or remote; else it is skipped")
	cmd.MarkFlagsMutuallyExclusive("split", "whole")
	cmd.MarkFlagsMutuallyExclusive("apply", "prefix")
	cmd.MarkFlagsMutuallyExclusive("apply", "map")
	cmd.MarkFlagsMutuallyExclusive("apply", "write-map")
	cmd.MarkFlagsMutuallyExclusive("yes", "write-map")
	return cmd
}

func (e *env) syncAdoptCommand() *cobra.Command {
	o := importing{purpose: "adopt", adopt: true}
	cmd := &cobra.Command{
		Use: "adopt", Short: "Compare what stands under the names of secrets, and look after it from then on", Args: cobra.NoArgs, Annotations: tells(),
		Long: `Compare what stands at a destination under the names of Keeper's secrets and is not Keeper's, and
look after it from then on: with --apply and the id of what was compared, with --yes at
once, or after a question on a terminal. No value is shown. The next pass, which begins at
once, marks each entry, if it still has the value that was compared. Where the values differ,
--side says which counts; the other one stays restorable. keeper sync release undoes it.` + importStatus,
		Example: `  keeper sync adopt -e production -d aws
  keeper sync adopt --apply imp_… --side keeper`,
		RunE: func(cmd *cobra.Command, _ []string) error { return e.imports(cmd.Context(), o) },
	}
	importFlags(cmd, &o)
	cmd.Flags().StringVar(&o.side, "side", "", "whose value counts where the two differ: keeper or remote; else it is skipped")
	return cmd
}

func importFlags(cmd *cobra.Command, o *importing) {
	cmd.Flags().StringVarP(&o.environment, "environment", "e", "", "the environment, by name or id")
	cmd.Flags().StringVarP(&o.destination, "destination", "d", "", "the destination, by name or id")
	cmd.Flags().StringVar(&o.apply, "apply", "", "take what was shown under this id")
	cmd.Flags().BoolVar(&o.yes, "yes", false, "take it at once, without a question")
	cmd.MarkFlagsOneRequired("apply", "destination")
	cmd.MarkFlagsMutuallyExclusive("apply", "destination")
	cmd.MarkFlagsMutuallyExclusive("apply", "yes")
}

// imports shows, and takes where that is wanted.
func (e *env) imports(ctx context.Context, o importing) error {
	code, err := e.importOnce(ctx, o)
	if err == nil && code != 0 {
		return quietExit(code)
	}
	return err
}

func (e *env) importOnce(ctx context.Context, o importing) (code int, err error) {
	c, err := e.client()
	if err != nil {
		return 0, err
	}
	if o.apply != "" {
		return e.applyImport(ctx, c, o.apply, o)
	}
	shown, err := e.previewImport(ctx, c, o)
	if err != nil || shown.Counts.Left == 0 || o.writeMap != "" || o.purpose == "adopt" && shown.Counts.Equal+shown.Counts.Different == 0 {
		return 0, err
	}
	if o.yes {
		return e.applyImport(ctx, c, shown.ID, o)
	}
	if in, ok := e.std.In.(*os.File); ok && term.IsTerminal(int(in.Fd())) && e.confirm("Type "+o.purpose+" to go on: ", o.purpose) {
		return e.applyImport(ctx, c, shown.ID, o)
	}
	e.say("Nothing was changed. keeper sync %s --apply %s takes what is shown.", o.purpose, shown.ID)
	return planChanges, nil
}

func (e *env) previewImport(ctx context.Context, c *client.Client, o importing) (importReport, error) {
	destinations, err := chosen(ctx, c, o.environment, o.destination)
	if err != nil {
		return importReport{}, err
	}
	if len(destinations) != 1 {
		return importReport{}, fault.New(fault.Invalid, "%s names %d destinations.", o.destination, len(destinations)).WithHint("Name the environment too, or give the destination's id.")
	}
	names, err := readNameMap(o.mapFile)
	if err != nil {
		return importReport{}, err
	}
	made, err := c.PreviewImport(ctx, destinations[0].ID, api.NewImport{Purpose: o.purpose, Prefix: o.prefix, Split: o.split, Names: names})
	if err != nil {
		return importReport{}, err
	}
	report := importReport{Import: made, Destination: destinations[0].Name}
	if report.Items, err = client.Collect(c.ImportItems(ctx, made.ID, api.ListImportItemsParams{})); err != nil {
		return report, err
	}
	if unused := unusedNames(names, report.Items); len(unused) > 0 {
		e.say("The name map speaks of %d names that are not there, such as %s.", len(unused), printable(unused[0]))
	}
	if o.writeMap != "" {
		if err := writeNameMap(o.writeMap, report.Items); err != nil {
			return report, err
		}
		e.say("The name map is in %s.", o.writeMap)
	}
	return report, e.print(report, func(w io.Writer) { printImport(w, report) })
}

func printImport(w io.Writer, r importReport) {
	c := r.Counts
	fmt.Fprintf(w, "%s: %d new, %d equal, %d different, %d with problems, %d left out; %d looked at, %d of them Keeper's\n",
		printable(r.Destination), c.New, c.Equal, c.Different, c.Problems, c.LeftOut, c.Listed, c.Marked)
	if len(r.Items) > 0 {
		rows := make([][]any, len(r.Items))
		for n, item := range r.Items {
			name := item.SecretName
			if item.Mended {
				name += " (mended)"
			}
			rows[n] = []any{item.Status, labelOf(item), name, item.SecretType, sizeOf(item), cmp.Or(problemOf(item), item.Note, keysOf(item))}
		}
		grid(w, []string{"found", "name there", "secret", "type", "bytes", "remark"}, rows)
	}
	fmt.Fprintf(w, "import %s\n", r.ID)
}

func problemOf(item api.ImportItem) string { return strings.TrimSpace(item.Problem + " " + item.Hint) }

func keysOf(item api.ImportItem) string {
	if len(item.Facts.Keys) == 0 {
		return ""
	}
	return "keys: " + strings.Join(item.Facts.Keys, ", ")
}

func sizeOf(item api.ImportItem) string {
	if item.Size == 0 {
		return ""
	}
	return fmt.Sprint(item.Size)
}

// labelOf is what a name map calls an item.
func labelOf(item api.ImportItem) string {
	if item.Key == "" {
		return item.RemoteName
	}
	return item.RemoteName + "#" + item.Key
}

func (e *env) applyImport(ctx context.Context, c *client.Client, id string, o importing) (code int, err error) {
	done, err := c.ApplyImport(ctx, id, api.ImportChoice{Adopt: o.adopt, Side: o.side})
	if err != nil {
		return 0, err
	}
	report := importReport{Import: done}
	if report.Items, err = client.Collect(c.ImportItems(ctx, id, api.ListImportItemsParams{})); err != nil {
		return 0, err
	}
	n := done.Counts
	err = e.print(report, func(w io.Writer) {
		fmt.Fprintf(w, "%d imported, %d updated, %d adopted, %d skipped, %d failed\n", n.Imported, n.Updated, n.Adopted, n.Skipped, n.Failed)
		var rows [][]any
		for _, item := range report.Items {
			if item.Result != "" {
				rows = append(rows, []any{resultOf(item), item.SecretName, labelOf(item), item.Why})
			}
		}
		if len(rows) > 0 {
			grid(w, []string{"result", "secret", "name there", "why"}, rows)
		}
	})
	switch {
	case err != nil:
		return 0, err
	case n.Failed > 0:
		return exitFailed, nil
	case n.Skipped > 0:
		return planChanges, nil
	}
	return 0, nil
}

func resultOf(item api.ImportItem) string {
	if !item.Adopted {
		return string(item.Result)
	}
	return string(item.Result) + ", adopted"
}

func (e *env) syncReleaseCommand() *cobra.Command {
	var environment, destination string
	cmd := &cobra.Command{
		Use: "release SECRET", Short: "Take Keeper's hands off a secret's copy at a destination", Args: cobra.ExactArgs(1),
		Long: `Take Keeper's hands off a secret's copy at a destination: the mark comes off, the value stays as
it is, and Keeper leaves the name alone from then on, until it is adopted again.`,
		Example: `  keeper sync release payments/db/password -e production -d aws`,
		RunE: func(cmd *cobra.Command, args []string) error {
			c, err := e.client()
			if err != nil {
				return err
			}
			destinations, err := chosen(cmd.Context(), c, environment, destination)
			if err != nil {
				return err
			}
			if len(destinations) != 1 {
				return fault.New(fault.Invalid, "%s names %d destinations.", destination, len(destinations)).WithHint("Give the destination's id.")
			}
			secret, err := c.FindSecret(cmd.Context(), api.EnvironmentNamed(environment), args[0], false)
			if err != nil {
				return err
			}
			if err := c.ReleaseCopy(cmd.Context(), destinations[0].ID, secret.ID); err != nil {
				return err
			}
			e.say("%s is no longer Keeper's at %s.", secret.Name, destinations[0].Name)
			return nil
		},
	}
	cmd.Flags().StringVarP(&environment, "environment", "e", "", "the secret's environment, by name or id")
	cmd.Flags().StringVarP(&destination, "destination", "d", "", "the destination, by name or id")
	_ = cmd.MarkFlagRequired("environment") // the flags exist
	_ = cmd.MarkFlagRequired("destination")
	return cmd
}
