package web

import (
	"strconv"
	"strings"

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
	runs, failed, err := w.Destinations.TriggerAll(r.Context(), r.actor, 0)
	if err != nil {
		return err
	}
	said := "Full passes over " + strconv.Itoa(len(runs)) + " destinations begin now."
	switch {
	case len(failed) > 0:
		return r.partly("A full pass begins now over", len(runs), failed)
	case len(runs) == 0:
		return fault.New(fault.Conflict, "There is no destination that you may sync and that is not paused; nothing was started.")
	case len(runs) == 1:
		said = "A full pass over one destination begins now."
	}
	return r.done("/sync", said)
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
	done, failed, err := w.Destinations.PauseAll(r.Context(), r.actor, paused)
	switch {
	case err != nil:
		return err
	case len(failed) > 0 && paused:
		return r.partly("Paused now:", len(done), failed)
	case len(failed) > 0:
		return r.partly("Resumed now:", len(done), failed)
	case len(done) == 0:
		return fault.New(fault.Conflict, "There is no destination that you manage to which this applies; nothing was changed.")
	default:
		return r.done("/sync", many(len(done), "destination")+" "+isOrAre(len(done))+" now "+message)
	}
}

func isOrAre(n int) string {
	if n == 1 {
		return "is"
	}
	return "are"
}

// partly goes back to all destinations, and tells with how many something was done, with which
// it was not, and why.
func (r *request) partly(did string, done int, failed []destinations.Failure) error {
	why := make([]string, len(failed))
	for i, f := range failed {
		why[i] = f.Destination.Name + ": " + f.Err.Error()
	}
	message := did + " " + strconv.Itoa(done) + " of " + many(done+len(failed), "destination") + "."
	if err := r.flash(templates.FlashWarning, message, "Not "+strings.Join(why, " ")); err != nil {
		return err
	}
	return r.redirect("/sync")
}
