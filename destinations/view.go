package destinations

import (
	"context"
	"slices"

	"github.com/your-org/keeper/auth"
	"github.com/your-org/keeper/fault"
	"github.com/your-org/keeper/models"
	"github.com/your-org/keeper/store"
)

// StateQuery chooses states; its environments are narrowed to those that the actor may see.
type StateQuery = store.StateQuery

// StateFilter chooses states by how they stand.
type StateFilter = store.StateFilter

// RunQuery chooses runs; its environments are narrowed to those that the actor may see.
type RunQuery = store.RunQuery

// States lists what is known of secrets at destinations, where the actor may see both, and the
// cursors of the pages around them.
func (s *Service) States(ctx context.Context, actor models.Actor, q StateQuery) (states []store.NamedState, around store.Around, err error) {
	if q.Environments, err = s.narrow(ctx, actor, auth.ViewDestination, q.Environments); err != nil {
		return nil, around, err
	}
	q.Environments = seeingSecrets(actor, q.Environments)
	err = s.Store.Read(ctx, func(tx *store.Tx) error {
		if q.Search != "" {
			if q.Among, err = s.Secrets.Holding(ctx, tx, q.Environments, q.Search); err != nil {
				return err
			}
		}
		states, around, err = tx.ListStates(q)
		return err
	})
	return states, around, err
}

// StatesOf gives the states of secrets that the caller has listed for the actor already,
// by secret.
func (s *Service) StatesOf(ctx context.Context, ids []models.SecretID) (map[models.SecretID][]models.SyncState, error) {
	bySecret := make(map[models.SecretID][]models.SyncState, len(ids))
	err := s.Store.Read(ctx, func(tx *store.Tx) error {
		states, err := tx.StatesOfSecrets(ids)
		for _, state := range states {
			bySecret[state.SecretID] = append(bySecret[state.SecretID], state)
		}
		return err
	})
	return bySecret, err
}

// StateCount is how many secrets are in a status at a destination.
type StateCount = store.StateCount

// Counts says how many secrets are in which state, by destination that the actor may see.
func (s *Service) Counts(ctx context.Context, actor models.Actor) (counts []StateCount, err error) {
	environments, err := s.visible(ctx, actor, 0)
	if err != nil {
		return nil, err
	}
	err = s.Store.Read(ctx, func(tx *store.Tx) error {
		counts, err = tx.CountStates(environments)
		return err
	})
	return counts, err
}

// Around are the cursors of the pages around one.
type Around = store.Around

// Runs lists runs, newest first; by a secret's name where the actor may see secrets.
func (s *Service) Runs(ctx context.Context, actor models.Actor, q RunQuery) (runs []models.SyncRun, around Around, err error) {
	if q.Environments, err = s.narrow(ctx, actor, auth.ViewDestination, q.Environments); err != nil {
		return nil, around, err
	}
	if q.Secret != "" {
		q.Environments = seeingSecrets(actor, q.Environments)
	}
	err = s.Store.Read(ctx, func(tx *store.Tx) error {
		runs, around, err = tx.Runs(q)
		return err
	})
	return runs, around, err
}

// Run finds a run that the actor may see.
func (s *Service) Run(ctx context.Context, actor models.Actor, id models.RunID) (models.SyncRun, error) {
	var run models.SyncRun
	err := s.Store.Read(ctx, func(tx *store.Tx) (err error) {
		run, err = tx.Run(id)
		return err
	})
	if err == nil {
		_, _, err = s.destination(ctx, actor, auth.ViewDestination, run.DestinationID)
	}
	if fault.Is(err, fault.NotFound) {
		return models.SyncRun{}, fault.New(fault.NotFound, "There is no such run, or it is too long ago.")
	}
	if err != nil {
		return models.SyncRun{}, err
	}
	return run, nil
}

// ResultQuery chooses results of a run.
type ResultQuery = store.ResultQuery

// Results lists what a run found or did secret by secret: only what another try may mend
// where asked for.
func (s *Service) Results(ctx context.Context, actor models.Actor, q ResultQuery) (results []models.SyncResult, around Around, err error) {
	run, err := s.Run(ctx, actor, q.Run)
	if err == nil {
		_, _, err = s.named(ctx, actor, auth.ViewDestination, run.DestinationID)
	}
	if err != nil {
		return nil, around, err
	}
	err = s.Store.Read(ctx, func(tx *store.Tx) error {
		results, around, err = tx.Results(q)
		return err
	})
	return results, around, err
}

// NotDone says how many secrets of a run, which the caller has found for the actor already,
// another try may mend.
func (s *Service) NotDone(ctx context.Context, id models.RunID) (n int, err error) {
	err = s.Store.Read(ctx, func(tx *store.Tx) error {
		n, err = tx.CountNotDone(id)
		return err
	})
	return n, err
}

// narrow leaves of the environments that are asked about (none: of all) those in which the
// actor may do the action.
func (s *Service) narrow(ctx context.Context, actor models.Actor, action auth.Action, asked []models.EnvironmentID) ([]models.EnvironmentID, error) {
	allowed, err := s.within(ctx, actor, action, 0)
	if err != nil || len(asked) == 0 {
		return allowed, err
	}
	return slices.DeleteFunc(allowed, func(id models.EnvironmentID) bool { return !slices.Contains(asked, id) }), nil
}

// seeingSecrets leaves those environments in which the actor may see secrets.
func seeingSecrets(actor models.Actor, all []models.EnvironmentID) []models.EnvironmentID {
	return slices.DeleteFunc(all, func(id models.EnvironmentID) bool { return !auth.Can(actor, auth.ViewSecret, id) })
}
