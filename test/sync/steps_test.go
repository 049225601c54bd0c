package synctests

import (
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/your-org/keeper/destinations"
	"github.com/your-org/keeper/fault"
	"github.com/your-org/keeper/models"
	"github.com/your-org/keeper/secrets"
	"github.com/your-org/keeper/store"
	keepersync "github.com/your-org/keeper/sync"
)

// mostSecrets bounds the world: few names meet often.
const mostSecrets = 8

// step does one thing of many.
func (w *world) step(n int) {
	w.sums.steps++
	if w.flaws.table != "" && w.chance(40) {
		w.trouble()
	}
	for _, s := range w.sites {
		if s.paused && w.chance(20) {
			w.pause(s)
		}
	}
	switch r := w.random.IntN(100); {
	case r < 20:
		w.edit()
	case r < 40:
		w.strangerEdits()
	case r < 42:
		w.sweep()
	case r < 70:
		w.pass()
	case r < 75:
		w.duel()
	case r < 79:
		w.makePlan()
	case r < 83:
		w.decidePlan()
	case r < 88:
		w.rule()
	case r < 90:
		w.pause(pick(w, w.sites))
	case r < 92:
		w.reconfigure()
	case r < 95:
		w.trouble()
	default:
		w.wait()
	}
	w.model.untouched()
	if n%500 == 0 {
		w.tidy()
		w.model.everything()
	}
	w.stands()
}

// value is one that nobody had, or now and then one that somebody had.
func (w *world) value(who string) string {
	return fmt.Sprintf("%s %d", who, w.random.IntN(1_000_000_000))
}

// edit is a change at Keeper.
func (w *world) edit() {
	m := w.model
	if len(m.secrets) == 0 || len(m.secrets) < mostSecrets && w.chance(30) {
		w.create()
		return
	}
	of := pick(w, m.secrets)
	switch r := w.random.IntN(100); {
	case of.deleted && r < 60:
		_, err := w.person.secrets.Undelete(w.quiet(), admin, of.id)
		w.tell("person undeletes %s: %v", of.name, err)
		m.deletes(of, false, err)
	case !of.deleted && r < 20:
		_, err := w.person.secrets.Delete(w.quiet(), admin, of.id, 0)
		w.tell("person deletes %s: %v", of.name, err)
		m.deletes(of, true, err)
	case !of.deleted:
		value := w.value("keeper's")
		if r < 35 {
			value = pick(w, of.versions)
		}
		m.update(of, value)
	}
	w.unsettle()
}

func (w *world) create() {
	name, value := fmt.Sprintf("team/secret-%d", len(w.model.secrets)), w.value("keeper's")
	s, err := w.person.secrets.Create(w.quiet(), admin, secrets.NewSecret{Environment: w.env.ID, Name: name, Type: models.Text, Value: plain(value)})
	w.tell("person creates %s: %v", name, err)
	if err == nil {
		w.model.secrets = append(w.model.secrets, &secret{id: s.ID, name: name, versions: []string{value}})
		w.unsettle()
	}
}

// unsettle says that something changed while others may be at work.
func (w *world) unsettle() {
	for _, k := range w.fleet {
		if k.errand != nil {
			k.errand.still = false
		}
	}
}

func (m *model) deletes(of *secret, deleted bool, err error) {
	if err == nil {
		of.deleted, of.unsure = deleted, false
		return
	}
	of.unsure = true
}

func (m *model) update(of *secret, value string) {
	w := m.world
	of.pending = append(of.pending, value)
	v := plain(value)
	s, err := w.person.secrets.Update(w.quiet(), admin, of.id, secrets.Change{Value: &v}, 0)
	w.tell("person gives %s %q: version %d, %v", of.name, value, s.CurrentVersion, err)
	if err != nil {
		return
	}
	if int(s.CurrentVersion) <= len(of.versions) { // it was current already
		of.pending = slices.DeleteFunc(of.pending, func(p string) bool { return p == value })
	}
	m.acknowledge(of, s.CurrentVersion, value)
}

