package destinations_test

import (
	"bytes"
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/your-org/keeper/auth"
	"github.com/your-org/keeper/destinations"
	"github.com/your-org/keeper/fault"
	"github.com/your-org/keeper/models"
	"github.com/your-org/keeper/secrets"
	"github.com/your-org/keeper/store"
	"github.com/your-org/keeper/store/storetest"
	"github.com/your-org/keeper/sync/memory"
)

// with makes a destination with further settings.
func (h *house) with(t *testing.T, name string, set func(*models.DestinationConfig)) models.Destination {
	t.Helper()
	draft := h.draft(name)
	set(&draft.Config)
	d, err := h.Create(t.Context(), admin, draft)
	if err != nil {
		t.Fatal(err)
	}
	return d
}

func strategy(s models.Strategy) func(*models.DestinationConfig) {
	return func(c *models.DestinationConfig) { c.Strategy = s }
}

// full has a full pass made now.
func (h *house) full(t *testing.T, d models.Destination) models.SyncRun {
	t.Helper()
	if _, err := h.Trigger(t.Context(), admin, d.ID); err != nil {
		t.Fatal(err)
	}
	h.work(t, d)
	return h.runs(t, d)[0]
}

func (h *house) value(t *testing.T, s models.Secret) (string, models.VersionNumber) {
	t.Helper()
	r, err := h.secrets.Reveal(t.Context(), admin, s.ID, 0)
	if err != nil {
		t.Fatal(err)
	}
	return string(r.Value.Reveal()), r.Version.Number
}

// TestRemoteWinsReachesTheOthers has a value that was changed at one destination come into
// Keeper as a version, and from there to the other one.
func TestRemoteWinsReachesTheOthers(t *testing.T) {
	for _, dialect := range storetest.Dialects {
		t.Run(dialect, func(t *testing.T) {
			h := newHouse(t, storetest.Open(t, dialect))
			one, two := h.with(t, "one", strategy(models.RemoteWins)), h.destination(t, "two")
			s := h.put(t, "a", "first")
			h.work(t, one)
			h.work(t, two)
			h.places.at("one").Edit("production/a", []byte("changed there"))
			run := h.full(t, one)
			if run.Counts.Taken != 1 || run.Status != models.RunSucceeded {
				t.Fatalf("run %+v", run)
			}
			if value, number := h.value(t, s); value != "changed there" || number != 2 {
				t.Errorf("Keeper has %q as version %d", value, number)
			}
			h.work(t, two)
			if !holds(h.places.at("two"), "production/a", "changed there") {
				t.Error("the value did not reach the other destination")
			}
			if got, _ := h.secrets.Reveal(t.Context(), admin, s.ID, 1); string(got.Value.Reveal()) != "first" {
				t.Error("the version of before is lost")
			}
			if !slices.Contains(h.actions(t), "secret.take allowed") {
				t.Error("what was taken is not on record")
			}
			again := h.full(t, one)
			if again.Counts.Taken != 0 || again.Counts.InSync != 1 {
				t.Errorf("again %+v", again.Counts)
			}
		})
	}
}

