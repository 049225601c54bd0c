package keys

import (
	"context"
	"strconv"

	"github.com/your-org/keeper/audit"
	"github.com/your-org/keeper/auth"
	"github.com/your-org/keeper/fault"
	"github.com/your-org/keeper/models"
	"github.com/your-org/keeper/store"
)

// allow checks that the actor may do what concerns all environments; a refusal is recorded.
func (s *Service) allow(ctx context.Context, actor models.Actor, action auth.Action) error {
	if err := auth.CheckAt(actor, action, models.Environment{}, s.Now()); err != nil {
		return s.refused(ctx, audit.Entry(actor, string(action)), err)
	}
	return nil
}

// refused records that the actor was refused, and returns the refusal.
func (s *Service) refused(ctx context.Context, entry models.AuditEntry, refusal error) error {
	return audit.Refused(ctx, s.Store, entry, refusal)
}

// manage loads an environment for an actor who may manage keys.
func (s *Service) manage(ctx context.Context, actor models.Actor, id models.EnvironmentID) (models.Environment, error) {
	if err := s.allow(ctx, actor, auth.ManageKeys); err != nil {
		return models.Environment{}, err
	}
	return s.environment(ctx, id)
}

func (s *Service) environment(ctx context.Context, id models.EnvironmentID) (e models.Environment, err error) {
	err = s.Store.Read(ctx, func(tx *store.Tx) error {
		e, err = tx.Environment(id)
		return err
	})
	if fault.Is(err, fault.NotFound) {
		return e, auth.NoEnvironment(strconv.FormatInt(int64(id), 10))
	}
	return e, err
}

// environments are the one that is named, or (0) all, by name.
func (s *Service) environments(ctx context.Context, only models.EnvironmentID) (all []models.Environment, err error) {
	if only != 0 {
		e, err := s.environment(ctx, only)
		return []models.Environment{e}, err
	}
	err = s.Store.Read(ctx, func(tx *store.Tx) error {
		all, err = tx.Environments(nil)
		return err
	})
	return all, err
}
