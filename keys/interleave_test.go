package keys_test

import (
	"bytes"
	"context"
	"database/sql"
	"os"
	"path"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"github.com/your-org/keeper/fault"
	"github.com/your-org/keeper/keys"
	"github.com/your-org/keeper/kms"
	"github.com/your-org/keeper/kms/drivertest"
	"github.com/your-org/keeper/kms/recovery"
	"github.com/your-org/keeper/models"
	"github.com/your-org/keeper/store"
	"github.com/your-org/keeper/store/storetest"
)

// pointing is a fake whose default key is an alias that can be pointed elsewhere, and that may
// wrap under some keys and not open.
type pointing struct {
	*drivertest.Fake
	generated func() // called when a data key was made, before it is handed on

	mu    sync.Mutex
	to    string
	blind string
}

func (p *pointing) point(to string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.to = to
}

func (p *pointing) key(name string) string {
	p.mu.Lock()
	defer p.mu.Unlock()
	if name == "" {
		return p.to
	}
	return name
}

func (p *pointing) GenerateDataKey(ctx context.Context, key string, ec kms.Context) ([]byte, kms.Wrapped, error) {
	plain, wrapped, err := p.Fake.GenerateDataKey(ctx, p.key(key), ec)
	if p.generated != nil {
		p.generated()
	}
	return plain, wrapped, err
}

func (p *pointing) Describe(ctx context.Context, key string) (kms.KeyInfo, error) {
	return p.Fake.Describe(ctx, p.key(key))
}

func (p *pointing) Unwrap(ctx context.Context, wrapped kms.Wrapped, ec kms.Context) ([]byte, error) {
	if wrapped.RecipientID == p.blind {
		return nil, fault.New(fault.Unavailable, "kms:Decrypt is not allowed on %s.", wrapped.RecipientID)
	}
	return p.Fake.Unwrap(ctx, wrapped, ec)
}

// newPointing is a house whose backend is a pointing one.
func newPointing(t *testing.T, s setup) (*house, *pointing) {
	t.Helper()
	h := newHouse(t, s)
	p := &pointing{Fake: h.kms, to: "a/one"}
	h.backends[0] = p
	h.serve(t)
	h.write(t, 8)
	return h, p
}

func TestRewrapLetsNothingGoForAKeyThatDoesNotOpen(t *testing.T) {
	h, p := newPointing(t, setup{})
	p.blind = "a/two"
	if _, err := h.secrets.UpdateEnvironment(t.Context(), admin, h.env.ID, secretsKey("a/two"), 0); err != nil {
		t.Fatal(err)
	}
	if _, err := h.Work(t.Context(), models.Job{Kind: keys.WatchJobKind, Key: "all"}); err != nil {
		t.Fatal(err)
	}
	runs, _, err := h.Runs(t.Context(), admin, keys.RunQuery{})
	if err != nil || len(runs) != 1 {
		t.Fatalf("%d runs began, %v", len(runs), err)
	}
	for range 3 {
		if _, err := h.step(t.Context(), runs[0].ID); !fault.Is(err, fault.Unavailable) {
			t.Errorf("the run went on: %v", err)
		}
	}
	if u := h.under(t); u["a/one"] != u[""] {
		t.Errorf("old wraps went: %v", u)
	}
	h.readAll(t)
	p.blind = ""
	h.finish(t, runs[0].ID)
	if u := h.under(t); u["a/one"] != 0 || u["a/two"] != u[""] {
		t.Errorf("what stands under what in the end: %v", u)
	}
}

func TestRewrapIsFollowedByNoDataKeyOfBefore(t *testing.T) {
	for _, dialect := range storetest.Dialects {
		t.Run(dialect, func(t *testing.T) {
			h, p := newPointing(t, setup{dialect: dialect})
			h.serve(t) // so that the next write makes a data key
			made, goOn := make(chan bool), make(chan bool)
			var once sync.Once
			p.generated = func() { once.Do(func() { close(made); <-goOn }) }
			wrote := make(chan error, 1)
			go func() { wrote <- h.writeOne(context.WithoutCancel(t.Context()), h.env, "late") }()
			<-made // under the key that the alias pointed to
			p.point("a/two")
			done := h.finish(t, h.start(t, keys.Order{Kind: models.KeyRewrap, Environment: h.env.ID}).ID)
			if !strings.Contains(done.Hint, "a/one any more; it may be disabled") {
				t.Errorf("the run says %q", done.Hint)
			}
			close(goOn)
			if err := <-wrote; err != nil && !fault.Is(err, fault.Unavailable) {
				t.Errorf("the write: %v", err)
			}
			h.envelope.Close() // waits for what is under way
			if u := h.under(t); u["a/one"] != 0 || u["a/two"] == 0 {
				t.Errorf("what stands under what: %v", u)
			}
		})
	}
}

