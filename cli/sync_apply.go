package cli

import (
	"cmp"
	"context"
	"encoding/json"
	"os"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"github.com/your-org/keeper/api"
	"github.com/your-org/keeper/client"
	"github.com/your-org/keeper/fault"
)

func (e *env) syncApplyCommand() *cobra.Command {
	var detach bool
	cmd := &cobra.Command{
		Use: "apply FILE|ID", Short: "Do exactly what a plan says", Args: cobra.ExactArgs(1), Annotations: tells(),
		Long: `Do exactly what a plan says, and wait for it. The plan is a file that sync plan saved, or
the id of a plan. Where anything has moved since it was made, in Keeper or at the
destination, nothing is done at all. A plan that the brake holds takes the role manager.

A file with the plans of several destinations begins one run after the other; where one is
refused, those after it do not begin, and those before it are waited for. A file that was
changed since it was saved begins none.

EXIT STATUS
  0  done, or the plan has nothing to do
  1  some secret failed, the plan was refused, or the call is wrong`,
		RunE: func(cmd *cobra.Command, args []string) error { return e.apply(cmd.Context(), args[0], detach) },
	}
	cmd.Flags().BoolVar(&detach, "detach", false, "do not wait")
	return cmd
}

// apply carries out plans. Where one of several is refused, it tells of what had begun by then
// and waits for it, before it fails.
func (e *env) apply(ctx context.Context, named string, detach bool) error {
	c, err := e.client()
	if err != nil {
		return err
	}
	plans, err := plansNamed(ctx, c, named)
	if err != nil {
		return err
	}
	if len(plans) == 0 {
		e.say("The plan has nothing to do.")
		return nil
	}
	runs, refused := begin(ctx, c, plans)
	if len(runs) == 0 {
		return refused
	}
	destinations, err := chosen(ctx, c, "", "")
	if refused != nil || err != nil {
		names := destinationNames(destinations)
		for _, run := range runs {
			e.say("The run %s over %s had begun.", run.ID, cmp.Or(names[run.DestinationID], run.DestinationID))
		}
	}
	if err != nil {
		return cmp.Or(refused, err)
	}
	if !detach {
		err = e.waitFor(ctx, c, destinations, runs)
	}
	if refused != nil {
		return refused
	}
	return err
}

// begin asks for the runs of plans, each by the digest that it had when it was looked at, until
// one is refused.
func begin(ctx context.Context, c *client.Client, plans []savedPlan) (runs []api.SyncRun, err error) {
	for _, plan := range plans {
		run, err := c.ApplyPlan(ctx, plan.ID, plan.Digest)
		if err != nil {
			return runs, err
		}
		runs = append(runs, run)
	}
	return runs, nil
}

// plansNamed are the plans in a file that have anything to do, or the one with an id, whose
// digest nobody has.
func plansNamed(ctx context.Context, c *client.Client, named string) ([]savedPlan, error) {
	text, err := os.ReadFile(named)
	if os.IsNotExist(err) && strings.HasPrefix(named, "pln_") {
		return []savedPlan{{Plan: api.Plan{ID: named}}}, nil
	}
	if err != nil {
		return nil, fault.Wrap(err, fault.Invalid, "There is no plan %s: neither a file that can be read nor the id of a plan.", named).
			WithHint(makesPlan)
	}
	var plans []savedPlan
	if json.Unmarshal(text, &plans) != nil || len(plans) == 0 {
		return nil, fault.New(fault.Invalid, "The file %s does not hold a plan.", named).WithHint(makesPlan)
	}
	for _, plan := range plans {
		if err := unchanged(ctx, c, named, plan); err != nil {
			return nil, err
		}
	}
	return slices.DeleteFunc(plans, func(p savedPlan) bool { return len(p.Items) == 0 }), nil
}

const makesPlan = "keeper sync plan --out FILE makes one."

// unchanged refuses a plan of a file that does not say what Keeper would do: one without the
// digest by which Keeper tells it, and one whose items are not those that Keeper keeps. Those
// are compared themselves, since only the server knows what its digest is over.
func unchanged(ctx context.Context, c *client.Client, file string, plan savedPlan) error {
	if plan.ID == "" || plan.Digest == "" {
		return fault.New(fault.Invalid, "A plan in the file %s has no id or no digest; nothing was started.", file).WithHint(makesPlan)
	}
	kept, err := client.Collect(c.PlanItems(ctx, plan.ID))
	if err != nil {
		return err
	}
	if !slices.Equal(kept, plan.Items) {
		return fault.New(fault.Stale, "The file %s was changed since the plan was saved; nothing was started.", file).WithHint("Make a new plan.")
	}
	return nil
}
