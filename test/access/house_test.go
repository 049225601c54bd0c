// Package access asks everything that Keeper answers, as everybody, and holds the answers to
// the tables of docs/access.md.
package access

import (
	"bytes"
	"context"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"os"
	"path/filepath"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/your-org/keeper/alerts"
	"github.com/your-org/keeper/audit"
	"github.com/your-org/keeper/auth"
	"github.com/your-org/keeper/client"
	"github.com/your-org/keeper/destinations"
	"github.com/your-org/keeper/figures"
	"github.com/your-org/keeper/idempotency"
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

// house is the pages and the API over the real services on a real store. No jobs run: what
// is asked changes what it says, and nothing later.
type house struct {
	t       *testing.T
	now     time.Time // at which all signing in and all proofs happen: nothing ends because a machine is slow
	handler http.Handler
	url     string // of the same handler on a real port, for commands
	store   *store.Store
	auth    *auth.Service
	secrets *secrets.Service
	dests   *destinations.Service
	told    *alerts.Service
	place   *memory.Place
	log     *lockedBuffer
	refusal atomic.Int64 // the last status that the API refused with, for commands
	asked   atomic.Int64 // how many requests came over the port
}

func newHouse(t *testing.T) (*house, *watch) {
	t.Helper()
	options := storetest.Options(t, store.SQLite)
	options.Path = filepath.Join(quickDir(t), "keeper.db")
	h := &house{t: t, now: time.Now(), store: storetest.OpenWith(t, options), place: memory.NewPlace(), log: &lockedBuffer{}}
	key := drivertest.NewFake(models.RecipientKMS, "k", "k2", "k3")
	backends := []kms.Wrapper{key, recovery.New()}
	envelope, err := kms.NewEnvelope(keys.NewRows(h.store), key, kms.Options{Others: backends[1:]})
	must(t, err)
	t.Cleanup(envelope.Close)
	h.auth, err = auth.New(auth.Deps{Store: h.store, Now: h.clock, Secret: bytes.Repeat([]byte{5}, 32), PublicURL: "http://localhost"})
	must(t, err)
	log, wake := slog.New(slog.NewTextHandler(h.log, &slog.HandlerOptions{Level: slog.LevelError})), func() {}
	h.secrets = secrets.New(secrets.Deps{
		Store: h.store, Envelope: envelope, Now: time.Now, Log: log, DeleteGrace: 24 * time.Hour, Committed: wake,
		Changed: func(tx *store.Tx, s models.Secret) error { return h.dests.Changed(tx, s) },
	})
	h.told = alerts.New(alerts.Deps{Store: h.store, Envelope: envelope, Development: true, Now: time.Now, Log: log, Wake: wake})
	h.dests = destinations.New(destinations.Deps{
		Version: "test", Alert: h.told.Signal, Store: h.store, Envelope: envelope, OpenVersion: h.secrets.OpenVersion, Take: h.secrets.Take,
		Secrets: h.secrets,
		Owner:   "keeper_test", Interval: time.Minute, Workers: 2, Now: time.Now, Log: log, Wake: wake, Ran: func(models.SyncRun) {},
		Open: func(_ context.Context, d models.Destination, _ models.DestinationCredentials) (keepersync.Driver, error) {
			return memory.New(memory.Options{Place: h.place, Prefix: d.Config.Prefix}), nil
		},
	})
	work := keys.New(keys.Deps{
		Store: h.store, Envelope: envelope, Backends: backends, Rate: 1000, ScrubRate: 1000, Seal: bytes.Repeat([]byte{7}, 32),
		Now: time.Now, Log: log, Wake: wake,
	})
	origin := web.NewOrigin([]netip.Prefix{})
	api, err := rest.New(rest.Deps{
		Secrets: h.secrets, Destinations: h.dests, Keys: work, Alerts: h.told, Auth: h.auth, Audit: audit.NewLog(h.store, h.secrets.AuditAccess), Now: time.Now, Log: log, Origin: origin.Of("api"),
		Idempotency: idempotency.New(idempotency.Deps{Store: h.store, Auth: h.auth, Box: kms.NewBox(bytes.Repeat([]byte{5}, 32)), Now: time.Now}),
	})
	must(t, err)
	h.handler, err = web.New(web.Deps{
		Secrets: h.secrets, Destinations: h.dests, Keys: work, Alerts: h.told, Figures: figures.New(h.store, h.clock), Auth: h.auth, API: api, Audit: audit.NewLog(h.store, h.secrets.AuditAccess),
		Health: func(context.Context) telemetry.Health { return telemetry.Health{Ready: true} }, Metrics: telemetry.NewMetrics(),
		Subscribe: func() (<-chan struct{}, func()) { return make(chan struct{}), func() {} },
		Origin:    origin, Hosts: web.NewHosts("", "", nil), StrangerRate: 1_000_000, Version: "test", Now: h.clock, Log: log,
	})
	must(t, err)
	server := httptest.NewServer(h.noting(h.handler))
	t.Cleanup(server.Close)
	h.url = server.URL
	return h, newWatch(t, options.Path)
}

func (h *house) clock() time.Time { return h.now }

// quickDir is in memory where the system has such a place: every caller changes the database,
// and nobody needs it after a crash.
func quickDir(t *testing.T) string {
	t.Helper()
	dir, err := os.MkdirTemp("/dev/shm", "keeper-access-")
	if err != nil {
		return t.TempDir()
	}
	t.Cleanup(func() { _ = os.RemoveAll(dir) })
	return dir
}

// noting keeps what requests over the port were refused with.
func (h *house) noting(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		h.asked.Add(1)
		next.ServeHTTP(&statusWriter{w, h}, r)
	})
}

type statusWriter struct {
	http.ResponseWriter
	h *house
}

func (w *statusWriter) WriteHeader(status int) {
	if status >= http.StatusBadRequest {
		w.h.refusal.Store(int64(status))
	}
	w.ResponseWriter.WriteHeader(status)
}

// client is the API as the holder of a token.
func (h *house) client(token string) *client.Client {
	h.t.Helper()
	c, err := client.New(h.url, token, client.WithTries(1))
	must(h.t, err)
	return c
}

// get asks for what the browser of somebody who is not signed in would.
func (h *house) get(path string, cookies ...*http.Cookie) *httptest.ResponseRecorder {
	r := httptest.NewRequest(http.MethodGet, path, nil)
	r.Host = "localhost"
	for _, c := range cookies {
		r.AddCookie(c)
	}
	answer := httptest.NewRecorder()
	h.handler.ServeHTTP(answer, r)
	return answer
}

func must(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// lockedBuffer is a log that is written from several goroutines.
type lockedBuffer struct {
	mu   sync.Mutex
	text bytes.Buffer
}

func (b *lockedBuffer) Write(p []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.text.Write(p)
}

func (b *lockedBuffer) String() string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.text.String()
}