func TestManual(t *testing.T) {
	drifted := func(t *testing.T) (*house, models.Destination, models.Secret, models.SyncHold) {
		h := sqlite(t)
		d := h.with(t, "one", strategy(models.ManualWins))
		s := h.put(t, "a", "ours")
		h.work(t, d)
		h.places.at("one").Edit("production/a", []byte("theirs"))
		if run := h.full(t, d); run.Counts.Held != 1 || run.Status != models.RunPartial {
			t.Fatalf("run %+v", run)
		}
		hold, err := h.Hold(t.Context(), admin, d.ID, s.ID)
		if err != nil {
			t.Fatal(err)
		}
		return h, d, s, hold
	}
	rule := func(h *house, hold models.SyncHold, side models.Side) destinations.Ruling {
		return destinations.Ruling{Destination: hold.DestinationID, Secret: hold.SecretID, Side: side, Version: hold.Version, RemoteVersion: hold.RemoteVersion}
	}
	for side, want := range map[models.Side]string{models.SideKeeper: "ours", models.SideRemote: "theirs"} {
		t.Run(string(side), func(t *testing.T) {
			h, d, s, hold := drifted(t)
			if hold.RemoteSize != 6 || len(hold.RemoteHash) != 32 || hold.Version != 1 || hold.RemoteChangedAt == nil {
				t.Errorf("hold %+v", hold)
			}
			if k := hold.Keeper; k.Number != 1 || k.Size != 4 || !bytes.Equal(k.Hash, h.state(t, s, d).BaseHash) || k.CreatedBy != admin.Name || k.CreatedAt.IsZero() || k.Ciphertext != nil {
				t.Errorf("Keeper's side %+v", k)
			}
			blind := admin
			blind.Kind, blind.Scope = models.ActorToken, &models.TokenScope{Actions: []string{string(auth.ManageDestination)}}
			for _, seen := range bothReads(t, h, blind, d, s) {
				if seen.Keeper.Number != 0 || seen.RemoteSize != 6 {
					t.Errorf("without the right to see secrets: %+v", seen)
				}
			}
			for _, seen := range bothReads(t, h, admin, d, s) {
				if diff := cmp.Diff(hold.Keeper, seen.Keeper); diff != "" {
					t.Error(diff)
				}
			}
			if !holds(h.places.at("one"), "production/a", "theirs") {
				t.Fatal("written before anybody decided")
			}
			if counts, err := h.HoldCounts(t.Context(), admin); err != nil || counts[d.ID] != 1 {
				t.Errorf("%v wait, %v", counts, err)
			}
			if err := h.Rule(t.Context(), admin, rule(h, hold, side)); err != nil {
				t.Fatal(err)
			}
			if counts, err := h.HoldCounts(t.Context(), admin); err != nil || len(counts) != 0 {
				t.Errorf("decided, and %v wait, %v", counts, err)
			}
			if held, err := h.Holds(t.Context(), admin, d.ID, 0, 10); err != nil || len(held) != 1 || held[0].SecretName != "a" || held[0].Ruling != side {
				t.Errorf("held %+v, %v", held, err)
			}
			h.work(t, d)
			value, _ := h.value(t, s)
			if value != want || !holds(h.places.at("one"), "production/a", want) {
				t.Errorf("Keeper has %q", value)
			}
			if _, err := h.Hold(t.Context(), admin, d.ID, s.ID); !fault.Is(err, fault.NotFound) {
				t.Errorf("still held: %v", err)
			}
			if !slices.Contains(h.actions(t), "sync.rule allowed") {
				t.Error("the decision is not on record")
			}
		})
	}
	t.Run("FailedAtFirst", func(t *testing.T) {
		h, d, _, hold := drifted(t)
		if err := h.Rule(t.Context(), admin, rule(h, hold, models.SideKeeper)); err != nil {
			t.Fatal(err)
		}
		h.places.at("one").Inject(memory.Fault{Op: memory.OpPut, Kind: fault.Forbidden, Times: 1})
		h.work(t, d)
		if !holds(h.places.at("one"), "production/a", "theirs") {
			t.Fatal("the write did not fail")
		}
		h.full(t, d)
		if !holds(h.places.at("one"), "production/a", "ours") {
			t.Error("the decision was forgotten")
		}
	})
	t.Run("ChangedThereSince", func(t *testing.T) {
		h, d, _, hold := drifted(t)
		h.places.at("one").Edit("production/a", []byte("theirs again"))
		if err := h.Rule(t.Context(), admin, rule(h, hold, models.SideKeeper)); err != nil {
			t.Fatal(err)
		}
		h.work(t, d)
		if !holds(h.places.at("one"), "production/a", "theirs again") {
			t.Error("a value that nobody had seen was written over")
		}
	})
	t.Run("ChangedHereSince", func(t *testing.T) {
		h, _, s, hold := drifted(t)
		h.update(t, s, "ours again")
		wantFault(t, h.Rule(t.Context(), admin, rule(h, hold, models.SideRemote)), fault.Stale)
	})
	t.Run("NothingHeld", func(t *testing.T) {
		h := sqlite(t)
		d, s := h.destination(t, "one"), h.put(t, "a", "ours")
		h.work(t, d)
		wantFault(t, h.Rule(t.Context(), admin, destinations.Ruling{Destination: d.ID, Secret: s.ID, Side: models.SideKeeper, Version: 1}), fault.NotFound)
	})
	t.Run("OfAnotherEnvironment", func(t *testing.T) {
		h, _, _, hold := drifted(t)
		other, err := h.secrets.CreateEnvironment(t.Context(), admin, models.Environment{Name: "hidden"})
		if err != nil {
			t.Fatal(err)
		}
		foreign, err := h.secrets.Create(t.Context(), admin, secrets.NewSecret{Environment: other.ID, Name: "a", Type: models.Text, Value: plain("v")})
		if err != nil {
			t.Fatal(err)
		}
		hold.SecretID, hold.Version = foreign.ID, foreign.CurrentVersion+1
		wantFault(t, h.Rule(t.Context(), actor(models.RoleEditor, h.env.ID), rule(h, hold, models.SideRemote)), fault.NotFound)
	})
	t.Run("Reader", func(t *testing.T) {
		h, _, _, hold := drifted(t)
		wantFault(t, h.Rule(t.Context(), actor(models.RoleReader, h.env.ID), rule(h, hold, models.SideRemote)), fault.Forbidden)
	})
	t.Run("BothSidesShown", func(t *testing.T) {
		h, d, s, _ := drifted(t)
		value, err := h.RevealRemote(t.Context(), actor(models.RoleReader, h.env.ID), d.ID, s.ID)
		if err != nil || string(value.Reveal()) != "theirs" {
			t.Errorf("got a value of %d bytes, %v", value.Len(), err)
		}
		_, err = h.RevealRemote(t.Context(), actor(models.RoleViewer, h.env.ID), d.ID, s.ID)
		wantFault(t, err, fault.Forbidden)
		h.places.at("one").Unmark("production/a")
		_, err = h.RevealRemote(t.Context(), admin, d.ID, s.ID)
		wantFault(t, err, fault.Conflict)
		if got := h.actions(t); !slices.Contains(got, "destination.reveal allowed") || !slices.Contains(got, "destination.reveal failed") {
			t.Errorf("on record: %v", got)
		}
	})
}

