package secrets

import (
	"context"
	"strconv"

	"github.com/your-org/keeper/audit"
	"github.com/your-org/keeper/auth"
	"github.com/your-org/keeper/fault"
	"github.com/your-org/keeper/models"
	"github.com/your-org/keeper/store"
)

// CreateEnvironment makes an environment. Its name never changes: it is part of what its
// keys are bound to.
func (s *Service) CreateEnvironment(ctx context.Context, actor models.Actor, e models.Environment) (models.Environment, error) {
	entry := audit.Entry(actor, "environment.create")
	if err := auth.Check(actor, auth.CreateEnvironment, auth.Global); err != nil {
		return e, s.refused(ctx, entry, err)
	}
	e.ID, e.Revision = 0, 1
	if e.DisplayName == "" {
		e.DisplayName = e.Name
	}
	if e.Color == "" {
		e.Color = models.DefaultColor(e.Name)
	}
	if err := e.Validate(); err != nil {
		return e, err
	}
	err := s.Store.Write(ctx, func(tx *store.Tx) error {
		e.ID = 0
		if err := tx.CreateEnvironment(&e); err != nil {
			return err
		}
		return tx.AppendAudit(audit.OnEnvironment(actor, "environment.create", e))
	})
	if fault.Is(err, fault.Conflict) {
		return e, fault.Wrap(err, fault.Conflict, "There is an environment named %s already; nothing was changed.", e.Name).
			WithHint("Choose another name.")
	}
	return e, err
}

// EnvironmentChange is what may change of an environment; nil leaves a field as it is.
type EnvironmentChange struct {
	DisplayName *string
	Description *string
	KMSKeyAlias *string
	Color       *string
	Protected   *bool
}

// UpdateEnvironment changes an environment where its revision still is the expected one
// (0: whatever it is). A new key alias serves new data keys at once; what stands is brought
// under it in the background. It says who can open the environment, so that changing it
// takes an administrator.
func (s *Service) UpdateEnvironment(ctx context.Context, actor models.Actor, id models.EnvironmentID, c EnvironmentChange, expected int64) (models.Environment, error) {
	e, err := s.environment(ctx, actor, auth.ManageEnvironment, id)
	if err != nil {
		return e, err
	}
	if c.KMSKeyAlias != nil && *c.KMSKeyAlias != e.KMSKeyAlias {
		if err := auth.CheckAt(actor, auth.ManageKeys, models.Environment{}, s.Now()); err != nil {
			return e, s.refused(ctx, audit.OnEnvironment(actor, string(auth.ManageKeys), e), err)
		}
	}
	if c.Protected != nil && !*c.Protected && e.Protected { // or whoever must not reveal would just take it off
		if err := auth.MayReveal(actor, e, s.Now()); err != nil {
			return e, s.refused(ctx, audit.OnEnvironment(actor, "environment.update", e), err)
		}
	}
	if expected == 0 {
		expected = e.Revision
	}
	set(&e.DisplayName, c.DisplayName)
	set(&e.Description, c.Description)
	set(&e.KMSKeyAlias, c.KMSKeyAlias)
	set(&e.Color, c.Color)
	set(&e.Protected, c.Protected)
	if err := e.Validate(); err != nil {
		return e, err
	}
	err = s.Store.Write(ctx, func(tx *store.Tx) error {
		if err := tx.UpdateEnvironment(&e, expected); err != nil {
			return err
		}
		return tx.AppendAudit(audit.OnEnvironment(actor, "environment.update", e))
	})
	s.known.Delete(e.ID)
	return e, err
}

func set[T any](field *T, change *T) {
	if change != nil {
		*field = *change
	}
}

// DeleteEnvironment removes an environment that is empty: one with secrets, deleted ones
// included, or destinations is refused.
func (s *Service) DeleteEnvironment(ctx context.Context, actor models.Actor, id models.EnvironmentID) error {
	e, err := s.environment(ctx, actor, auth.ManageEnvironment, id)
	if err != nil {
		return err
	}
	err = s.Store.Write(ctx, func(tx *store.Tx) error {
		if err := tx.DeleteEnvironment(id); err != nil {
			return err
		}
		return tx.AppendAudit(audit.OnEnvironment(actor, "environment.delete", e))
	})
	if err == nil {
		s.Envelope.Forget(id)
	}
	return err
}

// Environment finds an environment that the actor may see.
func (s *Service) Environment(ctx context.Context, actor models.Actor, id models.EnvironmentID) (models.Environment, error) {
	return s.environment(ctx, actor, auth.ViewEnvironment, id)
}

// FindEnvironment finds an environment by its name, or by its id in decimal.
func (s *Service) FindEnvironment(ctx context.Context, actor models.Actor, named string) (models.Environment, error) {
	var e models.Environment
	err := s.Store.Read(ctx, func(tx *store.Tx) (err error) {
		e, err = tx.EnvironmentByName(named)
		if id, parse := strconv.ParseInt(named, 10, 64); fault.Is(err, fault.NotFound) && parse == nil {
			e, err = tx.Environment(models.EnvironmentID(id))
		}
		return err
	})
	if fault.Is(err, fault.NotFound) {
		return models.Environment{}, auth.Absent(ctx, s.Store, actor, auth.ViewEnvironment, auth.NoEnvironment(strconv.Quote(named)))
	}
	if err != nil {
		return models.Environment{}, err
	}
	if err := auth.Check(actor, auth.ViewEnvironment, e.ID); err != nil {
		entry := audit.OnEnvironment(actor, string(auth.ViewEnvironment), e)
		return models.Environment{}, s.refused(ctx, entry, hideEnvironment(err, strconv.Quote(named)))
	}
	return e, nil
}

// Environments lists the environments that the actor may see, by name.
func (s *Service) Environments(ctx context.Context, actor models.Actor) ([]models.Environment, error) {
	var all []models.Environment
	err := s.Store.Read(ctx, func(tx *store.Tx) (err error) {
		all, err = tx.Environments(nil)
		return err
	})
	if err != nil {
		return nil, err
	}
	return auth.Visible(actor, auth.ViewEnvironment, all), nil
}

// AuditAccess is what of the audit log an actor may read.
func (s *Service) AuditAccess(ctx context.Context, actor models.Actor) (audit.Access, error) {
	if auth.Can(actor, auth.ViewAudit, auth.Global) {
		return audit.Access{Everything: true}, nil
	}
	environments, err := s.Environments(ctx, actor)
	var access audit.Access
	for _, e := range auth.Visible(actor, auth.ViewEnvironmentLog, environments) {
		access.Environments = append(access.Environments, e.ID)
	}
	return access, err
}

// Counts says how many secrets each of the environments holds that the actor may see.
func (s *Service) Counts(ctx context.Context, actor models.Actor) ([]store.SecretCounts, error) {
	ids, err := s.visible(ctx, actor)
	if err != nil {
		return nil, err
	}
	var counts []store.SecretCounts
	err = s.Store.Read(ctx, func(tx *store.Tx) (err error) {
		counts, err = tx.CountSecrets(ids)
		return err
	})
	return counts, err
}

// visible are the environments whose secrets the actor may see.
func (s *Service) visible(ctx context.Context, actor models.Actor) ([]models.EnvironmentID, error) {
	environments, err := s.Environments(ctx, actor)
	if err != nil {
		return nil, err
	}
	ids := make([]models.EnvironmentID, 0, len(environments))
	for _, e := range environments {
		if auth.Can(actor, auth.ViewSecret, e.ID) {
			ids = append(ids, e.ID)
		}
	}
	return ids, nil
}
