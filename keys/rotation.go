package keys

import (
	"context"

	"github.com/your-org/keeper/audit"
	"github.com/your-org/keeper/fault"
	"github.com/your-org/keeper/models"
)

// rotator is a backend that rotates its keys' material by itself, when told to.
type rotator interface {
	EnableRotation(ctx context.Context, key string) (changed bool, err error)
}

// rotate switches on KMS's own rotation of the keys in use, and returns those where that
// could not be done.
func (s *Service) rotate(ctx context.Context, environments []models.Environment, wants map[models.EnvironmentID][]want) (failed []TroubleKey) {
	if !s.RotateKMS {
		return nil
	}
	seen := map[string]bool{}
	for _, e := range environments {
		for _, w := range wants[e.ID] {
			backend, ok := s.backend(w.Kind).(rotator)
			if !ok || !w.sure() || seen[w.ID] || w.Info.Rotation != nil && *w.Info.Rotation {
				continue
			}
			seen[w.ID] = true
			changed, err := backend.EnableRotation(ctx, w.ID)
			if err != nil {
				failed = append(failed, TroubleKey{Key: w.ID, Environment: e.Name, State: w.Info.State, Problem: fault.Public(err).Message})
			}
			if changed {
				entry := audit.OnEnvironment(models.System(), "keys.rotation.enable", e)
				entry.Detail = map[string]string{"key": w.ID}
				s.grumble(ctx, "that a key's rotation was switched on is not in the audit log", s.Store.Record(ctx, entry))
			}
		}
	}
	return failed
}
