package kms_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/your-org/keeper/fault"
	"github.com/your-org/keeper/kms"
	"github.com/your-org/keeper/kms/drivertest"
	"github.com/your-org/keeper/models"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

const canary = "canary-7f3a-value"

var (
	production = models.Environment{ID: 1, Name: "production"}
	staging    = models.Environment{ID: 2, Name: "staging"}
	label      = kms.Label{Kind: kms.KindVersion, Environment: 1, Object: "17", Number: 3}
)

// bench is an envelope over a store and a backend in memory, with a clock to move.
type bench struct {
	*kms.Envelope
	keys *drivertest.Keys
	fake *drivertest.Fake
	now  *clock
}

type clock struct {
	mu sync.Mutex
	at time.Time
}

func (c *clock) Now() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.at
}

func (c *clock) advance(d time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.at = c.at.Add(d)
}

func newBench(t testing.TB, options kms.Options) *bench {
	t.Helper()
	b := &bench{
		keys: drivertest.NewKeys(), fake: drivertest.NewFake(models.RecipientKMS, "key-a", "key-b"),
		now: &clock{at: time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)},
	}
	b.Envelope = b.another(t, options)
	return b
}

// another is a further envelope over the same store and backend, as in another process.
func (b *bench) another(t testing.TB, options kms.Options) *kms.Envelope {
	t.Helper()
	options.Now = b.now.Now
	e, err := kms.NewEnvelope(b.keys, b.fake, options)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(e.Close)
	return e
}

func seal(t testing.TB, e *kms.Envelope, env models.Environment, l kms.Label, value string) kms.Sealed {
	t.Helper()
	sealer, err := e.Sealer(t.Context(), env)
	if err != nil {
		t.Fatal(err)
	}
	l.Environment = env.ID
	sealed, err := sealer.Seal(l, models.NewPlaintext([]byte(value)))
	if err != nil {
		t.Fatal(err)
	}
	return sealed
}

func opens(t testing.TB, e *kms.Envelope, env models.Environment, l kms.Label, sealed kms.Sealed, want string) {
	t.Helper()
	l.Environment = env.ID
	got, err := e.Open(t.Context(), env, l, sealed)
	if err != nil {
		t.Fatal(err)
	}
	if string(got.Reveal()) != want {
		t.Fatal("another value came out than went in")
	}
}

// refuses asserts that nothing comes out, and that the error is damage and says no value.
func refuses(t testing.TB, e *kms.Envelope, env models.Environment, l kms.Label, sealed kms.Sealed) error {
	t.Helper()
	got, err := e.Open(t.Context(), env, l, sealed)
	if !errors.Is(err, kms.ErrDamaged) || got.Len() != 0 {
		t.Fatalf("got %d bytes and error %v, want ErrDamaged", got.Len(), err)
	}
	if !fault.Is(err, fault.Invalid) || strings.Contains(fmt.Sprintf("%+v", err), canary) || !strings.Contains(err.Error(), env.Name) {
		t.Fatalf("got %q of kind %v, want Invalid that names the environment and no value", err, fault.KindOf(err))
	}
	return err
}

func TestRoundTrip(t *testing.T) {
	b := newBench(t, kms.Options{Context: kms.Context{"team": "payments"}})
	for _, size := range []int{0, 1, 1024, models.MaxValueSize} {
		value := strings.Repeat("é", size/2) + strings.Repeat("x", size%2)
		sealed := seal(t, b.Envelope, production, label, value)
		if got, want := len(sealed.Ciphertext), size+kms.SealOverhead; got != want || sealed.Format != kms.Format {
			t.Errorf("got %d bytes in format %d, want %d in %d", got, sealed.Format, want, kms.Format)
		}
		opens(t, b.Envelope, production, label, sealed, value)
		opens(t, b.another(t, kms.Options{Context: kms.Context{"team": "payments"}}), production, label, sealed, value)
	}
	if first, second := seal(t, b.Envelope, production, label, canary), seal(t, b.Envelope, production, label, canary); bytes.Equal(first.Ciphertext, second.Ciphertext) {
		t.Error("the same value was sealed to the same bytes twice")
	}
}

