package store

import (
	"context"
	"slices"
	"time"

	"gorm.io/gorm"

	"github.com/your-org/keeper/fault"
	"github.com/your-org/keeper/models"
)

// newestKeys is how many of an environment's data keys are looked at for one with uses left.
// One of the newest has them, unless all that many are in use by replicas at once; what an
// older one has left is not worth a search through all that were ever used up.
const newestKeys = 16

// ReserveDataKey takes n uses of the newest of the environment's newest data keys that has
// them left and is not retired at now, and returns it with its wrapped keys. NotFound: make a
// new one.
//
// It locks that one row and no other: a search that locks what it passes would wait for
// everybody who changes data keys, and they for it.
func (tx *Tx) ReserveDataKey(
	environment models.EnvironmentID, purpose models.KeyPurpose, n int64, now time.Time,
) (models.DataKey, []models.WrappedKey, error) {
	now = micro(now)
	for {
		newest, err := all[models.DataKey](tx.db().Where("environment_id = ? AND purpose = ?", environment, purpose).
			Order("created_at DESC, id DESC").Limit(newestKeys), "data key")
		if err != nil {
			return models.DataKey{}, nil, err
		}
		i := slices.IndexFunc(newest, func(k models.DataKey) bool { return k.Uses+n <= k.MaxUses && k.RetireAt.After(now) })
		if i < 0 {
			return models.DataKey{}, nil, fault.New(fault.NotFound, "No data key has uses left.")
		}
		taken := tx.db().Model(&models.DataKey{}).Where("id = ? AND uses + ? <= max_uses AND retire_at > ?", newest[i].ID, n, now).
			UpdateColumn("uses", gorm.Expr("uses + ?", n))
		if taken.Error != nil {
			return models.DataKey{}, nil, translate(taken.Error, "data key")
		}
		if taken.RowsAffected > 0 {
			return tx.DataKey(newest[i].ID)
		}
		// Its last uses were taken, or it was retired, since it was read: look again.
	}
}

// AddDataKey adds a data key with its wrapped keys. Conflict where the ID is taken.
func (tx *Tx) AddDataKey(key models.DataKey, wrapped ...models.WrappedKey) error {
	first(&key.CreatedAt, tx.Now())
	if err := tx.insert(&key, "data key"); err != nil || len(wrapped) == 0 {
		return err
	}
	rows := make([]models.WrappedKey, len(wrapped))
	for i, w := range wrapped {
		w.DataKeyID = key.ID
		first(&w.CreatedAt, key.CreatedAt)
		rows[i] = w
	}
	return tx.insert(&rows, "wrapped key")
}

// DataKey loads a data key with its wrapped keys.
func (tx *Tx) DataKey(id models.DataKeyID) (models.DataKey, []models.WrappedKey, error) {
	key, err := take[models.DataKey](tx.db().Where("id = ?", id), "data key")
	if err != nil {
		return models.DataKey{}, nil, err
	}
	wrapped, err := tx.wrappedKeys(id)
	return key, wrapped, err
}

func (tx *Tx) wrappedKeys(id models.DataKeyID) ([]models.WrappedKey, error) {
	return all[models.WrappedKey](tx.db().Where("data_key_id = ?", id).Order("recipient_kind, recipient_id"), "wrapped key")
}

// CountDataKeys says how many data keys there are.
func (tx *Tx) CountDataKeys() (int, error) {
	var n int64
	err := tx.db().Model(&models.DataKey{}).Count(&n).Error
	return int(n), translate(err, "data key")
}

// EnvironmentsWithKeys lists the environments that have data keys, by name.
func (tx *Tx) EnvironmentsWithKeys() ([]models.Environment, error) {
	keyed := tx.db().Model(&models.DataKey{}).Distinct("environment_id")
	return all[models.Environment](tx.db().Where("id IN (?)", keyed).Order("name"), "environment")
}

// Keys are a store's data keys, each call in a transaction of its own: what an envelope asks
// of whoever keeps them.
type Keys struct{ Store *Store }

// ReserveDataKey takes n uses of a data key that still seals.
func (k Keys) ReserveDataKey(
	ctx context.Context, environment models.EnvironmentID, n int64, now time.Time,
) (key models.DataKey, wrapped []models.WrappedKey, err error) {
	err = k.Store.Write(ctx, func(tx *Tx) error {
		key, wrapped, err = tx.ReserveDataKey(environment, models.PurposeSeal, n, now)
		return err
	})
	return key, wrapped, err
}

// Recipients says for whom an environment's data keys are to be wrapped: the generation, the
// name of its own wrapping key, and the others.
func (k Keys) Recipients(
	ctx context.Context, environment models.EnvironmentID,
) (generation int64, primary string, others []models.Recipient, err error) {
	err = k.Store.Read(ctx, func(tx *Tx) error {
		// First the generation: where the others change in between, it is of before, and a data
		// key that bears it is refused.
		e, err := tx.Environment(environment)
		if err != nil {
			return err
		}
		generation, primary = e.KeyGeneration, e.KMSKeyAlias
		others, err = tx.Recipients(environment)
		return err
	})
	return generation, primary, others, err
}

// AddDataKey stores a data key with its wrapped keys, or nothing. Stale where the
// environment's key generation is not the given one; no later one begins meanwhile.
func (k Keys) AddDataKey(ctx context.Context, key models.DataKey, wrapped []models.WrappedKey, generation int64) error {
	return k.Store.Write(ctx, func(tx *Tx) error {
		if err := tx.HoldKeyGeneration(key.EnvironmentID, generation); err != nil {
			return err
		}
		return tx.AddDataKey(key, wrapped...)
	})
}

// DataKey finds a data key with its wrapped keys.
func (k Keys) DataKey(ctx context.Context, id models.DataKeyID) (key models.DataKey, wrapped []models.WrappedKey, err error) {
	err = k.Store.Read(ctx, func(tx *Tx) error {
		key, wrapped, err = tx.DataKey(id)
		return err
	})
	return key, wrapped, err
}
