package kms_test

import (
	"bytes"
	"context"
	"errors"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/your-org/keeper/fault"
	"github.com/your-org/keeper/kms"
	"github.com/your-org/keeper/kms/drivertest"
	"github.com/your-org/keeper/models"
)

// TestAwayAndDamaged: as long as one recipient is merely away, nothing is called damaged.
func TestAwayAndDamaged(t *testing.T) {
	b := newBench(t, kms.Options{})
	sealed := seal(t, b.Envelope, production, label, canary)
	second := drivertest.NewFake(models.RecipientLocal, "rescue")
	addRecipient(t, b, sealed.DataKeyID, second)
	fresh := func() *kms.Envelope { return b.another(t, kms.Options{Others: []kms.Wrapper{second}}) }

	t.Run("PrimaryFirst", func(t *testing.T) {
		opens(t, fresh(), production, label, sealed, canary)
		if got := second.Calls(drivertest.OpUnwrap); got != 0 {
			t.Errorf("got %d unwraps at the second recipient, want none", got)
		}
	})
	t.Run("SecondWherePrimaryIsAway", func(t *testing.T) {
		b.fake.CutOff()
		defer b.fake.Mend()
		e := fresh()
		opens(t, e, production, label, sealed, canary)
		if e.Status().Reachable {
			t.Error("the status hides that the primary is away")
		}
	})
	t.Run("SecondWherePrimarysRowIsDamaged", func(t *testing.T) {
		defer b.damageRow(sealed.DataKeyID)()
		opens(t, fresh(), production, label, sealed, canary)
	})
	t.Run("OneDamagedOneAway", func(t *testing.T) {
		defer b.damageRow(sealed.DataKeyID)()
		second.CutOff()
		defer second.Mend()
		if _, err := fresh().Open(t.Context(), production, label, sealed); !fault.Is(err, fault.Unavailable) || errors.Is(err, kms.ErrDamaged) {
			t.Errorf("got %v, want Unavailable", err)
		}
	})
	t.Run("NoBackendForTheKind", func(t *testing.T) {
		e, err := kms.NewEnvelope(b.keys, drivertest.NewFake(models.RecipientRecovery, "offline"), kms.Options{})
		if err != nil {
			t.Fatal(err)
		}
		defer e.Close()
		_, err = e.Open(t.Context(), production, label, sealed)
		if !fault.Is(err, fault.Unavailable) || !strings.Contains(err.Error(), "kms key-a") {
			t.Errorf("got %v, want Unavailable that names the recipients", err)
		}
	})
}

func addRecipient(t *testing.T, b *bench, id models.DataKeyID, second *drivertest.Fake) {
	t.Helper()
	_, rows, err := b.keys.DataKey(t.Context(), id)
	if err != nil {
		t.Fatal(err)
	}
	ec := kms.Context{kms.ContextEnvironment: production.Name}
	plain, err := b.fake.Unwrap(t.Context(), kms.Wrapped{RecipientID: rows[0].RecipientID, Blob: rows[0].Blob}, ec)
	if err != nil {
		t.Fatal(err)
	}
	wrapped, err := second.Wrap(t.Context(), "", plain, ec)
	if err != nil {
		t.Fatal(err)
	}
	b.keys.Change(id, func(_ *models.DataKey, w *[]models.WrappedKey) {
		*w = append(*w, models.WrappedKey{DataKeyID: id, RecipientKind: second.Kind(), RecipientID: wrapped.RecipientID, Blob: wrapped.Blob})
	})
}

// damageRow flips a bit of a data key's first wrapped key; the result flips it back.
func (b *bench) damageRow(id models.DataKeyID) (mend func()) {
	flip := func() {
		b.keys.Change(id, func(_ *models.DataKey, w *[]models.WrappedKey) { (*w)[0].Blob[5] ^= 1 })
	}
	flip()
	return flip
}

