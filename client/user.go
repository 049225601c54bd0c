package client

import (
	"context"
	"iter"
	"net/http"

	"github.com/your-org/keeper/api"
)

// ListUsers gets a page of accounts, by user name.
func (c *Client) ListUsers(ctx context.Context, params api.ListUsersParams) (api.UserList, error) {
	var list api.UserList
	err := c.do(ctx, call{method: http.MethodGet, path: path("users"), params: params, answer: &list})
	return list, err
}

// Users goes over all accounts that the parameters choose, by user name.
func (c *Client) Users(ctx context.Context, params api.ListUsersParams) iter.Seq2[api.User, error] {
	return Iterate(func(cursor string) ([]api.User, string, error) {
		params.Cursor = cursor
		list, err := c.ListUsers(ctx, params)
		return list.Items, list.Next, err
	})
}

// CreateUser makes an account. The answer is the only one that has a person's one-time
// password.
func (c *Client) CreateUser(ctx context.Context, user api.NewUser) (api.CreatedUser, error) {
	var made api.CreatedUser
	err := c.do(ctx, call{method: http.MethodPost, path: path("users"), body: user, answer: &made})
	return made, err
}

// GetUser reads an account, named by id or user name.
func (c *Client) GetUser(ctx context.Context, named string) (api.User, error) {
	var user api.User
	err := c.do(ctx, call{method: http.MethodGet, path: path("users", named), answer: &user})
	return user, err
}

// UpdateUser changes some fields, where the account's revision still is the one given (0:
// whatever it is).
func (c *Client) UpdateUser(ctx context.Context, named string, change api.UserChange, revision int64) (api.User, error) {
	var changed api.User
	err := c.do(ctx, call{method: http.MethodPatch, path: path("users", named), body: change, expect: revision, answer: &changed})
	return changed, err
}

// DeleteUser deletes an account, where its revision still is the one given (0: whatever it
// is).
func (c *Client) DeleteUser(ctx context.Context, named string, revision int64) error {
	return c.do(ctx, call{method: http.MethodDelete, path: path("users", named), expect: revision})
}

// ResetPassword gives a person a new one-time password, which stands in the answer only.
func (c *Client) ResetPassword(ctx context.Context, named string) (api.OneTimePassword, error) {
	var made api.OneTimePassword
	err := c.do(ctx, call{method: http.MethodPost, path: path("users", named, "password"), answer: &made})
	return made, err
}

// ResetFactors takes the authenticator app, the passkeys and the recovery codes from a user, and
// signs it out everywhere.
func (c *Client) ResetFactors(ctx context.Context, named string) error {
	return c.do(ctx, call{method: http.MethodPost, path: path("users", named, "reset-factors")})
}

// ListSessions lists a user's sessions, the last used first.
func (c *Client) ListSessions(ctx context.Context, named string) (api.SessionList, error) {
	var list api.SessionList
	err := c.do(ctx, call{method: http.MethodGet, path: path("users", named, "sessions"), answer: &list})
	return list, err
}

// RevokeSessions ends all of a user's sessions, and says how many there were.
func (c *Client) RevokeSessions(ctx context.Context, named string) (int, error) {
	var n api.Count
	err := c.do(ctx, call{method: http.MethodDelete, path: path("users", named, "sessions"), answer: &n})
	return n.Count, err
}

// RevokeSession ends one of a user's sessions.
func (c *Client) RevokeSession(ctx context.Context, named, session string) error {
	return c.do(ctx, call{method: http.MethodDelete, path: path("users", named, "sessions", session)})
}

// ListTokensOf lists a user's tokens, newest first.
func (c *Client) ListTokensOf(ctx context.Context, named string) (api.TokenList, error) {
	var list api.TokenList
	err := c.do(ctx, call{method: http.MethodGet, path: path("users", named, "tokens"), answer: &list})
	return list, err
}

// CreateTokenFor makes a token of a service account. Text of the answer is the token itself,
// which the server keeps nowhere.
func (c *Client) CreateTokenFor(ctx context.Context, named string, token api.NewToken) (api.CreatedToken, error) {
	var created api.CreatedToken
	err := c.do(ctx, call{method: http.MethodPost, path: path("users", named, "tokens"), body: token, answer: &created})
	return created, err
}
