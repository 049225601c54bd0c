package destinations

import (
	"context"
	"slices"

	"github.com/your-org/keeper/models"
	"github.com/your-org/keeper/store"
)

// keepersSide fills in what Keeper has of differences.
func keepersSide(tx *store.Tx, holds []*models.SyncHold) error {
	var own []models.SyncHold
	for _, h := range holds {
		if g := h.Group; g != nil {
			h.Keeper = models.SecretVersion{Number: g.Version, Hash: g.Hash, Size: g.Size, CreatedAt: g.ChangedAt}
		} else {
			own = append(own, *h)
		}
	}
	versions, err := tx.VersionsHeld(own)
	if err != nil {
		return err
	}
	bySecret := make(map[models.SecretID]models.SecretVersion, len(versions))
	for _, v := range versions {
		bySecret[v.SecretID] = v
	}
	for _, h := range holds {
		if h.Group == nil {
			h.Keeper = bySecret[h.SecretID]
		}
	}
	return nil
}

// HoldsOf gives the differences that wait for a person of copies that the caller has listed for
// the actor already, in their order and without Keeper's side; nil for a copy without one.
func (s *Service) HoldsOf(ctx context.Context, states []models.SyncState) ([]*models.SyncHold, error) {
	holds := make([]*models.SyncHold, len(states))
	differ := slices.DeleteFunc(slices.Clone(states), func(s models.SyncState) bool { return !mayBeHeld(s.Status) })
	if len(differ) == 0 {
		return holds, nil
	}
	var found []models.SyncHold
	err := s.Store.Read(ctx, func(tx *store.Tx) (err error) {
		found, err = tx.HoldsOf(differ)
		return err
	})
	type copyID struct {
		destination models.DestinationID
		secret      models.SecretID
	}
	byCopy := make(map[copyID]models.SyncHold, len(found))
	for _, h := range found {
		byCopy[copyID{h.DestinationID, h.SecretID}] = h
	}
	for i, state := range states {
		at := copyID{state.DestinationID, state.SecretID}
		if state.GroupID != 0 {
			at.secret = state.GroupID.SecretID()
		}
		if hold, held := byCopy[at]; held && mayBeHeld(state.Status) {
			hold.SecretID = state.SecretID
			holds[i] = &hold
		}
	}
	return holds, err
}

func mayBeHeld(s models.SyncStatus) bool {
	return s == models.StatusDrifted || s == models.StatusConflict || s == models.StatusMissing
}

// NamedState is a copy with the name of its secret.
type NamedState = store.NamedState

// Next says what Keeper does next about copies that the caller has listed for the actor already,
// in their order.
func (s *Service) Next(ctx context.Context, copies []NamedState) ([]models.Next, error) {
	states := make([]models.SyncState, len(copies))
	environments := make([]models.EnvironmentID, len(copies))
	for i, c := range copies {
		states[i], environments[i] = c.SyncState, c.EnvironmentID
	}
	holds, err := s.HoldsOf(ctx, states)
	if err != nil {
		return nil, err
	}
	slices.Sort(environments)
	byID := map[models.DestinationID]models.Destination{}
	err = s.Store.Read(ctx, func(tx *store.Tx) error {
		all, err := tx.Destinations(slices.Compact(environments))
		for _, d := range all {
			byID[d.ID] = d
		}
		return err
	})
	next := make([]models.Next, len(copies))
	for i, c := range copies {
		next[i] = models.Copy{Destination: byID[c.DestinationID], State: c.SyncState, Hold: holds[i], Deleted: c.Deleted}.Next()
	}
	return next, err
}
