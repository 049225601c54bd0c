package web

import (
	"net/http"

	"github.com/your-org/keeper/auth"
	"github.com/your-org/keeper/destinations"
	"github.com/your-org/keeper/models"
	"github.com/your-org/keeper/templates"
)

func (w *Web) listHolds(r *request) error {
	view, err := w.view(r)
	if err != nil {
		return err
	}
	holds, around, err := w.Destinations.HoldPage(r.Context(), r.actor, view.Destination.ID, r.URL.Query().Get("cursor"), pageSize)
	if err != nil {
		return err
	}
	page := &templates.HoldListPage{View: view, Pager: pagerOf(around)}
	for _, h := range holds {
		page.Rows = append(page.Rows, templates.HoldRow{Hold: h.SyncHold, SecretName: h.SecretName})
	}
	return r.show(page, &page.BasePage)
}

// holdHead is what all pages of the difference that the path names show.
func (w *Web) holdHead(r *request) (templates.HoldHead, error) {
	d, e, err := w.destination(r)
	if err != nil {
		return templates.HoldHead{}, err
	}
	id, err := r.secretID()
	if err != nil {
		return templates.HoldHead{}, err
	}
	secret, _, err := w.Secrets.Get(r.Context(), r.actor, id)
	if err == nil && secret.EnvironmentID != e.ID {
		err = noPage()
	}
	return templates.HoldHead{Secret: secret, Environment: e, Destination: d}, err
}

func (w *Web) showHold(r *request) error { return w.holdForm(r, nil) }

// holdForm shows both sides as they stand now, also to whoever decided about others.
func (w *Web) holdForm(r *request, err error) error {
	head, headErr := w.holdHead(r)
	if headErr != nil {
		return headErr
	}
	hold, headErr := w.Destinations.Hold(r.Context(), r.actor, head.Destination.ID, head.Secret.ID)
	if headErr != nil {
		return headErr
	}
	page := &templates.HoldPage{
		HoldHead: head, Hold: hold, Keeper: hold.Keeper, Keepers: head.Secret.CurrentVersion,
		Rights: templates.SecretRights{Reveal: r.may(auth.RevealSecret, head.Environment.ID), Write: r.may(auth.WriteSecret, head.Environment.ID)},
	}
	if hold.Group != nil { // of which Keeper has no version by itself
		page.Keepers, page.Keeper.Number = hold.Group.Version, head.Secret.CurrentVersion
	}
	if err != nil {
		page.Form.Fail(err)
	}
	return r.showRefused(err, page, &page.BasePage)
}

func (w *Web) decideHold(r *request) error {
	head, err := w.holdHead(r)
	if err != nil {
		return err
	}
	f := r.form()
	ruling := destinations.Ruling{
		Destination: head.Destination.ID, Secret: head.Secret.ID, Side: models.Side(f.line("side")),
		Version: models.VersionNumber(f.number("version")), RemoteVersion: f.line("remote_version"),
	}
	if err := f.err(); err != nil {
		return err
	}
	if err := w.Destinations.Rule(r.Context(), r.actor, ruling); err != nil {
		return err
	}
	message := "Keeper's value counts: it is written to " + head.Destination.Name + " within seconds."
	if ruling.Side == models.SideRemote {
		message = "The value of " + head.Destination.Name + " counts: it becomes a new version in Keeper within seconds."
	}
	return r.done(secretURL(head.Secret.ID), message)
}

// revealRemote gives the value at a destination as reveal gives Keeper's own.
func (w *Web) revealRemote(r *request) error {
	head, err := w.holdHead(r)
	if err != nil {
		return err
	}
	value, err := w.Destinations.RevealRemote(r.Context(), r.actor, head.Destination.ID, head.Secret.ID)
	if err != nil {
		return err
	}
	defer value.Zero()
	if r.wantsText() {
		r.writeValue(value)
		return nil
	}
	page := &templates.HoldRevealPage{HoldHead: head, Value: string(value.Reveal())}
	return r.show(page, &page.BasePage)
}

// writeValue answers a script with a value that the browser does not keep.
func (r *request) writeValue(value models.Plaintext) {
	r.out.Header().Set("Content-Type", "text/plain; charset=utf-8")
	r.out.Header().Set("Cache-Control", "no-store")
	r.out.WriteHeader(http.StatusOK)
	_, _ = r.out.Write(value.Reveal()) // the browser has gone where this fails
}

// withHolds adds the differences that wait for a person to a secret's states.
func (w *Web) withHolds(r *request, states []templates.DestinationState) error {
	there := make([]models.SyncState, len(states))
	for i, s := range states {
		there[i] = s.Sync
	}
	holds, err := w.Destinations.HoldsOf(r.Context(), there)
	for i, hold := range holds {
		states[i].Hold = hold
	}
	return err
}
