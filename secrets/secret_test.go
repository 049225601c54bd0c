package secrets_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/your-org/keeper/fault"
	"github.com/your-org/keeper/keys"
	"github.com/your-org/keeper/kms"
	"github.com/your-org/keeper/kms/drivertest"
	"github.com/your-org/keeper/models"
	"github.com/your-org/keeper/secrets"
	"github.com/your-org/keeper/store"
	"github.com/your-org/keeper/store/storetest"
)

// house is the service on a real store, with a wrapping key in memory.
type house struct {
	*secrets.Service
	store   *store.Store
	keys    *drivertest.Fake
	admin   models.Actor
	env     models.Environment
	changed []models.SecretID
}

func newHouse(t *testing.T) *house {
	t.Helper()
	return houseOn(t, storetest.SQLite(t))
}

func houseOn(t *testing.T, s *store.Store) *house {
	t.Helper()
	h := &house{store: s, keys: drivertest.NewFake(models.RecipientLocal, "k")}
	envelope, err := kms.NewEnvelope(keys.NewRows(h.store), h.keys, kms.Options{CacheTTL: kms.NoCache})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(envelope.Close)
	h.Service = secrets.New(secrets.Deps{
		Store: h.store, Envelope: envelope, Now: time.Now, DeleteGrace: 24 * time.Hour,
		Changed: func(_ *store.Tx, s models.Secret) error { h.changed = append(h.changed, s.ID); return nil },
	})
	h.admin = models.Actor{Kind: models.ActorUser, ID: "usr_admin", UserID: "usr_admin", Name: "ada", Role: models.RoleAdmin, Via: "test", ProvenAt: time.Now().AddDate(10, 0, 0)}
	if h.env, err = h.CreateEnvironment(t.Context(), h.admin, models.Environment{Name: "production"}); err != nil {
		t.Fatal(err)
	}
	return h
}

func plain(s string) models.Plaintext { return models.NewPlaintext([]byte(s)) }

