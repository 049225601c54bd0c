package keys_test

import (
	"context"
	"fmt"
	"log/slog"
	"sync/atomic"
	"testing"
	"time"

	"github.com/your-org/keeper/keys"
	"github.com/your-org/keeper/kms"
	"github.com/your-org/keeper/kms/drivertest"
	"github.com/your-org/keeper/models"
	"github.com/your-org/keeper/secrets"
	"github.com/your-org/keeper/store"
	"github.com/your-org/keeper/store/storetest"
)

var (
	admin   = models.Actor{Kind: models.ActorUser, ID: "usr_admin", UserID: "usr_admin", Name: "ada", Role: models.RoleAdmin, Via: "test", ProvenAt: time.Now().AddDate(10, 0, 0)}
	auditor = models.Actor{Kind: models.ActorUser, ID: "usr_aud", UserID: "usr_aud", Name: "otto", Role: models.RoleAuditor, Via: "test"}
)

// clock goes on by itself and can be moved on.
type clock struct{ ahead atomic.Int64 }

func (c *clock) now() time.Time       { return time.Now().Add(time.Duration(c.ahead.Load())) }
func (c *clock) move(d time.Duration) { c.ahead.Add(int64(d)) }

// house is the services on a real store, with wrapping keys in memory.
type house struct {
	*keys.Service
	store    *store.Store
	path     string // of an SQLite database
	clock    *clock
	backends []kms.Wrapper
	kms      *drivertest.Fake
	envelope *kms.Envelope
	secrets  *secrets.Service
	env      models.Environment
	wrote    map[models.SecretID][]string // the values of each version
	uses     int64
}

// setup says what a house is made of. Zero fields have good values.
type setup struct {
	dialect string
	keys    []string // of KMS, the first being the default
	others  []kms.Wrapper
	uses    int64 // of a data key
}

func newHouse(t *testing.T, s setup) *house {
	t.Helper()
	h := &house{clock: &clock{}, wrote: map[models.SecretID][]string{}, uses: s.uses}
	if s.dialect == "" {
		s.dialect = store.SQLite
	}
	options := storetest.Options(t, s.dialect)
	options.Now = h.clock.now
	h.store, h.path = storetest.OpenWith(t, options), options.Path
	if s.keys == nil {
		s.keys = []string{"a/one", "a/two", "b/three"}
	}
	h.kms = drivertest.NewFake(models.RecipientKMS, s.keys...)
	h.backends = append([]kms.Wrapper{h.kms}, s.others...)
	if h.uses == 0 {
		h.uses = 4
	}
	h.serve(t)
	h.env = h.environment(t, "production")
	return h
}

// serve begins anew as another process would: with nothing in memory.
func (h *house) serve(t *testing.T) {
	t.Helper()
	var err error
	h.envelope, err = kms.NewEnvelope(keys.NewRows(h.store), h.backends[0], kms.Options{Others: h.backends[1:], MaxUses: h.uses, Now: h.clock.now})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(h.envelope.Close)
	silent := slog.New(slog.DiscardHandler)
	h.secrets = secrets.New(secrets.Deps{
		Store: h.store, Envelope: h.envelope, Now: h.clock.now, Log: silent, DeleteGrace: time.Hour,
		Changed: func(*store.Tx, models.Secret) error { return nil },
	})
	h.Service = keys.New(keys.Deps{
		Store: h.store, Envelope: h.envelope, Backends: h.envelope.Backends(), Rate: 100_000, ScrubRate: 100_000,
		ScrubInterval: 24 * time.Hour, Seal: []byte("a secret of the test's own, 32 bytes and more"), Now: h.clock.now, Log: silent,
	})
}

func (h *house) environment(t *testing.T, name string) models.Environment {
	t.Helper()
	e, err := h.secrets.CreateEnvironment(t.Context(), admin, models.Environment{Name: name})
	if err != nil {
		t.Fatal(err)
	}
	return e
}

// write makes secrets with one version each, in the house's environment.
func (h *house) write(t *testing.T, n int) {
	t.Helper()
	first := len(h.wrote)
	for i := range n {
		if err := h.writeOne(t.Context(), h.env, fmt.Sprintf("team/secret-%d", first+i)); err != nil {
			t.Fatal(err)
		}
	}
}

func (h *house) writeOne(ctx context.Context, e models.Environment, name string) error {
	value := "the value of " + name
	s, err := h.secrets.Create(ctx, admin, secrets.NewSecret{Environment: e.ID, Name: name, Type: models.Text, Value: models.NewPlaintext([]byte(value))})
	if err == nil {
		h.wrote[s.ID] = append(h.wrote[s.ID], value)
	}
	return err
}

