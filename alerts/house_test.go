package alerts_test

import (
	"cmp"
	"crypto/x509"
	"encoding/json"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/your-org/keeper/alerts"
	"github.com/your-org/keeper/fault"
	"github.com/your-org/keeper/keys"
	"github.com/your-org/keeper/kms"
	"github.com/your-org/keeper/kms/local"
	"github.com/your-org/keeper/models"
	"github.com/your-org/keeper/store"
	"github.com/your-org/keeper/store/storetest"
)

var (
	admin   = actor("ada", models.RoleAdmin, "")
	manager = actor("max", models.RoleUser, models.RoleManager)
	viewer  = actor("vera", models.RoleUser, models.RoleViewer)
	nobody  = actor("nora", models.RoleUser, "")
)

// masterKey wraps the tests' data keys, in each of their processes.
const masterKey = "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8="

// actor has a role in the first environment.
func actor(name string, role models.GlobalRole, in models.EnvironmentRole) models.Actor {
	a := models.Actor{Kind: models.ActorUser, ID: "usr_" + name, UserID: models.UserID("usr_" + name), Name: name, Role: role, Via: "test"}
	if in != "" {
		a.Roles = map[models.EnvironmentID]models.EnvironmentRole{1: in}
	}
	return a
}

// clock goes on by itself and can be moved on.
type clock struct{ ahead atomic.Int64 }

func (c *clock) now() time.Time       { return time.Now().Add(time.Duration(c.ahead.Load())) }
func (c *clock) move(d time.Duration) { c.ahead.Add(int64(d)) }

// setup says what a house is made of. Zero fields have good values.
type setup struct {
	dialect    string
	options    *store.Options
	production bool
	roots      *x509.CertPool
	mail       *alerts.Mail
	log        io.Writer
}

// house is the service on a real store with two environments.
type house struct {
	*alerts.Service
	store      *store.Store
	clock      *clock
	env, other models.Environment
}

func newHouse(t *testing.T, s setup) *house {
	t.Helper()
	h := &house{clock: &clock{}}
	if s.options == nil {
		s.options = new(storetest.Options(t, cmp.Or(s.dialect, store.SQLite)))
	}
	s.options.Now = h.clock.now
	h.store = storetest.OpenWith(t, *s.options)
	h.env, h.other = models.Environment{Name: "production"}, models.Environment{Name: "staging"}
	h.write(t, func(tx *store.Tx) error {
		if err := tx.CreateEnvironment(&h.env); err != nil {
			return err
		}
		return tx.CreateEnvironment(&h.other)
	})
	h.serve(t, s)
	return h
}

// serve begins anew, as another process would: with nothing in memory.
func (h *house) serve(t *testing.T, s setup) {
	t.Helper()
	wrapper, err := local.Parse(masterKey)
	if err != nil {
		t.Fatal(err)
	}
	envelope, err := kms.NewEnvelope(keys.NewRows(h.store), wrapper, kms.Options{Now: h.clock.now})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(envelope.Close)
	log := slog.New(slog.DiscardHandler)
	if s.log != nil {
		log = slog.New(slog.NewJSONHandler(s.log, nil))
	}
	h.Service = alerts.New(alerts.Deps{
		Store: h.store, Envelope: envelope, Mail: s.mail, Development: !s.production, PublicURL: "https://keeper.example.com", Roots: s.roots,
		Now: h.clock.now, Log: log, Wake: func() {},
	})
}

func (h *house) write(t *testing.T, do func(*store.Tx) error) {
	t.Helper()
	if err := h.store.Write(t.Context(), do); err != nil {
		t.Fatal(err)
	}
}

// channel makes a channel of the first environment and returns it with its signing key.
func (h *house) channel(t *testing.T, d alerts.Draft) (models.AlertChannel, models.Plaintext) {
	t.Helper()
	if d.Environment == 0 {
		d.Environment = h.env.ID
	}
	if d.Name == "" {
		d.Name = "ops"
	}
	c, key, err := h.CreateChannel(t.Context(), admin, d)
	if err != nil {
		t.Fatal(err)
	}
	return c, key
}

