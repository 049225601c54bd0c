package keystest

import (
	"encoding/json"
	"errors"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	awskmsapi "github.com/aws/aws-sdk-go-v2/service/kms"

	"github.com/your-org/keeper/api"
	"github.com/your-org/keeper/keys"
	"github.com/your-org/keeper/models"
	"github.com/your-org/keeper/store"
	"github.com/your-org/keeper/test/awsstandin/standin"
)

// The cache's life in these tests: KMS is away for longer than both together.
const (
	cacheTTL   = 1 * time.Second
	cacheGrace = 4 * time.Second
)

func shortLived() []string {
	return onKMS("KMS_DEK_CACHE_TTL=1", "KEEPER_KMS_CACHE_GRACE=4", "KEEPER_DATA_KEY_MAX_USES=4", "KEEPER_SYNC_INTERVAL=10")
}

// outages are the ways in which KMS does not answer. A time-out hangs longer than any test
// waits.
var outages = map[string]standin.Fault{
	"Refused": {Service: "kms", Kind: standin.FaultReset},
	"Hangs":   {Service: "kms", Kind: standin.FaultTimeoutBefore},
	"Errors":  {Service: "kms", Kind: standin.FaultError503},
}

// unknown holds a refusal to be what is said of a value that cannot be read now: 503, never
// that it is not there.
func unknown(t *testing.T, what string, err error) {
	t.Helper()
	var problem *api.Problem
	if !errors.As(err, &problem) || problem.Status != http.StatusServiceUnavailable {
		t.Errorf("%s: got %v, want a problem of status 503", what, err)
	}
}

// quickly holds an answer to a second, and a little for a busy machine.
func quickly(t *testing.T, what string, began time.Time) {
	t.Helper()
	if took := time.Since(began); took > 1500*time.Millisecond {
		t.Errorf("%s took %v, want a second at most", what, took.Round(time.Millisecond))
	}
}

// TestKMSAway cuts KMS off for longer than anything is cached.
func TestKMSAway(t *testing.T) {
	t.Parallel()
	for name, fault := range outages {
		t.Run(name, func(t *testing.T) {
			t.Parallel() // they wait most of the time
			w := newWorld(t, store.SQLite, standin.Options{}, shortLived()...)
			w.start(t)
			e := w.environment(t, "production")
			l := new(ledger)
			l.fill(t, w.client, 12, 2, e)
			w.syncToAWS(t, e)
			// What this reads was loaded cacheTTL ago at most, and so stays readable for cacheGrace.
			cached := time.Now()
			if err := l.settle(t.Context(), w.client); err != nil {
				t.Fatal(err)
			}
			began := time.Now()
			if err := w.aws.Inject(fault); err != nil {
				t.Fatal(err)
			}
			t.Run("CachedReads", func(t *testing.T) { w.readWhileCached(t, l, cached.Add(cacheGrace-700*time.Millisecond)) })
			t.Run("Writes", func(t *testing.T) { w.refusedWrites(t, l) })
			time.Sleep(time.Until(began.Add(cacheTTL + cacheGrace + 1500*time.Millisecond)))
			t.Run("BeyondTheCache", func(t *testing.T) { w.beyondTheCache(t, l, e) })
			t.Run("Health", func(t *testing.T) { w.saysAway(t) })
			t.Run("Copies", func(t *testing.T) { w.copiesStand(t, l, e) })
			w.aws.ClearFaults()
			t.Run("Back", func(t *testing.T) { w.comesBack(t, l) })
		})
	}
}

// syncToAWS adds a destination and waits until every secret stands there.
func (w *world) syncToAWS(t *testing.T, e api.Environment) {
	t.Helper()
	_, err := w.client.CreateDestination(t.Context(), api.NewDestination{
		EnvironmentID: api.EnvironmentByID(e.ID), Name: "aws", Kind: "aws_secrets_manager",
		Config:      api.DestinationConfig{Region: abroad, Endpoint: w.aws.URL},
		Credentials: api.DestinationCredentials{AccessKeyID: api.NewValue("test"), SecretAccessKey: api.NewValue("test")},
	})
	if err != nil {
		t.Fatal(err)
	}
	eventually(t, "the copies", func() error {
		for _, one := range w.aws.Secrets(standin.DefaultAccount, abroad) {
			if _, ok := one.Current(); !ok {
				return errors.New(one.Name + " has no value")
			}
		}
		if n := len(w.aws.Secrets(standin.DefaultAccount, abroad)); n < 12 {
			return errors.New("some are missing")
		}
		return nil
	})
}

