package destinations_test

import (
	"bytes"
	"context"
	"fmt"
	"log/slog"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/your-org/keeper/destinations"
	"github.com/your-org/keeper/models"
	"github.com/your-org/keeper/store"
	"github.com/your-org/keeper/store/storetest"
	keepersync "github.com/your-org/keeper/sync"
	"github.com/your-org/keeper/sync/memory"
)

// granted is how many new names a second the account takes that all replicas of a test work in.
const granted = 10

// metered is a place in that account that keeps when names were made by one replica.
type metered struct {
	*memory.Driver
	meter *meter
}

func (metered) Quota() keepersync.Quota {
	return keepersync.Quota{Scope: "aws/1/eu", Rates: map[keepersync.Family]float64{keepersync.FamilyCreate: granted}}
}

func (m metered) Put(ctx context.Context, w keepersync.Write) (keepersync.Remote, error) {
	m.meter.note()
	return m.Driver.Put(ctx, w)
}

type meter struct {
	begun time.Time
	mu    sync.Mutex
	at    []time.Duration
}

func (m *meter) note() {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.at = append(m.at, time.Since(m.begun))
}

// callsIn counts the calls of meters from one time after their beginning to another.
func callsIn(from, to time.Duration, meters ...*meter) (n int) {
	for _, m := range meters {
		m.mu.Lock()
		for _, at := range m.at {
			if at >= from && at < to {
				n++
			}
		}
		m.mu.Unlock()
	}
	return n
}

// sharer is one replica as far as it shares quotas: a limiter and a connection of its own to
// the database.
type sharer struct {
	*meter
	store   *store.Store
	limiter *keepersync.Limiter
	said    *bytes.Buffer
	stop    func() // in order
}

// account are replicas on one database that work in one account. It is of a test's bubble.
type account struct {
	path  string
	share float64
	begun time.Time
}

func (a *account) join(t *testing.T) *sharer {
	t.Helper()
	s := &sharer{meter: &meter{begun: a.begun}, limiter: keepersync.NewLimiter(a.share), said: &bytes.Buffer{}}
	s.store = storetest.OpenWith(t, store.Options{Dialect: store.SQLite, Path: a.path, Log: slog.New(slog.DiscardHandler)})
	quotas := destinations.NewQuotas(s.store, s.limiter, time.Now, slog.New(slog.NewTextHandler(s.said, nil)))
	ctx, cancel := context.WithCancel(context.Background())
	var running sync.WaitGroup
	running.Go(func() { quotas.Run(ctx) })
	s.stop = sync.OnceFunc(func() { cancel(); running.Wait() })
	t.Cleanup(s.stop)
	return s
}

// kill ends the replica as a power cut would: it can say nothing more.
func (s *sharer) kill(t *testing.T) {
	t.Helper()
	if err := s.store.Close(); err != nil {
		t.Error(err)
	}
	s.stop()
}

func (s *sharer) driver(place *memory.Place, prefix string) keepersync.Driver {
	return keepersync.Retry(keepersync.Limit(metered{memory.New(memory.Options{Place: place, Prefix: prefix}), s.meter}, s.limiter))
}

// work makes names without a pause until it is told to rest.
func (s *sharer) work(t *testing.T) (rest func()) {
	t.Helper()
	ctx, cancel := context.WithCancel(context.Background())
	driver := s.driver(memory.NewPlace(), "")
	var making sync.WaitGroup
	making.Go(func() {
		for i := 0; ; i++ {
			_, err := driver.Put(ctx, keepersync.Write{Name: fmt.Sprint(i), Value: plain("v"), Mark: keepersync.Mark{Owner: "k"}})
			if ctx.Err() != nil {
				return
			}
			if err != nil {
				t.Error(err)
				return
			}
		}
	})
	rest = sync.OnceFunc(func() { cancel(); making.Wait() })
	t.Cleanup(rest)
	return rest
}

// atRate holds that calls were made at a rate, in calls per second, from one second on until
// another: two more or fewer are bursts and what was under way.
func atRate(t *testing.T, what string, from, to int, rate float64, meters ...*meter) {
	t.Helper()
	got := callsIn(time.Duration(from)*time.Second, time.Duration(to)*time.Second, meters...)
	if want := rate * float64(to-from); float64(got) < want-2 || float64(got) > want+2 {
		t.Errorf("%s: %d calls from %d s to %d s, want about %v", what, got, from, to, want)
	}
}

