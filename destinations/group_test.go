package destinations_test

import (
	"context"
	"encoding/json"
	"fmt"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/your-org/keeper/destinations"
	"github.com/your-org/keeper/fault"
	"github.com/your-org/keeper/models"
	"github.com/your-org/keeper/secrets"
	"github.com/your-org/keeper/store/storetest"
	"github.com/your-org/keeper/sync/memory"
)

func shaped(shape models.Shape) func(*models.DestinationConfig) {
	return func(c *models.DestinationConfig) { c.Shape = shape }
}

// grouped is a destination of a shape with a strategy and a brake that does not trip.
func (h *house) grouped(t *testing.T, shape models.Shape, strategy models.Strategy) models.Destination {
	t.Helper()
	return h.with(t, "one", func(c *models.DestinationConfig) {
		c.Shape, c.Strategy, c.BrakeMost = shape, strategy, new(0)
	})
}

// entry is what stands in an entry of the place; nil where there is none, or it is deleted.
func (h *house) entry(t *testing.T, name string) map[string]string {
	t.Helper()
	there, ok := h.places.at("one").Get(name)
	if !ok || there.Remote.Deleted {
		return nil
	}
	var values map[string]string
	if err := json.Unmarshal(there.Value, &values); err != nil {
		t.Fatalf("%s is no object of texts", name)
	}
	return values
}

func (h *house) wantEntry(t *testing.T, name string, want map[string]string) {
	t.Helper()
	if diff := cmp.Diff(want, h.entry(t, name)); diff != "" {
		t.Errorf("%s: %s", name, diff)
	}
}

func (h *house) writes() int { return h.places.at("one").Calls()[memory.OpPut] }

// opens counts the versions that are opened from now on.
func (h *house) opens() *atomic.Int64 {
	var n atomic.Int64
	open := h.OpenVersion
	h.OpenVersion = func(ctx context.Context, e models.Environment, v models.SecretVersion) (models.Plaintext, error) {
		n.Add(1)
		return open(ctx, e, v)
	}
	return &n
}

func (h *house) delete(t *testing.T, s models.Secret) {
	t.Helper()
	if _, err := h.secrets.Delete(t.Context(), admin, s.ID, 0); err != nil {
		t.Fatal(err)
	}
}

type kv = map[string]string

func TestFolders(t *testing.T) {
	for _, dialect := range storetest.Dialects {
		t.Run(dialect, func(t *testing.T) {
			h := newHouse(t, storetest.Open(t, dialect))
			d := h.grouped(t, models.ShapeFolder, models.KeeperWins)
			user, password := h.put(t, "db/main/user", "u"), h.put(t, "db/main/password", "p")
			h.put(t, "db/host", "h")
			loose := h.put(t, "loose", "l")
			h.work(t, d)
			h.wantEntry(t, "production/db/main", kv{"user": "u", "password": "p"})
			h.wantEntry(t, "production/db", kv{"host": "h"})
			h.wantEntry(t, "production/root", kv{"loose": "l"})
			if run := h.runs(t, d)[0]; run.Counts.Created != 3 || run.Status != models.RunSucceeded {
				t.Errorf("run %+v", run)
			}

			before, opened := h.writes(), h.opens()
			if run := h.full(t, d); run.Counts.InSync != 3 || h.writes() != before || opened.Load() != 0 {
				t.Errorf("nothing to do: %+v, %d writes, %d opened", run.Counts, h.writes()-before, opened.Load())
			}

			h.update(t, user, "other")
			h.work(t, d)
			h.wantEntry(t, "production/db/main", kv{"user": "other", "password": "p"})
			if h.writes() != before+1 {
				t.Errorf("%d writes for one change", h.writes()-before)
			}
			for _, s := range []models.Secret{user, password, loose} {
				if got := h.state(t, s, d); got.Status != models.StatusInSync || got.BaseAt == nil || got.Dirty {
					t.Errorf("%s: %+v", s.Name, got)
				}
			}

			h.delete(t, user)
			h.work(t, d)
			h.wantEntry(t, "production/db/main", kv{"password": "p"})
			h.delete(t, password)
			h.work(t, d)
			if got, ok := h.places.at("one").Get("production/db/main"); !ok || !got.Remote.Deleted {
				t.Error("the last member is gone and the entry is not")
			}
			if states, _ := h.StatesOf(t.Context(), []models.SecretID{user.ID, password.ID}); len(states) != 0 {
				t.Errorf("states of what is gone: %+v", states)
			}
			if _, err := h.secrets.Undelete(t.Context(), admin, user.ID); err != nil {
				t.Fatal(err)
			}
			h.work(t, d)
			h.wantEntry(t, "production/db/main", kv{"user": "other"})
			if got := h.state(t, user, d); got.Status != models.StatusInSync {
				t.Errorf("state %+v", got)
			}
			if err := h.Delete(t.Context(), admin, d.ID); err != nil {
				t.Error(err)
			}
		})
	}
}

