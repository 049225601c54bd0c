package client

import (
	"context"
	"iter"
	"net/http"
	"strconv"

	"github.com/your-org/keeper/api"
)

// PlanSync saves what a full pass over a destination would do now.
func (c *Client) PlanSync(ctx context.Context, destination string) (api.Plan, error) {
	var plan api.Plan
	err := c.do(ctx, call{method: http.MethodPost, path: path("destinations", destination, "plans"), answer: &plan})
	return plan, err
}

// ListPlans gets a page of plans, newest first.
func (c *Client) ListPlans(ctx context.Context, params api.ListPlansParams) (api.PlanList, error) {
	var list api.PlanList
	err := c.do(ctx, call{method: http.MethodGet, path: path("sync", "plans"), params: params, answer: &list})
	return list, err
}

// GetPlan reads a plan.
func (c *Client) GetPlan(ctx context.Context, id string) (api.Plan, error) {
	var plan api.Plan
	err := c.do(ctx, call{method: http.MethodGet, path: path("sync", "plans", id), answer: &plan})
	return plan, err
}

// PlanItems goes over all items of a plan, by the secret's id.
func (c *Client) PlanItems(ctx context.Context, id string) iter.Seq2[api.PlanItem, error] {
	return func(yield func(api.PlanItem, error) bool) {
		for after := int64(0); ; {
			var list api.PlanItemList
			err := c.do(ctx, call{
				method: http.MethodGet, path: path("sync", "plans", id, "items"), params: api.ListPlanItemsParams{After: after}, answer: &list,
			})
			if err != nil {
				yield(api.PlanItem{}, err)
				return
			}
			for _, item := range list.Items {
				if after = item.SecretID; !yield(item, nil) {
					return
				}
			}
			if len(list.Items) == 0 {
				return
			}
		}
	}
}

// ApplyPlan asks for a run that does exactly what a plan says. The digest is that of the
// plan as it was seen.
func (c *Client) ApplyPlan(ctx context.Context, id, digest string) (api.SyncRun, error) {
	var run api.SyncRun
	err := c.do(ctx, call{method: http.MethodPost, path: path("sync", "plans", id, "apply"), body: api.PlanApproval{Digest: digest}, answer: &run})
	return run, err
}

// DiscardPlan ends a plan that nobody wants.
func (c *Client) DiscardPlan(ctx context.Context, id string) (api.Plan, error) {
	var plan api.Plan
	err := c.do(ctx, call{method: http.MethodPost, path: path("sync", "plans", id, "discard"), answer: &plan})
	return plan, err
}

// ListHolds gets a page of the differences of a destination that wait for a person.
func (c *Client) ListHolds(ctx context.Context, destination string, params api.ListHoldsParams) (api.HoldList, error) {
	var list api.HoldList
	err := c.do(ctx, call{method: http.MethodGet, path: path("destinations", destination, "holds"), params: params, answer: &list})
	return list, err
}

// GetHold reads the difference that a secret has at a destination.
func (c *Client) GetHold(ctx context.Context, destination string, secret int64) (api.Hold, error) {
	var hold api.Hold
	err := c.do(ctx, call{method: http.MethodGet, path: path("destinations", destination, "holds", strconv.FormatInt(secret, 10)), answer: &hold})
	return hold, err
}

// Rule decides a difference.
func (c *Client) Rule(ctx context.Context, destination string, secret int64, ruling api.Ruling) error {
	return c.do(ctx, call{method: http.MethodPost, path: path("destinations", destination, "holds", strconv.FormatInt(secret, 10)), body: ruling})
}

// RevealRemote reads the value that a destination holds of a secret now.
func (c *Client) RevealRemote(ctx context.Context, destination string, secret int64) (api.Value, error) {
	var value api.RemoteValue
	err := c.do(ctx, call{method: http.MethodGet, path: path("destinations", destination, "values", strconv.FormatInt(secret, 10)), answer: &value})
	return value.Value, err
}
