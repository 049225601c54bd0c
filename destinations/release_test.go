package destinations_test

import (
	"context"
	"testing"
	"time"

	"github.com/your-org/keeper/destinations"
	"github.com/your-org/keeper/fault"
	"github.com/your-org/keeper/models"
	"github.com/your-org/keeper/store/storetest"
	keepersync "github.com/your-org/keeper/sync"
	"github.com/your-org/keeper/sync/memory"
)

// unmarking does something before a mark is taken off, or has that fail without a trace.
type unmarking struct {
	keepersync.Driver
	before func() error
}

func (d *unmarking) Unmark(ctx context.Context, name string, mark keepersync.Mark) (keepersync.Remote, error) {
	if err := d.before(); err != nil {
		return keepersync.Remote{}, err
	}
	return d.Driver.Unmark(ctx, name, mark)
}

// whileUnmarking has a replica do something before it takes a mark off.
func (h *house) whileUnmarking(d models.Destination, before func() error) {
	place := h.places.at(d.Config.Mount)
	h.Service.Open = func(_ context.Context, d models.Destination, _ models.DestinationCredentials) (keepersync.Driver, error) {
		return &unmarking{memory.New(memory.Options{Place: place, Prefix: d.Config.Prefix}), before}, nil
	}
}

// TestReleaseAndPass has a pass begin once a release is on record and the mark not yet off: what
// was given back is not written any more, and not deleted.
func TestReleaseAndPass(t *testing.T) {
	for _, dialect := range storetest.Dialects {
		t.Run(dialect, func(t *testing.T) {
			for what, change := range map[string]func(*house, models.Secret){
				"changed": func(h *house, s models.Secret) { h.update(t, s, "newer") },
				"deleted": func(h *house, s models.Secret) { h.delete(t, s) },
			} {
				h := newHouse(t, storetest.Open(t, dialect))
				s := h.put(t, "a", "v")
				d := h.destination(t, "main")
				h.work(t, d)
				change(h, s)
				other := h.another(t)
				other.whileUnmarking(d, func() error { h.work(t, d); return nil })
				if err := other.Release(t.Context(), admin, d.ID, s.ID); err != nil {
					t.Fatal(err)
				}
				h.full(t, d)
				if there, _ := h.places.at("main").Get("production/a"); string(there.Value) != "v" || there.Remote.Deleted || !there.Remote.Mark.Zero() {
					t.Errorf("%s: what was given back holds %q under %+v", what, there.Value, there.Remote)
				}
			}
		})
	}
}

// TestReleaseCutOff ends the process between the record of a release and the mark: another one
// takes the mark off.
func TestReleaseCutOff(t *testing.T) {
	h := sqlite(t)
	s := h.put(t, "a", "v")
	d := h.destination(t, "main")
	h.work(t, d)
	h.update(t, s, "newer")
	dying := h.another(t)
	dying.whileUnmarking(d, func() error { panic("the process ends") })
	func() {
		defer func() { _ = recover() }()
		_ = dying.Release(t.Context(), admin, d.ID, s.ID)
	}()
	if there, _ := h.places.at("main").Get("production/a"); there.Remote.Mark.Zero() {
		t.Fatal("the mark is off already")
	}
	h.work(t, d)
	h.wantForeign(t, s, d, "v")
	h.full(t, d)
	h.wantForeign(t, s, d, "v")
	if n := count(h.actions(t), "sync.release allowed"); n != 1 {
		t.Errorf("%d releases on record", n)
	}
}

// TestReleaseRefusedThere has the destination refuse: the copy stays Keeper's, and is kept up.
func TestReleaseRefusedThere(t *testing.T) {
	h := sqlite(t)
	s := h.put(t, "a", "v")
	d := h.destination(t, "main")
	h.work(t, d)
	h.places.at("main").Inject(memory.Fault{Op: memory.OpUnmark, Kind: fault.Forbidden, Times: 1})
	wantFault(t, h.Release(t.Context(), admin, d.ID, s.ID), fault.Forbidden)
	h.update(t, s, "newer")
	h.work(t, d)
	h.wantOwn(t, s, d, "newer")
}

// TestReleasedName is Keeper's again once its owner has removed what stood there, or once it is adopted.
func TestReleasedName(t *testing.T) {
	h := sqlite(t)
	s := h.put(t, "a", "v")
	d := h.destination(t, "main")
	h.work(t, d)
	release := func() {
		t.Helper()
		if err := h.Release(t.Context(), admin, d.ID, s.ID); err != nil {
			t.Fatal(err)
		}
	}
	release()
	h.places.at("main").Purge("production/a")
	h.full(t, d)
	h.wantOwn(t, s, d, "v")
	h.update(t, s, "newer")
	h.work(t, d)
	h.wantOwn(t, s, d, "newer")
	release()
	h.full(t, d)
	h.wantForeign(t, s, d, "newer")
	h.apply(t, h.adoption(t, d), destinations.ImportChoice{Adopt: true})
	h.work(t, d)
	h.update(t, s, "newest")
	h.work(t, d)
	h.wantOwn(t, s, d, "newest")
	h.delete(t, s)
	h.work(t, d)
	h.secrets.Now = func() time.Time { return time.Now().Add(2 * time.Hour) }
	if err := h.secrets.Purge(t.Context()); err != nil {
		t.Error(err)
	}
	if err := h.Delete(t.Context(), admin, d.ID); err != nil {
		t.Error(err)
	}
}