func TestBundle(t *testing.T) {
	h := sqlite(t)
	d := h.grouped(t, models.ShapeBundle, models.KeeperWins)
	stop := h.start(t)
	s := h.put(t, "db/password", "p")
	h.put(t, "api", "a")
	want := func(want kv) func() bool {
		return func() bool { return cmp.Equal(h.entry(t, "production/production"), want) }
	}
	eventually(t, "both in the bundle", want(kv{"db/password": "p", "api": "a"}))
	h.update(t, s, "q")
	eventually(t, "the change in the bundle", want(kv{"db/password": "q", "api": "a"}))
	stop()
	run := h.full(t, d)
	receipt, err := h.Receipt(t.Context(), admin, run.ID)
	if err != nil {
		t.Fatal(err)
	}
	v, err := h.VerifyReceipt(t.Context(), admin, receipt.Body, true)
	if err != nil || !v.Again.Matches || v.Receipt.Equal != 1 || v.Receipt.Exceptions != 0 {
		t.Errorf("verified %+v, %v", v, err)
	}
}

// TestGroupDrift has somebody add a key, change a value and remove one in an entry.
func TestGroupDrift(t *testing.T) {
	drifted := func(t *testing.T, s models.Strategy, there string, dialect ...string) (*house, models.Destination, models.Secret) {
		h := newHouse(t, storetest.Open(t, append(dialect, storetest.Dialects[0])[0]))
		d := h.grouped(t, models.ShapeFolder, s)
		secret := h.put(t, "app/a", "1")
		h.put(t, "app/b", "2")
		h.work(t, d)
		h.places.at("one").Edit("production/app", []byte(there))
		return h, d, secret
	}
	const added, changed, fewer = `{"a":"1","b":"2","c":"3"}`, `{ "b": "other", "a":"1" }`, `{"a":"1"}`

	t.Run("keeper wins", func(t *testing.T) {
		for _, there := range []string{added, changed, fewer, "no object", `{"a":1,"b":"2"}`} {
			h, d, _ := drifted(t, models.KeeperWins, there)
			if run := h.full(t, d); run.Counts.Repaired != 1 {
				t.Errorf("%s: %+v", there, run.Counts)
			}
			h.wantEntry(t, "production/app", kv{"a": "1", "b": "2"})
		}
	})
	t.Run("white space is no drift", func(t *testing.T) {
		h, d, _ := drifted(t, models.KeeperWins, "{\n \"b\": \"2\", \"a\": \"\\u0031\" }")
		if run := h.full(t, d); run.Counts.InSync != 1 || run.Counts.Repaired != 0 {
			t.Errorf("%+v", run.Counts)
		}
	})
	t.Run("remote wins", func(t *testing.T) {
		h, d, _ := drifted(t, models.RemoteWins, changed)
		if run := h.full(t, d); run.Counts.Taken != 1 {
			t.Fatalf("%+v", run)
		}
		for name, want := range map[string]string{"app/a": "1", "app/b": "other"} {
			got, number := h.value(t, h.named(t, name))
			if wantNumber := map[string]models.VersionNumber{"app/a": 1, "app/b": 2}[name]; got != want || number != wantNumber {
				t.Errorf("%s is %q in version %d", name, got, number)
			}
		}
		writes := h.writes()
		if run := h.full(t, d); run.Counts.InSync != 1 || h.writes() != writes {
			t.Errorf("after it: %+v", run.Counts)
		}
	})
	t.Run("what cannot be taken is held", func(t *testing.T) {
		for there, why := range map[string]string{added: `("c")`, fewer: "lacks", "no object": "not an object"} {
			h, d, s := drifted(t, models.RemoteWins, there)
			if run := h.full(t, d); run.Counts.Held != 1 {
				t.Errorf("%s: %+v", there, run)
			}
			hold, err := h.Hold(t.Context(), admin, d.ID, s.ID)
			if err != nil || !strings.Contains(hold.Why, why) || hold.Group.RemoteName != "production/app" {
				t.Errorf("%s: %+v, %v", there, hold, err)
			}
			if got := h.state(t, s, d); got.Status != models.StatusDrifted {
				t.Errorf("state %+v", got)
			}
		}
	})
	for _, dialect := range storetest.Dialects {
		t.Run("manual on "+dialect, func(t *testing.T) {
			h, d, s := drifted(t, models.ManualWins, added, dialect)
			if run := h.full(t, d); run.Counts.Held != 1 {
				t.Fatalf("%+v", run)
			}
			if counts, _ := h.HoldCounts(t.Context(), admin); counts[d.ID] != 1 {
				t.Errorf("held %v", counts)
			}
			all, err := h.Holds(t.Context(), admin, d.ID, 0, 10)
			if err != nil || len(all) != 1 || all[0].SecretID != s.ID || all[0].SecretName != "production/app" {
				t.Fatalf("%+v, %v", all, err)
			}
			for _, seen := range bothReads(t, h, admin, d, s) {
				if k, g := seen.Keeper, seen.Group; g == nil || k.Number != seen.Version || len(k.Hash) != 32 || string(k.Hash) != string(g.BaseHash) || k.Size == 0 || k.CreatedAt.IsZero() || k.CreatedBy != "" {
					t.Errorf("Keeper's side %+v of %+v", k, g)
				}
			}
			next, err := h.Next(t.Context(), []destinations.NamedState{{SyncState: h.state(t, s, d), EnvironmentID: d.EnvironmentID}})
			if err != nil || len(next) != 1 || !next[0].Held || next[0].Why != all[0].Why {
				t.Errorf("next %+v, %v", next, err)
			}
			shown, err := h.RevealRemote(t.Context(), admin, d.ID, s.ID)
			if err != nil || string(shown.Reveal()) != "1" {
				t.Errorf("revealed %q, %v", shown.Reveal(), err)
			}
			hold := all[0].SyncHold
			for range 2 { // a side that cannot be carried out is asked about again, and does not spin
				if err := h.Rule(t.Context(), admin, ruling(hold, models.SideRemote)); err != nil {
					t.Fatal(err)
				}
				h.work(t, d)
				again, err := h.Hold(t.Context(), admin, d.ID, s.ID)
				if err != nil || again.Ruling != "" {
					t.Fatalf("%+v, %v", again, err)
				}
				runs := len(h.runs(t, d))
				h.work(t, d)
				if len(h.runs(t, d)) != runs {
					t.Error("a pass without anything to do")
				}
			}
			if err := h.Rule(t.Context(), admin, ruling(hold, models.SideKeeper)); err != nil {
				t.Fatal(err)
			}
			h.work(t, d)
			h.wantEntry(t, "production/app", kv{"a": "1", "b": "2"})
			if _, err := h.Hold(t.Context(), admin, d.ID, s.ID); !fault.Is(err, fault.NotFound) {
				t.Errorf("still held: %v", err)
			}
		})
	}
	t.Run("a ruling on what moved since", func(t *testing.T) {
		h, d, s := drifted(t, models.ManualWins, changed)
		h.full(t, d)
		hold, err := h.Hold(t.Context(), admin, d.ID, s.ID)
		if err != nil {
			t.Fatal(err)
		}
		h.update(t, s, "newer")
		h.work(t, d)
		wantFault(t, h.Rule(t.Context(), admin, ruling(hold, models.SideRemote)), fault.Stale)
	})
}

