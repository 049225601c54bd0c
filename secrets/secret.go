package secrets

import (
	"bytes"
	"context"
	"strconv"
	"time"

	"github.com/your-org/keeper/audit"
	"github.com/your-org/keeper/auth"
	"github.com/your-org/keeper/fault"
	"github.com/your-org/keeper/kms"
	"github.com/your-org/keeper/models"
	"github.com/your-org/keeper/store"
)

// NewSecret is what a secret is made from.
type NewSecret struct {
	Environment models.EnvironmentID
	Name        string
	Type        models.SecretType
	Value       models.Plaintext
	Description string
	Owner       string
	Tags        map[string]string
	ExpiresAt   *time.Time
	RotateEvery int // days
	Comment     string
}

// Create makes a secret with its first version.
func (s *Service) Create(ctx context.Context, actor models.Actor, n NewSecret) (models.Secret, error) {
	e, err := s.environment(ctx, actor, auth.WriteSecret, n.Environment)
	if err != nil {
		return models.Secret{}, err
	}
	now := s.Now()
	secret := models.Secret{
		EnvironmentID: e.ID, Name: n.Name, Type: n.Type, Description: n.Description, Owner: n.Owner, Tags: n.Tags,
		ExpiresAt: n.ExpiresAt, RotateEvery: n.RotateEvery, Revision: 1,
		CreatedAt: now, CreatedBy: actor.Name, UpdatedAt: now, UpdatedBy: actor.Name,
	}
	if err := secret.Validate(); err != nil {
		return models.Secret{}, err
	}
	value, err := s.prepare(ctx, e, n.Type, n.Value, n.Comment)
	if err != nil {
		return models.Secret{}, err
	}
	err = s.Store.Write(ctx, func(tx *store.Tx) error {
		secret.ID = 0
		version := value.install(&secret, 1, actor, now)
		if err := tx.CreateSecret(&secret); err != nil {
			return err
		}
		if err := value.seal(&version, e, secret.ID); err != nil {
			return err
		}
		if err := value.add(tx, &version); err != nil {
			return err
		}
		return s.changed(tx, actor, "secret.create", e, secret, 1, nil)
	})
	if fault.Is(err, fault.Conflict) {
		return models.Secret{}, s.nameTaken(ctx, e, n.Name, err)
	}
	if err != nil {
		return models.Secret{}, err
	}
	s.committed()
	return secret, nil
}

// nameTaken says whether the name belongs to a living or to a deleted secret.
func (s *Service) nameTaken(ctx context.Context, e models.Environment, name string, cause error) error {
	var standing models.Secret
	err := s.Store.Read(ctx, func(tx *store.Tx) (err error) {
		standing, err = tx.SecretByName(e.ID, name)
		return err
	})
	if fault.Is(err, fault.NotFound) {
		return fault.Wrap(cause, fault.Conflict, "%s changed at the same moment; nothing was written.", e.Name).WithHint("Try again.")
	}
	taken := fault.Wrap(cause, fault.Conflict, "%s already has a secret named %s; nothing was changed.", e.Name, name)
	if err == nil && standing.Deleted() {
		return taken.WithHint("It is deleted and can be undeleted; its id is %d.", standing.ID)
	}
	return taken.WithHint("Update that one, or choose another name.")
}

// Change is what may change of a secret; nil leaves a field as it is. ExpiresAt with a zero
// time takes the expiry away.
type Change struct {
	Value       *models.Plaintext
	Comment     string // on the new version, where there is one
	Description *string
	Owner       *string
	Tags        *map[string]string
	ExpiresAt   *time.Time
	RotateEvery *int
}

func (c *Change) apply(s *models.Secret) {
	set(&s.Description, c.Description)
	set(&s.Owner, c.Owner)
	set(&s.Tags, c.Tags)
	set(&s.RotateEvery, c.RotateEvery)
	if c.ExpiresAt != nil {
		s.ExpiresAt = c.ExpiresAt
		if c.ExpiresAt.IsZero() {
			s.ExpiresAt = nil
		}
	}
}

