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

// planChanges is the exit code of sync plan by which a pipeline can tell that there is
// something to approve.
const planChanges = 2

// savedPlan is a plan as sync plan prints and saves it: what would be done, no values.
type savedPlan struct {
	api.Plan
	Destination string         `json:"destination"`
	Items       []api.PlanItem `json:"items"`
}

func (e *env) syncPlanCommand() *cobra.Command {
	var environment, destination, out string
	cmd := &cobra.Command{
		Use: "plan", Short: "Show what a sync would do, and save it to be applied", Args: cobra.NoArgs, Annotations: tells(),
		Long: `Show what a sync would do now, secret by secret, and save it to be applied. Nothing is
changed, and no value is shown or saved. A plan that is applied does exactly what it says,
and nothing at all where anything has moved since. A destination that is paused is not looked
at; the plans of the others are made all the same.

EXIT STATUS
  0  nothing is to be done
  1  failed, the call is wrong, or a destination was not looked at
  2  there are changes, or secrets that a person has to see to`,
		Example: `  keeper sync plan --environment production --out plan.json
  keeper sync apply plan.json`,
		RunE: func(cmd *cobra.Command, _ []string) error {
			changes, err := e.plan(cmd.Context(), environment, destination, out)
			if err == nil && changes {
				return quietExit(planChanges)
			}
			return err
		},
	}
	cmd.Flags().StringVarP(&environment, "environment", "e", "", "only this environment, by name or id")
	cmd.Flags().StringVarP(&destination, "destination", "d", "", "only this destination, by name or id")
	cmd.Flags().StringVar(&out, "out", "", "save the plan in this file, for sync apply")
	return cmd
}

// plan makes, prints and saves a plan of each destination, and reports whether one of them
// has anything to do or to tell. It fails where one was not looked at: nobody knows whether
// there is anything to do about that.
func (e *env) plan(ctx context.Context, environment, destination, out string) (changes bool, err error) {
	c, err := e.client()
	if err != nil {
		return false, err
	}
	destinations, err := chosen(ctx, c, environment, destination)
	if err != nil {
		return false, err
	}
	if len(destinations) == 0 {
		return false, fault.New(fault.NotFound, "There is no destination to plan for.").WithHint("Connect one on the page of an environment.")
	}
	plans, paused := []savedPlan{}, []string{}
	for _, d := range destinations {
		if d.Paused {
			paused = append(paused, d.Name)
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
	err = e.print(plans, func(w io.Writer) {
		for _, plan := range plans {
			printPlan(w, plan)
		}
	})
	if err == nil && len(paused) > 0 {
		err = fault.New(fault.Conflict, "Left out, since they are paused: %s. Whether there is anything to do about them is not known.", strings.Join(paused, ", ")).
			WithHint("keeper sync resume goes on with them; -d chooses another destination.")
	}
	return changes, err
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
