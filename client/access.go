package client

import (
	"context"
	"iter"
	"net/http"

	"github.com/your-org/keeper/api"
)

// ListMembers gets a page of the users with a role of their own in an environment, with all
// groups that have one.
func (c *Client) ListMembers(ctx context.Context, environment string, params api.ListMembersParams) (api.MemberList, error) {
	var list api.MemberList
	err := c.do(ctx, call{method: http.MethodGet, path: path("environments", environment, "members"), params: params, answer: &list})
	return list, err
}

// SetMember gives a user a role in an environment.
func (c *Client) SetMember(ctx context.Context, environment, user, role string) error {
	return c.do(ctx, call{method: http.MethodPut, path: path("environments", environment, "members", user), body: api.RoleGrant{Role: role}})
}

// RemoveMember takes a user's role in an environment away.
func (c *Client) RemoveMember(ctx context.Context, environment, user string) error {
	return c.do(ctx, call{method: http.MethodDelete, path: path("environments", environment, "members", user)})
}

// ExplainAccess tells why somebody may do something, or why not.
func (c *Client) ExplainAccess(ctx context.Context, params api.ExplainAccessParams) (api.Explanation, error) {
	var explanation api.Explanation
	err := c.do(ctx, call{method: http.MethodGet, path: path("access", "explain"), params: params, answer: &explanation})
	return explanation, err
}

// WhoCan goes over those who may do something, by user name.
func (c *Client) WhoCan(ctx context.Context, params api.WhoCanParams) iter.Seq2[api.WhoCan, error] {
	return Iterate(func(cursor string) ([]api.WhoCan, string, error) {
		var list api.WhoCanList
		params.Cursor = cursor
		err := c.do(ctx, call{method: http.MethodGet, path: path("access", "who-can"), params: params, answer: &list})
		return list.Items, list.Next, err
	})
}

// AllTokens goes over everybody's tokens, newest first.
func (c *Client) AllTokens(ctx context.Context, params api.ListAllTokensParams) iter.Seq2[api.Token, error] {
	return Iterate(func(cursor string) ([]api.Token, string, error) {
		var list api.TokenList
		params.Cursor = cursor
		err := c.do(ctx, call{method: http.MethodGet, path: path("access", "tokens"), params: params, answer: &list})
		return list.Items, list.Next, err
	})
}
