package destinations

import (
	"context"
	"time"

	"github.com/your-org/keeper/audit"
	"github.com/your-org/keeper/auth"
	"github.com/your-org/keeper/fault"
	"github.com/your-org/keeper/models"
	"github.com/your-org/keeper/store"
	keepersync "github.com/your-org/keeper/sync"
)

// JobKind is the kind of the job that syncs a destination; its key is the destination's id.
// One row per destination is what keeps two passes from running at once.
const JobKind = "sync"

// progressEvery is how often a running pass writes its counts down.
const progressEvery = 500 * time.Millisecond

// Changed leaves the work that a change of a secret makes: its copies are stale, and each
// of its environment's destinations has something to do. Called in the change's transaction.
func (s *Service) Changed(tx *store.Tx, secret models.Secret) error {
	if err := tx.MarkDirty(secret.ID); err != nil {
		return err
	}
	destinations, err := tx.Destinations([]models.EnvironmentID{secret.EnvironmentID})
	if err != nil {
		return err
	}
	for _, d := range destinations {
		if err := s.enqueue(tx, d.ID); err != nil {
			return err
		}
	}
	return nil
}

func (s *Service) enqueue(tx *store.Tx, id models.DestinationID) error {
	return tx.EnqueueJob(JobKind, string(id), "", s.Now())
}

// Trigger asks for a full pass over a destination and returns its run, which is queued. A
// run that is queued already serves both.
func (s *Service) Trigger(ctx context.Context, actor models.Actor, id models.DestinationID) (models.SyncRun, error) {
	d, e, err := s.destination(ctx, actor, auth.TriggerSync, id)
	if err != nil {
		return models.SyncRun{}, err
	}
	if d.Paused {
		return models.SyncRun{}, fault.New(fault.Conflict, "The destination %s is paused; nothing was started.", d.Name).WithHint("Resume it first.")
	}
	run := models.SyncRun{
		ID: models.NewRunID(), DestinationID: d.ID, EnvironmentID: e.ID, Trigger: models.TriggerManual, Actor: actor.Name,
		Full: true, Status: models.RunQueued, StartedAt: s.Now(),
	}
	err = s.Store.Write(ctx, func(tx *store.Tx) error {
		queued, err := tx.QueuedRun(d.ID)
		if err == nil {
			run = queued
		} else if !fault.Is(err, fault.NotFound) {
			return err
		} else if err := tx.CreateRun(&run); err != nil {
			return err
		}
		if err := s.enqueue(tx, d.ID); err != nil {
			return err
		}
		return tx.AppendAudit(audit.OnDestination(actor, "sync.trigger", e, d))
	})
	if err == nil {
		s.Wake()
	}
	return run, err
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
		return s.next(ctx, d, err)
	}
	counts, runErr := s.pass(ctx, d, e, &run)
	if err := s.finish(ctx, d, e, run, counts, runErr); err != nil {
		return nil, err
	}
	if runErr != nil {
		return nil, runErr
	}
	if run.Full {
		d.LastFullAt = &run.StartedAt
	}
	return s.next(ctx, d, nil)
}

// begin settles what kind of pass this is and opens its run. There is no run where a change
// woke us and another pass has dealt with it already.
func (s *Service) begin(ctx context.Context, d models.Destination, e models.Environment) (models.SyncRun, bool, error) {
	now := s.Now()
	run := models.SyncRun{
		ID: models.NewRunID(), DestinationID: d.ID, EnvironmentID: e.ID, Trigger: models.TriggerChange, Actor: "system",
		Status: models.RunRunning, StartedAt: now,
	}
	if d.LastFullAt == nil || !now.Before(d.LastFullAt.Add(s.interval(d))) {
		run.Trigger, run.Full = models.TriggerSchedule, true
	}
	work := true
	err := s.Store.Write(ctx, func(tx *store.Tx) error {
		work = true
		if _, err := tx.InterruptRuns(d.ID, now); err != nil {
			return err
		}
		queued, err := tx.QueuedRun(d.ID)
		if err == nil {
			run = queued
			run.Status, run.StartedAt = models.RunRunning, now
			return tx.UpdateRun(&run)
		}
		if !fault.Is(err, fault.NotFound) {
			return err
		}
		if !run.Full {
			due, err := tx.CountEntries(d.ID, true, now)
			if work = due > 0; err != nil || !work {
				return err
			}
		}
		return tx.CreateRun(&run)
	})
	return run, work, err
}

