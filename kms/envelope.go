package kms

import (
	"cmp"
	"context"
	"fmt"
	"maps"
	"strings"
	"sync"
	"time"

	"github.com/your-org/keeper/fault"
	"github.com/your-org/keeper/models"
)

// ContextEnvironment is the key of the encryption context that holds the environment's
// name. Keys that begin with "keeper:" are Keeper's own.
const ContextEnvironment = "keeper:environment"

// NoCache as Options.CacheTTL keeps no data key beyond the call that loaded it.
const NoCache = time.Duration(-1)

// maxMaxUses keeps MaxUses × sealTries below the 2³² sealings under one key that NIST SP
// 800-38D allows; see NewAEAD.
const maxMaxUses = 1 << 28

// Keys is the store of data keys as the envelope needs it. Each call is a transaction of its
// own, durable when it returns.
type Keys interface {
	// ReserveDataKey adds n to the uses of a data key of the environment that seals, is
	// not past its RetireAt and has n uses left, in one step, and returns it with its
	// wrapped keys. NotFound when none is usable.
	ReserveDataKey(ctx context.Context, env models.EnvironmentID, n int64, now time.Time) (models.DataKey, []models.WrappedKey, error)
	// Recipients says for whom the environment's data keys are to be wrapped.
	Recipients(ctx context.Context, env models.EnvironmentID) (Recipients, error)
	// AddDataKey stores a new data key with all its wrapped keys, or nothing. Conflict
	// when the id stands; Stale where the environment's generation is another one by now.
	AddDataKey(ctx context.Context, key models.DataKey, wrapped []models.WrappedKey, generation int64) error
	// DataKey returns a data key with its wrapped keys. NotFound when there is none.
	DataKey(ctx context.Context, id models.DataKeyID) (models.DataKey, []models.WrappedKey, error)
}

// Recipients are those for whom an environment's data keys are to be wrapped.
type Recipients struct {
	// Generation grows with every change of the others; see models.Environment.
	Generation int64
	// Primary names the wrapping key of the primary backend, "" its default.
	Primary string
	Others  []models.Recipient
}

// Options tune an Envelope. The zero value is good.
type Options struct {
	// Others open data keys that the primary cannot, in this order.
	Others []Wrapper
	// Context is added to every encryption context. Keys that begin with "keeper:" are
	// refused.
	Context Context
	// MaxUses is how many values one data key seals at most; 0: 1024; 1: a key per value.
	MaxUses int64
	// MaxAge is how long a data key seals; 0: 24 hours.
	MaxAge time.Duration
	// CacheTTL is how long a data key is kept in memory after it was loaded; 0: 5 minutes.
	CacheTTL time.Duration
	// CacheGrace is how long beyond CacheTTL a data key is used while the backend cannot be
	// reached; 0: not at all. Without a cache there is no grace either.
	CacheGrace time.Duration
	// CacheSize is how many data keys are kept in memory; 0: 10,000.
	CacheSize int
	// Now is the clock; nil: time.Now.
	Now func() time.Time
}

func (o Options) withDefaults() Options {
	o.MaxUses = cmp.Or(o.MaxUses, 1024)
	o.MaxAge = cmp.Or(o.MaxAge, 24*time.Hour)
	o.CacheTTL = cmp.Or(o.CacheTTL, 5*time.Minute)
	o.CacheSize = cmp.Or(o.CacheSize, 10_000)
	if o.Now == nil {
		o.Now = time.Now
	}
	return o
}

// grace is CacheGrace, where there is a cache at all.
func (o Options) grace() time.Duration {
	if o.CacheTTL <= 0 {
		return 0
	}
	return o.CacheGrace
}

func (o Options) validate() error {
	for key := range o.Context {
		if strings.HasPrefix(key, "keeper:") {
			return fault.New(fault.Invalid, "The encryption context must not hold %q: keys that begin with keeper: are Keeper's own.", key)
		}
	}
	switch {
	case o.MaxUses < 1 || o.MaxUses > maxMaxUses:
		return fault.New(fault.Invalid, "A data key must have between 1 and %d uses.", maxMaxUses)
	case o.MaxAge < time.Second:
		return fault.New(fault.Invalid, "A data key must be used for at least a second.")
	case o.CacheGrace < 0:
		return fault.New(fault.Invalid, "The grace of cached data keys must not be negative.")
	case o.CacheSize < 1:
		return fault.New(fault.Invalid, "The cache must hold at least one data key.")
	}
	return nil
}

// Envelope seals and opens values under data keys that are stored only wrapped. It is safe
// for many goroutines. No error of it is ever NotFound: what cannot be opened is unknown,
// not absent.
type Envelope struct {
	keys    Keys
	primary Wrapper
	options Options

	cache   *keyCache
	blocks  blocks
	loading *flights[*dataKey]
	refills *flights[struct{}]
	guard   *guard

	life context.Context // until Close
	stop context.CancelFunc
	wait sync.WaitGroup
}

