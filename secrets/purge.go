package secrets

import (
	"context"

	"github.com/your-org/keeper/audit"
	"github.com/your-org/keeper/fault"
	"github.com/your-org/keeper/models"
	"github.com/your-org/keeper/store"
)

// purgeBatch is how many secrets one transaction purges at most.
const purgeBatch = 100

// Purge removes for good the deleted secrets whose grace is over, with all their versions.
// One that still has a copy somewhere stays until that is gone.
func (s *Service) Purge(ctx context.Context) error {
	for {
		var purged int
		err := s.Store.Write(ctx, func(tx *store.Tx) error {
			due, err := tx.PurgeableSecrets(s.Now(), purgeBatch)
			if err != nil {
				return err
			}
			purged = len(due)
			for _, secret := range due {
				if err := s.purge(tx, secret); err != nil {
					return err
				}
			}
			return nil
		})
		if err != nil || purged < purgeBatch {
			return err
		}
	}
}

func (s *Service) purge(tx *store.Tx, secret models.Secret) error {
	e, err := tx.Environment(secret.EnvironmentID)
	if err != nil {
		return err
	}
	// Takes the row for this transaction, as it was listed: a secret that was undeleted in
	// this moment stays.
	if err := tx.UpdateSecret(&secret, secret.Revision); fault.Is(err, fault.Stale) {
		return nil
	} else if err != nil {
		return err
	}
	if err := tx.PurgeSecret(secret.ID); err != nil {
		return err
	}
	return tx.AppendAudit(audit.OnSecret(models.System(), "secret.purge", e, secret))
}
