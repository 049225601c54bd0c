package synctests

import (
	"context"
	"time"

	"github.com/your-org/keeper/destinations"
	"github.com/your-org/keeper/models"
	keepersync "github.com/your-org/keeper/sync"
	"github.com/your-org/keeper/sync/memory"
)

const prefix = "production/"

// site is one destination, with what the model knows of it.
type site struct {
	name     string
	id       models.DestinationID
	place    place
	driver   keepersync.Driver
	close    func()
	wire     func(faults int) // has so many of a hundred calls below the driver fail
	listings time.Duration    // how old what it lists may be

	strategy models.Strategy
	brake    keepersync.Brake
	paused   bool
	foreign  map[string]thing // what is not Keeper's, as it must stay
	edited   time.Time        // when somebody else last changed anything
	plan     *models.Plan     // that a person has made and not decided about
	runs     map[models.RunID]bool
}

// thing is what truly stands under a name.
type thing struct {
	there   bool // anything does
	value   string
	version string
	mark    keepersync.Mark
	deleted bool // it can be restored
}

func (a thing) live() bool { return a.there && !a.deleted && a.version != "" }

// place is a destination as it truly is, and as others than Keeper use it.
type place interface {
	look(name string) thing
	edit(name, value string)             // makes a name without a mark, or changes a value; deleted it comes back
	remove(name string)                  // so that it can be restored
	restore(name string)                 //
	purge(name string)                   // for good
	mark(name string, m keepersync.Mark) // the zero mark takes it off
	keeps(name, value string) bool       // the value stands there, or can be brought back
}

func (w *world) addSite(s *site) {
	w.t.Helper()
	s.foreign, s.runs = map[string]thing{}, map[models.RunID]bool{}
	w.sites = append(w.sites, s)
	s.strategy = pick(w, models.Strategies)
	d, err := w.person.syncs.Create(w.quiet(), admin, destinations.Draft{
		Environment: w.env.ID, Name: s.name, Kind: models.DestinationMemory, SkipCheck: true, Config: w.config(s),
	})
	w.must(err)
	s.id = d.ID
}

// config is the site's settings, whose brake is drawn anew.
func (w *world) config(s *site) models.DestinationConfig {
	most, percent := pick(w, []int{0, 2, 50}), pick(w, []int{0, 25})
	s.brake = keepersync.Brake{Most: most, Percent: percent}
	return models.DestinationConfig{Mount: s.name, Strategy: s.strategy, BrakeMost: &most, BrakePercent: &percent}
}

// newMemory is a place that behaves as Vault does: a write is a check-and-set, versions that
// were written over can be read again, and a name begins without a mark.
func newMemory(w *world) *site {
	p := memory.NewPlace()
	p.SetClock(w.clock.read)
	driver := memory.New(memory.Options{Place: p, Prefix: prefix})
	return &site{name: "memory", place: inMemory{p, driver}, driver: driver, close: func() {}, wire: func(int) {}}
}

type inMemory struct {
	p *memory.Place
	d *memory.Driver
}

func (m inMemory) look(name string) thing {
	e, ok := m.p.Get(name)
	return thing{ok, string(e.Value), e.Remote.Version, e.Remote.Mark, e.Remote.Deleted}
}

func (m inMemory) edit(name, value string) { m.p.Edit(name, []byte(value)) }
func (m inMemory) remove(name string)      { m.p.Remove(name) }
func (m inMemory) purge(name string)       { m.p.Purge(name) }

func (m inMemory) restore(name string) {
	_, _ = m.d.Restore(context.Background(), keepersync.Remote{Name: name, Mark: m.look(name).mark})
}

func (m inMemory) mark(name string, mark keepersync.Mark) {
	m.p.Unmark(name)
	_, _ = m.d.Mark(context.Background(), name, mark)
}

// keeps: what was written over is kept, and nothing but purge takes it away.
func (m inMemory) keeps(name, _ string) bool { return m.look(name).there }
