package web

import (
	"github.com/your-org/keeper/auth"
	"github.com/your-org/keeper/fault"
	"github.com/your-org/keeper/keys"
	"github.com/your-org/keeper/models"
	"github.com/your-org/keeper/templates"
)

// mayKeys reports whether the keys of an environment are shown to the actor.
func (r *request) mayKeys(e models.EnvironmentID) bool {
	return r.may(auth.ViewKeys, auth.Global) || r.may(auth.ManageEnvironment, e)
}

// environmentKeys are the environment that the path names and its keys, for who may manage
// keys.
func (w *Web) environmentKeys(r *request) (models.Environment, []templates.KeyView, error) {
	e, err := w.environment(r)
	if err == nil {
		err = auth.Check(r.actor, auth.ManageKeys, auth.Global)
	}
	if err != nil {
		return e, nil, err
	}
	all, err := w.Keys.Environment(r.Context(), r.actor, e.ID)
	return e, keyViews(all), err
}

func (w *Web) showEnvironmentKeys(r *request) error {
	e, err := w.environment(r)
	if err != nil {
		return err
	}
	page := &templates.EnvironmentKeysPage{
		Environment: e, KeyBackend: string(w.Secrets.KeyBackend()),
		MayManage: r.may(auth.ManageKeys, auth.Global), MayRuns: r.may(auth.ViewKeys, auth.Global),
		MayMembers: r.may(auth.ViewMembers, e.ID),
	}
	if page.MayRuns {
		if page.Runs, err = w.keyRuns(r, e.ID, recentKeyRuns); err != nil {
			return err
		}
	}
	if page.Keys, err = w.keyReport(r.Context(), r, e.ID, page.Runs, r.reportAge()); err != nil {
		return err
	}
	return r.show(page, &page.BasePage)
}

func (w *Web) newRecipient(r *request) error { return w.newRecipientForm(r, nil) }

func (w *Web) newRecipientForm(r *request, err error) error {
	e, findErr := w.environment(r)
	if findErr == nil {
		findErr = auth.Check(r.actor, auth.ManageKeys, auth.Global)
	}
	if findErr != nil {
		return findErr
	}
	page := &templates.RecipientNewPage{Environment: e, Kind: models.RecipientKind(r.FormValue("kind"))}
	if page.Kind != models.RecipientKMS && page.Kind != models.RecipientRecovery {
		return noPage()
	}
	if err != nil {
		page.Form = r.refill(err, 0, "key", "label")
	}
	return r.showRefused(err, page, &page.BasePage)
}

func (w *Web) addRecipient(r *request) error {
	e, err := w.environment(r)
	if err != nil {
		return err
	}
	f := r.form()
	run, err := w.Keys.AddRecipient(r.Context(), r.actor, models.Recipient{
		EnvironmentID: e.ID, Kind: models.RecipientKind(f.line("kind")), Key: f.line("key"), Label: f.line("label"),
	})
	if err != nil {
		return err
	}
	return r.doneWithRun(run, e, "The recipient is added. Every data key is now wrapped for it, too.")
}

// doneWithRun goes on to the run that a change has begun, or to the keys where none was needed.
func (r *request) doneWithRun(run keys.Progress, e models.Environment, message string) error {
	if run.ID == "" {
		return r.done(environmentKeysURL(e), message)
	}
	return r.done(keyRunURL(run.ID), message)
}

func (w *Web) askRemoveRecipient(r *request) error { return w.removeRecipientForm(r, nil) }

func (w *Web) removeRecipientForm(r *request, err error) error {
	e, views, findErr := w.environmentKeys(r)
	if findErr != nil {
		return findErr
	}
	here := &templates.EnvironmentKeysPage{Environment: e, Keys: views}
	page := &templates.RecipientRemovePage{Environment: e, Spares: here.Recovery().Spares, Confirmation: templates.Confirmation{Name: e.Name}}
	kind, key, found := models.RecipientKind(r.FormValue("kind")), r.FormValue("key"), false
	for _, row := range here.Rows() {
		if row.Removable() && row.Kind == kind && row.Named() == key {
			page.Recipient, found = row, true
		}
	}
	if !found {
		return fault.New(fault.NotFound, "There is no such recipient in %s; nothing was removed.", e.DisplayName).WithHint("Go back to its keys: somebody may have removed it already.")
	}
	if err != nil {
		page.Confirmation.Form = r.refill(err, 0, "confirm")
	}
	return r.showRefused(err, page, &page.BasePage)
}

