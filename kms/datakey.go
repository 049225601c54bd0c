package kms

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"strconv"
	"strings"

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

type loadFunc func(context.Context, models.Environment, models.DataKeyID) (*dataKey, error)

// share loads a data key once for all who ask. It stands apart from its callers so that
// their hot path allocates nothing for it.
func (e *Envelope) share(ctx context.Context, env models.Environment, id models.DataKeyID, load loadFunc) (*dataKey, error) {
	return e.loading.do(ctx, flightName(env.ID, string(id)), func(ctx context.Context) (*dataKey, error) {
		// Another load may have ended between the caller's look at the cache and this one.
		if key := e.cache.get(id); key != nil {
			return key, nil
		}
		return load(ctx, env, id)
	})
}

// loadOrMakeHashKey ends with the key that was stored first where two processes make it at
// once.
func (e *Envelope) loadOrMakeHashKey(ctx context.Context, env models.Environment, id models.DataKeyID) (*dataKey, error) {
	if _, _, err := e.keys.DataKey(ctx, id); !fault.Is(err, fault.NotFound) {
		return e.load(ctx, env, id)
	}
	now := e.options.Now()
	// Retired from the start and without uses: it never seals.
	row := models.DataKey{ID: id, EnvironmentID: env.ID, Purpose: models.PurposeHash, CreatedAt: now, RetireAt: now}
	key, err := e.generate(ctx, env, row)
	if fault.Is(err, fault.Conflict) {
		return e.load(ctx, env, id)
	}
	return key, err
}

// load reads a data key from the store, unwraps it and keeps it.
func (e *Envelope) load(ctx context.Context, env models.Environment, id models.DataKeyID) (*dataKey, error) {
	mark := e.cache.mark()
	row, wrapped, err := e.keys.DataKey(ctx, id)
	if fault.Is(err, fault.NotFound) {
		return nil, damaged(err, "Data key %s of environment %s is missing from the database.", id, env.Name)
	}
	if err != nil {
		return nil, err
	}
	if row.EnvironmentID != env.ID {
		return nil, errForeignKey(env, id)
	}
	plain, err := e.unwrap(ctx, env, id, wrapped)
	if err != nil {
		return nil, err
	}
	key, err := build(row, plain)
	if err != nil {
		return nil, damaged(err, "Data key %s of environment %s is not one that this Keeper can use.", id, env.Name)
	}
	e.cache.put(key, mark)
	return key, nil
}

// generate makes a data key, stores it wrapped and keeps it. Nothing is sealed under a key
// whose wrapped form is not durable yet.
func (e *Envelope) generate(ctx context.Context, env models.Environment, row models.DataKey) (*dataKey, error) {
	mark := e.cache.mark()
	recipients, err := e.keys.Recipients(ctx, env.ID)
	if err != nil {
		return nil, notAbsent(err)
	}
	plain, wrapped, err := e.primary.GenerateDataKey(ctx, e.wrappingKey(env), e.context(env))
	e.health.note(err, e.options.Now())
	if err != nil {
		return nil, notAbsent(err)
	}
	key, err := build(row, plain)
	if err != nil {
		return nil, err // before anything is stored that could not be used
	}
	err = e.keys.AddDataKey(ctx, row, []models.WrappedKey{{
		DataKeyID: row.ID, RecipientKind: e.primary.Kind(), RecipientID: wrapped.RecipientID,
		Blob: wrapped.Blob, CreatedAt: row.CreatedAt,
	}}, recipients.Generation)
	if err != nil {
		return nil, notAbsent(err)
	}
	e.cache.put(key, mark)
	return key, nil
}

// wrappingKey is the environment's own key in KMS; the local backend has one for all and
// derives from it.
func (e *Envelope) wrappingKey(env models.Environment) string {
	if e.primary.Kind() == models.RecipientKMS {
		return env.KMSKeyAlias
	}
	return ""
}

// build makes a data key ready for use and clears its bytes.
func build(row models.DataKey, plain []byte) (*dataKey, error) {
	defer clear(plain)
	key := &dataKey{id: row.ID, environment: row.EnvironmentID}
	var err error
	switch row.Purpose {
	case models.PurposeSeal:
		key.aead, err = NewAEAD(plain)
	case models.PurposeHash:
		key.hash, err = newKeyedHash(plain)
	default:
		err = fmt.Errorf("kms: data key of purpose %q", row.Purpose)
	}
	return key, err
}

// unwrap opens a data key by the first of its wrapped keys that opens.
func (e *Envelope) unwrap(ctx context.Context, env models.Environment, id models.DataKeyID, rows []models.WrappedKey) ([]byte, error) {
	var away, broken error
	ec := e.context(env)
	for i, wrapper := range append([]Wrapper{e.primary}, e.options.Others...) {
		for _, row := range rows {
			if row.RecipientKind != wrapper.Kind() {
				continue
			}
			plain, err := wrapper.Unwrap(ctx, Wrapped{RecipientID: row.RecipientID, Blob: row.Blob}, ec)
			if i == 0 {
				e.health.note(err, e.options.Now())
			}
			switch {
			case err == nil:
				return plain, nil
			case fault.Is(err, fault.Unavailable):
				away = cmp.Or(away, err)
			default:
				broken = cmp.Or(broken, err)
			}
		}
	}
	return nil, notOpened(env, id, rows, away, broken)
}

// notOpened says why none of a data key's rows opened. As long as one of them was merely
// out of reach, the key is not lost and the answer is to wait.
func notOpened(env models.Environment, id models.DataKeyID, rows []models.WrappedKey, away, broken error) error {
	switch {
	case away != nil:
		return explain(away, fault.Unavailable, "Data key %s of environment %s cannot be opened now.", id, env.Name)
	case broken != nil:
		return explain(errors.Join(ErrDamaged, broken), fault.Invalid, "Data key %s of environment %s does not open.", id, env.Name)
	case len(rows) == 0:
		return damaged(nil, "Data key %s of environment %s is stored without any wrapped key.", id, env.Name)
	}
	var recipients []string
	for _, row := range rows {
		recipients = append(recipients, string(row.RecipientKind)+" "+row.RecipientID)
	}
	return fault.New(fault.Unavailable, "Data key %s of environment %s is wrapped for %s, which this Keeper has no backend for.",
		id, env.Name, strings.Join(recipients, ", ")).WithHint("Start Keeper with that backend: KEY_MANAGEMENT_BACKEND and its settings.")
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
