package web

import (
	"github.com/your-org/keeper/auth"
	"github.com/your-org/keeper/templates"
)

func (w *Web) askDeleteEnvironment(r *request) error { return w.deleteEnvironmentForm(r, nil) }

// deleteEnvironmentForm asks for the name where nothing stands in the way, and else says what
// does.
func (w *Web) deleteEnvironmentForm(r *request, err error) error {
	e, findErr := w.environment(r)
	if findErr == nil {
		findErr = auth.Check(r.actor, auth.ManageEnvironment, e.ID)
	}
	if findErr != nil {
		return findErr
	}
	overview, findErr := w.Secrets.Overview(r.Context(), r.actor, e.ID)
	if findErr != nil {
		return findErr
	}
	page := &templates.EnvironmentDeletePage{Environment: e, Deleted: overview.Deleted, Confirmation: templates.Confirmation{Name: e.Name}}
	for _, n := range overview.Types {
		page.Secrets += n
	}
	if page.Destinations, findErr = w.Destinations.List(r.Context(), r.actor, e.ID); findErr != nil {
		return findErr
	}
	if err != nil {
		page.Confirmation.Form = r.refill(err, 0, "confirm")
	}
	return r.showRefused(err, page, &page.BasePage)
}

func (w *Web) deleteEnvironment(r *request) error {
	e, err := w.environment(r)
	if err != nil {
		return err
	}
	if err := confirmed(r.form(), e.Name); err != nil {
		return err
	}
	if err := w.Secrets.DeleteEnvironment(r.Context(), r.actor, e.ID); err != nil {
		return err
	}
	return r.done("/environments", "The environment "+e.Name+" is deleted.")
}
