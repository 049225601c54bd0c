package synctests

import (
	"fmt"
	"maps"
	"os"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/your-org/keeper/destinations"
	"github.com/your-org/keeper/fault"
	"github.com/your-org/keeper/models"
	keepersync "github.com/your-org/keeper/sync"
)

// number reads one of the LONG_… variables.
func number(t *testing.T, name string, otherwise int) int {
	t.Helper()
	text := os.Getenv(name)
	if text == "" {
		return otherwise
	}
	n, err := strconv.Atoi(text)
	if err != nil || n < 0 {
		t.Fatalf("%s must be a number", name)
	}
	return n
}

// TestAnything has everybody do what they like, for LONG_STEPS steps in each of LONG_SEEDS
// worlds from LONG_FROM on, and holds what Keeper promises after each step. It says of each
// world how it ended, so that a long test that was cut off can go on behind it. LONG_SEED
// plays one world again.
func TestAnything(t *testing.T) {
	seeds, steps, first := number(t, "LONG_SEEDS", 6), number(t, "LONG_STEPS", 250), number(t, "LONG_FROM", 1)
	if one := number(t, "LONG_SEED", 0); one > 0 {
		seeds, first = 1, one
	}
	for seed := first; seed < first+seeds; seed++ {
		t.Run(fmt.Sprintf("LONG_SEED=%d", seed), func(t *testing.T) {
			t.Parallel()
			begun, ended := time.Now(), "failed"
			defer func() {
				fmt.Printf("world %d: %s, %d steps, %v\n", seed, ended, steps, time.Since(begun).Round(time.Millisecond))
			}()
			play(t, uint64(seed), steps, false)
			ended = "passed"
		})
	}
}

// TestReplay plays a world twice, and has it tell the same story.
func TestReplay(t *testing.T) {
	const seed, steps = 11, 300
	var stories [2]string
	for i := range stories {
		stories[i] = strings.Join(play(t, seed, steps, true), "\n")
	}
	if diff := cmp.Diff(stories[0], stories[1]); diff != "" {
		t.Errorf("the second time it went differently:\n%s", diff)
	}
}

// play lets a world go its way, and comes to rest, and returns what happened last, or all of
// it. Who is told in it by an identifier that is drawn anew each time has a number instead.
func play(t *testing.T, seed uint64, steps int, whole bool) (story []string) {
	t.Helper()
	dir := fastDir(t)
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, dir, seed)
		defer w.end()
		w.whole = whole
		for n := 1; n <= steps; n++ {
			w.step(n)
		}
		w.rest()
		t.Logf("%+v", w.sums)
		story = append(w.last, fmt.Sprintf("%+v", w.sums))
	})
	return numbered(story)
}

// fastDir is in memory where there is such a folder: a world dies with its process, and what
// its Keepers lose when they are killed does not depend on the disk.
func fastDir(t *testing.T) string {
	t.Helper()
	if os.Getenv("TMPDIR") != "" {
		return t.TempDir()
	}
	dir, err := os.MkdirTemp("/dev/shm", "keeper-world-")
	if err != nil {
		return t.TempDir()
	}
	t.Cleanup(func() { _ = os.RemoveAll(dir) })
	return dir
}

var drawn = regexp.MustCompile(`\b[a-z]{3}_[0-9a-z]{24}\b|\b[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}\b`)

func numbered(story []string) []string {
	known := map[string]string{}
	for i, line := range story {
		story[i] = drawn.ReplaceAllStringFunc(line, func(id string) string {
			if known[id] == "" {
				known[id] = fmt.Sprintf("#%d", len(known)+1)
			}
			return known[id]
		})
	}
	return story
}

