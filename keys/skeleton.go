package keys

import (
	"context"
	"io"
	"time"

	"github.com/your-org/keeper/fault"
	"github.com/your-org/keeper/models"
)

var errNotYet = fault.New(fault.Unavailable, "This operation on keys is being built.")

func (s *Service) Report(ctx context.Context, actor models.Actor) ([]Key, error) {
	return nil, errNotYet
}

func (s *Service) Environment(ctx context.Context, actor models.Actor, env models.EnvironmentID) ([]Key, error) {
	return nil, errNotYet
}

func (s *Service) Test(ctx context.Context, actor models.Actor, env models.EnvironmentID) ([]Check, error) {
	return nil, errNotYet
}

func (s *Service) AddRecipient(ctx context.Context, actor models.Actor, r models.Recipient) (Progress, error) {
	return Progress{}, errNotYet
}

func (s *Service) RemoveRecipient(ctx context.Context, actor models.Actor, env models.EnvironmentID, kind models.RecipientKind, key string) (Progress, error) {
	return Progress{}, errNotYet
}

func (s *Service) Drill(ctx context.Context, actor models.Actor, env models.EnvironmentID) ([]DrillResult, error) {
	return nil, errNotYet
}

func (s *Service) Prove(ctx context.Context, actor models.Actor, env models.EnvironmentID, c Challenge, answer []byte) (DrillResult, error) {
	return DrillResult{}, errNotYet
}

func (s *Service) PlanMigration(ctx context.Context, actor models.Actor, env models.EnvironmentID) (MigrationPlan, error) {
	return MigrationPlan{}, errNotYet
}

func (s *Service) Migrate(ctx context.Context, actor models.Actor, o MigrateOptions) (MigrationReport, error) {
	return MigrationReport{}, errNotYet
}

func (s *Service) Rollback(ctx context.Context, actor models.Actor, r io.Reader, report func(Progress)) (RollbackReport, error) {
	return RollbackReport{}, errNotYet
}

func (s *Service) Recover(ctx context.Context, actor models.Actor, o RecoverOptions) (RecoverReport, error) {
	return RecoverReport{}, errNotYet
}

func (s *Service) watch(ctx context.Context) (*time.Time, error) { return nil, nil }