// readAll holds every value against what was written, with nothing in memory.
func (h *house) readAll(t *testing.T) {
	t.Helper()
	h.serve(t)
	for id, values := range h.wrote {
		for i, want := range values {
			r, err := h.secrets.Reveal(t.Context(), admin, id, models.VersionNumber(i+1))
			if err != nil {
				t.Fatalf("secret %d, version %d: %v", id, i+1, err)
			}
			if got := string(r.Value.Reveal()); got != want {
				t.Fatalf("secret %d, version %d is another value than was written", id, i+1)
			}
		}
	}
}

func (h *house) start(t *testing.T, o keys.Order) keys.Progress {
	t.Helper()
	all, err := h.Start(t.Context(), admin, o)
	if err != nil {
		t.Fatal(err)
	}
	if len(all) != 1 {
		t.Fatalf("%d runs began, want one", len(all))
	}
	return all[0]
}

// step is one try of a run's job.
func (h *house) step(ctx context.Context, id models.KeyRunID) (*time.Time, error) {
	return h.Work(ctx, models.Job{Kind: keys.JobKind, Key: string(id)})
}

// finish works on a run to its end, waiting as the jobs would by moving the clock.
func (h *house) finish(t *testing.T, id models.KeyRunID) keys.Progress {
	t.Helper()
	for range 100 {
		next, err := h.step(t.Context(), id)
		if err != nil {
			t.Logf("a try of the run: %v", err)
		}
		p := h.progress(t, id)
		if p.Status.Ended() {
			return p
		}
		if next != nil {
			h.clock.move(next.Sub(h.clock.now()) + time.Millisecond)
		}
	}
	t.Fatalf("the run does not end: %+v", h.progress(t, id).KeyRun)
	return keys.Progress{}
}

func (h *house) progress(t *testing.T, id models.KeyRunID) keys.Progress {
	t.Helper()
	p, err := h.Run(t.Context(), admin, id)
	if err != nil {
		t.Fatal(err)
	}
	return p
}

func (h *house) findings(t *testing.T, id models.KeyRunID) []models.KeyFinding {
	t.Helper()
	all, err := h.Findings(t.Context(), admin, id, 0, 0)
	if err != nil {
		t.Fatal(err)
	}
	return all
}

// under counts the data keys that stand under each recipient, "" being all.
func (h *house) under(t *testing.T) map[string]int {
	t.Helper()
	counts := map[string]int{}
	for _, row := range h.dataKeys(t) {
		counts[""]++
		for _, w := range row.Wrapped {
			counts[w.RecipientID]++
		}
	}
	return counts
}

func (h *house) dataKeys(t *testing.T) (rows []store.DataKeyRow) {
	t.Helper()
	err := h.store.Read(t.Context(), func(tx *store.Tx) error {
		for after := models.DataKeyID(""); ; {
			page, err := tx.DataKeysPage(store.DataKeyQuery{}, after, 0)
			if err != nil || len(page) == 0 {
				return err
			}
			rows = append(rows, page...)
			after = page[len(page)-1].Key.ID
		}
	})
	if err != nil {
		t.Fatal(err)
	}
	return rows
}

func (h *house) change(t *testing.T, do func(tx *store.Tx) error) {
	t.Helper()
	if err := h.store.Write(t.Context(), do); err != nil {
		t.Fatal(err)
	}
}

func (h *house) actions(t *testing.T) map[string]int {
	t.Helper()
	actions := map[string]int{}
	err := h.store.Read(t.Context(), func(tx *store.Tx) error {
		entries, _, err := tx.Audit(store.AuditQuery{Everything: true})
		for _, e := range entries {
			actions[e.Action+" "+string(e.Outcome)+" "+e.Detail["step"]]++
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return actions
}

func secretsKey(name string) secrets.EnvironmentChange {
	return secrets.EnvironmentChange{KMSKeyAlias: &name}
}

// dies is a context that ends after so many calls of KMS, as a process does that is killed.
func (h *house) dies(t *testing.T, calls int) (context.Context, func()) {
	t.Helper()
	ctx, cancel := context.WithCancel(t.Context())
	var left atomic.Int64
	left.Store(int64(calls))
	h.kms.Before(func(context.Context, drivertest.Op) {
		if left.Add(-1) < 0 {
			cancel()
		}
	})
	return ctx, func() { cancel(); h.kms.Before(nil) }
}
