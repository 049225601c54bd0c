package destinations_test

import (
	"context"
	"fmt"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/your-org/keeper/destinations"
	"github.com/your-org/keeper/fault"
	"github.com/your-org/keeper/models"
	"github.com/your-org/keeper/secrets"
	"github.com/your-org/keeper/store/storetest"
	keepersync "github.com/your-org/keeper/sync"
	"github.com/your-org/keeper/sync/memory"
)

// TestGroupChangedWhileItIsWritten has half of the members changed once the first of them is
// opened: what is written is one state of the group, and the next pass writes the newest.
func TestGroupChangedWhileItIsWritten(t *testing.T) {
	for _, dialect := range storetest.Dialects {
		t.Run(dialect, func(t *testing.T) {
			h := newHouse(t, storetest.Open(t, dialect))
			d := h.grouped(t, models.ShapeFolder, models.KeeperWins)
			const n = 20
			all, old, changed := make([]models.Secret, n), kv{}, kv{}
			for i := range n {
				key := fmt.Sprintf("s%02d", i)
				all[i] = h.put(t, "app/"+key, "old")
				old[key], changed[key] = "old", "old"
				if i%2 == 0 {
					changed[key] = "new"
				}
			}
			open := h.OpenVersion
			var once sync.Once
			h.OpenVersion = func(ctx context.Context, e models.Environment, v models.SecretVersion) (models.Plaintext, error) {
				once.Do(func() {
					for i := 0; i < n; i += 2 {
						h.update(t, all[i], "new")
					}
				})
				return open(ctx, e, v)
			}
			h.work(t, d)
			if got := h.entry(t, "production/app"); !cmp.Equal(got, old) && !cmp.Equal(got, changed) {
				t.Fatalf("a mixture: %v", got)
			}
			h.work(t, d)
			h.wantEntry(t, "production/app", changed)
			for _, s := range all {
				if got := h.state(t, s, d); got.Dirty || got.Status != models.StatusInSync || got.BaseVersion != h.current(t, s) {
					t.Errorf("%s: %+v", s.Name, got)
				}
			}
		})
	}
}

func (h *house) current(t *testing.T, s models.Secret) models.VersionNumber {
	t.Helper()
	_, number := h.value(t, s)
	return number
}

// mortal is a driver whose process ends at a call.
type mortal struct {
	keepersync.Driver
	left  atomic.Int64
	after bool // the call arrives
	end   context.CancelFunc
}

func (m *mortal) call(do func()) error {
	switch left := m.left.Add(-1); {
	case left > 0:
		do()
		return nil
	case left == 0 && m.after:
		do()
	}
	m.end()
	return fault.New(fault.Unavailable, "The process is gone.")
}

func (m *mortal) Describe(ctx context.Context, name string) (r keepersync.Remote, err error) {
	if gone := m.call(func() { r, err = m.Driver.Describe(ctx, name) }); gone != nil {
		return keepersync.Remote{}, gone
	}
	return r, err
}

func (m *mortal) Put(ctx context.Context, w keepersync.Write) (r keepersync.Remote, err error) {
	if gone := m.call(func() { r, err = m.Driver.Put(ctx, w) }); gone != nil {
		return keepersync.Remote{}, gone
	}
	return r, err
}

func (m *mortal) Delete(ctx context.Context, there keepersync.Remote) (r keepersync.Remote, err error) {
	if gone := m.call(func() { r, err = m.Driver.Delete(ctx, there) }); gone != nil {
		return keepersync.Remote{}, gone
	}
	return r, err
}

