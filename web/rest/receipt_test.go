package rest

import (
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/your-org/keeper/api"
	told "github.com/your-org/keeper/api/receipt"
	"github.com/your-org/keeper/client"
	"github.com/your-org/keeper/models"
	keepersync "github.com/your-org/keeper/sync"
)

// receiptOperations checks the receipt of a full run, and again after a stranger's change.
func receiptOperations(t *testing.T, h *house, d api.Destination) {
	ctx, c := t.Context(), h.admin
	run, err := c.SyncDestination(ctx, d.ID)
	must(t, err)
	h.work(d.ID)
	receipt, err := c.GetReceipt(ctx, run.ID)
	must(t, err)
	key, err := c.GetReceiptKey(ctx, "production")
	must(t, err)
	signed, err := keepersync.OpenReceipt(receipt.Text, key.Key)
	must(t, err)
	if receipt.RunID != run.ID || receipt.DestinationID != d.ID || receipt.EnvironmentID != h.production.ID || receipt.CreatedAt.IsZero() {
		t.Errorf("got %+v", receipt)
	}
	checked, err := c.VerifyReceipt(ctx, api.ReceiptClaim{Text: receipt.Text})
	must(t, err)
	if diff := cmp.Diff(told.Facts(signed), checked.Receipt); diff != "" || checked.Again != nil {
		t.Errorf("verified: -signed +got\n%s, and %+v", diff, checked.Again)
	}
	if checked.Receipt.Proven.Equal == 0 || checked.Receipt.Proven.Exceptions != 0 || checked.Receipt.DestinationName != "copy" || checked.Receipt.Engine != "test" {
		t.Errorf("it says %+v", checked.Receipt)
	}
	again, err := c.VerifyReceipt(ctx, api.ReceiptClaim{Text: receipt.Text, ReadAgain: true})
	must(t, err)
	if again.Again == nil || !again.Again.Matches || again.Again.Differ != 0 || again.Again.Now.ReadBack != checked.Receipt.Proven.ReadBack {
		t.Errorf("read again: got %+v", again.Again)
	}
	h.place.Edit("p/synced", []byte(canary+" of theirs"))
	again, err = c.VerifyReceipt(ctx, api.ReceiptClaim{Text: receipt.Text, ReadAgain: true})
	must(t, err)
	if again.Again.Matches || again.Again.Differ != 1 || again.Again.Differences[0].Name != "p/synced" || again.Again.Differences[0].Status != api.StatusDrifted {
		t.Errorf("after a change there: got %+v", again.Again)
	}
	_, err = c.SyncDestination(ctx, d.ID)
	must(t, err)
	h.work(d.ID) // puts it right again
	all, err := client.Collect(c.Receipts(ctx, d.ID))
	must(t, err)
	if len(all) < 2 || !slices.Contains(all, receipt) || all[0].CreatedAt.Before(all[1].CreatedAt) {
		t.Errorf("receipts: got %+v, want %+v among them, the newest first", all, receipt)
	}
	for _, whole := range []bool{true, false} {
		list, err := c.ListReceipts(ctx, d.ID, api.ListReceiptsParams{Whole: new(whole)})
		must(t, err)
		if slices.ContainsFunc(list.Items, func(r api.Receipt) bool { return r.Whole != whole }) || slices.ContainsFunc(list.Items, func(r api.Receipt) bool { return r.RunID == run.ID }) != whole {
			t.Errorf("whole %v: got %+v", whole, list.Items)
		}
	}
	page, err := c.ListReceipts(ctx, d.ID, api.ListReceiptsParams{Limit: new(api.Limit(1))})
	must(t, err)
	second, err := c.ListReceipts(ctx, d.ID, api.ListReceiptsParams{Limit: new(api.Limit(1)), Cursor: page.Next})
	must(t, err)
	back, err := c.ListReceipts(ctx, d.ID, api.ListReceiptsParams{Limit: new(api.Limit(1)), Cursor: second.Prev})
	must(t, err)
	if diff := cmp.Diff(page.Items, back.Items); diff != "" || page.Prev != "" || back.Prev != "" {
		t.Errorf("there and back: -first +got\n%s", diff)
	}
	receiptRefusals(t, h, run, receipt, d)
}

func receiptRefusals(t *testing.T, h *house, run api.SyncRun, receipt api.Receipt, d api.Destination) {
	ctx, c := t.Context(), h.admin
	tampered := strings.Replace(receipt.Text, `"exceptions": 0`, `"exceptions": 1`, 1)
	for name, text := range map[string]string{"Changed": tampered, "Empty": "", "NoReceipt": canary, "NoSignature": receipt.Text[:len(receipt.Text)/2]} {
		t.Run(name, func(t *testing.T) {
			_, err := c.VerifyReceipt(ctx, api.ReceiptClaim{Text: text})
			isKind(t, err, "invalid", "")
		})
	}
	t.Run("UnknownRun", func(t *testing.T) {
		_, err := c.GetReceipt(ctx, "run_x")
		isKind(t, err, "not_found", "")
	})
	t.Run("NoEnvironment", func(t *testing.T) {
		_, err := c.GetReceiptKey(ctx, "")
		isKind(t, err, "invalid", "environment_id")
	})
	t.Run("Viewer", func(t *testing.T) {
		viewer := h.as("reads-receipts", models.RoleViewer)
		_, err := viewer.VerifyReceipt(ctx, api.ReceiptClaim{Text: receipt.Text})
		must(t, err)
		_, err = viewer.VerifyReceipt(ctx, api.ReceiptClaim{Text: receipt.Text, ReadAgain: true})
		isKind(t, err, "forbidden", "")
		_, err = viewer.TryPermissions(ctx, d.ID)
		isKind(t, err, "forbidden", "")
	})
	t.Run("Stranger", func(t *testing.T) {
		stranger := h.client(h.token("knows-nothing", models.RoleUser, map[int64]models.EnvironmentRole{h.staging.ID: models.RoleManager}))
		for _, err := range []error{
			second(stranger.GetReceipt(ctx, run.ID)), second(stranger.GetReceiptKey(ctx, "production")),
			second(stranger.VerifyReceipt(ctx, api.ReceiptClaim{Text: receipt.Text})), second(stranger.TryPermissions(ctx, d.ID)),
		} {
			isKind(t, err, "not_found", "")
		}
	})
}
