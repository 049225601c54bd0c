package keys

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync/atomic"

	"golang.org/x/sync/errgroup"

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

// moving is one data key on its way.
type moving struct {
	row  store.DataKeyRow
	made kms.Rewrapped
	verified
	err error
}

func (m *migration) batch(ctx context.Context, rows []store.DataKeyRow) error {
	var all []moving
	for _, row := range rows {
		if !exactly(row.Wrapped, m.targets) && !m.found[string(row.Key.ID)] {
			all = append(all, moving{row: row})
		}
	}
	if len(all) == 0 {
		return nil
	}
	group, moves := errgroup.WithContext(ctx)
	group.SetLimit(m.pace.workers())
	for i := range all {
		group.Go(func() error {
			if err := m.move(moves, &all[i]); err != nil && !damaged(err) {
				return err
			}
			return nil
		})
	}
	if err := group.Wait(); err != nil {
		return err
	}
	return m.keep(ctx, all)
}

// move wraps one data key for the targets and opens everything under it by each new wrap.
func (m *migration) move(ctx context.Context, one *moving) error {
	one.made, one.err = m.rewrapOne(ctx, m.env, one.row, m.targets, kms.RewrapOptions{})
	if one.err == nil {
		one.verified, one.err = m.prove(ctx, m.env, one.row, one.made, m.targets, m.hash, &m.calls)
	}
	return one.err
}

// prove opens a data key by each wrapped key that is new, and everything under it.
func (s *Service) prove(
	ctx context.Context, e models.Environment, row store.DataKeyRow, made kms.Rewrapped, want kms.Targets, hash *kms.OpenedKey, calls *atomic.Int64,
) (v verified, err error) {
	key := row.Key
	if len(key.Check) == 0 {
		key.Check = made.Check
	}
	fresh := s.openable(made.Add)
	if len(fresh) == 0 { // all stood already; what stays is what opens from now on
		fresh = s.openable(slices.DeleteFunc(slices.Clone(row.Wrapped), func(w models.WrappedKey) bool {
			return !wanted(want, w.RecipientKind, w.RecipientID)
		}))
	}
	if len(fresh) == 0 {
		return v, fault.New(fault.Unavailable, "Data key %s would be wrapped for nobody who can open it here.", key.ID)
	}
	for i, wrapped := range fresh {
		opened, err := s.openBy(ctx, e, key, wrapped, calls)
		if err != nil {
			return v, err
		}
		if i == 0 && key.Purpose == models.PurposeSeal {
			if v, err = s.verifyUnder(ctx, e, key.ID, opened, hash); err != nil {
				return v, err
			}
		}
	}
	return v, nil
}

// keep writes the way back, and then what was moved. A data key under which something does
// not open keeps its old wraps beside the new ones.
func (m *migration) keep(ctx context.Context, all []moving) error {
	var entries []any
	var findings []models.KeyFinding
	var failed int64
	for i := range all {
		one := &all[i]
		if one.err != nil {
			findings, failed = append(findings, m.newFinding(m.env, "data key", string(one.row.Key.ID), one.row.Key.ID, one.err)), failed+1
			one.made = kms.Rewrapped{}
			continue
		}
		if len(one.findings) > 0 {
			findings, failed = append(findings, one.findings...), failed+1
			one.made.Remove = nil
			m.found[string(one.row.Key.ID)] = true // not tried again by this call
		}
		if len(one.made.Remove) > 0 {
			entries = append(entries, entryOf(m.env, one))
		}
	}
	findings = slices.DeleteFunc(findings, func(f models.KeyFinding) bool { return m.found[f.Object] })
	for i := range findings {
		findings[i].RunID = m.run.ID
	}
	if len(entries) > 0 {
		if err := m.file.append(entries...); err != nil {
			return err
		}
	}
	err := m.commit(ctx, func(tx *store.Tx, run *models.KeyRun) error {
		if err := m.sameTargets(tx); err != nil {
			return err
		}
		for _, one := range all {
			if len(one.made.Add)+len(one.made.Remove) == 0 {
				continue
			}
			if err := tx.ReplaceWrapped(one.row.Key.ID, one.made.Add, one.made.Remove, one.made.Check); err != nil {
				return moved(err)
			}
		}
		run.Done, run.Failed = run.Done+int64(len(all)), run.Failed+failed
		return tx.AddKeyFindings(findings)
	})
	if err != nil {
		return ended(err)
	}
	m.changed = m.changed || slices.ContainsFunc(all, func(one moving) bool { return len(one.made.Add)+len(one.made.Remove) > 0 })
	for _, one := range all {
		if one.err != nil {
			m.found[string(one.row.Key.ID)] = true
		}
	}
	for _, f := range findings {
		m.found[f.Object] = true
	}
	m.report.Findings = append(m.report.Findings, findings...)
	m.report.Entries += len(entries)
	return m.tell(ctx)
}

// sameTargets ends the call where the environment's keys are others than it moves to.
func (m *migration) sameTargets(tx *store.Tx) error {
	err := tx.HoldKeyGeneration(m.env.ID, m.targets.Generation)
	if fault.Is(err, fault.Stale) {
		return fault.Wrap(err, fault.Conflict, "The keys of %s were changed while it was migrated; what was moved stays moved and is whole.", m.env.Name).
			WithHint("Call it again to go on towards the keys of now.")
	}
	return err
}

// ended says to the caller what the run's row says to workers.
func ended(err error) error {
	if errors.Is(err, errEnded) {
		return fault.New(fault.Conflict, "The migration was cancelled; what was moved stays moved and is whole.").WithHint("Call it again to go on.")
	}
	return err
}

func (m *migration) tell(ctx context.Context) error {
	if m.options.Report == nil {
		return nil
	}
	p, err := m.progress(ctx, m.run.ID)
	if err == nil {
		m.options.Report(p)
	}
	return err
}

func entryOf(e models.Environment, one *moving) rollbackEntry {
	entry := rollbackEntry{Environment: e.ID, DataKey: one.row.Key.ID}
	for _, w := range one.made.Remove {
		entry.Removed = append(entry.Removed, rollbackWrap{rollbackRecipient{w.RecipientKind, w.RecipientID}, w.Blob, w.CreatedAt})
	}
	for _, w := range one.row.Wrapped {
		entry.Before = append(entry.Before, rollbackRecipient{w.RecipientKind, w.RecipientID})
	}
	for _, w := range one.made.Add {
		entry.Added = append(entry.Added, rollbackRecipient{w.RecipientKind, w.RecipientID})
	}
	return entry
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