// TestGroupKilledAnywhere ends the process at each call to the destination in turn, before it
// arrives and after it has, and lets the next process take over: nothing is lost, and nothing
// is written twice.
func TestGroupKilledAnywhere(t *testing.T) {
	for _, after := range []bool{false, true} {
		deaths := 0
		for n := int64(1); ; n++ {
			h := sqlite(t)
			d := h.grouped(t, models.ShapeFolder, models.KeeperWins)
			updated, emptied, left := h.put(t, "updated/a", "1"), h.put(t, "emptied/a", "1"), h.put(t, "fewer/a", "1")
			h.put(t, "updated/b", "2")
			h.put(t, "fewer/b", "2")
			h.work(t, d)
			h.update(t, updated, "new")
			h.delete(t, emptied)
			h.delete(t, left)
			h.put(t, "created/a", "1")

			ctx, cancel := context.WithCancel(t.Context())
			m := &mortal{Driver: memory.New(memory.Options{Place: h.places.at("one"), Prefix: "production/"}), after: after, end: cancel}
			m.left.Store(n)
			dying := h.another(t)
			dying.Open = func(context.Context, models.Destination, models.DestinationCredentials) (keepersync.Driver, error) {
				return m, nil
			}
			_, err := dying.Work(ctx, models.Job{Key: string(d.ID)})
			cancel()
			killed := m.left.Load() <= 0
			if killed && err == nil {
				t.Fatal("died, but the run ended well")
			}
			h.Now = func() time.Time { return time.Now().Add(time.Minute) }
			h.full(t, d)
			h.wantEntry(t, "production/updated", kv{"a": "new", "b": "2"})
			h.wantEntry(t, "production/created", kv{"a": "1"})
			h.wantEntry(t, "production/fewer", kv{"b": "2"})
			h.wantEntry(t, "production/emptied", nil)
			for name, want := range map[string]int{"updated": 2, "created": 1, "fewer": 2, "emptied": 1} {
				if got, _ := h.places.at("one").Get("production/" + name); got.Writes != want {
					t.Errorf("killed at call %d, after=%v: %s was written %d times, want %d", n, after, name, got.Writes, want)
				}
			}
			if states, _ := h.StatesOf(t.Context(), []models.SecretID{emptied.ID, left.ID}); len(states) != 0 {
				t.Errorf("killed at call %d: states of what is gone: %+v", n, states)
			}
			if t.Failed() {
				return
			}
			if !killed {
				break
			}
			deaths++
		}
		if deaths < 6 {
			t.Errorf("died %d times only", deaths)
		}
	}
}

// TestGroupTwoEngines has two replicas make passes over one destination at once, as if leases
// went wrong, while members come, change and go.
func TestGroupTwoEngines(t *testing.T) {
	for _, dialect := range storetest.Dialects {
		t.Run(dialect, func(t *testing.T) {
			h := newHouse(t, storetest.Open(t, dialect))
			d := h.grouped(t, models.ShapeFolder, models.KeeperWins)
			other := h.another(t)
			want, all := map[string]kv{}, []models.Secret{}
			for i := range 12 {
				folder, key := fmt.Sprintf("f%d", i%3), fmt.Sprintf("k%d", i)
				all = append(all, h.put(t, folder+"/"+key, "0"))
				if want[folder] == nil {
					want[folder] = kv{}
				}
				want[folder][key] = "0"
			}
			for round := range 5 {
				var engines sync.WaitGroup
				for _, replica := range []*house{h, other} {
					engines.Go(func() { _, _ = replica.Work(t.Context(), models.Job{Key: string(d.ID)}) })
				}
				for i, s := range all {
					if (i+round)%4 == 0 {
						h.update(t, s, fmt.Sprint(round+1))
						want[fmt.Sprintf("f%d", i%3)][fmt.Sprintf("k%d", i)] = fmt.Sprint(round + 1)
					}
				}
				engines.Wait()
			}
			later := time.Now()
			for range 3 { // what clashed is tried again
				later = later.Add(time.Hour)
				h.Now = func() time.Time { return later }
				h.full(t, d)
			}
			for folder, values := range want {
				h.wantEntry(t, "production/"+folder, values)
			}
			if run := h.full(t, d); run.Counts.InSync != 3 || run.Status != models.RunSucceeded {
				t.Errorf("not at rest: %+v", run)
			}
			for _, s := range all {
				if got := h.state(t, s, d); got.Status != models.StatusInSync || got.Dirty {
					t.Errorf("%s: %+v", s.Name, got)
				}
			}
		})
	}
}

