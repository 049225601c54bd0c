package synctests

import (
	"slices"
	"time"

	"github.com/your-org/keeper/fault"
	"github.com/your-org/keeper/models"
	"github.com/your-org/keeper/store"
)

// model is what must be true, going by what everybody was told.
type model struct {
	world   *world
	secrets []*secret
	copies  map[spot]*copied
}

// secret is one of Keeper's, as the person knows it.
type secret struct {
	id       models.SecretID
	name     string
	deleted  bool
	unsure   bool     // a change of deleted was not acknowledged
	versions []string // acknowledged, the oldest first
	pending  []string // tried, and not acknowledged: each may be there or not
}

func (s *secret) current() string { return s.versions[len(s.versions)-1] }

// owns reports whether Keeper has the value, or may have it.
func (s *secret) owns(value string) bool {
	return slices.Contains(s.versions, value) || slices.Contains(s.pending, value)
}

// spot is a name at a site.
type spot struct{ site, name string }

// copied is what happened under a name.
type copied struct {
	sent    map[string]bool // values that Keeper wrote there
	strange map[string]bool // values that somebody else did
	byOther bool            // the last value, or what became of it, is somebody else's doing
	back    bool            // Keeper restored it, after it had been deleted there
	bare    bool            // Keeper's first write stands, and its mark got lost
	rulings []ruling
}

// ruling is a person's, on what stood there.
type ruling struct {
	side          models.Side
	remoteVersion string
}

func newModel(w *world) *model { return &model{world: w, copies: map[spot]*copied{}} }

func (m *model) copied(s *site, name string) *copied {
	at := spot{s.name, name}
	if m.copies[at] == nil {
		m.copies[at] = &copied{sent: map[string]bool{}, strange: map[string]bool{}}
	}
	return m.copies[at]
}

// byRemote is the secret with that name at a destination; nil where there is none.
func (m *model) byRemote(name string) *secret {
	at := slices.IndexFunc(m.secrets, func(s *secret) bool { return prefix+s.name == name })
	if at < 0 {
		return nil
	}
	return m.secrets[at]
}

func (m *model) byID(id models.SecretID) *secret {
	return m.secrets[slices.IndexFunc(m.secrets, func(s *secret) bool { return s.id == id })]
}

// ruled reports whether a person decided for a side, seeing this version there.
func (c *copied) ruled(side models.Side, remoteVersion string) bool {
	return slices.Contains(c.rulings, ruling{side, remoteVersion})
}

// notOurs reports whether what stands there may be somebody else's doing: what Keeper brought
// back and did not come to write over, it cannot always tell from that.
func (c *copied) notOurs() bool { return c.byOther || c.back }

// changed judges a call that was done, by what it truly did.
func (m *model) changed(f *front, op, name, value string, before, after thing) {
	w, s, k := m.world, f.site, f.keeper
	w.mu.Lock()
	seen := k.errand.seen[name]
	w.mu.Unlock()
	of := m.byRemote(name)
	if of == nil {
		w.broke("%s: %s of %s at %s, which is no secret's", k.name, op, name, s.name)
		return
	}
	switch {
	case !seen:
		w.broke("%s: %s of %s at %s without having looked it up", k.name, op, name, s.name)
	case k.errand.planning:
		w.broke("%s: %s of %s at %s by a plan that was to change nothing", k.name, op, name, s.name)
	case s.paused:
		w.broke("%s: %s of %s at %s, which is paused", k.name, op, name, s.name)
	case k.errand.names != nil && !k.errand.names[name]:
		w.broke("%s: %s of %s at %s, of which the plan says nothing", k.name, op, name, s.name)
	}
	if before == after {
		return
	}
	w.tell("%s: %s %s at %s: %v → %v", k.name, op, name, s.name, before, after)
	c := m.copied(s, name)
	if before.there && before.mark != s.mark(of.id) && (op != "mark" || !before.mark.Zero() || !c.sent[before.value]) {
		w.broke("%s: %s of %s at %s, which is not Keeper's: %v → %v", k.name, op, name, s.name, before, after)
	}
	switch op {
	case "put":
		m.put(f, of, c, name, value, before, after)
	case "delete":
		w.sums.deletes++
		if !of.owns(before.value) && !c.back {
			w.broke("%s deleted %s at %s, a value that Keeper did not write: %v", k.name, name, s.name, before)
		}
		if !after.deleted || after.value != before.value {
			w.broke("%s deleted %s at %s so that it cannot be restored: %v", k.name, name, s.name, after)
		}
		if !of.deleted && !of.unsure && k.errand.still {
			w.broke("%s deleted %s at %s, and nobody wanted that", k.name, name, s.name)
		}
		m.takenAway(k, name)
	case "restore":
		c.back = true
	case "mark":
		c.bare = false
	}
}

