package destinations

import (
	"context"

	"github.com/your-org/keeper/audit"
	"github.com/your-org/keeper/auth"
	"github.com/your-org/keeper/fault"
	"github.com/your-org/keeper/models"
	"github.com/your-org/keeper/store"
)

// Ruling is a person's decision about a difference, with the two versions that it was made
// on: it counts only as long as both stand.
type Ruling struct {
	Destination   models.DestinationID
	Secret        models.SecretID
	Side          models.Side
	Version       models.VersionNumber
	RemoteVersion string
}

// Rule decides a difference that is held. The next pass, which begins at once, carries it out.
func (s *Service) Rule(ctx context.Context, actor models.Actor, r Ruling) error {
	d, e, err := s.destination(ctx, actor, auth.WriteSecret, r.Destination)
	if err != nil {
		return err
	}
	if r.Side != models.SideKeeper && r.Side != models.SideRemote {
		return fault.InvalidField("side", "must be keeper or remote")
	}
	if r.Side == models.SideRemote && r.RemoteVersion == "" {
		return fault.New(fault.Invalid, "There is no value at the destination that Keeper could take.").
			WithHint("Have Keeper write its own again, or delete the secret in Keeper.")
	}
	if d.Config.Shape.Grouped() {
		return s.ruleGroup(ctx, actor, d, e, r)
	}
	var secret models.Secret
	err = s.Store.Write(ctx, func(tx *store.Tx) error {
		if secret, _, err = tx.LockCurrentVersion(r.Secret); err != nil {
			return err
		}
		if secret.EnvironmentID != e.ID {
			return errNoHold // nothing tells it from one that is not there
		}
		if secret.CurrentVersion != r.Version {
			return fault.New(fault.Stale, "The secret was changed in Keeper since; nothing was decided.").WithHint("Look at both sides again.")
		}
		if err := tx.Rule(models.SyncHold{
			SecretID: r.Secret, DestinationID: d.ID, Version: r.Version, RemoteVersion: r.RemoteVersion, Ruling: r.Side, RuledBy: actor.Name,
		}); err != nil {
			return err
		}
		if err := s.enqueue(tx, d.ID); err != nil {
			return err
		}
		entry := audit.OnSecret(actor, "sync.rule", e, secret)
		entry.Version = r.Version
		entry.Detail = map[string]string{"destination": d.Name, "side": string(r.Side), "remote_version": r.RemoteVersion}
		return tx.AppendAudit(entry)
	})
	if fault.Is(err, fault.NotFound) {
		return errNoHold
	}
	if err != nil {
		return err
	}
	s.Wake()
	return nil
}

var errNoHold = fault.New(fault.NotFound, "No difference of this secret waits for a decision there.").WithHint("Look at the secret's state: it may be in sync by now.")

// Hold is the difference that a secret has at a destination and that waits for a person;
// NotFound where there is none.
func (s *Service) Hold(ctx context.Context, actor models.Actor, id models.DestinationID, secret models.SecretID) (models.SyncHold, error) {
	d, e, err := s.destination(ctx, actor, auth.ViewDestination, id)
	if err != nil {
		return models.SyncHold{}, err
	}
	var hold models.SyncHold
	err = s.Store.Read(ctx, func(tx *store.Tx) (err error) {
		if d.Config.Shape.Grouped() {
			hold, err = holdOfGroup(tx, id, secret)
		} else {
			hold, err = tx.SyncHold(id, secret)
		}
		if err != nil || !auth.Can(actor, auth.ViewSecret, e.ID) {
			return err
		}
		return keepersSide(tx, []*models.SyncHold{&hold})
	})
	if fault.Is(err, fault.NotFound) {
		return models.SyncHold{}, errNoHold
	}
	return hold, err
}

// NamedHold is a difference with the name of its secret.
type NamedHold = store.NamedHold

// HoldCounts says how many differences wait for a decision, by destination that the actor
// may see.
func (s *Service) HoldCounts(ctx context.Context, actor models.Actor) (counts map[models.DestinationID]int, err error) {
	environments, err := s.visible(ctx, actor, 0)
	if err != nil {
		return nil, err
	}
	err = s.Store.Read(ctx, func(tx *store.Tx) error {
		counts, err = tx.CountHolds(environments)
		return err
	})
	return counts, err
}

// HoldPage is a page of a destination's differences that wait for a person, by secret, with the
// cursors of those around it.
func (s *Service) HoldPage(ctx context.Context, actor models.Actor, id models.DestinationID, cursor string, limit int) (holds []NamedHold, around store.Around, err error) {
	if _, _, err := s.destination(ctx, actor, auth.ViewDestination, id); err != nil {
		return nil, around, err
	}
	err = s.Store.Read(ctx, func(tx *store.Tx) error {
		holds, around, err = tx.HoldPage(id, cursor, limit)
		return err
	})
	return holds, around, err
}

// Holds lists a destination's differences that wait for a person, by secret from after on.
func (s *Service) Holds(ctx context.Context, actor models.Actor, id models.DestinationID, after models.SecretID, limit int) ([]NamedHold, error) {
	d, e, err := s.destination(ctx, actor, auth.ViewDestination, id)
	if err != nil {
		return nil, err
	}
	var holds []NamedHold
	err = s.Store.Read(ctx, func(tx *store.Tx) (err error) {
		if holds, err = tx.Holds(id, after, limit); err != nil || !auth.Can(actor, auth.ViewSecret, e.ID) {
			return err
		}
		these := make([]*models.SyncHold, len(holds))
		for i := range holds {
			these[i] = &holds[i].SyncHold
			if d.Config.Shape.Grouped() {
				g, err := tx.GroupOfSecret(id, holds[i].SecretID)
				if err != nil {
					return err
				}
				these[i].Group = &g
			}
		}
		return keepersSide(tx, these)
	})
	return holds, err
}
