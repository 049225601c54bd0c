package keys

import (
	"context"

	"github.com/your-org/keeper/kms"
	"github.com/your-org/keeper/models"
	"github.com/your-org/keeper/store"
)

// verified is what was opened under a data key, and what of it did not.
type verified struct {
	opened   int64
	findings []models.KeyFinding // without their run
}

// verifyUnder opens everything that is sealed under a data key by an opened form of it, and
// holds versions against their hashes where the hash key is given.
func (s *Service) verifyUnder(ctx context.Context, e models.Environment, id models.DataKeyID, key, hash *kms.OpenedKey) (v verified, err error) {
	var secret models.SecretID
	var number models.VersionNumber
	for {
		var rows []store.VersionRow
		err := s.Store.Read(ctx, func(tx *store.Tx) (err error) {
			rows, err = tx.VersionsUnder([]models.DataKeyID{id}, secret, number, 0)
			return err
		})
		if err != nil {
			return v, err
		}
		if len(rows) == 0 {
			break
		}
		for i := range rows {
			if err := opensVersion(&rows[i], key, hash); err != nil {
				v.findings = append(v.findings, s.newVersionFinding(e, &rows[i], err))
				continue
			}
			v.opened++
		}
		last := rows[len(rows)-1]
		secret, number = last.SecretID, last.Number
	}
	return v, s.verifyCredentials(ctx, e, id, key, &v)
}

func opensVersion(row *store.VersionRow, key, hash *kms.OpenedKey) error {
	plain, err := key.Open(versionSeal(row))
	if err != nil {
		return err
	}
	defer plain.Zero()
	return matches(hash, row, plain)
}

func (s *Service) verifyCredentials(ctx context.Context, e models.Environment, id models.DataKeyID, key *kms.OpenedKey, v *verified) error {
	var under []models.Destination
	err := s.Store.Read(ctx, func(tx *store.Tx) (err error) {
		under, err = credentialsUnder(tx, e.ID, id)
		return err
	})
	for i := range under {
		plain, err := key.Open(credentialsSeal(&under[i]))
		plain.Zero()
		if err != nil {
			v.findings = append(v.findings, s.newFinding(e, "credentials", under[i].Name, id, err))
			continue
		}
		v.opened++
	}
	return err
}

// credentialsUnder are the destinations whose credentials are sealed under one of the data
// keys.
func credentialsUnder(tx *store.Tx, env models.EnvironmentID, ids ...models.DataKeyID) (under []models.Destination, err error) {
	among := make(map[models.DataKeyID]bool, len(ids))
	for _, id := range ids {
		among[id] = true
	}
	for after := models.DestinationID(""); ; {
		page, err := tx.DestinationsWithCredentials(env, after, 0)
		if err != nil || len(page) == 0 {
			return under, err
		}
		for _, d := range page {
			if among[d.CredentialsKeyID] {
				under = append(under, d)
			}
		}
		after = page[len(page)-1].ID
	}
}
