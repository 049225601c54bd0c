package store

import (
	"context"

	"github.com/pressly/goose/v3"

	"github.com/your-org/keeper/models"
)

// MigrateTo brings the schema to that of an older program.
func (s *Store) MigrateTo(ctx context.Context, version int64) error {
	return s.migrations(func(p *goose.Provider) error {
		_, err := p.UpTo(ctx, version)
		return err
	})
}

// Exec runs SQL of a test's own.
func (s *Store) Exec(ctx context.Context, text string) error {
	pool, done, err := s.admin()
	if err != nil {
		return err
	}
	defer done()
	_, err = pool.ExecContext(ctx, text)
	return err
}

// HoldKeyGeneration is what Keys.AddDataKey does first.
func (tx *Tx) HoldKeyGeneration(environment models.EnvironmentID, generation int64) error {
	return tx.holdKeyGeneration(environment, generation)
}