func TestGroupProblems(t *testing.T) {
	t.Run("two secrets with one key", func(t *testing.T) {
		h := sqlite(t)
		d := h.grouped(t, models.ShapeFolder, models.KeeperWins)
		h.put(t, "root/x", "1")
		s := h.put(t, "x", "2")
		h.put(t, "other/x", "3")
		h.work(t, d)
		got := h.state(t, s, d)
		if !strings.Contains(got.LastError, "root/x and x") || got.Attempts == 0 || h.entry(t, "production/root") != nil {
			t.Errorf("state %+v", got)
		}
		h.wantEntry(t, "production/other", kv{"x": "3"})
		plan, err := h.Plan(t.Context(), admin, d.ID)
		if err != nil || plan.Counts.Problems != 1 {
			t.Errorf("plan %+v, %v", plan, err)
		}
		h.delete(t, s)
		h.work(t, d)
		h.wantEntry(t, "production/root", kv{"x": "1"})
	})
	t.Run("too large", func(t *testing.T) {
		for what, value := range map[string]string{"by its lengths": strings.Repeat("a", 23_000), "by its form": strings.Repeat("\n", 4_000)} {
			h := sqlite(t)
			d := h.grouped(t, models.ShapeBundle, models.KeeperWins)
			s := h.put(t, "a", "first")
			h.work(t, d)
			for i := range 3 {
				h.put(t, fmt.Sprint("large-", i), "-----\n"+value+"-")
			}
			h.work(t, d)
			if got := h.state(t, s, d); !strings.Contains(got.LastError, "65536") {
				t.Errorf("%s: %+v", what, got)
			}
			h.wantEntry(t, "production/production", kv{"a": "first"})
		}
	})
}

