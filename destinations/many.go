package destinations

import (
	"context"

	"github.com/your-org/keeper/auth"
	"github.com/your-org/keeper/fault"
	"github.com/your-org/keeper/models"
)

// Failure is one destination of many with which something could not be done, and why. Err is
// safe to show.
type Failure struct {
	Destination models.Destination
	Err         *fault.Error
}

// TriggerAll asks for a full pass over each destination that is not paused: of one environment,
// or with 0 of all in which the actor may. Where one fails it goes on with the others. It returns
// the queued runs, and with which destinations it failed.
func (s *Service) TriggerAll(ctx context.Context, actor models.Actor, only models.EnvironmentID) (runs []models.SyncRun, failed []Failure, err error) {
	if only != 0 {
		if _, err := s.environment(ctx, actor, auth.TriggerSync, only); err != nil {
			return nil, nil, err
		}
	}
	all, err := s.actable(ctx, actor, auth.TriggerSync, only)
	if err != nil {
		return nil, nil, err
	}
	failed = s.each(ctx, all, func(d models.Destination) error {
		if d.Paused {
			return nil
		}
		run, err := s.Trigger(ctx, actor, d.ID)
		if fault.Is(err, fault.Conflict) || fault.Is(err, fault.NotFound) {
			return nil // paused or removed in this moment
		}
		if err == nil {
			runs = append(runs, run)
		}
		return err
	})
	return runs, failed, nil
}

// PauseAll pauses, or resumes, each destination that the actor manages and that is not so
// already. Where one fails it goes on with the others. It returns those that are so now, and
// with which it failed.
func (s *Service) PauseAll(ctx context.Context, actor models.Actor, paused bool) (done []models.Destination, failed []Failure, err error) {
	all, err := s.actable(ctx, actor, auth.ManageDestination, 0)
	if err != nil {
		return nil, nil, err
	}
	failed = s.each(ctx, all, func(d models.Destination) error {
		if d.Paused == paused {
			return nil
		}
		changed, err := s.Update(ctx, actor, d.ID, Change{Paused: &paused}, 0)
		if fault.Is(err, fault.NotFound) {
			return nil // removed in this moment
		}
		if err == nil {
			done = append(done, changed)
		}
		return err
	})
	return done, failed, nil
}

// actable are the destinations with which the actor may do something, of one environment or, with
// 0, of all.
func (s *Service) actable(ctx context.Context, actor models.Actor, action auth.Action, only models.EnvironmentID) (able []models.Destination, err error) {
	all, err := s.List(ctx, actor, only)
	for _, d := range all {
		if auth.Can(actor, action, d.EnvironmentID) {
			able = append(able, d)
		}
	}
	return able, err
}

// each does something with one destination after another, and goes on where it fails. What went
// wrong inside Keeper is logged.
func (s *Service) each(ctx context.Context, all []models.Destination, do func(models.Destination) error) (failed []Failure) {
	for _, d := range all {
		err := do(d)
		if err == nil {
			continue
		}
		if fault.KindOf(err) == fault.Internal {
			s.Log.ErrorContext(ctx, "one destination of many failed", "destination", d.ID, "error", err)
		}
		failed = append(failed, Failure{d, fault.Public(err)})
	}
	return failed
}
