package destinations

import (
	"context"
	"errors"
	"strconv"
	"strings"
	"time"

	"github.com/your-org/keeper/audit"
	"github.com/your-org/keeper/fault"
	"github.com/your-org/keeper/models"
	"github.com/your-org/keeper/store"
	keepersync "github.com/your-org/keeper/sync"
)

// progressEvery is how often a running pass writes its counts down.
const progressEvery = 500 * time.Millisecond

// pass runs the engine, writing progress down as it goes. A full pass works off what is due
// before it lists the destination, which may take long, or fail.
func (s *Service) pass(ctx context.Context, d models.Destination, e models.Environment, run *models.SyncRun, found *drift, refused *refusals) (models.RunCounts, error) {
	driver, err := s.driver(ctx, e, d)
	if err != nil {
		return models.RunCounts{}, err
	}
	if err := s.finishReleases(ctx, d, driver); err != nil {
		return models.RunCounts{}, err
	}
	listing := &listing{Driver: driver}
	book := (&ledger{service: s, environment: e, destination: d, run: run.ID, listing: listing, drift: found, refused: refused}).book()
	proof := &keepersync.Proof{}
	if err := s.forecast(ctx, driver, d, run, book); err != nil {
		return models.RunCounts{}, err
	}
	var first models.RunCounts
	last := s.Now()
	options := s.options(d)
	options.Progress = func(counts models.RunCounts, total int) {
		run.Progress.Done = first.Checked + counts.Checked
		if run.PlanID == "" { // the engine counts all entries, also those that the plan does not name
			run.Progress.Total = max(run.Progress.Total, first.Checked+total)
		}
		if now := s.Now(); now.Sub(last) >= progressEvery {
			last = now
			s.progress(ctx, *run, plus(counts, first))
		}
	}
	if run.PlanID != "" {
		if options.Approved, err = s.approved(ctx, run.PlanID); err != nil {
			return models.RunCounts{}, err
		}
		options.Full, options.Brake, options.Proof = true, keepersync.Brake{}, proof // whoever approved it has seen it
		counts, err := keepersync.Run(ctx, listing, book, options)
		s.prove(ctx, d, e, run, proof)
		return counts, err
	}
	if options.Taken, err = s.taken(ctx, d); err != nil {
		return models.RunCounts{}, err
	}
	if run.Full && d.LastFullAt != nil {
		counts, err := keepersync.Run(ctx, listing, book, options)
		if err != nil {
			return counts, err
		}
		first = counts
		if options.Taken, err = s.taken(ctx, d); err != nil {
			return first, err
		}
	}
	strays := 0
	options.Full, options.Stray, options.Proof = run.Full, func(keepersync.Remote) { strays++ }, proof
	counts, err := keepersync.Run(ctx, listing, book, options)
	run.Hint = strayHint(strays)
	if err == nil && run.Full {
		run.Hint = strings.TrimSpace(run.Hint + " " + s.destroyDue(ctx, d, e, driver))
	}
	s.prove(ctx, d, e, run, proof)
	return plus(counts, first), err
}

// options are those of every run over a destination.
func (s *Service) options(d models.Destination) keepersync.Options {
	most, percent := d.Config.Brake()
	return keepersync.Options{
		Owner: s.Owner, Destination: d.ID, Strategy: d.Config.Strategy, Workers: s.Workers, Now: s.Now,
		Brake: keepersync.Brake{Most: most, Percent: percent},
	}
}

// brakeWindow is how long what was taken away counts with what a later run would take.
const brakeWindow = time.Hour

// taken are the entries of which runs took something away lately by themselves, and how many
// values of each. A plan that the brake held begins the count anew, once a person had it applied.
func (s *Service) taken(ctx context.Context, d models.Destination) (taken map[models.SecretID]int, err error) {
	err = s.Store.Read(ctx, func(tx *store.Tx) error {
		taken, err = tx.TakenAway(d.ID, s.Now().Add(-brakeWindow))
		return err
	})
	return taken, err
}