// put judges a write that went through.
func (m *model) put(f *front, of *secret, c *copied, name, value string, before, after thing) {
	w, s, k := m.world, f.site, f.keeper
	w.sums.puts++
	switch {
	case !of.owns(value):
		w.broke("%s wrote %q to %s at %s, which is no version of it", k.name, value, name, s.name)
	case before.live() && before.value == value:
		w.broke("%s wrote %q to %s at %s once more", k.name, value, name, s.name)
	case before.live() && !c.byOther && of.newer(before.value, value):
		w.broke("%s wrote %q over the newer %q at %s of %s", k.name, value, before.value, name, s.name)
	case before.live() && !s.place.keeps(name, before.value):
		w.broke("%s wrote over %q of %s at %s, which cannot be brought back", k.name, before.value, name, s.name)
	case k.errand.still && !of.unsure && (of.deleted || value != of.current() && len(of.pending) == 0):
		w.broke("%s wrote %q to %s at %s, where %q is current (deleted %v)", k.name, value, name, s.name, of.current(), of.deleted)
	}
	if before.live() && !of.owns(before.value) {
		wins := s.strategy == models.KeeperWins || s.strategy == models.NewestWins
		ruled := c.ruled(models.SideKeeper, before.version)
		if !wins && !ruled && !c.back {
			w.broke("%s wrote over %q of %s at %s, where the strategy is %s and nobody decided", k.name, before.value, name, s.name, s.strategy)
		}
		if !ruled && !c.back {
			m.takenAway(k, name)
		}
	}
	c.sent[value], c.byOther, c.back = true, false, false
	if before.there {
		c.bare = false
	}
}

// newer reports whether one value is surely of a later version than another.
func (s *secret) newer(a, b string) bool {
	count := func(v string) (n int) {
		for _, one := range append(slices.Clone(s.versions), s.pending...) {
			if one == v {
				n++
			}
		}
		return n
	}
	return count(a) == 1 && count(b) == 1 && slices.Index(s.versions, b) >= 0 && slices.Index(s.versions, a) > slices.Index(s.versions, b)
}

// takenAway counts what the brake counts: what no person has seen.
func (m *model) takenAway(k *keeper, name string) {
	e := k.errand
	if e.over[name] || e.names != nil {
		return
	}
	e.over[name] = true
	if !e.alone {
		return // each of two looks at what earlier passes took, and not at the other
	}
	brake, n, all := e.site.brake, len(e.over), len(m.secrets)
	if brake.Most > 0 && (n > brake.Most || brake.Percent > 0 && n > 5 && n*100 > brake.Percent*all) {
		m.world.broke("%s took %d values away at %s by itself, of %d, with the brake %+v", k.name, n, e.site.name, all, brake)
	}
}

// taking judges that a value comes into Keeper from a destination.
func (m *model) taking(k *keeper, id models.SecretID, value string) {
	s, of := k.errand.site, m.byID(id)
	c := m.copied(s, prefix+of.name)
	byRuling := slices.ContainsFunc(c.rulings, func(r ruling) bool { return r.side == models.SideRemote })
	mayBeTheirs := c.byOther || c.back && byRuling
	if !c.strange[value] && !of.owns(value) || !mayBeTheirs {
		m.world.broke("%s takes %q into %s from %s, which nobody but Keeper wrote there", k.name, value, of.name, s.name)
	}
	wins := s.strategy == models.RemoteWins || s.strategy == models.NewestWins
	if !wins && !byRuling {
		m.world.broke("%s takes %q into %s from %s, where the strategy is %s and nobody decided", k.name, value, of.name, s.name, s.strategy)
	}
	of.pending = append(of.pending, value)
}

// took keeps a version that was made of a destination's value.
func (m *model) took(k *keeper, id models.SecretID, after models.Secret, value string, err error) {
	of := m.byID(id)
	m.world.tell("%s takes %q into %s: %v", k.name, value, of.name, err)
	if err != nil {
		if fault.Is(err, fault.Stale) || fault.Is(err, fault.Conflict) {
			of.pending = of.pending[:len(of.pending)-1] // refused: nothing was written
		}
		return
	}
	m.world.sums.takes++
	known := len(of.versions)
	m.acknowledge(of, after.CurrentVersion, value)
	if len(of.versions) == known { // it was current already
		of.pending = of.pending[:len(of.pending)-1]
		return
	}
	s, name := k.errand.site, prefix+of.name
	if !m.copied(s, name).ruled(models.SideRemote, s.place.look(name).version) {
		m.takenAway(k, name)
	}
}

