package destinations_test

import (
	"context"
	"slices"
	"testing"

	"github.com/your-org/keeper/fault"
	"github.com/your-org/keeper/models"
	keepersync "github.com/your-org/keeper/sync"
	"github.com/your-org/keeper/sync/memory"
)

// fetching is a driver at whose place something happens around a fetch.
type fetching struct {
	keepersync.Driver
	before, after func()
}

func (d *fetching) Fetch(ctx context.Context, names []string) map[string]keepersync.Fetched {
	d.before()
	defer d.after()
	return d.Driver.Fetch(ctx, names)
}

// TestRevealRemoteMeanwhile changes what is shown between the looks at it and its reading.
func TestRevealRemoteMeanwhile(t *testing.T) {
	const name = "production/a"
	nothing := func(*memory.Place) {}
	foreign := func(p *memory.Place) { p.Unmark(name); p.Edit(name, []byte("another's")) }
	edited := func(p *memory.Place) { p.Edit(name, []byte("newer")) }
	for title, c := range map[string]struct {
		before, after func(*memory.Place)
		want          string // "": refused
		kind          fault.Kind
	}{
		"Nothing":                {nothing, nothing, "v", 0},
		"ForeignBeforeTheValue":  {foreign, nothing, "", fault.Conflict},
		"UnmarkedAfterTheValue":  {nothing, func(p *memory.Place) { p.Unmark(name) }, "", fault.Conflict},
		"ReplacedAfterTheValue":  {nothing, edited, "", fault.Conflict},
		"ReplacedBeforeTheValue": {edited, nothing, "newer", 0},
		"RemovedAfterTheValue":   {nothing, func(p *memory.Place) { p.Purge(name) }, "", fault.NotFound},
	} {
		t.Run(title, func(t *testing.T) {
			h := sqlite(t)
			open, place, on := h.Open, h.places.at("one"), false
			happens := func(what func(*memory.Place)) func() {
				return func() {
					if on {
						what(place)
					}
				}
			}
			h.Open = func(ctx context.Context, d models.Destination, credentials models.DestinationCredentials) (keepersync.Driver, error) {
				driver, err := open(ctx, d, credentials)
				return &fetching{driver, happens(c.before), happens(c.after)}, err
			}
			d, s := h.destination(t, "one"), h.put(t, "a", "v")
			h.work(t, d)
			on = true
			got, err := h.RevealRemote(t.Context(), admin, d.ID, s.ID)
			if string(got.Reveal()) != c.want {
				t.Errorf("shown are %d bytes, want %d", got.Len(), len(c.want))
			}
			outcome := "destination.reveal allowed"
			if c.want == "" {
				wantFault(t, err, c.kind)
				outcome = "destination.reveal failed"
				if c.kind == fault.NotFound {
					outcome = "destination.reveal refused"
				}
			} else if err != nil {
				t.Error(err)
			}
			if actions := h.actions(t); !slices.Contains(actions, outcome) {
				t.Errorf("on record: %v, want %s", actions, outcome)
			}
		})
	}
}
