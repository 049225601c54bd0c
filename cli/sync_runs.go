package cli

import (
	"cmp"
	"context"
	"fmt"
	"io"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/your-org/keeper/api"
	"github.com/your-org/keeper/client"
	"github.com/your-org/keeper/fault"
)

// runSearch is what the flags of sync runs say.
type runSearch struct {
	environment, destination, status, trigger, since, until, secret string
	limit                                                           int
}

func (e *env) syncRunsCommand() *cobra.Command {
	var s runSearch
	cmd := &cobra.Command{
		Use: "runs [RUN]", Short: "Search the history of runs, or show one secret by secret", Args: cobra.MaximumNArgs(1),
		Long: `Search the history of runs, the newest first; or show what one run found and did, secret by
secret. --since and --until take a day (2026-11-22), a time (2026-11-22T14:30:00Z), or how
long ago (36h).`,
		Example: `  keeper sync runs -d aws-main --status partial --since 24h
  keeper sync runs --secret payments/ --trigger manual
  keeper sync runs run_3f8a1c`,
		RunE: func(cmd *cobra.Command, args []string) error {
			c, err := e.client()
			if err != nil {
				return err
			}
			if len(args) == 1 {
				return e.showRun(cmd.Context(), c, args[0])
			}
			return e.searchRuns(cmd.Context(), c, s)
		},
	}
	flags := cmd.Flags()
	flags.StringVarP(&s.environment, "environment", "e", "", "only this environment, by name or id")
	flags.StringVarP(&s.destination, "destination", "d", "", "only this destination, by name or id")
	flags.StringVar(&s.status, "status", "", "queued, running, succeeded, partial, failed, interrupted or held")
	flags.StringVar(&s.trigger, "trigger", "", "change, schedule or manual")
	flags.StringVar(&s.since, "since", "", "begun then or later")
	flags.StringVar(&s.until, "until", "", "begun before")
	flags.StringVar(&s.secret, "secret", "", "with a secret among its results that has this in its name")
	flags.IntVar(&s.limit, "limit", 50, "at most so many")
	return cmd
}

func (e *env) searchRuns(ctx context.Context, c *client.Client, s runSearch) error {
	destinations, err := chosen(ctx, c, s.environment, s.destination)
	if err != nil {
		return err
	}
	params := api.ListRunsParams{EnvironmentID: s.environment, Status: api.RunStatus(s.status), Trigger: api.RunTrigger(s.trigger), Secret: s.secret}
	if params.Since, err = timeFlag("since", s.since, now()); err != nil {
		return err
	}
	if params.Until, err = timeFlag("until", s.until, now()); err != nil {
		return err
	}
	if s.destination != "" {
		if len(destinations) > 1 {
			return fault.New(fault.Invalid, "%d environments have a destination %q.", len(destinations), s.destination).WithHint("Name one with -e.")
		}
		params.DestinationID = destinations[0].ID
	}
	runs := []api.SyncRun{}
	for run, err := range c.Runs(ctx, params) {
		if err != nil {
			return err
		}
		if len(runs) == s.limit {
			e.say("There are more; narrow the search, or give a higher --limit.")
			break
		}
		runs = append(runs, run)
	}
	return e.print(runs, func(w io.Writer) {
		if len(runs) == 0 {
			fmt.Fprintln(w, "No run is like that.")
			return
		}
		names := destinationNames(destinations)
		rows := make([][]any, len(runs))
		for i, r := range runs {
			rows[i] = []any{r.ID, moment(r.StartedAt), names[r.DestinationID], r.Status, r.Trigger, fmt.Sprintf("%d of %d", r.Done, r.Total), runChanges(r.Counts), r.Error}
		}
		grid(w, []string{"run", "began", "destination", "result", "why it began", "looked at", "what it did", "why"}, rows)
	})
}

// runChanges says what a run did in few words.
func runChanges(n api.RunCounts) string {
	words := counted([]part{
		{n.Created, "created"},
		{n.Updated, "updated"},
		{n.Repaired, "repaired"},
		{n.Restored, "restored"},
		{n.Deleted, "deleted"},
		{n.Taken, "taken over"},
		{n.Held, "to decide"},
		{n.Failed, "failed"},
		{n.Unknown, "unknown"},
		{n.Foreign, "foreign"},
	})
	return cmp.Or(words, "nothing")
}

// part is how many of one kind there are.
type part struct {
	n    int
	what string
}

// counted tells the parts that there are, as "2 created, 1 failed"; "" for none.
func counted(parts []part) string {
	var words []string
	for _, p := range parts {
		if p.n > 0 {
			words = append(words, fmt.Sprintf("%d %s", p.n, p.what))
		}
	}
	return strings.Join(words, ", ")
}

// timeFlag reads a time as a flag gives it; "" is none.
func timeFlag(flag, text string, now time.Time) (time.Time, error) {
	if text == "" {
		return time.Time{}, nil
	}
	if ago, err := time.ParseDuration(text); err == nil {
		return now.Add(-ago), nil
	}
	for _, layout := range []string{time.DateOnly, time.RFC3339} {
		if at, err := time.Parse(layout, text); err == nil {
			return at, nil
		}
	}
	return time.Time{}, fault.New(fault.Invalid, "--%s %q is no time.", flag, text).
		WithHint("Give a day such as 2026-11-22, a time such as 2026-11-22T14:30:00Z, or how long ago, such as 36h.")
}

