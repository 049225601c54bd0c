package destinations_test

import (
	"context"
	"strings"
	"testing"

	"github.com/your-org/keeper/destinations"
	"github.com/your-org/keeper/models"
	keepersync "github.com/your-org/keeper/sync"
)

// TestOutlived has a pass outlive its lease: while it waits at its first write, another one
// takes over, and works off a newer version. The first one keeps nothing of what it did, and
// what the other left stands.
func TestOutlived(t *testing.T) {
	h := sqlite(t)
	d := h.destination(t, "one")
	s := h.put(t, "a", "one")
	other := h.another(t)
	open := h.Open
	h.Service.Open = func(ctx context.Context, d models.Destination, c models.DestinationCredentials) (keepersync.Driver, error) {
		driver, err := open(ctx, d, c)
		return &late{Driver: driver, before: func() {
			h.update(t, s, "two")
			other.work(t, d)
		}}, err
	}
	if _, err := h.Work(t.Context(), models.Job{Kind: destinations.JobKind, Key: string(d.ID)}); err != nil {
		t.Fatal(err)
	}
	if !holds(h.places.at("one"), "production/a", "two") {
		t.Error("the newer version does not stand there")
	}
	if state := h.state(t, s, d); state.Status != models.StatusInSync || state.BaseVersion != 2 {
		t.Errorf("the first pass kept %+v over what the other did", state)
	}
	if runs := h.runs(t, d); len(runs) != 2 || runs[0].Status != models.RunSucceeded || runs[1].Status != models.RunInterrupted {
		t.Errorf("the runs ended %+v", runs)
	}
}

// TestOutlivedTakes has a pass outlive its lease just as it has read a value to take it into
// Keeper: another one has by then put Keeper's back over it, as a person wants it by now. The
// value does not come into Keeper.
func TestOutlivedTakes(t *testing.T) {
	for _, shape := range []models.Shape{models.ShapeValue, models.ShapeBundle} {
		t.Run(string(shape), func(t *testing.T) {
			h := sqlite(t)
			d := h.with(t, "one", func(c *models.DestinationConfig) { c.Shape, c.Strategy = shape, models.RemoteWins })
			other := h.another(t)
			open, reads := h.Open, -1
			h.Service.Open = func(ctx context.Context, d models.Destination, c models.DestinationCredentials) (keepersync.Driver, error) {
				driver, err := open(ctx, d, c)
				return &late{Driver: driver, after: func() {
					if reads--; reads != 0 {
						return
					}
					config := d.Config
					config.Strategy = models.KeeperWins
					if _, err := h.Update(t.Context(), admin, d.ID, destinations.Change{Config: &config, SkipCheck: true}, 0); err != nil {
						t.Fatal(err)
					}
					if _, err := h.Trigger(t.Context(), admin, d.ID); err != nil {
						t.Fatal(err)
					}
					other.work(t, d)
				}}, err
			}
			s := h.put(t, "a", "one")
			h.work(t, d)
			place := h.places.at("one")
			name := place.Names()[0]
			there, _ := place.Get(name)
			place.Edit(name, []byte(strings.Replace(string(there.Value), "one", "two", 1)))
			reads = 2 // the first is to compare it
			if _, err := h.Trigger(t.Context(), admin, d.ID); err != nil {
				t.Fatal(err)
			}
			if _, err := h.Work(t.Context(), models.Job{Kind: destinations.JobKind, Key: string(d.ID)}); err != nil {
				t.Fatal(err)
			}
			if now, _, err := h.secrets.Get(t.Context(), admin, s.ID); err != nil || now.CurrentVersion != 1 {
				t.Errorf("the secret has version %d, %v", now.CurrentVersion, err)
			}
			if there, _ := place.Get(name); !strings.Contains(string(there.Value), "one") {
				t.Errorf("%q stands there", there.Value)
			}
			if runs := h.runs(t, d); runs[0].Status != models.RunSucceeded || runs[1].Status != models.RunInterrupted {
				t.Errorf("the runs ended %+v", runs)
			}
		})
	}
}

// TestNeverFirst has somebody be faster with a name than Keeper's first write, and later write the
// very value there that Keeper was about to: it is not Keeper's for that.
func TestNeverFirst(t *testing.T) {
	h := sqlite(t)
	place := h.places.at("one")
	open := h.Open
	h.Service.Open = func(ctx context.Context, d models.Destination, c models.DestinationCredentials) (keepersync.Driver, error) {
		driver, err := open(ctx, d, c)
		return &late{Driver: driver, before: func() { place.Edit("production/a", []byte("theirs")) }}, err
	}
	d := h.destination(t, "one")
	s := h.put(t, "a", "ours")
	h.work(t, d)
	h.wantForeign(t, s, d, "theirs")
	place.Edit("production/a", []byte("ours"))
	h.full(t, d)
	h.wantForeign(t, s, d, "ours")
}

// late does something before its first write, and after each time that it has read values.
type late struct {
	keepersync.Driver
	before func()
	after  func()
}

// Fetch is when values are read.
func (d *late) Fetch(ctx context.Context, names []string) map[string]keepersync.Fetched {
	all := d.Driver.Fetch(ctx, names)
	if d.after != nil {
		d.after()
	}
	return all
}

func (d *late) Put(ctx context.Context, w keepersync.Write) (keepersync.Remote, error) {
	if do := d.before; do != nil {
		d.before = nil
		do()
	}
	return d.Driver.Put(ctx, w)
}