func TestQuotas(t *testing.T) {
	for name, test := range map[string]func(*testing.T, *account){
		"Alone": testAlone, "Unused": testUnused, "ComeAndGo": testComeAndGo, "Stop": testStop, "AnErrorIsNeverAlone": testDatabaseAway,
		"Killed": testKilledReplica, "ComesBack": testComesBack,
	} {
		t.Run(name, func(t *testing.T) {
			path := filepath.Join(t.TempDir(), "keeper.db")
			synctest.Test(t, func(t *testing.T) { test(t, &account{path: path, share: 1, begun: time.Now()}) })
		})
	}
}

func sleepUntil(m *meter, second int) {
	time.Sleep(time.Until(m.begun.Add(time.Duration(second) * time.Second)))
}

func testAlone(t *testing.T, a *account) {
	one := a.join(t)
	one.work(t)
	sleepUntil(one.meter, 60)
	atRate(t, "alone", 0, 60, granted, one.meter)
}

// testUnused: a database that nobody may ask is closed.
func testUnused(t *testing.T, a *account) {
	one := a.join(t)
	rest := one.work(t)
	sleepUntil(one.meter, 10)
	rest()
	sleepUntil(one.meter, 30) // what it said is taken back
	if err := one.store.Close(); err != nil {
		t.Fatal(err)
	}
	sleepUntil(one.meter, 600)
	one.stop()
	if one.said.Len() > 0 {
		t.Errorf("it asked the database: %s", one.said)
	}
}

func testComeAndGo(t *testing.T, a *account) {
	one, two, three := a.join(t), a.join(t), a.join(t)
	one.work(t)
	sleepUntil(one.meter, 20)
	restTwo := two.work(t)
	sleepUntil(one.meter, 40)
	restThree := three.work(t)
	sleepUntil(one.meter, 60)
	restThree()
	sleepUntil(one.meter, 80)
	restTwo()
	sleepUntil(one.meter, 100)
	atRate(t, "alone", 0, 20, granted, one.meter)
	for who, m := range []*meter{one.meter, two.meter} {
		atRate(t, fmt.Sprintf("%d of two", who+1), 23, 40, granted/2., m)
		atRate(t, fmt.Sprintf("%d of two again", who+1), 67, 80, granted/2., m)
	}
	for who, m := range []*meter{one.meter, two.meter, three.meter} {
		atRate(t, fmt.Sprintf("%d of three", who+1), 43, 60, granted/3., m)
	}
	atRate(t, "alone again", 87, 100, granted, one.meter)
	// Who comes begins small, until the others have seen it.
	for _, at := range []int{20, 40} {
		second := time.Duration(at) * time.Second
		if n := callsIn(second, second+2*time.Second, one.meter, two.meter, three.meter); n > 2*granted*5/4+1 {
			t.Errorf("%d calls in the two seconds after one came", n)
		}
	}
}

func testStop(t *testing.T, a *account) {
	one, two := a.join(t), a.join(t)
	one.work(t)
	rest := two.work(t)
	sleepUntil(one.meter, 20)
	rest()
	two.stop()
	sleepUntil(one.meter, 40)
	atRate(t, "of two", 3, 20, granted/2., one.meter)
	atRate(t, "after the other stopped", 21, 40, granted, one.meter)
}

// testDatabaseAway: one that does not reach the database keeps its half, though nobody else
// is there any more, and tells once.
func testDatabaseAway(t *testing.T, a *account) {
	one, two := a.join(t), a.join(t)
	one.work(t)
	two.work(t)
	sleepUntil(one.meter, 22) // between two renewals, so that the first that fails is a look
	if err := one.store.Close(); err != nil {
		t.Fatal(err)
	}
	two.kill(t)
	sleepUntil(one.meter, 120)
	atRate(t, "of two", 3, 22, granted/2., one.meter)
	atRate(t, "without the database", 22, 120, granted/2., one.meter)
	one.stop()
	if n := strings.Count(one.said.String(), "level=WARN"); n != 1 {
		t.Errorf("it warned %d times:\n%s", n, one.said)
	}
	late := a.join(t) // and one that never reached it does not begin with the whole
	if err := late.store.Close(); err != nil {
		t.Fatal(err)
	}
	late.work(t)
	sleepUntil(one.meter, 160)
	atRate(t, "that knows of nobody", 121, 160, granted/8., late.meter)
}

