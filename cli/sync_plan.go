package cli

import (
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"os"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/your-org/keeper/api"
	"github.com/your-org/keeper/client"
	"github.com/your-org/keeper/fault"
)

// The exit codes of sync plan, which differ from the other commands' so that a pipeline can
// tell by them whether there is something to approve.
const (
	planError   = 1
	planChanges = 2
)

// savedPlan is a plan as sync plan prints and saves it: what would be done, no values.
type savedPlan struct {
	api.Plan
	Destination string         `json:"destination"`
	Items       []api.PlanItem `json:"items"`
}

func (e *env) syncPlanCommand() *cobra.Command {
	var environment, destination, out string
	cmd := &cobra.Command{
		Use: "plan", Short: "Show what a sync would do, and save it to be applied", Args: cobra.NoArgs,
		Long: `Show what a sync would do now, secret by secret, and save it to be applied. Nothing is
changed, and no value is shown or saved. A plan that is applied does exactly what it says,
and nothing at all where anything has moved since.

EXIT STATUS
  0  nothing is to be done
  1  failed
  2  there are changes, or secrets that a person has to see to`,
		Example: `  keeper sync plan --environment production --out plan.json
  keeper sync apply plan.json`,
		RunE: func(cmd *cobra.Command, _ []string) error {
			changes, err := e.plan(cmd.Context(), environment, destination, out)
			switch {
			case err != nil:
				_, text := explain(err)
				fmt.Fprintln(e.std.Err, "keeper: "+text)
				return quietExit(planError)
			case changes:
				return quietExit(planChanges)
			}
			return nil
		},
	}
	cmd.Flags().StringVarP(&environment, "environment", "e", "", "only this environment, by name or id")
	cmd.Flags().StringVarP(&destination, "destination", "d", "", "only this destination, by name or id")
	cmd.Flags().StringVar(&out, "out", "", "save the plan in this file, for sync apply")
	return cmd
}

// plan makes, prints and saves a plan of each destination, and reports whether one of them
// has anything to do or to tell.
func (e *env) plan(ctx context.Context, environment, destination, out string) (changes bool, err error) {
	c, err := e.client()
	if err != nil {
		return false, err
	}
	destinations, err := chosen(ctx, c, environment, destination)
	if err != nil {
		return false, err
	}
	plans := []savedPlan{}
	for _, d := range destinations {
		if d.Paused {
			e.say("%s is paused and was left out.", d.Name)
			continue
		}
		plan, err := c.PlanSync(ctx, d.ID)
		if err != nil {
			return false, err
		}
		saved := savedPlan{Plan: plan, Destination: d.Name, Items: []api.PlanItem{}}
		if saved.Items, err = client.Collect(c.PlanItems(ctx, plan.ID)); err != nil {
			return false, err
		}
		plans, changes = append(plans, saved), changes || len(saved.Items) > 0
	}
	if err := savePlans(out, plans); err != nil {
		return false, err
	}
	return changes, e.print(plans, func(w io.Writer) {
		for _, plan := range plans {
			printPlan(w, plan)
		}
	})
}

func savePlans(file string, plans []savedPlan) error {
	if file == "" {
		return nil
	}
	text, err := json.MarshalIndent(plans, "", "  ")
	if err == nil {
		err = os.WriteFile(file, append(text, '\n'), 0o600)
	}
	if err != nil {
		return fault.Wrap(err, fault.Invalid, "The plan cannot be saved in %s.", file)
	}
	return nil
}

func printPlan(w io.Writer, plan savedPlan) {
	fmt.Fprintf(w, "%s: %s\n", printable(plan.Destination), planSummary(plan.Counts))
	if len(plan.Items) > 0 {
		rows := make([][]any, len(plan.Items))
		for i, item := range plan.Items {
			rows[i] = []any{item.Action, item.SecretName, item.RemoteName, item.Status, cmp.Or(item.Problem, item.Why)}
		}
		grid(w, []string{"action", "secret", "name there", "state", "why"}, rows)
	}
	var calls []string
	for _, kind := range slices.Sorted(maps.Keys(plan.Counts.Calls)) {
		calls = append(calls, fmt.Sprintf("%d %s", plan.Counts.Calls[kind], kind))
	}
	takes := "not limited by a quota"
	if plan.Counts.Seconds > 0 {
		takes = "about " + max(time.Duration(float64(plan.Counts.Seconds)*float64(time.Second)).Round(time.Second), time.Second).String()
	}
	fmt.Fprintf(w, "calls at most: %s; %s\nplan %s\n\n", strings.Join(calls, ", "), takes, plan.ID)
}

func planSummary(c api.PlanCounts) string {
	words := counted([]part{
		{c.Creates, "to create"},
		{c.Updates, "to update"},
		{c.Repairs, "to repair"},
		{c.Restores, "to restore"},
		{c.Deletes, "to delete"},
		{c.Takes, "to take over into Keeper"},
		{c.Marks, "to mark"},
		{c.Tunes, "to give the destination's settings"},
		{c.Held, "waiting for a person"},
		{c.Refused, "left alone"},
		{c.Problems, "with problems"},
	})
	return fmt.Sprintf("%s; %d looked at", cmp.Or(words, "nothing to do"), c.Looked)
}

func (e *env) syncApplyCommand() *cobra.Command {
	var detach bool
	cmd := &cobra.Command{
		Use: "apply FILE|ID", Short: "Do exactly what a plan says", Args: cobra.ExactArgs(1),
		Long: `Do exactly what a plan says, and wait for it. The plan is a file that sync plan saved, or
the id of a plan. Where anything has moved since it was made, in Keeper or at the
destination, nothing is done at all. A plan that the brake holds takes the role manager.

EXIT STATUS
  0  done
  1  some secret failed, or the plan was refused`,
		RunE: func(cmd *cobra.Command, args []string) error {
			c, err := e.client()
			if err != nil {
				return err
			}
			runs, err := applyPlans(cmd.Context(), c, args[0])
			if err != nil || detach {
				return err
			}
			destinations, err := chosen(cmd.Context(), c, "", "")
			if err != nil {
				return err
			}
			return e.waitFor(cmd.Context(), c, destinations, runs)
		},
	}
	cmd.Flags().BoolVar(&detach, "detach", false, "do not wait")
	return cmd
}

// applyPlans asks for the runs of the plans in a file, each by the digest that it had when it
// was looked at, or for that of the plan with an id.
func applyPlans(ctx context.Context, c *client.Client, named string) ([]api.SyncRun, error) {
	text, err := os.ReadFile(named)
	if os.IsNotExist(err) && strings.HasPrefix(named, "pln_") {
		run, err := c.ApplyPlan(ctx, named, "")
		return []api.SyncRun{run}, err
	}
	if err != nil {
		return nil, fault.Wrap(err, fault.Invalid, "There is no plan %s: neither a file that can be read nor the id of a plan.", named).
			WithHint("keeper sync plan --out FILE makes one.")
	}
	var plans []savedPlan
	if json.Unmarshal(text, &plans) != nil {
		return nil, fault.New(fault.Invalid, "The file %s does not hold a plan.", named).WithHint("keeper sync plan --out FILE makes one.")
	}
	var runs []api.SyncRun
	for _, plan := range plans {
		if len(plan.Items) == 0 {
			continue
		}
		run, err := c.ApplyPlan(ctx, plan.ID, plan.Digest)
		if err != nil {
			return runs, err
		}
		runs = append(runs, run)
	}
	if len(runs) == 0 {
		return nil, fault.New(fault.Invalid, "The plan has nothing to do.")
	}
	return runs, nil
}
