package app

import (
	"context"
	"iter"
	"log/slog"

	"github.com/your-org/keeper/config"
	"github.com/your-org/keeper/fault"
	"github.com/your-org/keeper/store"
)

// LegacyRows reads the older Keeper's table of secrets out of the database that a URL like
// DATABASE_URL names, and changes nothing there.
func LegacyRows(ctx context.Context, databaseURL, table string, log *slog.Logger) (iter.Seq2[store.LegacyRow, error], error) {
	var d config.Database
	if err := d.UnmarshalText([]byte(databaseURL)); err != nil {
		return nil, fault.InvalidField("the database's URL", "%s", err) // quotes nothing of it
	}
	return store.LegacyRows(ctx, storeOptions(d, log), table), nil
}

// LegacyFile is LegacyRows of a SQLite file.
func LegacyFile(ctx context.Context, path, table string) iter.Seq2[store.LegacyRow, error] {
	return store.LegacyRows(ctx, store.Options{Dialect: store.SQLite, Path: path}, table)
}
