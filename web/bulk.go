package web

import (
	"net/url"
	"strconv"
	"strings"
	"time"

	"github.com/your-org/keeper/auth"
	"github.com/your-org/keeper/fault"
	"github.com/your-org/keeper/models"
	"github.com/your-org/keeper/secrets"
	"github.com/your-org/keeper/templates"
)

// showBulk shows the form of an act on many secrets, and what it would change.
func (w *Web) showBulk(r *request) error { return w.bulkPage(r, r.URL.Query(), nil) }

// bulkForm shows it again where it was refused, with the preview as it is now.
func (w *Web) bulkForm(r *request, err error) error { return w.bulkPage(r, r.PostForm, err) }

func (w *Web) bulkPage(r *request, sent url.Values, refused error) error {
	page, ids, err := w.bulkChoice(r, sent)
	if err != nil {
		return err
	}
	change, says, err := bulkChange(page.Act, sent)
	if err == nil && says && !page.TooMany {
		err = w.preview(r, page, sent, ids, change)
	}
	if err != nil && !fault.Is(err, fault.Invalid) {
		return err
	}
	if refused == nil {
		refused = err
	}
	if refused != nil {
		page.Form.Fail(renameField(refused, "owner", "new_owner"))
		page.Confirmation.Form = page.Form
	}
	return r.showRefused(refused, page, &page.BasePage)
}

// bulkChoice is what was chosen, and what was typed.
func (w *Web) bulkChoice(r *request, sent url.Values) (*templates.BulkPage, []models.SecretID, error) {
	page := &templates.BulkPage{
		Act: templates.BulkAct(sent.Get("act")), Filter: templates.ParseSecretFilter(sent), All: sent.Get("all") == "true", Most: secrets.MaxBulk,
		PurgeAfter: w.Now().Add(w.Secrets.DeleteGrace),
	}
	if !page.Act.Known() {
		return nil, nil, noPage()
	}
	typed := map[string]string{"confirm": sent.Get("confirm")}
	for _, name := range page.Act.Fields() {
		typed[name] = strings.ReplaceAll(sent.Get(name), "\r\n", "\n")
	}
	page.Form = templates.NewForm(typed)
	if !page.All {
		var err error
		page.IDs, err = parseSecretIDs(strings.Join(sent["id"], ","))
		return page, page.IDs, err
	}
	query, _, err := w.secretQuery(r, page.Filter)
	if err != nil {
		return nil, nil, err
	}
	query.Cursor, query.Deleted = "", page.Act == templates.BulkUndelete
	ids, more, err := w.Secrets.Matching(r.Context(), r.actor, query)
	page.TooMany = more
	return page, ids, err
}

// parseSecretIDs reads IDs with commas between.
func parseSecretIDs(text string) ([]models.SecretID, error) {
	texts := strings.FieldsFunc(text, func(c rune) bool { return c == ',' })
	if len(texts) == 0 {
		return nil, fault.New(fault.Invalid, "No secret is chosen; nothing was changed.").WithHint("Go back to the list, and tick the secrets.")
	}
	ids := make([]models.SecretID, len(texts))
	for i, text := range texts {
		id, err := strconv.ParseInt(text, 10, 64)
		if err != nil || id <= 0 {
			return nil, fault.New(fault.Invalid, "The address does not say which secrets are chosen; nothing was changed.").WithHint("Go back to the list, and tick them again.")
		}
		ids[i] = models.SecretID(id)
	}
	return ids, nil
}

// bulkChange is what was typed as the service takes it, and whether that says anything.
func bulkChange(act templates.BulkAct, sent url.Values) (c secrets.BulkChange, says bool, err error) {
	f := formOf(sent)
	switch act {
	case templates.BulkSync:
		return c, true, nil
	case templates.BulkDelete:
		c.Delete = true
	case templates.BulkUndelete:
		c.Undelete = true
	case templates.BulkEdit:
		c = f.bulkEdit()
	case templates.BulkTag:
		c.Tags, c.Untag = f.tags("tags"), f.lines("untag")
	}
	return c, !c.Empty(), f.err()
}

// bulkEdit reads fields of which an empty one leaves everything as it is.
func (f *form) bulkEdit() (c secrets.BulkChange) {
	owner, expires, days := f.line("new_owner"), f.date("expires_at"), f.number("rotate_every_days")
	clearOwner, clearExpiry := f.line("clear_owner") == "true", f.line("clear_expires_at") == "true"
	if owner != "" && clearOwner {
		f.wrong("new_owner", "must be empty where the owner is to be taken away")
	}
	if !expires.IsZero() && clearExpiry {
		f.wrong("expires_at", "must be empty where the expiry is to be taken away")
	}
	if owner != "" || clearOwner {
		c.Owner = &owner
	}
	if !expires.IsZero() || clearExpiry {
		c.ExpiresAt = &expires
	}
	if f.line("rotate_every_days") != "" {
		c.RotateEvery = &days
	}
	return c
}

