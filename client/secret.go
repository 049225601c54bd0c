package client

import (
	"context"
	"iter"
	"net/http"

	"github.com/your-org/keeper/api"
)

// ListSecrets gets a page of secrets, without values.
func (c *Client) ListSecrets(ctx context.Context, params api.ListSecretsParams) (api.SecretList, error) {
	var list api.SecretList
	err := c.do(ctx, call{method: http.MethodGet, path: path("secrets"), params: params, answer: &list})
	return list, err
}

// Secrets goes over all secrets that the parameters choose.
func (c *Client) Secrets(ctx context.Context, params api.ListSecretsParams) iter.Seq2[api.Secret, error] {
	return Iterate(func(cursor string) ([]api.Secret, string, error) {
		params.Cursor = cursor
		list, err := c.ListSecrets(ctx, params)
		return list.Items, list.Next, err
	})
}

// FindSecret finds a secret by its environment's id or name and its own name, and with
// deleted one that is deleted. Not found is a Problem of status 404, as if the server had
// answered it.
func (c *Client) FindSecret(ctx context.Context, environment api.EnvironmentRef, name string, deleted bool) (api.Secret, error) {
	list, err := c.ListSecrets(ctx, api.ListSecretsParams{EnvironmentID: []string{environment.String()}, Name: name, Deleted: deleted})
	if err != nil {
		return api.Secret{}, err
	}
	if len(list.Items) == 0 {
		return api.Secret{}, &api.Problem{
			Type: api.ProblemType + "not_found", Title: http.StatusText(http.StatusNotFound), Status: http.StatusNotFound,
			Detail: "There is no secret " + name + " in " + environment.String() + ".", Hint: "List the secrets to see which there are.",
		}
	}
	return list.Items[0], nil
}

// CreateSecret makes a secret.
func (c *Client) CreateSecret(ctx context.Context, secret api.NewSecret) (api.Secret, error) {
	var created api.Secret
	err := c.do(ctx, call{method: http.MethodPost, path: path("secrets"), body: secret, answer: &created})
	return created, err
}

// GetSecret reads a secret without its value, which records no reveal.
func (c *Client) GetSecret(ctx context.Context, id int64) (api.Secret, error) {
	var secret api.Secret
	value := false
	err := c.do(ctx, call{
		method: http.MethodGet, path: path("secrets", decimal(id)), params: api.GetSecretParams{Value: &value}, answer: &secret,
	})
	return secret, err
}

// RevealSecret reads a secret with its value, which is recorded. Where the value may not be
// seen, ValueHidden is set instead.
func (c *Client) RevealSecret(ctx context.Context, id int64) (api.SecretWithValue, error) {
	var secret api.SecretWithValue
	err := c.do(ctx, call{method: http.MethodGet, path: path("secrets", decimal(id)), answer: &secret})
	return secret, err
}

// ReplaceSecret writes a new value, where the secret's revision still is the one given (0:
// whatever it is).
func (c *Client) ReplaceSecret(ctx context.Context, id int64, replacement api.ReplaceSecret, revision int64) (api.Secret, error) {
	return c.changeSecret(ctx, call{method: http.MethodPut, path: path("secrets", decimal(id)), body: replacement, expect: revision})
}

// UpdateSecret changes some fields, where the secret's revision still is the one given (0:
// whatever it is).
func (c *Client) UpdateSecret(ctx context.Context, id int64, change api.SecretChange, revision int64) (api.Secret, error) {
	return c.changeSecret(ctx, call{method: http.MethodPatch, path: path("secrets", decimal(id)), body: change, expect: revision})
}

// DeleteSecret deletes a secret, where its revision still is the one given (0: whatever it
// is). UndeleteUntil of the answer says until when it can come back.
func (c *Client) DeleteSecret(ctx context.Context, id, revision int64) (api.Secret, error) {
	return c.changeSecret(ctx, call{method: http.MethodDelete, path: path("secrets", decimal(id)), expect: revision})
}

// UndeleteSecret brings a deleted secret back.
func (c *Client) UndeleteSecret(ctx context.Context, id int64) (api.Secret, error) {
	return c.changeSecret(ctx, call{method: http.MethodPost, path: path("secrets", decimal(id), "undelete")})
}

// RollbackSecret makes an earlier version's value the newest version, where the secret's
// revision still is the one given (0: whatever it is).
func (c *Client) RollbackSecret(ctx context.Context, id int64, rollback api.Rollback, revision int64) (api.Secret, error) {
	return c.changeSecret(ctx, call{method: http.MethodPost, path: path("secrets", decimal(id), "rollback"), body: rollback, expect: revision})
}

func (c *Client) changeSecret(ctx context.Context, one call) (api.Secret, error) {
	var secret api.Secret
	one.answer = &secret
	err := c.do(ctx, one)
	return secret, err
}

// ListVersions gets a page of a secret's versions, newest first, without values.
func (c *Client) ListVersions(ctx context.Context, id int64, params api.ListVersionsParams) (api.VersionList, error) {
	var list api.VersionList
	err := c.do(ctx, call{method: http.MethodGet, path: path("secrets", decimal(id), "versions"), params: params, answer: &list})
	return list, err
}

// Versions goes over all versions of a secret, newest first.
func (c *Client) Versions(ctx context.Context, id int64) iter.Seq2[api.Version, error] {
	return Iterate(func(cursor string) ([]api.Version, string, error) {
		list, err := c.ListVersions(ctx, id, api.ListVersionsParams{Cursor: cursor})
		return list.Items, list.Next, err
	})
}

// GetVersion reads one version with its value, which is recorded.
func (c *Client) GetVersion(ctx context.Context, id, number int64) (api.VersionWithValue, error) {
	var version api.VersionWithValue
	err := c.do(ctx, call{method: http.MethodGet, path: path("secrets", decimal(id), "versions", decimal(number)), answer: &version})
	return version, err
}

// ListSecretStates reads where a secret is synced, and in what state.
func (c *Client) ListSecretStates(ctx context.Context, id int64) (api.SyncStateList, error) {
	var list api.SyncStateList
	err := c.do(ctx, call{method: http.MethodGet, path: path("secrets", decimal(id), "sync"), answer: &list})
	return list, err
}

// ChangeSecrets changes many secrets at once, or says what that would change.
func (c *Client) ChangeSecrets(ctx context.Context, change api.BulkChange) (api.BulkResult, error) {
	var result api.BulkResult
	err := c.do(ctx, call{method: http.MethodPost, path: path("secrets", "bulk"), body: change, answer: &result})
	return result, err
}

// ListSecretActivity gets a page of what happened to a secret, newest first.
func (c *Client) ListSecretActivity(ctx context.Context, id int64, params api.ListSecretActivityParams) (api.ActivityList, error) {
	var list api.ActivityList
	err := c.do(ctx, call{method: http.MethodGet, path: path("secrets", decimal(id), "activity"), params: params, answer: &list})
	return list, err
}

// SecretActivity goes over all that happened to a secret, newest first.
func (c *Client) SecretActivity(ctx context.Context, id int64) iter.Seq2[api.Activity, error] {
	return Iterate(func(cursor string) ([]api.Activity, string, error) {
		list, err := c.ListSecretActivity(ctx, id, api.ListSecretActivityParams{Cursor: cursor})
		return list.Items, list.Next, err
	})
}