// Update changes a secret where its revision still is the expected one (0: whatever it
// is). A value that differs from the current one becomes a new version; the same value
// again changes nothing, so that a retry is harmless.
func (s *Service) Update(ctx context.Context, actor models.Actor, id models.SecretID, c Change, expected int64) (models.Secret, error) {
	return s.change(ctx, actor, id, expected, edit{
		action: "secret.update",
		apply: func(secret *models.Secret) error {
			c.apply(secret)
			return secret.Validate()
		},
		value: func(e models.Environment, secret models.Secret) (*prepared, error) {
			if c.Value == nil {
				return nil, nil
			}
			return s.prepare(ctx, e, secret.Type, *c.Value, c.Comment)
		},
	})
}

// Rollback makes an earlier version's value the newest version.
func (s *Service) Rollback(ctx context.Context, actor models.Actor, id models.SecretID, number models.VersionNumber, comment string, expected int64) (models.Secret, error) {
	return s.change(ctx, actor, id, expected, edit{
		action: "secret.rollback",
		apply:  func(*models.Secret) error { return nil },
		value: func(e models.Environment, secret models.Secret) (*prepared, error) {
			var version models.SecretVersion
			err := s.Store.Read(ctx, func(tx *store.Tx) (err error) {
				version, err = tx.Version(id, number)
				return err
			})
			if err != nil {
				return nil, err
			}
			plain, err := s.open(ctx, e, version)
			if err != nil {
				return nil, err
			}
			value, err := s.prepare(ctx, e, secret.Type, plain, comment)
			if err != nil {
				return nil, err
			}
			value.rolledFrom = number
			return value, nil
		},
	})
}

// edit is one change of a living secret.
type edit struct {
	action string
	apply  func(*models.Secret) error // in the transaction, on the secret as it is then; it may be run again
	// value makes the value to write, before the transaction; nil where there is none.
	value func(models.Environment, models.Secret) (*prepared, error)
}

// change runs an edit, and all that follows from it commits together. Changes of one secret
// take turns, so that without an expected revision none is refused because of another.
func (s *Service) change(ctx context.Context, actor models.Actor, id models.SecretID, expected int64, c edit) (models.Secret, error) {
	secret, e, err := s.secret(ctx, actor, auth.WriteSecret, id)
	if err != nil {
		return secret, err
	}
	// Told before the value is made ready; what counts is what the transaction finds.
	if err := s.applyTo(&secret, expected, c); err != nil {
		return secret, err
	}
	value, err := c.value(e, secret)
	if err != nil {
		return secret, err
	}
	now := s.Now()
	err = s.Store.Write(ctx, func(tx *store.Tx) error {
		current, version, err := tx.LockCurrentVersion(id)
		if err != nil {
			return err
		}
		before := current.Revision
		if err := s.applyTo(&current, expected, c); err != nil {
			return err
		}
		current.UpdatedAt, current.UpdatedBy = now, actor.Name
		number, err := addVersion(tx, e, &current, version.Hash, value, actor, now)
		if err != nil {
			return err
		}
		if err := tx.UpdateSecret(&current, before); err != nil {
			return err
		}
		secret = current
		return s.changed(tx, actor, c.action, e, current, number, value)
	})
	return s.settle(secret, err)
}

// applyTo applies an edit to a secret that may be changed.
func (s *Service) applyTo(secret *models.Secret, expected int64, c edit) error {
	if secret.Deleted() {
		return fault.New(fault.Conflict, "The secret %s is deleted; nothing was changed.", secret.Name).WithHint("Undelete it first.")
	}
	if err := s.stale(expected, *secret); err != nil {
		return err
	}
	return c.apply(secret)
}

// addVersion seals the value as the next version, unless it is the current one again, whose
// keyed hash is given. It returns the version's number, 0 where there is none.
func addVersion(
	tx *store.Tx, e models.Environment, secret *models.Secret, hash []byte, value *prepared, actor models.Actor, now time.Time,
) (models.VersionNumber, error) {
	if value == nil || bytes.Equal(hash, value.hash) {
		return 0, nil
	}
	version := value.install(secret, secret.CurrentVersion+1, actor, now)
	if err := value.seal(&version, e, secret.ID); err != nil {
		return 0, err
	}
	return version.Number, value.add(tx, &version)
}

