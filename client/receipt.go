package client

import (
	"context"
	"iter"
	"net/http"

	"github.com/your-org/keeper/api"
)

// TryPermissions tries each permission of a destination by itself.
func (c *Client) TryPermissions(ctx context.Context, destination string) (api.PermissionList, error) {
	var list api.PermissionList
	err := c.do(ctx, call{method: http.MethodPost, path: path("destinations", destination, "permissions"), answer: &list})
	return list, err
}

// GetReceipt reads the signed receipt of a run.
func (c *Client) GetReceipt(ctx context.Context, run string) (api.Receipt, error) {
	var receipt api.Receipt
	err := c.do(ctx, call{method: http.MethodGet, path: path("sync", "runs", run, "receipt"), answer: &receipt})
	return receipt, err
}

// ListReceipts gets a page of the signed receipts of a destination's runs, newest first.
func (c *Client) ListReceipts(ctx context.Context, destination string, params api.ListReceiptsParams) (api.ReceiptList, error) {
	var list api.ReceiptList
	err := c.do(ctx, call{method: http.MethodGet, path: path("destinations", destination, "receipts"), params: params, answer: &list})
	return list, err
}

// Receipts goes over all receipts of a destination, newest first.
func (c *Client) Receipts(ctx context.Context, destination string) iter.Seq2[api.Receipt, error] {
	return Iterate(func(cursor string) ([]api.Receipt, string, error) {
		list, err := c.ListReceipts(ctx, destination, api.ListReceiptsParams{Cursor: cursor})
		return list.Items, list.Next, err
	})
}

// GetReceiptKey reads the public key that checks the receipts of an environment, given by id
// or name.
func (c *Client) GetReceiptKey(ctx context.Context, environment string) (api.ReceiptKey, error) {
	var key api.ReceiptKey
	params := api.GetReceiptKeyParams{EnvironmentID: environment}
	err := c.do(ctx, call{method: http.MethodGet, path: path("sync", "receipts", "key"), params: params, answer: &key})
	return key, err
}

// VerifyReceipt checks a receipt where it was signed, and reads its destination again where
// that is asked for. A receipt that is not true is a problem with the status 400.
func (c *Client) VerifyReceipt(ctx context.Context, claim api.ReceiptClaim) (api.Verification, error) {
	var verification api.Verification
	err := c.do(ctx, call{method: http.MethodPost, path: path("sync", "receipts", "verify"), body: claim, answer: &verification})
	return verification, err
}