func (h *house) create(t *testing.T, name, value string) models.Secret {
	t.Helper()
	s, err := h.Create(t.Context(), h.admin, secrets.NewSecret{Environment: h.env.ID, Name: name, Type: models.Text, Value: plain(value)})
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func (h *house) reveal(t *testing.T, id models.SecretID, n models.VersionNumber) string {
	t.Helper()
	r, err := h.Reveal(t.Context(), h.admin, id, n)
	if err != nil {
		t.Fatal(err)
	}
	return string(r.Value.Reveal())
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

func TestCreateRevealUpdateRollback(t *testing.T) {
	h := newHouse(t)
	s := h.create(t, "payments/api-key", "one")
	if got := h.reveal(t, s.ID, 0); got != "one" {
		t.Errorf("value %q, want one", got)
	}
	two := plain("two")
	s, err := h.Update(t.Context(), h.admin, s.ID, secrets.Change{Value: &two, Comment: "rotated"}, s.Revision)
	if err != nil {
		t.Fatal(err)
	}
	if s.CurrentVersion != 2 || h.reveal(t, s.ID, 0) != "two" || h.reveal(t, s.ID, 1) != "one" {
		t.Errorf("after an update the current version is %d", s.CurrentVersion)
	}
	if s, err = h.Rollback(t.Context(), h.admin, s.ID, 1, "back", 0); err != nil {
		t.Fatal(err)
	}
	if s.CurrentVersion != 3 || h.reveal(t, s.ID, 0) != "one" {
		t.Errorf("after a rollback the current version is %d", s.CurrentVersion)
	}
	versions, err := h.Versions(t.Context(), h.admin, s.ID, 0, 10)
	if err != nil || len(versions) != 3 || versions[0].RolledFrom != 1 || versions[1].Comment != "rotated" {
		t.Errorf("versions %+v, %v", versions, err)
	}
	want := []string{
		"secret.reveal allowed", "secret.rollback allowed", "secret.reveal allowed", "secret.reveal allowed",
		"secret.update allowed", "secret.reveal allowed", "secret.create allowed", "environment.create allowed",
	}
	if diff := cmp.Diff(want, h.actions(t)); diff != "" {
		t.Errorf("audit (-want +got):\n%s", diff)
	}
	if diff := cmp.Diff([]models.SecretID{s.ID, s.ID, s.ID}, h.changed); diff != "" {
		t.Errorf("the sync heard of (-want +got):\n%s", diff)
	}
}

func TestUpdateWithTheSameValueMakesNoVersion(t *testing.T) {
	h := newHouse(t)
	s := h.create(t, "a", "same")
	again, description := plain("same"), "described"
	s, err := h.Update(t.Context(), h.admin, s.ID, secrets.Change{Value: &again, Description: &description}, 0)
	if err != nil || s.CurrentVersion != 1 || s.Description != "described" || s.Revision != 2 {
		t.Errorf("version %d, revision %d, %v; want version 1 at revision 2", s.CurrentVersion, s.Revision, err)
	}
	if len(h.changed) != 1 {
		t.Errorf("the sync was woken %d times, want once", len(h.changed))
	}
}

func TestUpdateStale(t *testing.T) {
	h := newHouse(t)
	s := h.create(t, "a", "one")
	two, three := plain("two"), plain("three")
	if _, err := h.Update(t.Context(), h.admin, s.ID, secrets.Change{Value: &two}, s.Revision); err != nil {
		t.Fatal(err)
	}
	_, err := h.Update(t.Context(), h.admin, s.ID, secrets.Change{Value: &three}, s.Revision)
	if !fault.Is(err, fault.Stale) || h.reveal(t, s.ID, 0) != "two" {
		t.Errorf("a stale update gives %v and the value %q", err, h.reveal(t, s.ID, 0))
	}
}

func TestConcurrentUpdatesLoseNothing(t *testing.T) {
	h := newHouse(t)
	h.Changed = nil
	s := h.create(t, "a", "start")
	const writers = 64
	var wg sync.WaitGroup
	errs := make([]error, writers)
	for i := range writers {
		wg.Go(func() {
			value := plain(fmt.Sprintf("value %d", i))
			_, errs[i] = h.Update(context.Background(), h.admin, s.ID, secrets.Change{Value: &value}, 0)
		})
	}
	wg.Wait()
	if err := errors.Join(errs...); err != nil {
		t.Fatal(err)
	}
	seen := map[string]bool{}
	for n := range models.VersionNumber(writers) {
		seen[h.reveal(t, s.ID, n+2)] = true
	}
	if len(seen) != writers {
		t.Errorf("%d different values were kept, want %d", len(seen), writers)
	}
}

func TestDeleteAndUndelete(t *testing.T) {
	h := newHouse(t)
	s := h.create(t, "a", "one")
	s, err := h.Delete(t.Context(), h.admin, s.ID, 0)
	if err != nil || !s.Deleted() || s.PurgeAfter == nil {
		t.Fatalf("deleted %v, %v", s, err)
	}
	if _, err := h.Reveal(t.Context(), h.admin, s.ID, 0); !fault.Is(err, fault.Conflict) {
		t.Errorf("a deleted secret's value: %v, want a conflict", err)
	}
	two := plain("two")
	if _, err := h.Update(t.Context(), h.admin, s.ID, secrets.Change{Value: &two}, 0); !fault.Is(err, fault.Conflict) {
		t.Errorf("an update of a deleted secret: %v, want a conflict", err)
	}
	_, err = h.Create(t.Context(), h.admin, secrets.NewSecret{Environment: h.env.ID, Name: "a", Type: models.Text, Value: plain("x")})
	if !fault.Is(err, fault.Conflict) || !strings.Contains(err.Error(), "undeleted") {
		t.Errorf("creating over a deleted secret: %v", err)
	}
	if s, err = h.Undelete(t.Context(), h.admin, s.ID); err != nil || s.Deleted() || h.reveal(t, s.ID, 0) != "one" {
		t.Errorf("undeleted %v, %v", s, err)
	}
}

func TestPurgeWaitsForTheGrace(t *testing.T) {
	h := newHouse(t)
	s := h.create(t, "a", "one")
	if _, err := h.Delete(t.Context(), h.admin, s.ID, 0); err != nil {
		t.Fatal(err)
	}
	if err := h.Purge(t.Context()); err != nil {
		t.Fatal(err)
	}
	if _, _, err := h.Get(t.Context(), h.admin, s.ID); err != nil {
		t.Fatalf("purged before its grace was over: %v", err)
	}
	h.Now = func() time.Time { return time.Now().Add(25 * time.Hour) }
	if err := h.Purge(t.Context()); err != nil {
		t.Fatal(err)
	}
	if _, _, err := h.Get(t.Context(), h.admin, s.ID); !fault.Is(err, fault.NotFound) {
		t.Errorf("after the grace: %v, want not found", err)
	}
}

func TestWhoMayNotSeesNothing(t *testing.T) {
	h := newHouse(t)
	s := h.create(t, "a", "one")
	stranger := models.Actor{Kind: models.ActorUser, ID: "usr_s", Name: "sam", Role: models.RoleUser}
	viewer := stranger
	viewer.Roles = map[models.EnvironmentID]models.EnvironmentRole{h.env.ID: models.RoleViewer}

	if _, err := h.Reveal(t.Context(), stranger, s.ID, 0); !fault.Is(err, fault.NotFound) {
		t.Errorf("a stranger's reveal: %v, want not found", err)
	}
	_, missing := h.Reveal(t.Context(), stranger, s.ID+100, 0)
	_, hidden := h.Reveal(t.Context(), stranger, s.ID, 0)
	if missing.Error() != hidden.Error() {
		t.Errorf("a hidden secret is told from a missing one: %q, %q", hidden, missing)
	}
	if page, err := h.List(t.Context(), stranger, secrets.Query{Environments: []models.EnvironmentID{h.env.ID}}); err != nil || len(page.Secrets) != 0 {
		t.Errorf("a stranger lists %d secrets, %v", len(page.Secrets), err)
	}
	if _, _, err := h.Get(t.Context(), viewer, s.ID); err != nil {
		t.Errorf("a viewer's look: %v", err)
	}
	if _, err := h.Reveal(t.Context(), viewer, s.ID, 0); !fault.Is(err, fault.Forbidden) {
		t.Errorf("a viewer's reveal: %v, want forbidden", err)
	}
	refused := 0
	for _, action := range h.actions(t) {
		if action == "secret.reveal refused" {
			refused++
		}
	}
	if refused != 3 {
		t.Errorf("%d refusals are on record, want 3", refused)
	}
}

func TestRevealIsRecordedOrRefused(t *testing.T) {
	h := newHouse(t)
	s := h.create(t, "a", "one")
	h.keys.CutOff()
	if _, err := h.Reveal(t.Context(), h.admin, s.ID, 0); !fault.Is(err, fault.Unavailable) {
		t.Errorf("with the key away: %v, want unavailable", err)
	}
	if got := h.actions(t)[0]; got != "secret.reveal failed" {
		t.Errorf("newest entry %q, want a failed reveal", got)
	}
}

func TestBadInputChangesNothing(t *testing.T) {
	h := newHouse(t)
	h.create(t, "taken", "one")
	before := len(h.actions(t))
	for name, n := range map[string]secrets.NewSecret{
		"unknown type":        {Name: "a", Type: "WHATEVER", Value: plain("x")},
		"bad name":            {Name: "a b", Type: models.Text, Value: plain("x")},
		"dots":                {Name: "a/../b", Type: models.Text, Value: plain("x")},
		"too long a name":     {Name: strings.Repeat("n", 513), Type: models.Text, Value: plain("x")},
		"empty":               {Name: "a", Type: models.Text, Value: plain("")},
		"too big":             {Name: "a", Type: models.Text, Value: plain(strings.Repeat("v", 65_537))},
		"JSON":                {Name: "a", Type: models.JSON, Value: plain(`{"canary": tru}`)},
		"YAML":                {Name: "a", Type: models.YAML, Value: plain("canary: [1, 2")},
		"certificate":         {Name: "a", Type: models.Certificate, Value: plain("canary")},
		"SSH key":             {Name: "a", Type: models.SSHKey, Value: plain("canary")},
		"password of 2 lines": {Name: "a", Type: models.Password, Value: plain("canary\nx")},
		"not text":            {Name: "a", Type: models.Text, Value: plain("\xff")},
		"name taken":          {Name: "taken", Type: models.Text, Value: plain("x")},
		"unknown environment": {Environment: 4711, Name: "a", Type: models.Text, Value: plain("x")},
	} {
		t.Run(name, func(t *testing.T) {
			if n.Environment == 0 {
				n.Environment = h.env.ID
			}
			_, err := h.Create(t.Context(), h.admin, n)
			if err == nil || fault.Is(err, fault.Internal) {
				t.Fatalf("error %v, want one that says what is wrong", err)
			}
			if strings.Contains(err.Error(), "canary") {
				t.Errorf("the error quotes the value: %v", err)
			}
		})
	}
	if after := len(h.actions(t)); after != before {
		t.Errorf("%d entries were written by refused input", after-before)
	}
}

func TestLargestValue(t *testing.T) {
	h := newHouse(t)
	value := strings.Repeat("v", models.MaxValueSize)
	if s := h.create(t, "big", value); h.reveal(t, s.ID, 0) != value {
		t.Error("the largest value does not come back")
	}
}

func TestNoValueInTheDatabase(t *testing.T) {
	h := newHouse(t)
	h.create(t, "a", "canary-3f9a-value")
	err := h.store.Read(t.Context(), func(tx *store.Tx) error {
		v, err := tx.Version(1, 1)
		if bytes.Contains(v.Ciphertext, []byte("canary")) || len(v.Hash) != 32 {
			t.Error("the version is not sealed or not hashed")
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
}
