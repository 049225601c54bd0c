package web_test

import (
	"bytes"
	"context"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/alexedwards/argon2id"

	"github.com/your-org/keeper/alerts"
	"github.com/your-org/keeper/audit"
	"github.com/your-org/keeper/auth"
	"github.com/your-org/keeper/destinations"
	"github.com/your-org/keeper/fault"
	"github.com/your-org/keeper/figures"
	"github.com/your-org/keeper/idempotency"
	"github.com/your-org/keeper/jobs"
	"github.com/your-org/keeper/keys"
	"github.com/your-org/keeper/kms"
	"github.com/your-org/keeper/kms/drivertest"
	"github.com/your-org/keeper/kms/recovery"
	"github.com/your-org/keeper/models"
	"github.com/your-org/keeper/secrets"
	"github.com/your-org/keeper/store"
	"github.com/your-org/keeper/store/storetest"
	keepersync "github.com/your-org/keeper/sync"
	"github.com/your-org/keeper/sync/memory"
	"github.com/your-org/keeper/telemetry"
	"github.com/your-org/keeper/web"
	"github.com/your-org/keeper/web/rest"
)

// canary is in every value that these tests write; only a reveal may answer with it.
const canary = "canary-51c0ffee"

// password is every user's here.
const password = "correct horse battery"

var passwordHash = sync.OnceValue(func() string {
	hash, err := argon2id.CreateHash(password, &argon2id.Params{Memory: 1024, Iterations: 1, Parallelism: 1, SaltLength: 16, KeyLength: 32})
	if err != nil {
		panic(err)
	}
	return hash
})

// house is Keeper's pages over the real services on a real store, with destinations in
// memory and the jobs at work.
type house struct {
	t       testing.TB
	url     string
	handler http.Handler
	store   *store.Store
	auth    *auth.Service
	secrets *secrets.Service
	dests   *destinations.Service
	keys    *keys.Service
	alerts  *alerts.Service
	figures *figures.Service
	key     *drivertest.Fake
	place   *memory.Place
	feed    *feed
	log     *logBuffer
	sick    atomic.Bool // the health that the web is told of
}

type houseOptions struct {
	publicURL    string
	trusted      string
	hosts        []string
	metricsToken string
	strangers    int
}

func newHouse(t testing.TB) *house { return newHouseWith(t, houseOptions{}) }

func newHouseWith(t testing.TB, o houseOptions) *house {
	t.Helper()
	h := &house{t: t, store: storetest.SQLite(t), place: memory.NewPlace(), feed: &feed{}, log: &logBuffer{}}
	h.key = drivertest.NewFake(models.RecipientKMS, "k", "k2")
	backends := []kms.Wrapper{h.key, recovery.New()}
	envelope, err := kms.NewEnvelope(keys.NewRows(h.store), h.key, kms.Options{Others: backends[1:]})
	must(t, err)
	t.Cleanup(envelope.Close)
	h.auth, err = auth.New(auth.Deps{Store: h.store, Now: time.Now, Secret: []byte("a secret for tests")})
	must(t, err)
	log := slog.New(slog.NewJSONHandler(h.log, &slog.HandlerOptions{Level: slog.LevelDebug}))
	runner := jobs.New(h.store, jobs.Options{Log: log})
	wake := func() { runner.Wake(); h.feed.tell() }
	h.secrets = secrets.New(secrets.Deps{
		Store: h.store, Envelope: envelope, Now: time.Now, Log: log, DeleteGrace: 24 * time.Hour, Committed: wake,
		Changed: func(tx *store.Tx, s models.Secret) error { return h.dests.Changed(tx, s) },
	})
	h.dests = destinations.New(destinations.Deps{
		Store: h.store, Envelope: envelope, OpenVersion: h.secrets.OpenVersion, Take: h.secrets.Take, Secrets: h.secrets, Owner: "keeper_test", Interval: time.Minute,
		Alert:   func(tx *store.Tx, signals ...models.Signal) error { return h.alerts.Signal(tx, signals...) },
		Workers: 2, Now: time.Now, Log: log, Wake: wake, Ran: func(models.SyncRun) { h.feed.tell() }, Open: h.driver,
	})
	h.keys = keys.New(keys.Deps{
		Store: h.store, Envelope: envelope, Backends: backends, Rate: 1000, ScrubRate: 1000, Seal: bytes.Repeat([]byte{7}, 32),
		Now: time.Now, Log: log, Wake: wake,
	})
	h.alerts = alerts.New(alerts.Deps{Store: h.store, Envelope: envelope, Development: true, Now: time.Now, Log: log, Wake: wake})
	h.figures = figures.New(h.store, time.Now)
	runner.Handle(alerts.JobKind, h.alerts.Work)
	runner.Handle(destinations.JobKind, h.dests.Work)
	runner.Handle(keys.JobKind, h.keys.Work)
	h.work(runner)
	h.handler = h.newHandler(o, log)
	server := httptest.NewServer(h.handler)
	t.Cleanup(server.Close)
	t.Cleanup(h.feed.close) // before the server: it waits for its streams
	h.url = server.URL
	return h
}

