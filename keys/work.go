package keys

import (
	"context"
	"encoding/json"
	"errors"
	"strings"
	"sync/atomic"
	"time"

	"github.com/your-org/keeper/fault"
	"github.com/your-org/keeper/models"
	"github.com/your-org/keeper/store"
)

// errEnded stops the work on a run that somebody else ended.
var errEnded = errors.New("keys: the run was ended")

// work is one run in the hands of one worker. Everything that the next worker needs to go on
// is in the row: what is only here may be lost at any instruction.
type work struct {
	*Service
	run   models.KeyRun
	calls atomic.Int64 // of key backends, since the last commit
}

// Work is the handler of both kinds of jobs.
func (s *Service) Work(ctx context.Context, job models.Job) (*time.Time, error) {
	if job.Kind == WatchJobKind {
		return s.watch(ctx)
	}
	w := &work{Service: s}
	err := s.Store.Read(ctx, func(tx *store.Tx) (err error) {
		w.run, err = tx.KeyRun(models.KeyRunID(job.Key))
		return err
	})
	if fault.Is(err, fault.NotFound) || err == nil && w.run.Status.Ended() {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	next, err := w.goOn(ctx)
	if err == nil || errors.Is(err, errEnded) {
		return next, nil
	}
	if ctx.Err() == nil {
		err = w.stumble(ctx, err)
	}
	return nil, err
}

func (w *work) goOn(ctx context.Context) (*time.Time, error) {
	switch w.run.Kind {
	case models.KeyRewrap:
		return w.rewrap(ctx)
	case models.KeyReencrypt:
		return w.reencrypt(ctx)
	case models.KeyScrub:
		return w.scrub(ctx)
	default:
		return nil, fault.New(fault.Invalid, "Keeper does not know how to do a run of kind %s.", w.run.Kind)
	}
}

// commit stores what a step did together with where the run stands then. The change may be
// run again and must say all that it changes of the run.
func (w *work) commit(ctx context.Context, change func(tx *store.Tx, run *models.KeyRun) error) error {
	calls := w.calls.Load()
	var stands models.KeyRun
	err := w.Store.Write(ctx, func(tx *store.Tx) error {
		run, err := tx.LockKeyRun(w.run.ID)
		if fault.Is(err, fault.NotFound) || err == nil && run.Status.Ended() {
			return errEnded
		}
		if err != nil {
			return err
		}
		now := tx.Now()
		if run.StartedAt == nil {
			run.StartedAt = &now
		}
		run.Status, run.Error, run.Hint = models.KeyRunRunning, "", ""
		run.Calls += calls
		if err := change(tx, &run); err != nil {
			return err
		}
		run.Total = max(run.Total, run.Done)
		stands = run
		return tx.UpdateKeyRun(&stands)
	})
	if err != nil {
		return err
	}
	w.calls.Add(-calls)
	w.run = stands
	w.meters.note(stands)
	if w.told.due(time.Now()) || stands.Status.Ended() {
		w.Wake()
	}
	return nil
}

// stumble writes down why a run does not go on for now. Waiting mends most of it: the run
// stays, and its job is tried again. What waiting cannot mend ends it.
func (w *work) stumble(ctx context.Context, why error) error {
	said := fault.Public(why)
	if fault.Is(why, fault.Invalid) || fault.Is(why, fault.NotFound) {
		return w.end(ctx, models.Environment{ID: w.run.EnvironmentID}, models.KeyRunFailed, said.Message, said.Hint, nil)
	}
	err := w.commit(ctx, func(_ *store.Tx, run *models.KeyRun) error {
		run.Error, run.Hint = said.Message, said.Hint
		return nil
	})
	if errors.Is(err, errEnded) {
		return nil
	}
	w.Wake()
	return why
}

// end ends a run. The check, where there is one, may say that it is not at its end after all.
func (w *work) end(
	ctx context.Context, e models.Environment, status models.KeyRunStatus, message, hint string, check func(*store.Tx, *models.KeyRun) error,
) error {
	err := w.commit(ctx, func(tx *store.Tx, run *models.KeyRun) error {
		if check != nil {
			if err := check(tx, run); err != nil {
				return err
			}
		}
		now := tx.Now()
		run.Status, run.FinishedAt, run.Error, run.Hint = status, &now, message, hint
		if err := w.alertDamage(tx, *run); err != nil {
			return err
		}
		return tx.AppendAudit(runEntry(models.System(), e, *run))
	})
	if errors.Is(err, errEnded) {
		return nil
	}
	return err
}

// remember encodes where a run stands, in its kind's own form.
func remember(run *models.KeyRun, place any) error {
	text, err := json.Marshal(place)
	run.Cursor = string(text)
	return err
}

// recall decodes it; an empty one is the beginning.
func recall(run models.KeyRun, place any) error {
	if run.Cursor == "" {
		return nil
	}
	if err := json.NewDecoder(strings.NewReader(run.Cursor)).Decode(place); err != nil {
		return fault.Wrap(err, fault.Invalid, "The run's place was changed; it cannot go on.").WithHint("Start it anew.")
	}
	return nil
}

// finding makes a finding of an error about a thing.
func (w *work) finding(e models.Environment, kind, object string, key models.DataKeyID, problem error) models.KeyFinding {
	f := w.newFinding(e, kind, object, key, problem)
	f.RunID = w.run.ID
	return f
}

func (w *work) versionFinding(e models.Environment, v *store.VersionRow, problem error) models.KeyFinding {
	f := w.newVersionFinding(e, v, problem)
	f.RunID = w.run.ID
	return f
}

// newFinding is a finding of no run yet.
func (s *Service) newFinding(e models.Environment, kind, object string, key models.DataKeyID, problem error) models.KeyFinding {
	f := models.KeyFinding{
		Kind: models.FindingUnknown, EnvironmentID: e.ID, ObjectKind: kind, Object: object, DataKeyID: key,
		Problem: fault.Public(problem).Message, At: s.Now(),
	}
	if damaged(problem) {
		f.Kind = models.FindingDamaged
	}
	return f
}

func (s *Service) newVersionFinding(e models.Environment, v *store.VersionRow, problem error) models.KeyFinding {
	f := s.newFinding(e, "version", versionName(v), v.DataKeyID, problem)
	f.SecretID, f.Version = v.SecretID, v.Number
	return f
}

// foundObjects are the names of what the run told of already, so that a thing is told of
// once.
func (w *work) foundObjects(ctx context.Context) (map[string]bool, error) {
	found := map[string]bool{}
	err := w.Store.Read(ctx, func(tx *store.Tx) error {
		for after := int64(0); ; {
			all, err := tx.KeyFindings(w.run.ID, after, 0)
			if err != nil || len(all) == 0 {
				return err
			}
			for _, f := range all {
				found[f.Object] = true
			}
			after = all[len(all)-1].ID
		}
	})
	return found, err
}
