package web

import (
	"strconv"
	"time"

	"github.com/your-org/keeper/auth"
	"github.com/your-org/keeper/fault"
	"github.com/your-org/keeper/models"
	"github.com/your-org/keeper/secrets"
	"github.com/your-org/keeper/templates"
)

// recentEntries is how much of its activity a page of one thing shows.
const recentEntries = 5

// detailFields are the fields of a secret beside its name, type and value.
var detailFields = []string{"description", "owner", "tags", "expires_at", "rotate_every_days"}

func (w *Web) newSecret(r *request) error { return w.newSecretForm(r, nil) }

func (w *Web) newSecretForm(r *request, err error) error {
	writable, listErr := r.inEnvironments(auth.WriteSecret)
	if listErr != nil {
		return listErr
	}
	page := &templates.SecretNewPage{Writable: writable}
	if err != nil {
		names := append([]string{"environment_id", "name", "secret_type", "value", "comment"}, detailFields...)
		page.Form = r.refill(err, 0, names...)
		return r.showRefused(err, page, &page.BasePage)
	}
	values := map[string]string{"secret_type": string(models.Password)}
	for _, e := range writable {
		if e.Name == r.URL.Query().Get("environment") {
			values["environment_id"] = strconv.FormatInt(int64(e.ID), 10)
		}
	}
	page.Form = templates.NewForm(values)
	return r.show(page, &page.BasePage)
}

func (w *Web) createSecret(r *request) error {
	f := r.form()
	n := secrets.NewSecret{
		Environment: models.EnvironmentID(f.number("environment_id")), Name: f.line("name"), Type: models.SecretType(f.line("secret_type")),
		Value: f.plaintext("value"), Comment: f.line("comment"),
		Description: f.text("description"), Owner: f.line("owner"), Tags: f.tags("tags"), RotateEvery: f.number("rotate_every_days"),
	}
	if expires := f.date("expires_at"); !expires.IsZero() {
		n.ExpiresAt = &expires
	}
	if err := f.err(); err != nil {
		return err
	}
	secret, err := w.Secrets.Create(r.Context(), r.actor, n)
	if err != nil {
		return err
	}
	return r.doneWithin(secretURL(secret.ID), templates.GuideArrival(secret.ID), "The secret is written. Its copies follow within seconds.")
}

func secretURL(id models.SecretID) string { return templates.MustPath("/secrets/{secret}", id) }

// head is what all pages of one secret show.
func (w *Web) head(r *request) (templates.SecretHead, error) {
	id, err := r.secretID()
	if err != nil {
		return templates.SecretHead{}, err
	}
	secret, e, err := w.Secrets.Get(r.Context(), r.actor, id)
	return templates.SecretHead{
		Secret: secret, Environment: e,
		Rights: templates.SecretRights{Reveal: r.may(auth.RevealSecret, e.ID), Write: r.may(auth.WriteSecret, e.ID)},
	}, err
}

// headFor is head for a form, which only those may see who may send it.
func (w *Web) headFor(r *request, action auth.Action) (templates.SecretHead, error) {
	head, err := w.head(r)
	if err == nil {
		err = auth.Check(r.actor, action, head.Environment.ID)
	}
	if err == nil && head.Secret.Deleted() {
		err = fault.New(fault.Conflict, "The secret %s is deleted.", head.Secret.Name).WithHint("Undelete it first.")
	}
	return head, err
}

func (w *Web) showSecret(r *request) error {
	head, err := w.head(r)
	if err != nil {
		return err
	}
	page := &templates.SecretPage{SecretHead: head}
	page.Newest, err = w.Secrets.Versions(r.Context(), r.actor, head.Secret.ID, 0, templates.RotationSteps+1)
	if err != nil {
		return err
	}
	if len(page.Newest) > 0 {
		page.Version = page.Newest[0]
	}
	states, err := w.destinationStates(r, []models.Secret{head.Secret})
	if err != nil {
		return err
	}
	page.States = states[head.Secret.ID]
	if err := w.withHolds(r, page.States); err != nil {
		return err
	}
	if page.Recent, _, err = w.Secrets.Activity(r.Context(), r.actor, head.Secret.ID, "", recentEntries); err != nil {
		return err
	}
	return r.show(page, &page.BasePage)
}

