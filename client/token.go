package client

import (
	"context"
	"net/http"

	"github.com/your-org/keeper/api"
)

// GetMe reads who the token acts as, and what it may do.
func (c *Client) GetMe(ctx context.Context) (api.Me, error) {
	var me api.Me
	err := c.do(ctx, call{method: http.MethodGet, path: path("me"), answer: &me})
	return me, err
}

// ListTokens lists the user's own tokens, newest first.
func (c *Client) ListTokens(ctx context.Context) (api.TokenList, error) {
	var list api.TokenList
	err := c.do(ctx, call{method: http.MethodGet, path: path("tokens"), answer: &list})
	return list, err
}

// CreateToken makes a token. Text of the answer is the token itself, which the server keeps
// nowhere.
func (c *Client) CreateToken(ctx context.Context, token api.NewToken) (api.CreatedToken, error) {
	var created api.CreatedToken
	err := c.do(ctx, call{method: http.MethodPost, path: path("tokens"), body: token, answer: &created})
	return created, err
}

// RevokeToken ends a token with all that it made: one of the user's own, or, for
// administrators, anybody's.
func (c *Client) RevokeToken(ctx context.Context, id string) error {
	return c.do(ctx, call{method: http.MethodDelete, path: path("tokens", id)})
}

// RotateToken makes a token that takes over from another, which ends after the overlap.
func (c *Client) RotateToken(ctx context.Context, id string, rotation api.TokenRotation) (api.CreatedToken, error) {
	var created api.CreatedToken
	err := c.do(ctx, call{method: http.MethodPost, path: path("tokens", id, "rotate"), body: rotation, answer: &created})
	return created, err
}

// RevokeTokenByText ends a token that somebody found.
func (c *Client) RevokeTokenByText(ctx context.Context, text api.Value) error {
	return c.do(ctx, call{method: http.MethodPost, path: path("tokens", "revoke"), body: api.FoundToken{Text: text}})
}
