package destinations

import (
	"context"

	"github.com/your-org/keeper/audit"
	"github.com/your-org/keeper/auth"
	"github.com/your-org/keeper/fault"
	"github.com/your-org/keeper/models"
	"github.com/your-org/keeper/store"
)

// environment loads an environment in which the actor may do the action; a refusal is
// recorded.
func (s *Service) environment(ctx context.Context, actor models.Actor, action auth.Action, id models.EnvironmentID) (models.Environment, error) {
	return auth.Environment(ctx, s.Store, actor, action, id)
}

// destination loads a destination on which the actor may do the action; a refusal is
// recorded, and what the actor may not see does not exist for it.
func (s *Service) destination(ctx context.Context, actor models.Actor, action auth.Action, id models.DestinationID) (models.Destination, models.Environment, error) {
	d, e, err := s.load(ctx, id)
	missing := fault.New(fault.NotFound, "There is no such destination.").WithHint("List the destinations to see which there are.")
	if fault.Is(err, fault.NotFound) {
		return models.Destination{}, models.Environment{}, missing
	}
	if err != nil {
		return models.Destination{}, models.Environment{}, err
	}
	if err := auth.CheckAt(actor, action, e, s.Now()); err != nil {
		if fault.Is(err, fault.NotFound) {
			err = missing
		}
		return models.Destination{}, models.Environment{}, s.refused(ctx, audit.OnDestination(actor, string(action), e, d), err)
	}
	return d, e, nil
}

// named is destination for what tells the names of secrets beside: a token that is narrowed to
// destinations may not see those.
func (s *Service) named(ctx context.Context, actor models.Actor, action auth.Action, id models.DestinationID) (models.Destination, models.Environment, error) {
	d, e, err := s.destination(ctx, actor, action, id)
	if err != nil {
		return d, e, err
	}
	if err := auth.Check(actor, auth.ViewSecret, e.ID); err != nil {
		return models.Destination{}, models.Environment{}, s.refused(ctx, audit.OnDestination(actor, string(auth.ViewSecret), e, d), err)
	}
	return d, e, nil
}

func (s *Service) load(ctx context.Context, id models.DestinationID) (models.Destination, models.Environment, error) {
	var d models.Destination
	var e models.Environment
	err := s.Store.Read(ctx, func(tx *store.Tx) (err error) {
		if d, err = tx.Destination(id); err != nil {
			return err
		}
		e, err = tx.Environment(d.EnvironmentID)
		return err
	})
	return d, e, err
}

func (s *Service) refused(ctx context.Context, entry models.AuditEntry, refusal error) error {
	return audit.Refused(ctx, s.Store, entry, refusal)
}

// visible are the environments whose destinations the actor may see, narrowed to one where
// one is named.
func (s *Service) visible(ctx context.Context, actor models.Actor, only models.EnvironmentID) ([]models.EnvironmentID, error) {
	return s.within(ctx, actor, auth.ViewDestination, only)
}

// within are the environments in which the actor may do the action, narrowed likewise.
func (s *Service) within(ctx context.Context, actor models.Actor, action auth.Action, only models.EnvironmentID) ([]models.EnvironmentID, error) {
	var all []models.Environment
	err := s.Store.Read(ctx, func(tx *store.Tx) (err error) {
		all, err = tx.Environments(nil)
		return err
	})
	var ids []models.EnvironmentID
	for _, e := range auth.Visible(actor, action, all) {
		if only == 0 || only == e.ID {
			ids = append(ids, e.ID)
		}
	}
	return ids, err
}