func (s *Service) stale(expected int64, secret models.Secret) error {
	if expected == 0 || expected == secret.Revision {
		return nil
	}
	return fault.New(fault.Stale, "The secret %s has changed since you read it; nothing was written.", secret.Name).
		WithHint("Read it again, look at what changed, and save again.")
}

// Delete marks a secret deleted; it can be undeleted until its grace is over. Copies are
// deleted within their recovery windows.
func (s *Service) Delete(ctx context.Context, actor models.Actor, id models.SecretID, expected int64) (models.Secret, error) {
	return s.setDeleted(ctx, actor, id, expected, true)
}

// Undelete brings a deleted secret back with all its versions, and its copies after it.
func (s *Service) Undelete(ctx context.Context, actor models.Actor, id models.SecretID) (models.Secret, error) {
	return s.setDeleted(ctx, actor, id, 0, false)
}

func (s *Service) setDeleted(ctx context.Context, actor models.Actor, id models.SecretID, expected int64, deleted bool) (models.Secret, error) {
	secret, e, err := s.secret(ctx, actor, auth.DeleteSecret, id)
	if err != nil || secret.Deleted() == deleted {
		return secret, err
	}
	if err := s.stale(expected, secret); err != nil {
		return secret, err
	}
	now := s.Now()
	err = s.Store.Write(ctx, func(tx *store.Tx) error {
		current, _, err := tx.LockCurrentVersion(id)
		if err != nil {
			return err
		}
		secret = current
		if secret.Deleted() == deleted {
			return nil // somebody else did it meanwhile
		}
		if err := s.stale(expected, secret); err != nil {
			return err
		}
		action := "secret.undelete"
		secret.DeletedAt, secret.PurgeAfter = nil, nil
		if deleted {
			purge := now.Add(s.DeleteGrace)
			action, secret.DeletedAt, secret.PurgeAfter = "secret.delete", &now, &purge
		}
		secret.UpdatedAt, secret.UpdatedBy = now, actor.Name
		if err := tx.UpdateSecret(&secret, current.Revision); err != nil {
			return err
		}
		return s.changed(tx, actor, action, e, secret, 0, nil)
	})
	return s.settle(secret, err)
}

// settle ends a change: what it left to do begins, and a secret that was purged meanwhile is
// as if it had never been.
func (s *Service) settle(secret models.Secret, err error) (models.Secret, error) {
	switch {
	case err == nil:
		s.committed()
	case fault.Is(err, fault.NotFound):
		return models.Secret{}, noSecret()
	}
	return secret, err
}

// changed writes what belongs to every change of a secret: the sync's work and the audit
// entry.
func (s *Service) changed(tx *store.Tx, actor models.Actor, action string, e models.Environment, secret models.Secret, number models.VersionNumber, value *prepared) error {
	if s.Changed != nil && (number > 0 || action == "secret.delete" || action == "secret.undelete") {
		if err := s.Changed(tx, secret); err != nil {
			return err
		}
	}
	entry := audit.OnSecret(actor, action, e, secret)
	entry.Version = number
	if value != nil && value.rolledFrom > 0 {
		entry.Detail = map[string]string{"from_version": strconv.FormatInt(int64(value.rolledFrom), 10)}
	}
	return tx.AppendAudit(entry)
}

// secret loads a secret and its environment, where the actor may do the action. A refusal
// is recorded; a secret that the actor may not see does not exist for it.
func (s *Service) secret(ctx context.Context, actor models.Actor, action auth.Action, id models.SecretID) (models.Secret, models.Environment, error) {
	var secret models.Secret
	var e models.Environment
	err := s.Store.Read(ctx, func(tx *store.Tx) (err error) {
		if secret, err = tx.Secret(id); err != nil {
			return err
		}
		e, err = tx.Environment(secret.EnvironmentID)
		return err
	})
	if fault.Is(err, fault.NotFound) {
		return models.Secret{}, models.Environment{}, noSecret()
	}
	if err != nil {
		return models.Secret{}, models.Environment{}, err
	}
	if err := s.allow(ctx, actor, action, e, secret); err != nil {
		return models.Secret{}, models.Environment{}, err
	}
	return secret, e, nil
}

