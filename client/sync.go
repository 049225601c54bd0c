package client

import (
	"context"
	"iter"
	"net/http"

	"github.com/your-org/keeper/api"
)

// Sync asks for a full pass over every destination: of one environment, or of all in which
// the token may. It returns the runs, which are queued.
func (c *Client) Sync(ctx context.Context, request api.SyncRequest) (api.SyncRunList, error) {
	var list api.SyncRunList
	err := c.do(ctx, call{method: http.MethodPost, path: path("sync"), body: request, answer: &list})
	return list, err
}

// SyncDestination asks for a full pass over one destination.
func (c *Client) SyncDestination(ctx context.Context, id string) (api.SyncRun, error) {
	var run api.SyncRun
	err := c.do(ctx, call{method: http.MethodPost, path: path("destinations", id, "sync"), answer: &run})
	return run, err
}

// ListStates gets a page of what is known of secrets at destinations.
func (c *Client) ListStates(ctx context.Context, params api.ListStatesParams) (api.SyncStateList, error) {
	var list api.SyncStateList
	err := c.do(ctx, call{method: http.MethodGet, path: path("sync", "states"), params: params, answer: &list})
	return list, err
}

// States goes over all states that the parameters choose.
func (c *Client) States(ctx context.Context, params api.ListStatesParams) iter.Seq2[api.SyncState, error] {
	return Iterate(func(cursor string) ([]api.SyncState, string, error) {
		params.Cursor = cursor
		list, err := c.ListStates(ctx, params)
		return list.Items, list.Next, err
	})
}

// ListRuns gets a page of runs, newest first.
func (c *Client) ListRuns(ctx context.Context, params api.ListRunsParams) (api.SyncRunList, error) {
	var list api.SyncRunList
	err := c.do(ctx, call{method: http.MethodGet, path: path("sync", "runs"), params: params, answer: &list})
	return list, err
}

// Runs goes over all runs that the parameters choose, newest first.
func (c *Client) Runs(ctx context.Context, params api.ListRunsParams) iter.Seq2[api.SyncRun, error] {
	return Iterate(func(cursor string) ([]api.SyncRun, string, error) {
		params.Cursor = cursor
		list, err := c.ListRuns(ctx, params)
		return list.Items, list.Next, err
	})
}

// GetRun reads a run.
func (c *Client) GetRun(ctx context.Context, id string) (api.SyncRun, error) {
	var run api.SyncRun
	err := c.do(ctx, call{method: http.MethodGet, path: path("sync", "runs", id), answer: &run})
	return run, err
}

// RetryRun asks for what a run could not do to be tried again.
func (c *Client) RetryRun(ctx context.Context, id string) (api.SyncRun, error) {
	var run api.SyncRun
	err := c.do(ctx, call{method: http.MethodPost, path: path("sync", "runs", id, "retry"), answer: &run})
	return run, err
}

// ListResults gets a page of what a run found or did, secret by secret.
func (c *Client) ListResults(ctx context.Context, run string, params api.ListResultsParams) (api.SyncResultList, error) {
	var list api.SyncResultList
	err := c.do(ctx, call{method: http.MethodGet, path: path("sync", "runs", run, "results"), params: params, answer: &list})
	return list, err
}

// Results goes over all results of a run, or over those that another try may mend.
func (c *Client) Results(ctx context.Context, run string, params api.ListResultsParams) iter.Seq2[api.SyncResult, error] {
	return Iterate(func(cursor string) ([]api.SyncResult, string, error) {
		params.Cursor = cursor
		list, err := c.ListResults(ctx, run, params)
		return list.Items, list.Next, err
	})
}
