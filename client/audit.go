package client

import (
	"context"
	"io"
	"iter"
	"net/http"

	"github.com/your-org/keeper/api"
)

// ListAudit gets a page of the audit log, newest first.
func (c *Client) ListAudit(ctx context.Context, params api.ListAuditParams) (api.AuditEntryList, error) {
	var list api.AuditEntryList
	err := c.do(ctx, call{method: http.MethodGet, path: path("audit"), params: params, answer: &list})
	return list, err
}

// Audit goes over the entries of the audit log, newest first.
func (c *Client) Audit(ctx context.Context, params api.ListAuditParams) iter.Seq2[api.AuditEntry, error] {
	return Iterate(func(cursor string) ([]api.AuditEntry, string, error) {
		params.Cursor = cursor
		list, err := c.ListAudit(ctx, params)
		return list.Items, list.Next, err
	})
}

// ExportAudit writes the entries of the audit log that are asked for, oldest first, as they
// come. After an error, what was written is not the whole. It may take longer than one call
// does: see WithHTTPClient.
func (c *Client) ExportAudit(ctx context.Context, params api.ExportAuditParams, into io.Writer) error {
	return c.do(ctx, call{method: http.MethodGet, path: path("audit", "export"), params: params, into: into})
}
