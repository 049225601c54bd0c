package destinations

import (
	"context"

	"github.com/your-org/keeper/audit"
	"github.com/your-org/keeper/fault"
	"github.com/your-org/keeper/models"
	"github.com/your-org/keeper/store"
)

// ahead is what a run over groups has before it.
func (l *groupLedger) ahead(ctx context.Context, dueOnly bool) (work store.SyncWork, err error) {
	groups, err := l.groups(ctx)
	now := l.service.Now()
	for _, g := range groups {
		if dueOnly && !g.due(now) {
			continue
		}
		work.Entries++
		switch {
		case g.row.BaseAt == nil && len(g.members) > 0:
			work.Creates++
		case g.row.BaseAt != nil && len(g.members) == 0:
			work.Deletes++
		case g.row.BaseVersion != g.row.Version && g.row.BaseAt != nil:
			work.Updates++
		}
	}
	return work, err
}

// holdOfGroup is the difference of the entry that a secret shares with others, or whose group
// the id stands for.
func holdOfGroup(tx *store.Tx, d models.DestinationID, secret models.SecretID) (models.SyncHold, error) {
	g, err := groupOf(tx, d, secret)
	if err != nil {
		return models.SyncHold{}, err
	}
	hold, err := tx.SyncHold(d, g.ID.SecretID())
	hold.SecretID, hold.Group = secret, &g
	return hold, err
}

func groupOf(tx *store.Tx, d models.DestinationID, secret models.SecretID) (models.SyncGroup, error) {
	id, grouped := models.GroupOf(secret)
	if !grouped {
		return tx.GroupOfSecret(d, secret)
	}
	g, err := tx.SyncGroup(id)
	if err == nil && g.DestinationID != d {
		err = errNoHold
	}
	return g, err
}

// ruleGroup decides the difference of an entry, for all secrets that share it.
func (s *Service) ruleGroup(ctx context.Context, actor models.Actor, d models.Destination, e models.Environment, r Ruling) error {
	err := s.Store.Write(ctx, func(tx *store.Tx) error {
		g, err := groupOf(tx, d.ID, r.Secret)
		if err != nil {
			return err
		}
		if g.Version != r.Version {
			return fault.New(fault.Stale, "The secrets of the entry were changed in Keeper since; nothing was decided.").WithHint("Look at both sides again.")
		}
		if err := tx.Rule(models.SyncHold{
			SecretID: g.ID.SecretID(), DestinationID: d.ID, Version: r.Version, RemoteVersion: r.RemoteVersion, Ruling: r.Side, RuledBy: actor.Name,
		}); err != nil {
			return err
		}
		if err := s.enqueue(tx, d.ID); err != nil {
			return err
		}
		entry := audit.OnDestination(actor, "sync.rule", e, d)
		entry.Detail = map[string]string{"entry": g.RemoteName, "side": string(r.Side), "remote_version": r.RemoteVersion}
		return tx.AppendAudit(entry)
	})
	if fault.Is(err, fault.NotFound) {
		return errNoHold
	}
	if err == nil {
		s.Wake()
	}
	return err
}