// TestRulingDuringAPass: a decision that comes while a pass is under way is not lost.
func TestRulingDuringAPass(t *testing.T) {
	h := sqlite(t)
	d := h.with(t, "one", strategy(models.ManualWins))
	s := h.put(t, "a", "ours")
	h.work(t, d)
	h.places.at("one").Edit("production/a", []byte("theirs"))
	h.full(t, d)
	hold, err := h.Hold(t.Context(), admin, d.ID, s.ID)
	if err != nil {
		t.Fatal(err)
	}
	h.update(t, s, "ours, newer") // makes the pass below look, and the hold a new one
	h.work(t, d)
	hold, err = h.Hold(t.Context(), admin, d.ID, s.ID)
	if err != nil || hold.Version != 2 {
		t.Fatalf("hold %+v, %v", hold, err)
	}
	err = h.Rule(t.Context(), admin, destinations.Ruling{Destination: d.ID, Secret: s.ID, Side: models.SideKeeper, Version: 2, RemoteVersion: hold.RemoteVersion})
	if err != nil {
		t.Fatal(err)
	}
	h.work(t, d)
	if !holds(h.places.at("one"), "production/a", "ours, newer") {
		t.Error("the decision was not carried out")
	}
}

func TestPlanAndApply(t *testing.T) {
	for _, dialect := range storetest.Dialects {
		t.Run(dialect, func(t *testing.T) {
			h := newHouse(t, storetest.Open(t, dialect))
			d := h.destination(t, "one")
			a := h.put(t, "a", "one")
			h.put(t, "b", "two")
			h.work(t, d)
			h.update(t, a, "three")
			h.put(t, "c", "four")
			h.places.at("one").Edit("production/b", []byte("theirs"))
			h.places.at("one").Edit("production/foreign", []byte("x"))
			h.put(t, "foreign", "ours")

			plan, err := h.Plan(t.Context(), admin, d.ID)
			if err != nil {
				t.Fatal(err)
			}
			items, err := h.PlanItems(t.Context(), admin, plan.ID, destinations.PlanItemQuery{Limit: 100})
			if err != nil {
				t.Fatal(err)
			}
			var got []string
			for _, item := range items {
				got = append(got, fmt.Sprintf("%s %s/%s", item.SecretName, item.Status, item.Action))
			}
			want := []string{"a source_changed/update", "b drifted/repair", "c source_changed/create", "foreign foreign/refuse"}
			if diff := cmp.Diff(want, got); diff != "" {
				t.Error(diff)
			}
			for _, narrowed := range []struct {
				query destinations.PlanItemQuery
				want  int
			}{
				{destinations.PlanItemQuery{Action: models.ActionRepair, Limit: 100}, 1},
				{destinations.PlanItemQuery{Action: models.ActionDelete, Limit: 100}, 0},
				{destinations.PlanItemQuery{Problems: true, Limit: 100}, 0},
				{destinations.PlanItemQuery{After: a.ID, Limit: 2}, 2},
			} {
				items, err := h.PlanItems(t.Context(), admin, plan.ID, narrowed.query)
				if err != nil || len(items) != narrowed.want {
					t.Errorf("%+v: %d items, %v", narrowed.query, len(items), err)
				}
			}
			c := plan.Counts
			if c.Creates != 1 || c.Updates != 1 || c.Repairs != 1 || c.Overwrites != 1 || c.Refused != 1 || c.Looked != 4 || c.Changes() != 3 || plan.Status != models.PlanDraft {
				t.Errorf("plan %+v", plan)
			}
			if !holds(h.places.at("one"), "production/b", "theirs") {
				t.Fatal("a plan changed something")
			}
			_, err = h.Apply(t.Context(), admin, plan.ID, "0000")
			wantFault(t, err, fault.Stale)
			run, err := h.Apply(t.Context(), admin, plan.ID, plan.Digest)
			if err != nil {
				t.Fatal(err)
			}
			h.work(t, d)
			run, err = h.Run(t.Context(), admin, run.ID)
			if err != nil || run.Status != models.RunSucceeded || run.Counts.Created+run.Counts.Updated+run.Counts.Repaired != 3 {
				t.Errorf("run %+v, %v", run, err)
			}
			if plan, err = h.FindPlan(t.Context(), admin, plan.ID); err != nil || plan.Status != models.PlanApplied {
				t.Errorf("plan %+v, %v", plan, err)
			}
			_, err = h.Apply(t.Context(), admin, plan.ID, "")
			wantFault(t, err, fault.Conflict)
			if err := h.Delete(t.Context(), admin, d.ID); err != nil {
				t.Errorf("a destination with plans cannot be removed: %v", err)
			}
		})
	}
}

