package destinations_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/your-org/keeper/destinations"
	"github.com/your-org/keeper/models"
	"github.com/your-org/keeper/store"
)

// TestBrakeCountsOverRuns has copies changed one by one, each run small enough for the brake:
// together they are too many, until an hour has passed or a person has let a plan go.
func TestBrakeCountsOverRuns(t *testing.T) {
	begin := func(t *testing.T) (h *house, d models.Destination, later func(time.Duration)) {
		h = sqlite(t)
		began := time.Now()
		var passed atomic.Int64 // a run asks from several goroutines
		h.Now = func() time.Time { return began.Add(time.Duration(passed.Add(int64(time.Millisecond)))) }
		later = func(by time.Duration) { passed.Add(int64(by)) }
		draft := h.draft("one")
		draft.Config.BrakeMost, draft.Config.BrakePercent = new(3), new(0)
		var err error
		if d, err = h.Create(t.Context(), admin, draft); err != nil {
			t.Fatal(err)
		}
		for i := range 8 {
			h.put(t, fmt.Sprint("s", i), "ours")
		}
		h.work(t, d)
		return h, d, later
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
		h, d, later := begin(t)
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
		later(61 * time.Minute)
		if run := round(t, h, d, 3); run.Status != models.RunSucceeded {
			t.Errorf("an hour later: %s %s", run.Status, run.Error)
		}
	})

	t.Run("DecidedBefore", func(t *testing.T) {
		h, d, _ := begin(t)
		strategy := func(strategy models.Strategy) {
			t.Helper()
			config := d.Config
			config.Strategy, config.BrakeMost = strategy, new(1)
			if _, err := h.Update(t.Context(), admin, d.ID, destinations.Change{Config: &config}, 0); err != nil {
				t.Fatal(err)
			}
		}
		strategy(models.ManualWins)
		round(t, h, d, 0)
		held, err := h.Holds(t.Context(), admin, d.ID, 0, 10)
		if err != nil || len(held) != 1 {
			t.Fatal(held, err)
		}
		err = h.Rule(t.Context(), admin, destinations.Ruling{
			Destination: d.ID, Secret: held[0].SecretID, Side: models.SideKeeper, Version: held[0].Version, RemoteVersion: held[0].RemoteVersion,
		})
		if err != nil {
			t.Fatal(err)
		}
		strategy(models.KeeperWins)
		if run := round(t, h, d, 0); run.Status != models.RunSucceeded { // over another value than the one that was decided about
			t.Fatalf("the first run ended %s: %s", run.Status, run.Error)
		}
		if run := round(t, h, d, 1); run.Status != models.RunHeld {
			t.Errorf("an outdated decision made room for one more: %s", run.Status)
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

	t.Run("Refused", func(t *testing.T) {
		h, d, _ := begin(t)
		for i := range 4 {
			round(t, h, d, i)
		}
		held, _, err := h.Plans(t.Context(), admin, destinations.PlanQuery{DestinationID: d.ID, Status: models.PlanHeld})
		if err != nil || len(held) != 1 {
			t.Fatal(held, err)
		}
		h.places.at("one").Edit("production/s3", []byte("theirs once more"))
		if _, err := h.Apply(t.Context(), admin, held[0].ID, ""); err != nil {
			t.Fatal(err)
		}
		h.work(t, d)
		if plan, err := h.FindPlan(t.Context(), admin, held[0].ID); err != nil || plan.Status != models.PlanRefused {
			t.Fatalf("the plan is %s, %v", plan.Status, err)
		}
		if run := round(t, h, d, 4); run.Status != models.RunHeld || !holds(h.places.at("one"), "production/s4", "theirs 4") {
			t.Errorf("after a plan that was refused the run ended %s", run.Status)
		}
	})

	// Else whoever may apply a small plan could have as much taken away as they like.
	t.Run("NothingWasHeld", func(t *testing.T) {
		h, d, _ := begin(t)
		for i := range 3 {
			round(t, h, d, i)
		}
		h.put(t, "one-more", "ours")
		plan, err := h.Plan(t.Context(), admin, d.ID)
		if err != nil || plan.Counts.Creates != 1 {
			t.Fatal(plan.Counts, err)
		}
		if _, err := h.Apply(t.Context(), admin, plan.ID, ""); err != nil {
			t.Fatal(err)
		}
		h.work(t, d)
		if !holds(h.places.at("one"), "production/one-more", "ours") {
			t.Fatal("the plan was not applied")
		}
		if run := round(t, h, d, 3); run.Status != models.RunHeld || !holds(h.places.at("one"), "production/s3", "theirs 3") {
			t.Errorf("after a plan of something else the run ended %s", run.Status)
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

// TestBrakeCountsGroupsOverRuns has an entry that several secrets share lose some of its values
// in one run after the other: what it lost before does not exempt it.
func TestBrakeCountsGroupsOverRuns(t *testing.T) {
	begin := func(t *testing.T) (*house, models.Destination, []models.Secret) {
		h := sqlite(t)
		d := h.with(t, "one", func(c *models.DestinationConfig) {
			c.Shape, c.BrakeMost, c.BrakePercent = models.ShapeBundle, new(5), new(0)
		})
		var all []models.Secret
		for i := range 20 {
			all = append(all, h.put(t, fmt.Sprintf("s%02d", i), "v"))
		}
		h.work(t, d)
		return h, d, all
	}
	left := func(t *testing.T, h *house) int {
		t.Helper()
		return len(h.entry(t, "production/production"))
	}
	edit := func(t *testing.T, h *house, value string) {
		t.Helper()
		there, _ := h.places.at("one").Get("production/production")
		h.places.at("one").Edit("production/production", []byte(strings.Replace(string(there.Value), `"v"`, `"`+value+`"`, 1)))
		if run := h.full(t, d0(h)); run.Status != models.RunSucceeded {
			t.Fatalf("run %+v", run)
		}
	}
	t.Run("AfterADrift", func(t *testing.T) {
		h, d, all := begin(t)
		edit(t, h, "theirs")
		for _, s := range all[:19] {
			h.delete(t, s)
		}
		h.work(t, d)
		if run := h.runs(t, d)[0]; run.Status != models.RunHeld || left(t, h) != 20 {
			t.Errorf("%d of 20 values are left after %s", left(t, h), run.Status)
		}
	})
	t.Run("FewByFew", func(t *testing.T) {
		h, d, all := begin(t)
		for i := range 2 {
			for _, s := range all[3*i : 3*i+3] {
				h.delete(t, s)
			}
			h.work(t, d)
		}
		if run := h.runs(t, d)[0]; run.Status != models.RunHeld || left(t, h) != 17 {
			t.Errorf("%d of 20 values are left after %s", left(t, h), run.Status)
		}
	})
	// Who fights with Keeper over one value takes no more than the entry has.
	t.Run("TheSameAgain", func(t *testing.T) {
		h := sqlite(t)
		h.with(t, "one", func(c *models.DestinationConfig) {
			c.Shape, c.BrakeMost, c.BrakePercent = models.ShapeBundle, new(2), new(0)
		})
		h.put(t, "a", "v")
		h.work(t, d0(h))
		for i := range 4 {
			edit(t, h, fmt.Sprint("theirs ", i))
		}
	})
}

// d0 is the only destination of a house.
func d0(h *house) models.Destination {
	all, err := h.List(context.Background(), admin, 0)
	if err != nil || len(all) != 1 {
		panic("not one destination")
	}
	return all[0]
}

// TestBrakeCountsAdoptedCopies has secrets deleted whose entries were adopted and not yet
// marked: that they are marked first hides nothing of it.
func TestBrakeCountsAdoptedCopies(t *testing.T) {
	h := sqlite(t)
	d := h.with(t, "main", func(c *models.DestinationConfig) { c.BrakeMost, c.BrakePercent = new(3), new(0) })
	place := h.places.at("main")
	var all []models.Secret
	for i := range 6 {
		all = append(all, h.put(t, fmt.Sprint("s", i), "same"))
		place.Edit(fmt.Sprint("production/s", i), []byte("same"))
	}
	h.work(t, d)
	if i := h.apply(t, h.adoption(t, d), destinations.ImportChoice{Adopt: true}); i.Counts.Adopted != 6 {
		t.Fatalf("applied: %+v", i.Counts)
	}
	for _, s := range all {
		h.delete(t, s)
	}
	h.work(t, d)
	run := h.runs(t, d)[0]
	if run.Status != models.RunHeld {
		t.Errorf("the run ended %s: %+v", run.Status, run.Counts)
	}
	for i := range 6 {
		if !holds(place, fmt.Sprint("production/s", i), "same") {
			t.Errorf("s%d was deleted", i)
		}
	}
	plan, err := h.FindPlan(t.Context(), admin, run.PlanID)
	if err != nil || plan.Counts.Lost != 6 || plan.Counts.Overwrites != 0 {
		t.Errorf("plan %+v, %v", plan.Counts, err)
	}
}

// TestPlanThatMarks applies a plan that says no more than that entries are marked: it writes
// nothing over them.
func TestPlanThatMarks(t *testing.T) {
	h := sqlite(t)
	d := h.destination(t, "main")
	place := h.places.at("main")
	s := h.put(t, "a", "ours")
	place.Edit("production/a", []byte("theirs"))
	h.work(t, d)
	h.apply(t, h.adoption(t, d), destinations.ImportChoice{Adopt: true, Side: models.SideKeeper})
	plan, err := h.Plan(t.Context(), admin, d.ID)
	if err != nil || plan.Counts.Marks != 1 || plan.Counts.Updates != 0 {
		t.Fatalf("plan %+v, %v", plan.Counts, err)
	}
	if _, err := h.Apply(t.Context(), admin, plan.ID, plan.Digest); err != nil {
		t.Fatal(err)
	}
	h.work(t, d)
	there, _ := place.Get("production/a")
	if string(there.Value) != "theirs" || there.Remote.Mark.Zero() {
		t.Errorf("the plan that marks left %q under %+v", there.Value, there.Remote.Mark)
	}
	h.work(t, d)
	h.wantOwn(t, s, d, "ours")
}
