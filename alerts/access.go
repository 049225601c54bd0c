package alerts

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

// channel loads a channel that the actor may manage; a refusal is recorded, and what the
// actor may not see does not exist for it.
func (s *Service) channel(ctx context.Context, actor models.Actor, id models.ChannelID) (models.AlertChannel, models.Environment, error) {
	c, e, err := s.load(ctx, id)
	missing := fault.New(fault.NotFound, "There is no such channel.").WithHint("List the channels to see which there are.")
	if fault.Is(err, fault.NotFound) {
		err = missing
	}
	if err != nil {
		return models.AlertChannel{}, models.Environment{}, err
	}
	if err := auth.Check(actor, auth.ManageAlerts, e.ID); err != nil {
		if fault.Is(err, fault.NotFound) {
			err = missing
		}
		return models.AlertChannel{}, models.Environment{}, s.refused(ctx, audit.OnChannel(actor, string(auth.ManageAlerts), e, c), err)
	}
	return c, e, s.everywhere(ctx, actor, e, c)
}

// everywhere refuses a channel that tells of all environments to all but administrators:
// whoever manages one environment would choose who hears of the others.
func (s *Service) everywhere(ctx context.Context, actor models.Actor, e models.Environment, c models.AlertChannel) error {
	if !c.Everywhere {
		return nil
	}
	if err := auth.Check(actor, auth.AlertEverywhere, auth.Global); err != nil {
		return s.refused(ctx, audit.OnChannel(actor, string(auth.AlertEverywhere), e, c), err)
	}
	return nil
}

func (s *Service) load(ctx context.Context, id models.ChannelID) (models.AlertChannel, models.Environment, error) {
	var c models.AlertChannel
	var e models.Environment
	err := s.Store.Read(ctx, func(tx *store.Tx) (err error) {
		if c, err = tx.AlertChannel(id); err != nil {
			return err
		}
		e, err = tx.Environment(c.EnvironmentID)
		return err
	})
	return c, e, err
}

func (s *Service) refused(ctx context.Context, entry models.AuditEntry, refusal error) error {
	return audit.Refused(ctx, s.Store, entry, refusal)
}

// visible are the environments in which the actor may do the action, narrowed to those that
// are named.
func (s *Service) visible(ctx context.Context, actor models.Actor, action auth.Action, only ...models.EnvironmentID) ([]models.EnvironmentID, error) {
	var among *[]models.EnvironmentID
	if len(only) > 0 {
		among = &only
	}
	var all []models.Environment
	err := s.Store.Read(ctx, func(tx *store.Tx) (err error) {
		all, err = tx.Environments(among)
		return err
	})
	var ids []models.EnvironmentID
	for _, e := range auth.Visible(actor, action, all) {
		ids = append(ids, e.ID)
	}
	return ids, err
}
