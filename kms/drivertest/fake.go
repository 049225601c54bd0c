package drivertest

import (
	"cmp"
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"

	"github.com/your-org/keeper/fault"
	"github.com/your-org/keeper/kms"
	"github.com/your-org/keeper/models"
)

// Op is an operation of a Wrapper.
type Op string

// The operations.
const (
	OpGenerate Op = "generate"
	OpWrap     Op = "wrap"
	OpUnwrap   Op = "unwrap"
	OpRewrap   Op = "rewrap"
	OpDescribe Op = "describe"
)

// Fake is a backend in memory with real encryption, faults to inject and a record of calls.
// A key's place is what stands before the first "/" of its name, or the whole name. It is
// safe for many goroutines.
type Fake struct {
	kind models.RecipientKind

	mu     sync.Mutex
	keys   map[string][]byte
	first  string
	failed map[Op]error
	away   map[string]error // by key
	before func(ctx context.Context, op Op, key string)
	calls  map[Op]int
	handed [][]byte
	given  [][]byte
}

var (
	_ kms.Wrapper = (*Fake)(nil)
	_ kms.Placed  = (*Fake)(nil)

	_ kms.Rewrapper = (*Fake)(nil)
)

// NewFake makes a backend of a kind that has the named keys, the first being the default.
// Two fakes never have the same keys, whatever their names.
func NewFake(kind models.RecipientKind, keys ...string) *Fake {
	f := &Fake{kind: kind, keys: map[string][]byte{}, first: keys[0], failed: map[Op]error{}, away: map[string]error{}, calls: map[Op]int{}}
	for _, name := range keys {
		f.keys[name] = make([]byte, kms.KeySize)
		_, _ = rand.Read(f.keys[name])
	}
	return f
}

// Fail makes an operation fail with err from now on; nil mends it.
func (f *Fake) Fail(op Op, err error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.failed[op] = err
}

// ops are all operations.
var ops = []Op{OpGenerate, OpWrap, OpUnwrap, OpRewrap, OpDescribe}

// CutOff makes every operation fail as when the backend does not answer.
func (f *Fake) CutOff() {
	for _, op := range ops {
		f.Fail(op, unreachable(f.first))
	}
}

// Refuse makes every operation fail as when the backend answers that its keys may not be
// used.
func (f *Fake) Refuse() {
	for _, op := range ops {
		f.Fail(op, fault.New(fault.Unavailable, "The fake key %s is disabled.", f.first).WithHint("Enable it."))
	}
}

// CutOffKey makes every call that names one key fail as when its region does not answer.
func (f *Fake) CutOffKey(key string) { f.failKey(key, unreachable(key)) }

// RefuseKey makes every call that names one key fail as when it is disabled. It can still be
// looked up.
func (f *Fake) RefuseKey(key string) {
	f.failKey(key, fault.New(fault.Unavailable, "The fake key %s is disabled.", key).WithHint("Enable it."))
}

func (f *Fake) failKey(key string, err error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.away[key] = err
}

func unreachable(key string) error {
	return fault.Wrap(kms.ErrUnreachable, fault.Unavailable, "The fake backend with the key %s is away.", key).WithHint("Mend it.")
}

// Place implements kms.Placed.
func (f *Fake) Place(key string) string {
	if key == "" {
		key = f.first
	}
	place, _, _ := strings.Cut(key, "/")
	return place
}

// CanRewrap implements kms.Rewrapper.
func (f *Fake) CanRewrap(from, to string) bool { return f.Place(from) == f.Place(to) }

// Mend ends what Fail, CutOff, Refuse and their kin began.
func (f *Fake) Mend() {
	f.mu.Lock()
	defer f.mu.Unlock()
	clear(f.failed)
	clear(f.away)
}

// Before is called at the beginning of each call, outside any lock: a test can wait in it.
func (f *Fake) Before(hook func(ctx context.Context, op Op)) {
	if hook == nil {
		f.BeforeKey(nil)
		return
	}
	f.BeforeKey(func(ctx context.Context, op Op, _ string) { hook(ctx, op) })
}

// BeforeKey is Before with the name of the key that the call is about: of a rewrap the one
// that is left.
func (f *Fake) BeforeKey(hook func(ctx context.Context, op Op, key string)) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.before = hook
}

// Calls is how often an operation was called, failures included.
func (f *Fake) Calls(op Op) int {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.calls[op]
}

// HandedOut are the very slices of plaintext keys that were given to callers, so that a
// test sees whether they were cleared.
func (f *Fake) HandedOut() [][]byte {
	f.mu.Lock()
	defer f.mu.Unlock()
	return slices.Clone(f.handed)
}

// Given are the very slices of plaintext keys that callers gave to be wrapped.
func (f *Fake) Given() [][]byte {
	f.mu.Lock()
	defer f.mu.Unlock()
	return slices.Clone(f.given)
}