func TestPlanThatMoved(t *testing.T) {
	h := sqlite(t)
	d := h.destination(t, "one")
	a := h.put(t, "a", "one")
	h.put(t, "b", "two")
	h.work(t, d)
	h.places.at("one").Edit("production/a", []byte("theirs"))
	h.places.at("one").Edit("production/b", []byte("theirs"))
	plan, err := h.Plan(t.Context(), admin, d.ID)
	if err != nil {
		t.Fatal(err)
	}
	h.update(t, a, "three")
	run, err := h.Apply(t.Context(), admin, plan.ID, "")
	if err != nil {
		t.Fatal(err)
	}
	h.work(t, d)
	run, err = h.Run(t.Context(), admin, run.ID)
	if err != nil || run.Status != models.RunFailed || run.Counts.Repaired != 0 {
		t.Errorf("run %+v, %v", run, err)
	}
	if !holds(h.places.at("one"), "production/b", "theirs") {
		t.Error("part of a plan that moved was carried out")
	}
	if plan, err = h.FindPlan(t.Context(), admin, plan.ID); err != nil || plan.Status != models.PlanRefused || plan.Reason == "" {
		t.Errorf("plan %+v, %v", plan, err)
	}
}

// TestPlanCutOff: a plan whose run died with its process does not look as if it went on.
func TestPlanCutOff(t *testing.T) {
	for _, dialect := range storetest.Dialects {
		t.Run(dialect, func(t *testing.T) {
			h := newHouse(t, storetest.Open(t, dialect))
			d := h.destination(t, "one")
			h.put(t, "a", "one")
			plan, err := h.Plan(t.Context(), admin, d.ID)
			if err != nil {
				t.Fatal(err)
			}
			run, err := h.Apply(t.Context(), admin, plan.ID, "")
			if err != nil {
				t.Fatal(err)
			}
			run.Status = models.RunRunning // as when the process dies right after
			if err := h.store.Write(t.Context(), func(tx *store.Tx) error { return tx.UpdateRun(&run) }); err != nil {
				t.Fatal(err)
			}
			h.work(t, d)
			if plan, err = h.FindPlan(t.Context(), admin, plan.ID); err != nil || plan.Status != models.PlanRefused || plan.Reason == "" {
				t.Errorf("plan %+v, %v", plan, err)
			}
			if !holds(h.places.at("one"), "production/a", "one") {
				t.Error("the work was not taken over")
			}
		})
	}
}

