package destinations

import (
	"context"

	"github.com/your-org/keeper/audit"
	"github.com/your-org/keeper/auth"
	"github.com/your-org/keeper/fault"
	"github.com/your-org/keeper/models"
	"github.com/your-org/keeper/store"
	keepersync "github.com/your-org/keeper/sync"
)

// RevealRemote is the value that a destination holds of a secret of Keeper's now; of an entry
// of several secrets, what stands there under the secret's key. The reveal is on record before
// the value leaves.
func (s *Service) RevealRemote(ctx context.Context, actor models.Actor, id models.DestinationID, secretID models.SecretID) (models.Plaintext, error) {
	d, e, err := s.destination(ctx, actor, auth.RevealSecret, id)
	if err != nil {
		return models.Plaintext{}, err
	}
	secret, at, err := s.ownCopy(ctx, d, e, secretID)
	if err != nil {
		return models.Plaintext{}, err
	}
	driver, err := s.driver(ctx, e, d)
	if err != nil {
		return models.Plaintext{}, err
	}
	answer, fetchErr := fetchOwn(ctx, driver, at.name, keepersync.Mark{Owner: s.Owner, Destination: d.ID, Secret: at.marked})
	entry := audit.OnSecret(actor, "destination.reveal", e, secret)
	entry.Detail = map[string]string{"destination": d.Name, "entry": at.name, "remote_version": answer.Version}
	err = s.Store.Record(ctx, audit.Ended(entry, fetchErr))
	if err != nil {
		err = fault.Wrap(err, fault.Unavailable, "The reveal could not be recorded, so the value was not shown.").WithHint("Try again.")
	} else {
		err = fetchErr
	}
	if err != nil {
		answer.Value.Zero()
		return models.Plaintext{}, err
	}
	if !d.Config.Shape.Grouped() {
		return formOf(d.Config).shown(secret.Type, answer.Value), nil
	}
	defer answer.Value.Zero()
	_, key := d.Config.Place(secret.Name)
	return valueAt(answer.Value, key)
}

// placed is where a copy of Keeper's stands, and whose mark it bears: the secret's own, or that
// of the entry which it shares.
type placed struct {
	name   string
	marked models.SecretID
}

// ownCopy finds where a secret's copy stands; fault.NotFound where Keeper never put one.
func (s *Service) ownCopy(ctx context.Context, d models.Destination, e models.Environment, id models.SecretID) (secret models.Secret, at placed, err error) {
	err = s.Store.Read(ctx, func(tx *store.Tx) (err error) {
		if secret, err = tx.Secret(id); err != nil {
			return err
		}
		there := false
		if d.Config.Shape.Grouped() {
			var g models.SyncGroup
			g, err = tx.GroupOfSecret(d.ID, id)
			at, there = placed{g.RemoteName, g.ID.SecretID()}, g.BaseAt != nil
		} else {
			var state models.SyncState
			state, err = tx.SyncState(d.ID, id)
			at, there = placed{state.RemoteName, id}, state.BaseAt != nil
		}
		if err == nil && (!there || secret.EnvironmentID != e.ID) {
			err = fault.New(fault.NotFound, "No copy of Keeper's.")
		}
		return err
	})
	if fault.Is(err, fault.NotFound) {
		err = fault.New(fault.NotFound, "Keeper has no copy of that secret there.")
	}
	return secret, at, err
}

// fetchOwn reads a value that bears Keeper's mark: what took its name since is not Keeper's
// to show. Looked at first, so that nothing of another's is read, and again after it was read:
// the mark must be on the very version that the value is of.
func fetchOwn(ctx context.Context, driver keepersync.Driver, name string, mark keepersync.Mark) (keepersync.Fetched, error) {
	if _, err := lookOwn(ctx, driver, name, mark); err != nil {
		return keepersync.Fetched{}, err
	}
	answer, ok := driver.Fetch(ctx, []string{name})[name]
	if !ok {
		return keepersync.Fetched{}, fault.New(fault.Internal, "The destination's driver gave no answer for %s.", name)
	}
	if answer.Err != nil {
		return answer, answer.Err
	}
	remote, err := lookOwn(ctx, driver, name, mark)
	if err == nil && remote.Version != answer.Version {
		err = fault.New(fault.Conflict, "What stands under %s at the destination was changed while Keeper read it.", name).WithHint("Try again.")
	}
	return answer, err
}

// lookOwn looks at a name that is to bear Keeper's mark.
func lookOwn(ctx context.Context, driver keepersync.Driver, name string, mark keepersync.Mark) (keepersync.Remote, error) {
	remote, err := driver.Describe(ctx, name)
	if err == nil && remote.Mark != mark {
		err = fault.New(fault.Conflict, "What stands under %s at the destination is not Keeper's.", name)
	}
	return remote, err
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