func (s *Service) allow(ctx context.Context, actor models.Actor, action auth.Action, e models.Environment, secret models.Secret) error {
	err := auth.CheckAt(actor, action, e, s.Now())
	if err == nil {
		return nil
	}
	if fault.Is(err, fault.NotFound) {
		err = noSecret()
	}
	return s.refused(ctx, audit.OnSecret(actor, string(action), e, secret), err)
}

// Get finds a secret that the actor may see, without its value.
func (s *Service) Get(ctx context.Context, actor models.Actor, id models.SecretID) (models.Secret, models.Environment, error) {
	return s.secret(ctx, actor, auth.ViewSecret, id)
}

// FindSecret finds a secret by environment and name.
func (s *Service) FindSecret(ctx context.Context, actor models.Actor, e models.Environment, name string) (models.Secret, error) {
	missing := fault.New(fault.NotFound, "There is no secret %s in %s.", strconv.Quote(name), e.Name).
		WithHint("List the secrets to see which there are.")
	if err := auth.Check(actor, auth.ViewSecret, e.ID); err != nil {
		if fault.Is(err, fault.NotFound) {
			err = missing
		}
		return models.Secret{}, s.refused(ctx, audit.OnEnvironment(actor, string(auth.ViewSecret), e), err)
	}
	var secret models.Secret
	err := s.Store.Read(ctx, func(tx *store.Tx) (err error) {
		secret, err = tx.SecretByName(e.ID, name)
		return err
	})
	if fault.Is(err, fault.NotFound) {
		return secret, missing
	}
	return secret, err
}

// prepared is a value that was checked and is ready to be sealed inside a transaction.
type prepared struct {
	plain      models.Plaintext
	kind       models.SecretType
	facts      models.Facts
	hash       []byte
	entry      []byte // store.EntryHash; nil: not kept
	sealer     kms.Sealer
	comment    string
	rolledFrom models.VersionNumber
	changed    time.Time // when the value came to be, elsewhere; zero: as it is installed
}

// prepare checks a value and gets the keys for it, so that nothing in the transaction waits
// for a KMS.
func (s *Service) prepare(ctx context.Context, e models.Environment, t models.SecretType, value models.Plaintext, comment string) (*prepared, error) {
	if err := (&models.SecretVersion{Comment: comment}).Validate(); err != nil {
		return nil, err
	}
	facts, err := Inspect(t, value)
	if err != nil {
		return nil, err
	}
	hasher, err := s.Envelope.Hasher(ctx, e)
	if err != nil {
		return nil, err
	}
	sealer, err := s.Envelope.Sealer(ctx, e)
	if err != nil {
		return nil, err
	}
	p := &prepared{plain: value, kind: t, facts: facts, hash: hasher.Sum(value), sealer: sealer, comment: comment}
	if t == models.JSON && s.EntryHash != nil {
		p.entry = s.EntryHash(hasher, value)
	}
	return p, nil
}

// add writes the sealed version.
func (p *prepared) add(tx *store.Tx, version *models.SecretVersion) error {
	if err := tx.AddVersion(version); err != nil || p.entry == nil {
		return err
	}
	return tx.SetEntryHashes([]store.EntryHash{{SecretID: version.SecretID, Number: version.Number, Hash: p.entry}})
}

// install makes the value the secret's current one and returns its version, not yet sealed.
func (p *prepared) install(secret *models.Secret, number models.VersionNumber, actor models.Actor, now time.Time) models.SecretVersion {
	secret.CurrentVersion, secret.CurrentSize, secret.Facts, secret.ValueChangedAt = number, p.plain.Len(), p.facts, now
	if !p.changed.IsZero() && p.changed.Before(now) {
		secret.ValueChangedAt = p.changed
	}
	return models.SecretVersion{
		Number: number, Hash: p.hash, Size: p.plain.Len(), Type: p.kind, Facts: p.facts,
		Comment: p.comment, RolledFrom: p.rolledFrom, CreatedAt: now, CreatedBy: actor.Name,
	}
}

func (p *prepared) seal(version *models.SecretVersion, e models.Environment, id models.SecretID) error {
	version.SecretID = id
	sealed, err := p.sealer.Seal(kms.VersionLabel(e.ID, id, version.Number), p.plain)
	version.DataKeyID, version.Format, version.Ciphertext = sealed.DataKeyID, sealed.Format, sealed.Ciphertext
	return err
}