func (h *house) newHandler(o houseOptions, log *slog.Logger) http.Handler {
	var trusted []netip.Prefix
	if o.trusted != "" {
		trusted = append(trusted, netip.MustParsePrefix(o.trusted))
	}
	origin := web.NewOrigin(trusted)
	api, err := rest.New(rest.Deps{
		Secrets: h.secrets, Destinations: h.dests, Keys: h.keys, Auth: h.auth, Audit: audit.NewLog(h.store, h.secrets.AuditAccess), Now: time.Now, Log: log, Origin: origin.Of("api"),
		Idempotency: idempotency.New(idempotency.Deps{Store: h.store, Auth: h.auth, Box: kms.NewBox(bytes.Repeat([]byte{5}, 32)), Now: time.Now}),
	})
	must(h.t, err)
	handler, err := web.New(web.Deps{
		Secrets: h.secrets, Destinations: h.dests, Keys: h.keys, Alerts: h.alerts, Figures: h.figures, Auth: h.auth, API: api, Audit: audit.NewLog(h.store, h.secrets.AuditAccess), Health: h.health,
		Metrics: telemetry.NewMetrics(), Subscribe: h.feed.subscribe, Origin: origin, PublicURL: o.publicURL, Version: "test",
		Hosts: web.NewHosts(o.publicURL, "", o.hosts), MetricsToken: o.metricsToken, StrangerRate: o.strangers,
		Now: time.Now, Log: log,
	})
	must(h.t, err)
	return handler
}

// work runs the jobs until the test ends.
func (h *house) work(runner *jobs.Runner) {
	ctx, stop := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- runner.Run(ctx) }()
	h.t.Cleanup(func() {
		stop()
		if err := <-done; err != nil && ctx.Err() == nil {
			h.t.Errorf("the jobs ended with %v", err)
		}
	})
}

func (h *house) driver(_ context.Context, d models.Destination, c models.DestinationCredentials) (keepersync.Driver, error) {
	if string(c.VaultToken.Reveal()) == "wrong" {
		return nil, fault.New(fault.Forbidden, "Vault refuses the token.").WithHint("Enter a current one.")
	}
	return memory.New(memory.Options{Place: h.place, Prefix: d.Config.Prefix}), nil
}

func (h *house) health(context.Context) telemetry.Health {
	backend := "local backend answers"
	if h.sick.Load() {
		backend = "the key hidden-name is away"
	}
	return telemetry.Health{Ready: !h.sick.Load(), Components: []telemetry.Component{
		{Name: "database", OK: !h.sick.Load(), Detail: "answers (sqlite)"},
		{Name: "encryption", OK: !h.sick.Load(), Detail: backend},
		{Name: "recipients of hidden-name", OK: true, Detail: "2 wrapped keys wait for a migration"},
		{Name: "destination hidden-name (dst_1)", OK: true, Detail: "last run succeeded"},
	}}
}