// copiesStand holds that every copy is there and holds a value that was acknowledged: what
// could not be read is neither deleted nor overwritten.
func (w *world) copiesStand(t *testing.T, l *ledger, e api.Environment) {
	for _, one := range l.entries {
		state, found := w.aws.Secret(abroad, e.Name+"/"+one.name)
		if !found || !state.Deleted.IsZero() {
			t.Errorf("the copy of %s is gone", one.name)
			continue
		}
		if current, ok := state.Current(); !ok || !slices.Contains(one.values, current.Text) {
			t.Errorf("the copy of %s: %v", one.name, errWrong)
		}
	}
	if n := len(w.aws.Secrets(standin.DefaultAccount, abroad)); n != len(l.entries) {
		t.Errorf("%d copies stand at AWS, want %d", n, len(l.entries))
	}
}

// readWhileCached reads everything again and again until the cache's life is nearly over:
// every answer must be there and right.
func (w *world) readWhileCached(t *testing.T, l *ledger, until time.Time) {
	rounds := 0
	for ; time.Now().Before(until) || rounds == 0; rounds++ {
		if err := l.each(func(e *entry) error { return e.check(t.Context(), l, w.client, len(e.values)) }); err != nil {
			t.Fatal(err)
		}
	}
	t.Logf("%d rounds of %d reads were all right without KMS", rounds, len(l.entries))
}

// refusedWrites writes where no recipient answers: some may be sealed under a data key that
// is in memory; the others are refused within a second, and nothing is half done.
func (w *world) refusedWrites(t *testing.T, l *ledger) {
	refused := 0
	for _, e := range l.entries {
		began := time.Now()
		err := e.write(t.Context(), l, w.client)
		quickly(t, "a write", began)
		if err == nil {
			continue
		}
		refused++
		unknown(t, "a write", err)
		e.pending = "" // it was refused, so it must not be there
	}
	if refused == 0 {
		t.Error("every write was taken without KMS: the test does not test what it should")
	}
}

func (w *world) beyondTheCache(t *testing.T, l *ledger, e api.Environment) {
	refused := 0
	for _, one := range l.entries {
		began := time.Now()
		err := one.check(t.Context(), l, w.client, 1)
		quickly(t, "a read", began)
		if errors.Is(err, errWrong) {
			t.Error(err)
		}
		if err != nil {
			refused++
			unknown(t, "a read", err)
		}
	}
	if refused != len(l.entries) {
		t.Errorf("%d of %d values were still read after the stated bound", len(l.entries)-refused, len(l.entries))
	}
	deleted := 0
	for secret, err := range w.client.Secrets(t.Context(), api.ListSecretsParams{EnvironmentID: []string{e.Name}, Deleted: true}) {
		if err != nil || secret.ID != 0 {
			deleted++
		}
	}
	list, err := w.client.ListSecrets(t.Context(), api.ListSecretsParams{EnvironmentID: []string{e.Name}})
	if err != nil || len(list.Items) != len(l.entries) || deleted != 0 {
		t.Errorf("%d secrets are listed (%v) and %d deleted, want %d and none", len(list.Items), err, deleted, len(l.entries))
	}
	if _, err := w.client.Sync(t.Context(), api.SyncRequest{}); err != nil {
		t.Error(err)
	}
	time.Sleep(time.Second) // the pass has to meet the lack
}

// saysAway holds health to tell that the wrapping keys cannot be reached. Keeper stays
// ready: it answers what it can, and each other request says what it lacks.
func (w *world) saysAway(t *testing.T) {
	_, body, err := w.call(t.Context(), http.MethodGet, "/readyz", nil, nil)
	if body == nil {
		t.Fatal(err)
	}
	var health struct {
		Components []struct {
			Name, Detail string
			OK           bool
		}
	}
	if err := json.Unmarshal(body, &health); err != nil {
		t.Fatal(err)
	}
	for _, c := range health.Components {
		if strings.Contains(c.Name, "encryption") {
			if c.OK || c.Detail == "" {
				t.Errorf("encryption is said to be %v: %q", c.OK, c.Detail)
			}
			return
		}
	}
	t.Errorf("nothing is said of encryption in %s", body)
}

// comesBack waits for Keeper to notice by itself.
func (w *world) comesBack(t *testing.T, l *ledger) {
	began := time.Now()
	eventually(t, "reads to be answered again", func() error { return l.settle(t.Context(), w.client) })
	if took := time.Since(began); took > 20*time.Second {
		t.Errorf("it took %v to notice that KMS is back", took)
	}
	for _, e := range l.entries {
		if err := e.write(t.Context(), l, w.client); err != nil {
			t.Fatal(err)
		}
	}
	if err := l.each(func(e *entry) error { return e.check(t.Context(), l, w.client, len(e.values)) }); err != nil {
		t.Error(err)
	}
}

