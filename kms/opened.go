package kms

import (
	"context"
	"crypto/hmac"

	"github.com/your-org/keeper/fault"
	"github.com/your-org/keeper/models"
)

// Backends are the backends without what guards calls of users against an outage, the
// primary first: long works have patience.
func (e *Envelope) Backends() []Wrapper {
	return append([]Wrapper{e.primary}, e.options.Others...)
}

// backend is the one that serves a kind of recipients, or nil.
func (e *Envelope) backend(kind models.RecipientKind) Wrapper {
	for _, wrapper := range e.Backends() {
		if wrapper.Kind() == kind {
			return wrapper
		}
	}
	return nil
}

// online is the backend of a kind of recipients that open data keys while Keeper runs, or
// nil: what an offline recipient holds is not here.
func (e *Envelope) online(kind models.RecipientKind) Wrapper {
	if kind != models.RecipientLocal && kind != models.RecipientKMS {
		return nil
	}
	return e.backend(kind)
}

// OpenedKey is a data key that was opened by one wrapped key alone. It opens values without
// I/O and is kept in no cache.
type OpenedKey struct {
	environment models.Environment
	key         *dataKey
	drill       *keyedHash
}

// OpenDataKey opens a data key past the cache by one given wrapped key alone: for drills,
// scrubs and migrations. Unavailable where it cannot be opened now; an error that is
// ErrDamaged where it opens to another key or not at all.
func (e *Envelope) OpenDataKey(ctx context.Context, env models.Environment, key models.DataKey, wrapped models.WrappedKey) (*OpenedKey, error) {
	plain, err := e.openRow(ctx, env, key, wrapped)
	if err != nil {
		return nil, err
	}
	defer clear(plain)
	drill, err := newDerivedHash(plain, domainDrill)
	if err != nil {
		return nil, damaged(err, "Data key %s of environment %s is not one that this Keeper can use.", key.ID, env.Name)
	}
	built, err := build(key, plain)
	if err != nil {
		return nil, damaged(err, "Data key %s of environment %s is not one that this Keeper can use.", key.ID, env.Name)
	}
	return &OpenedKey{environment: env, key: built, drill: drill}, nil
}

// openRow opens one wrapped key by its patient backend and holds the key against the row's
// commitment. The caller clears it.
func (e *Envelope) openRow(ctx context.Context, env models.Environment, key models.DataKey, wrapped models.WrappedKey) ([]byte, error) {
	if err := belongs(env, key, wrapped); err != nil {
		return nil, err
	}
	rows := []models.WrappedKey{wrapped}
	wrapper := e.backend(wrapped.RecipientKind)
	if wrapper == nil {
		return nil, notOpened(env, key.ID, rows, nil)
	}
	plain, err := wrapper.Unwrap(ctx, Wrapped{RecipientID: wrapped.RecipientID, Blob: wrapped.Blob}, e.context(env))
	if err != nil {
		return nil, notOpened(env, key.ID, rows, []error{err})
	}
	if err := checkKey(env, key, wrapped, plain); err != nil {
		clear(plain)
		return nil, err
	}
	return plain, nil
}

// belongs refuses rows that are not of this environment, or not of one data key.
func belongs(env models.Environment, key models.DataKey, rows ...models.WrappedKey) error {
	if key.EnvironmentID != env.ID {
		return errForeignKey(env, key.ID)
	}
	for _, row := range rows {
		if row.DataKeyID != key.ID {
			return damaged(nil, "A wrapped key of data key %s stands with data key %s of environment %s.", row.DataKeyID, key.ID, env.Name)
		}
	}
	return nil
}

// checkKey refuses a key that is not the one that the row commits to.
func checkKey(env models.Environment, key models.DataKey, wrapped models.WrappedKey, plain []byte) error {
	if len(key.Check) == 0 {
		return nil
	}
	check, err := Commitment(plain, key.ID)
	if err != nil || !hmac.Equal(check, key.Check) {
		return damaged(err, "The wrapped key of data key %s of environment %s for %s %s opens to another key.",
			key.ID, env.Name, wrapped.RecipientKind, wrapped.RecipientID)
	}
	return nil
}

// Open opens a sealed value of the data key. ErrDamaged where it was changed or belongs to
// another row or data key.
func (k *OpenedKey) Open(label Label, sealed Sealed) (models.Plaintext, error) {
	if err := openable(k.environment, label, sealed); err != nil {
		return models.Plaintext{}, err
	}
	if k.key.aead == nil || sealed.DataKeyID != k.key.id {
		return models.Plaintext{}, errPurpose(k.environment, k.key.id)
	}
	return k.key.open(k.environment, label, sealed)
}

// Answer is the data key's DrillAnswer to a nonce.
func (k *OpenedKey) Answer(nonce []byte) ([]byte, error) { return k.drill.sum(nonce), nil }

// Sum is the keyed hash of a value under a data key of purpose hash, 32 bytes.
func (k *OpenedKey) Sum(value models.Plaintext) ([]byte, error) {
	if k.key.hash == nil {
		return nil, fault.New(fault.Invalid, "Data key %s is not the key of a hash.", k.key.id)
	}
	return k.key.hash.sum(value.Reveal()), nil
}