// user makes a user with roles in environments.
func (h *house) user(name string, role models.GlobalRole, roles map[models.EnvironmentID]models.EnvironmentRole) {
	h.t.Helper()
	u := models.User{
		ID: models.NewUserID(), Username: name, DisplayName: name, PasswordHash: passwordHash(), Role: role,
		CreatedAt: time.Now(), UpdatedAt: time.Now(),
	}
	must(h.t, h.store.Write(context.Background(), func(tx *store.Tx) error {
		if err := tx.CreateUser(&u); err != nil {
			return err
		}
		for e, r := range roles {
			if err := tx.SetMembership(models.Membership{UserID: u.ID, EnvironmentID: e, Role: r, CreatedAt: time.Now()}); err != nil {
				return err
			}
		}
		return nil
	}))
}

func (h *house) environment(name string) models.Environment {
	h.t.Helper()
	e, err := h.secrets.CreateEnvironment(context.Background(), models.System(), models.Environment{Name: name})
	must(h.t, err)
	return e
}

func (h *house) destination(e models.Environment, name string) models.Destination {
	h.t.Helper()
	return h.destinationWith(e, name, models.DestinationConfig{})
}

func (h *house) destinationWith(e models.Environment, name string, c models.DestinationConfig) models.Destination {
	h.t.Helper()
	d, err := h.dests.Create(context.Background(), models.System(), destinations.Draft{Environment: e.ID, Name: name, Kind: models.DestinationMemory, Config: c})
	must(h.t, err)
	return d
}

func (h *house) secret(e models.Environment, name string) models.Secret {
	h.t.Helper()
	s, err := h.secrets.Create(context.Background(), models.System(), secrets.NewSecret{
		Environment: e.ID, Name: name, Type: models.Text, Value: models.NewPlaintext([]byte(canary + " of " + name)),
		Tags: map[string]string{"team": "payments"}, Owner: "Payments",
	})
	must(h.t, err)
	return s
}

// inSync waits until every copy of a secret is.
func (h *house) inSync(id models.SecretID) {
	h.t.Helper()
	eventually(h.t, "the secret to be in sync", func() bool {
		states, err := h.dests.StatesOf(context.Background(), []models.SecretID{id})
		must(h.t, err)
		for _, s := range states[id] {
			if s.Status != models.StatusInSync {
				return false
			}
		}
		return len(states[id]) > 0
	})
}

func eventually(t testing.TB, what string, holds func() bool) {
	t.Helper()
	for end := time.Now().Add(20 * time.Second); time.Now().Before(end); time.Sleep(20 * time.Millisecond) {
		if holds() {
			return
		}
	}
	t.Fatalf("waited in vain for %s", what)
}

func must(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// feed is the composition root's, in small.
type feed struct {
	mu        sync.Mutex
	listeners []chan struct{}
	closed    bool
}

func (f *feed) subscribe() (<-chan struct{}, func()) {
	f.mu.Lock()
	defer f.mu.Unlock()
	c := make(chan struct{}, 1)
	if f.closed {
		close(c)
	} else {
		f.listeners = append(f.listeners, c)
	}
	return c, func() {}
}

func (f *feed) tell() {
	f.mu.Lock()
	defer f.mu.Unlock()
	for _, c := range f.listeners {
		select {
		case c <- struct{}{}:
		default:
		}
	}
}

func (f *feed) close() {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.closed {
		return
	}
	f.closed = true
	for _, c := range f.listeners {
		close(c)
	}
	f.listeners = nil
}

// logBuffer is a log that is written from several goroutines.
type logBuffer struct {
	mu   sync.Mutex
	text bytes.Buffer
}

func (b *logBuffer) Write(p []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.text.Write(p)
}

func (b *logBuffer) String() string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.text.String()
}