// NewEnvelope makes an envelope whose new data keys are wrapped by primary. Close it.
func NewEnvelope(keys Keys, primary Wrapper, options Options) (*Envelope, error) {
	options = options.withDefaults()
	if err := options.validate(); err != nil {
		return nil, err
	}
	options.Context = maps.Clone(options.Context)
	ctx, stop := context.WithCancel(context.Background())
	e := &Envelope{
		keys: keys, primary: primary, options: options,
		cache:   newKeyCache(options.CacheTTL, options.grace(), options.CacheSize, options.Now),
		blocks:  blocks{byEnvironment: map[models.EnvironmentID]block{}},
		loading: newFlights[*dataKey](), refills: newFlights[struct{}](),
		guard: newGuard(options.Now), life: ctx, stop: stop,
	}
	e.wait.Go(func() { e.guard.watch(ctx) })
	if options.CacheTTL > 0 {
		e.wait.Go(func() { e.sweep(ctx) })
	}
	return e, nil
}

// sweep drops keys soon after their time is over, so that they do not wait in memory for
// the next load.
func (e *Envelope) sweep(ctx context.Context) {
	ticker := time.NewTicker(max(min(e.options.CacheTTL/4, time.Minute), time.Millisecond))
	defer ticker.Stop()
	for {
		select {
		case <-ticker.C:
			e.cache.sweep()
		case <-ctx.Done():
			return
		}
	}
}

// Forget drops what is kept in memory of an environment's keys. The next call loads them
// anew, and new values are sealed under a data key that the store names.
func (e *Envelope) Forget(env models.EnvironmentID) {
	e.cache.forget(env) // before the block, so that a refill that is under way notices
	e.blocks.drop(env)
}

// Close drops all keys from memory, ends what is being loaded and waits for it. Sealers and
// hashers that were handed out go on working.
func (e *Envelope) Close() {
	e.stop()
	e.loading.close()
	e.refills.close()
	e.cache.close()
	e.wait.Wait()
}

// Label names the row that a sealed value belongs to. Every field is bound into the
// ciphertext.
type Label struct {
	Kind        string // KindVersion, KindCredentials or KindChannel
	Environment models.EnvironmentID
	Object      string // the secret's or the destination's id
	Number      int64  // the version's number; 0 for credentials
}

// The kinds of labels.
const (
	KindVersion     = "version"
	KindCredentials = "credentials"
	KindChannel     = "channel"
)

// Sealed is a sealed value as it is stored.
type Sealed struct {
	DataKeyID  models.DataKeyID
	Format     int
	Ciphertext []byte // nonce, ciphertext and tag: SealOverhead bytes longer than the value
}

// Open opens a sealed value. Unavailable where the data key cannot be had now; an error
// that is ErrDamaged where the value or its data key was changed, belongs to another row,
// or is gone.
func (e *Envelope) Open(ctx context.Context, env models.Environment, label Label, sealed Sealed) (models.Plaintext, error) {
	if err := openable(env, label, sealed); err != nil {
		return models.Plaintext{}, err
	}
	key, err := e.sealKey(ctx, env, sealed.DataKeyID)
	if err != nil {
		return models.Plaintext{}, err
	}
	return key.open(env, label, sealed)
}

// openable says what forbids to open a sealed value before its data key is asked for.
func openable(env models.Environment, label Label, sealed Sealed) error {
	if label.Environment != env.ID {
		return errOtherEnvironment(label, env.ID)
	}
	if sealed.Format != Format {
		return damaged(nil, "A value of environment %s is sealed in format %d, which this Keeper does not know.", env.Name, sealed.Format)
	}
	return nil
}

// open opens what is sealed under this key.
func (k *dataKey) open(env models.Environment, label Label, sealed Sealed) (models.Plaintext, error) {
	value, err := k.aead.Open(nil, nil, sealed.Ciphertext, appendAAD(make([]byte, 0, aadCapacity), label, k.id))
	if err != nil {
		return models.Plaintext{}, damaged(err, "The %s %s, number %d, of environment %s does not open under data key %s: it was changed, or moved from another row.",
			label.Kind, label.Object, label.Number, env.Name, k.id)
	}
	return models.NewPlaintext(value), nil
}

// Hasher returns the environment's keyed hash, whose key is made at the first call for the
// environment and never changes.
func (e *Envelope) Hasher(ctx context.Context, env models.Environment) (Hasher, error) {
	key, err := e.hashKey(ctx, env)
	if err != nil {
		return Hasher{}, err
	}
	return Hasher{key.hash}, nil
}

// Hasher tells whether two values of an environment are equal, without keeping them.
type Hasher struct{ hash *keyedHash }

// Sum is the keyed hash of a value, 32 bytes: HMAC-SHA256.
func (h Hasher) Sum(value models.Plaintext) []byte { return h.hash.sum(value.Reveal()) }

// Verify proves, past the cache, that the environment's data keys can be opened: it unwraps
// one. It is meant for the start, where a wrong master key or a missing permission is to be
// told before the first request meets it.
func (e *Envelope) Verify(ctx context.Context, env models.Environment) error {
	id := hashKeyID(env.ID)
	if _, _, err := e.keys.DataKey(ctx, id); fault.Is(err, fault.NotFound) {
		if _, err := e.loadOrMakeHashKey(ctx, env, id, nil); err != nil {
			return err
		}
	}
	_, err := e.load(ctx, env, id, nil)
	return err
}

// context is the encryption context of an environment's data keys.
func (e *Envelope) context(env models.Environment) Context {
	ec := make(Context, len(e.options.Context)+1)
	maps.Copy(ec, e.options.Context)
	ec[ContextEnvironment] = env.Name
	return ec
}

func errOtherEnvironment(label Label, env models.EnvironmentID) error {
	return fmt.Errorf("kms: a label of environment %d was used with environment %d", label.Environment, env)
}