// strangerEdits is a change at a destination.
func (w *world) strangerEdits() {
	s, m := pick(w, w.sites), w.model
	name := prefix + fmt.Sprintf("team/secret-%d", w.random.IntN(mostSecrets+1))
	of, now := m.byRemote(name), s.place.look(name)
	value := ""
	what := ""
	switch r := w.random.IntN(100); {
	case !now.there && (of == nil || r < 25):
		what, value = "creates", w.value("foreign")
		s.place.edit(name, value)
	case !now.there:
		return
	case r < 45:
		what, value = "changes", w.value("theirs")
		if of != nil && w.chance(15) {
			value = pick(w, of.versions)
		}
		s.place.edit(name, value)
	case r < 60:
		what = "removes"
		s.place.remove(name)
	case r < 70:
		what = "restores"
		s.place.restore(name)
	case r < 82:
		what = "purges"
		s.place.purge(name)
	case r < 87:
		what = "unmarks"
		s.place.mark(name, keepersync.Mark{})
	case r < 92:
		what = "marks as its own"
		s.place.mark(name, keepersync.Mark{Owner: "another keeper", Destination: s.id, Secret: 1})
	case of != nil && !of.deleted && s.foreign[name].there && now.live():
		what = "gives the mark back to"
		s.place.mark(name, s.mark(of.id))
	default:
		return
	}
	if s.place.look(name) == now {
		return // it was so already
	}
	w.tell("somebody %s %s at %s: %v → %v", what, name, s.name, now, s.place.look(name))
	m.edited(s, name, value)
}

// sweep is what the brake is for: many copies are changed, or many secrets deleted, at once.
func (w *world) sweep() {
	s, deletes := pick(w, w.sites), w.chance(40)
	for _, of := range w.model.secrets {
		name := prefix + of.name
		now := s.place.look(name)
		switch {
		case w.chance(30):
		case deletes && !of.deleted:
			_, err := w.person.secrets.Delete(w.quiet(), admin, of.id, 0)
			w.tell("person deletes %s in a sweep: %v", of.name, err)
			w.model.deletes(of, true, err)
		case !deletes && now.live():
			value := w.value("swept")
			s.place.edit(name, value)
			w.tell("somebody changes %s at %s in a sweep: %v → %v", name, s.name, now, s.place.look(name))
			w.model.edited(s, name, value)
		}
	}
}

// meddle changes something while Keepers are at work.
func (w *world) meddle() {
	if w.chance(50) {
		w.edit()
	} else {
		w.strangerEdits()
	}
}

var calm = weather{}

// weatherNow is drawn for each errand: half of the time all is well.
func (w *world) weatherNow() weather {
	switch w.random.IntN(8) {
	case 0:
		return weather{faults: 10}
	case 1:
		return weather{faults: 40}
	case 2:
		return weather{kills: 80}
	case 3:
		return weather{edits: 15}
	case 4:
		return weather{faults: 10, kills: 20, edits: 10, wire: 5}
	default:
		return calm
	}
}

// errandAt begins a Keeper's errand at a site.
func (w *world) errandAt(k *keeper, s *site) *errand {
	k.errand = &errand{site: s, seen: map[string]bool{}, over: map[string]bool{}, still: w.flaws.table == ""}
	return k.errand
}

// pass lets a Keeper work on a destination as its job does.
func (w *world) pass() {
	s, k := pick(w, w.sites), pick(w, w.fleet)
	w.passOver(w.weatherNow(), s, k)
}

// duel lets two Keepers work on a destination at once, as leases that went wrong have them do.
func (w *world) duel() {
	s := pick(w, w.sites)
	w.sums.duels++
	w.passOver(w.weatherNow(), s, w.fleet...)
}

