package app

import (
	"context"
	"time"

	"github.com/your-org/keeper/config"
	"github.com/your-org/keeper/fault"
	"github.com/your-org/keeper/kms"
	"github.com/your-org/keeper/models"
	"github.com/your-org/keeper/store"
)

// OpenStore opens the database that the settings name, without migrating it.
func OpenStore(ctx context.Context, c *config.Config, o Options) (*store.Store, error) {
	d := c.Database
	s, err := store.Open(ctx, store.Options{
		Dialect: d.Dialect, Path: d.Path, Exclusive: o.Server, Host: d.Host, Port: d.Port, User: d.User, Password: d.Password.Reveal(),
		Name: d.Name, Params: d.Params, PoolSize: d.PoolSize, MaxOverflow: d.MaxOverflow, Log: o.Log, Now: o.Now,
	})
	if err != nil {
		return nil, err
	}
	return s, nil
}

func (a *App) openStore(ctx context.Context, o Options) error {
	s, err := OpenStore(ctx, a.Config, o)
	if err != nil {
		return err
	}
	a.Store = s
	a.onClose(s.Close)
	if o.Server {
		return s.Migrate(ctx)
	}
	pending, err := s.Pending(ctx)
	if err != nil {
		return err
	}
	if pending > 0 {
		return fault.New(fault.Conflict, "The database %s has not been set up for this version of Keeper.", a.Config.Database).
			WithHint("Run keeper init-db, or start the server, first.")
	}
	return nil
}

// keyStore is the store of data keys as the envelope needs it.
type keyStore struct{ store *store.Store }

var _ kms.Keys = keyStore{}

// ReserveDataKey takes uses of a data key that still seals.
func (k keyStore) ReserveDataKey(ctx context.Context, env models.EnvironmentID, n int64, now time.Time) (key models.DataKey, wrapped []models.WrappedKey, err error) {
	err = k.store.Write(ctx, func(tx *store.Tx) error {
		key, wrapped, err = tx.ReserveDataKey(env, models.PurposeSeal, n, now)
		return err
	})
	return key, wrapped, err
}

// AddDataKey stores a data key with its wrapped forms.
func (k keyStore) AddDataKey(ctx context.Context, key models.DataKey, wrapped []models.WrappedKey) error {
	return k.store.Write(ctx, func(tx *store.Tx) error { return tx.AddDataKey(key, wrapped...) })
}

// DataKey finds a data key with its wrapped forms.
func (k keyStore) DataKey(ctx context.Context, id models.DataKeyID) (key models.DataKey, wrapped []models.WrappedKey, err error) {
	err = k.store.Read(ctx, func(tx *store.Tx) error {
		key, wrapped, err = tx.DataKey(id)
		return err
	})
	return key, wrapped, err
}
