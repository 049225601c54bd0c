package destinations

import (
	"bytes"
	"context"

	"github.com/your-org/keeper/audit"
	"github.com/your-org/keeper/auth"
	"github.com/your-org/keeper/fault"
	"github.com/your-org/keeper/models"
	"github.com/your-org/keeper/store"
	keepersync "github.com/your-org/keeper/sync"
)

// adoption is an entry that somebody wants Keeper to look after as a secret's copy.
type adoption struct {
	secret     models.SecretID
	version    models.VersionNumber // of the secret, that the entry was compared with
	remoteName string
	hash       []byte // of the value there, in its form
	entry      models.AuditEntry
}

// adopt puts the adoption on record, as what Keeper intends to find there. The next pass marks
// the entry if that is what it finds, and leaves it alone if not: a crash in between loses
// nothing, and a value that somebody writes in between is never taken for the one compared.
func (s *Service) adopt(ctx context.Context, e models.Environment, d models.Destination, a adoption) error {
	return s.Store.Write(ctx, func(tx *store.Tx) error {
		secret, current, err := tx.LockCurrentVersion(a.secret)
		if fault.Is(err, fault.NotFound) || err == nil && (secret.Deleted() || secret.EnvironmentID != e.ID || secret.CurrentVersion != a.version) {
			return fault.New(fault.Stale, "The secret was changed while Keeper adopted its entry; nothing was adopted.").WithHint("Compare again.")
		}
		if err != nil {
			return err
		}
		if err := s.ownName(e, d, secret, a.remoteName); err != nil {
			return err
		}
		state, err := tx.SyncState(d.ID, a.secret)
		if err != nil && !fault.Is(err, fault.NotFound) {
			return err
		}
		switch {
		case state.RemoteName != "" && state.RemoteName != a.remoteName && (state.BaseAt != nil || state.IntentAt != nil):
			return fault.New(fault.Conflict, "Keeper's copy of %s stands under %s there; nothing was adopted.", secret.Name, state.RemoteName).
				WithHint("Release that copy first.")
		case state.BaseAt == nil && state.Dirty && state.RemoteName == a.remoteName && bytes.Equal(state.IntentHash, a.hash):
			return nil // somebody else has just adopted it
		}
		intent := models.SyncState{
			SecretID: a.secret, DestinationID: d.ID, RemoteName: a.remoteName, Status: models.StatusSourceChanged, Dirty: true, IntentHash: a.hash,
		}
		if bytes.Equal(current.Hash, a.hash) {
			intent.IntentVersion = a.version
		}
		if err := tx.PutAdoption(intent); err != nil {
			return err
		}
		if err := s.enqueue(tx, d.ID); err != nil {
			return err
		}
		return tx.AppendAudit(a.entry)
	})
}

// ownName refuses an entry that does not stand where Keeper would write the secret.
func (s *Service) ownName(e models.Environment, d models.Destination, secret models.Secret, remoteName string) error {
	l := &ledger{service: s, environment: e, destination: d}
	name, err := l.remoteName(d.Config.Names(), models.NameFields{Environment: e.Name, Type: secret.Type, Name: secret.Name, Tags: secret.Tags})
	if err != nil {
		return err
	}
	if name != remoteName {
		return fault.New(fault.Conflict, "Keeper's name for %s at the destination is %s and not %s; nothing was adopted.", secret.Name, name, remoteName).
			WithHint("Keeper writes a copy of its own under its name.")
	}
	return nil
}

// Release takes Keeper's hands off a secret's copy at a destination: the mark comes off, the
// value stays, and the name is foreign from then on, until somebody adopts it again.
func (s *Service) Release(ctx context.Context, actor models.Actor, id models.DestinationID, secretID models.SecretID) error {
	d, e, err := s.destination(ctx, actor, auth.ManageDestination, id)
	if err != nil {
		return err
	}
	secret, state, err := s.copyOf(ctx, d, secretID)
	if err != nil {
		return err
	}
	driver, err := s.driver(ctx, e, d)
	if err != nil {
		return err
	}
	entry := audit.OnSecret(actor, "sync.release", e, secret)
	entry.Detail = map[string]string{"destination": d.Name, "remote_name": state.RemoteName}
	// On record before it is done: Keeper must not lose track of what it gave back.
	if err := s.Store.Record(ctx, entry); err != nil {
		return err
	}
	_, err = driver.Unmark(ctx, state.RemoteName, keepersync.Mark{Owner: s.Owner, Destination: d.ID, Secret: secretID})
	if err != nil {
		if recordErr := s.Store.Record(context.WithoutCancel(ctx), audit.Ended(entry, err)); recordErr != nil {
			return recordErr
		}
		return unreleased(secret, state, err)
	}
	return s.Store.Write(ctx, func(tx *store.Tx) error {
		if _, _, err := tx.LockCurrentVersion(secretID); err != nil {
			return err
		}
		return tx.PutRelease(models.SyncState{
			SecretID: secretID, DestinationID: d.ID, RemoteName: state.RemoteName, Status: models.StatusForeign,
			LastError: "It was released by " + actor.Name + ": what stands under the name is no longer Keeper's.", LastHint: "Adopt it again to have Keeper look after it.",
		})
	})
}

// copyOf finds Keeper's copy of a secret. A pass that is under way may be about to write to
// it, so its end is waited for.
func (s *Service) copyOf(ctx context.Context, d models.Destination, id models.SecretID) (secret models.Secret, state models.SyncState, err error) {
	none := fault.New(fault.NotFound, "Keeper has no copy of that secret at %s.", d.Name).WithHint("keeper sync status shows which there are.")
	err = s.Store.Read(ctx, func(tx *store.Tx) error {
		if secret, err = tx.Secret(id); err != nil {
			return err
		}
		if state, err = tx.SyncState(d.ID, id); err != nil {
			return err
		}
		busy, err := tx.Busy(d.ID)
		if err == nil && busy {
			err = fault.New(fault.Conflict, "A pass over %s is under way; nothing was released.", d.Name).WithHint("Try again when it has ended, or pause the destination first.")
		}
		return err
	})
	switch {
	case fault.Is(err, fault.NotFound), err == nil && (secret.EnvironmentID != d.EnvironmentID || state.BaseAt == nil && state.IntentAt == nil):
		return secret, state, none
	case err == nil && d.Config.Shape.Grouped():
		return secret, state, fault.New(fault.Invalid, "The copy of %s is one of several in an entry at %s, and cannot be released by itself.", secret.Name, d.Name).
			WithHint("Remove the destination to have Keeper leave all of its entries.")
	}
	return secret, state, err
}

func unreleased(secret models.Secret, state models.SyncState, err error) error {
	public := fault.Public(err)
	kind := fault.KindOf(err)
	switch {
	case kind == fault.NotFound:
		return fault.Wrap(err, fault.Conflict, "Nothing stands under %s at the destination, so %s could not be released.", state.RemoteName, secret.Name).
			WithHint("Keeper writes it again in the next pass.")
	case kind == fault.Conflict:
		return fault.Wrap(err, kind, "%s could not be released: %s", secret.Name, public.Message)
	}
	return fault.Wrap(err, kind, "%s could not be released, and still is Keeper's: %s", secret.Name, public.Message).WithHint("%s", public.Hint)
}