func (w *Web) secretActivity(r *request) error {
	head, err := w.head(r)
	if err != nil {
		return err
	}
	entries, around, err := w.Secrets.Activity(r.Context(), r.actor, head.Secret.ID, r.URL.Query().Get("cursor"), pageSize)
	if err != nil {
		return err
	}
	page := &templates.SecretActivityPage{SecretHead: head, Entries: entries, Pager: pagerOf(around)}
	return r.show(page, &page.BasePage)
}

func (w *Web) editSecret(r *request) error { return w.editSecretForm(r, nil) }

func (w *Web) editSecretForm(r *request, err error) error {
	head, headErr := w.headFor(r, auth.WriteSecret)
	if headErr != nil {
		return headErr
	}
	page := &templates.SecretEditPage{SecretHead: head}
	if err != nil {
		page.Form = r.refill(err, head.Secret.Revision, detailFields...)
		return r.showRefused(err, page, &page.BasePage)
	}
	s := head.Secret
	page.Form = templates.Form{Revision: s.Revision, Values: map[string]string{
		"description": s.Description, "owner": s.Owner, "tags": tagLines(s.Tags),
		"expires_at": dayOf(s.ExpiresAt), "rotate_every_days": strconv.Itoa(s.RotateEvery),
	}}
	return r.show(page, &page.BasePage)
}

// dayOf is a time as a date field shows it; "" for none.
func dayOf(t *time.Time) string {
	if t == nil {
		return ""
	}
	return t.UTC().Format(time.DateOnly)
}

func (w *Web) updateSecret(r *request) error {
	head, err := w.head(r)
	if err != nil {
		return err
	}
	f := r.form()
	description, owner, tags, rotate := f.text("description"), f.line("owner"), f.tags("tags"), f.number("rotate_every_days")
	c := secrets.Change{Description: &description, Owner: &owner, Tags: &tags, RotateEvery: &rotate}
	// A date that was not touched keeps the hour that it was given elsewhere.
	if expires := f.date("expires_at"); f.line("expires_at") != dayOf(head.Secret.ExpiresAt) {
		c.ExpiresAt = &expires
	}
	if err := f.err(); err != nil {
		return err
	}
	if _, err := w.Secrets.Update(r.Context(), r.actor, head.Secret.ID, c, f.revision()); err != nil {
		return err
	}
	return r.done(secretURL(head.Secret.ID), "The changes are saved.")
}

func (w *Web) askDeleteSecret(r *request) error { return w.deleteSecretForm(r, nil) }

func (w *Web) deleteSecretForm(r *request, err error) error {
	head, headErr := w.headFor(r, auth.DeleteSecret)
	if headErr != nil {
		return headErr
	}
	page := &templates.SecretDeletePage{
		SecretHead: head, PurgeAfter: w.Now().Add(w.Secrets.DeleteGrace),
		Confirmation: templates.Confirmation{Name: head.Secret.Name, Form: templates.Form{Revision: head.Secret.Revision}},
	}
	if err != nil {
		page.Confirmation.Form = r.refill(err, head.Secret.Revision, "confirm")
	}
	states, stateErr := w.destinationStates(r, []models.Secret{head.Secret})
	if stateErr != nil {
		return stateErr
	}
	for _, state := range states[head.Secret.ID] {
		page.Destinations = append(page.Destinations, state.Destination)
	}
	return r.showRefused(err, page, &page.BasePage)
}

func (w *Web) deleteSecret(r *request) error {
	head, err := w.head(r)
	if err != nil {
		return err
	}
	f := r.form()
	if err := confirmed(f, head.Secret.Name); err != nil {
		return err
	}
	secret, err := w.Secrets.Delete(r.Context(), r.actor, head.Secret.ID, f.revision())
	if err != nil {
		return err
	}
	return r.done(secretURL(secret.ID), "The secret is deleted. Until "+dayOf(secret.PurgeAfter)+" it can be undeleted.")
}

// confirmed holds a dangerous act to the name that must be typed.
func confirmed(f *form, name string) error {
	if f.text("confirm") == name {
		return nil
	}
	return fault.InvalidField("confirm", "must be exactly %s", name)
}

func (w *Web) undeleteSecret(r *request) error {
	id, err := r.secretID()
	if err != nil {
		return err
	}
	if _, err := w.Secrets.Undelete(r.Context(), r.actor, id); err != nil {
		return err
	}
	return r.done(secretURL(id), "The secret is back, with all its versions. Its copies follow within seconds.")
}