func (w *world) passOver(wet weather, s *site, keepers ...*keeper) {
	if w.chance(60) {
		_, err := w.person.syncs.Trigger(w.quiet(), admin, s.id)
		if (err == nil) == s.paused && w.flaws.table == "" {
			w.broke("a trigger of %s (paused %v) ended with %v", s.name, s.paused, err)
		}
	}
	w.sums.runs++
	doing := map[*keeper]func(context.Context) error{}
	for _, k := range keepers {
		e := w.errandAt(k, s)
		if len(keepers) == 1 {
			e.names = w.approved(s)
		}
		e.alone = len(keepers) == 1
		e.still = e.still && len(keepers) == 1
		k.lapse = wet != calm && w.chance(5)
		doing[k] = func(ctx context.Context) error {
			_, err := k.syncs.Work(ctx, models.Job{Kind: destinations.JobKind, Key: string(s.id)})
			return err
		}
	}
	w.tell("%d keepers work on %s (%s) in %+v", len(keepers), s.name, s.strategy, wet)
	began, errand := w.clock.read(), keepers[0].errand
	s.wire(wet.wire)
	errs := w.perform(wet, doing)
	s.wire(0)
	for _, k := range keepers {
		if wet == calm && len(keepers) == 1 && w.flaws.table == "" && errs[k] != nil {
			w.broke("a calm pass over %s ended with %v", s.name, errs[k])
		}
	}
	w.model.settleUnsure()
	w.stands()
	if len(keepers) == 1 {
		w.receipts(s, errand, began)
	}
	w.revive()
}

// approved is what the next run at a site may touch by its plan; nil where none is queued.
func (w *world) approved(s *site) map[string]bool {
	runs, _, err := w.person.syncs.Runs(w.quiet(), admin, destinations.RunQuery{DestinationID: s.id, Status: models.RunQueued})
	w.must(err)
	if len(runs) == 0 || runs[len(runs)-1].PlanID == "" {
		return nil
	}
	items, err := w.person.syncs.PlanItems(w.quiet(), admin, runs[len(runs)-1].PlanID, destinations.PlanItemQuery{Limit: 1000})
	w.must(err)
	names := map[string]bool{}
	for _, item := range items {
		names[item.RemoteName] = true
	}
	return names
}

// settleUnsure finds out what became of changes that were not acknowledged.
func (m *model) settleUnsure() {
	w := m.world
	for _, of := range m.secrets {
		m.recount(of)
		of.pending = nil // whatever was under way is over
		if of.unsure {
			s, _, err := w.person.secrets.Get(w.quiet(), admin, of.id)
			w.must(err)
			of.deleted, of.unsure = s.Deleted(), false
		}
	}
}

// revive puts new processes in the place of dead ones.
func (w *world) revive() {
	for i, k := range w.fleet {
		if k.lapse && !k.dead.Load() {
			k.die()
			w.sums.kills++
		}
		if k.dead.Load() {
			k.bury()
			w.fleet[i] = w.begin(k.name)
		}
	}
}

// makePlan has a Keeper make a plan, which a person looks at later.
func (w *world) makePlan() {
	s, k := pick(w, w.sites), pick(w, w.fleet)
	wet := w.weatherNow()
	e := w.errandAt(k, s)
	e.planning = true
	w.perform(wet, map[*keeper]func(context.Context) error{k: func(ctx context.Context) error {
		plan, err := k.syncs.Plan(ctx, admin, s.id)
		w.tell("%s plans for %s: %s %v %v", k.name, s.name, plan.ID, plan.Counts, err)
		if err == nil {
			s.plan = &plan
		}
		return err
	}})
	w.sums.plans++
	w.revive()
}