// rest ends all trouble, and holds that Keeper brings everything in line and then is silent.
func (w *world) rest() {
	w.t.Helper()
	w.must(w.flaws.mend())
	w.lastTrouble()
	w.tell("all trouble ends")
	for _, s := range w.sites {
		if s.paused {
			w.must(w.unpause(s))
		}
		if p, ok := s.place.(inMemory); ok {
			p.p.ReleaseListing()
		}
	}
	for round := 0; ; round++ {
		w.clock.pass(2 * time.Hour)
		for _, s := range w.sites {
			w.makeRoom(s)
			w.full(s)
		}
		if round >= 2 && w.inLine(nil) {
			break
		}
		if round == 12 {
			w.inLine(w.broke)
			w.broke("it did not come to rest")
			w.stands()
		}
	}
	puts, deletes, takes := w.sums.puts, w.sums.deletes, w.sums.takes
	for _, s := range w.sites {
		w.clock.pass(2 * time.Hour)
		w.full(s)
	}
	if w.sums.puts != puts || w.sums.deletes != deletes || w.sums.takes != takes {
		w.broke("it came to rest, and goes on writing")
	}
	w.model.everything()
	w.stands()
}

// lastTrouble has first writes and changes fail in every way just before it is over, so that
// nothing but what Keeper remembers tells its own hand from another's.
func (w *world) lastTrouble() {
	for _, s := range w.sites {
		if s.paused {
			w.must(w.unpause(s))
		}
	}
	for range 3 {
		w.create()
		for _, s := range w.sites {
			w.passOver(weather{faults: 50}, s, pick(w, w.fleet))
		}
		w.model.update(w.model.secrets[len(w.model.secrets)-1], w.value("keeper's"))
		w.clock.pass(20 * time.Minute)
	}
	w.stands()
}

func (w *world) unpause(s *site) error {
	off := false
	_, err := w.person.syncs.Update(w.quiet(), admin, s.id, destinations.Change{Paused: &off}, 0)
	s.paused = err != nil
	return err
}

// makeRoom has people do what only people can: take away what is not Keeper's, decide what
// is held, and let go what the brake holds.
func (w *world) makeRoom(s *site) {
	for _, name := range slices.Sorted(maps.Keys(s.foreign)) {
		s.place.purge(name)
		w.model.edited(s, name, "")
	}
	for _, of := range w.model.secrets {
		name := prefix + of.name
		now := s.place.look(name)
		if now.there && now.mark != s.mark(of.id) && !w.model.copied(s, name).bare || of.deleted && now.live() && w.model.copied(s, name).notOurs() {
			w.tell("somebody makes room for %s at %s: %v", name, s.name, now)
			s.place.purge(name)
			w.model.edited(s, name, "")
		}
	}
	holds, err := w.person.syncs.Holds(w.quiet(), admin, s.id, 0, 100)
	w.must(err)
	for _, h := range holds {
		w.decide(s, h, pick(w, []models.Side{models.SideKeeper, models.SideRemote}))
	}
	held, _, err := w.person.syncs.Plans(w.quiet(), admin, destinations.PlanQuery{DestinationID: s.id, Status: models.PlanHeld})
	w.must(err)
	for _, plan := range held {
		if _, err := w.person.syncs.Apply(w.quiet(), admin, plan.ID, ""); err != nil && !fault.Is(err, fault.Conflict) {
			w.broke("a held plan cannot be applied: %v", err)
		}
	}
}

// full is a calm pass over everything.
func (w *world) full(s *site) {
	for w.approved(s) != nil { // first what was asked for
		w.passOver(calm, s, w.fleet[0])
	}
	_, err := w.person.syncs.Trigger(w.quiet(), admin, s.id)
	w.must(err)
	w.passOver(calm, s, w.fleet[0])
}