// pass runs the engine, writing progress down as it goes.
func (s *Service) pass(ctx context.Context, d models.Destination, e models.Environment, run *models.SyncRun) (models.RunCounts, error) {
	driver, err := s.driver(ctx, e, d)
	if err != nil {
		return models.RunCounts{}, err
	}
	var last time.Time
	strays := 0
	defer func() { run.Hint = strayHint(strays) }()
	return keepersync.Run(ctx, driver, &ledger{service: s, environment: e, destination: d, run: run.ID}, keepersync.Options{
		Owner: s.Owner, Destination: d.ID, Full: run.Full, Workers: s.Workers, Now: s.Now,
		Stray: func(keepersync.Remote) { strays++ },
		Progress: func(counts models.RunCounts, _ int) {
			if now := s.Now(); now.Sub(last) >= progressEvery {
				last = now
				s.progress(ctx, *run, counts)
			}
		},
	})
}

// strayHint tells of names that bear Keeper's mark and that Keeper does not know, as after
// the restore of an older database.
func strayHint(n int) string {
	if n == 0 {
		return ""
	}
	return itoa(n) + " names there bear this destination's mark and have no secret in Keeper; they were left alone. Remove them by hand if nobody needs them."
}

func (s *Service) progress(ctx context.Context, run models.SyncRun, counts models.RunCounts) {
	run.Counts = counts
	if err := s.Store.Write(ctx, func(tx *store.Tx) error { return tx.UpdateRun(&run) }); err != nil {
		s.Log.WarnContext(ctx, "a run's progress was not written", "run", run.ID, "error", err)
	}
	if s.Ran != nil {
		s.Ran(run)
	}
}

// finish writes how the run ended, what is known of the destination, and the audit entry.
func (s *Service) finish(ctx context.Context, d models.Destination, e models.Environment, run models.SyncRun, counts models.RunCounts, runErr error) error {
	// The end is written even where the process is being stopped: the next start must not
	// have to guess.
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), 10*time.Second)
	defer cancel()
	now := s.Now()
	run.Counts, run.FinishedAt = counts, &now
	entry := audit.OnDestination(models.System(), "sync.run", e, d)
	entry.ObjectKind, entry.ObjectID = "run", string(run.ID)
	entry.Detail = runDetail(run)
	switch {
	case runErr != nil:
		public := fault.Public(runErr)
		run.Status, run.Error, run.Hint = models.RunFailed, public.Message, public.Hint
		entry.Outcome = models.OutcomeFailed
	case counts.Failed+counts.Unknown > 0:
		run.Status = models.RunPartial
	default:
		run.Status = models.RunSucceeded
	}
	err := s.Store.Write(ctx, func(tx *store.Tx) error {
		if err := tx.UpdateRun(&run); err != nil {
			return err
		}
		if err := tx.SetDestinationHealth(&run); err != nil {
			return err
		}
		return tx.AppendAudit(entry)
	})
	if s.Ran != nil {
		s.Ran(run)
	}
	return err
}

// runDetail is what the audit log says of a run. The trigger and who asked are part of it.
func runDetail(run models.SyncRun) map[string]string {
	detail := map[string]string{"trigger": string(run.Trigger), "asked_by": run.Actor}
	for name, n := range map[string]int{
		"created": run.Counts.Created, "updated": run.Counts.Updated, "repaired": run.Counts.Repaired,
		"deleted": run.Counts.Deleted, "restored": run.Counts.Restored, "failed": run.Counts.Failed, "unknown": run.Counts.Unknown,
	} {
		if n > 0 {
			detail[name] = itoa(n)
		}
	}
	return detail
}

func (s *Service) interval(d models.Destination) time.Duration {
	if d.Interval > 0 {
		return time.Duration(d.Interval) * time.Second
	}
	return s.Interval
}

// next is when the destination is due again: at its interval, or earlier where a secret
// that failed may be tried again.
func (s *Service) next(ctx context.Context, d models.Destination, err error) (*time.Time, error) {
	if err != nil {
		return nil, err
	}
	next := s.Now().Add(s.interval(d))
	if d.LastFullAt != nil {
		next = d.LastFullAt.Add(s.interval(d))
	}
	err = s.Store.Read(ctx, func(tx *store.Tx) error {
		retry, err := tx.NextTry(d.ID)
		if err == nil && retry != nil && retry.Before(next) {
			next = *retry
		}
		return err
	})
	return &next, err
}
