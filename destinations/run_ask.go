package destinations

import (
	"context"
	"strconv"

	"github.com/your-org/keeper/audit"
	"github.com/your-org/keeper/auth"
	"github.com/your-org/keeper/fault"
	"github.com/your-org/keeper/models"
	"github.com/your-org/keeper/store"
)

// Trigger asks for a full pass over a destination and returns its run, which is queued. A
// run that is queued already serves both.
func (s *Service) Trigger(ctx context.Context, actor models.Actor, id models.DestinationID) (models.SyncRun, error) {
	d, e, err := s.startable(ctx, actor, id)
	if err != nil {
		return models.SyncRun{}, err
	}
	run := asked(actor, d)
	run.Full = true
	err = s.Store.Write(ctx, func(tx *store.Tx) error {
		if err := s.queue(tx, &run); err != nil {
			return err
		}
		return tx.AppendAudit(audit.OnDestination(actor, "sync.trigger", e, d))
	})
	if err == nil {
		s.Wake()
	}
	return run, err
}

// Retry makes the secrets that a run could not deal with due at once, and returns the queued
// run that tries them again, with whatever else is due by then. Conflict where nothing of the
// run is left to be tried.
func (s *Service) Retry(ctx context.Context, actor models.Actor, id models.RunID) (models.SyncRun, error) {
	failed, err := s.Run(ctx, actor, id)
	if err != nil {
		return models.SyncRun{}, err
	}
	d, e, err := s.startable(ctx, actor, failed.DestinationID)
	if err != nil {
		return models.SyncRun{}, err
	}
	if failed.FinishedAt == nil {
		return models.SyncRun{}, fault.New(fault.Conflict, "The run is not over; nothing was started.").WithHint("Wait for its end.")
	}
	run := asked(actor, d)
	run.RetryOf = failed.ID
	err = s.Store.Write(ctx, func(tx *store.Tx) error {
		if err := s.queue(tx, &run); err != nil {
			return err
		}
		n, err := tx.RetryFailed(failed, s.Now())
		if err != nil {
			return err
		}
		if n == 0 {
			return fault.New(fault.Conflict, "Nothing of that run is left to be tried again; nothing was started.").
				WithHint("Start a run over the whole destination.")
		}
		entry := audit.OnDestination(actor, "sync.retry", e, d)
		entry.Detail = map[string]string{"run": string(failed.ID), "secrets": strconv.Itoa(n)}
		return tx.AppendAudit(entry)
	})
	if err != nil {
		return models.SyncRun{}, err
	}
	s.Wake()
	return run, nil
}

// startable is a destination on which the actor may start a run now.
func (s *Service) startable(ctx context.Context, actor models.Actor, id models.DestinationID) (models.Destination, models.Environment, error) {
	d, e, err := s.destination(ctx, actor, auth.TriggerSync, id)
	if err == nil && d.Paused {
		err = fault.New(fault.Conflict, "The destination %s is paused; nothing was started.", d.Name).WithHint("Resume it first.")
	}
	return d, e, err
}

// asked is a run that an actor asks for.
func asked(actor models.Actor, d models.Destination) models.SyncRun {
	return models.SyncRun{
		ID: models.NewRunID(), DestinationID: d.ID, EnvironmentID: d.EnvironmentID, Trigger: models.TriggerManual, Actor: actor.Name,
		Status: models.RunQueued,
	}
}

// queue leaves a run to be begun, or takes a queued one that does as much.
func (s *Service) queue(tx *store.Tx, run *models.SyncRun) error {
	// First the job, whose row lets one at a time go on: two that ask at once share a run.
	if err := s.enqueue(tx, run.DestinationID); err != nil {
		return err
	}
	queued, err := tx.QueuedFullRun(run.DestinationID)
	if err == nil {
		*run = queued
		return nil
	}
	if !fault.Is(err, fault.NotFound) {
		return err
	}
	run.StartedAt = s.Now()
	return tx.CreateRun(run)
}
