package memory

import (
	"context"
	"maps"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/your-org/keeper/models"
	keepersync "github.com/your-org/keeper/sync"
)

// Place holds names and values for any number of drivers. Tests look into it and change it
// behind the drivers' backs.
type Place struct {
	mu       sync.Mutex
	items    map[string]*item
	sequence int64 // of versions; a version is never given twice
	held     []keepersync.Remote
	faults   []*Fault
	calls    map[Op]int
	now      func() time.Time
	settings int // generation of what is to stand beside each value
}

type item struct {
	value   []byte
	version string
	token   token
	mark    keepersync.Mark
	labels  map[string]string
	deleted bool
	gone    time.Time // when it was deleted
	changed time.Time
	writes  int
	tuned   int // generation of what stands beside the value
}

// token tells one Write from another, so that doing the same one again is recognised.
type token struct {
	destination models.DestinationID
	secret      models.SecretID
	version     models.VersionNumber
	replaces    string
}

func tokenOf(w keepersync.Write) token {
	return token{w.Mark.Destination, w.Mark.Secret, w.Version, w.Replaces.Version}
}

// Entry is what a place holds under one name, for tests to look at.
type Entry struct {
	Remote keepersync.Remote
	Value  []byte
	Labels map[string]string // others', beside Keeper's mark
	Writes int               // how often a value was written
}

// NewPlace makes an empty place.
func NewPlace() *Place {
	return &Place{items: map[string]*item{}, calls: map[Op]int{}, now: time.Now}
}

// SetClock replaces the clock of ChangedAt.
func (p *Place) SetClock(now func() time.Time) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.now = now
}

// ChangeSettings makes what stands beside each value differ from what it should be, until
// the name is tuned.
func (p *Place) ChangeSettings() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.settings++
}

// Names are all names, deleted ones included, sorted.
func (p *Place) Names() []string {
	p.mu.Lock()
	defer p.mu.Unlock()
	return slices.Sorted(maps.Keys(p.items))
}

// Get is what stands under a name, and whether anything does.
func (p *Place) Get(name string) (Entry, bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	it, ok := p.items[name]
	if !ok {
		return Entry{}, false
	}
	return Entry{Remote: p.remote(name, it), Value: slices.Clone(it.value), Labels: maps.Clone(it.labels), Writes: it.writes}, true
}

// Edit writes a value as a stranger does: it creates without a mark, or changes the value
// and leaves the mark. A deleted name comes back.
func (p *Place) Edit(name string, value []byte) {
	p.mu.Lock()
	defer p.mu.Unlock()
	it := p.items[name]
	if it == nil {
		it = &item{labels: map[string]string{}}
		p.items[name] = it
	}
	it.value, it.token, it.deleted = slices.Clone(value), token{}, false
	p.stamp(it)
}

// Label puts a stranger's label on a name that exists.
func (p *Place) Label(name, key, value string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if it := p.items[name]; it != nil {
		it.labels[key] = value
	}
}

// Unmark takes Keeper's mark off a name, as a stranger may.
func (p *Place) Unmark(name string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if it := p.items[name]; it != nil {
		it.mark = keepersync.Mark{}
	}
}

// Remove deletes a name so that it can be restored, as a stranger may.
func (p *Place) Remove(name string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if it := p.items[name]; it != nil {
		p.remove(it)
	}
}

// remove deletes an item, once. The lock is held.
func (p *Place) remove(it *item) {
	if !it.deleted {
		it.deleted, it.gone = true, p.now()
	}
}

// Purge removes a name for good.
func (p *Place) Purge(name string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	delete(p.items, name)
}

// HoldListing makes List tell of this moment until ReleaseListing, as the listing of a
// service that is consistent only in the end does.
func (p *Place) HoldListing() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.held = p.snapshot()
}

// ReleaseListing lets List tell of the present again.
func (p *Place) ReleaseListing() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.held = nil
}

func (p *Place) listing() []keepersync.Remote {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.held != nil {
		return slices.Clone(p.held)
	}
	return p.snapshot()
}

func (p *Place) snapshot() []keepersync.Remote {
	remotes := make([]keepersync.Remote, 0, len(p.items))
	for name, it := range p.items {
		remotes = append(remotes, p.remote(name, it))
	}
	slices.SortFunc(remotes, func(a, b keepersync.Remote) int { return strings.Compare(a.Name, b.Name) })
	return remotes
}

// act runs one operation on one name under the lock, with the faults that are due before
// and after it. What do returns is kept under the name where it did not fail.
func (p *Place) act(ctx context.Context, op Op, name string, do func(*item) (*item, error)) (keepersync.Remote, error) {
	if _, err := p.begin(ctx, op, name); err != nil {
		return keepersync.Remote{}, err
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	it, err := do(p.items[name])
	if err != nil {
		return keepersync.Remote{}, err
	}
	p.items[name] = it
	if err := p.lost(op, name); err != nil {
		return keepersync.Remote{}, err
	}
	return p.remote(name, it), nil
}

func (p *Place) stamp(it *item) {
	p.sequence++
	it.version, it.changed = strconv.FormatInt(p.sequence, 10), p.now().UTC()
	it.writes++
}

func (p *Place) remote(name string, it *item) keepersync.Remote {
	return keepersync.Remote{
		Name: name, Version: it.version, Mark: it.mark, Deleted: it.deleted, ChangedAt: it.changed,
		Untuned: !it.deleted && !it.mark.Zero() && it.tuned != p.settings,
	}
}