// runReport is what sync runs RUN prints as JSON.
type runReport struct {
	api.SyncRun
	Results []api.SyncResult `json:"results"`
}

func (e *env) showRun(ctx context.Context, c *client.Client, id string) error {
	run, err := c.GetRun(ctx, id)
	if err != nil {
		return err
	}
	report := runReport{SyncRun: run, Results: []api.SyncResult{}}
	for result, err := range c.Results(ctx, id, api.ListResultsParams{}) {
		if err != nil {
			return err
		}
		report.Results = append(report.Results, result)
	}
	return e.print(report, func(w io.Writer) {
		facts(w, "run", run.ID, "result", string(run.Status), "began", moment(run.StartedAt), "ended", moment(run.FinishedAt),
			"asked by", run.Actor, "looked at", fmt.Sprintf("%d of %d", run.Done, run.Total), "did", runChanges(run.Counts),
			"retry of", run.RetryOf, "plan", run.PlanID, "why", sentence(run.Error, run.Hint))
		if len(report.Results) == 0 {
			return
		}
		rows := make([][]any, len(report.Results))
		for i, r := range report.Results {
			rows[i] = []any{r.SecretName, r.Action, r.Status, sentence(r.Error, r.Hint)}
		}
		fmt.Fprintln(w)
		grid(w, []string{"secret", "operation", "state", "why, and what to do"}, rows)
	})
}

func (e *env) syncRetryCommand() *cobra.Command {
	var detach bool
	cmd := &cobra.Command{
		Use: "retry RUN", Short: "Try again what a run could not do, and wait for it", Args: cobra.ExactArgs(1),
		Long: `Try again what a run could not do, and wait for it: the secrets whose result failed or is
unknown, and that are not in sync by now. Interrupting the command does not stop the run.

EXIT STATUS
  0  the run succeeded
  1  some secret failed again`,
		RunE: func(cmd *cobra.Command, args []string) error {
			return e.watched(cmd.Context(), detach, func(ctx context.Context, c *client.Client) (api.SyncRun, error) { return c.RetryRun(ctx, args[0]) })
		},
	}
	cmd.Flags().BoolVar(&detach, "detach", false, "do not wait")
	return cmd
}

func (e *env) syncWatchCommand() *cobra.Command {
	return &cobra.Command{
		Use: "watch RUN", Short: "Follow a run until it ends", Args: cobra.ExactArgs(1),
		Long: `Follow a run until it ends: how much is done, how fast, and how long it still takes, no less
than the destination's quota allows. Interrupting the command does not stop the run.

EXIT STATUS
  0  the run succeeded
  1  some secret, or the run, failed`,
		RunE: func(cmd *cobra.Command, args []string) error {
			return e.watched(cmd.Context(), false, func(ctx context.Context, c *client.Client) (api.SyncRun, error) { return c.GetRun(ctx, args[0]) })
		},
	}
}

// watched begins or finds a run, and waits for its end.
func (e *env) watched(ctx context.Context, detach bool, find func(context.Context, *client.Client) (api.SyncRun, error)) error {
	c, err := e.client()
	if err != nil {
		return err
	}
	run, err := find(ctx, c)
	if err != nil {
		return err
	}
	if detach {
		return e.print(run, func(w io.Writer) { fmt.Fprintln(w, run.ID) })
	}
	destinations, err := chosen(ctx, c, "", "")
	if err != nil {
		return err
	}
	return e.waitFor(ctx, c, destinations, []api.SyncRun{run})
}

// followSync shows how far runs are until all have ended. Interrupting it leaves them going.
func (e *env) followSync(ctx context.Context, c *client.Client, names map[string]string, runs []api.SyncRun) error {
	m := e.meter()
	defer m.clear()
	for i := range runs {
		for runs[i].FinishedAt.IsZero() {
			m.show(syncLine(names[runs[i].DestinationID], runs[i]), now())
			err := pause(ctx, pollEvery)
			if err == nil {
				runs[i], err = awaited(ctx, func() (api.SyncRun, error) { return c.GetRun(ctx, runs[i].ID) }, "keeper sync watch "+runs[i].ID)
			}
			if ctx.Err() != nil {
				m.clear()
				e.say("The run %s goes on without this command. Look again with: keeper sync watch %s", runs[i].ID, runs[i].ID)
				return ctx.Err()
			}
			if err != nil {
				return err
			}
		}
	}
	return nil
}

// syncLine is how far a run is: "aws-main: 1200 of 10000 secrets (12 %), 39/s, 3m46s left".
func syncLine(where string, run api.SyncRun) string {
	switch {
	case run.Status == api.RunQueued:
		return where + ": waiting to begin"
	case run.Total == 0:
		return where + ": at work"
	}
	line := fmt.Sprintf("%s: %d of %d secrets (%d %%)", where, run.Done, run.Total, 100*run.Done/run.Total)
	line += paceWords(run.Rate, run.RemainingSeconds)
	if failed := run.Counts.Failed + run.Counts.Unknown; failed > 0 {
		line += fmt.Sprintf(", %d failed", failed)
	}
	return line
}
