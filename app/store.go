package app

import (
	"context"
	"log/slog"

	"github.com/your-org/keeper/config"
	"github.com/your-org/keeper/fault"
	"github.com/your-org/keeper/store"
)

// OpenStore opens the database that the settings name, without migrating it.
func OpenStore(ctx context.Context, c *config.Config, o Options) (*store.Store, error) {
	options := storeOptions(c.Database, o.Log)
	options.Exclusive, options.Now = o.Server, o.Now
	s, err := store.Open(ctx, options)
	if err != nil {
		return nil, err
	}
	return s, nil
}

// storeOptions is how to open the database that a URL named.
func storeOptions(d config.Database, log *slog.Logger) store.Options {
	return store.Options{
		Dialect: d.Dialect, Path: d.Path, Host: d.Host, Port: d.Port, User: d.User, Password: d.Password.Reveal(),
		Name: d.Name, Params: d.Params, PoolSize: d.PoolSize, MaxOverflow: d.MaxOverflow, Log: log,
	}
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