// decidePlan has a person apply or discard a plan: one that was made, or one that is held.
func (w *world) decidePlan() {
	s := pick(w, w.sites)
	plan := s.plan
	held, _, err := w.person.syncs.Plans(w.quiet(), admin, destinations.PlanQuery{DestinationID: s.id, Status: models.PlanHeld})
	w.must(err)
	if len(held) > 0 && (plan == nil || w.chance(60)) {
		plan = &held[0]
		w.sums.held++
	}
	if plan == nil {
		return
	}
	s.plan = nil
	if w.chance(25) {
		_, err = w.person.syncs.Discard(w.quiet(), admin, plan.ID)
		w.tell("person discards %s: %v", plan.ID, err)
		return
	}
	_, err = w.person.syncs.Apply(w.quiet(), admin, plan.ID, plan.Digest)
	w.tell("person applies %s at %s: %v", plan.ID, s.name, err)
}

// rule has a person decide a difference that is held.
func (w *world) rule() {
	s := pick(w, w.sites)
	holds, err := w.person.syncs.Holds(w.quiet(), admin, s.id, 0, 100)
	w.must(err)
	if len(holds) == 0 {
		return
	}
	w.decide(s, pick(w, holds), pick(w, []models.Side{models.SideKeeper, models.SideRemote}))
}

func (w *world) decide(s *site, h destinations.NamedHold, side models.Side) {
	if h.RemoteVersion == "" {
		side = models.SideKeeper
	}
	err := w.person.syncs.Rule(w.quiet(), admin, destinations.Ruling{
		Destination: s.id, Secret: h.SecretID, Side: side, Version: h.Version, RemoteVersion: h.RemoteVersion,
	})
	w.tell("person decides %s at %s for %s (version %d, there %q): %v", h.SecretName, s.name, side, h.Version, h.RemoteVersion, err)
	if err == nil {
		w.sums.rulings++
		c := w.model.copied(s, prefix+h.SecretName)
		c.rulings = append(c.rulings, ruling{side, h.RemoteVersion})
	}
}

func (w *world) pause(s *site) {
	paused := !s.paused
	_, err := w.person.syncs.Update(w.quiet(), admin, s.id, destinations.Change{Paused: &paused}, 0)
	w.tell("person pauses %s (%v): %v", s.name, paused, err)
	if err == nil {
		s.paused = paused
	}
}

// reconfigure gives a site another strategy and brake.
func (w *world) reconfigure() {
	s := pick(w, w.sites)
	w.setStrategy(s, pick(w, models.Strategies))
}

func (w *world) setStrategy(s *site, strategy models.Strategy) {
	was, brake := s.strategy, s.brake
	s.strategy = strategy
	config := w.config(s)
	_, err := w.person.syncs.Update(w.quiet(), admin, s.id, destinations.Change{Config: &config, SkipCheck: true}, 0)
	w.tell("person sets %s to %s, %+v: %v", s.name, strategy, s.brake, err)
	if err != nil {
		s.strategy, s.brake = was, brake
	}
}

// trouble makes the database refuse a table, or mends that.
func (w *world) trouble() {
	if w.flaws.table != "" {
		w.tell("%s takes writes again", w.flaws.table)
		w.must(w.flaws.mend())
		return
	}
	table := pick(w, tables)
	w.tell("%s refuses writes", table)
	w.must(w.flaws.begin(table))
}

// wait lets time pass.
func (w *world) wait() {
	w.clock.pass(pick(w, []time.Duration{time.Second, 30 * time.Second, 4 * time.Minute, 11 * time.Minute, 2 * time.Hour}))
}

// tidy is what Keeper's housekeeping does.
func (w *world) tidy() {
	w.must(w.flaws.mend())
	w.must(w.person.store.Write(w.quiet(), func(tx *store.Tx) error {
		if _, err := tx.DeleteRunsBefore(w.clock.read(), 20); err != nil {
			return err
		}
		_, err := tx.DeletePlansBefore(w.clock.read().Add(-time.Hour))
		return err
	}))
}

// gone reports whether an error says that something is not there any more.
func gone(err error) bool { return fault.Is(err, fault.NotFound) }
