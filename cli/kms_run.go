package cli

import (
	"cmp"
	"context"
	"fmt"
	"io"

	"github.com/spf13/cobra"

	"github.com/your-org/keeper/api"
	"github.com/your-org/keeper/client"
)

const runExits = `

EXIT STATUS
  0  all is done
  1  something could not be done, or the run failed or was cancelled; what was done stays`

func (e *env) kmsRotateCommand() *cobra.Command {
	order := api.NewKeyRun{Kind: api.KeyRewrap}
	var environment string
	var detach bool
	cmd := &cobra.Command{
		Use: "rotate", Short: "Wrap data keys anew: under another key, or for exactly those for whom they should be", Args: cobra.NoArgs,
		Long: `Wrap data keys anew, while Keeper serves. Versions stay as they are. With --to, that key becomes
the environment's wrapping key; with --key-id, everything that stands under that key is moved
away from it, in all environments unless one is named. With both and no environment, the key of
--to becomes the wrapping key of all of those, whichever they have: also where that of --key-id
is a former key by now. It ends by saying whether anything stands under the old key any more: only where
nothing does may it be disabled. Interrupting the command does not stop the run.` + runExits,
		Example: `  keeper kms rotate --environment production --to alias/keeper-2027
  keeper kms rotate --key-id alias/keeper-2026`,
		RunE: func(cmd *cobra.Command, _ []string) error {
			order.EnvironmentID = api.EnvironmentNamed(environment)
			return e.startAndFollow(cmd.Context(), order, detach)
		},
	}
	flags := cmd.Flags()
	flags.StringVarP(&environment, "environment", "e", "", "environment whose data keys are wrapped anew, by name or id")
	flags.StringVar(&order.FromKey, "key-id", "", "key under which nothing shall stand in the end: id, ARN or alias")
	flags.StringVar(&order.ToKey, "to", "", "the wrapping key from now on; default: as it is set")
	flags.BoolVar(&detach, "detach", false, "do not wait")
	cmd.MarkFlagsOneRequired("environment", "key-id")
	return cmd
}

func (e *env) kmsReencryptCommand() *cobra.Command {
	var environment string
	var detach bool
	cmd := &cobra.Command{
		Use: "reencrypt", Short: "Seal every version anew under new data keys", Args: cobra.NoArgs,
		Long: `Seal every version and credential of an environment anew under new data keys, while Keeper
serves: for a data key that may have been seen. It takes longer than "keeper kms rotate", which
changes only what the data keys are wrapped under, and a minute at least: so long may servers go
on sealing under the old data keys. Interrupting the command does not stop the run.` + runExits,
		RunE: func(cmd *cobra.Command, _ []string) error {
			return e.startAndFollow(cmd.Context(), api.NewKeyRun{Kind: api.KeyReencrypt, EnvironmentID: api.EnvironmentNamed(environment)}, detach)
		},
	}
	bindEnvironment(cmd, &environment)
	cmd.Flags().BoolVar(&detach, "detach", false, "do not wait")
	return cmd
}

// startAndFollow starts runs, shows how far they are, and reports.
func (e *env) startAndFollow(ctx context.Context, order api.NewKeyRun, detach bool) error {
	c, err := e.client()
	if err != nil {
		return err
	}
	started, err := c.StartKeyRuns(ctx, order)
	if err != nil {
		return err
	}
	if len(started.Items) == 0 {
		e.say("There is nothing to do.")
	}
	return e.see(ctx, c, started.Items, detach)
}

// see follows runs that were started, unless it is told not to, and reports.
func (e *env) see(ctx context.Context, c *client.Client, runs []api.KeyRun, detach bool) error {
	names, err := environmentNames(ctx, c)
	if err != nil {
		return err
	}
	if detach {
		e.leave(runs)
		return e.printRuns(runs, names)
	}
	if err := e.follow(ctx, c, names, runs); err != nil {
		return err
	}
	if err := e.printRuns(runs, names); err != nil {
		return err
	}
	return e.conclude(ctx, c, runs)
}

// conclude says how runs ended and what still stands under keys that nothing should stand
// under, and ends with the exit code that tells it.
func (e *env) conclude(ctx context.Context, c *client.Client, runs []api.KeyRun) error {
	failed, moved := false, false
	for _, run := range runs {
		failed = failed || run.Status != api.KeyRunSucceeded
		moves := run.Kind == api.KeyRewrap || run.Kind == api.KeyMigrate
		moved = moved || moves
		if err := e.sayEnd(ctx, c, run, moves); err != nil {
			return err
		}
	}
	if moved {
		if err := e.sayStanding(ctx, c, runs); err != nil {
			return err
		}
	}
	if failed {
		return quietExit(exitFailed)
	}
	return nil
}

// sayEnd says how a run ended. Whether a key may be disabled a run knows of its own end alone,
// and sayStanding of all.
func (e *env) sayEnd(ctx context.Context, c *client.Client, run api.KeyRun, moves bool) error {
	if run.Error != "" {
		e.say("%s: %s", run.ID, printable(sentence(run.Error, run.Hint)))
	} else if run.Hint != "" && !moves {
		e.say("%s", printable(run.Hint))
	}
	if run.Findings == 0 {
		return nil
	}
	return e.sayFindings(ctx, c, run.ID)
}