func TestBrakeHolds(t *testing.T) {
	h := sqlite(t)
	const n = 12
	d := h.with(t, "one", func(c *models.DestinationConfig) { c.BrakeMost, c.BrakePercent = new(8), new(0) })
	var all []models.Secret
	for i := range n {
		all = append(all, h.put(t, fmt.Sprint("s", i), "value"))
	}
	h.work(t, d)
	for _, s := range all[:9] {
		if _, err := h.secrets.Delete(t.Context(), admin, s.ID, 0); err != nil {
			t.Fatal(err)
		}
	}
	h.work(t, d)
	run := h.runs(t, d)[0]
	if run.Status != models.RunHeld || run.PlanID == "" || run.Error == "" || run.Hint == "" {
		t.Fatalf("run %+v", run)
	}
	for _, s := range all {
		if !holds(h.places.at("one"), "production/"+s.Name, "value") {
			t.Fatalf("%s was deleted in spite of the brake", s.Name)
		}
	}
	h.work(t, d)
	held, _, err := h.Plans(t.Context(), admin, destinations.PlanQuery{DestinationID: d.ID, Status: models.PlanHeld})
	if err != nil || len(held) != 1 || held[0].Counts.Deletes != 9 {
		t.Fatalf("held %+v, %v", held, err)
	}
	_, err = h.Apply(t.Context(), actor(models.RoleEditor, h.env.ID), held[0].ID, "")
	wantFault(t, err, fault.Forbidden)
	if _, err := h.Apply(t.Context(), actor(models.RoleManager, h.env.ID), held[0].ID, held[0].Digest); err != nil {
		t.Fatal(err)
	}
	h.work(t, d)
	if run := h.runs(t, d)[0]; run.Status != models.RunSucceeded || run.Counts.Deleted != 9 {
		t.Errorf("run %+v", run)
	}
	if holds(h.places.at("one"), "production/s0", "value") || !holds(h.places.at("one"), "production/s11", "value") {
		t.Error("the plan was not carried out as it stood")
	}
}

// TestBrakeOfDrafts: a plan that somebody asked for is no way round the brake.
func TestBrakeOfDrafts(t *testing.T) {
	h := sqlite(t)
	d := h.with(t, "one", func(c *models.DestinationConfig) { c.BrakeMost, c.BrakePercent = new(1), new(0) })
	editor := actor(models.RoleEditor, h.env.ID)
	for i := range 3 {
		h.put(t, fmt.Sprint("s", i), "value")
	}
	h.work(t, d)
	plan := func(edited ...string) models.Plan {
		for _, name := range edited {
			h.places.at("one").Edit("production/"+name, []byte("theirs"))
		}
		p, err := h.Plan(t.Context(), editor, d.ID)
		if err != nil || p.Counts.Overwrites != len(edited) {
			t.Fatalf("plan %+v, %v", p, err)
		}
		return p
	}
	within := plan("s0")
	if _, err := h.Apply(t.Context(), editor, within.ID, within.Digest); err != nil {
		t.Fatal(err)
	}
	h.work(t, d)
	over := plan("s1", "s2")
	_, err := h.Apply(t.Context(), editor, over.ID, over.Digest)
	wantFault(t, err, fault.Forbidden)
	if _, err := h.Apply(t.Context(), actor(models.RoleManager, h.env.ID), over.ID, over.Digest); err != nil {
		t.Fatal(err)
	}
	h.work(t, d)
	if run := h.runs(t, d)[0]; run.Status != models.RunSucceeded || run.Counts.Repaired != 2 {
		t.Errorf("run %+v", run)
	}
}

// TestBrakeDoesNotSpin: a run that the brake stopped is not tried again at once.
func TestBrakeDoesNotSpin(t *testing.T) {
	h := sqlite(t)
	d := h.with(t, "one", func(c *models.DestinationConfig) { c.BrakeMost = new(1) })
	for i := range 3 {
		h.put(t, fmt.Sprint("s", i), "value")
	}
	h.work(t, d)
	for i := range 3 {
		h.places.at("one").Edit(fmt.Sprint("production/s", i), []byte("theirs"))
	}
	if run := h.full(t, d); run.Status != models.RunHeld {
		t.Fatalf("run %+v", run)
	}
	if next := h.work(t, d); time.Until(*next) < 50*time.Minute {
		t.Errorf("next due in %v", time.Until(*next))
	}
	before := h.runs(t, d)[0]
	if run := h.full(t, d); run.Status != models.RunHeld || run.PlanID != before.PlanID {
		t.Errorf("again: %+v, before: %+v", run, before)
	}
	if plans, _, err := h.Plans(t.Context(), admin, destinations.PlanQuery{DestinationID: d.ID}); err != nil || len(plans) != 1 {
		t.Errorf("%d plans are kept, want the one that is held; %v", len(plans), err)
	}
}

