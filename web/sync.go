package web

import (
	"strconv"

	"github.com/your-org/keeper/auth"
	"github.com/your-org/keeper/destinations"
	"github.com/your-org/keeper/fault"
	"github.com/your-org/keeper/models"
	"github.com/your-org/keeper/templates"
)

// recentRuns is how many runs the page of all destinations shows.
const recentRuns = 20

func (w *Web) showSync(r *request) error {
	environments, err := r.allEnvironments()
	if err != nil {
		return err
	}
	views, err := w.destinationViews(r, 0)
	if err != nil {
		return err
	}
	runs, _, err := w.Destinations.Runs(r.Context(), r.actor, destinations.RunQuery{Limit: recentRuns})
	if err != nil {
		return err
	}
	page := &templates.SyncPage{Groups: groups(environments, views)}
	for _, v := range views {
		page.MaySync = page.MaySync || v.MaySync
	}
	page.Runs = runViews(runs, views)
	return r.show(page, &page.BasePage)
}

func (w *Web) syncDestination(r *request) error {
	run, err := w.Destinations.Trigger(r.Context(), r.actor, models.DestinationID(r.param("destination")))
	if err != nil {
		return err
	}
	return r.done(templates.MustPath("/sync/runs/{run}", run.ID), "A full pass begins now.")
}

// syncAll asks for a pass over each destination that the actor may sync and that is not
// paused.
func (w *Web) syncAll(r *request) error {
	all, err := w.Destinations.List(r.Context(), r.actor, 0)
	if err != nil {
		return err
	}
	started := 0
	for _, d := range all {
		if d.Paused || !r.may(auth.TriggerSync, d.EnvironmentID) {
			continue
		}
		if _, err := w.Destinations.Trigger(r.Context(), r.actor, d.ID); err != nil {
			return err
		}
		started++
	}
	switch started {
	case 0:
		return fault.New(fault.Conflict, "There is no destination that you may sync and that is not paused; nothing was started.")
	case 1:
		return r.done("/sync", "A full pass over one destination begins now.")
	default:
		return r.done("/sync", "Full passes over "+strconv.Itoa(started)+" destinations begin now.")
	}
}

func (w *Web) pauseAll(r *request) error {
	return w.setAllPaused(r, true, "paused: nothing is written there until they are resumed.")
}

func (w *Web) resumeAll(r *request) error {
	return w.setAllPaused(r, false, "resumed. What waited is written within seconds.")
}

// setAllPaused pauses or resumes each destination that the actor manages and that is not so
// already.
func (w *Web) setAllPaused(r *request, paused bool, message string) error {
	all, err := w.Destinations.List(r.Context(), r.actor, 0)
	if err != nil {
		return err
	}
	done := 0
	for _, d := range all {
		if d.Paused == paused || !r.may(auth.ManageDestination, d.EnvironmentID) {
			continue
		}
		if _, err := w.Destinations.Update(r.Context(), r.actor, d.ID, destinations.Change{Paused: &paused}, 0); err != nil {
			return err
		}
		done++
	}
	if done == 0 {
		return fault.New(fault.Conflict, "There is no destination that you manage to which this applies; nothing was changed.")
	}
	return r.done("/sync", strconv.Itoa(done)+" of "+strconv.Itoa(len(all))+" destinations are now "+message)
}