func (w *Web) removeRecipient(r *request) error {
	e, err := w.environment(r)
	if err != nil {
		return err
	}
	f := r.form()
	if err := w.confirmedKeys(r, e); err != nil {
		return err
	}
	run, err := w.Keys.RemoveRecipient(r.Context(), r.actor, e.ID, models.RecipientKind(f.line("kind")), f.line("key"))
	if err != nil {
		return err
	}
	return r.doneWithRun(run, e, "The recipient is removed. It is now taken off every data key.")
}

// confirmedKeys reports whether somebody who may manage keys has typed the environment's
// name. Who may not is told that, whatever was typed.
func (w *Web) confirmedKeys(r *request, e models.Environment) error {
	if !r.may(auth.ManageKeys, auth.Global) {
		return nil // the service refuses, and records it
	}
	return confirmed(r.form(), e.Name)
}

func (w *Web) askRewrap(r *request) error { return w.rewrapForm(r, nil) }

func (w *Web) rewrapForm(r *request, err error) error {
	e, views, findErr := w.environmentKeys(r)
	if findErr != nil {
		return findErr
	}
	page := &templates.RewrapPage{
		Environment: e, Keys: views, KeyBackend: string(w.Secrets.KeyBackend()), Confirmation: templates.Confirmation{Name: e.Name},
	}
	if err != nil {
		page.Confirmation.Form = r.refill(err, 0, "to_key", "from_key", "confirm")
	}
	return r.showRefused(err, page, &page.BasePage)
}

func (w *Web) rewrap(r *request) error {
	e, err := w.environment(r)
	if err != nil {
		return err
	}
	from, to := r.form().line("from_key"), r.form().line("to_key")
	if to != "" {
		if err := w.confirmedKeys(r, e); err != nil {
			return err
		}
	}
	return w.startKeyRun(r, keys.Order{Kind: models.KeyRewrap, Environment: e.ID, FromKey: from, ToKey: to}, environmentKeysURL(e), "The re-wrap begins.")
}

func (w *Web) askReencrypt(r *request) error { return w.reencryptForm(r, nil) }

func (w *Web) reencryptForm(r *request, err error) error {
	e, views, findErr := w.environmentKeys(r)
	if findErr != nil {
		return findErr
	}
	page := &templates.ReencryptPage{Environment: e, Confirmation: templates.Confirmation{Name: e.Name}}
	for _, v := range views {
		page.Versions = max(page.Versions, v.Versions())
	}
	if err != nil {
		page.Confirmation.Form = r.refill(err, 0, "confirm")
	}
	return r.showRefused(err, page, &page.BasePage)
}

func (w *Web) reencrypt(r *request) error {
	e, err := w.environment(r)
	if err != nil {
		return err
	}
	if err := w.confirmedKeys(r, e); err != nil {
		return err
	}
	return w.startKeyRun(r, keys.Order{Kind: models.KeyReencrypt, Environment: e.ID}, environmentKeysURL(e), "The re-encryption begins.")
}

// drill has each recipient open a sample alone, and tells how each did.
func (w *Web) drill(r *request) error {
	e, err := w.environment(r)
	if err != nil {
		return err
	}
	results, err := w.Keys.Drill(r.Context(), r.actor, e.ID)
	if err != nil {
		return err
	}
	w.reports.forget()
	page := &templates.DrillPage{Environment: e, At: w.Now()}
	for _, d := range results {
		page.Results = append(page.Results, templates.DrillView{
			Kind: d.Kind, ID: d.ID, Label: d.Label, OK: d.OK, Offline: d.Challenge != nil, Error: d.Error, Hint: d.Hint,
		})
	}
	return r.show(page, &page.BasePage)
}
