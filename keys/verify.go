package keys

import (
	"context"
	"slices"

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
	return v, s.verifySettings(ctx, e, id, key, &v)
}

func opensVersion(row *store.VersionRow, key, hash *kms.OpenedKey) error {
	plain, err := key.Open(versionSeal(row))
	if err != nil {
		return err
	}
	defer plain.Zero()
	return matches(hash, row, plain)
}

func (s *Service) verifySettings(ctx context.Context, e models.Environment, id models.DataKeyID, key *kms.OpenedKey, v *verified) error {
	var under []setting
	err := s.Store.Read(ctx, func(tx *store.Tx) (err error) {
		under, err = settingsUnder(tx, e.ID, id)
		return err
	})
	for _, one := range under {
		plain, err := key.Open(one.seal())
		plain.Zero()
		if err != nil {
			v.findings = append(v.findings, s.newFinding(e, "credentials", one.object(), id, err))
			continue
		}
		v.opened++
	}
	return err
}

// settingsUnder are those that are sealed under one of the data keys.
func settingsUnder(tx *store.Tx, env models.EnvironmentID, ids ...models.DataKeyID) ([]setting, error) {
	all, err := settings(tx, env)
	return slices.DeleteFunc(all, func(one setting) bool { return !slices.Contains(ids, one.dataKey()) }), err
}
