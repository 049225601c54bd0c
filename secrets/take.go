package secrets

import (
	"context"
	"time"

	"github.com/your-org/keeper/fault"
	"github.com/your-org/keeper/models"
)

// Take makes a value that was found at a destination the secret's newest version, where its
// current version still is the given one: Stale where it is not. The value that is current
// already makes no version. It is Keeper's own act, on record as any other.
//
// The secret's value counts as changed when it was changed there (zero: now), so that it
// stands beside changes at other destinations as what it is.
func (s *Service) Take(
	ctx context.Context, id models.SecretID, current models.VersionNumber, value models.Plaintext, changed time.Time, comment string,
) (models.Secret, error) {
	return s.change(ctx, models.System(), id, 0, edit{
		action: "secret.take",
		apply: func(secret *models.Secret) error {
			if secret.CurrentVersion == current {
				return nil
			}
			return fault.New(fault.Stale, "%s was changed in Keeper at the same moment; nothing was taken.", secret.Name).
				WithHint("Keeper looks again in the next run.")
		},
		value: func(e models.Environment, secret models.Secret) (*prepared, error) {
			ready, err := s.prepare(ctx, e, secret.Type, value, comment)
			if err == nil {
				ready.changed = changed
			}
			return ready, err
		},
	})
}
