package drivertest

import (
	"context"
	"slices"
	"sync"
	"time"

	"github.com/your-org/keeper/fault"
	"github.com/your-org/keeper/kms"
	"github.com/your-org/keeper/models"
)

// Keys is a store of data keys in memory. Its rows can be reached and changed by a test, as
// by one who has got into the database. It is safe for many goroutines.
type Keys struct {
	mu      sync.Mutex
	order   []models.DataKeyID
	rows    map[models.DataKeyID]models.DataKey
	wrapped map[models.DataKeyID][]models.WrappedKey
	wanted  map[models.EnvironmentID]kms.Recipients
	failure error
	counts  Counts
}

// Counts is how often each method was called.
type Counts struct{ Reserve, Add, Get int }

var _ kms.Keys = (*Keys)(nil)

// NewKeys makes an empty store.
func NewKeys() *Keys {
	return &Keys{
		rows: map[models.DataKeyID]models.DataKey{}, wrapped: map[models.DataKeyID][]models.WrappedKey{},
		wanted: map[models.EnvironmentID]kms.Recipients{},
	}
}

// SetRecipients says for whom an environment's data keys are to be wrapped from now on.
func (k *Keys) SetRecipients(env models.EnvironmentID, primary string, others ...models.Recipient) {
	k.mu.Lock()
	defer k.mu.Unlock()
	k.wanted[env] = kms.Recipients{Generation: k.wanted[env].Generation + 1, Primary: primary, Others: others}
}

// Recipients implements kms.Keys.
func (k *Keys) Recipients(ctx context.Context, env models.EnvironmentID) (kms.Recipients, error) {
	k.mu.Lock()
	defer k.mu.Unlock()
	if err := k.fails(ctx); err != nil {
		return kms.Recipients{}, err
	}
	wanted := k.wanted[env]
	wanted.Others = slices.Clone(wanted.Others)
	return wanted, nil
}

// Fail makes every call fail with err from now on; nil mends it.
func (k *Keys) Fail(err error) {
	k.mu.Lock()
	defer k.mu.Unlock()
	k.failure = err
}

// Counts tells how often each method was called.
func (k *Keys) Counts() Counts {
	k.mu.Lock()
	defer k.mu.Unlock()
	return k.counts
}

// Change changes a data key and its wrapped keys in place; an empty ID removes the data key.
func (k *Keys) Change(id models.DataKeyID, change func(*models.DataKey, *[]models.WrappedKey)) {
	k.mu.Lock()
	defer k.mu.Unlock()
	row, wrapped := k.rows[id], clone(k.wrapped[id])
	change(&row, &wrapped)
	if row.ID == "" {
		delete(k.rows, id)
		delete(k.wrapped, id)
		return
	}
	k.rows[id], k.wrapped[id] = row, wrapped
}

// All are the data keys in the order in which they were added.
func (k *Keys) All() []models.DataKey {
	k.mu.Lock()
	defer k.mu.Unlock()
	var all []models.DataKey
	for _, id := range k.order {
		if row, ok := k.rows[id]; ok {
			all = append(all, row)
		}
	}
	return all
}

// ReserveDataKey implements kms.Keys.
func (k *Keys) ReserveDataKey(ctx context.Context, env models.EnvironmentID, n int64, now time.Time) (models.DataKey, []models.WrappedKey, error) {
	k.mu.Lock()
	defer k.mu.Unlock()
	k.counts.Reserve++
	if err := k.fails(ctx); err != nil {
		return models.DataKey{}, nil, err
	}
	for _, id := range k.order {
		row, ok := k.rows[id]
		if ok && row.EnvironmentID == env && row.Purpose == models.PurposeSeal && now.Before(row.RetireAt) && row.Uses+n <= row.MaxUses {
			row.Uses += n
			k.rows[id] = row
			return row, clone(k.wrapped[id]), nil
		}
	}
	return models.DataKey{}, nil, fault.New(fault.NotFound, "No data key is usable.")
}

// AddDataKey implements kms.Keys.
func (k *Keys) AddDataKey(ctx context.Context, key models.DataKey, wrapped []models.WrappedKey, generation int64) error {
	k.mu.Lock()
	defer k.mu.Unlock()
	k.counts.Add++
	if err := k.fails(ctx); err != nil {
		return err
	}
	if _, ok := k.rows[key.ID]; ok {
		return fault.New(fault.Conflict, "The data key %s stands.", key.ID)
	}
	if generation != k.wanted[key.EnvironmentID].Generation {
		return fault.New(fault.Stale, "The recipients of environment %d changed.", key.EnvironmentID)
	}
	k.order = append(k.order, key.ID)
	k.rows[key.ID], k.wrapped[key.ID] = key, clone(wrapped)
	return nil
}

// DataKey implements kms.Keys.
func (k *Keys) DataKey(ctx context.Context, id models.DataKeyID) (models.DataKey, []models.WrappedKey, error) {
	k.mu.Lock()
	defer k.mu.Unlock()
	k.counts.Get++
	if err := k.fails(ctx); err != nil {
		return models.DataKey{}, nil, err
	}
	row, ok := k.rows[id]
	if !ok {
		return models.DataKey{}, nil, fault.New(fault.NotFound, "There is no data key %s.", id)
	}
	return row, clone(k.wrapped[id]), nil
}

func (k *Keys) fails(ctx context.Context) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	return k.failure
}

func clone(wrapped []models.WrappedKey) []models.WrappedKey {
	copied := slices.Clone(wrapped)
	for i := range copied {
		copied[i].Blob = slices.Clone(copied[i].Blob)
	}
	return copied
}