// TestColdReaders: 50 readers of one cold data key cost one call, also where the one that
// began it gives up.
func TestColdReaders(t *testing.T) {
	b := newBench(t, kms.Options{})
	sealed := seal(t, b.Envelope, production, label, canary)
	cold := b.another(t, kms.Options{})
	began, release := make(chan struct{}), make(chan struct{})
	var once sync.Once
	b.fake.Before(func(context.Context, drivertest.Op) { once.Do(func() { close(began) }); <-release })

	ctx, giveUp := context.WithCancel(t.Context())
	first := make(chan error, 1)
	go func() {
		_, err := cold.Open(ctx, production, label, sealed)
		first <- err
	}()
	<-began
	giveUp()
	if err := <-first; !fault.Is(err, fault.Unavailable) || !errors.Is(err, context.Canceled) {
		t.Errorf("the reader that gave up: got %v, want Unavailable", err)
	}

	var readers sync.WaitGroup
	var opened atomic.Int32
	for range 50 {
		readers.Go(func() {
			if value, err := cold.Open(t.Context(), production, label, sealed); err != nil || string(value.Reveal()) != canary {
				t.Errorf("got %v", err)
				return
			}
			opened.Add(1)
		})
	}
	time.Sleep(10 * time.Millisecond) // lets the readers pile up; too short, the test is only weaker
	close(release)
	readers.Wait()
	if got := b.fake.Calls(drivertest.OpUnwrap); got != 1 || opened.Load() != 50 {
		t.Errorf("got %d unwraps for %d readers, want 1 for 50", got, opened.Load())
	}
}

// TestColdReadersAtOnce is the same with nobody held up, where readers meet a load that is
// just ending.
func TestColdReadersAtOnce(t *testing.T) {
	b := newBench(t, kms.Options{})
	sealed := seal(t, b.Envelope, production, label, canary)
	const rounds = 200
	for range rounds {
		b.Forget(production.ID)
		start := make(chan struct{})
		var readers sync.WaitGroup
		for range 50 {
			readers.Go(func() {
				<-start
				if _, err := b.Open(t.Context(), production, label, sealed); err != nil {
					t.Error(err)
				}
			})
		}
		close(start)
		readers.Wait()
	}
	if got := b.fake.Calls(drivertest.OpUnwrap); got != rounds {
		t.Errorf("got %d unwraps in %d rounds, want one in each", got, rounds)
	}
}

// TestCloseEndsWhatRuns: Close does not wait for a backend that hangs.
func TestCloseEndsWhatRuns(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBench(t, kms.Options{})
		sealed := seal(t, b.Envelope, production, label, canary)
		cold := b.another(t, kms.Options{})
		b.fake.Before(func(ctx context.Context, _ drivertest.Op) { <-ctx.Done() })
		result := make(chan error, 1)
		go func() {
			_, err := cold.Open(t.Context(), production, label, sealed)
			result <- err
		}()
		synctest.Wait() // the load hangs
		start := time.Now()
		cold.Close()
		if err := <-result; !fault.Is(err, fault.Unavailable) {
			t.Errorf("got %v, want Unavailable", err)
		}
		if took := time.Since(start); took > 0 {
			t.Errorf("Close waited %v", took)
		}
		b.fake.Before(nil)
		if _, err := cold.Open(t.Context(), production, label, sealed); !fault.Is(err, fault.Unavailable) {
			t.Errorf("after Close: got %v, want Unavailable", err)
		}
		if got := cold.Status().CachedKeys; got != 0 {
			t.Errorf("after Close: got %d keys in memory, want none", got)
		}
	})
}

// TestClientThatLeaves says nothing about the backend.
func TestClientThatLeaves(t *testing.T) {
	b := newBench(t, kms.Options{MaxUses: 1})
	ctx, cancel := context.WithCancel(t.Context())
	b.fake.Before(func(context.Context, drivertest.Op) { cancel() })
	if _, err := b.Sealer(ctx, production); !fault.Is(err, fault.Unavailable) {
		t.Errorf("got %v, want Unavailable", err)
	}
	if !b.Status().Reachable {
		t.Error("the backend is called unreachable because a client left")
	}
}

// TestKeysLeaveMemory: an idle process does not keep data keys past their time.
func TestKeysLeaveMemory(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		e, err := kms.NewEnvelope(drivertest.NewKeys(), drivertest.NewFake(models.RecipientKMS, "key-a"), kms.Options{CacheTTL: time.Minute})
		if err != nil {
			t.Fatal(err)
		}
		defer e.Close()
		seal(t, e, production, label, canary)
		time.Sleep(59 * time.Second)
		if got := e.Status().CachedKeys; got != 1 {
			t.Errorf("got %d keys, want 1", got)
		}
		time.Sleep(17 * time.Second) // the rest of its time, and one sweep
		if got := e.Status().CachedKeys; got != 0 {
			t.Errorf("got %d keys, want none", got)
		}
	})
}

