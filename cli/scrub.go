package cli

import (
	"context"
	"fmt"
	"io"
	"slices"

	"github.com/spf13/cobra"

	"github.com/your-org/keeper/api"
	"github.com/your-org/keeper/client"
)

func (e *env) scrubCommand() *cobra.Command {
	var environment string
	var detach bool
	cmd := &cobra.Command{
		Use: "scrub", Short: "Open every stored version and wrapped key, and name what is damaged", Args: cobra.NoArgs,
		Long: `Open every stored version and wrapped key at a set pace, while Keeper serves, and name what is
damaged. It changes nothing and shows no value. Interrupting the command does not stop the run.

EXIT STATUS
  0  everything was opened and is whole
  1  something is damaged: it was changed, moved or lost
  6  nothing damaged was found, and something could not be looked at; try again later`,
		RunE: func(cmd *cobra.Command, _ []string) error {
			ctx := cmd.Context()
			c, err := e.client()
			if err != nil {
				return err
			}
			started, err := c.StartKeyRuns(ctx, api.NewKeyRun{Kind: api.KeyScrub, EnvironmentID: api.EnvironmentNamed(environment)})
			if err != nil {
				return err
			}
			if detach {
				return e.see(ctx, c, started.Items, true)
			}
			return e.seeScrub(ctx, c, started.Items)
		},
	}
	cmd.Flags().StringVarP(&environment, "environment", "e", "", "only this environment, by name or id")
	cmd.Flags().BoolVar(&detach, "detach", false, "do not wait")
	return cmd
}

// seeScrub follows scrubs, and ends with the exit code of what they found.
func (e *env) seeScrub(ctx context.Context, c *client.Client, runs []api.KeyRun) error {
	names, err := environmentNames(ctx, c)
	if err != nil {
		return err
	}
	if err := e.follow(ctx, c, names, runs); err != nil {
		return err
	}
	findings := []api.KeyFinding{}
	for _, run := range runs {
		found, err := client.Collect(c.KeyFindings(ctx, run.ID))
		if err != nil {
			return err
		}
		findings = append(findings, found...)
		if run.Error != "" {
			e.say("%s: %s", run.ID, printable(sentence(run.Error, run.Hint)))
		}
	}
	err = e.print(scrubbed{Runs: runs, Findings: findings}, func(w io.Writer) {
		runGrid(w, runs, names)
		if len(findings) > 0 {
			fmt.Fprintln(w)
			findingGrid(w, findings, names)
		}
	})
	if err != nil {
		return err
	}
	return e.concludeScrub(runs, findings)
}

// scrubbed is what a scrub prints as JSON.
type scrubbed struct {
	Runs     []api.KeyRun     `json:"runs"`
	Findings []api.KeyFinding `json:"findings"`
}

func findingGrid(w io.Writer, findings []api.KeyFinding, names map[int64]string) {
	rows := make([][]any, len(findings))
	for i, f := range findings {
		rows[i] = []any{f.Kind, environmentName(names, f.EnvironmentID), f.ObjectKind, f.Object, f.Problem}
	}
	grid(w, []string{"finding", "environment", "what", "name", "why"}, rows)
}

// concludeScrub ends with the exit code of what was found.
func (e *env) concludeScrub(runs []api.KeyRun, findings []api.KeyFinding) error {
	whole := true
	for _, run := range runs {
		whole = whole && run.Status == api.KeyRunSucceeded
	}
	isDamage := func(f api.KeyFinding) bool { return f.Kind == api.FindingDamaged }
	switch {
	case slices.ContainsFunc(findings, isDamage):
		e.say("What is damaged will not mend by itself: bring it back from a backup, or write the secret anew.")
		return quietExit(exitFailed)
	case !whole:
		e.say("Not everything could be looked at. Try again later with: keeper scrub")
		return quietExit(exitUnavailable)
	default:
		return nil
	}
}
