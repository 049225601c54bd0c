package destinations

import (
	"context"
	"errors"
	"time"

	"github.com/your-org/keeper/fault"
	"github.com/your-org/keeper/models"
	"github.com/your-org/keeper/store"
	keepersync "github.com/your-org/keeper/sync"
)

// JobKind is the kind of the job that syncs a destination; its key is the destination's id.
// One row per destination is what keeps two passes from running at once.
const JobKind = "sync"

// Changed leaves the work that a change of a secret makes: its copies are stale, and each
// of its environment's destinations has something to do. Called in the change's transaction.
func (s *Service) Changed(tx *store.Tx, secret models.Secret) error {
	if err := tx.MarkDirty(secret.ID); err != nil {
		return err
	}
	return tx.EnqueueDestinationJobs(JobKind, secret.EnvironmentID, s.Now())
}

func (s *Service) enqueue(tx *store.Tx, id models.DestinationID) error {
	return tx.EnqueueJob(JobKind, string(id), "", s.Now())
}

// Work is the job's handler: one pass over the destination, full where one is asked for or
// due. It returns when the next pass is due.
func (s *Service) Work(ctx context.Context, job models.Job) (*time.Time, error) {
	d, e, err := s.load(ctx, models.DestinationID(job.Key))
	if fault.Is(err, fault.NotFound) {
		return nil, nil // removed since
	}
	if err != nil {
		return nil, err
	}
	if d.Paused {
		return nil, nil // resuming enqueues
	}
	run, work, err := s.begin(ctx, d, e)
	if err != nil || !work {
		return s.next(ctx, d, nil, err)
	}
	refused := &refusals{}
	found := &drift{known: run.PlanID != ""}
	if err := s.recall(ctx, d, found); err != nil {
		return nil, err
	}
	counts, runErr := s.pass(ctx, d, e, &run, found, refused)
	if err := s.finish(ctx, d, e, run, counts, runErr, found); err != nil {
		return nil, err
	}
	switch {
	case stopped(runErr):
		return nil, nil
	case errors.Is(runErr, keepersync.ErrBraked), run.PlanID != "" && fault.Is(runErr, fault.Stale):
		// A person has to look; what is due by the clock goes on.
		if run.Full {
			d.LastFullAt = &run.StartedAt
		}
		return s.next(ctx, d, refused, nil)
	case runErr != nil:
		return nil, runErr
	case run.Full:
		d.LastFullAt = &run.StartedAt
	}
	return s.next(ctx, d, refused, nil)
}

// begin settles what kind of pass this is and opens its run. There is no run where a change
// woke us and another pass has dealt with it already.
func (s *Service) begin(ctx context.Context, d models.Destination, e models.Environment) (run models.SyncRun, work bool, err error) {
	err = s.Store.Write(ctx, func(tx *store.Tx) error {
		now := s.Now()
		if _, err := tx.InterruptRuns(d.ID, now); err != nil {
			return err
		}
		run, err = tx.QueuedRun(d.ID)
		if err == nil {
			run.Status, run.StartedAt, work = models.RunRunning, now, true
			if err := tx.UpdateRun(&run); err != nil {
				return err
			}
			return tx.LockDestination(d.ID)
		}
		if !fault.Is(err, fault.NotFound) {
			return err
		}
		run = models.SyncRun{
			ID: models.NewRunID(), DestinationID: d.ID, EnvironmentID: e.ID, Trigger: models.TriggerChange, Actor: "system",
			Status: models.RunRunning, StartedAt: now,
		}
		if work, err = s.choose(tx, d, &run); err != nil || !work {
			return err
		}
		if err := tx.CreateRun(&run); err != nil {
			return err
		}
		// Who gives a copy back meanwhile sees the run, or is seen by it.
		return tx.LockDestination(d.ID)
	})
	return run, work, err
}

// recall has a pass tell what those before it found that were cut off.
func (s *Service) recall(ctx context.Context, d models.Destination, found *drift) error {
	return s.Store.Read(ctx, func(tx *store.Tx) error {
		results, err := tx.UntoldDrift(d.ID, models.MaxAlertSecrets)
		found.recall(results)
		return err
	})
}

// choose makes a new run a full one where a full one was cut off, failed, or is due. Else
// there is work only where an entry is due.
func (s *Service) choose(tx *store.Tx, d models.Destination, run *models.SyncRun) (work bool, err error) {
	before, _, err := tx.Runs(store.RunQuery{Environments: []models.EnvironmentID{d.EnvironmentID}, DestinationID: d.ID, Limit: 1})
	if err != nil {
		return false, err
	}
	overdue := d.LastFullAt == nil || !run.StartedAt.Before(d.LastFullAt.Add(s.interval(d)))
	switch {
	case len(before) > 0 && before[0].Status == models.RunInterrupted && before[0].Full:
		run.Trigger, run.Actor, run.Full = before[0].Trigger, before[0].Actor, true
		return true, nil
	case overdue, d.LastRunStatus == models.RunFailed:
		run.Trigger, run.Full = models.TriggerSchedule, true
		return true, nil
	}
	due, err := tx.CountEntries(d.ID, true, run.StartedAt)
	if err != nil || due > 0 {
		return due > 0, err
	}
	if due, err = tx.CountDueGroups(d.ID, run.StartedAt); err != nil || due > 0 {
		return due > 0, err
	}
	marked, err := tx.MarkedReleases(d.ID, 1)
	return len(marked) > 0, err
}

func (s *Service) interval(d models.Destination) time.Duration {
	if d.Interval > 0 {
		return time.Duration(d.Interval) * time.Second
	}
	return s.Interval
}

// next is when the destination is due again: at its interval, or earlier where a secret
// that failed may be tried again, which waits where the pass before has seen others fail for the
// same cause; at once where another run is asked for.
func (s *Service) next(ctx context.Context, d models.Destination, refused *refusals, err error) (*time.Time, error) {
	if err != nil {
		return nil, err
	}
	now := s.Now()
	next := now.Add(s.interval(d))
	if d.LastFullAt != nil {
		next = d.LastFullAt.Add(s.interval(d))
	}
	err = s.Store.Read(ctx, func(tx *store.Tx) error {
		retry, err := s.retryAt(tx, d, refused, now)
		if err != nil {
			return err
		}
		if retry != nil && retry.Before(next) {
			next = *retry
		}
		if _, err := tx.QueuedRun(d.ID); !fault.Is(err, fault.NotFound) {
			next = now
			return err
		}
		return nil
	})
	return &next, err
}

// retryAt is when the first of the secrets is due whose value had to wait, or that failed; nil
// where there is none.
func (s *Service) retryAt(tx *store.Tx, d models.Destination, refused *refusals, now time.Time) (*time.Time, error) {
	at, err := tx.NextWaiting(d.ID)
	if err != nil {
		return nil, err
	}
	failed, there, err := tx.NextFailed(d.ID)
	if err != nil || !there {
		return at, err
	}
	retry := *failed.NextTryAt
	if r := refused.of(failed); r != nil {
		if pause := now.Add(s.pause(r)); pause.After(retry) {
			retry = pause
		}
	}
	if at == nil || retry.Before(*at) {
		at = &retry
	}
	return at, nil
}
