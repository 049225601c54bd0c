package client

import (
	"context"
	"iter"
	"net/http"

	"github.com/your-org/keeper/api"
)

// ListProviders lists identity providers, by name.
func (c *Client) ListProviders(ctx context.Context) (api.ProviderList, error) {
	var list api.ProviderList
	err := c.do(ctx, call{method: http.MethodGet, path: path("providers"), answer: &list})
	return list, err
}

// CreateProvider makes an identity provider, switched off.
func (c *Client) CreateProvider(ctx context.Context, p api.NewProvider) (api.Provider, error) {
	return c.provider(ctx, call{method: http.MethodPost, path: path("providers"), body: p})
}

func (c *Client) provider(ctx context.Context, one call) (api.Provider, error) {
	var p api.Provider
	one.answer = &p
	err := c.do(ctx, one)
	return p, err
}

// GetProvider reads an identity provider, named by name or id.
func (c *Client) GetProvider(ctx context.Context, named string) (api.Provider, error) {
	return c.provider(ctx, call{method: http.MethodGet, path: path("providers", named)})
}

// UpdateProvider changes a provider, where its revision still is the one given (0: whatever it
// is).
func (c *Client) UpdateProvider(ctx context.Context, named string, change api.ProviderChange, revision int64) (api.Provider, error) {
	return c.provider(ctx, call{method: http.MethodPatch, path: path("providers", named), body: change, expect: revision})
}

// DeleteProvider deletes a provider, where its revision still is the one given (0: whatever it
// is).
func (c *Client) DeleteProvider(ctx context.Context, named string, revision int64) error {
	return c.do(ctx, call{method: http.MethodDelete, path: path("providers", named), expect: revision})
}

// RefreshProvider fetches a provider's metadata now.
func (c *Client) RefreshProvider(ctx context.Context, named string) (api.Provider, error) {
	return c.provider(ctx, call{method: http.MethodPost, path: path("providers", named, "refresh")})
}

// CreateProviderKey makes another key pair, which does not sign yet.
func (c *Client) CreateProviderKey(ctx context.Context, named string) (api.Provider, error) {
	return c.provider(ctx, call{method: http.MethodPost, path: path("providers", named, "keys")})
}

// UseProviderKey signs with the key pair of a fingerprint from now on.
func (c *Client) UseProviderKey(ctx context.Context, named, fingerprint string) (api.Provider, error) {
	return c.provider(ctx, call{method: http.MethodPut, path: path("providers", named, "keys", fingerprint)})
}

// RemoveProviderKey forgets a key pair that does not sign.
func (c *Client) RemoveProviderKey(ctx context.Context, named, fingerprint string) (api.Provider, error) {
	return c.provider(ctx, call{method: http.MethodDelete, path: path("providers", named, "keys", fingerprint)})
}

// ProviderPeople goes over the people whom a provider knows.
func (c *Client) ProviderPeople(ctx context.Context, named string, params api.ListProviderPeopleParams) iter.Seq2[api.ProviderPerson, error] {
	return Iterate(func(cursor string) ([]api.ProviderPerson, string, error) {
		var list api.ProviderPersonList
		params.Cursor = cursor
		err := c.do(ctx, call{method: http.MethodGet, path: path("providers", named, "people"), params: params, answer: &list})
		return list.Items, list.Next, err
	})
}

// LinkProviderPerson links an account that stands to a name at a provider.
func (c *Client) LinkProviderPerson(ctx context.Context, named, user, nameID string) error {
	return c.do(ctx, call{method: http.MethodPut, path: path("providers", named, "people", user), body: api.ProviderLink{NameID: nameID}})
}

// UnlinkProviderPerson forgets by what names a provider knows a user.
func (c *Client) UnlinkProviderPerson(ctx context.Context, named, user string) error {
	return c.do(ctx, call{method: http.MethodDelete, path: path("providers", named, "people", user)})
}

// CheckProvider examines a response, or says what a person would get; nothing changes.
func (c *Client) CheckProvider(ctx context.Context, named string, check api.ProviderCheck) (api.ProviderFindings, error) {
	var found api.ProviderFindings
	err := c.do(ctx, call{method: http.MethodPost, path: path("providers", named, "check"), body: check, answer: &found})
	return found, err
}