// Kind is the kind that the fake was made with.
func (f *Fake) Kind() models.RecipientKind { return f.kind }

// GenerateDataKey implements kms.Wrapper.
func (f *Fake) GenerateDataKey(ctx context.Context, key string, ec kms.Context) ([]byte, kms.Wrapped, error) {
	if err := f.begin(ctx, OpGenerate, key); err != nil {
		return nil, kms.Wrapped{}, err
	}
	plain := make([]byte, kms.KeySize)
	_, _ = rand.Read(plain)
	wrapped, err := f.wrap(key, plain, ec)
	if err != nil {
		return nil, kms.Wrapped{}, err
	}
	return f.hand(plain), wrapped, nil
}

// Wrap implements kms.Wrapper.
func (f *Fake) Wrap(ctx context.Context, key string, plain []byte, ec kms.Context) (kms.Wrapped, error) {
	f.mu.Lock()
	f.given = append(f.given, plain)
	f.mu.Unlock()
	if err := f.begin(ctx, OpWrap, key); err != nil {
		return kms.Wrapped{}, err
	}
	return f.wrap(key, plain, ec)
}

// Unwrap implements kms.Wrapper.
func (f *Fake) Unwrap(ctx context.Context, wrapped kms.Wrapped, ec kms.Context) ([]byte, error) {
	if err := f.begin(ctx, OpUnwrap, wrapped.RecipientID); err != nil {
		return nil, err
	}
	plain, err := f.open(wrapped, ec)
	if err != nil {
		return nil, err
	}
	return f.hand(plain), nil
}

// Rewrap implements kms.Wrapper.
func (f *Fake) Rewrap(ctx context.Context, wrapped kms.Wrapped, key string, ec kms.Context) (kms.Wrapped, error) {
	if err := f.begin(ctx, OpRewrap, wrapped.RecipientID, key); err != nil {
		return kms.Wrapped{}, err
	}
	plain, err := f.open(wrapped, ec)
	if err != nil {
		return kms.Wrapped{}, err
	}
	return f.wrap(key, plain, ec)
}

// Describe implements kms.Wrapper.
func (f *Fake) Describe(ctx context.Context, key string) (kms.KeyInfo, error) {
	if err := f.begin(ctx, OpDescribe, key); err != nil {
		return kms.KeyInfo{}, err
	}
	name, _, err := f.key(key)
	if err != nil {
		return kms.KeyInfo{}, fault.New(fault.NotFound, "There is no fake key %s.", key)
	}
	return kms.KeyInfo{ID: name, Enabled: true, State: "Enabled"}, nil
}

// begin counts a call and answers with what was injected.
func (f *Fake) begin(ctx context.Context, op Op, keys ...string) error {
	f.mu.Lock()
	f.calls[op]++
	before := f.before
	f.mu.Unlock()
	if before != nil {
		before(ctx, op, keys[0])
	}
	if err := ctx.Err(); err != nil {
		return fault.Wrap(err, fault.Unavailable, "The fake backend's call was ended.")
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	for _, key := range keys {
		err := f.away[cmp.Or(key, f.first)]
		if err != nil && (op != OpDescribe || errors.Is(err, kms.ErrUnreachable)) {
			return err
		}
	}
	return f.failed[op]
}

func (f *Fake) hand(plain []byte) []byte {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.handed = append(f.handed, plain)
	return plain
}

func (f *Fake) key(name string) (string, []byte, error) {
	if name == "" {
		name = f.first
	}
	secret, ok := f.keys[name]
	if !ok {
		return "", nil, fault.New(fault.Unavailable, "There is no fake key %s.", name)
	}
	return name, secret, nil
}

func (f *Fake) wrap(key string, plain []byte, ec kms.Context) (kms.Wrapped, error) {
	name, secret, err := f.key(key)
	if err != nil {
		return kms.Wrapped{}, err
	}
	aead, err := kms.NewDerivedAEAD(secret, "fake", kms.AppendContext(nil, ec))
	if err != nil {
		return kms.Wrapped{}, fmt.Errorf("drivertest: %w", err)
	}
	return kms.Wrapped{RecipientID: name, Blob: aead.Seal(nil, nil, plain, nil)}, nil
}

func (f *Fake) open(wrapped kms.Wrapped, ec kms.Context) ([]byte, error) {
	name, secret, err := f.key(wrapped.RecipientID)
	if err != nil {
		return nil, err
	}
	aead, err := kms.NewDerivedAEAD(secret, "fake", kms.AppendContext(nil, ec))
	if err != nil {
		return nil, fmt.Errorf("drivertest: %w", err)
	}
	plain, err := aead.Open(nil, nil, wrapped.Blob, nil)
	if err != nil {
		return nil, fault.Wrap(err, fault.Invalid, "A data key wrapped under the fake key %s does not open.", name)
	}
	return plain, nil
}