// TestGroupUnreadable has one member's version not be opened.
func TestGroupUnreadable(t *testing.T) {
	h := sqlite(t)
	d := h.grouped(t, models.ShapeFolder, models.KeeperWins)
	broken := h.put(t, "app/broken", "1")
	good := h.put(t, "app/good", "2")
	h.put(t, "else/where", "3")
	open := h.OpenVersion
	h.OpenVersion = func(ctx context.Context, e models.Environment, v models.SecretVersion) (models.Plaintext, error) {
		if v.SecretID == broken.ID {
			return models.Plaintext{}, fault.New(fault.Internal, "The value is damaged.")
		}
		return open(ctx, e, v)
	}
	h.work(t, d)
	if got := h.entry(t, "production/app"); got != nil {
		t.Errorf("written without one of its secrets: %v", got)
	}
	h.wantEntry(t, "production/else", kv{"where": "3"})
	for _, s := range []models.Secret{broken, good} {
		if got := h.state(t, s, d); got.Status != models.StatusUnknown || !strings.Contains(got.LastError, "app/broken") {
			t.Errorf("%s: %+v", s.Name, got)
		}
	}
	h.OpenVersion = open
	h.Now = func() time.Time { return time.Now().Add(time.Minute) }
	h.work(t, d)
	h.wantEntry(t, "production/app", kv{"broken": "1", "good": "2"})
	if got := h.state(t, good, d); got.Status != models.StatusInSync || got.LastError != "" || got.Attempts != 0 {
		t.Errorf("state %+v", got)
	}
}

func ruling(hold models.SyncHold, side models.Side) destinations.Ruling {
	return destinations.Ruling{Destination: hold.DestinationID, Secret: hold.SecretID, Side: side, Version: hold.Version, RemoteVersion: hold.RemoteVersion}
}

func (h *house) named(t *testing.T, name string) models.Secret {
	t.Helper()
	found, err := h.secrets.List(t.Context(), admin, secrets.Query{Environments: []models.EnvironmentID{h.env.ID}, Search: name})
	if err != nil || len(found.Secrets) != 1 {
		t.Fatal(found, err)
	}
	return found.Secrets[0]
}
