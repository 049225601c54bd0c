package client

import (
	"context"
	"net/http"

	"github.com/your-org/keeper/api"
)

// ListDestinations lists the destinations that the token may see.
func (c *Client) ListDestinations(ctx context.Context, params api.ListDestinationsParams) (api.DestinationList, error) {
	var list api.DestinationList
	err := c.do(ctx, call{method: http.MethodGet, path: path("destinations"), params: params, answer: &list})
	return list, err
}

// CreateDestination makes a destination; one whose connection does not work is not saved,
// unless SkipCheck is set.
func (c *Client) CreateDestination(ctx context.Context, destination api.NewDestination) (api.Destination, error) {
	return c.destination(ctx, call{method: http.MethodPost, path: path("destinations"), body: destination})
}

// GetDestination reads a destination.
func (c *Client) GetDestination(ctx context.Context, id string) (api.Destination, error) {
	return c.destination(ctx, call{method: http.MethodGet, path: path("destinations", id)})
}

// UpdateDestination changes some fields, where the destination's revision still is the one
// given (0: whatever it is).
func (c *Client) UpdateDestination(ctx context.Context, id string, change api.DestinationChange, revision int64) (api.Destination, error) {
	return c.destination(ctx, call{method: http.MethodPatch, path: path("destinations", id), body: change, expect: revision})
}

// DeleteDestination removes a destination from Keeper, where its revision still is the one
// given (0: whatever it is). Its copies stay where they are.
func (c *Client) DeleteDestination(ctx context.Context, id string, revision int64) error {
	return c.do(ctx, call{method: http.MethodDelete, path: path("destinations", id), expect: revision})
}

// TestDestination tries a destination's connection and permissions.
func (c *Client) TestDestination(ctx context.Context, id string) (api.DestinationTest, error) {
	var result api.DestinationTest
	err := c.do(ctx, call{method: http.MethodPost, path: path("destinations", id, "test"), answer: &result})
	return result, err
}

// PauseDestination stops writing to a destination.
func (c *Client) PauseDestination(ctx context.Context, id string) (api.Destination, error) {
	return c.destination(ctx, call{method: http.MethodPost, path: path("destinations", id, "pause")})
}

// ResumeDestination goes on writing to a destination.
func (c *Client) ResumeDestination(ctx context.Context, id string) (api.Destination, error) {
	return c.destination(ctx, call{method: http.MethodPost, path: path("destinations", id, "resume")})
}

func (c *Client) destination(ctx context.Context, one call) (api.Destination, error) {
	var d api.Destination
	one.answer = &d
	err := c.do(ctx, one)
	return d, err
}