func TestCiphertextTampering(t *testing.T) {
	b := newBench(t, kms.Options{})
	sealed := seal(t, b.Envelope, production, label, canary)
	other := seal(t, b.another(t, kms.Options{MaxUses: 1}), production, label, canary) // under another data key

	t.Run("EveryLabelField", func(t *testing.T) {
		for _, changed := range []kms.Label{
			{Kind: kms.KindCredentials, Environment: 1, Object: "17", Number: 3},
			{Kind: kms.KindVersion, Environment: 1, Object: "18", Number: 3},
			{Kind: kms.KindVersion, Environment: 1, Object: "17", Number: 2},
			{Kind: kms.KindVersion, Environment: 1, Object: "1", Number: 73},
		} {
			refuses(t, b.Envelope, production, changed, sealed)
		}
	})
	t.Run("EveryLength", func(t *testing.T) {
		changed := sealed
		for n := range sealed.Ciphertext {
			changed.Ciphertext = sealed.Ciphertext[:n]
			refuses(t, b.Envelope, production, label, changed)
		}
		changed.Ciphertext = append(slices.Clone(sealed.Ciphertext), 0)
		refuses(t, b.Envelope, production, label, changed)
	})
	t.Run("Format", func(t *testing.T) {
		for _, format := range []int{-1, 0, 2} {
			changed := sealed
			changed.Format = format
			refuses(t, b.Envelope, production, label, changed)
		}
	})
	t.Run("DataKeyID", func(t *testing.T) {
		for _, id := range []models.DataKeyID{"", "dek_none", other.DataKeyID} {
			changed := sealed
			changed.DataKeyID = id
			refuses(t, b.Envelope, production, label, changed)
		}
	})
	t.Run("SameKeyUnderAnotherID", func(t *testing.T) {
		row, wrapped, err := b.keys.DataKey(t.Context(), sealed.DataKeyID)
		if err != nil {
			t.Fatal(err)
		}
		row.ID, wrapped[0].DataKeyID = "dek_copy", "dek_copy"
		if err := b.keys.AddDataKey(t.Context(), row, wrapped, 0); err != nil {
			t.Fatal(err)
		}
		changed := sealed
		changed.DataKeyID = "dek_copy"
		refuses(t, b.Envelope, production, label, changed)
	})
	t.Run("Environment", func(t *testing.T) {
		moved := label
		moved.Environment = staging.ID
		cold, before := b.another(t, kms.Options{}), b.fake.Calls(drivertest.OpUnwrap)
		for _, e := range []*kms.Envelope{b.Envelope, cold} { // the data key is cached, and not
			if err := refuses(t, e, staging, moved, sealed); !strings.Contains(err.Error(), "belongs to another environment") {
				t.Errorf("got %q, want it to say what is wrong", err)
			}
		}
		if got := b.fake.Calls(drivertest.OpUnwrap) - before; got != 0 {
			t.Errorf("got %d calls to unwrap another environment's key, want none", got)
		}
		if got, err := b.Open(t.Context(), staging, label, sealed); err == nil {
			t.Errorf("a label of another environment gave %d bytes", got.Len())
		}
	})
	opens(t, b.Envelope, production, label, sealed, canary)
}

