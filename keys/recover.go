package keys

import (
	"context"
	"errors"
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

// Recover brings values back whose wrapping key is lost: each data key is opened by its
// wrapped key for an offline recipient, wrapped for the current recipients and proved by
// opening everything under it; then the wraps that nobody can open any more are removed.
// Called again it goes on. It is meant for a Keeper that does not serve.
func (s *Service) Recover(ctx context.Context, actor models.Actor, o RecoverOptions) (RecoverReport, error) {
	var report RecoverReport
	if err := s.allow(ctx, actor, auth.ManageKeys); err != nil {
		return report, err
	}
	if o.Backend == nil {
		return report, fault.InvalidField("identity", "must be given: the file of an offline recipient")
	}
	environments, err := s.environments(ctx, o.Environment)
	if err != nil {
		return report, err
	}
	for _, e := range environments {
		now, err := s.standing(ctx, e.ID)
		if err != nil {
			return report, err
		}
		if now.total == 0 && o.Environment == 0 {
			continue
		}
		if err := s.recoverOne(ctx, actor, e, now, o, &report); err != nil {
			return report, err
		}
		report.Environments++
	}
	return report, nil
}

// recovery is the recovery of one environment.
type recovery struct {
	*Service
	env     models.Environment
	targets kms.Targets
	backend kms.Wrapper
	hash    *kms.OpenedKey
	report  *RecoverReport
	calls   atomic.Int64
}

func (s *Service) recoverOne(ctx context.Context, actor models.Actor, e models.Environment, now standing, o RecoverOptions, report *RecoverReport) error {
	e, err := s.moveTo(ctx, actor, e, o.ToKey)
	if err != nil {
		return err
	}
	r := &recovery{Service: s, env: e, backend: o.Backend, report: report}
	if r.targets, err = s.Envelope.Targets(ctx, e); err != nil {
		return err
	}
	if _, err := s.tryKey(ctx, e, r.targets.Primary.Kind, r.targets.Primary.ID); err != nil {
		return err
	}
	before, began := *report, s.Now()
	run := models.KeyRun{Kind: models.KeyRewrap, EnvironmentID: e.ID, Status: models.KeyRunRunning, Total: int64(now.total), StartedAt: &began}
	// The key of the hashes first: by it versions are held against their hashes.
	if err := r.hashFirst(ctx); err != nil {
		return err
	}
	for after := models.DataKeyID(""); ; {
		var rows []store.DataKeyRow
		err := s.Store.Read(ctx, func(tx *store.Tx) (err error) {
			rows, err = tx.DataKeysPage(store.DataKeyQuery{Environment: e.ID}, after, scrubPage)
			return err
		})
		if err != nil {
			return err
		}
		if len(rows) == 0 {
			break
		}
		for _, row := range rows {
			if err := r.one(ctx, row); err != nil {
				return err
			}
			run.Done++
		}
		after = rows[len(rows)-1].Key.ID
		if o.Report != nil {
			run.Failed, run.Calls, run.UpdatedAt = int64(len(report.Findings)-len(before.Findings)), r.calls.Load(), s.Now()
			o.Report(s.unstored(run))
		}
	}
	s.Envelope.Forget(e.ID)
	entry := audit.OnEnvironment(actor, "keys.recover", e)
	entry.Detail = map[string]string{
		"data_keys": strconv.FormatInt(report.DataKeys-before.DataKeys, 10), "to_key": r.targets.Primary.ID,
		"findings": strconv.Itoa(len(report.Findings) - len(before.Findings)),
	}
	if len(report.Findings) > len(before.Findings) {
		entry.Outcome = models.OutcomeFailed
	}
	return s.Store.Record(ctx, entry)
}

// moveTo gives the environment its wrapping key from now on, after trying it.
func (s *Service) moveTo(ctx context.Context, actor models.Actor, e models.Environment, key string) (models.Environment, error) {
	if key == "" || key == e.KMSKeyAlias {
		return e, nil
	}
	if s.Backends[0].Kind() != models.RecipientKMS {
		return e, fault.InvalidField("to_key", "cannot be chosen: this Keeper wraps under one local master key")
	}
	if _, err := s.tryKey(ctx, e, models.RecipientKMS, key); err != nil {
		return e, err
	}
	e.KMSKeyAlias = key
	if err := e.Validate(); err != nil {
		return e, err
	}
	err := s.Store.Write(ctx, func(tx *store.Tx) error {
		if err := tx.UpdateEnvironment(&e, 0); err != nil {
			return err
		}
		entry := audit.OnEnvironment(actor, "environment.update", e)
		entry.Detail = map[string]string{"kms_key_alias": key}
		return tx.AppendAudit(entry)
	})
	return e, err
}

func (r *recovery) hashFirst(ctx context.Context) error {
	id := kms.HashKeyID(r.env.ID)
	key, wrapped, err := r.dataKey(ctx, id)
	if fault.Is(err, fault.NotFound) {
		return r.hashLost(ctx, id)
	}
	if err != nil {
		return err
	}
	made, err := r.wrapAnew(ctx, store.DataKeyRow{Key: key, Wrapped: wrapped})
	if err == nil {
		r.hash = made.opened
	}
	if ctx.Err() != nil {
		return ctx.Err()
	}
	return nil // what does not open is told of in its turn
}

// hashLost tells that values cannot be held against their hashes: age does not say who wrapped,
// so that a value that somebody put there is then not told from one that was written.
func (r *recovery) hashLost(ctx context.Context, id models.DataKeyID) error {
	var versions int64
	err := r.Store.Read(ctx, func(tx *store.Tx) (err error) {
		versions, err = tx.CountVersions(store.VersionQuery{Environment: r.env.ID})
		return err
	})
	if err == nil && versions > 0 {
		gone := lost("The key of the environment's hashes is missing: that the values are those that were written cannot be proved.")
		r.report.Findings = append(r.report.Findings, r.newFinding(r.env, "data key", string(id), id, gone))
	}
	return err
}

// recovered is a data key with the wraps that it shall have.
type recovered struct {
	add, remove []models.WrappedKey
	check       []byte
	opened      *kms.OpenedKey // by the first of the wraps that it shall have
}

// one brings one data key back. What does not open stays as it is and is told of.
func (r *recovery) one(ctx context.Context, row store.DataKeyRow) error {
	made, err := r.wrapAnew(ctx, row)
	if err == nil && row.Key.Purpose == models.PurposeSeal {
		var v verified
		if v, err = r.verifyUnder(ctx, r.env, row.Key.ID, made.opened, r.hash); err == nil {
			r.report.Versions += v.opened
			r.report.Findings = append(r.report.Findings, v.findings...)
			if len(v.findings) > 0 && v.opened == 0 {
				made.remove = nil // not one proves that this is the key
			}
		}
	}
	switch {
	case ctx.Err() != nil:
		return ctx.Err()
	case errors.Is(err, kms.ErrUnreachable):
		return err // waiting mends it, and so does calling again
	case err != nil:
		r.report.Findings = append(r.report.Findings, r.newFinding(r.env, "data key", string(row.Key.ID), row.Key.ID, err))
		return nil
	}
	if len(made.add)+len(made.remove) > 0 {
		err = r.Store.Write(ctx, func(tx *store.Tx) error {
			return tx.ReplaceWrapped(row.Key.ID, made.add, made.remove, made.check)
		})
		if err != nil {
			return err
		}
		r.report.DataKeys += first(len(made.add) > 0)
		r.report.Removed += int64(len(made.remove))
	}
	return nil
}

// wrapAnew wraps a data key for the recipients whose wraps are missing or do not open.
func (r *recovery) wrapAnew(ctx context.Context, row store.DataKeyRow) (made recovered, err error) {
	for _, w := range row.Wrapped {
		if !wanted(r.targets, w.RecipientKind, w.RecipientID) {
			made.remove = append(made.remove, w)
		}
	}
	var missing []kms.Target
	for _, t := range r.targets.All() {
		i := slices.IndexFunc(row.Wrapped, func(w models.WrappedKey) bool { return w.RecipientKind == t.Kind && w.RecipientID == t.ID })
		if i < 0 {
			missing = append(missing, t)
			continue
		}
		if t.Kind == models.RecipientRecovery {
			continue
		}
		opened, err := r.openBy(ctx, r.env, row.Key, row.Wrapped[i], &r.calls)
		if err != nil {
			missing = append(missing, t)
		} else if made.opened == nil {
			made.opened = opened
		}
	}
	if len(missing) == 0 {
		return made, nil
	}
	plain, err := r.open(ctx, row)
	if err != nil {
		return made, err
	}
	defer clear(plain)
	return made, r.wrap(ctx, row, plain, missing, &made)
}

// open opens a data key by one of its wraps for an offline recipient. The caller clears it.
func (r *recovery) open(ctx context.Context, row store.DataKeyRow) ([]byte, error) {
	why := error(fault.New(fault.Unavailable, "Data key %s of %s is wrapped for no offline recipient.", row.Key.ID, r.env.Name).
		WithHint("Its wrapping key must be brought back, or the row restored from a backup."))
	for _, w := range row.Wrapped {
		if w.RecipientKind != r.backend.Kind() {
			continue
		}
		plain, err := r.backend.Unwrap(ctx, kms.Wrapped{RecipientID: w.RecipientID, Blob: w.Blob}, r.Envelope.Context(r.env))
		if err != nil {
			why = err
			continue
		}
		check, err := kms.Commitment(plain, row.Key.ID)
		if err == nil && (len(row.Key.Check) == 0 || slices.Equal(check, row.Key.Check)) {
			return plain, nil
		}
		clear(plain)
		why = lost("The wrapped key of data key %s for %s opens to another key.", row.Key.ID, w.RecipientID)
	}
	return nil, why
}

// wrap wraps an opened data key for targets, and opens it again by each that can.
func (r *recovery) wrap(ctx context.Context, row store.DataKeyRow, plain []byte, missing []kms.Target, made *recovered) error {
	key := row.Key
	if len(key.Check) == 0 {
		check, err := kms.Commitment(plain, key.ID)
		if err != nil {
			return err
		}
		key.Check, made.check = check, check
	}
	for _, t := range missing {
		err := r.wrapFor(ctx, key, plain, t, made)
		// A second recipient that is gone too, or away, is owed and does not hold the rest up.
		if err != nil && (t == r.targets.Primary || ctx.Err() != nil) {
			return err
		}
	}
	return nil
}

func (r *recovery) wrapFor(ctx context.Context, key models.DataKey, plain []byte, t kms.Target, made *recovered) error {
	backend := r.Service.backend(t.Kind)
	if backend == nil {
		return noBackend(t.Kind)
	}
	if t.Kind == models.RecipientKMS {
		if err := r.pace.wait(ctx); err != nil {
			return err
		}
		r.calls.Add(1)
	}
	wrapped, err := backend.Wrap(ctx, t.ID, plain, r.Envelope.Context(r.env))
	if err != nil {
		return err
	}
	fresh := models.WrappedKey{DataKeyID: key.ID, RecipientKind: t.Kind, RecipientID: wrapped.RecipientID, Blob: wrapped.Blob, CreatedAt: r.Now()}
	if opens(backend) {
		opened, err := r.openBy(ctx, r.env, key, fresh, &r.calls)
		if err != nil {
			return err
		}
		if made.opened == nil {
			made.opened = opened
		}
	}
	made.add = append(made.add, fresh)
	return nil
}