func TestRewrapStoresNothingForRecipientsOfBefore(t *testing.T) {
	for _, dialect := range storetest.Dialects {
		t.Run(dialect, func(t *testing.T) {
			h := newHouse(t, setup{dialect: dialect})
			h.write(t, 8)
			p, err := h.AddRecipient(t.Context(), admin, models.Recipient{EnvironmentID: h.env.ID, Kind: models.RecipientKMS, Key: "b/three"})
			if err != nil {
				t.Fatal(err)
			}
			var once sync.Once
			var stored []int
			h.kms.BeforeKey(func(_ context.Context, op drivertest.Op, key string) {
				if op == drivertest.OpWrap && key == "b/three" {
					once.Do(func() {
						h.change(t, func(tx *store.Tx) error { return tx.RemoveRecipient(h.env.ID, models.RecipientKMS, key) })
					})
				}
				if op == drivertest.OpDescribe { // when the new recipients are looked up
					stored = append(stored, h.under(t)["b/three"])
				}
			})
			if done := h.finish(t, p.ID); done.Status != models.KeyRunSucceeded {
				t.Errorf("the run ended as %+v", done.KeyRun)
			}
			for _, n := range stored {
				if n > 0 {
					t.Errorf("%d data keys were wrapped for a recipient that was removed before", n)
				}
			}
			if len(stored) < 2 {
				t.Errorf("the recipients were looked up %d times", len(stored))
			}
		})
	}
}

func TestMigrationNoticesThatTheKeysChange(t *testing.T) {
	h := moved(t, setup{}, 60)
	var once sync.Once
	path := filepath.Join(t.TempDir(), "back")
	begun := make(chan error, 1)
	h.kms.BeforeKey(func(_ context.Context, op drivertest.Op, key string) {
		if op == drivertest.OpWrap && key == "a/one" && h.under(t)["a/one"] > 0 {
			once.Do(func() {
				begun <- h.store.Write(context.WithoutCancel(t.Context()), func(tx *store.Tx) error {
					e := h.env
					e.KMSKeyAlias = "a/two"
					return tx.UpdateEnvironment(&e, 0)
				})
			})
		}
	})
	if _, err := h.migrate(t.Context(), path); !fault.Is(err, fault.Conflict) {
		t.Errorf("the migration to the key of before: %v", err)
	}
	if err := <-begun; err != nil {
		t.Fatal(err)
	}
	h.kms.BeforeKey(nil)
	if _, err := h.migrate(t.Context(), path); err != nil {
		t.Fatal(err)
	}
	if u := h.under(t); u["a/two"] != u[""] || u["a/one"] != 0 || u["master/1"] != 0 {
		t.Errorf("what stands under what: %v", u)
	}
	h.readAll(t)
}

func TestMigrateLeavesOtherFilesAlone(t *testing.T) {
	h := moved(t, setup{}, 3)
	for name, text := range map[string]string{
		"a key without an end of line": "c2VjcmV0IG1hc3RlciBrZXkgd2l0aG91dCBuZXdsaW5l", "JSON": `{"entry":{"format":"other"`, "lines": "a\nb\n",
	} {
		t.Run(name, func(t *testing.T) {
			path := filepath.Join(t.TempDir(), "keeper.key")
			if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
				t.Fatal(err)
			}
			if _, err := h.migrate(t.Context(), path); !fault.Is(err, fault.Invalid) {
				t.Errorf("got %v", err)
			}
			if now, err := os.ReadFile(path); err != nil || string(now) != text {
				t.Errorf("the file holds %q now, %v", now, err)
			}
		})
	}
	t.Run("a torn first line", func(t *testing.T) {
		path := filepath.Join(t.TempDir(), "back")
		if err := os.WriteFile(path, []byte(`{"entry":{"for`), 0o600); err != nil {
			t.Fatal(err)
		}
		if _, err := h.migrate(t.Context(), path); err != nil {
			t.Error(err)
		}
	})
}