func TestNoCache(t *testing.T) {
	b := newBench(t, kms.Options{CacheTTL: kms.NoCache})
	sealed := seal(t, b.Envelope, production, label, canary)
	for range 3 {
		opens(t, b.Envelope, production, label, sealed, canary)
	}
	if got := b.fake.Calls(drivertest.OpUnwrap); got != 4 { // one to seal, three to open
		t.Errorf("got %d unwraps, want 4", got)
	}
	if s := b.Status(); s.CachedKeys != 0 || s.CacheTTL != 0 {
		t.Errorf("got %+v, want nothing cached", s)
	}
}

func TestCacheSize(t *testing.T) {
	b := newBench(t, kms.Options{MaxUses: 1, CacheSize: 10})
	var all []kms.Sealed
	for range 30 {
		all = append(all, seal(t, b.Envelope, production, label, canary))
	}
	if got := b.Status().CachedKeys; got != 10 {
		t.Errorf("got %d keys cached, want 10", got)
	}
	for _, sealed := range all {
		opens(t, b.Envelope, production, label, sealed, canary)
	}
}

func sum(t *testing.T, e *kms.Envelope, env models.Environment, value string) []byte {
	t.Helper()
	hasher, err := e.Hasher(t.Context(), env)
	if err != nil {
		t.Fatal(err)
	}
	return hasher.Sum(models.NewPlaintext([]byte(value)))
}

func TestHasher(t *testing.T) {
	b := newBench(t, kms.Options{})
	first := sum(t, b.Envelope, production, canary)
	if len(first) != 32 {
		t.Fatalf("got %d bytes, want 32", len(first))
	}
	if !bytes.Equal(first, sum(t, b.Envelope, production, canary)) || !bytes.Equal(first, sum(t, b.another(t, kms.Options{}), production, canary)) {
		t.Error("the same value of the same environment has two hashes")
	}
	if bytes.Equal(first, sum(t, b.Envelope, production, canary+"x")) {
		t.Error("two values have the same hash")
	}
	if bytes.Equal(first, sum(t, b.Envelope, staging, canary)) {
		t.Error("two environments have the same hash for a value")
	}
	if got := b.fake.Calls(drivertest.OpGenerate); got != 2 {
		t.Errorf("got %d keys made, want one for each environment", got)
	}
	// The hash key is no key to seal with, whatever is free.
	if sealed := seal(t, b.Envelope, production, label, canary); strings.HasPrefix(string(sealed.DataKeyID), "hash_") {
		t.Error("a value was sealed under the hash key")
	}
}

// TestHashKeyRace: processes that make the hash key at once end with one key.
func TestHashKeyRace(t *testing.T) {
	b := newBench(t, kms.Options{})
	envelopes := []*kms.Envelope{b.Envelope, b.another(t, kms.Options{}), b.another(t, kms.Options{})}
	var together sync.WaitGroup
	together.Add(len(envelopes))
	b.fake.Before(func(_ context.Context, op drivertest.Op) {
		if op == drivertest.OpGenerate { // each has seen that there is no key yet
			together.Done()
			together.Wait()
		}
	})
	sums := make([][]byte, len(envelopes))
	var wait sync.WaitGroup
	for i, e := range envelopes {
		wait.Go(func() { sums[i] = sum(t, e, production, canary) })
	}
	wait.Wait()
	for i := range sums {
		if !bytes.Equal(sums[i], sums[0]) || len(sums[i]) == 0 {
			t.Errorf("envelope %d hashes otherwise than envelope 0", i)
		}
	}
	if got := len(b.keys.All()); got != 1 {
		t.Errorf("got %d hash keys stored, want 1", got)
	}
}

func TestVerify(t *testing.T) {
	b := newBench(t, kms.Options{})
	for range 2 { // the first makes a key, the second finds it
		if err := b.Verify(t.Context(), production); err != nil {
			t.Fatal(err)
		}
	}
	if generated, unwrapped := b.fake.Calls(drivertest.OpGenerate), b.fake.Calls(drivertest.OpUnwrap); generated != 1 || unwrapped != 2 {
		t.Errorf("got %d keys made and %d unwrapped, want 1 and 2: Verify goes past the cache", generated, unwrapped)
	}
	b.fake.CutOff()
	if err := b.Verify(t.Context(), production); !fault.Is(err, fault.Unavailable) {
		t.Errorf("cut off: got %v, want Unavailable", err)
	}
	b.fake.Mend()
	b.damageRow("hash_1")
	if err := b.another(t, kms.Options{}).Verify(t.Context(), production); !errors.Is(err, kms.ErrDamaged) {
		t.Errorf("damaged: got %v, want ErrDamaged", err)
	}
}
