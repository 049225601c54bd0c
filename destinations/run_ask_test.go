package destinations_test

import (
	"context"
	"fmt"
	"testing"
	"time"

	"github.com/your-org/keeper/destinations"
	"github.com/your-org/keeper/fault"
	"github.com/your-org/keeper/models"
	"github.com/your-org/keeper/store"
	keepersync "github.com/your-org/keeper/sync"
	"github.com/your-org/keeper/sync/memory"
)

// broken is a destination with a run that wrote one secret and failed at another.
func (h *house) broken(t *testing.T) (d models.Destination, bad models.Secret, run models.SyncRun) {
	t.Helper()
	d = h.destination(t, "one")
	bad, _ = h.put(t, "bad", "v"), h.put(t, "good", "v")
	h.places.at("one").Inject(memory.Fault{Op: memory.OpPut, Name: "production/bad", Kind: fault.Forbidden, Times: 1})
	h.work(t, d)
	return d, bad, h.runs(t, d)[0]
}

func TestRetry(t *testing.T) {
	t.Run("OK", func(t *testing.T) {
		h := sqlite(t)
		d, bad, failed := h.broken(t)
		if n, err := h.NotDone(t.Context(), failed.ID); n != 1 || err != nil {
			t.Errorf("%d secrets to be tried again, %v; want 1", n, err)
		}
		run, err := h.Retry(t.Context(), admin, failed.ID)
		if err != nil || run.Full || run.RetryOf != failed.ID || run.Status != models.RunQueued || run.Actor != "ada" || run.Trigger != models.TriggerManual {
			t.Fatalf("run %+v, %v", run, err)
		}
		h.work(t, d)
		if run, err = h.Run(t.Context(), admin, run.ID); err != nil || run.Status != models.RunSucceeded || run.Counts.Created != 1 || run.Counts.Checked != 1 {
			t.Errorf("run %+v, %v; want the one secret that had failed, written", run, err)
		}
		if !holds(h.places.at("one"), "production/bad", "v") || h.state(t, bad, d).Status != models.StatusInSync {
			t.Error("not written")
		}
		_, err = h.Retry(t.Context(), admin, failed.ID) // nothing of it is left
		wantFault(t, err, fault.Conflict)
		_, err = h.Retry(t.Context(), admin, run.ID)
		wantFault(t, err, fault.Conflict)
		var entries []models.AuditEntry
		err = h.store.Read(t.Context(), func(tx *store.Tx) (err error) {
			entries, _, err = tx.Audit(store.AuditQuery{Everything: true})
			return err
		})
		if err != nil {
			t.Fatal(err)
		}
		retries := 0
		for _, e := range entries {
			if e.Action == "sync.retry" {
				retries++
				if e.Detail["run"] != string(failed.ID) || e.Detail["secrets"] != "1" || e.ActorName != "ada" {
					t.Errorf("audit entry %+v", e)
				}
			}
		}
		if retries != 1 {
			t.Errorf("%d entries for a retry, want 1: what was refused changed nothing", retries)
		}
	})
	t.Run("QueuedFullRunServes", func(t *testing.T) {
		h := sqlite(t)
		d, bad, failed := h.broken(t)
		full, err := h.Trigger(t.Context(), admin, d.ID)
		if err != nil {
			t.Fatal(err)
		}
		run, err := h.Retry(t.Context(), admin, failed.ID)
		if err != nil || run.ID != full.ID {
			t.Fatalf("run %+v, %v; want the full one that is queued", run, err)
		}
		h.work(t, d)
		if h.state(t, bad, d).Status != models.StatusInSync {
			t.Error("not written")
		}
	})
	t.Run("FullRunIsNotServedByRetry", func(t *testing.T) {
		h := sqlite(t)
		d, _, failed := h.broken(t)
		retry, err := h.Retry(t.Context(), admin, failed.ID)
		if err != nil {
			t.Fatal(err)
		}
		full, err := h.Trigger(t.Context(), admin, d.ID)
		if err != nil || full.ID == retry.ID || !full.Full {
			t.Fatalf("run %+v, %v; want a full one beside the retry", full, err)
		}
		if next := h.work(t, d); next == nil || next.After(h.Now()) {
			t.Errorf("next %v; want at once, for the second run is asked for", next)
		}
		h.work(t, d)
		for _, run := range h.runs(t, d) {
			if run.Status == models.RunQueued {
				t.Errorf("run %s was forgotten", run.ID)
			}
		}
	})
	t.Run("Refused", func(t *testing.T) {
		h := sqlite(t)
		d, _, failed := h.broken(t)
		_, err := h.Retry(t.Context(), admin, "run_none")
		wantFault(t, err, fault.NotFound)
		viewer := actor(models.RoleViewer, d.EnvironmentID)
		_, err = h.Retry(t.Context(), viewer, failed.ID)
		wantFault(t, err, fault.Forbidden)
		queued, err := h.Trigger(t.Context(), admin, d.ID)
		if err != nil {
			t.Fatal(err)
		}
		_, err = h.Retry(t.Context(), admin, queued.ID)
		wantFault(t, err, fault.Conflict)
		paused := true
		if _, err := h.Update(t.Context(), admin, d.ID, destinations.Change{Paused: &paused}, 0); err != nil {
			t.Fatal(err)
		}
		_, err = h.Retry(t.Context(), admin, failed.ID)
		wantFault(t, err, fault.Conflict)
	})
}