// TestKeyRowTampering changes what the database holds of data keys: nothing opens to
// anything but the value that was sealed.
func TestKeyRowTampering(t *testing.T) {
	b := newBench(t, kms.Options{})
	sealed := seal(t, b.Envelope, production, label, canary)
	other := seal(t, b.another(t, kms.Options{MaxUses: 1}), production, label, canary)
	abroad := seal(t, b.Envelope, staging, label, canary)
	_, otherRows, _ := b.keys.DataKey(t.Context(), other.DataKeyID)
	_, abroadRows, _ := b.keys.DataKey(t.Context(), abroad.DataKeyID)
	original, rows, _ := b.keys.DataKey(t.Context(), sealed.DataKeyID)
	restore := func() {
		b.keys.Change(sealed.DataKeyID, func(row *models.DataKey, wrapped *[]models.WrappedKey) { *row, *wrapped = original, rows })
	}

	changes := map[string]func(*models.DataKey, *[]models.WrappedKey){
		"KeyOfAnotherRow":         func(_ *models.DataKey, w *[]models.WrappedKey) { (*w)[0].Blob = otherRows[0].Blob },
		"KeyOfAnotherEnvironment": func(_ *models.DataKey, w *[]models.WrappedKey) { (*w)[0].Blob = abroadRows[0].Blob },
		"OtherRecipient":          func(_ *models.DataKey, w *[]models.WrappedKey) { (*w)[0].RecipientID = "key-b" },
		"NoRows":                  func(_ *models.DataKey, w *[]models.WrappedKey) { *w = nil },
		"EmptyBlob":               func(_ *models.DataKey, w *[]models.WrappedKey) { (*w)[0].Blob = nil },
		"Environment":             func(k *models.DataKey, _ *[]models.WrappedKey) { k.EnvironmentID = staging.ID },
		"PurposeHash":             func(k *models.DataKey, _ *[]models.WrappedKey) { k.Purpose = models.PurposeHash },
		"PurposeUnknown":          func(k *models.DataKey, _ *[]models.WrappedKey) { k.Purpose = "x" },
		"Removed":                 func(k *models.DataKey, _ *[]models.WrappedKey) { *k = models.DataKey{} },
	}
	for name, change := range changes {
		t.Run(name, func(t *testing.T) {
			b.keys.Change(sealed.DataKeyID, change)
			defer restore()
			refuses(t, b.another(t, kms.Options{}), production, label, sealed)
		})
	}
	opens(t, b.another(t, kms.Options{}), production, label, sealed, canary)

	t.Run("HashKeyThatSeals", func(t *testing.T) {
		if _, err := b.Hasher(t.Context(), production); err != nil {
			t.Fatal(err)
		}
		b.keys.Change("hash_1", func(k *models.DataKey, _ *[]models.WrappedKey) { k.Purpose = models.PurposeSeal })
		if _, err := b.another(t, kms.Options{}).Hasher(t.Context(), production); !errors.Is(err, kms.ErrDamaged) {
			t.Errorf("got %v, want ErrDamaged", err)
		}
	})
	t.Run("ContextChanged", func(t *testing.T) {
		refuses(t, b.another(t, kms.Options{Context: kms.Context{"more": "x"}}), production, label, sealed)
	})
}

func TestSealer(t *testing.T) {
	b := newBench(t, kms.Options{})
	value := models.NewPlaintext([]byte(canary))
	t.Run("RetriedTransaction", func(t *testing.T) {
		sealer, err := b.Sealer(t.Context(), production)
		if err != nil {
			t.Fatal(err)
		}
		seals := 0
		for range 100 {
			if _, err := sealer.Seal(label, value); err != nil {
				break
			}
			seals++
		}
		if seals < 2 || seals > 16 {
			t.Errorf("one sealer sealed %d times, want a few", seals)
		}
	})
	t.Run("OtherEnvironment", func(t *testing.T) {
		sealer, err := b.Sealer(t.Context(), staging)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := sealer.Seal(label, value); err == nil {
			t.Error("a value of one environment was sealed under another's key")
		}
	})
	t.Run("Zero", func(t *testing.T) {
		if _, err := (kms.Sealer{}).Seal(label, value); err == nil {
			t.Error("a sealer without a key sealed")
		}
	})
	t.Run("NoBackend", func(t *testing.T) {
		b.fake.CutOff()
		defer b.fake.Mend()
		e := b.another(t, kms.Options{MaxUses: 1})
		if _, err := e.Sealer(t.Context(), production); !fault.Is(err, fault.Unavailable) {
			t.Errorf("got %v, want Unavailable", err)
		}
	})
	t.Run("UnknownWrappingKey", func(t *testing.T) {
		env := models.Environment{ID: 9, Name: "nine", KMSKeyAlias: "alias/none"}
		b.keys.SetRecipients(env.ID, env.KMSKeyAlias)
		if _, err := b.Sealer(t.Context(), env); !fault.Is(err, fault.Unavailable) || !strings.Contains(err.Error(), "alias/none") {
			t.Errorf("got %v, want Unavailable that names the key", err)
		}
	})
	t.Run("NoStore", func(t *testing.T) {
		b.keys.Fail(fault.New(fault.Unavailable, "The database is away."))
		defer b.keys.Fail(nil)
		if _, err := b.another(t, kms.Options{}).Sealer(t.Context(), production); !fault.Is(err, fault.Unavailable) {
			t.Errorf("got %v, want Unavailable", err)
		}
	})
}

