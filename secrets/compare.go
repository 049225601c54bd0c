package secrets

import (
	"bytes"
	"context"
	"crypto/subtle"

	"github.com/your-org/keeper/auth"
	"github.com/your-org/keeper/fault"
	"github.com/your-org/keeper/models"
	"github.com/your-org/keeper/store"
)

// Holds reports whether a secret's current value is this one, by opening it: where it says
// yes, the stored value is whole and readable. The value does not leave, so this is no
// reveal; but the answer tells something of it, and takes the right to reveal.
func (s *Service) Holds(ctx context.Context, actor models.Actor, id models.SecretID, value models.Plaintext) (bool, error) {
	secret, e, err := s.secret(ctx, actor, auth.RevealSecret, id)
	if err != nil {
		return false, err
	}
	var version models.SecretVersion
	err = s.Store.Read(ctx, func(tx *store.Tx) (err error) {
		_, version, err = tx.CurrentVersion(secret.ID)
		return err
	})
	if fault.Is(err, fault.NotFound) {
		return false, noSecret() // purged meanwhile
	}
	if err != nil {
		return false, err
	}
	standing, err := s.open(ctx, e, version)
	if err != nil {
		return false, err
	}
	defer standing.Zero()
	return subtle.ConstantTimeCompare(standing.Reveal(), value.Reveal()) == 1, nil
}

// Held reports whether any version of a secret has, or had, this value, by its keyed hash.
// It takes the right to reveal, as Holds does.
func (s *Service) Held(ctx context.Context, actor models.Actor, id models.SecretID, value models.Plaintext) (bool, error) {
	_, e, err := s.secret(ctx, actor, auth.RevealSecret, id)
	if err != nil {
		return false, err
	}
	hasher, err := s.Envelope.Hasher(ctx, e)
	if err != nil {
		return false, err
	}
	sum, before := hasher.Sum(value), models.VersionNumber(0)
	for {
		var versions []models.SecretVersion
		err := s.Store.Read(ctx, func(tx *store.Tx) (err error) {
			versions, err = tx.Versions(id, before, 0)
			return err
		})
		if err != nil || len(versions) == 0 {
			return false, err
		}
		for _, v := range versions {
			if bytes.Equal(v.Hash, sum) {
				return true, nil
			}
			before = v.Number
		}
	}
}