func (h *house) webhook(t *testing.T, r *receiver) models.AlertChannel {
	t.Helper()
	c, key := h.channel(t, alerts.Draft{Kind: models.ChannelWebhook, Address: r.URL + "/hook"})
	r.key = string(key.Reveal())
	return c
}

// drift is a condition of a destination in the first environment.
func (h *house) drift(holds bool) models.Signal {
	return models.Signal{
		EnvironmentID: h.env.ID, Kind: models.AlertDrift, Subject: "dst_1", SubjectName: "aws-main", Holds: holds,
		Summary: "Two copies were changed.", Hint: "Look.", Secrets: []string{"a", "b"}, Total: 2,
	}
}

func (h *house) signal(t *testing.T, signals ...models.Signal) {
	t.Helper()
	h.write(t, func(tx *store.Tx) error { return h.Signal(tx, signals...) })
}

// deliver runs a channel's job once, as a runner does.
func (h *house) deliver(t *testing.T, c models.AlertChannel) *time.Time {
	t.Helper()
	next, err := h.Work(t.Context(), models.Job{Kind: alerts.JobKind, Key: string(c.ID)})
	if err != nil {
		t.Fatal(err)
	}
	return next
}

func (h *house) notices(t *testing.T) []models.Notice {
	t.Helper()
	all, _, err := h.Alerts(t.Context(), admin, alerts.Query{})
	if err != nil {
		t.Fatal(err)
	}
	var notices []models.Notice
	for _, a := range all {
		more, err := h.Notices(t.Context(), admin, a.ID)
		if err != nil {
			t.Fatal(err)
		}
		notices = append(notices, more...)
	}
	return notices
}

// request is one that a receiver got.
type request struct {
	path   string
	header http.Header
	body   []byte
}

// data is what the tests look at of a webhook's body.
type data struct {
	Type string `json:"type"`
	Data struct {
		Kind, State, Environment, Subject, Summary, Link string
		Secrets                                          []string
		Total                                            int `json:"secrets_total"`
		Count                                            int
	}
}

func (r request) decode(t *testing.T) (d data) {
	t.Helper()
	if err := json.Unmarshal(r.body, &d); err != nil {
		t.Fatal(err)
	}
	return d
}

// receiver is a server that webhooks go to.
type receiver struct {
	*httptest.Server
	key    string // of the channel that leads here
	mu     sync.Mutex
	got    []request
	answer func(http.ResponseWriter, *http.Request) // nil: 204
}

func newReceiver(t *testing.T) *receiver {
	t.Helper()
	r := &receiver{}
	r.Server = httptest.NewServer(r)
	t.Cleanup(r.Close)
	return r
}

func (r *receiver) ServeHTTP(w http.ResponseWriter, q *http.Request) {
	body, _ := io.ReadAll(q.Body)
	r.mu.Lock()
	r.got = append(r.got, request{path: q.URL.Path, header: q.Header, body: body})
	answer := r.answer
	r.mu.Unlock()
	if answer == nil {
		w.WriteHeader(http.StatusNoContent)
		return
	}
	answer(w, q)
}

// takes sets how the receiver answers; a status alone.
func (r *receiver) answers(status int) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.answer = func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(status) }
}

func (r *receiver) requests() []request {
	r.mu.Lock()
	defer r.mu.Unlock()
	return append([]request(nil), r.got...)
}

// types are those of the messages that came, in their order.
func (r *receiver) types(t *testing.T) (all []string) {
	t.Helper()
	for _, one := range r.requests() {
		all = append(all, one.decode(t).Type)
	}
	return all
}

func wantFault(t *testing.T, err error, kind fault.Kind) {
	t.Helper()
	if !fault.Is(err, kind) {
		t.Errorf("error %v, want kind %v", err, kind)
	}
}