func TestEnvironmentsOwnWrappingKey(t *testing.T) {
	b := newBench(t, kms.Options{})
	env := models.Environment{ID: 3, Name: "payments", KMSKeyAlias: "key-b"}
	b.keys.SetRecipients(env.ID, env.KMSKeyAlias)
	sealed := seal(t, b.Envelope, env, label, canary)
	_, rows, err := b.keys.DataKey(t.Context(), sealed.DataKeyID)
	if err != nil || len(rows) != 1 || rows[0].RecipientID != "key-b" || rows[0].RecipientKind != models.RecipientKMS {
		t.Errorf("got %+v, %v, want one row for key-b", rows, err)
	}
	opens(t, b.another(t, kms.Options{}), env, label, sealed, canary)
}

func TestOptions(t *testing.T) {
	for name, options := range map[string]kms.Options{
		"ReservedContext": {Context: kms.Context{kms.ContextEnvironment: "x"}},
		"MaxUsesNegative": {MaxUses: -1},
		"MaxUsesTooMany":  {MaxUses: 1 << 32},
		"MaxAge":          {MaxAge: -time.Hour},
		"CacheSize":       {CacheSize: -1},
	} {
		t.Run(name, func(t *testing.T) {
			if _, err := kms.NewEnvelope(drivertest.NewKeys(), drivertest.NewFake(models.RecipientKMS, "a"), options); !fault.Is(err, fault.Invalid) {
				t.Errorf("got %v, want Invalid", err)
			}
		})
	}
}

// TestKeysAreCleared: the very bytes that the backend handed out are gone once the data key
// is built, also where it could not be stored.
func TestKeysAreCleared(t *testing.T) {
	b := newBench(t, kms.Options{})
	sealed := seal(t, b.Envelope, production, label, canary)
	opens(t, b.another(t, kms.Options{}), production, label, sealed, canary)
	if _, err := b.Hasher(t.Context(), production); err != nil {
		t.Fatal(err)
	}
	full, err := kms.NewEnvelope(fullDisk{b.keys}, b.fake, kms.Options{MaxUses: 1})
	if err != nil {
		t.Fatal(err)
	}
	defer full.Close()
	if _, err := full.Sealer(t.Context(), production); err == nil {
		t.Error("a data key was used that could not be stored")
	}
	handed := b.fake.HandedOut()
	if len(handed) != 4 {
		t.Errorf("got %d keys handed out, want 4", len(handed))
	}
	for i, key := range handed {
		if !bytes.Equal(key, make([]byte, kms.KeySize)) {
			t.Errorf("key %d is still in memory", i)
		}
	}
}

// fullDisk is a store that can be read and not written to.
type fullDisk struct{ *drivertest.Keys }

func (fullDisk) AddDataKey(context.Context, models.DataKey, []models.WrappedKey, int64) error {
	return errors.New("disk full")
}

func TestNeverNotFound(t *testing.T) {
	b := newBench(t, kms.Options{})
	sealed := seal(t, b.Envelope, production, label, canary)
	for _, op := range []drivertest.Op{drivertest.OpGenerate, drivertest.OpUnwrap} {
		b.fake.Fail(op, fault.New(fault.NotFound, "There is no such key."))
	}
	fresh := b.another(t, kms.Options{MaxUses: 1})
	ctx := context.Background()
	_, openErr := fresh.Open(ctx, production, label, sealed)
	_, sealErr := fresh.Sealer(ctx, production)
	_, hashErr := fresh.Hasher(ctx, staging)
	for name, err := range map[string]error{"open": openErr, "seal": sealErr, "hash": hashErr} {
		if err == nil || fault.Is(err, fault.NotFound) {
			t.Errorf("%s: got %v, want an error that is not NotFound", name, err)
		}
	}
}

// stunted is a backend that makes keys of the wrong size.
type stunted struct{ *drivertest.Fake }

func (s stunted) GenerateDataKey(ctx context.Context, key string, ec kms.Context) ([]byte, kms.Wrapped, error) {
	plain, wrapped, err := s.Fake.GenerateDataKey(ctx, key, ec)
	return plain[:16], wrapped, err
}

func TestUnusableDataKeyIsNotStored(t *testing.T) {
	keys := drivertest.NewKeys()
	e, err := kms.NewEnvelope(keys, stunted{drivertest.NewFake(models.RecipientKMS, "a")}, kms.Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer e.Close()
	if _, err := e.Sealer(t.Context(), production); !fault.Is(err, fault.Internal) {
		t.Errorf("got %v, want Internal", err)
	}
	if got := len(keys.All()); got != 0 {
		t.Errorf("got %d data keys stored, want none", got)
	}
}
