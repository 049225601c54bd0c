package kms

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/your-org/keeper/fault"
	"github.com/your-org/keeper/models"
)

// ErrDamaged is in the chain of errors that say that something stored was changed, swapped
// or lost, so that it will not open by waiting.
var ErrDamaged = errors.New("kms: damaged")

// damaged is Invalid rather than Internal so that its message, which names the environment
// and the key, reaches the person who must act on it.
func damaged(cause error, format string, args ...any) error {
	return fault.Wrap(errors.Join(ErrDamaged, cause), fault.Invalid, format, args...).
		WithHint("The stored value is left as it is; restore this row from a backup.")
}

func hashKeyID(env models.EnvironmentID) models.DataKeyID {
	return models.DataKeyID("hash_" + strconv.FormatInt(int64(env), 10))
}

// flightName keeps a data key that is asked for under the wrong environment apart from the
// callers that have it right.
func flightName(env models.EnvironmentID, what string) string {
	return strconv.FormatInt(int64(env), 10) + "/" + what
}

// sealKey returns a data key that seals from the cache, or loads it once for all who ask.
func (e *Envelope) sealKey(ctx context.Context, env models.Environment, id models.DataKeyID) (*dataKey, error) {
	key, err := e.cache.get(id), error(nil)
	if key == nil {
		key, err = e.share(ctx, env, id, e.load)
	}
	switch {
	case err != nil:
		return nil, err
	case key.environment != env.ID:
		return nil, errForeignKey(env, id)
	case key.aead == nil:
		return nil, errPurpose(env, id)
	}
	return key, nil
}

// hashKey returns the environment's hash key, and makes it where there is none.
func (e *Envelope) hashKey(ctx context.Context, env models.Environment) (*dataKey, error) {
	id := hashKeyID(env.ID)
	key, err := e.cache.get(id), error(nil)
	if key == nil {
		key, err = e.share(ctx, env, id, e.loadOrMakeHashKey)
	}
	switch {
	case err != nil:
		return nil, err
	case key.hash == nil:
		return nil, errPurpose(env, id)
	}
	return key, nil
}

type loadFunc func(ctx context.Context, env models.Environment, id models.DataKeyID, late func(error)) (*dataKey, error)

// staleInterval is how often a data key whose backend cannot be reached is tried to be
// loaded again, at use.
const staleInterval = time.Second

// share loads a data key once for all who ask. It stands apart from its callers so that
// their hot path allocates nothing for it. Where no backend can be reached a key is used on
// through its grace, and where that is not known yet within StaleWait; a refusal ends that,
// as load drops the key.
func (e *Envelope) share(ctx context.Context, env models.Environment, id models.DataKeyID, load loadFunc) (*dataKey, error) {
	waiting, cancel := ctx, func() {}
	if e.cache.graced(id) {
		waiting, cancel = context.WithTimeout(ctx, StaleWait)
	}
	defer cancel()
	key, err := e.loading.do(waiting, flightName(env.ID, string(id)), func(ctx context.Context, late func(error)) (*dataKey, error) {
		// Another load may have ended between the caller's look at the cache and this one.
		if key := e.cache.get(id); key != nil {
			return key, nil
		}
		return load(ctx, env, id, late)
	})
	if errors.Is(err, ErrUnreachable) || err != nil && waiting.Err() != nil && ctx.Err() == nil {
		if key := e.cache.stale(id, staleInterval); key != nil {
			return key, nil
		}
	}
	return key, err
}

// loadOrMakeHashKey ends with the key that was stored first where two processes make it at
// once.
func (e *Envelope) loadOrMakeHashKey(ctx context.Context, env models.Environment, id models.DataKeyID, late func(error)) (*dataKey, error) {
	if _, _, err := e.keys.DataKey(ctx, id); !fault.Is(err, fault.NotFound) {
		return e.load(ctx, env, id, late)
	}
	now := e.options.Now()
	// Retired from the start and without uses: it never seals.
	row := models.DataKey{ID: id, EnvironmentID: env.ID, Purpose: models.PurposeHash, CreatedAt: now, RetireAt: now}
	key, err := e.generate(ctx, env, row, late)
	if fault.Is(err, fault.Conflict) {
		return e.load(ctx, env, id, late)
	}
	return key, err
}

// load reads a data key from the store, unwraps it and keeps it. When a key that is kept
// already turns out to be refused or damaged, it is dropped. Callers that need not wait
// longer than Patience are told by late, which may be nil.
func (e *Envelope) load(ctx context.Context, env models.Environment, id models.DataKeyID, late func(error)) (*dataKey, error) {
	mark := e.cache.mark()
	row, wrapped, err := e.keys.DataKey(ctx, id)
	switch {
	case fault.Is(err, fault.NotFound):
		err = damaged(err, "Data key %s of environment %s is missing from the database.", id, env.Name)
	case err != nil:
		return nil, err // says nothing about the key
	default:
		var key *dataKey
		if key, err = e.open(ctx, env, row, wrapped, late); err == nil {
			e.cache.put(key, mark)
			return key, nil
		}
	}
	if !errors.Is(err, ErrUnreachable) && ctx.Err() == nil {
		e.cache.drop(env.ID, id)
	}
	return nil, err
}

