package keys

import (
	"context"
	"errors"
	"slices"
	"sync/atomic"

	"golang.org/x/sync/errgroup"

	"github.com/your-org/keeper/fault"
	"github.com/your-org/keeper/kms"
	"github.com/your-org/keeper/models"
	"github.com/your-org/keeper/store"
)

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

// outcome is what a batch comes to: the way back of what is let go, and what does not open.
type outcome struct {
	entries  []any
	findings []models.KeyFinding
	failed   int64
}

// judge settles what is kept of a batch: nothing of a data key that could not be moved, and
// the old wraps beside the new ones of one under which something does not open.
func (m *migration) judge(all []moving) (o outcome) {
	for i := range all {
		one := &all[i]
		if one.err != nil {
			o.findings = append(o.findings, m.newFinding(m.env, "data key", string(one.row.Key.ID), one.row.Key.ID, one.err))
			o.failed++
			one.made = kms.Rewrapped{}
			continue
		}
		if len(one.findings) > 0 {
			o.findings = append(o.findings, one.findings...)
			o.failed++
			one.made.Remove = nil
			m.found[string(one.row.Key.ID)] = true // not tried again by this call
		}
		if len(one.made.Remove) > 0 {
			o.entries = append(o.entries, entryOf(m.env, one))
		}
	}
	o.findings = slices.DeleteFunc(o.findings, func(f models.KeyFinding) bool { return m.found[f.Object] })
	for i := range o.findings {
		o.findings[i].RunID = m.run.ID
	}
	return o
}

// keep writes the way back, and then what was moved.
func (m *migration) keep(ctx context.Context, all []moving) error {
	o := m.judge(all)
	if len(o.entries) > 0 {
		if err := m.file.append(o.entries...); err != nil {
			return err
		}
	}
	err := m.commit(ctx, func(tx *store.Tx, run *models.KeyRun) error {
		if err := m.sameTargets(tx); err != nil {
			return err
		}
		for _, one := range all {
			if !one.changes() {
				continue
			}
			if err := tx.ReplaceWrapped(one.row.Key.ID, one.made.Add, one.made.Remove, one.made.Check); err != nil {
				return moved(err)
			}
		}
		run.Done, run.Failed = run.Done+int64(len(all)), run.Failed+o.failed
		return tx.AddKeyFindings(o.findings)
	})
	if err != nil {
		return ended(err)
	}
	for _, one := range all {
		m.changed = m.changed || one.changes()
	}
	for _, f := range o.findings {
		m.found[f.Object] = true
	}
	m.report.Findings = append(m.report.Findings, o.findings...)
	m.report.Entries += len(o.entries)
	return m.tell(ctx)
}

func (one *moving) changes() bool { return len(one.made.Add)+len(one.made.Remove) > 0 }

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
