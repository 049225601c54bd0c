package destinations_test

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/your-org/keeper/destinations"
	"github.com/your-org/keeper/fault"
	"github.com/your-org/keeper/kms/drivertest"
	"github.com/your-org/keeper/models"
	"github.com/your-org/keeper/store"
	"github.com/your-org/keeper/store/storetest"
	keepersync "github.com/your-org/keeper/sync"
	"github.com/your-org/keeper/sync/memory"
)

// stead is a place that copies stand at, and a stranger's hand there.
type stead interface {
	open() (keepersync.Driver, error)
	look(t *testing.T, name string) string  // all that stands under a name, its history included
	value(t *testing.T, name string) string // "": none, or deleted
	change(t *testing.T, name, value string)
	purge(t *testing.T, name string)
}

// unsure is a Keeper with something to do of every kind, about to read what it cannot.
type unsure struct {
	*house
	at      stead
	dest    models.Destination
	late    time.Duration // how far Keeper's clock runs ahead
	secrets map[models.SecretID]string
	names   map[string]string // by name there: the value once all is well, "" for none
}

// newUnsure has of each kind one secret: two that are as they should be, one that was changed at
// the destination, one that vanished there, one that was changed in Keeper, one that was deleted
// in Keeper, and one whose deletion there is to be made final.
func newUnsure(t *testing.T, h *house, at stead, set func(*models.DestinationConfig)) *unsure {
	t.Helper()
	u := &unsure{house: h, at: at, secrets: map[models.SecretID]string{}, names: map[string]string{}}
	h.Now = func() time.Time { return time.Now().Add(u.late) }
	h.Service.Open = func(context.Context, models.Destination, models.DestinationCredentials) (keepersync.Driver, error) {
		return at.open()
	}
	u.dest = h.with(t, "one", func(c *models.DestinationConfig) {
		c.DestroyDays = 1
		if set != nil {
			set(c)
		}
	})
	all := map[string]models.Secret{}
	for _, name := range []string{"a/drifted", "a/vanished", "b/old", "b/deleted", "b/changed", "b/same", "top-too", "top"} {
		all[name] = h.put(t, name, "ours")
		u.secrets[all[name].ID], u.names["production/"+name] = "production/"+name, "ours"
		if name == "a/drifted" {
			h.work(t, u.dest) // AWS lists the oldest last
		}
	}
	h.work(t, u.dest)
	h.delete(t, all["b/old"])
	h.work(t, u.dest)
	u.late = 48 * time.Hour
	h.update(t, all["b/changed"], "new")
	h.delete(t, all["b/deleted"])
	at.change(t, "production/a/drifted", "theirs")
	at.purge(t, "production/a/vanished")
	u.names["production/b/changed"], u.names["production/b/deleted"], u.names["production/b/old"] = "new", "", ""
	return u
}

func (u *unsure) looks(t *testing.T) map[string]string {
	t.Helper()
	all := map[string]string{}
	for name := range u.names {
		all[name] = u.at.look(t, name)
	}
	return all
}

