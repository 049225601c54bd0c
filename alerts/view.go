package alerts

import (
	"context"

	"github.com/your-org/keeper/auth"
	"github.com/your-org/keeper/fault"
	"github.com/your-org/keeper/models"
	"github.com/your-org/keeper/store"
)

// Query chooses alerts; its environments are narrowed to those whose alerts the actor may
// see, none being all of these.
type Query = store.AlertQuery

// Around are the cursors of the pages around one.
type Around = store.Around

// Alerts lists alerts, open ones or with those that are over, the newest first, and the
// cursors of the pages around them.
func (s *Service) Alerts(ctx context.Context, actor models.Actor, q Query) (alerts []models.Alert, around Around, err error) {
	if q.Environments, err = s.visible(ctx, actor, auth.ViewAlerts, q.Environments...); err != nil {
		return nil, around, err
	}
	err = s.Store.Read(ctx, func(tx *store.Tx) error {
		alerts, around, err = tx.Alerts(q)
		return err
	})
	return alerts, around, err
}

// Alert finds an alert that the actor may see.
func (s *Service) Alert(ctx context.Context, actor models.Actor, id models.AlertID) (models.Alert, error) {
	var a models.Alert
	err := s.Store.Read(ctx, func(tx *store.Tx) (err error) {
		a, err = tx.Alert(id)
		return err
	})
	if err == nil {
		_, err = s.environment(ctx, actor, auth.ViewAlerts, a.EnvironmentID)
	}
	if fault.Is(err, fault.NotFound) {
		err = fault.New(fault.NotFound, "There is no such alert, or it is too long ago.")
	}
	if err != nil {
		return models.Alert{}, err
	}
	return a, nil
}

// Notices lists what was told of an alert, to which channels and with what success. It takes
// managing the environment's channels.
func (s *Service) Notices(ctx context.Context, actor models.Actor, id models.AlertID) ([]models.Notice, error) {
	a, err := s.Alert(ctx, actor, id)
	if err != nil {
		return nil, err
	}
	if _, err := s.environment(ctx, actor, auth.ManageAlerts, a.EnvironmentID); err != nil {
		return nil, err
	}
	var notices []models.Notice
	err = s.Store.Read(ctx, func(tx *store.Tx) (err error) {
		notices, err = tx.Notices(id, 0)
		return err
	})
	return notices, err
}
