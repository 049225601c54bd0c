package secrets

import (
	"context"

	"github.com/your-org/keeper/audit"
	"github.com/your-org/keeper/auth"
	"github.com/your-org/keeper/fault"
	"github.com/your-org/keeper/kms"
	"github.com/your-org/keeper/models"
	"github.com/your-org/keeper/store"
)

// Revealed is a value together with what it is the value of.
type Revealed struct {
	Secret  models.Secret
	Version models.SecretVersion
	Value   models.Plaintext
}

// Reveal opens the value of a version (0: the current one). The reveal is on record before
// the value leaves: where it cannot be recorded, there is no value.
func (s *Service) Reveal(ctx context.Context, actor models.Actor, id models.SecretID, number models.VersionNumber) (Revealed, error) {
	var r Revealed
	err := s.Store.Read(ctx, func(tx *store.Tx) (err error) {
		r.Secret, r.Version, err = tx.CurrentVersion(id)
		if err == nil && number != 0 && number != r.Version.Number {
			r.Version, err = tx.Version(id, number)
		}
		return err
	})
	if r.Secret.ID == 0 && fault.Is(err, fault.NotFound) {
		return Revealed{}, noSecret()
	}
	versionErr := err
	if err != nil && !fault.Is(err, fault.NotFound) {
		return Revealed{}, err
	}
	e, err := s.knownEnvironment(ctx, r.Secret.EnvironmentID)
	if err != nil {
		return Revealed{}, err
	}
	if err := s.allow(ctx, actor, auth.RevealSecret, e, r.Secret); err != nil {
		return Revealed{}, err
	}
	if versionErr != nil {
		return Revealed{}, noVersion(r.Secret, number)
	}
	return s.reveal(ctx, actor, e, r)
}

func (s *Service) reveal(ctx context.Context, actor models.Actor, e models.Environment, r Revealed) (Revealed, error) {
	if r.Secret.Deleted() {
		return Revealed{}, fault.New(fault.Conflict, "The secret %s is deleted.", r.Secret.Name).WithHint("Undelete it to read its value.")
	}
	value, openErr := s.open(ctx, e, r.Version)
	entry := audit.OnSecret(actor, "secret.reveal", e, r.Secret)
	entry.Version = r.Version.Number
	if err := s.Store.Record(ctx, audit.Ended(entry, openErr)); err != nil {
		value.Zero()
		return Revealed{}, fault.Wrap(err, fault.Unavailable, "The reveal could not be recorded, so the value was not shown.").WithHint("Try again.")
	}
	if openErr != nil {
		return Revealed{}, openErr
	}
	r.Value = value
	return r, nil
}

// open unseals a version.
func (s *Service) open(ctx context.Context, e models.Environment, v models.SecretVersion) (models.Plaintext, error) {
	sealed := kms.Sealed{DataKeyID: v.DataKeyID, Format: v.Format, Ciphertext: v.Ciphertext}
	return s.Envelope.Open(ctx, e, kms.VersionLabel(e.ID, v.SecretID, v.Number), sealed)
}

// OpenVersion opens a version for the sync, on behalf of the system: a copy to a
// destination is recorded by its run.
func (s *Service) OpenVersion(ctx context.Context, e models.Environment, v models.SecretVersion) (models.Plaintext, error) {
	return s.open(ctx, e, v)
}

// Versions lists a secret's versions, newest first, those before a number (0: from the
// newest), without values.
func (s *Service) Versions(ctx context.Context, actor models.Actor, id models.SecretID, before models.VersionNumber, limit int) ([]models.SecretVersion, error) {
	if _, _, err := s.secret(ctx, actor, auth.ViewSecret, id); err != nil {
		return nil, err
	}
	var versions []models.SecretVersion
	err := s.Store.Read(ctx, func(tx *store.Tx) (err error) {
		versions, err = tx.Versions(id, before, limit)
		return err
	})
	return versions, err
}

// VersionPage is a page of a secret's versions, newest first, without values, and the cursors of
// the pages around it.
func (s *Service) VersionPage(ctx context.Context, actor models.Actor, id models.SecretID, cursor string, limit int) (versions []models.SecretVersion, around Around, err error) {
	if _, _, err := s.secret(ctx, actor, auth.ViewSecret, id); err != nil {
		return nil, around, err
	}
	err = s.Store.Read(ctx, func(tx *store.Tx) error {
		versions, around, err = tx.VersionPage(id, cursor, limit)
		return err
	})
	return versions, around, err
}

// Activity lists what happened to a secret, newest first, and the cursors of the pages around them.
func (s *Service) Activity(ctx context.Context, actor models.Actor, id models.SecretID, cursor string, limit int) (entries []models.AuditEntry, around Around, err error) {
	if _, _, err := s.secret(ctx, actor, auth.ViewSecret, id); err != nil {
		return nil, around, err
	}
	err = s.Store.Read(ctx, func(tx *store.Tx) error {
		entries, around, err = tx.AuditOfSecret(id, cursor, limit)
		return err
	})
	return entries, around, err
}
