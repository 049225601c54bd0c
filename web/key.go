package web

import (
	"github.com/your-org/keeper/auth"
	"github.com/your-org/keeper/fault"
	"github.com/your-org/keeper/keys"
	"github.com/your-org/keeper/models"
	"github.com/your-org/keeper/templates"
)

// recentKeyRuns is how many runs the pages of keys show below what they are about.
const recentKeyRuns = 10

func (w *Web) showKeys(r *request) error {
	runs, err := w.keyRuns(r, 0, recentKeyRuns)
	if err != nil {
		return err
	}
	page := &templates.KeysPage{Health: w.keyHealth(r), Runs: runs, MayManage: r.may(auth.ManageKeys, auth.Global)}
	if page.Keys, err = w.keyReport(r.Context(), r, auth.Global, runs, r.reportAge()); err != nil {
		return err
	}
	if page.Scrub, err = w.lastScrub(r); err != nil {
		return err
	}
	return r.show(page, &page.BasePage)
}

// testKeys tries every permission that is needed and tells of each on a page of its own.
func (w *Web) testKeys(r *request) error {
	page := &templates.KeyTestPage{}
	var only models.EnvironmentID
	if name := r.form().line("environment"); name != "" {
		e, err := w.Secrets.FindEnvironment(r.Context(), r.actor, name)
		if err != nil {
			return err
		}
		only, page.Environment = e.ID, &e
	}
	start := w.Now()
	checks, err := w.Keys.Test(r.Context(), r.actor, only)
	if err != nil {
		return err
	}
	page.Took = w.Now().Sub(start)
	for _, c := range checks {
		page.Checks = append(page.Checks, templates.KeyCheck(c))
	}
	return r.show(page, &page.BasePage)
}

// startScrub has everything opened, of the environment that the form names or of all.
func (w *Web) startScrub(r *request) error {
	order, back := keys.Order{Kind: models.KeyScrub}, "/keys"
	if name := r.form().line("environment"); name != "" {
		e, err := w.Secrets.FindEnvironment(r.Context(), r.actor, name)
		if err != nil {
			return err
		}
		order.Environment, back = e.ID, environmentKeysURL(e)
	}
	return w.startKeyRun(r, order, back, "The scrub begins. It changes nothing.")
}

// startKeyRun asks for a run and goes on to it.
func (w *Web) startKeyRun(r *request, o keys.Order, back, message string) error {
	started, err := w.Keys.Start(r.Context(), r.actor, o)
	if err != nil {
		return err
	}
	if len(started) == 0 {
		return r.done(back, "There is nothing to do; nothing was started.")
	}
	return r.done(keyRunURL(started[0].ID), message)
}

func (w *Web) listKeyRuns(r *request) error {
	query := r.URL.Query()
	page := &templates.KeyRunsPage{Kind: models.KeyRunKind(query.Get("kind")), Pager: templates.Pager{Total: -1}}
	runs, around, err := w.Keys.Runs(r.Context(), r.actor, keys.RunQuery{Kind: page.Kind, Cursor: query.Get("cursor"), Limit: pageSize})
	if err != nil {
		return err
	}
	page.Pager = pagerOf(around)
	if page.Runs, err = r.keyRunViews(runs); err != nil {
		return err
	}
	return r.show(page, &page.BasePage)
}

// keyRun is the run that the path names.
func (w *Web) keyRun(r *request) (templates.KeyRunView, error) {
	run, err := w.Keys.Run(r.Context(), r.actor, models.KeyRunID(r.param("run")))
	if err != nil {
		return templates.KeyRunView{}, err
	}
	views, err := r.keyRunViews([]keys.Progress{run})
	if err != nil {
		return templates.KeyRunView{}, err
	}
	return views[0], nil
}

func (w *Web) showKeyRun(r *request) error {
	view, err := w.keyRun(r)
	if err != nil {
		return err
	}
	found, around, err := w.Keys.FindingPage(r.Context(), r.actor, view.Run.ID, r.URL.Query().Get("cursor"), pageSize)
	if err != nil {
		return err
	}
	page := &templates.KeyRunPage{KeyRunView: view, FoundHere: found, Pager: pagerOf(around), MayManage: r.may(auth.ManageKeys, auth.Global)}
	return r.show(page, &page.BasePage)
}

func (w *Web) askCancelKeyRun(r *request) error {
	if err := auth.Check(r.actor, auth.ManageKeys, auth.Global); err != nil {
		return err
	}
	view, err := w.keyRun(r)
	if err != nil {
		return err
	}
	if view.Run.Status.Ended() {
		return fault.New(fault.Conflict, "The run has ended; there is nothing to cancel.").WithHint("Its page says how it ended.")
	}
	page := &templates.KeyRunCancelPage{KeyRunView: view}
	return r.show(page, &page.BasePage)
}

func (w *Web) cancelKeyRun(r *request) error {
	run, err := w.Keys.Cancel(r.Context(), r.actor, models.KeyRunID(r.param("run")))
	if err != nil {
		return err
	}
	return r.done(keyRunURL(run.ID), "The run is cancelled. What it has done stays.")
}
