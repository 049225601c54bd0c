package destinations_test

import (
	"errors"
	"fmt"
	"testing"
	"time"

	"github.com/your-org/keeper/destinations"
	"github.com/your-org/keeper/models"
	"github.com/your-org/keeper/store"
)

// TestBrakeCountsOverRuns has copies changed one by one, each run small enough for the brake:
// together they are too many, until an hour has passed or a person has let a plan go.
func TestBrakeCountsOverRuns(t *testing.T) {
	begin := func(t *testing.T) (*house, models.Destination, *time.Time) {
		h := sqlite(t)
		now := time.Now()
		h.Now = func() time.Time { now = now.Add(time.Millisecond); return now }
		draft := h.draft("one")
		draft.Config.BrakeMost, draft.Config.BrakePercent = new(3), new(0)
		d, err := h.Create(t.Context(), admin, draft)
		if err != nil {
			t.Fatal(err)
		}
		for i := range 8 {
			h.put(t, fmt.Sprint("s", i), "ours")
		}
		h.work(t, d)
		return h, d, &now
	}
	round := func(t *testing.T, h *house, d models.Destination, i int) models.SyncRun {
		t.Helper()
		h.places.at("one").Edit(fmt.Sprint("production/s", i), fmt.Append(nil, "theirs ", i))
		if _, err := h.Trigger(t.Context(), admin, d.ID); err != nil {
			t.Fatal(err)
		}
		h.work(t, d)
		return h.runs(t, d)[0]
	}

	t.Run("TooMany", func(t *testing.T) {
		h, d, now := begin(t)
		for i := range 3 {
			if run := round(t, h, d, i); run.Status != models.RunSucceeded {
				t.Fatalf("run %d ended %s: %s", i, run.Status, run.Error)
			}
		}
		if run := round(t, h, d, 0); run.Status != models.RunSucceeded {
			t.Errorf("the same secret counts twice: %s %s", run.Status, run.Error)
		}
		if run := round(t, h, d, 3); run.Status != models.RunHeld || !holds(h.places.at("one"), "production/s3", "theirs 3") {
			t.Errorf("the fourth secret's run ended %s", run.Status)
		}
		*now = now.Add(61 * time.Minute)
		if run := round(t, h, d, 3); run.Status != models.RunSucceeded {
			t.Errorf("an hour later: %s %s", run.Status, run.Error)
		}
	})

	t.Run("LetGo", func(t *testing.T) {
		h, d, _ := begin(t)
		for i := range 4 {
			round(t, h, d, i)
		}
		held, _, err := h.Plans(t.Context(), admin, destinations.PlanQuery{DestinationID: d.ID, Status: models.PlanHeld})
		if err != nil || len(held) != 1 {
			t.Fatal(held, err)
		}
		if _, err := h.Apply(t.Context(), admin, held[0].ID, ""); err != nil {
			t.Fatal(err)
		}
		h.work(t, d)
		if run := round(t, h, d, 4); run.Status != models.RunSucceeded {
			t.Errorf("after a person let the plan go: %s %s", run.Status, run.Error)
		}
	})
}

// TestDriftOfRunThatDied has a run repair a drift and die before its end is on record: the next
// run tells of it.
func TestDriftOfRunThatDied(t *testing.T) {
	h := sqlite(t)
	d := h.destination(t, "one")
	h.put(t, "a", "ours")
	h.work(t, d)
	h.places.at("one").Edit("production/a", []byte("theirs"))
	dies := true
	var told models.Signal
	h.Service.Alert = func(_ *store.Tx, signals ...models.Signal) error {
		if dies {
			return errors.New("the process is dead")
		}
		for _, s := range signals {
			if s.Kind == models.AlertDrift {
				told = s
			}
		}
		return nil
	}
	if _, err := h.Trigger(t.Context(), admin, d.ID); err != nil {
		t.Fatal(err)
	}
	_, err := h.Work(t.Context(), models.Job{Kind: destinations.JobKind, Key: string(d.ID)})
	if err == nil || !holds(h.places.at("one"), "production/a", "ours") {
		t.Fatalf("the run that was to die repairing ended with %v", err)
	}
	dies = false
	h.work(t, d)
	if !told.Holds || told.Total != 1 || len(told.Secrets) != 1 || told.Secrets[0] != "a" {
		t.Errorf("told: %+v", told)
	}
}