// TestForecast says before a run's end how much it has before it, under the quota too.
func TestForecast(t *testing.T) {
	h := sqlite(t)
	d := h.destination(t, "one")
	for _, name := range []string{"a", "b", "c"} {
		h.put(t, name, "v")
	}
	h.work(t, d)
	if got, want := h.runs(t, d)[0].Progress, (models.RunProgress{Done: 3, Total: 3, Writes: 3}); got != want {
		t.Errorf("got %+v, want %+v: the memory has no quota", got, want)
	}
	h.put(t, "d", "v")
	h.work(t, d)
	if got, want := h.runs(t, d)[0].Progress, (models.RunProgress{Done: 1, Total: 1, Writes: 1}); got != want {
		t.Errorf("after a change: got %+v, want %+v", got, want)
	}
	h.put(t, "e", "v")
	plan, err := h.Plan(t.Context(), admin, d.ID)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := h.Apply(t.Context(), admin, plan.ID, plan.Digest); err != nil {
		t.Fatal(err)
	}
	h.work(t, d)
	if got, want := h.runs(t, d)[0].Progress, (models.RunProgress{Done: 1, Total: 1, Writes: 1}); got != want {
		t.Errorf("of a plan: got %+v, want %+v", got, want)
	}
}

// quoted is a driver whose destination lets ten creations a second through.
type quoted struct{ keepersync.Driver }

func (q quoted) Unwrap() keepersync.Driver { return q.Driver }

func (quoted) Quota() keepersync.Quota {
	return keepersync.Quota{Rates: map[keepersync.Family]float64{keepersync.FamilyCreate: 10}}
}

func TestForecastUnderQuota(t *testing.T) {
	h := sqlite(t)
	h.QuotaShare = 0.5
	open := h.Open
	h.Open = func(ctx context.Context, d models.Destination, c models.DestinationCredentials) (keepersync.Driver, error) {
		driver, err := open(ctx, d, c)
		return quoted{driver}, err
	}
	d := h.destination(t, "one")
	for i := range 30 {
		h.put(t, fmt.Sprint("s", i), "v")
	}
	var first *models.SyncRun
	h.Ran = func(run models.SyncRun) {
		if first == nil {
			first = &run
		}
	}
	h.work(t, d)
	want := models.RunProgress{Total: 30, Writes: 30, Seconds: 6}
	if first == nil || first.Progress != want || first.Status != models.RunRunning {
		t.Fatalf("told %+v before the first write, want %+v", first, want)
	}
	if left := first.Pace(first.StartedAt).Remaining; left != 6*time.Second {
		t.Errorf("%s left at the beginning, want what the quota takes, 6 s", left)
	}
}
