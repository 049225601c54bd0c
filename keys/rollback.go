package keys

import (
	"context"
	"fmt"
	"io"
	"maps"
	"slices"
	"strconv"
	"sync/atomic"

	"github.com/your-org/keeper/audit"
	"github.com/your-org/keeper/auth"
	"github.com/your-org/keeper/fault"
	"github.com/your-org/keeper/kms"
	"github.com/your-org/keeper/models"
	"github.com/your-org/keeper/store"
)

// Rollback puts back what migrations took away, the last entry of the file first. The whole
// file is checked before anything is done. An old wrapped key is put back only when it opens
// to the data key that stands, and only then are the wraps of the key that was migrated to
// removed. It works while Keeper serves.
func (s *Service) Rollback(ctx context.Context, actor models.Actor, r io.Reader, report func(Progress)) (RollbackReport, error) {
	var done RollbackReport
	if err := s.allow(ctx, actor, auth.ManageKeys); err != nil {
		return done, err
	}
	installation, err := s.installation(ctx)
	if err != nil {
		return done, err
	}
	entries, _, err := s.readRollback(r, s.newChain(installation), installation)
	if err != nil {
		return done, err
	}
	b := &rollback{Service: s, done: &done, seen: map[models.EnvironmentID]map[models.DataKeyID]bool{}}
	if err := b.load(ctx, entries); err != nil {
		return done, err
	}
	began := s.Now()
	for i, entry := range slices.Backward(entries) {
		if err := b.one(ctx, entry); err != nil {
			return done, err
		}
		if report != nil {
			total, at := int64(len(entries)), s.Now()
			report(s.unstored(models.KeyRun{
				Kind: models.KeyMigrate, EnvironmentID: entry.Environment, Status: models.KeyRunRunning, Total: total, Done: total - int64(i),
				Failed: int64(len(done.Refused)), Calls: b.calls.Load(), StartedAt: &began, UpdatedAt: at,
			}))
		}
	}
	return done, b.conclude(ctx, actor)
}

// unstored is the progress of a work that has no row.
func (s *Service) unstored(run models.KeyRun) Progress {
	return Progress{KeyRun: run, Rate: s.meters.rate(run), Finding: int(run.Failed)}
}

type rollback struct {
	*Service
	done         *RollbackReport
	calls        atomic.Int64
	environments map[models.EnvironmentID]models.Environment
	seen         map[models.EnvironmentID]map[models.DataKeyID]bool
}

// load loads the environments that the file is about.
func (b *rollback) load(ctx context.Context, entries []rollbackEntry) error {
	b.environments = map[models.EnvironmentID]models.Environment{}
	all, err := b.Service.environments(ctx, 0)
	for _, e := range all {
		if slices.ContainsFunc(entries, func(entry rollbackEntry) bool { return entry.Environment == e.ID }) {
			b.environments[e.ID], b.seen[e.ID] = e, map[models.DataKeyID]bool{}
		}
	}
	return err
}

// one undoes one entry. What cannot be undone is left as it is and told of.
func (b *rollback) one(ctx context.Context, entry rollbackEntry) error {
	e, ok := b.environments[entry.Environment]
	if !ok {
		return nil // the environment is gone, and its data keys with it
	}
	key, rows, err := b.dataKey(ctx, entry.DataKey)
	if fault.Is(err, fault.NotFound) {
		return nil
	}
	if err != nil {
		return err
	}
	again := b.seen[e.ID][key.ID]
	b.seen[e.ID][key.ID] = true
	add, remove := entry.undo(rows)
	if len(add)+len(remove) == 0 {
		if !again {
			b.done.Standing++
		}
		return nil
	}
	if err := b.opensOld(ctx, e, key, entry.kept(rows, add)); err != nil {
		if ctx.Err() != nil {
			return err
		}
		b.done.Refused = append(b.done.Refused, fmt.Sprintf("%s of %s: %s", key.ID, e.Name, fault.Public(err).Message))
		return nil
	}
	err = b.Store.Write(ctx, func(tx *store.Tx) error { return tx.ReplaceWrapped(key.ID, add, remove, nil) })
	if fault.Is(err, fault.Stale) || fault.Is(err, fault.Conflict) {
		b.done.Refused = append(b.done.Refused, fmt.Sprintf("%s of %s: it was changed at the same time; call the rollback again.", key.ID, e.Name))
		return nil
	}
	if err == nil && !again {
		b.done.DataKeys++
	}
	return err
}

