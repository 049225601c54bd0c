package destinations_test

import (
	"context"
	"log/slog"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/your-org/keeper/destinations"
	"github.com/your-org/keeper/fault"
	"github.com/your-org/keeper/jobs"
	"github.com/your-org/keeper/keys"
	"github.com/your-org/keeper/kms"
	"github.com/your-org/keeper/kms/drivertest"
	"github.com/your-org/keeper/models"
	"github.com/your-org/keeper/secrets"
	"github.com/your-org/keeper/store"
	"github.com/your-org/keeper/store/storetest"
	keepersync "github.com/your-org/keeper/sync"
	"github.com/your-org/keeper/sync/memory"
)

// patience is how long a test waits for what takes a moment.
const patience = 20 * time.Second

var admin = models.Actor{Kind: models.ActorUser, ID: "usr_admin", UserID: "usr_admin", Name: "ada", Role: models.RoleAdmin, Via: "test", ProvenAt: time.Now().AddDate(10, 0, 0)}

// places are what destinations of a test sync to, by the mount that their settings name.
type places struct {
	mu     sync.Mutex
	all    map[string]*memory.Place
	opened []models.DestinationCredentials
}

func (p *places) at(mount string) *memory.Place {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.all[mount] == nil {
		p.all[mount] = memory.NewPlace()
	}
	return p.all[mount]
}

func (p *places) open(_ context.Context, d models.Destination, c models.DestinationCredentials) (keepersync.Driver, error) {
	p.mu.Lock()
	p.opened = append(p.opened, c)
	p.mu.Unlock()
	return memory.New(memory.Options{Place: p.at(d.Config.Mount), Prefix: d.Config.Prefix}), nil
}

// house is one replica: the services on a real store, with a wrapping key in memory, and
// a runner where one was started.
type house struct {
	*destinations.Service
	secrets *secrets.Service
	store   *store.Store
	keys    *drivertest.Fake
	places  *places
	runner  *jobs.Runner
	env     models.Environment
}

// newHouse is a first replica with an environment.
func newHouse(t testing.TB, s *store.Store) *house {
	t.Helper()
	h := replica(t, s, drivertest.NewFake(models.RecipientLocal, "k"), &places{all: map[string]*memory.Place{}})
	e, err := h.secrets.CreateEnvironment(t.Context(), admin, models.Environment{Name: "production"})
	if err != nil {
		t.Fatal(err)
	}
	h.env = e
	return h
}