// TestGroupBrake takes members away from a bundle.
func TestGroupBrake(t *testing.T) {
	bundle := func(t *testing.T) (*house, models.Destination, []models.Secret) {
		h := sqlite(t)
		d := h.with(t, "one", shaped(models.ShapeBundle))
		var all []models.Secret
		for i := range 12 {
			all = append(all, h.put(t, fmt.Sprintf("s%02d", i), "v"))
		}
		h.work(t, d)
		return h, d, all
	}
	t.Run("few", func(t *testing.T) {
		h, d, all := bundle(t)
		for _, s := range all[:5] {
			h.delete(t, s)
		}
		h.work(t, d)
		if got := h.entry(t, "production/production"); len(got) != 7 {
			t.Errorf("%d are left", len(got))
		}
	})
	t.Run("changes are no loss", func(t *testing.T) {
		h, d, all := bundle(t)
		for _, s := range all {
			h.update(t, s, "other")
		}
		if run := h.full(t, d); run.Status != models.RunSucceeded {
			t.Errorf("run %+v", run)
		}
	})
	t.Run("one key changed there is one value", func(t *testing.T) {
		h, d, _ := bundle(t)
		there, _ := h.places.at("one").Get("production/production")
		h.places.at("one").Edit("production/production", []byte(strings.Replace(string(there.Value), `"v"`, `"w"`, 1)))
		if run := h.full(t, d); run.Counts.Repaired != 1 {
			t.Errorf("run %+v", run)
		}
	})
	for what, n := range map[string]int{"many": 8, "all": 12} {
		t.Run(what, func(t *testing.T) {
			h, d, all := bundle(t)
			for _, s := range all[:n] {
				h.delete(t, s)
			}
			h.work(t, d)
			run := h.runs(t, d)[0]
			if run.Status != models.RunHeld || len(h.entry(t, "production/production")) != 12 {
				t.Fatalf("run %+v", run)
			}
			plan, err := h.FindPlan(t.Context(), admin, run.PlanID)
			if err != nil || plan.Counts.Lost != n || plan.Counts.Values != 12 {
				t.Fatalf("plan %+v, %v", plan, err)
			}
			if _, err := h.Apply(t.Context(), admin, plan.ID, plan.Digest); err != nil {
				t.Fatal(err)
			}
			h.work(t, d)
			if got := h.entry(t, "production/production"); len(got) != 12-n {
				t.Errorf("%d are left, run %+v", len(got), h.runs(t, d)[0])
			}
		})
	}
}

// TestGroupPlan shows entries with their members, and applies nothing that moved.
func TestGroupPlan(t *testing.T) {
	h := sqlite(t)
	d := h.grouped(t, models.ShapeFolder, models.KeeperWins)
	h.put(t, "app/a", "1")
	s := h.put(t, "app/b", "2")
	plan, err := h.Plan(t.Context(), admin, d.ID)
	if err != nil {
		t.Fatal(err)
	}
	items, err := h.PlanItems(t.Context(), admin, plan.ID, destinations.PlanItemQuery{Limit: 10})
	if err != nil || len(items) != 1 || items[0].SecretName != "app (a, b)" || items[0].RemoteName != "production/app" || items[0].Action != models.ActionCreate {
		t.Fatalf("%+v, %v", items, err)
	}
	h.update(t, s, "3")
	if _, err := h.Apply(t.Context(), admin, plan.ID, plan.Digest); err != nil {
		t.Fatal(err)
	}
	h.work(t, d)
	if got, _ := h.FindPlan(t.Context(), admin, plan.ID); got.Status != models.PlanRefused || h.entry(t, "production/app") != nil {
		t.Errorf("plan %+v", got)
	}
	if plan, err = h.Plan(t.Context(), admin, d.ID); err != nil {
		t.Fatal(err)
	}
	if _, err := h.Apply(t.Context(), admin, plan.ID, plan.Digest); err != nil {
		t.Fatal(err)
	}
	h.work(t, d)
	h.wantEntry(t, "production/app", kv{"a": "1", "b": "3"})
	if got, _ := h.FindPlan(t.Context(), admin, plan.ID); got.Status != models.PlanApplied {
		t.Errorf("plan %+v", got)
	}
}

