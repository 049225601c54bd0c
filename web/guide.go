package web

import (
	"net/http"

	"github.com/your-org/keeper/auth"
	"github.com/your-org/keeper/models"
	"github.com/your-org/keeper/secrets"
	"github.com/your-org/keeper/templates"
)

// The guide of a first run leads from nothing to a secret that has arrived somewhere, over
// the pages that serve for it later, too. How far it has come is seen from what there is, so
// it can be left at any step; "guide" in a page's address or form goes with whoever follows it.

// fillSetup tells on the overview how far a first run has come, until it is over.
func (w *Web) fillSetup(r *request, page *templates.DashboardPage, views []templates.DestinationView) error {
	setup, err := w.setup(r, views)
	if err != nil || setup.Synced || page.Counts.Secrets > 1 && setup.Destination != nil {
		return err
	}
	if page.SetupHidden = r.hidesGuide() && !r.asksGuide(); !page.SetupHidden {
		page.Setup = setup
	}
	return nil
}

// setup finds how far a first run has come.
func (w *Web) setup(r *request, views []templates.DestinationView) (*templates.Setup, error) {
	environments, err := r.allEnvironments()
	if err != nil {
		return nil, err
	}
	setup := &templates.Setup{MayManage: r.may(auth.CreateEnvironment, auth.Global)}
	if len(environments) > 0 {
		setup.Environment = &environments[0]
	}
	if len(views) > 0 {
		setup.Environment, setup.Destination = &views[0].Environment, &views[0].Destination
	}
	if e := setup.Environment; e != nil {
		setup.MayConnect, setup.MayWrite = r.may(auth.ManageDestination, e.ID), r.may(auth.WriteSecret, e.ID)
	}
	arrived := total(views)
	setup.Synced = arrived.Total() > arrived[templates.StatePending]+arrived[templates.StateFailed]+arrived[templates.StateHeld]+arrived[templates.StateUnknown]
	query := secrets.Query{Limit: 1}
	if setup.Environment != nil {
		query.Environments = []models.EnvironmentID{setup.Environment.ID}
	}
	found, err := w.Secrets.List(r.Context(), r.actor, query)
	if err == nil && len(found.Secrets) > 0 {
		setup.Secret = &found.Secrets[0]
	}
	return setup, err
}

// guide is what the guide shows above a page that was opened within it; nil elsewhere.
func (r *request) guide() (*templates.Setup, error) {
	if r.session.ID == "" || r.URL.Path == "/" || r.isPartial() || !r.asksGuide() {
		return nil, nil
	}
	views, err := r.web.destinationViews(r, 0)
	if err != nil {
		return nil, err
	}
	return r.web.setup(r, views)
}

// asksGuide reports whether a page or a form belongs to the guide.
func (r *request) asksGuide() bool {
	return r.URL.Query().Get("guide") == "true" || r.PostForm.Get("guide") == "true"
}

// doneWithin goes on to a page that says what was done: within the guide to its next step.
func (r *request) doneWithin(to, next, message string) error {
	if r.asksGuide() {
		to = next
	}
	return r.done(to, message)
}

// hideGuide takes the guide from the overview, in this browser.
func (w *Web) hideGuide(r *request) error {
	http.SetCookie(r.out, &http.Cookie{ //nolint:gosec // Secure wherever the connection is; says nothing but this
		Name: w.cookieName(r.Request, "keeper-guide"), Value: "hidden", Path: "/", MaxAge: 365 * 24 * 3600,
		HttpOnly: true, Secure: w.isSecure(r.Request), SameSite: http.SameSiteLaxMode,
	})
	return r.done("/", "The guide is hidden. It goes on from the quick actions.")
}

func (r *request) hidesGuide() bool {
	cookie, err := r.Cookie(r.web.cookieName(r.Request, "keeper-guide"))
	return err == nil && cookie.Value == "hidden"
}
