package cli

import (
	"cmp"
	"context"
	"fmt"
	"io"
	"slices"
	"time"

	"github.com/spf13/cobra"

	"github.com/your-org/keeper/api"
	"github.com/your-org/keeper/client"
	"github.com/your-org/keeper/fault"
)

// pollEvery is how often a command that waits looks how far a run is.
const pollEvery = 300 * time.Millisecond

func now() time.Time { return time.Now() }

func (e *env) syncCommand() *cobra.Command {
	cmd := &cobra.Command{Use: "sync", Short: "Copies at destinations"}
	cmd.AddCommand(e.syncStatusCommand(), e.syncRunCommand(), e.syncPlanCommand(), e.syncApplyCommand(),
		e.syncConflictsCommand(), e.syncResolveCommand(), e.syncPauseCommand(true), e.syncPauseCommand(false),
		e.syncRunsCommand(), e.syncRetryCommand(), e.syncWatchCommand(), e.syncTestCommand(), e.syncReceiptCommand(), e.syncReceiptKeyCommand(), e.syncVerifyCommand(),
		e.syncImportCommand(), e.syncAdoptCommand(), e.syncReleaseCommand())
	return cmd
}

func (e *env) syncStatusCommand() *cobra.Command {
	var environment, destination string
	var all bool
	cmd := &cobra.Command{
		Use: "status", Short: "Show destinations, and the secrets whose copies are not in sync", Args: cobra.NoArgs,
		Long: `Show destinations, and the secrets whose copies are not in sync.

EXIT STATUS
  0  every copy is in sync
  1  some copy is not`,
		RunE: func(cmd *cobra.Command, _ []string) error {
			c, err := e.client()
			if err != nil {
				return err
			}
			destinations, err := chosen(cmd.Context(), c, environment, destination)
			if err != nil {
				return err
			}
			return e.syncStatus(cmd.Context(), c, destinations, all)
		},
	}
	cmd.Flags().StringVarP(&environment, "environment", "e", "", "only this environment, by name or id")
	cmd.Flags().StringVarP(&destination, "destination", "d", "", "only this destination, by name or id")
	cmd.Flags().BoolVar(&all, "all", false, "list the copies that are in sync too")
	return cmd
}

// chosen are the destinations of an environment that a name or an id stands for; "" stands
// for all.
func chosen(ctx context.Context, c *client.Client, environment, destination string) ([]api.Destination, error) {
	list, err := c.ListDestinations(ctx, api.ListDestinationsParams{EnvironmentID: environment})
	if err != nil || destination == "" {
		return list.Items, err
	}
	var found []api.Destination
	for _, d := range list.Items {
		if d.ID == destination || d.Name == destination {
			found = append(found, d)
		}
	}
	if len(found) == 0 {
		return nil, fault.New(fault.NotFound, "There is no destination %q.", destination).WithHint("keeper sync status shows which there are.")
	}
	return found, nil
}

// syncReport is what sync status prints as JSON.
type syncReport struct {
	Destinations []api.Destination `json:"destinations"`
	States       []api.SyncState   `json:"states"`
}

func (e *env) syncStatus(ctx context.Context, c *client.Client, destinations []api.Destination, all bool) error {
	report := syncReport{Destinations: destinations, States: []api.SyncState{}}
	counts := map[string]int{}
	apart := 0
	for _, d := range destinations {
		for state, err := range c.States(ctx, api.ListStatesParams{DestinationID: d.ID}) {
			if err != nil {
				return err
			}
			counts[d.ID]++
			if state.Status != "in_sync" {
				apart++
			}
			if all || state.Status != "in_sync" {
				report.States = append(report.States, state)
			}
		}
	}
	err := e.print(report, func(w io.Writer) {
		rows := make([][]any, len(destinations))
		for i, d := range destinations {
			rows[i] = []any{d.Name, d.Kind, counts[d.ID], destinationHealth(d), moment(d.LastRunAt)}
		}
		grid(w, []string{"destination", "kind", "secrets", "health", "last run"}, rows)
		if len(report.States) > 0 {
			fmt.Fprintln(w)
			printStateRows(w, destinations, report.States)
		}
	})
	if err == nil && apart > 0 {
		return quietExit(exitFailed)
	}
	return err
}

