package client

import (
	"context"
	"net/http"

	"github.com/your-org/keeper/api"
)

// ListEnvironments lists the environments that the token may see, by name.
func (c *Client) ListEnvironments(ctx context.Context) (api.EnvironmentList, error) {
	var list api.EnvironmentList
	err := c.do(ctx, call{method: http.MethodGet, path: path("environments"), answer: &list})
	return list, err
}

// CreateEnvironment makes an environment.
func (c *Client) CreateEnvironment(ctx context.Context, environment api.NewEnvironment) (api.Environment, error) {
	var created api.Environment
	err := c.do(ctx, call{method: http.MethodPost, path: path("environments"), body: environment, answer: &created})
	return created, err
}

// GetEnvironment reads an environment, by id or name.
func (c *Client) GetEnvironment(ctx context.Context, environment api.EnvironmentRef) (api.Environment, error) {
	var found api.Environment
	err := c.do(ctx, call{method: http.MethodGet, path: environmentPath(environment), answer: &found})
	return found, err
}

// ReplaceEnvironment replaces an environment's settings, where its revision still is the one
// given (0: whatever it is).
func (c *Client) ReplaceEnvironment(ctx context.Context, environment api.EnvironmentRef, r api.ReplaceEnvironment, revision int64) (api.Environment, error) {
	var changed api.Environment
	err := c.do(ctx, call{method: http.MethodPut, path: environmentPath(environment), body: r, expect: revision, answer: &changed})
	return changed, err
}

// UpdateEnvironment changes some fields, where the environment's revision still is the one
// given (0: whatever it is).
func (c *Client) UpdateEnvironment(ctx context.Context, environment api.EnvironmentRef, change api.EnvironmentChange, revision int64) (api.Environment, error) {
	var changed api.Environment
	err := c.do(ctx, call{method: http.MethodPatch, path: environmentPath(environment), body: change, expect: revision, answer: &changed})
	return changed, err
}

// DeleteEnvironment deletes an environment that is empty, where its revision still is the
// one given (0: whatever it is).
func (c *Client) DeleteEnvironment(ctx context.Context, environment api.EnvironmentRef, revision int64) error {
	return c.do(ctx, call{method: http.MethodDelete, path: environmentPath(environment), expect: revision})
}

func environmentPath(environment api.EnvironmentRef) string {
	return path("environments", environment.String())
}