func replica(t testing.TB, s *store.Store, backend *drivertest.Fake, p *places) *house {
	t.Helper()
	h := &house{store: s, keys: backend, places: p}
	envelope, err := kms.NewEnvelope(keys.NewRows(s), backend, kms.Options{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(envelope.Close)
	wake := func() {
		if h.runner != nil {
			h.runner.Wake()
		}
	}
	silent := slog.New(slog.DiscardHandler)
	h.secrets = secrets.New(secrets.Deps{
		Store: s, Envelope: envelope, Now: time.Now, Log: silent, DeleteGrace: time.Hour, Committed: wake,
		Changed: func(tx *store.Tx, s models.Secret) error { return h.Changed(tx, s) },
	})
	h.Service = destinations.New(destinations.Deps{
		Store: s, Envelope: envelope, OpenVersion: h.secrets.OpenVersion, Take: h.secrets.Take, Secrets: h.secrets, Open: p.open, Owner: "keeper_test", Version: "1.2.3",
		Interval: time.Hour, Workers: 4, Now: time.Now, Log: silent, Wake: wake,
	})
	return h
}

// another is a second replica on the same database.
func (h *house) another(t *testing.T) *house {
	t.Helper()
	other := replica(t, h.store, h.keys, h.places)
	other.env = h.env
	return other
}

// start lets a runner work until the test ends, or stop is called.
func (h *house) start(t *testing.T) (stop func()) {
	t.Helper()
	ctx, cancel := context.WithCancel(context.Background())
	h.runner = jobs.New(h.store, jobs.Options{Poll: 50 * time.Millisecond, Lease: 2 * time.Second, Log: slog.New(slog.DiscardHandler)})
	h.runner.Handle(destinations.JobKind, h.Work)
	var running sync.WaitGroup
	running.Go(func() { _ = h.runner.Run(ctx) })
	stop = sync.OnceFunc(func() { cancel(); running.Wait() })
	t.Cleanup(stop)
	return stop
}

func (h *house) destination(t *testing.T, name string) models.Destination {
	t.Helper()
	d, err := h.Create(t.Context(), admin, h.draft(name))
	if err != nil {
		t.Fatal(err)
	}
	return d
}

func (h *house) draft(name string) destinations.Draft {
	return destinations.Draft{
		Environment: h.env.ID, Name: name, Kind: models.DestinationMemory, Config: models.DestinationConfig{Mount: name},
	}
}

func plain(s string) models.Plaintext { return models.NewPlaintext([]byte(s)) }

func (h *house) put(t *testing.T, name, value string) models.Secret {
	t.Helper()
	s, err := h.secrets.Create(t.Context(), admin, secrets.NewSecret{Environment: h.env.ID, Name: name, Type: models.Text, Value: plain(value)})
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func (h *house) update(t *testing.T, s models.Secret, value string) {
	t.Helper()
	v := plain(value)
	if _, err := h.secrets.Update(t.Context(), admin, s.ID, secrets.Change{Value: &v}, 0); err != nil {
		t.Fatal(err)
	}
}

// work runs the destination's job once, as a runner does, and fails the test where it fails.
func (h *house) work(t *testing.T, d models.Destination) *time.Time {
	t.Helper()
	next, err := h.Work(t.Context(), models.Job{Kind: destinations.JobKind, Key: string(d.ID)})
	if err != nil {
		t.Fatal(err)
	}
	return next
}

func (h *house) reload(t *testing.T, d models.Destination) models.Destination {
	t.Helper()
	d, _, err := h.Get(t.Context(), admin, d.ID)
	if err != nil {
		t.Fatal(err)
	}
	return d
}

// runs are a destination's, the newest first.
func (h *house) runs(t *testing.T, d models.Destination) []models.SyncRun {
	t.Helper()
	runs, _, err := h.Runs(t.Context(), admin, destinations.RunQuery{DestinationID: d.ID})
	if err != nil {
		t.Fatal(err)
	}
	return runs
}

func (h *house) state(t *testing.T, s models.Secret, d models.Destination) models.SyncState {
	t.Helper()
	states, err := h.StatesOf(t.Context(), []models.SecretID{s.ID})
	if err != nil {
		t.Fatal(err)
	}
	at := slices.IndexFunc(states[s.ID], func(st models.SyncState) bool { return st.DestinationID == d.ID })
	if at < 0 {
		t.Fatalf("%s has no state at %s", s.Name, d.Name)
	}
	return states[s.ID][at]
}

func (h *house) actions(t *testing.T) []string {
	t.Helper()
	var actions []string
	err := h.store.Read(t.Context(), func(tx *store.Tx) error {
		entries, _, err := tx.Audit(store.AuditQuery{Everything: true})
		for _, e := range entries {
			actions = append(actions, e.Action+" "+string(e.Outcome))
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return actions
}

// holds reports whether a place has a live value under a name.
func holds(p *memory.Place, name, value string) bool {
	got, ok := p.Get(name)
	return ok && !got.Remote.Deleted && string(got.Value) == value
}

func eventually(t *testing.T, what string, is func() bool) {
	t.Helper()
	for end := time.Now().Add(patience); time.Now().Before(end); time.Sleep(20 * time.Millisecond) {
		if is() {
			return
		}
	}
	t.Fatalf("not within %v: %s", patience, what)
}

func wantFault(t *testing.T, err error, kind fault.Kind) {
	t.Helper()
	if !fault.Is(err, kind) {
		t.Errorf("error %v, want kind %v", err, kind)
	}
}

func sqlite(t *testing.T) *house {
	t.Helper()
	return newHouse(t, storetest.SQLite(t))
}