// TestGroupForeign finds an entry of the name there that is not Keeper's.
func TestGroupForeign(t *testing.T) {
	h := sqlite(t)
	d := h.grouped(t, models.ShapeFolder, models.KeeperWins)
	h.places.at("one").Edit("production/app", []byte(`{"theirs":"x"}`))
	s := h.put(t, "app/a", "1")
	h.work(t, d)
	h.wantEntry(t, "production/app", kv{"theirs": "x"})
	if got := h.state(t, s, d); got.Status != models.StatusForeign {
		t.Errorf("state %+v", got)
	}
}

func TestGroupStrategies(t *testing.T) {
	h := sqlite(t)
	for _, shape := range []models.Shape{models.ShapeFolder, models.ShapeBundle} {
		draft := h.draft("newest")
		draft.Config.Shape, draft.Config.Strategy = shape, models.NewestWins
		_, err := h.Create(t.Context(), admin, draft)
		wantFault(t, err, fault.Invalid)
	}
}

// TestGroupTakeCutOff ends a take after the first of three values: the next run finishes it,
// and a ruling is asked for again.
func TestGroupTakeCutOff(t *testing.T) {
	const theirs = `{"a":"x","b":"y","c":"z"}`
	cutOff := func(t *testing.T, s models.Strategy) (*house, models.Destination, models.Secret) {
		h := sqlite(t)
		d := h.grouped(t, models.ShapeFolder, s)
		first := h.put(t, "app/a", "1")
		h.put(t, "app/b", "2")
		h.put(t, "app/c", "3")
		h.work(t, d)
		h.places.at("one").Edit("production/app", []byte(theirs))
		take, taken := h.Take, 0
		h.Take = func(ctx context.Context, id models.SecretID, current models.VersionNumber, v models.Plaintext, changed time.Time, comment string) (models.Secret, error) {
			if taken++; taken == 2 {
				return models.Secret{}, fault.New(fault.Unavailable, "The database is away.")
			}
			return take(ctx, id, current, v, changed, comment)
		}
		return h, d, first
	}
	whole := func(t *testing.T, h *house) {
		t.Helper()
		want := kv{"app/a": "x", "app/b": "y", "app/c": "z"}
		for name, want := range want {
			if got, number := h.value(t, h.named(t, name)); got != want || number != 2 {
				t.Errorf("%s is %q in version %d", name, got, number)
			}
		}
		h.wantEntry(t, "production/app", kv{"a": "x", "b": "y", "c": "z"})
	}
	t.Run("remote wins", func(t *testing.T) {
		h, d, first := cutOff(t, models.RemoteWins)
		if run := h.full(t, d); run.Counts.Failed != 1 {
			t.Fatalf("run %+v", run)
		}
		if got, _ := h.value(t, first); got != "x" {
			t.Fatalf("nothing was taken: %q", got)
		}
		if run := h.full(t, d); run.Counts.Taken != 1 {
			t.Errorf("run %+v", run)
		}
		whole(t, h)
	})
	t.Run("manual", func(t *testing.T) {
		h, d, first := cutOff(t, models.ManualWins)
		h.full(t, d)
		for range 2 {
			hold, err := h.Hold(t.Context(), admin, d.ID, first.ID)
			if err != nil {
				t.Fatal(err)
			}
			if err := h.Rule(t.Context(), admin, ruling(hold, models.SideRemote)); err != nil {
				t.Fatal(err)
			}
			h.full(t, d)
			h.full(t, d)
		}
		whole(t, h)
	})
}

