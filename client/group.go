package client

import (
	"context"
	"iter"
	"net/http"

	"github.com/your-org/keeper/api"
)

// ListGroups gets a page of groups, by name.
func (c *Client) ListGroups(ctx context.Context, params api.ListGroupsParams) (api.GroupList, error) {
	var list api.GroupList
	err := c.do(ctx, call{method: http.MethodGet, path: path("groups"), params: params, answer: &list})
	return list, err
}

// Groups goes over all groups that the parameters choose, by name.
func (c *Client) Groups(ctx context.Context, params api.ListGroupsParams) iter.Seq2[api.Group, error] {
	return Iterate(func(cursor string) ([]api.Group, string, error) {
		params.Cursor = cursor
		list, err := c.ListGroups(ctx, params)
		return list.Items, list.Next, err
	})
}

// CreateGroup makes a group without members.
func (c *Client) CreateGroup(ctx context.Context, group api.NewGroup) (api.Group, error) {
	var made api.Group
	err := c.do(ctx, call{method: http.MethodPost, path: path("groups"), body: group, answer: &made})
	return made, err
}

// GetGroup reads a group, named by id, or by name where it is one of Keeper's own.
func (c *Client) GetGroup(ctx context.Context, named string) (api.Group, error) {
	var group api.Group
	err := c.do(ctx, call{method: http.MethodGet, path: path("groups", named), answer: &group})
	return group, err
}

// UpdateGroup changes some fields, where the group's revision still is the one given (0:
// whatever it is).
func (c *Client) UpdateGroup(ctx context.Context, named string, change api.GroupChange, revision int64) (api.Group, error) {
	var changed api.Group
	err := c.do(ctx, call{method: http.MethodPatch, path: path("groups", named), body: change, expect: revision, answer: &changed})
	return changed, err
}

// DeleteGroup deletes a group, where its revision still is the one given (0: whatever it is).
func (c *Client) DeleteGroup(ctx context.Context, named string, revision int64) error {
	return c.do(ctx, call{method: http.MethodDelete, path: path("groups", named), expect: revision})
}

// GroupMembers goes over the users in a group, by user name.
func (c *Client) GroupMembers(ctx context.Context, named string, params api.ListGroupMembersParams) iter.Seq2[api.UserName, error] {
	return Iterate(func(cursor string) ([]api.UserName, string, error) {
		var list api.GroupMemberList
		params.Cursor = cursor
		err := c.do(ctx, call{method: http.MethodGet, path: path("groups", named, "members"), params: params, answer: &list})
		return list.Items, list.Next, err
	})
}

// AddGroupMember puts a user into a group of Keeper's own.
func (c *Client) AddGroupMember(ctx context.Context, group, user string) error {
	return c.do(ctx, call{method: http.MethodPut, path: path("groups", group, "members", user)})
}

// RemoveGroupMember takes a user out of a group of Keeper's own.
func (c *Client) RemoveGroupMember(ctx context.Context, group, user string) error {
	return c.do(ctx, call{method: http.MethodDelete, path: path("groups", group, "members", user)})
}

// SetGroupRole gives a group a role in an environment, named by id or name.
func (c *Client) SetGroupRole(ctx context.Context, group, environment, role string) error {
	return c.do(ctx, call{method: http.MethodPut, path: path("groups", group, "environments", environment), body: api.RoleGrant{Role: role}})
}

// RemoveGroupRole takes a group's role in an environment away.
func (c *Client) RemoveGroupRole(ctx context.Context, group, environment string) error {
	return c.do(ctx, call{method: http.MethodDelete, path: path("groups", group, "environments", environment)})
}
