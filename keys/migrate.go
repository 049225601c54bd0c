package keys

import (
	"context"
	"errors"
	"fmt"

	"github.com/your-org/keeper/auth"
	"github.com/your-org/keeper/fault"
	"github.com/your-org/keeper/kms"
	"github.com/your-org/keeper/models"
	"github.com/your-org/keeper/store"
)

// Batches of a migration, in data keys.
const (
	migrateBatch    = 100
	migrateBatchMax = 200
)

// Migrate moves environments to their current wrapping keys, from another backend or another
// key. Each data key is wrapped anew, everything that is sealed under it is opened by the new
// wrap, what is to be removed is made durable in the rollback file, and only then is it
// removed. Called again after it was ended at any point, it goes on. It works while Keeper
// serves.
func (s *Service) Migrate(ctx context.Context, actor models.Actor, o MigrateOptions) (report MigrationReport, err error) {
	if err := s.allow(ctx, actor, auth.ManageKeys); err != nil {
		return report, err
	}
	if o.RollbackFile == "" {
		return report, fault.InvalidField("rollback_file", "must name a file for the way back")
	}
	plan, err := s.PlanMigration(ctx, actor, o.Environment)
	if err != nil {
		return report, err
	}
	for _, e := range plan.Environments {
		if e.Problem != "" {
			return report, fault.New(fault.Unavailable, "%s cannot be migrated now; nothing was changed. %s", e.Environment.Name, e.Problem).WithHint("%s", e.Hint)
		}
	}
	file, err := s.openRollback(ctx, o.RollbackFile)
	if err != nil {
		return report, err
	}
	defer func() { err = errors.Join(err, file.file.Close()) }()
	for _, e := range plan.Environments {
		if e.Standing == e.DataKeys {
			continue
		}
		if err := s.migrate(ctx, actor, e, o, file, &report); err != nil {
			return report, err
		}
	}
	return report, err
}

// migration is the migration of one environment.
type migration struct {
	*work
	actor   models.Actor
	options MigrateOptions
	file    *rollbackFile
	report  *MigrationReport
	env     models.Environment
	targets kms.Targets
	hash    *kms.OpenedKey
	found   map[string]bool
	changed bool // by the pass
}

func (s *Service) migrate(ctx context.Context, actor models.Actor, plan EnvironmentPlan, o MigrateOptions, file *rollbackFile, report *MigrationReport) error {
	targets, err := s.Envelope.Targets(ctx, plan.Environment)
	if err != nil {
		return err
	}
	run := models.KeyRun{Kind: models.KeyMigrate, EnvironmentID: plan.Environment.ID, ToKey: targets.Primary.ID, Total: plan.DataKeys - plan.Standing}
	if now, err := s.standing(ctx, plan.Environment.ID); err != nil {
		return err
	} else if former := now.former(targets); len(former) > 0 {
		run.FromKey = former[0].RecipientID
	}
	begun, err := s.begin(ctx, actor, []begin{{run: run, env: plan.Environment}}, nil)
	if err != nil {
		return err
	}
	m := &migration{
		work: &work{Service: s, run: begun[0].KeyRun}, actor: actor, options: o, file: file, report: report, env: plan.Environment,
	}
	// The run's beginning is a new key generation.
	if m.targets, err = s.Envelope.Targets(ctx, m.env); err != nil {
		return err
	}
	if m.found, err = m.foundObjects(ctx); err != nil {
		return err
	}
	ring := s.newKeyring(m.env, &m.calls)
	if m.hash, err = ring.open(ctx, kms.HashKeyID(m.env.ID)); err != nil && !damaged(err) {
		return err
	}
	return m.passes(ctx)
}

// passes goes over the data keys until a pass changes nothing.
func (m *migration) passes(ctx context.Context) error {
	for {
		m.changed = false
		for after := models.DataKeyID(""); ; {
			rows, err := m.next(ctx, after)
			if err != nil {
				return err
			}
			if len(rows) == 0 {
				break
			}
			err = m.batch(ctx, rows)
			if fault.Is(err, fault.Stale) {
				m.changed, err = true, nil // somebody else changed it: looked at again by the next pass
			}
			if err != nil {
				return err
			}
			after = rows[len(rows)-1].Key.ID
		}
		if !m.changed {
			return m.conclude(ctx)
		}
	}
}

func (m *migration) next(ctx context.Context, after models.DataKeyID) (rows []store.DataKeyRow, err error) {
	size := m.options.BatchSize
	if size <= 0 {
		size = migrateBatch
	}
	err = m.Store.Read(ctx, func(tx *store.Tx) error {
		rows, err = tx.DataKeysPage(store.DataKeyQuery{Environment: m.env.ID}, after, min(size, migrateBatchMax))
		return err
	})
	return rows, err
}

func (m *migration) conclude(ctx context.Context) error {
	now, err := m.standing(ctx, m.env.ID)
	if err != nil {
		return err
	}
	left := 0
	for _, u := range now.former(m.targets) {
		left += u.DataKeys
	}
	status, message := models.KeyRunSucceeded, ""
	hint := fmt.Sprintf("Every data key of %s stands under its current keys. Keep the rollback file until a drill has proved them.", m.env.Name)
	if left > 0 || len(m.found) > 0 {
		status, hint = models.KeyRunPartial, "The findings name what does not open; it stands as it stood, beside the new keys."
		message = fmt.Sprintf("%d data keys of %s still stand under former keys.", left, m.env.Name)
	}
	err = m.end(ctx, m.env, status, message, hint, func(tx *store.Tx, run *models.KeyRun) error {
		run.Remaining = int64(left)
		return m.sameTargets(tx)
	})
	if err != nil {
		return err
	}
	p, err := m.progress(ctx, m.run.ID)
	m.report.Runs = append(m.report.Runs, p)
	return err
}
