package store

import (
	"context"
	"fmt"
	"log/slog"

	"github.com/pressly/goose/v3"
	"gorm.io/gorm"

	"github.com/your-org/keeper/fault"
	"github.com/your-org/keeper/store/migrations"
)

// Migrate brings the schema to what this program needs; it is quick where nothing is to be
// done. Several processes may call it at once.
func (s *Store) Migrate(ctx context.Context) error {
	return s.migrations(func(p *goose.Provider) error {
		_, err := p.Up(ctx)
		return err
	})
}

// Pending is how many migrations have not run yet.
func (s *Store) Pending(ctx context.Context) (int, error) {
	pending := 0
	err := s.migrations(func(p *goose.Provider) error {
		states, err := p.Status(ctx)
		for _, state := range states {
			if state.State == goose.StatePending {
				pending++
			}
		}
		return err
	})
	return pending, err
}

// Reset drops every table of Keeper's with all that is in it.
func (s *Store) Reset(ctx context.Context) error {
	pool, done, err := s.admin()
	if err != nil {
		return err
	}
	defer done()
	for _, table := range migrations.Tables() {
		if _, err := pool.ExecContext(ctx, "DROP TABLE IF EXISTS "+table); err != nil {
			return translate(fmt.Errorf("dropping %s: %w", table, err), "table")
		}
	}
	return nil
}

func (s *Store) migrations(do func(*goose.Provider) error) error {
	pool, done, err := s.admin()
	if err != nil {
		return err
	}
	defer done()
	open := func(conn gorm.ConnPool) (*gorm.DB, error) { return openORM(s.options.Dialect, conn) }
	provider, err := migrations.Provider(pool, s.options.Dialect, open, slog.New(slog.DiscardHandler))
	if err != nil {
		return fault.Wrap(err, fault.Internal, "The migrations could not be prepared.")
	}
	return translate(do(provider), "schema")
}
