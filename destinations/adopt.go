package destinations

import (
	"bytes"
	"context"

	"github.com/your-org/keeper/fault"
	"github.com/your-org/keeper/models"
	"github.com/your-org/keeper/store"
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