// inLine reports whether each destination holds what Keeper has, and what is not so.
func (w *world) inLine(told func(string, ...any)) bool {
	all := true
	not := func(format string, args ...any) {
		all = false
		if told != nil {
			told(format, args...)
		}
	}
	for _, s := range w.sites {
		known := w.known(s)
		for _, of := range w.model.secrets {
			now := s.place.look(prefix + of.name)
			switch {
			case of.deleted && now.live() && known[of.id]:
				not("%s is deleted and still at %s: %v", of.name, s.name, now)
			case of.deleted:
			case !now.live() || now.mark != s.mark(of.id) || now.value != of.current():
				not("%s is %v at %s, and should be %q", of.name, now, s.name, of.current())
			}
		}
		states, _, err := w.person.syncs.States(w.quiet(), admin, destinations.StateQuery{DestinationID: s.id})
		w.must(err)
		for _, state := range states {
			if state.Status != models.StatusInSync {
				not("%s is %s at %s: %s", state.SecretName, state.Status, s.name, state.LastError)
			}
		}
	}
	return all
}

// known are the secrets that Keeper minds at a site: deleted ones until they are gone there.
func (w *world) known(s *site) map[models.SecretID]bool {
	states, _, err := w.person.syncs.States(w.quiet(), admin, destinations.StateQuery{DestinationID: s.id})
	w.must(err)
	known := map[models.SecretID]bool{}
	for _, state := range states {
		known[state.SecretID] = true
	}
	return known
}

// receipts holds that what the newest run signed is true.
func (w *world) receipts(s *site, e *errand, began time.Time) {
	runs, _, err := w.person.syncs.Runs(w.quiet(), admin, destinations.RunQuery{DestinationID: s.id, Limit: 1})
	w.must(err)
	if len(runs) == 0 || runs[0].StartedAt.Before(began) || runs[0].FinishedAt == nil {
		return
	}
	stored, err := w.person.syncs.Receipt(w.quiet(), admin, runs[0].ID)
	if gone(err) {
		return
	}
	w.must(err)
	w.sums.receipts++
	v, err := w.person.syncs.VerifyReceipt(w.quiet(), admin, stored.Body, false)
	w.must(err)
	if !e.still || s.recently(began, s.listings) {
		return // what was true when the run looked cannot be told from outside
	}
	w.sums.exact++
	w.prove(s, runs[0], v.Receipt)
}

// prove compares a receipt with what truly stands on both sides.
func (w *world) prove(s *site, run models.SyncRun, r keepersync.Receipt) {
	hasher, err := w.person.envelope.Hasher(w.quiet(), w.env)
	w.must(err)
	excepted := map[string]bool{}
	for _, x := range r.Named {
		excepted[x.Name] = true
	}
	known := w.known(s)
	about := func(string) bool { return true }
	if r.Part != nil {
		if !r.Part.Listed() {
			w.broke("the receipt of %s leaves out names that it is about", run.ID)
		}
		about = func(name string) bool { return slices.Contains(r.Part.First, name) }
	}
	var source, there keepersync.Tree
	for _, of := range w.model.secrets { // by ascending id
		name := prefix + of.name
		now := s.place.look(name)
		if !about(name) {
			continue
		}
		if of.deleted && !known[of.id] {
			continue // deleted everywhere and forgotten; what came back there since is a stray
		}
		own := now.live() && now.mark == s.mark(of.id)
		if !of.deleted {
			source.Add(keepersync.Leaf(name, hasher.Sum(plain(of.current()))))
		}
		if own {
			there.Add(keepersync.Leaf(name, hasher.Sum(plain(now.value))))
		}
		equal := of.deleted && !own || !of.deleted && own && now.value == of.current()
		if !equal && !excepted[name] {
			w.broke("the receipt of %s calls %s equal: it is %v at %s, and should be %q (deleted %v)", run.ID, name, now, s.name, of.current(), of.deleted)
		}
	}
	if r.Source.Root != source.Root() {
		w.broke("the receipt of %s at %s speaks of another source", run.ID, s.name)
	}
	if run.Counts.Failed+run.Counts.Unknown == 0 && r.ReadBack.Root != there.Root() {
		w.broke("the receipt of %s at %s read something else back", run.ID, s.name)
	}
}
