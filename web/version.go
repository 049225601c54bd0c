package web

import (
	"strconv"

	"github.com/your-org/keeper/auth"
	"github.com/your-org/keeper/fault"
	"github.com/your-org/keeper/models"
	"github.com/your-org/keeper/secrets"
	"github.com/your-org/keeper/templates"
)

func numberText(n models.VersionNumber) string { return strconv.FormatInt(int64(n), 10) }

func (w *Web) listVersions(r *request) error {
	head, err := w.head(r)
	if err != nil {
		return err
	}
	versions, around, err := w.Secrets.VersionPage(r.Context(), r.actor, head.Secret.ID, r.URL.Query().Get("cursor"), pageSize)
	if err != nil {
		return err
	}
	page := &templates.SecretVersionsPage{SecretHead: head, Versions: versions, Pager: pagerOf(around)}
	page.Pager.Total = head.VersionCount()
	return r.show(page, &page.BasePage)
}

func (w *Web) newVersion(r *request) error { return w.newVersionForm(r, nil) }

func (w *Web) newVersionForm(r *request, err error) error {
	head, headErr := w.headFor(r, auth.WriteSecret)
	if headErr != nil {
		return headErr
	}
	page := &templates.SecretVersionNewPage{SecretHead: head, Form: templates.Form{Revision: head.Secret.Revision}}
	if err != nil {
		page.Form = r.refill(err, head.Secret.Revision, "value", "comment")
	}
	return r.showRefused(err, page, &page.BasePage)
}

func (w *Web) addVersion(r *request) error {
	head, err := w.head(r)
	if err != nil {
		return err
	}
	f := r.form()
	value := f.plaintext("value")
	secret, err := w.Secrets.Update(r.Context(), r.actor, head.Secret.ID, secrets.Change{Value: &value, Comment: f.line("comment")}, f.revision())
	if err != nil {
		return err
	}
	if secret.CurrentVersion == head.Secret.CurrentVersion {
		return r.done(secretURL(secret.ID), "That is the current value already; there is no new version.")
	}
	return r.done(secretURL(secret.ID), "Version "+numberText(secret.CurrentVersion)+" is written. The copies follow within seconds.")
}

// reveal gives a value to a script as text, and to a browser without scripts as a page.
// Neither is kept by the browser.
func (w *Web) reveal(r *request) error {
	id, err := r.secretID()
	if err != nil {
		return err
	}
	number, err := r.versionNumber()
	if err != nil {
		return err
	}
	revealed, err := w.Secrets.Reveal(r.Context(), r.actor, id, number)
	if err != nil {
		return err
	}
	defer revealed.Value.Zero()
	if r.wantsText() {
		r.writeValue(revealed.Value)
		return nil
	}
	head, err := w.head(r)
	if err != nil {
		return err
	}
	page := &templates.SecretRevealPage{SecretHead: head, Number: number, Value: string(revealed.Value.Reveal())}
	return r.show(page, &page.BasePage)
}

func (w *Web) askRollback(r *request) error { return w.rollbackForm(r, nil) }

func (w *Web) rollbackForm(r *request, err error) error {
	head, headErr := w.headFor(r, auth.WriteSecret)
	if headErr != nil {
		return headErr
	}
	number, numberErr := r.versionNumber()
	if numberErr != nil {
		return numberErr
	}
	versions, listErr := w.Secrets.Versions(r.Context(), r.actor, head.Secret.ID, number+1, 1)
	if listErr != nil {
		return listErr
	}
	if len(versions) == 0 || versions[0].Number != number {
		return fault.New(fault.NotFound, "The secret has no version %d.", number).WithHint("Its versions run from 1 to %d.", head.Secret.CurrentVersion)
	}
	page := &templates.SecretRollbackPage{SecretHead: head, Target: versions[0], Form: templates.Form{Revision: head.Secret.Revision}}
	if err != nil {
		page.Form = r.refill(err, head.Secret.Revision, "comment")
	}
	return r.showRefused(err, page, &page.BasePage)
}

func (w *Web) rollback(r *request) error {
	id, err := r.secretID()
	if err != nil {
		return err
	}
	number, err := r.versionNumber()
	if err != nil {
		return err
	}
	f := r.form()
	secret, err := w.Secrets.Rollback(r.Context(), r.actor, id, number, f.line("comment"), f.revision())
	if err != nil {
		return err
	}
	return r.done(secretURL(id), "Version "+numberText(secret.CurrentVersion)+" has the value of version "+numberText(number)+" again. The copies follow within seconds.")
}