// acknowledge keeps that a value is the current version.
func (m *model) acknowledge(of *secret, number models.VersionNumber, value string) {
	m.recount(of)
	if int(number) > len(of.versions) {
		m.world.broke("%s has version %d, and %d are in the database", of.name, number, len(of.versions))
	} else if of.versions[number-1] != value {
		m.world.broke("%s was given %q and has %q", of.name, value, of.versions[number-1])
	}
}

// recount reads the versions of a secret from the database, and holds them against what was
// acknowledged: all of that is there, and nothing else but what somebody tried.
func (m *model) recount(of *secret) {
	w := m.world
	var numbers []models.SecretVersion
	for before := models.VersionNumber(0); ; {
		var page []models.SecretVersion
		err := w.person.store.Read(w.quiet(), func(tx *store.Tx) (err error) {
			page, err = tx.Versions(of.id, before, 5)
			return err
		})
		w.must(err)
		if len(page) == 0 {
			break
		}
		before = page[len(page)-1].Number
		numbers = append(numbers, page...)
		if int(before) <= len(of.versions) {
			break // those before are known
		}
	}
	slices.Reverse(numbers)
	if len(numbers) == 0 || int(numbers[len(numbers)-1].Number) < len(of.versions) {
		w.broke("%s had %d acknowledged versions, and has fewer", of.name, len(of.versions))
		return
	}
	for _, v := range numbers {
		if int(v.Number) > len(of.versions) {
			m.found(of, m.read(of, v.Number))
		}
	}
}

// found adds a version that nobody was told of. It must have a cause.
func (m *model) found(of *secret, value string) {
	if len(of.versions) > 0 && of.current() == value {
		m.world.broke("%s has %q twice in a row", of.name, value)
	}
	of.versions = append(of.versions, value)
	if at := slices.Index(of.pending, value); at >= 0 {
		of.pending = slices.Delete(of.pending, at, at+1)
		return
	}
	m.world.broke("%s has a version %q that nobody asked for", of.name, value)
}

func (m *model) read(of *secret, number models.VersionNumber) string {
	w := m.world
	var v models.SecretVersion
	w.must(w.person.store.Read(w.quiet(), func(tx *store.Tx) (err error) {
		v, err = tx.Version(of.id, number)
		return err
	}))
	value, err := w.person.secrets.OpenVersion(w.quiet(), w.env, v)
	w.must(err)
	return string(value.Reveal())
}

// everything opens all versions: each acknowledged one is there as it was written.
func (m *model) everything() {
	for _, of := range m.secrets {
		m.recount(of)
		for i, want := range of.versions {
			if got := m.read(of, models.VersionNumber(i+1)); got != want {
				m.world.broke("version %d of %s is %q, and was %q", i+1, of.name, got, want)
			}
		}
	}
}

// untouched holds that what is not Keeper's is as somebody left it.
func (m *model) untouched() {
	for _, s := range m.world.sites {
		for name, want := range s.foreign {
			if got := s.place.look(name); got != want {
				m.world.broke("%s at %s is not Keeper's and was touched: %v → %v", name, s.name, want, got)
			}
		}
	}
}

// edited keeps that somebody else did something at a site.
func (m *model) edited(s *site, name, value string) {
	w := m.world
	s.edited = w.clock.read()
	c := m.copied(s, name)
	c.byOther, c.bare, c.back = true, false, false
	if value != "" {
		c.strange[value] = true
	}
	now := s.place.look(name)
	of := m.byRemote(name)
	if now.there && (of == nil || now.mark != s.mark(of.id)) {
		s.foreign[name] = now
	} else {
		delete(s.foreign, name)
	}
	// A first write of Keeper's whose mark was lost is Keeper's to mark.
	if now.mark.Zero() && c.sent[now.value] {
		delete(s.foreign, name)
	}
	for _, k := range w.fleet {
		if k.errand != nil {
			k.errand.still = false
		}
	}
}

// recently reports whether anybody else changed anything at a site within a time.
func (s *site) recently(now time.Time, d time.Duration) bool { return now.Sub(s.edited) <= d }
