package client

import (
	"context"
	"iter"
	"net/http"

	"github.com/your-org/keeper/api"
)

// ListKeys lists the wrapping keys, and what stands under each.
func (c *Client) ListKeys(ctx context.Context) (api.KeyList, error) {
	var list api.KeyList
	err := c.do(ctx, call{method: http.MethodGet, path: path("keys"), answer: &list})
	return list, err
}

// ListEnvironmentKeys lists the wrapping keys of one environment, and what of it stands under
// each.
func (c *Client) ListEnvironmentKeys(ctx context.Context, environment api.EnvironmentRef) (api.KeyList, error) {
	var list api.KeyList
	err := c.do(ctx, call{method: http.MethodGet, path: environmentPath(environment) + "/keys", answer: &list})
	return list, err
}

// TestKeys tries each permission that Keeper needs on its wrapping keys: those of one
// environment, or all.
func (c *Client) TestKeys(ctx context.Context, test api.KeyTest) (api.KeyCheckList, error) {
	var list api.KeyCheckList
	err := c.do(ctx, call{method: http.MethodPost, path: path("keys", "test"), body: test, answer: &list})
	return list, err
}

// AddRecipient has the data keys of an environment wrapped for one more. It returns the run
// that wraps those that stand already.
func (c *Client) AddRecipient(ctx context.Context, environment api.EnvironmentRef, recipient api.NewRecipient) (api.KeyRun, error) {
	return c.keyRun(ctx, call{method: http.MethodPost, path: environmentPath(environment) + "/recipients", body: recipient})
}

// RemoveRecipient has the data keys of an environment wrapped for one less. It returns the
// run that takes the wrapped keys away.
func (c *Client) RemoveRecipient(ctx context.Context, environment api.EnvironmentRef, params api.RemoveRecipientParams) (api.KeyRun, error) {
	return c.keyRun(ctx, call{method: http.MethodDelete, path: environmentPath(environment) + "/recipients", params: params})
}

// Drill sees whether each recipient of an environment alone opens a sample. An offline one
// gets a challenge for AnswerDrill.
func (c *Client) Drill(ctx context.Context, environment api.EnvironmentRef) (api.DrillResultList, error) {
	var list api.DrillResultList
	err := c.do(ctx, call{method: http.MethodPost, path: environmentPath(environment) + "/drills", answer: &list})
	return list, err
}

// AnswerDrill answers the challenge of an offline recipient.
func (c *Client) AnswerDrill(ctx context.Context, environment api.EnvironmentRef, answer api.DrillAnswer) (api.DrillResult, error) {
	var result api.DrillResult
	err := c.do(ctx, call{method: http.MethodPost, path: environmentPath(environment) + "/drills/answers", body: answer, answer: &result})
	return result, err
}

// StartKeyRuns starts a long work over keys. It returns the runs, which are queued.
func (c *Client) StartKeyRuns(ctx context.Context, order api.NewKeyRun) (api.KeyRunList, error) {
	var list api.KeyRunList
	err := c.do(ctx, call{method: http.MethodPost, path: path("key-runs"), body: order, answer: &list})
	return list, err
}

// ListKeyRuns gets a page of long works over keys, newest first.
func (c *Client) ListKeyRuns(ctx context.Context, params api.ListKeyRunsParams) (api.KeyRunList, error) {
	var list api.KeyRunList
	err := c.do(ctx, call{method: http.MethodGet, path: path("key-runs"), params: params, answer: &list})
	return list, err
}

// KeyRuns goes over all long works over keys that the parameters choose, newest first.
func (c *Client) KeyRuns(ctx context.Context, params api.ListKeyRunsParams) iter.Seq2[api.KeyRun, error] {
	return Iterate(func(cursor string) ([]api.KeyRun, string, error) {
		params.Cursor = cursor
		list, err := c.ListKeyRuns(ctx, params)
		return list.Items, list.Next, err
	})
}

// GetKeyRun reads how far a long work over keys is.
func (c *Client) GetKeyRun(ctx context.Context, id string) (api.KeyRun, error) {
	return c.keyRun(ctx, call{method: http.MethodGet, path: path("key-runs", id)})
}

// CancelKeyRun stops a long work over keys; what was done stays, and is whole.
func (c *Client) CancelKeyRun(ctx context.Context, id string) (api.KeyRun, error) {
	return c.keyRun(ctx, call{method: http.MethodPost, path: path("key-runs", id, "cancel")})
}

// ListKeyFindings gets a page of what a long work over keys could not open.
func (c *Client) ListKeyFindings(ctx context.Context, run string, params api.ListKeyFindingsParams) (api.KeyFindingList, error) {
	var list api.KeyFindingList
	err := c.do(ctx, call{method: http.MethodGet, path: path("key-runs", run, "findings"), params: params, answer: &list})
	return list, err
}

// KeyFindings goes over all that a long work over keys could not open.
func (c *Client) KeyFindings(ctx context.Context, run string) iter.Seq2[api.KeyFinding, error] {
	return Iterate(func(cursor string) ([]api.KeyFinding, string, error) {
		list, err := c.ListKeyFindings(ctx, run, api.ListKeyFindingsParams{Cursor: cursor})
		return list.Items, list.Next, err
	})
}

func (c *Client) keyRun(ctx context.Context, one call) (api.KeyRun, error) {
	var run api.KeyRun
	one.answer = &run
	err := c.do(ctx, one)
	return run, err
}
