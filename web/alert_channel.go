package web

import (
	"cmp"
	"slices"
	"strconv"

	"github.com/your-org/keeper/alerts"
	"github.com/your-org/keeper/auth"
	"github.com/your-org/keeper/fault"
	"github.com/your-org/keeper/models"
	"github.com/your-org/keeper/templates"
)

// channelFields are those that a form shows again. Secrets are typed again: no page ever holds
// them.
var channelFields = []string{"name", "environment_id", "address", "everywhere", "enabled", "new_key"}

// channel is the one that the path names.
func (w *Web) channel(r *request) (models.AlertChannel, error) {
	return w.Alerts.Channel(r.Context(), r.actor, models.ChannelID(r.param("channel")))
}

func (w *Web) newChannel(r *request) error { return w.newChannelForm(r, nil) }

func (w *Web) newChannelForm(r *request, err error) error {
	places, findErr := r.inEnvironments(auth.ManageAlerts)
	if findErr != nil {
		return findErr
	}
	switch {
	case len(places) == 0 && err != nil:
		return err
	case len(places) == 0:
		return fault.New(fault.Forbidden, "You manage no environment's channels.").WithHint("Ask an administrator for the role manager in one.")
	}
	kind := models.ChannelKind(cmp.Or(r.form().line("kind"), r.URL.Query().Get("kind")))
	if !slices.Contains(models.ChannelKinds, kind) {
		kind = "" // the page asks for it
	}
	page := &templates.ChannelFormPage{Kind: kind, Places: places, Form: templates.NewForm(nil)}
	if err != nil {
		page.Form, page.Chosen = r.refill(err, 0, channelFields...), r.form().alertKinds()
	}
	return r.showRefused(err, page, &page.BasePage)
}

func (w *Web) createChannel(r *request) error {
	f := r.form()
	environment, err := strconv.ParseInt(f.line("environment_id"), 10, 64)
	if err != nil {
		f.wrong("environment_id", "must be an environment that you manage")
	}
	if err := f.err(); err != nil {
		return err
	}
	c, made, err := w.Alerts.CreateChannel(r.Context(), r.actor, alerts.Draft{
		Environment: models.EnvironmentID(environment), Everywhere: f.line("everywhere") == "true", Name: f.line("name"),
		Kind: models.ChannelKind(f.line("kind")), Address: f.line("address"), Secret: models.NewPlaintext([]byte(f.line("secret"))), Kinds: f.alertKinds(),
	})
	if err != nil {
		return err
	}
	return w.channelDone(r, c, made, true)
}

// channelDone shows a signing key that was made in the answer itself: it is kept nowhere that
// a redirect could fetch it from.
func (w *Web) channelDone(r *request, c models.AlertChannel, made models.Plaintext, created bool) error {
	defer made.Zero()
	if made.Len() > 0 {
		page := &templates.ChannelKeyPage{Channel: c, Secret: string(made.Reveal()), Created: created}
		return r.show(page, &page.BasePage)
	}
	if created {
		return r.done("/alerts/channels", "The channel "+c.Name+" is made. Test it to see that it leads somewhere.")
	}
	return r.done("/alerts/channels", "The channel "+c.Name+" is changed.")
}

func (w *Web) editChannel(r *request) error { return w.editChannelForm(r, nil) }

func (w *Web) editChannelForm(r *request, err error) error {
	c, findErr := w.channel(r)
	if findErr != nil {
		return findErr
	}
	page := &templates.ChannelFormPage{Channel: &c, Kind: c.Kind, Chosen: c.Kinds, Form: templates.Form{Revision: c.Revision, Values: map[string]string{
		"name": c.Name, "address": c.Address, "everywhere": strconv.FormatBool(c.Everywhere), "enabled": strconv.FormatBool(c.Enabled),
	}}}
	if err != nil {
		page.Form, page.Chosen = r.refill(err, c.Revision, channelFields...), r.form().alertKinds()
	}
	return r.showRefused(err, page, &page.BasePage)
}

func (w *Web) updateChannel(r *request) error {
	before, err := w.channel(r)
	if err != nil {
		return err
	}
	f := r.form()
	name, address, kinds, enabled := f.line("name"), f.line("address"), f.alertKinds(), f.line("enabled") == "true"
	change := alerts.ChannelChange{Name: &name, Kinds: &kinds, Enabled: &enabled}
	if before.Kind != models.ChannelSlack {
		change.Address = &address
	}
	if r.actor.Role == models.RoleAdmin { // others have no such field
		everywhere := f.line("everywhere") == "true"
		change.Everywhere = &everywhere
	}
	secret, anew := f.line("secret"), f.line("new_key") == "true" && before.Kind == models.ChannelWebhook
	if secret != "" && anew {
		f.wrong("new_key", "goes with no key of your own: leave the field empty, or do not make one")
	}
	if err := f.err(); err != nil {
		return err
	}
	if secret != "" || anew {
		change.Secret = new(models.NewPlaintext([]byte(secret)))
	}
	c, made, err := w.Alerts.UpdateChannel(r.Context(), r.actor, before.ID, change, f.revision())
	if err != nil {
		return err
	}
	return w.channelDone(r, c, made, false)
}

// alertKinds are the kinds that are ticked.
func (f *form) alertKinds() []models.AlertKind {
	kinds := []models.AlertKind{}
	for _, kind := range f.r.PostForm["kinds"] {
		kinds = append(kinds, models.AlertKind(kind))
	}
	return kinds
}

func (w *Web) askDeleteChannel(r *request) error { return w.deleteChannelForm(r, nil) }

func (w *Web) deleteChannelForm(r *request, err error) error {
	c, findErr := w.channel(r)
	if findErr != nil {
		return findErr
	}
	page := &templates.ChannelDeletePage{Channel: c, Confirmation: templates.Confirmation{Name: c.Name}}
	if err != nil {
		page.Confirmation.Form = r.refill(err, 0, "confirm")
	}
	return r.showRefused(err, page, &page.BasePage)
}

func (w *Web) deleteChannel(r *request) error {
	c, err := w.channel(r)
	if err != nil {
		return err
	}
	if err := confirmed(r.form(), c.Name); err != nil {
		return err
	}
	if err := w.Alerts.DeleteChannel(r.Context(), r.actor, c.ID); err != nil {
		return err
	}
	return r.done("/alerts/channels", "The channel "+c.Name+" is removed.")
}