func TestRollbackProvesWhatWillStand(t *testing.T) {
	h := moved(t, setup{}, 6)
	path := filepath.Join(t.TempDir(), "back")
	if _, err := h.migrate(t.Context(), path); err != nil {
		t.Fatal(err)
	}
	rows := h.dataKeys(t)
	h.change(t, func(tx *store.Tx) error {
		broken := []models.WrappedKey{{RecipientKind: models.RecipientLocal, RecipientID: "master/1", Blob: []byte("broken")}}
		return tx.ReplaceWrapped(rows[0].Key.ID, broken, nil, nil)
	})
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	back, err := h.Rollback(t.Context(), admin, bytes.NewReader(text), nil)
	if err != nil || len(back.Refused) != 1 || !strings.Contains(back.Refused[0], string(rows[0].Key.ID)) {
		t.Errorf("got %+v, %v", back, err)
	}
	h.readAll(t)
}

func TestRecoverTellsThatHashesAreLost(t *testing.T) {
	h, identity := withRecovery(t)
	h.add(t, models.RecipientRecovery, identity.Recipient().String())
	db, err := sql.Open("sqlite", "file:"+h.path+"?_pragma=busy_timeout(10000)")
	if err != nil {
		t.Fatal(err)
	}
	id := kms.HashKeyID(h.env.ID)
	for _, statement := range []string{"DELETE FROM wrapped_keys WHERE data_key_id = ?", "DELETE FROM data_keys WHERE id = ?"} {
		if _, err := db.ExecContext(t.Context(), statement, string(id)); err != nil {
			t.Fatal(err)
		}
	}
	if err := db.Close(); err != nil {
		t.Fatal(err)
	}
	backend, err := recovery.WithIdentities(strings.NewReader(identity.String()))
	if err != nil {
		t.Fatal(err)
	}
	r, err := h.Recover(t.Context(), admin, keys.RecoverOptions{Backend: backend})
	if err != nil || len(r.Findings) != 1 || r.Findings[0].Object != string(id) || r.Findings[0].Kind != models.FindingDamaged {
		t.Errorf("got %+v, %v", r, err)
	}
}

// TestKeyNames: what cannot be a key's name, or could do harm where it is shown, is refused by
// its field on every way in, and an identity is never quoted.
func TestKeyNames(t *testing.T) {
	h, identity := withRecovery(t)
	secret := identity.String()
	for name, bad := range map[string]string{
		"an identity": secret, "in lower case": strings.ToLower(secret), "an escape": "alias/\x1b[2J", "a NUL": "a\x00b", "not ASCII": "schlüssel",
		"too long": strings.Repeat("a", 3000),
	} {
		t.Run(name, func(t *testing.T) {
			recipient := models.Recipient{EnvironmentID: h.env.ID, Kind: models.RecipientKMS, Key: bad}
			_, add := h.AddRecipient(t.Context(), admin, recipient)
			_, remove := h.RemoveRecipient(t.Context(), admin, h.env.ID, models.RecipientKMS, bad)
			_, from := h.Start(t.Context(), admin, keys.Order{Kind: models.KeyRewrap, Environment: h.env.ID, FromKey: bad})
			_, to := h.Start(t.Context(), admin, keys.Order{Kind: models.KeyRewrap, Environment: h.env.ID, ToKey: bad})
			for way, err := range map[string]error{"add/key": add, "remove/key": remove, "start/from_key": from, "start/to_key": to} {
				said := fault.Public(err)
				if said.Kind != fault.Invalid || len(said.Fields) != 1 || said.Fields[0].Name != path.Base(way) || strings.Contains(said.Error()+said.Hint, bad) {
					t.Errorf("%s: got %+v", way, said)
				}
			}
		})
	}
	for name, label := range map[string]string{"an escape": "safe\x1b]0;", "a NUL": "a\x00", "two lines": "a\nb", "no UTF-8": "\xff"} {
		r := models.Recipient{EnvironmentID: h.env.ID, Kind: models.RecipientKMS, Key: "b/three", Label: label}
		if _, err := h.AddRecipient(t.Context(), admin, r); len(fault.Public(err).Fields) != 1 || fault.Public(err).Fields[0].Name != "label" {
			t.Errorf("a label with %s: %v", name, err)
		}
	}
}