// preview fills in what an act would change.
func (w *Web) preview(r *request, page *templates.BulkPage, sent url.Values, ids []models.SecretID, change secrets.BulkChange) error {
	if len(ids) == 0 {
		page.Previewed = true
		return nil
	}
	plan, err := w.Secrets.PlanBulk(r.Context(), r.actor, ids, change)
	if err != nil {
		return err
	}
	places, err := w.placesByEnvironment(r)
	if err != nil {
		return err
	}
	page.Previewed, page.Gone, page.Digest = true, plan.Gone, plan.Digest
	for _, item := range plan.Items {
		page.Rows = append(page.Rows, withPlaces(r, page.Act, bulkRow(item), places[item.Environment.ID]))
	}
	from, _ := strconv.Atoi(sent.Get("from")) // what is no number is the first page
	page.Open(from)
	if n := page.Changing(); n > 0 && page.Act == templates.BulkDelete {
		page.Confirmation.Name = templates.BulkPhrase(n)
	}
	return nil
}

func bulkRow(item secrets.BulkItem) templates.BulkRow {
	row := templates.BulkRow{Secret: item.Secret, Environment: item.Environment}
	if item.Refused != nil {
		public := fault.Public(item.Refused)
		row.Why = public.Error()
	}
	for _, c := range item.Changes {
		row.Changes = append(row.Changes, templates.BulkChange(c))
	}
	return row
}

// placesByEnvironment are the destinations that the actor may see.
func (w *Web) placesByEnvironment(r *request) (map[models.EnvironmentID][]models.Destination, error) {
	all, err := w.Destinations.List(r.Context(), r.actor, 0)
	places := map[models.EnvironmentID][]models.Destination{}
	for _, d := range all {
		places[d.EnvironmentID] = append(places[d.EnvironmentID], d)
	}
	return places, err
}

// withPlaces says what becomes of a secret's copies, for an act that is about them.
func withPlaces(r *request, act templates.BulkAct, row templates.BulkRow, places []models.Destination) templates.BulkRow {
	var names []string
	for _, d := range places {
		if act != templates.BulkSync || !d.Paused {
			names = append(names, d.Name)
		}
	}
	at := strings.Join(names, ", ")
	tell := func(words, without string) {
		if at == "" {
			words = without
		}
		row.Changes = []templates.BulkChange{{Field: "copies", To: words}}
	}
	switch {
	case act == templates.BulkSync:
		switch err := auth.Check(r.actor, auth.TriggerSync, row.Environment.ID); {
		case row.Secret.Deleted():
		case err != nil:
			row.Why = fault.Public(err).Error()
		case at == "":
			row.Why = "It has no destination that is not paused."
		default:
			row.Why = ""
			tell("Compared at "+at, "")
		}
	case len(row.Changes) == 0:
	case act == templates.BulkDelete:
		tell("Deleted, with its copies at "+at, "Deleted; it has no copies")
	case act == templates.BulkUndelete:
		tell("Back, with its copies at "+at, "Back")
	}
	return row
}

// changeMany does what a preview showed.
func (w *Web) changeMany(r *request) error {
	f := r.form()
	act, filter := templates.BulkAct(f.line("act")), templates.ParseSecretFilter(r.PostForm)
	ids, err := parseSecretIDs(f.line("take"))
	if err != nil {
		return err
	}
	back := (&templates.BulkPage{Act: act, Filter: filter}).Back()
	if act == templates.BulkSync {
		return w.syncMany(r, back, ids)
	}
	if act == templates.BulkDelete {
		if err := confirmed(f, templates.BulkPhrase(len(ids))); err != nil {
			return err
		}
	}
	change, _, err := bulkChange(act, r.PostForm)
	if err != nil {
		return err
	}
	n, err := w.Secrets.ApplyBulk(r.Context(), r.actor, ids, change, f.line("digest"))
	if err != nil {
		return err
	}
	return r.done(back, w.bulkDone(act, n))
}

func (w *Web) syncMany(r *request, back string, ids []models.SecretID) error {
	if len(ids) > secrets.MaxBulk {
		return fault.New(fault.Invalid, "These are %d secrets; nothing was started.", len(ids)).WithHint("At most %d can be compared at once.", secrets.MaxBulk)
	}
	runs, err := w.Destinations.SyncNow(r.Context(), r.actor, ids)
	if err != nil {
		return err
	}
	return r.done(back, "The copies of "+many(len(ids), "secret")+" are compared now, at "+many(len(runs), "destination")+".")
}

// bulkDone says what was done to a number of secrets.
func (w *Web) bulkDone(act templates.BulkAct, n int) string {
	switch act {
	case templates.BulkDelete:
		return many(n, "secret") + " deleted. Until " + w.Now().Add(w.Secrets.DeleteGrace).UTC().Format(time.DateOnly) + " they can be undeleted."
	case templates.BulkUndelete:
		return many(n, "secret") + " undeleted. Their copies follow within seconds."
	default:
		return many(n, "secret") + " changed."
	}
}

// many is a count with its noun.
func many(n int, noun string) string {
	if n == 1 {
		return "1 " + noun
	}
	return strconv.Itoa(n) + " " + noun + "s"
}