// sayStanding says of each key that the runs were to empty whether it may be disabled. What
// stands where is asked anew, in all environments: what a run says is of its own end.
func (e *env) sayStanding(ctx context.Context, c *client.Client, runs []api.KeyRun) error {
	all, err := c.ListKeys(ctx)
	if err != nil {
		return err
	}
	for _, k := range all.Items {
		id := printable(cmp.Or(k.ID, k.Name))
		switch {
		case k.CanClose:
			e.say("Nothing stands under %s any more: it may be disabled.", id)
		case emptied(k, runs):
			for _, u := range k.Usages {
				e.say("Do not disable %s: in %s it is %s, and %d data keys stand under it.", id, printable(u.Environment), u.Role, u.DataKeys)
			}
		}
	}
	return nil
}

// emptied reports whether one of the runs was to leave nothing under a key.
func emptied(k api.Key, runs []api.KeyRun) bool {
	for _, run := range runs {
		if run.FromKey == run.ToKey {
			continue // wrapped anew under the key that it stood under
		}
		if run.FromKey != "" && (run.FromKey == k.ID || run.FromKey == k.Name) {
			return true
		}
		for _, u := range k.Usages {
			if u.Role == api.RoleFormer && u.EnvironmentID == run.EnvironmentID {
				return true
			}
		}
	}
	return false
}

func (e *env) sayFindings(ctx context.Context, c *client.Client, run string) error {
	for f, err := range c.KeyFindings(ctx, run) {
		if err != nil {
			return err
		}
		e.sayFinding(f)
	}
	return nil
}

func (e *env) sayFinding(f api.KeyFinding) {
	e.say("%s: %s %s: %s", f.Kind, printable(f.ObjectKind), printable(f.Object), printable(f.Problem))
}

func (e *env) kmsRunsCommand() *cobra.Command {
	var params api.ListKeyRunsParams
	var kind string
	cmd := &cobra.Command{
		Use: "runs", Short: "List re-wraps, re-encryptions, migrations and scrubs, newest first", Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			c, err := e.client()
			if err != nil {
				return err
			}
			params.Kind = api.KeyRunKind(kind)
			list, err := c.ListKeyRuns(cmd.Context(), params)
			if err != nil {
				return err
			}
			names, err := environmentNames(cmd.Context(), c)
			if err != nil {
				return err
			}
			return e.printRuns(list.Items, names)
		},
	}
	cmd.Flags().StringVarP(&params.EnvironmentID, "environment", "e", "", "only this environment, by name or id")
	cmd.Flags().StringVar(&kind, "kind", "", "only rewrap, reencrypt, migrate or scrub")
	return cmd
}

func (e *env) printRuns(runs []api.KeyRun, names map[int64]string) error {
	return e.print(runs, func(w io.Writer) { runGrid(w, runs, names) })
}

func runGrid(w io.Writer, runs []api.KeyRun, names map[int64]string) {
	rows := make([][]any, len(runs))
	for i, r := range runs {
		rows[i] = []any{r.ID, environmentName(names, r.EnvironmentID), r.Kind, r.Status, r.Done, r.Total, r.Failed, r.Calls, moment(r.CreatedAt), took(r), r.CreatedBy}
	}
	grid(w, []string{"run", "environment", "kind", "result", "done", "of", "failed", "calls", "asked", "took", "by"}, rows)
}

func (e *env) kmsRunCommand() *cobra.Command {
	var follow bool
	cmd := &cobra.Command{
		Use: "run ID", Short: "Show how far a run over keys is, and what it could not open", Args: cobra.ExactArgs(1),
		Long: `Show how far a run over keys is, and what it could not open. With --follow, go on showing it
until it ends, with the exit status of the command that started it.` + runExits,
		RunE: func(cmd *cobra.Command, args []string) error {
			ctx := cmd.Context()
			c, err := e.client()
			if err != nil {
				return err
			}
			run, err := c.GetKeyRun(ctx, args[0])
			if err != nil {
				return err
			}
			if follow && run.Kind == api.KeyScrub {
				return e.seeScrub(ctx, c, []api.KeyRun{run})
			}
			if follow {
				return e.see(ctx, c, []api.KeyRun{run}, false)
			}
			return e.printRun(ctx, c, run)
		},
	}
	cmd.Flags().BoolVar(&follow, "follow", false, "go on until it ends")
	return cmd
}

func (e *env) printRun(ctx context.Context, c *client.Client, run api.KeyRun) error {
	names, err := environmentNames(ctx, c)
	if err != nil {
		return err
	}
	err = e.print(run, func(w io.Writer) {
		facts(w, "run", run.ID, "kind", string(run.Kind), "environment", environmentName(names, run.EnvironmentID), "result", string(run.Status),
			"progress", progressLine(environmentName(names, run.EnvironmentID), run), "from", run.FromKey, "to", run.ToKey,
			"still under it", remaining(run), "calls", fmt.Sprint(run.Calls), "asked", moment(run.CreatedAt), "by", run.CreatedBy,
			"began", moment(run.StartedAt), "ended", moment(run.FinishedAt), "note", sentence(run.Error, run.Hint))
	})
	if err == nil && run.Findings > 0 {
		err = e.sayFindings(ctx, c, run.ID)
	}
	return err
}

func remaining(run api.KeyRun) string {
	if run.FromKey == "" {
		return ""
	}
	return fmt.Sprintf("%d data keys", run.Remaining)
}

func (e *env) kmsCancelCommand() *cobra.Command {
	return &cobra.Command{
		Use: "cancel ID", Short: "Stop a run over keys; what was done stays, and is whole", Args: cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			c, err := e.client()
			if err != nil {
				return err
			}
			run, err := c.CancelKeyRun(cmd.Context(), args[0])
			if err != nil {
				return err
			}
			return e.printRun(cmd.Context(), c, run)
		},
	}
}
