package destinations_test

import (
	"context"
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

// late does something before its first write.
type late struct {
	keepersync.Driver
	before func()
}

func (d *late) Put(ctx context.Context, w keepersync.Write) (keepersync.Remote, error) {
	if do := d.before; do != nil {
		d.before = nil
		do()
	}
	return d.Driver.Put(ctx, w)
}