func destinationHealth(d api.Destination) string {
	switch {
	case d.Paused:
		return "paused"
	case d.LastRunStatus == api.RunHeld:
		return "held: " + d.LastError
	case d.LastError != "":
		return "failed: " + d.LastError
	case d.LastRunAt.IsZero():
		return "not synced yet"
	default:
		return string(d.LastRunStatus)
	}
}

func (e *env) printStates(ctx context.Context, c *client.Client, states []api.SyncState) error {
	destinations, err := chosen(ctx, c, "", "")
	if err != nil {
		return err
	}
	printStateRows(e.std.Out, destinations, states)
	return nil
}

func destinationNames(destinations []api.Destination) map[string]string {
	names := make(map[string]string, len(destinations))
	for _, d := range destinations {
		names[d.ID] = d.Name
	}
	return names
}

func printStateRows(w io.Writer, destinations []api.Destination, states []api.SyncState) {
	names := destinationNames(destinations)
	rows := make([][]any, len(states))
	for i, s := range states {
		rows[i] = []any{s.SecretName, names[s.DestinationID], s.Status, moment(s.Since), s.Next, cmp.Or(s.Error, s.Why)}
	}
	grid(w, []string{"secret", "destination", "state", "since", "next", "why"}, rows)
}

func (e *env) syncRunCommand() *cobra.Command {
	var environment, destination string
	var detach bool
	cmd := &cobra.Command{
		Use: "run", Short: "Look at every copy now, put right what is not, and wait for it", Args: cobra.NoArgs,
		Long: `Look at every copy now, put right what is not, and wait for it. Interrupting the command
does not stop the run.

EXIT STATUS
  0  every run succeeded
  1  some secret or some run failed`,
		RunE: func(cmd *cobra.Command, _ []string) error {
			c, err := e.client()
			if err != nil {
				return err
			}
			destinations, err := chosen(cmd.Context(), c, environment, destination)
			if err != nil {
				return err
			}
			runs, err := e.startRuns(cmd.Context(), c, destinations)
			if err != nil || detach {
				return err
			}
			return e.waitFor(cmd.Context(), c, destinations, runs)
		},
	}
	cmd.Flags().StringVarP(&environment, "environment", "e", "", "only this environment, by name or id")
	cmd.Flags().StringVarP(&destination, "destination", "d", "", "only this destination, by name or id")
	cmd.Flags().BoolVar(&detach, "detach", false, "do not wait")
	return cmd
}

// startRuns asks for a run of each destination that is not paused.
func (e *env) startRuns(ctx context.Context, c *client.Client, destinations []api.Destination) ([]api.SyncRun, error) {
	var runs []api.SyncRun
	for _, d := range destinations {
		if d.Paused {
			e.say("%s is paused and was left out.", d.Name)
			continue
		}
		run, err := c.SyncDestination(ctx, d.ID)
		if err != nil {
			return runs, err
		}
		runs = append(runs, run)
	}
	if len(runs) == 0 {
		return nil, fault.New(fault.NotFound, "There is no destination to sync.").WithHint("Connect one on the page of an environment.")
	}
	return runs, nil
}

func (e *env) waitFor(ctx context.Context, c *client.Client, destinations []api.Destination, runs []api.SyncRun) error {
	names := destinationNames(destinations)
	if err := e.followSync(ctx, c, names, runs); err != nil {
		return err
	}
	failed := slices.ContainsFunc(runs, func(r api.SyncRun) bool { return r.Status != api.RunSucceeded })
	err := e.print(runs, func(w io.Writer) {
		rows := make([][]any, len(runs))
		for i, r := range runs {
			n := r.Counts
			rows[i] = []any{names[r.DestinationID], r.Status, n.Checked, n.InSync, n.Created, n.Updated, n.Repaired, n.Restored, n.Deleted, n.Failed + n.Unknown, r.Error}
		}
		grid(w, []string{"destination", "result", "checked", "in sync", "created", "updated", "repaired", "restored", "deleted", "failed", "why"}, rows)
	})
	if err == nil && failed {
		return quietExit(exitFailed)
	}
	return err
}