// open unwraps a data key and makes it ready for use.
func (e *Envelope) open(ctx context.Context, env models.Environment, row models.DataKey, wrapped []models.WrappedKey, late func(error)) (*dataKey, error) {
	if err := belongs(env, row, wrapped...); err != nil {
		return nil, err
	}
	plain, err := e.unwrap(ctx, env, row, wrapped, late)
	if err != nil {
		return nil, err
	}
	key, err := build(row, plain)
	if err != nil {
		return nil, damaged(err, "Data key %s of environment %s is not one that this Keeper can use.", row.ID, env.Name)
	}
	if before := e.cache.peek(row.ID); before != nil && before.check != key.check {
		return nil, damaged(nil, "Data key %s of environment %s opens to another key than before.", row.ID, env.Name)
	}
	return key, nil
}

// build makes a data key ready for use and clears its bytes.
func build(row models.DataKey, plain []byte) (*dataKey, error) {
	defer clear(plain)
	check, err := Commitment(plain, row.ID)
	if err != nil {
		return nil, err
	}
	key := &dataKey{id: row.ID, environment: row.EnvironmentID, check: [CheckSize]byte(check)}
	switch row.Purpose {
	case models.PurposeSeal:
		key.aead, err = NewAEAD(plain)
	case models.PurposeHash:
		if key.hash, err = newKeyedHash(plain); err == nil {
			key.sign, err = newSigner(plain)
		}
	default:
		err = fmt.Errorf("kms: data key of purpose %q", row.Purpose)
	}
	return key, err
}

// unwrap opens a data key by the first of its wrapped keys that opens to the right key:
// those in the place of the environment's own wrapping key first, those that are not
// expected to answer last. Recipients that no backend serves while Keeper runs, as recovery
// keys, are not tried.
func (e *Envelope) unwrap(ctx context.Context, env models.Environment, row models.DataKey, rows []models.WrappedKey, late func(error)) ([]byte, error) {
	home := e.home(env)
	var attempts []attempt
	for _, wrapped := range rows {
		one, ok := e.unwrapping(env, row, wrapped)
		switch {
		case !ok:
		case one.place == home:
			attempts = slices.Insert(attempts, 0, one)
		default:
			attempts = append(attempts, one)
		}
	}
	got, errs := e.race(ctx, attempts, func(err error) {
		if late != nil {
			late(notOpened(env, row.ID, rows, []error{err}))
		}
	})
	if got.plain == nil {
		return nil, notOpened(env, row.ID, rows, errs)
	}
	return got.plain, nil
}

// unwrapping is the attempt to open one wrapped key.
func (e *Envelope) unwrapping(env models.Environment, row models.DataKey, wrapped models.WrappedKey) (attempt, bool) {
	wrapper := e.online(wrapped.RecipientKind)
	if wrapper == nil {
		return attempt{}, false
	}
	return attempt{
		place: e.guard.at(wrapper, wrapped.RecipientID),
		call: func(ctx context.Context) ([]byte, Wrapped, error) {
			plain, err := wrapper.Unwrap(ctx, Wrapped{RecipientID: wrapped.RecipientID, Blob: wrapped.Blob}, e.context(env))
			return plain, Wrapped{}, err
		},
		check: func(plain []byte) error { return checkKey(env, row, wrapped, plain) },
	}, true
}

// notOpened says why none of a data key's rows opened. As long as one of them was merely
// out of reach, the key is not lost and the answer is to wait.
func notOpened(env models.Environment, id models.DataKeyID, rows []models.WrappedKey, errs []error) error {
	var away, broken []error
	for _, err := range errs {
		if fault.Is(err, fault.Unavailable) {
			away = append(away, err)
		} else {
			broken = append(broken, err)
		}
	}
	switch {
	case len(away) > 0:
		return explain(errors.Join(away...), fault.Unavailable, "Data key %s of environment %s cannot be opened now.", id, env.Name)
	case len(broken) > 0:
		return explain(errors.Join(append(broken, ErrDamaged)...), fault.Invalid, "Data key %s of environment %s does not open.", id, env.Name)
	case len(rows) == 0:
		return damaged(nil, "Data key %s of environment %s is stored without any wrapped key.", id, env.Name)
	}
	var recipients []string
	for _, row := range rows {
		recipients = append(recipients, string(row.RecipientKind)+" "+row.RecipientID)
	}
	return fault.New(fault.Unavailable, "Data key %s of environment %s is wrapped for %s, which this Keeper has no backend for.",
		id, env.Name, strings.Join(recipients, ", ")).
		WithHint("Start Keeper with that backend: KEY_MANAGEMENT_BACKEND and its settings. Whoever holds a recovery identity recovers by keeper kms recover.")
}

// explain puts a sentence before what the backend said, and keeps its hint.
func explain(cause error, kind fault.Kind, format string, args ...any) error {
	said := fault.Public(cause)
	return fault.Wrap(cause, kind, "%s %s", fmt.Sprintf(format, args...), said.Message).WithHint("%s", said.Hint)
}

// notAbsent keeps a NotFound from below from being taken for a secret that is not there.
func notAbsent(err error) error {
	if fault.Is(err, fault.NotFound) {
		return explain(err, fault.Unavailable, "No data key can be made.")
	}
	return err
}

func errForeignKey(env models.Environment, id models.DataKeyID) error {
	return damaged(nil, "Data key %s belongs to another environment than %s, which names it.", id, env.Name)
}

func errPurpose(env models.Environment, id models.DataKeyID) error {
	return damaged(nil, "Data key %s of environment %s is used for what it was not made for.", id, env.Name)
}
