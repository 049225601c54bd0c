package destinations

import (
	"context"
	"slices"

	"github.com/your-org/keeper/audit"
	"github.com/your-org/keeper/auth"
	"github.com/your-org/keeper/fault"
	"github.com/your-org/keeper/models"
	"github.com/your-org/keeper/store"
)

// SyncNow makes the copies of secrets due at once, wherever they are kept and not paused, and
// returns the queued runs that deal with them, one of each destination. It is recorded of each
// secret. Conflict where no destination that is not paused keeps any of them.
func (s *Service) SyncNow(ctx context.Context, actor models.Actor, ids []models.SecretID) (runs []models.SyncRun, err error) {
	found, err := s.syncable(ctx, actor, ids)
	if err != nil {
		return nil, err
	}
	err = s.Store.Write(ctx, func(tx *store.Tx) error {
		runs = nil
		for _, group := range found {
			if len(group.destinations) == 0 {
				continue
			}
			for _, d := range group.destinations {
				run := asked(actor, d)
				if err := s.queue(tx, &run); err != nil {
					return err
				}
				if err := tx.DueNow(d.ID, group.ids(), s.Now()); err != nil {
					return err
				}
				runs = append(runs, run)
			}
			for _, secret := range group.secrets {
				if err := tx.AppendAudit(audit.OnSecret(actor, "sync.trigger", group.environment, secret)); err != nil {
					return err
				}
			}
		}
		return nil
	})
	if err != nil {
		return nil, err
	}
	if len(runs) == 0 {
		return nil, fault.New(fault.Conflict, "None of these secrets has a destination that is not paused; nothing was started.")
	}
	s.Wake()
	return runs, nil
}

// syncable is what of one environment is to be synced, and where.
type syncable struct {
	environment  models.Environment
	destinations []models.Destination // not paused
	secrets      []models.Secret
}

func (g *syncable) ids() []models.SecretID {
	ids := make([]models.SecretID, len(g.secrets))
	for i, secret := range g.secrets {
		ids[i] = secret.ID
	}
	return ids
}

// syncable groups secrets by environment, where the actor may start a sync of all of them.
func (s *Service) syncable(ctx context.Context, actor models.Actor, ids []models.SecretID) (groups []syncable, err error) {
	var found map[models.SecretID]models.Secret
	err = s.Store.Read(ctx, func(tx *store.Tx) (err error) {
		found, err = tx.SecretsOf(ids)
		return err
	})
	if err != nil {
		return nil, err
	}
	at := map[models.EnvironmentID]int{}
	for _, id := range slices.Compact(slices.Sorted(slices.Values(ids))) {
		secret, there := found[id]
		if !there {
			return nil, notThere()
		}
		i, known := at[secret.EnvironmentID]
		if !known {
			group, err := s.syncableIn(ctx, actor, secret.EnvironmentID)
			if fault.Is(err, fault.NotFound) {
				err = notThere() // nor may the actor learn that it is
			}
			if err != nil {
				return nil, err
			}
			i, groups = len(groups), append(groups, group)
			at[secret.EnvironmentID] = i
		}
		groups[i].secrets = append(groups[i].secrets, secret)
	}
	return groups, nil
}

func (s *Service) syncableIn(ctx context.Context, actor models.Actor, id models.EnvironmentID) (g syncable, err error) {
	if g.environment, err = s.environment(ctx, actor, auth.TriggerSync, id); err != nil {
		return g, err
	}
	all, err := s.List(ctx, actor, id)
	for _, d := range all {
		if !d.Paused {
			g.destinations = append(g.destinations, d)
		}
	}
	return g, err
}

func notThere() error {
	return fault.New(fault.NotFound, "Some of these secrets are not there; nothing was started.").WithHint("Choose them anew from the list.")
}