// TestBrakeWithoutAPlan: a run that the brake stopped ends on record also where its plan cannot
// be made, and the next one is held.
func TestBrakeWithoutAPlan(t *testing.T) {
	h := sqlite(t)
	d := h.with(t, "one", func(c *models.DestinationConfig) { c.BrakeMost, c.BrakePercent = new(2), new(0) })
	var all []models.Secret
	for i := range 4 {
		all = append(all, h.put(t, fmt.Sprint("s", i), "value"))
	}
	h.work(t, d)
	for _, s := range all {
		if _, err := h.secrets.Delete(t.Context(), admin, s.ID, 0); err != nil {
			t.Fatal(err)
		}
	}
	h.places.at("one").Inject(memory.Fault{Op: memory.OpList, Kind: fault.Unavailable, Times: 1})
	run := h.full(t, d)
	if run.Status != models.RunFailed || run.FinishedAt == nil || run.Error == "" || run.PlanID != "" {
		t.Errorf("run %+v", run)
	}
	if run = h.full(t, d); run.Status != models.RunHeld || run.PlanID == "" {
		t.Errorf("then %+v", run)
	}
	for _, s := range all {
		if !holds(h.places.at("one"), "production/"+s.Name, "value") {
			t.Errorf("%s was deleted in spite of the brake", s.Name)
		}
	}
}

// TestBroughtBackByWhom has the answer to Keeper's restore of a copy be lost. It might have been
// somebody else's restore as well, so a person decides what counts, and Keeper takes over neither.
func TestBroughtBackByWhom(t *testing.T) {
	for _, s := range []models.Strategy{models.ManualWins, models.RemoteWins, models.NewestWins} {
		t.Run(string(s), func(t *testing.T) {
			h := sqlite(t)
			d := h.with(t, "one", strategy(s))
			secret := h.put(t, "a", "old")
			h.work(t, d)
			if _, err := h.secrets.Delete(t.Context(), admin, secret.ID, 0); err != nil {
				t.Fatal(err)
			}
			h.work(t, d)
			secret, err := h.secrets.Undelete(t.Context(), admin, secret.ID)
			if err != nil {
				t.Fatal(err)
			}
			h.update(t, secret, "new")
			place := h.places.at("one")
			place.Inject(memory.Fault{Op: memory.OpRestore, Kind: fault.Unavailable, Acted: true, Times: 1})
			h.full(t, d)
			for range 2 { // it stays so
				if run := h.full(t, d); run.Counts.Held != 1 || !holds(place, "production/a", "old") {
					t.Fatalf("run %+v, holds old: %v", run, holds(place, "production/a", "old"))
				}
			}
			if value, number := h.value(t, secret); value != "new" || number != 2 {
				t.Errorf("Keeper has %q as version %d", value, number)
			}
			waiting, err := h.Holds(t.Context(), admin, d.ID, 0, 10)
			if err != nil || len(waiting) != 1 {
				t.Fatalf("%d differences wait (%v)", len(waiting), err)
			}
			ruling := destinations.Ruling{
				Destination: d.ID, Secret: secret.ID, Side: models.SideKeeper, Version: waiting[0].Version, RemoteVersion: waiting[0].RemoteVersion,
			}
			if err := h.Rule(t.Context(), admin, ruling); err != nil {
				t.Fatal(err)
			}
			h.work(t, d)
			if !holds(place, "production/a", "new") {
				t.Error("what was decided was not done")
			}
		})
	}
}

// bothReads are a secret's difference read by itself and in the list of its destination.
func bothReads(t *testing.T, h *house, actor models.Actor, d models.Destination, s models.Secret) []models.SyncHold {
	t.Helper()
	one, err := h.Hold(t.Context(), actor, d.ID, s.ID)
	if err != nil {
		t.Fatal(err)
	}
	list, err := h.Holds(t.Context(), actor, d.ID, 0, 10)
	if err != nil || len(list) != 1 {
		t.Fatalf("%+v, %v", list, err)
	}
	return []models.SyncHold{one, list[0].SyncHold}
}
