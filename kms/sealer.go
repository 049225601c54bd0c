package kms

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"sync/atomic"
	"time"

	"github.com/your-org/keeper/fault"
	"github.com/your-org/keeper/models"
)

// sealTries is how often one Sealer seals: once, and again where the transaction around it
// is rolled back and tried anew.
const sealTries = 8

// blockSize is how many uses are reserved at a time at most. A process that ends leaves the
// rest of its block unused, which costs at worst a data key made earlier than needed.
const blockSize = 64

// BlockLife is how long a block of reserved uses lives at most: within it a data key that
// is retired in the store stops sealing in every process.
const BlockLife = time.Minute

// aadCapacity has room for the additional data of any usual label.
const aadCapacity = 128

// Sealer is one reserved use of a data key: it seals one value, without I/O.
type Sealer struct {
	key   *dataKey
	tries *atomic.Int32
}

// Seal seals a value for the row that the label names. One Sealer is for one value; sealing
// again is for a transaction that is run again, and ends after a few times.
func (s Sealer) Seal(label Label, value models.Plaintext) (Sealed, error) {
	if s.key == nil {
		return Sealed{}, errors.New("kms: a Sealer that no Envelope made")
	}
	if label.Environment != s.key.environment {
		return Sealed{}, errOtherEnvironment(label, s.key.environment)
	}
	if s.tries.Add(1) > sealTries {
		return Sealed{}, fmt.Errorf("kms: one Sealer was used more than %d times", sealTries)
	}
	aad := appendAAD(make([]byte, 0, aadCapacity), label, s.key.id)
	//nolint:gosec // G407 takes the absent nonce for a fixed one; this cipher draws its own
	return Sealed{DataKeyID: s.key.id, Format: Format, Ciphertext: s.key.aead.Seal(nil, nil, value.Reveal(), aad)}, nil
}

// Sealer reserves one use of the environment's current data key, and makes a new one where
// none has a use left. Most calls touch neither the store nor the backend; as some do, it is
// to be called before the transaction that stores what is sealed, never in it.
func (e *Envelope) Sealer(ctx context.Context, env models.Environment) (Sealer, error) {
	if e.options.MaxUses == 1 {
		// Nothing is shared, so callers need not wait for each other.
		key, err := e.generateOne(ctx, env)
		if err != nil {
			return Sealer{}, err
		}
		return newSealer(key), nil
	}
	for {
		if id, ok := e.blocks.take(env.ID, e.options.Now()); ok {
			key, err := e.sealKey(ctx, env, id)
			if err != nil {
				return Sealer{}, err
			}
			return newSealer(key), nil
		}
		if err := e.shareRefill(ctx, env); err != nil {
			return Sealer{}, err
		}
	}
}

// generateOne makes a data key for one caller, which waits for it as others do for theirs.
func (e *Envelope) generateOne(ctx context.Context, env models.Environment) (*dataKey, error) {
	row := e.newDataKey(env, 1)
	return e.loading.do(ctx, flightName(env.ID, string(row.ID)), func(ctx context.Context, late func(error)) (*dataKey, error) {
		return e.generate(ctx, env, row, late)
	})
}

// shareRefill reserves one block for all who wait for one.
func (e *Envelope) shareRefill(ctx context.Context, env models.Environment) error {
	_, err := e.refills.do(ctx, flightName(env.ID, "block"), func(ctx context.Context, late func(error)) (struct{}, error) {
		return struct{}{}, e.refill(ctx, env, late)
	})
	return err
}

func newSealer(key *dataKey) Sealer { return Sealer{key: key, tries: new(atomic.Int32)} }

// refill reserves a block of uses of a data key that stands, or of a new one.
func (e *Envelope) refill(ctx context.Context, env models.Environment, late func(error)) error {
	now := e.options.Now()
	if e.blocks.usable(env.ID, now) {
		return nil // another refill came between the caller's look and this one
	}
	n, mark := e.blockSize(), e.cache.mark()
	row, _, err := e.keys.ReserveDataKey(ctx, env.ID, n, now)
	switch {
	case err == nil:
		if row.EnvironmentID != env.ID || row.Purpose != models.PurposeSeal || !now.Before(row.RetireAt) {
			return fmt.Errorf("kms: the store reserved data key %s, which does not seal for environment %d now", row.ID, env.ID)
		}
	case fault.Is(err, fault.NotFound):
		row = e.newDataKey(env, n)
		if _, err := e.generate(ctx, env, row, late); err != nil {
			return err
		}
	default:
		return err
	}
	until := now.Add(BlockLife)
	if row.RetireAt.Before(until) {
		until = row.RetireAt
	}
	e.blocks.put(env.ID, block{key: row.ID, left: n, until: until}, func() bool { return mark == e.cache.mark() })
	return nil
}

// blockSize divides MaxUses into the fewest equal blocks, so that next to none are left over.
func (e *Envelope) blockSize() int64 {
	count := (e.options.MaxUses + blockSize - 1) / blockSize
	return e.options.MaxUses / count
}

func (e *Envelope) newDataKey(env models.Environment, uses int64) models.DataKey {
	now := e.options.Now()
	return models.DataKey{
		ID: models.NewDataKeyID(), EnvironmentID: env.ID, Purpose: models.PurposeSeal,
		Uses: uses, MaxUses: e.options.MaxUses, CreatedAt: now, RetireAt: now.Add(e.options.MaxAge),
	}
}

// blocks are the uses that this process has reserved and not yet given away.
type blocks struct {
	mu            sync.Mutex
	byEnvironment map[models.EnvironmentID]block
}

// block names the data key but does not hold it: a key stays in memory for no longer than
// the cache keeps it, also where nobody writes for hours.
type block struct {
	key   models.DataKeyID
	left  int64
	until time.Time
}

func (one block) usable(now time.Time) bool { return one.left > 0 && now.Before(one.until) }

func (b *blocks) take(env models.EnvironmentID, now time.Time) (models.DataKeyID, bool) {
	b.mu.Lock()
	defer b.mu.Unlock()
	one := b.byEnvironment[env]
	if !one.usable(now) {
		return "", false
	}
	one.left--
	b.byEnvironment[env] = one
	return one.key, true
}

func (b *blocks) usable(env models.EnvironmentID, now time.Time) bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.byEnvironment[env].usable(now)
}

// put keeps a block, unless keys were forgotten since it was asked for.
func (b *blocks) put(env models.EnvironmentID, one block, current func() bool) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if current() {
		b.byEnvironment[env] = one
	}
}

func (b *blocks) drop(env models.EnvironmentID) {
	b.mu.Lock()
	defer b.mu.Unlock()
	delete(b.byEnvironment, env)
}
