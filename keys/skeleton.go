package keys

import (
	"context"
	"io"

	"github.com/your-org/keeper/fault"
	"github.com/your-org/keeper/models"
)

var errNotYet = fault.New(fault.Unavailable, "This operation on keys is being built.")

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