// TestGroupRetry tries an entry again that a run could not write, for all that share it.
func TestGroupRetry(t *testing.T) {
	for _, dialect := range storetest.Dialects {
		t.Run(dialect, func(t *testing.T) {
			h := newHouse(t, storetest.Open(t, dialect))
			d := h.grouped(t, models.ShapeFolder, models.KeeperWins)
			s := h.put(t, "app/a", "1")
			h.put(t, "app/b", "2")
			h.places.at("one").Inject(memory.Fault{Op: memory.OpPut, Kind: fault.Forbidden, Times: 1})
			h.work(t, d)
			failed := h.runs(t, d)[0]
			if got := h.state(t, s, d); failed.Counts.Failed != 1 || got.Attempts != 1 || got.NextTryAt == nil {
				t.Fatalf("run %+v, state %+v", failed, got)
			}
			run, err := h.Retry(t.Context(), admin, failed.ID)
			if err != nil {
				t.Fatal(err)
			}
			h.work(t, d)
			h.wantEntry(t, "production/app", kv{"a": "1", "b": "2"})
			if run, err = h.Run(t.Context(), admin, run.ID); err != nil || run.Counts.Created != 1 || run.Full {
				t.Errorf("run %+v, %v", run, err)
			}
			results, _, err := h.Results(t.Context(), admin, destinations.ResultQuery{Run: failed.ID})
			if err != nil || len(results) != 1 || results[0].SecretName != "app (a, b)" || results[0].SecretID >= 0 {
				t.Errorf("%+v, %v", results, err)
			}
		})
	}
}

// BenchmarkGroup tells what a pass over a bundle of 4,000 secrets costs on SQLite: one with
// nothing to do, and one after one change.
func BenchmarkGroup(b *testing.B) {
	h := newHouse(b, storetest.SQLite(b))
	draft := h.draft("one")
	draft.Config.Shape = models.ShapeBundle
	d, err := h.Create(b.Context(), admin, draft)
	if err != nil {
		b.Fatal(err)
	}
	var s models.Secret
	for i := range 4000 {
		s, err = h.secrets.Create(b.Context(), admin, secrets.NewSecret{Environment: h.env.ID, Name: fmt.Sprintf("k%04d", i), Type: models.Text, Value: plain("v")})
		if err != nil {
			b.Fatal(err)
		}
	}
	work := func(b *testing.B) {
		if _, err := h.Work(b.Context(), models.Job{Key: string(d.ID)}); err != nil {
			b.Fatal(err)
		}
	}
	work(b)
	b.Run("nothing", func(b *testing.B) {
		for b.Loop() {
			if _, err := h.Trigger(b.Context(), admin, d.ID); err != nil {
				b.Fatal(err)
			}
			work(b)
		}
	})
	b.Run("change", func(b *testing.B) {
		for i := 0; b.Loop(); i++ {
			v := plain(fmt.Sprint(i))
			if _, err := h.secrets.Update(b.Context(), admin, s.ID, secrets.Change{Value: &v}, 0); err != nil {
				b.Fatal(err)
			}
			work(b)
		}
	})
}

// TestGroupForgetsWhatWasNeverThere drops the state of a deleted secret that never came into an
// entry, though the entry itself cannot be written.
func TestGroupForgetsWhatWasNeverThere(t *testing.T) {
	h := sqlite(t)
	d := h.grouped(t, models.ShapeFolder, models.KeeperWins)
	h.places.at("one").Edit("production/app", []byte(`{"theirs":"x"}`))
	s := h.put(t, "app/a", "1")
	h.put(t, "app/b", "2")
	h.work(t, d)
	h.delete(t, s)
	h.work(t, d)
	if states, _ := h.StatesOf(t.Context(), []models.SecretID{s.ID}); len(states) != 0 {
		t.Errorf("%+v", states)
	}
	h.wantEntry(t, "production/app", kv{"theirs": "x"})
}
