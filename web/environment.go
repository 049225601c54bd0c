package web

import (
	"github.com/your-org/keeper/auth"
	"github.com/your-org/keeper/models"
	"github.com/your-org/keeper/secrets"
	"github.com/your-org/keeper/templates"
)

// environment is the one that the path names.
func (w *Web) environment(r *request) (models.Environment, error) {
	return w.Secrets.FindEnvironment(r.Context(), r.actor, r.param("environment"))
}

func (w *Web) listEnvironments(r *request) error {
	environments, err := r.allEnvironments()
	if err != nil {
		return err
	}
	counts, err := w.Secrets.Counts(r.Context(), r.actor)
	if err != nil {
		return err
	}
	views, err := w.destinationViews(r, 0)
	if err != nil {
		return err
	}
	held := map[models.EnvironmentID]int{}
	for _, c := range counts {
		held[c.EnvironmentID] = c.Active
	}
	page := &templates.EnvironmentListPage{MayCreate: r.may(auth.CreateEnvironment, auth.Global)}
	for _, group := range groups(environments, views) {
		row := templates.EnvironmentRow{
			Environment: group.Environment, Secrets: held[group.Environment.ID], Counts: total(group.Destinations),
			Role: r.actor.Roles[group.Environment.ID],
		}
		for _, v := range group.Destinations {
			row.Destinations = append(row.Destinations, v.Destination)
		}
		page.Rows = append(page.Rows, row)
	}
	return r.show(page, &page.BasePage)
}

func (w *Web) showEnvironment(r *request) error {
	e, err := w.environment(r)
	if err != nil {
		return err
	}
	page := &templates.EnvironmentPage{
		Environment: e, MayManage: r.may(auth.ManageEnvironment, e.ID), MayWrite: r.may(auth.WriteSecret, e.ID), MayKeys: r.mayKeys(e.ID),
		MayMembers: r.may(auth.ViewMembers, e.ID), MayReveal: r.may(auth.RevealSecret, e.ID),
	}
	if page.Destinations, err = w.destinationViews(r, e.ID); err != nil {
		return err
	}
	page.Counts = total(page.Destinations)
	overview, err := w.Secrets.Overview(r.Context(), r.actor, e.ID)
	if err != nil {
		return err
	}
	fillOverview(page, overview)
	return r.show(page, &page.BasePage)
}

func fillOverview(page *templates.EnvironmentPage, o secrets.EnvironmentOverview) {
	for _, t := range models.SecretTypes {
		if n := o.Types[t]; n > 0 {
			page.Types = append(page.Types, templates.TypeCount{Type: t, Count: n})
			page.Secrets += n
		}
	}
	page.Deleted = o.Deleted
	page.Keys = templates.KeySummary{Backend: o.Backend, KeyID: o.KeyID, DataKeys: o.DataKeys, Newest: o.Newest}
	for _, m := range o.Members {
		user := models.User{ID: m.UserID, Username: m.Username, DisplayName: m.DisplayName, Disabled: m.Disabled}
		page.Members = append(page.Members, templates.Member{User: user, Role: m.Role})
	}
}

var environmentFields = []string{"display_name", "description", "kms_key_alias", "color", "protected"}

func (w *Web) newEnvironment(r *request) error { return w.newEnvironmentForm(r, nil) }

func (w *Web) newEnvironmentForm(r *request, err error) error {
	if err := auth.Check(r.actor, auth.CreateEnvironment, auth.Global); err != nil {
		return err
	}
	page := &templates.EnvironmentFormPage{KeyBackend: string(w.Secrets.KeyBackend()), MayKeys: r.may(auth.ManageKeys, auth.Global)}
	if err != nil {
		page.Form = r.refill(err, 0, append([]string{"name"}, environmentFields...)...)
	}
	return r.showRefused(err, page, &page.BasePage)
}

func (w *Web) createEnvironment(r *request) error {
	f := r.form()
	e, err := w.Secrets.CreateEnvironment(r.Context(), r.actor, models.Environment{
		Name: f.line("name"), DisplayName: f.line("display_name"), Description: f.text("description"),
		KMSKeyAlias: f.line("kms_key_alias"), Color: f.line("color"), Protected: f.line("protected") != "",
	})
	if err != nil {
		return err
	}
	return r.doneWithin(environmentURL(e), templates.GuideDestination(e), "The environment is created. Its keys are made with its first secret.")
}

func environmentURL(e models.Environment) string {
	return templates.MustPath("/environments/{environment}", e.Name)
}

func (w *Web) editEnvironment(r *request) error { return w.editEnvironmentForm(r, nil) }

func (w *Web) editEnvironmentForm(r *request, err error) error {
	e, findErr := w.environment(r)
	if findErr == nil {
		findErr = auth.Check(r.actor, auth.ManageEnvironment, e.ID)
	}
	if findErr != nil {
		return findErr
	}
	page := &templates.EnvironmentFormPage{Environment: &e, KeyBackend: string(w.Secrets.KeyBackend()), MayKeys: r.may(auth.ManageKeys, auth.Global)}
	page.Form = templates.Form{Revision: e.Revision, Values: map[string]string{
		"display_name": e.DisplayName, "description": e.Description, "kms_key_alias": e.KMSKeyAlias, "color": e.Color, "protected": ticked(e.Protected),
	}}
	if err != nil {
		page.Form = r.refill(err, e.Revision, environmentFields...)
	}
	return r.showRefused(err, page, &page.BasePage)
}

func (w *Web) updateEnvironment(r *request) error {
	e, err := w.environment(r)
	if err != nil {
		return err
	}
	f := r.form()
	name, description, color := f.line("display_name"), f.text("description"), f.line("color")
	protected := f.line("protected") != ""
	c := secrets.EnvironmentChange{DisplayName: &name, Description: &description, Color: &color, Protected: &protected}
	if r.PostForm.Has("kms_key_alias") { // not in the form of who may not name a key
		alias := f.line("kms_key_alias")
		c.KMSKeyAlias = &alias
	}
	e, err = w.Secrets.UpdateEnvironment(r.Context(), r.actor, e.ID, c, f.revision())
	if err != nil {
		return err
	}
	return r.done(environmentURL(e), "The changes are saved.")
}
