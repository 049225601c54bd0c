package client

import (
	"context"
	"iter"
	"net/http"
	"strconv"

	"github.com/your-org/keeper/api"
)

// PreviewImport saves what a destination's entries that are not Keeper's would become.
func (c *Client) PreviewImport(ctx context.Context, destination string, n api.NewImport) (api.Import, error) {
	var made api.Import
	err := c.do(ctx, call{method: http.MethodPost, path: path("destinations", destination, "imports"), body: n, answer: &made})
	return made, err
}

// ListImports gets a page of imports, newest first.
func (c *Client) ListImports(ctx context.Context, params api.ListImportsParams) (api.ImportList, error) {
	var list api.ImportList
	err := c.do(ctx, call{method: http.MethodGet, path: path("sync", "imports"), params: params, answer: &list})
	return list, err
}

// GetImport reads an import.
func (c *Client) GetImport(ctx context.Context, id string) (api.Import, error) {
	var found api.Import
	err := c.do(ctx, call{method: http.MethodGet, path: path("sync", "imports", id), answer: &found})
	return found, err
}

// ImportItems goes over all items of an import, by number.
func (c *Client) ImportItems(ctx context.Context, id string, params api.ListImportItemsParams) iter.Seq2[api.ImportItem, error] {
	return func(yield func(api.ImportItem, error) bool) {
		for {
			var list api.ImportItemList
			if err := c.do(ctx, call{method: http.MethodGet, path: path("sync", "imports", id, "items"), params: params, answer: &list}); err != nil {
				yield(api.ImportItem{}, err)
				return
			}
			for _, item := range list.Items {
				if params.After = item.Number; !yield(item, nil) {
					return
				}
			}
			if len(list.Items) == 0 {
				return
			}
		}
	}
}

// ApplyImport takes what an import shows, until nothing of it is left.
func (c *Client) ApplyImport(ctx context.Context, id string, choice api.ImportChoice) (api.Import, error) {
	for {
		var done api.Import
		err := c.do(ctx, call{method: http.MethodPost, path: path("sync", "imports", id, "apply"), body: choice, answer: &done})
		if err != nil || done.Counts.Left == 0 {
			return done, err
		}
	}
}

// ReleaseCopy takes Keeper's hands off a secret's copy at a destination.
func (c *Client) ReleaseCopy(ctx context.Context, destination string, secret int64) error {
	return c.do(ctx, call{method: http.MethodDelete, path: path("destinations", destination, "adoptions", strconv.FormatInt(secret, 10))})
}