// kept are the versions of the secrets that Keeper has.
func (u *unsure) kept(t *testing.T) map[models.SecretID]string {
	t.Helper()
	all := map[models.SecretID]string{}
	err := u.store.Read(t.Context(), func(tx *store.Tx) error {
		for id := range u.secrets {
			s, err := tx.Secret(id)
			if err != nil {
				return err
			}
			all[id] = fmt.Sprint(s.CurrentVersion, s.Deleted())
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return all
}

// spent are the names that the brake counts something of.
func (u *unsure) spent(t *testing.T) (names []string) {
	t.Helper()
	err := u.store.Read(t.Context(), func(tx *store.Tx) error {
		taken, err := tx.TakenAway(u.dest.ID, u.Now().Add(-time.Hour))
		for id := range taken {
			name := u.secrets[id]
			if group, grouped := models.GroupOf(id); grouped {
				g, err := tx.SyncGroup(group)
				if err != nil {
					return err
				}
				name = g.RemoteName
			}
			names = append(names, name)
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return names
}

// pass makes a full pass, during which something may be wrong, and says how it ended.
func (u *unsure) pass(t *testing.T, by *house, during func(work func())) models.SyncRun {
	t.Helper()
	asked, err := u.Trigger(t.Context(), admin, u.dest.ID)
	if err != nil {
		t.Fatal(err)
	}
	during(func() { _, _ = by.Work(t.Context(), models.Job{Key: string(u.dest.ID)}) })
	run, err := u.Run(t.Context(), admin, asked.ID)
	if err != nil {
		t.Fatal(err)
	}
	return run
}

func nothing(work func()) { work() }

// statuses are what Keeper says of names there.
func (u *unsure) statuses(t *testing.T, names []string) map[string]models.SyncStatus {
	t.Helper()
	said := map[string]models.SyncStatus{}
	states, err := u.StatesOf(t.Context(), slices.Collect(maps.Keys(u.secrets)))
	if err != nil {
		t.Fatal(err)
	}
	for _, of := range states {
		for _, s := range of {
			if slices.Contains(names, s.RemoteName) {
				said[s.RemoteName] = s.Status
			}
		}
	}
	return said
}

// reading is a read that goes wrong.
type reading struct {
	// fails has it go wrong, and returns what mends it and whether it went wrong at all.
	fails func(t *testing.T) (mend func(), struck func() bool)
	// may are the names that may be acted on all the same: nothing about them was to be read.
	may []string
	// unknown are names that are called unknown where the run as a whole does not fail.
	unknown []string
	// apart: it is about no secret's copy, and the run tells of it.
	apart bool
	// well: it is no failure, only strange, and all is done.
	well bool
}

// withstands has a pass meet a read that goes wrong: what was not read is unknown, nothing is
// done to it, at the destination or in Keeper, and the brake counts nothing; once the read goes
// well, all is brought in line, and stays so.
func (u *unsure) withstands(t *testing.T, by *house, r reading) {
	t.Helper()
	before, kept := u.looks(t), u.kept(t)
	run := u.pass(t, by, func(work func()) {
		mend, struck := r.fails(t)
		work()
		mend()
		if !struck() {
			t.Fatal("no read failed")
		}
	})
	if !r.well {
		u.wantNothingDone(t, r, run, before)
	}
	if diff := cmp.Diff(kept, u.kept(t)); diff != "" {
		t.Errorf("Keeper's secrets: %s", diff)
	}
	u.converges(t)
}

func (u *unsure) wantNothingDone(t *testing.T, r reading, run models.SyncRun, before map[string]string) {
	t.Helper()
	for name, was := range before {
		if is := u.at.look(t, name); is != was && !slices.Contains(r.may, name) {
			t.Errorf("%s was touched: %s, was %s", name, is, was)
		}
	}
	for _, name := range u.spent(t) {
		if !slices.Contains(r.may, name) {
			t.Errorf("the brake counts %s", name)
		}
	}
	switch {
	case run.Status == models.RunFailed, run.Status == models.RunQueued: // or not begun
		return
	case r.apart:
		if run.Hint == "" {
			t.Error("the run does not tell of it")
		}
		return
	}
	if len(r.unknown) == 0 || run.Counts.Unknown == 0 {
		t.Errorf("the run ended %s: %+v", run.Status, run.Counts)
	}
	for name, status := range u.statuses(t, r.unknown) {
		if status != models.StatusUnknown {
			t.Errorf("%s is called %s", name, status)
		}
	}
}

// converges has passes bring all in line, and one more find nothing to do.
func (u *unsure) converges(t *testing.T) {
	t.Helper()
	u.late += time.Hour
	if run := u.pass(t, u.house, nothing); run.Status != models.RunSucceeded {
		t.Errorf("once it is over, a run ended %s: %s %+v", run.Status, run.Error, run.Counts)
	}
	got := map[string]string{}
	for name := range u.names {
		got[name] = u.at.value(t, name)
	}
	if diff := cmp.Diff(u.names, got); diff != "" {
		t.Errorf("once it is over: %s", diff)
	}
	before := u.looks(t)
	u.late += time.Hour
	if run := u.pass(t, u.house, nothing); run.Status != models.RunSucceeded || run.Counts.InSync != run.Counts.Checked {
		t.Errorf("not at rest: %s %+v", run.Status, run.Counts)
	}
	if diff := cmp.Diff(before, u.looks(t)); diff != "" {
		t.Errorf("not at rest: %s", diff)
	}
}

// Names of newUnsure: those that wait for nothing but Keeper, and those that a look must find.
var (
	due     = []string{"production/b/changed", "production/b/deleted"}
	lost    = []string{"production/a/drifted", "production/a/vanished"}
	aside   = []string{"production/b/changed", "production/b/deleted", "production/a/vanished", "production/b/old"}
	deleted = []string{"production/b/deleted", "production/b/old"}
)

// inMemory is a place without a wire.
type inMemory struct{ *memory.Place }

func (m inMemory) open() (keepersync.Driver, error) {
	return memory.New(memory.Options{Place: m.Place, Prefix: "production/"}), nil
}

func (m inMemory) look(_ *testing.T, name string) string {
	there, ok := m.Get(name)
	return fmt.Sprintf("%v %+v", ok, there)
}

func (m inMemory) value(_ *testing.T, name string) string {
	there, _ := m.Get(name)
	if there.Remote.Deleted {
		return ""
	}
	return string(there.Value)
}

func (m inMemory) change(_ *testing.T, name, value string) { m.Edit(name, []byte(value)) }
func (m inMemory) purge(_ *testing.T, name string)         { m.Purge(name) }

// TestAbsenceDecrypting has values not come out of Keeper: a version that cannot be opened, and a
// data key that the key service does not unwrap.
func TestAbsenceDecrypting(t *testing.T) {
	for shape, places := range map[models.Shape]map[string][]string{
		models.ShapeValue:  {"may": deleted, "unknown": append(slices.Clone(lost), "production/b/changed")},
		models.ShapeFolder: {"unknown": {"production/a", "production/b"}},
	} {
		for _, kind := range []fault.Kind{fault.NotFound, fault.Forbidden, fault.Unavailable, fault.Internal} {
			t.Run(fmt.Sprintf("%s/Version/%s", shape, kind), func(t *testing.T) {
				u := shapedUnsure(t, sqlite(t), shape)
				var struck atomic.Bool
				u.withstands(t, u.house, reading{may: places["may"], unknown: places["unknown"], fails: func(*testing.T) (func(), func() bool) {
					open := u.OpenVersion
					u.OpenVersion = func(context.Context, models.Environment, models.SecretVersion) (models.Plaintext, error) {
						struck.Store(true)
						return models.Plaintext{}, fault.New(kind, "The version could not be opened.")
					}
					return func() { u.OpenVersion = open }, struck.Load
				}})
			})
		}
		for how, cut := range map[string]func(*drivertest.Fake){"Away": (*drivertest.Fake).CutOff, "Refused": (*drivertest.Fake).Refuse} {
			t.Run(fmt.Sprintf("%s/DataKey/%s", shape, how), func(t *testing.T) {
				u := shapedUnsure(t, sqlite(t), shape)
				other := u.another(t) // with no data key in its memory
				other.Service.Open, other.Now = u.Service.Open, u.Now
				u.withstands(t, other, reading{may: places["may"], unknown: places["unknown"], fails: func(*testing.T) (func(), func() bool) {
					calls := u.keys.Calls(drivertest.OpUnwrap)
					cut(u.keys)
					return u.keys.Mend, func() bool { return u.keys.Calls(drivertest.OpUnwrap) > calls }
				}})
			})
		}
	}
}

// shapedUnsure is newUnsure on a place in memory. Where several secrets share an entry, that is
// one whose values differ or vanished in part, and one that vanished.
func shapedUnsure(t *testing.T, h *house, shape models.Shape) *unsure {
	t.Helper()
	if !shape.Grouped() {
		return newUnsure(t, h, inMemory{h.places.at("one")}, nil)
	}
	u := &unsure{house: h, at: inMemory{h.places.at("one")}, secrets: map[models.SecretID]string{}}
	h.Now = func() time.Time { return time.Now().Add(u.late) }
	u.dest = h.with(t, "one", shaped(shape))
	all := map[string]models.Secret{}
	for _, name := range []string{"a/left", "a/changed", "b/drifted", "c/vanished", "d/same"} {
		all[name] = h.put(t, name, "ours")
		u.secrets[all[name].ID] = "production/" + name[:1]
	}
	h.work(t, u.dest)
	u.late = 48 * time.Hour
	h.delete(t, all["a/left"])
	h.update(t, all["a/changed"], "new")
	u.at.change(t, "production/b", `{"drifted":"theirs"}`)
	u.at.purge(t, "production/c")
	u.names = map[string]string{
		"production/a": `{"changed":"new"}`, "production/b": `{"drifted":"ours"}`, "production/c": `{"vanished":"ours"}`, "production/d": `{"same":"ours"}`,
	}
	return u
}

// TestAbsenceTaking has the value of a destination that wins not be read when it is to be taken.
func TestAbsenceTaking(t *testing.T) {
	for _, kind := range []fault.Kind{fault.Forbidden, fault.Throttled, fault.Unavailable} {
		t.Run(kind.String(), func(t *testing.T) {
			h := sqlite(t)
			place := h.places.at("one")
			d := h.with(t, "one", strategy(models.RemoteWins))
			s := h.put(t, "a", "ours")
			h.work(t, d)
			place.Edit("production/a", []byte("theirs"))
			var reads atomic.Int64
			h.Service.Open = func(context.Context, models.Destination, models.DestinationCredentials) (keepersync.Driver, error) {
				return failingFetch{inMemoryDriver(place), func() error {
					if reads.Add(1) == 2 {
						return fault.New(kind, "It could not be read.")
					}
					return nil
				}}, nil
			}
			h.restartDrivers(t, d)
			u := &unsure{house: h, at: inMemory{place}, dest: d, secrets: map[models.SecretID]string{s.ID: "production/a"}}
			if run := u.pass(t, h, nothing); run.Counts.Unknown != 1 || reads.Load() < 2 {
				t.Errorf("run %+v after %d reads", run, reads.Load())
			}
			if value, number := h.value(t, s); value != "ours" || number != 1 {
				t.Errorf("Keeper has %q as version %d", value, number)
			}
			if spent := u.spent(t); len(spent) > 0 {
				t.Errorf("the brake counts %v", spent)
			}
			u.late = time.Hour
			h.Now = func() time.Time { return time.Now().Add(u.late) }
			if run := u.pass(t, h, nothing); run.Counts.Taken != 1 {
				t.Errorf("once it is over: %+v", run)
			}
		})
	}
}

func inMemoryDriver(p *memory.Place) keepersync.Driver {
	return memory.New(memory.Options{Place: p, Prefix: "production/"})
}

// failingFetch is a driver whose reads of values may fail.
type failingFetch struct {
	keepersync.Driver
	fail func() error
}

func (f failingFetch) Fetch(ctx context.Context, names []string) map[string]keepersync.Fetched {
	answers := f.Driver.Fetch(ctx, names)
	if err := f.fail(); err != nil {
		for _, name := range names {
			answers[name] = keepersync.Fetched{Err: err}
		}
	}
	return answers
}

// restartDrivers has the next pass open its driver anew.
func (h *house) restartDrivers(t *testing.T, d models.Destination) {
	t.Helper()
	if _, err := h.Update(t.Context(), admin, d.ID, destinations.Change{Credentials: &models.DestinationCredentials{}, SkipCheck: true}, 0); err != nil {
		t.Fatal(err)
	}
}

// mute is a database that loses answers while a test has it do so.
type mute struct {
	lose atomic.Pointer[func(string) bool]
}

func (m *mute) house(t *testing.T) *house {
	t.Helper()
	options := storetest.Options(t, store.SQLite)
	options.Lose = func(text string) bool {
		lose := m.lose.Load()
		return lose != nil && (*lose)(text)
	}
	return newHouse(t, storetest.OpenWith(t, options))
}

// TestAbsenceInTheDatabase has each read of the ledger go without an answer.
func TestAbsenceInTheDatabase(t *testing.T) {
	for name, c := range map[string]struct {
		shape  models.Shape
		parts  []string // of the statement, without its quotes of names
		passes int      // such statements that get their answer
		may    []string
		apart  bool
	}{
		"Destination":      {parts: []string{"destinations"}},
		"LostLately":       {parts: []string{"sync_results", "in_all"}},
		"Forecast":         {parts: []string{"AS creates"}},
		"Count":            {parts: []string{"SELECT count(*)", "secrets s"}},
		"Entries":          {parts: []string{"held_version"}},
		"EntriesAgain":     {parts: []string{"held_version"}, passes: 1},
		"Version":          {parts: []string{"FROM secret_versions", "number = "}, may: deleted},
		"Deletions":        {parts: []string{"sync_deletions"}, may: append(slices.Clone(lost), due...), apart: true},
		"IsBack":           {parts: []string{"FROM secrets ", "id = "}, may: append(slices.Clone(lost), due...), apart: true},
		"GroupMembers":     {shape: models.ShapeFolder, parts: []string{"st.group_id"}},
		"Groups":           {shape: models.ShapeFolder, parts: []string{"FROM sync_groups", "ORDER BY id"}},
		"GroupHolds":       {shape: models.ShapeFolder, parts: []string{"sync_group_holds"}},
		"VersionsOfGroups": {shape: models.ShapeFolder, parts: []string{"secret_versions", "IN ("}},
	} {
		t.Run(name, func(t *testing.T) {
			var m mute
			u := shapedUnsure(t, m.house(t), c.shape)
			var hits atomic.Int64
			r := reading{may: c.may, unknown: lost, apart: c.apart, fails: func(*testing.T) (func(), func() bool) {
				m.lose.Store(new(func(text string) bool {
					text = strings.ReplaceAll(text, "`", "")
					for _, part := range c.parts {
						if !strings.Contains(text, part) {
							return false
						}
					}
					return hits.Add(1) > int64(c.passes)
				}))
				return func() { m.lose.Store(nil) }, func() bool { return hits.Load() > int64(c.passes) }
			}}
			u.withstands(t, u.house, r)
		})
	}
}

// TestReadAheadLost: what is not read ahead is read one by one.
func TestReadAheadLost(t *testing.T) {
	var m mute
	var hits atomic.Int64
	u := shapedUnsure(t, m.house(t), models.ShapeValue)
	m.lose.Store(new(func(text string) bool {
		return strings.Contains(text, "FROM `secret_versions`") && strings.Contains(text, "IN (") && hits.Add(1) > 0
	}))
	u.converges(t)
	if hits.Load() == 0 {
		t.Error("nothing was read ahead")
	}
}

// TestAbsenceAnywhereInTheDatabase loses the answer to each read of a pass in turn, and all after
// it. What was read before may be acted on; the rest is as it was.
func TestAbsenceAnywhereInTheDatabase(t *testing.T) {
	for _, shape := range []models.Shape{models.ShapeValue, models.ShapeFolder} {
		t.Run(string(shape), func(t *testing.T) {
			anywhere(t, func(n int64) int64 {
				var m mute
				u := shapedUnsure(t, m.house(t), shape)
				before, kept := u.looks(t), u.kept(t)
				if _, err := u.Trigger(t.Context(), admin, u.dest.ID); err != nil {
					t.Fatal(err)
				}
				var reads atomic.Int64
				m.lose.Store(new(func(string) bool { return reads.Add(1) >= n }))
				_, _ = u.Work(t.Context(), models.Job{Key: string(u.dest.ID)})
				m.lose.Store(nil)
				for name, was := range before {
					if is := u.at.look(t, name); is != was && u.at.value(t, name) != u.names[name] {
						t.Errorf("read %d failed: %s is %s, was %s", n, name, is, was)
					}
					if is := u.at.look(t, name); is != was && (strings.HasSuffix(name, "top") || strings.HasSuffix(name, "same")) {
						t.Errorf("read %d failed: %s was touched", n, name)
					}
				}
				if diff := cmp.Diff(kept, u.kept(t)); diff != "" {
					t.Errorf("read %d failed: Keeper's secrets: %s", n, diff)
				}
				u.converges(t)
				return reads.Load()
			})
		})
	}
}