// undo says which wrapped keys are to come back, and which to go: those for recipients of
// the kind that was migrated to for whom the data key was not wrapped before.
func (entry rollbackEntry) undo(now []models.WrappedKey) (add, remove []models.WrappedKey) {
	to := map[models.RecipientKind]bool{}
	for _, r := range entry.Added {
		to[r.Kind] = r.Kind != models.RecipientRecovery
	}
	for _, w := range now {
		if to[w.RecipientKind] && !slices.Contains(entry.Before, rollbackRecipient{w.RecipientKind, w.RecipientID}) {
			remove = append(remove, w)
		}
	}
	for _, w := range entry.removed() {
		if !slices.ContainsFunc(now, func(n models.WrappedKey) bool {
			return n.RecipientKind == w.RecipientKind && n.RecipientID == w.RecipientID
		}) {
			add = append(add, w)
		}
	}
	return add, remove
}

// kept are the wrapped keys of former recipients as they will stand: those that stand again
// or still, which may be others than the file holds, and those that come back.
func (entry rollbackEntry) kept(now, add []models.WrappedKey) []models.WrappedKey {
	kept := slices.Clone(add)
	for _, w := range now {
		if slices.ContainsFunc(entry.Removed, func(r rollbackWrap) bool {
			return r.rollbackRecipient == (rollbackRecipient{w.RecipientKind, w.RecipientID})
		}) {
			kept = append(kept, w)
		}
	}
	return kept
}

func (entry rollbackEntry) removed() []models.WrappedKey {
	rows := make([]models.WrappedKey, len(entry.Removed))
	for i, w := range entry.Removed {
		rows[i] = models.WrappedKey{DataKeyID: entry.DataKey, RecipientKind: w.Kind, RecipientID: w.ID, Blob: w.Blob, CreatedAt: w.CreatedAt}
	}
	return rows
}

// opensOld proves that a wrapped key of before opens to the data key that stands: by the
// commitment, or where there is none by what is sealed under it.
func (b *rollback) opensOld(ctx context.Context, e models.Environment, key models.DataKey, kept []models.WrappedKey) error {
	why := notTried(store.DataKeyRow{Key: key, Wrapped: kept}, e)
	for _, wrapped := range b.openable(kept) {
		opened, err := b.openBy(ctx, e, key, wrapped, &b.calls)
		if err == nil && len(key.Check) == 0 && key.Purpose == models.PurposeSeal {
			err = b.provesItself(ctx, e, key, opened)
		}
		if err == nil {
			return nil
		}
		why = err
	}
	return why
}

func (b *rollback) provesItself(ctx context.Context, e models.Environment, key models.DataKey, opened *kms.OpenedKey) error {
	v, err := b.verifyUnder(ctx, e, key.ID, opened, nil)
	if err == nil && v.opened == 0 && len(v.findings) > 0 {
		err = lost("The old wrapped key opens to another data key: nothing that is sealed under %s opens by it.", key.ID)
	}
	return err
}

// conclude counts what the file knows nothing of, and records the rollback.
func (b *rollback) conclude(ctx context.Context, actor models.Actor) error {
	for _, id := range slices.Sorted(maps.Keys(b.environments)) {
		now, err := b.standing(ctx, id)
		if err != nil {
			return err
		}
		b.done.Outside += int64(now.total - len(b.seen[id]))
		entry := audit.OnEnvironment(actor, "keys.rollback", b.environments[id])
		entry.Detail = map[string]string{"data_keys": strconv.Itoa(len(b.seen[id])), "refused": strconv.Itoa(len(b.done.Refused))}
		if len(b.done.Refused) > 0 {
			entry.Outcome = models.OutcomeFailed
		}
		if err := b.Store.Record(ctx, entry); err != nil {
			return err
		}
	}
	return nil
}