// plus adds what an earlier look did to the counts of a later one, which tell how
// everything stands now.
func plus(counts, earlier models.RunCounts) models.RunCounts {
	counts.Created += earlier.Created
	counts.Updated += earlier.Updated
	counts.Repaired += earlier.Repaired
	counts.Deleted += earlier.Deleted
	counts.Restored += earlier.Restored
	counts.Taken += earlier.Taken
	return counts
}

// strayHint tells of names that bear Keeper's mark and that Keeper does not know, as after
// the restore of an older database.
func strayHint(n int) string {
	if n == 0 {
		return ""
	}
	return strconv.Itoa(n) + " names there bear this destination's mark and have no secret in Keeper; they were left alone. Remove them by hand if nobody needs them."
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
func (s *Service) finish(ctx context.Context, d models.Destination, e models.Environment, run models.SyncRun, counts models.RunCounts, runErr error, found *drift) error {
	now := s.Now()
	run.Counts, run.FinishedAt = counts, &now
	if errors.Is(runErr, keepersync.ErrBraked) {
		if err := s.hold(ctx, d, e, &run, runErr); err != nil {
			runErr = err // the run ends on record all the same; the next one comes to the brake again
		}
	}
	conclude(&run, runErr, ctx.Err() != nil)
	entry := audit.OnDestination(models.System(), "sync.run", e, d)
	entry.ObjectKind, entry.ObjectID = "run", string(run.ID)
	entry.Detail = runDetail(run)
	if runErr != nil {
		entry.Outcome = models.OutcomeFailed
	}
	// The end is written even where the process is being stopped: the next start must not
	// have to guess.
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), 10*time.Second)
	defer cancel()
	err := s.Store.Write(ctx, func(tx *store.Tx) error {
		if err := closePlan(tx, run, runErr); err != nil {
			return err
		}
		err := tx.UpdateRun(&run)
		if err == nil && run.Status != models.RunInterrupted {
			err = tx.SetDestinationHealth(&run)
		}
		// The run is gone where its destination was removed meanwhile. What it did stays on
		// record.
		if err != nil && !fault.Is(err, fault.NotFound) {
			return err
		}
		if err == nil {
			if err := s.alert(tx, d, run, runErr, found); err != nil {
				return err
			}
		}
		return tx.AppendAudit(entry)
	})
	if s.Ran != nil {
		s.Ran(run)
	}
	return err
}

// conclude says how a run ended. One that was cut off says nothing of the destination, and
// the next one takes over.
func conclude(run *models.SyncRun, err error, stopping bool) {
	switch {
	case err != nil:
		public := fault.Public(err)
		run.Status, run.Error, run.Hint = models.RunFailed, public.Message, public.Hint
		if errors.Is(err, keepersync.ErrBraked) {
			run.Status = models.RunHeld
		}
		if stopping || stopped(err) {
			run.Status = models.RunInterrupted
		}
	case run.Counts.Failed+run.Counts.Unknown+run.Counts.Foreign+run.Counts.Held > 0:
		run.Status = models.RunPartial
	default:
		run.Status = models.RunSucceeded
	}
}

// runDetail is what the audit log says of a run. The trigger and who asked are part of it.
func runDetail(run models.SyncRun) map[string]string {
	detail := map[string]string{"trigger": string(run.Trigger), "asked_by": run.Actor, "status": string(run.Status)}
	for name, n := range map[string]int{
		"created": run.Counts.Created, "updated": run.Counts.Updated, "repaired": run.Counts.Repaired,
		"deleted": run.Counts.Deleted, "restored": run.Counts.Restored, "failed": run.Counts.Failed, "unknown": run.Counts.Unknown,
		"foreign": run.Counts.Foreign, "taken": run.Counts.Taken, "held": run.Counts.Held,
	} {
		if n > 0 {
			detail[name] = strconv.Itoa(n)
		}
	}
	return detail
}