// testKilledReplica: one that is killed is counted until its lease has run out, and one that
// comes in its place is counted.
func testKilledReplica(t *testing.T, a *account) {
	one, two := a.join(t), a.join(t)
	one.work(t)
	rest := two.work(t)
	sleepUntil(one.meter, 21)
	rest()
	two.kill(t)
	sleepUntil(one.meter, 60)
	three := a.join(t)
	three.work(t)
	sleepUntil(one.meter, 80)
	atRate(t, "until the lease has run out", 21, 35, granted/2., one.meter)
	atRate(t, "after it has", 37, 60, granted, one.meter)
	atRate(t, "beside another", 63, 80, granted/2., one.meter)
	atRate(t, "as the other", 63, 80, granted/2., three.meter)
}

// testComesBack: one that had the whole begins as small as any other when it comes back.
func testComesBack(t *testing.T, a *account) {
	one, two := a.join(t), a.join(t)
	rest := one.work(t)
	sleepUntil(one.meter, 20)
	rest()
	sleepUntil(one.meter, 30)
	two.work(t)
	sleepUntil(one.meter, 40)
	time.Sleep(time.Millisecond) // just after it has looked
	one.work(t)
	sleepUntil(one.meter, 60)
	atRate(t, "alone", 0, 20, granted, one.meter)
	atRate(t, "alone in its turn", 31, 40, granted, two.meter)
	if n := callsIn(40*time.Second, 42*time.Second, one.meter); n > 2*granted/8+2 {
		t.Errorf("who came back made %d calls in two seconds", n)
	}
	atRate(t, "of two", 43, 60, granted/2., one.meter)
	atRate(t, "of two", 43, 60, granted/2., two.meter)
}

// TestQuotasOfPasses has two replicas sync one account's two destinations, and one of them
// killed: together they stay under the share, and who is left comes to all of it.
func TestQuotasOfPasses(t *testing.T) {
	path := filepath.Join(t.TempDir(), "keeper.db")
	synctest.Test(t, func(t *testing.T) {
		const share, secrets = 0.8, 300
		a := &account{path: path, share: share}
		one, two := a.join(t), a.join(t)
		first := newHouse(t, one.store)
		second := replica(t, two.store, first.keys, first.places)
		for h, s := range map[*house]*sharer{first: one, second: two} {
			h.Open = func(_ context.Context, d models.Destination, _ models.DestinationCredentials) (keepersync.Driver, error) {
				return s.driver(h.places.at(d.Config.Mount), d.Config.Prefix), nil
			}
		}
		ours, theirs := first.destination(t, "ours"), first.destination(t, "theirs")
		for i := range secrets {
			first.put(t, fmt.Sprint("s", i), "v")
		}
		one.begun, two.begun = time.Now(), time.Now()
		var passes sync.WaitGroup
		pass := func(ctx context.Context, h *house, d models.Destination) {
			passes.Go(func() {
				if _, err := h.Work(ctx, models.Job{Kind: destinations.JobKind, Key: string(d.ID)}); err != nil && ctx.Err() == nil {
					t.Error(err)
				}
			})
		}
		pass(t.Context(), first, ours)
		sleepUntil(one.meter, 10)
		ctx, cancel := context.WithCancel(t.Context())
		defer cancel()
		pass(ctx, second, theirs)
		sleepUntil(one.meter, 30)
		if err := two.store.Close(); err != nil {
			t.Error(err)
		}
		cancel()
		two.stop()
		passes.Wait()

		atRate(t, "alone", 0, 10, granted*share, one.meter)
		atRate(t, "one of two", 13, 30, granted*share/2, one.meter)
		atRate(t, "the other", 13, 30, granted*share/2, two.meter)
		atRate(t, "until the lease has run out", 30, 40, granted*share/2, one.meter)
		atRate(t, "alone again", 46, 52, granted*share, one.meter)
		if n := callsIn(0, time.Hour, one.meter); n != secrets {
			t.Errorf("the pass that went on made %d names, want %d", n, secrets)
		}
		for at := time.Duration(0); at < 60*time.Second; at += 100 * time.Millisecond {
			if n := callsIn(at, at+time.Second, one.meter, two.meter); n > granted {
				t.Fatalf("%d calls in the second after %v: %d are granted", n, at, granted)
			}
		}
	})
}
