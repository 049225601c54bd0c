package web

import (
	"github.com/your-org/keeper/auth"
	"github.com/your-org/keeper/destinations"
	"github.com/your-org/keeper/fault"
	"github.com/your-org/keeper/models"
	"github.com/your-org/keeper/templates"
)

func runURL(id models.RunID) string { return templates.MustPath("/sync/runs/{run}", id) }

func (w *Web) listRuns(r *request) error {
	views, err := w.destinationViews(r, 0)
	if err != nil {
		return err
	}
	page := &templates.RunHistoryPage{}
	page.Places = views
	if err := w.fillHistory(r, &page.RunHistory, "/sync/runs", "", views); err != nil {
		return err
	}
	return r.show(page, &page.BasePage)
}

func (w *Web) listDestinationRuns(r *request) error {
	view, err := w.view(r)
	if err != nil {
		return err
	}
	page := &templates.DestinationRunsPage{View: view}
	path := templates.MustPath("/destinations/{destination}/runs", view.Destination.ID)
	if err := w.fillHistory(r, &page.RunHistory, path, view.Destination.ID, []templates.DestinationView{view}); err != nil {
		return err
	}
	return r.show(page, &page.BasePage)
}

// fillHistory searches the runs as the URL says; of one destination, where it is given.
func (w *Web) fillHistory(r *request, h *templates.RunHistory, path string, only models.DestinationID, views []templates.DestinationView) error {
	h.Path, h.Filter = path, templates.ParseRunFilter(r.URL.Query())
	query := destinations.RunQuery{
		DestinationID: h.Filter.Destination, Status: h.Filter.Status, Trigger: h.Filter.Trigger, Secret: h.Filter.Secret,
		Cursor: r.URL.Query().Get("cursor"), Limit: pageSize,
	}
	if only != "" {
		h.Filter.Destination, query.DestinationID = "", only
	}
	query.Since, query.Until = h.Filter.Began()
	runs, around, err := w.Destinations.Runs(r.Context(), r.actor, query)
	if err != nil {
		return err
	}
	h.Runs, h.Pager = runViews(runs, views), pagerOf(around)
	return nil
}

// runViews are runs with where they ran, as far as that is among the views.
func runViews(runs []models.SyncRun, views []templates.DestinationView) []templates.RunView {
	var all []templates.RunView
	for _, run := range runs {
		for _, v := range views {
			if v.Destination.ID == run.DestinationID {
				all = append(all, templates.RunView{Run: run, Destination: v.Destination, Environment: v.Environment})
			}
		}
	}
	return all
}

// runView is the run that the path names.
func (w *Web) runView(r *request) (templates.RunView, error) {
	run, err := w.Destinations.Run(r.Context(), r.actor, models.RunID(r.param("run")))
	if err != nil {
		return templates.RunView{}, err
	}
	d, e, err := w.Destinations.Get(r.Context(), r.actor, run.DestinationID)
	return templates.RunView{Run: run, Destination: d, Environment: e}, err
}

func (w *Web) showRun(r *request) error {
	view, err := w.runView(r)
	if err != nil {
		return err
	}
	query := r.URL.Query()
	page := &templates.RunPage{RunView: view, FailedOnly: query.Get("failed") == "1", MaySync: r.may(auth.TriggerSync, view.Environment.ID)}
	if page.NotDone, err = w.Destinations.NotDone(r.Context(), view.Run.ID); err != nil {
		return err
	}
	results, around, err := w.Destinations.Results(r.Context(), r.actor, destinations.ResultQuery{
		Run: view.Run.ID, FailedOnly: page.FailedOnly, Cursor: query.Get("cursor"), Limit: pageSize,
	})
	if err != nil {
		return err
	}
	page.Results, page.Pager = results, pagerOf(around)
	if _, err := w.Destinations.Receipt(r.Context(), r.actor, view.Run.ID); err == nil {
		page.Receipt = true
	} else if !fault.Is(err, fault.NotFound) {
		return err
	}
	return r.show(page, &page.BasePage)
}

func (w *Web) retryRun(r *request) error {
	run, err := w.Destinations.Retry(r.Context(), r.actor, models.RunID(r.param("run")))
	if err != nil {
		return err
	}
	return r.done(runURL(run.ID), "What failed is tried again now.")
}
