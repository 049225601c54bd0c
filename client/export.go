package client

import (
	"context"
	"net/http"

	"github.com/your-org/keeper/api"
)

// maxExport bounds what is read of an export, in bytes: the most that one holds, each byte
// of it written as an escape.
const maxExport = 512 << 20

// ExportSecrets reads the values of an environment, which is recorded secret by secret.
func (c *Client) ExportSecrets(ctx context.Context, environment api.EnvironmentRef, params api.ExportSecretsParams) (api.Export, error) {
	var export api.Export
	err := c.do(ctx, call{
		method: http.MethodGet, path: path("environments", environment.String(), "export"), params: params, answer: &export, limit: maxExport,
	})
	return export, err
}
