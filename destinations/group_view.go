package destinations

import (
	"context"

	"github.com/your-org/keeper/audit"
	"github.com/your-org/keeper/fault"
	"github.com/your-org/keeper/models"
	"github.com/your-org/keeper/store"
	keepersync "github.com/your-org/keeper/sync"
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

// revealMember is the value that an entry holds now under the key of a secret. The reveal is on
// record before the value leaves.
func (s *Service) revealMember(ctx context.Context, actor models.Actor, d models.Destination, e models.Environment, id models.SecretID) (models.Plaintext, error) {
	var secret models.Secret
	var g models.SyncGroup
	err := s.Store.Read(ctx, func(tx *store.Tx) (err error) {
		if secret, err = tx.Secret(id); err != nil {
			return err
		}
		g, err = tx.GroupOfSecret(d.ID, id)
		return err
	})
	if err == nil && (secret.EnvironmentID != e.ID || g.BaseAt == nil) {
		err = fault.New(fault.NotFound, "No copy of Keeper's.")
	}
	if fault.Is(err, fault.NotFound) {
		return models.Plaintext{}, fault.New(fault.NotFound, "Keeper has no copy of that secret there.")
	}
	if err != nil {
		return models.Plaintext{}, err
	}
	driver, err := s.driver(ctx, e, d)
	if err != nil {
		return models.Plaintext{}, err
	}
	mark := keepersync.Mark{Owner: s.Owner, Destination: d.ID, Secret: g.ID.SecretID()}
	answer, fetchErr := fetchOwn(ctx, driver, g.RemoteName, mark)
	defer answer.Value.Zero()
	entry := audit.OnSecret(actor, "destination.reveal", e, secret)
	entry.Detail = map[string]string{"destination": d.Name, "entry": g.RemoteName, "remote_version": answer.Version}
	if err := s.Store.Record(ctx, audit.Ended(entry, fetchErr)); err != nil {
		return models.Plaintext{}, fault.Wrap(err, fault.Unavailable, "The reveal could not be recorded, so the value was not shown.").WithHint("Try again.")
	}
	if fetchErr != nil {
		return models.Plaintext{}, fetchErr
	}
	_, key := d.Config.Place(secret.Name)
	return valueAt(answer.Value, key)
}

// valueAt is the value that an entry holds under a key, in bytes of its own.
func valueAt(entry models.Plaintext, key string) (models.Plaintext, error) {
	values, err := keepersync.Members(entry.Reveal(), func(k string) bool { return k == key })
	if err != nil {
		return models.Plaintext{}, fault.New(fault.Conflict, "The entry at the destination is not an object with a key for each secret.").
			WithHint("Read it there.")
	}
	value, ok := values[key]
	delete(values, key)
	texts(values).zero()
	if !ok {
		return models.Plaintext{}, fault.New(fault.NotFound, "The entry at the destination has no key for this secret.")
	}
	return models.NewPlaintext(value), nil
}