// TestKMSAwayWithSecondRegion cuts one region off: reading and writing go on through the
// other, and what was written meanwhile is put right for the first when it is back.
func TestKMSAwayWithSecondRegion(t *testing.T) {
	t.Parallel()
	s := &siege{ledger: new(ledger), identity: newIdentity(t)}
	s.world = newWorld(t, store.SQLite, standin.Options{}, shortLived()...)
	s.start(t)
	s.alpha = s.environment(t, "alpha")
	s.beta = s.alpha
	s.recipients(t)
	s.ledger.fill(t, s.client, 12, 2, s.alpha)
	if err := s.aws.Inject(standin.Fault{Service: "kms", Region: home, Kind: standin.FaultTimeoutBefore}); err != nil {
		t.Fatal(err)
	}
	time.Sleep(cacheTTL + cacheGrace + time.Second)
	for _, e := range s.ledger.entries {
		began := time.Now()
		if err := e.check(t.Context(), s.ledger, s.client, 1); err != nil {
			t.Fatalf("%v\nKeeper said:\n%s", err, s.log)
		}
		quickly(t, "a read through the second region", began)
		began = time.Now()
		if err := e.write(t.Context(), s.ledger, s.client); err != nil {
			t.Fatalf("%v\nKeeper said:\n%s", err, s.log)
		}
		quickly(t, "a write through the second region", began)
	}
	s.aws.ClearFaults()
	s.watch(t)
	eventually(t, "the wraps that are owed", func() error { return s.missing(t) })
	s.stop()
	s.witness(t, models.RecipientKMS, s.identity).prove(t, s.ledger, models.EnvironmentID(s.alpha.ID))
}

// watch has the minute pass after which Keeper looks by itself for what is owed.
func (s *siege) watch(t *testing.T) {
	t.Helper()
	err := s.beside(t).Write(t.Context(), func(tx *store.Tx) error {
		return tx.EnqueueJob(keys.WatchJobKind, "all", "", time.Now())
	})
	if err != nil {
		t.Fatal(err)
	}
}

// missing says whether a data key is not wrapped for all for whom it should be.
func (s *siege) missing(t *testing.T) error {
	list, err := s.client.ListKeys(t.Context())
	if err != nil {
		return err
	}
	for _, key := range list.Items {
		for _, usage := range key.Usages {
			if usage.Missing > 0 {
				return errors.New(key.Name + " lacks wraps")
			}
		}
	}
	return nil
}

// TestKMSKeyDisabled holds that a key which its owner switched off is off at once: there is
// no grace for what was meant.
func TestKMSKeyDisabled(t *testing.T) {
	t.Parallel()
	w := newWorld(t, store.SQLite, standin.Options{}, onKMS("KMS_DEK_CACHE_TTL=1", "KEEPER_KMS_CACHE_GRACE=600", "KEEPER_DATA_KEY_MAX_USES=1")...)
	w.start(t)
	e := w.environment(t, "production")
	l := new(ledger)
	l.fill(t, w.client, 4, 2, e)
	if err := l.settle(t.Context(), w.client); err != nil {
		t.Fatal(err)
	}
	id := w.keyARN(t, home, "alias/keeper")
	if _, err := w.kmsOf(home).DisableKey(t.Context(), &awskmsapi.DisableKeyInput{KeyId: &id}); err != nil {
		t.Fatal(err)
	}
	time.Sleep(1500 * time.Millisecond) // the cache's life, without the grace
	// On a busy machine KMS's answer may come later than a reader is made to wait for it; then
	// it is the next reader whom it refuses.
	eventually(t, "the refusal of each key", func() error {
		for _, one := range l.entries {
			if one.check(t.Context(), l, w.client, 1) == nil {
				return errors.New(one.name + " can still be read")
			}
		}
		return nil
	})
	for _, one := range l.entries {
		unknown(t, "a read under a disabled key", one.check(t.Context(), l, w.client, 1))
		began := time.Now()
		err := one.write(t.Context(), l, w.client)
		unknown(t, "a write under a disabled key", err)
		quickly(t, "a refusal", began)
		if err != nil && !strings.Contains(err.Error(), "disabled") {
			t.Errorf("%v does not say that the key is disabled", err)
		}
		one.pending = ""
	}
	if _, err := w.kmsOf(home).EnableKey(t.Context(), &awskmsapi.EnableKeyInput{KeyId: &id}); err != nil {
		t.Fatal(err)
	}
	eventually(t, "reads under the enabled key", func() error { return l.settle(t.Context(), w.client) })
}
