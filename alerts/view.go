package alerts

import (
	"context"

	"github.com/your-org/keeper/audit"
	"github.com/your-org/keeper/auth"
	"github.com/your-org/keeper/fault"
	"github.com/your-org/keeper/models"
	"github.com/your-org/keeper/store"
)

// Query chooses alerts; its environments are narrowed to those whose alerts the actor may
// see, none being all of these, and its kinds to those that tell it nothing of people whom it may
// not see.
type Query = store.AlertQuery

// Around are the cursors of the pages around one.
type Around = store.Around

// Alerts lists alerts, open ones or with those that are over, the newest first, and the
// cursors of the pages around them.
func (s *Service) Alerts(ctx context.Context, actor models.Actor, q Query) (alerts []models.Alert, around Around, err error) {
	if q.Environments, err = s.visible(ctx, actor, auth.ViewAlerts, q.Environments...); err != nil {
		return nil, around, err
	}
	if !seesInstallation(actor) {
		q.Except = models.InstallationAlerts
	}
	err = s.Store.Read(ctx, func(tx *store.Tx) error {
		alerts, around, err = tx.Alerts(q)
		return err
	})
	for i := range alerts {
		leaveOut(actor, &alerts[i])
	}
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
		err = s.maySee(ctx, actor, a)
	}
	if fault.Is(err, fault.NotFound) {
		err = fault.New(fault.NotFound, "There is no such alert, or it is too long ago.")
	}
	if err != nil {
		return models.Alert{}, err
	}
	leaveOut(actor, &a)
	return a, nil
}

// leaveOut takes the names of secrets out of an alert for an actor that may not see those, such as
// a token that is narrowed to alerts.
func leaveOut(actor models.Actor, a *models.Alert) {
	if !auth.Can(actor, auth.ViewSecret, a.EnvironmentID) {
		a.Secrets = nil
	}
}

// maySee is nil where the actor may see an alert; a refusal is recorded.
func (s *Service) maySee(ctx context.Context, actor models.Actor, a models.Alert) error {
	e, err := s.environment(ctx, actor, auth.ViewAlerts, a.EnvironmentID)
	if err != nil || !a.Kind.OfInstallation() || seesInstallation(actor) {
		return err
	}
	return s.refused(ctx, audit.OnEnvironment(actor, string(auth.ViewAlerts), e), fault.New(fault.NotFound, "There is no such alert."))
}

// seesInstallation reports whether an actor may be told of accounts and identity providers.
func seesInstallation(actor models.Actor) bool { return auth.Can(actor, auth.ViewUsers, auth.Global) }

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
