package synctests

import (
	"context"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"path/filepath"
	"strings"
	gosync "sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/your-org/keeper/kms/drivertest"
	"github.com/your-org/keeper/models"
	"github.com/your-org/keeper/store"
	keepersync "github.com/your-org/keeper/sync"
)

var admin = models.Actor{Kind: models.ActorUser, ID: "usr_admin", UserID: "usr_admin", Name: "ada", Role: models.RoleAdmin, Via: "test"}

const owner = "keeper_test"

// world is one installation of Keeper on a real database, the destinations that it syncs to,
// and a model of what everybody did. All choices come from the seed; identifiers and keys do not.
//
// Keepers work on the destinations, die and are replaced. The person, whose acknowledged
// writes the model keeps, has a Keeper of its own that lives as long as the world.
type world struct {
	t      *testing.T
	seed   uint64
	random *rand.Rand
	begun  uint64 // processes so far
	clock  *clock
	path   string
	keys   *drivertest.Fake
	stage  *stage
	env    models.Environment
	person *keeper
	fleet  []*keeper
	sites  []*site
	flaws  *flaws
	model  *model
	sums   tally

	mu     gosync.Mutex
	broken string   // the first promise that was broken
	last   []string // what happened lately, for whoever reads the failure
	whole  bool     // all of it is kept
}

// tally is what a world did, so that a test that proves nothing is noticed.
type tally struct {
	steps, runs, calls, faults, kills, duels, plans, held, rulings, takes, puts, deletes, receipts, exact int
}

// clock is the bubble's time and what was added to it. It never reads the same twice.
type clock struct {
	mu    gosync.Mutex
	added time.Duration
}

func (c *clock) read() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.added += 10 * time.Microsecond
	return time.Now().Add(c.added)
}

func (c *clock) pass(d time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.added += d
}

func newWorld(t *testing.T, dir string, seed uint64) *world {
	t.Helper()
	w := &world{
		t: t, seed: seed, random: rand.New(rand.NewPCG(seed, 0)), clock: &clock{}, path: filepath.Join(dir, "keeper.db"),
		keys: drivertest.NewFake(models.RecipientLocal, "k"), stage: &stage{},
	}
	w.model = newModel(w)
	w.migrate()
	w.person = w.begin("person")
	e, err := w.person.secrets.CreateEnvironment(t.Context(), admin, models.Environment{Name: "production"})
	w.must(err)
	w.env = e
	w.flaws = newFlaws(t, w.path)
	w.fleet = []*keeper{w.begin("keeper-1"), w.begin("keeper-2")}
	for _, make := range []func(*world) *site{newMemory, newAWS} {
		w.addSite(make(w))
	}
	return w
}

func (w *world) migrate() {
	s, err := store.Open(w.t.Context(), w.storage())
	w.must(err)
	w.must(s.Migrate(w.t.Context()))
	w.must(s.Close())
}

func (w *world) storage() store.Options {
	return store.Options{Dialect: store.SQLite, Path: w.path, Log: silent, Now: w.clock.read}
}

var silent = slog.New(slog.DiscardHandler)

// end lets everything go.
func (w *world) end() {
	for _, k := range append(w.fleet, w.person) {
		k.bury()
	}
	w.flaws.close()
	for _, s := range w.sites {
		s.close()
	}
}

func (w *world) must(err error) {
	w.t.Helper()
	if err != nil {
		w.fail(err.Error())
	}
}

// broke keeps the first promise that was broken. It may be called by any goroutine; the
// step that is under way then ends the test.
func (w *world) broke(format string, args ...any) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.broken == "" {
		w.broken = fmt.Sprintf(format, args...)
	}
}

// stands ends the test where a promise was broken.
func (w *world) stands() {
	w.t.Helper()
	w.mu.Lock()
	broken := w.broken
	w.mu.Unlock()
	if broken != "" {
		w.fail(broken)
	}
}

// fail ends the test once nothing is under way any more.
func (w *world) fail(why string) {
	w.t.Helper()
	past := w.history()
	for _, k := range w.fleet {
		k.die()
	}
	for synctest.Wait(); ; synctest.Wait() {
		c := w.stage.next(func(int) int { return 0 })
		if c == nil {
			break
		}
		c.answer <- verdict{err: errDead}
	}
	w.t.Fatalf("seed %d: %s\n%s", w.seed, why, past)
}

// keptLines is how much of the past a failure tells.
const keptLines = 120

func (w *world) tell(format string, args ...any) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if len(w.last) >= 2*keptLines && !w.whole {
		w.last = append(w.last[:0], w.last[keptLines:]...)
	}
	w.last = append(w.last, fmt.Sprintf(format, args...))
}

func (w *world) history() string {
	w.mu.Lock()
	defer w.mu.Unlock()
	return "what happened last:\n  " + strings.Join(w.last[max(0, len(w.last)-keptLines):], "\n  ")
}

func (w *world) chance(percent int) bool { return w.random.IntN(100) < percent }

func pick[T any](w *world, from []T) T { return from[w.random.IntN(len(from))] }

func plain(s string) models.Plaintext { return models.NewPlaintext([]byte(s)) }

// quiet is a context that ends with the world's test.
func (w *world) quiet() context.Context { return w.t.Context() }

// mark is what Keeper's own copy of a secret bears at a site.
func (s *site) mark(id models.SecretID) keepersync.Mark {
	return keepersync.Mark{Owner: owner, Destination: s.id, Secret: id}
}
