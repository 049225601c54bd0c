package rest

import (
	"testing"
	"time"

	"github.com/your-org/keeper/api"
	"github.com/your-org/keeper/client"
	"github.com/your-org/keeper/fault"
	"github.com/your-org/keeper/sync/memory"
)

// runOperations tries again what a run could not do, and finds it in the history.
func runOperations(t *testing.T, h *house, d api.Destination) {
	ctx, c := t.Context(), h.admin
	h.place.Inject(memory.Fault{Op: memory.OpPut, Name: "p/retried", Kind: fault.Forbidden, Times: 1})
	h.create("retried", canary)
	began := time.Now()
	h.work(d.ID)
	runs, err := c.ListRuns(ctx, api.ListRunsParams{DestinationID: d.ID, Secret: "RETRIED", Status: api.RunPartial, Trigger: api.TriggerChange, Since: began.Add(-time.Minute)})
	must(t, err)
	if len(runs.Items) != 1 || runs.Items[0].Counts.Failed != 1 || runs.Items[0].Done != 1 || runs.Items[0].Total != 1 || runs.Items[0].RemainingSeconds != 0 {
		t.Fatalf("got %+v, want the run that failed", runs)
	}
	failed := runs.Items[0]
	results, err := client.Collect(c.Results(ctx, failed.ID, api.ListResultsParams{Failed: true}))
	must(t, err)
	if len(results) != 1 || results[0].SecretName != "retried" || results[0].Action != "create" || results[0].Error == "" || results[0].Hint == "" {
		t.Errorf("got %+v, want the secret, the operation, the error and its cure", results)
	}
	retry, err := c.RetryRun(ctx, failed.ID)
	must(t, err)
	if retry.Status != api.RunQueued || retry.RetryOf != failed.ID || retry.Full || retry.Trigger != api.TriggerManual {
		t.Errorf("got %+v", retry)
	}
	h.work(d.ID)
	done, err := c.GetRun(ctx, retry.ID)
	must(t, err)
	if done.Status != api.RunSucceeded || done.Counts.Created != 1 {
		t.Errorf("got %+v", done)
	}
	_, err = c.RetryRun(ctx, failed.ID)
	isKind(t, err, "conflict", "")
	_, err = c.RetryRun(ctx, "run_none")
	isKind(t, err, "not_found", "")
	_, err = c.ListRuns(ctx, api.ListRunsParams{Trigger: "whim"})
	isKind(t, err, "invalid", "trigger")
	if later, err := c.ListRuns(ctx, api.ListRunsParams{Since: time.Now().Add(time.Hour)}); err != nil || len(later.Items) != 0 {
		t.Errorf("runs that begin later: %+v, %v", later, err)
	}
	page, err := c.ListRuns(ctx, api.ListRunsParams{Limit: new(api.Limit(1))})
	must(t, err)
	second, err := c.ListRuns(ctx, api.ListRunsParams{Limit: new(api.Limit(1)), Cursor: page.Next})
	must(t, err)
	back, err := c.ListRuns(ctx, api.ListRunsParams{Limit: new(api.Limit(1)), Cursor: second.Prev})
	must(t, err)
	if page.Prev != "" || page.Items[0].ID != done.ID || second.Items[0].ID != failed.ID || back.Items[0].ID != done.ID {
		t.Errorf("there and back: %+v, %+v, %+v", page, second, back)
	}
}
