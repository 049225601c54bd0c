package web

import (
	"fmt"
	"slices"
	"strings"

	"github.com/your-org/keeper/auth"
	"github.com/your-org/keeper/fault"
	"github.com/your-org/keeper/keys"
	"github.com/your-org/keeper/models"
	"github.com/your-org/keeper/templates"
)

func (w *Web) askEmptyKey(r *request) error { return w.emptyKeyForm(r, nil) }

func (w *Web) emptyKeyForm(r *request, err error) error {
	page, findErr := w.keyToEmpty(r)
	if findErr != nil {
		return findErr
	}
	if err != nil {
		page.Form = r.refill(err, 0, "to_key", "confirm")
	}
	return r.showRefused(err, page, &page.BasePage)
}

// keyToEmpty is the key that the request names by its id, with what stands under it now, for
// who may manage keys.
func (w *Web) keyToEmpty(r *request) (*templates.KeyEmptyPage, error) {
	if err := auth.Check(r.actor, auth.ManageKeys, auth.Global); err != nil {
		return nil, err
	}
	all, err := w.Keys.Report(r.Context(), r.actor)
	if err != nil {
		return nil, err
	}
	page := &templates.KeyEmptyPage{Keys: keyViews(all), KeyBackend: string(w.Secrets.KeyBackend())}
	id := r.FormValue("key")
	i := slices.IndexFunc(page.Keys, func(k templates.KeyView) bool { return k.ID == id })
	switch {
	case id == "" || i < 0:
		return nil, fault.New(fault.NotFound, "Keeper knows of no such wrapping key; nothing was begun.").
			WithHint("Go back to the page Keys: the key may have been emptied already.")
	case page.Keys[i].DataKeys() == 0:
		return nil, fault.New(fault.Conflict, "Nothing stands under %s any more; nothing was begun.", page.Keys[i].Plain()).
			WithHint("The page Keys says whether it may be disabled.")
	}
	page.Key, page.Name = page.Keys[i], page.Keys[i].Typed()
	for _, m := range page.Moves() {
		runs, err := w.keyRuns(r, m.Environment.ID, recentKeyRuns)
		if err != nil {
			return nil, err
		}
		page.Runs = append(page.Runs, runs...)
	}
	return page, nil
}

// emptyKey begins the re-wraps after which nothing stands under a key in any environment.
func (w *Web) emptyKey(r *request) error {
	order := keys.Order{Kind: models.KeyRewrap, FromKey: r.form().line("key")}
	var before []templates.KeyRunView
	if r.may(auth.ManageKeys, auth.Global) { // else the service refuses, and records it
		page, err := w.keyToEmpty(r)
		if err == nil {
			order.ToKey, err = confirmedEmpty(r.form(), page)
		}
		if err != nil {
			return err
		}
		before = page.Runs
	}
	started, err := w.Keys.Start(r.Context(), r.actor, order)
	if err != nil {
		return err
	}
	to := "/keys/runs?kind=" + string(models.KeyRewrap)
	if len(started) == 1 {
		to = keyRunURL(started[0].ID)
	}
	return r.done(to, emptyBegun(started, before))
}

// confirmedEmpty holds what was sent to what stands under the key now, and to its name. It
// gives the key that takes over, where one is asked for.
func confirmedEmpty(f *form, page *templates.KeyEmptyPage) (to string, err error) {
	if page.Replaces() {
		to = f.line("to_key")
	}
	switch {
	case len(page.Blocks()) > 0:
		return "", fault.New(fault.Conflict, "Something is in the way; nothing was begun.").WithHint("Do what is said here first.")
	case f.text("seen") != page.Seen():
		return "", fault.New(fault.Conflict, "What stands under the key is not what you were shown; nothing was begun.").
			WithHint("Look at it again, and send it once more.")
	case page.Replaces() && to == "":
		return "", fault.InvalidField("to_key", "must name the key that wraps from now on")
	case page.Replaces() && (to == page.Key.ID || to == page.Key.Name || slices.Contains(page.Key.Aliases, to)):
		return "", fault.InvalidField("to_key", "is the key that is to be emptied; name another one")
	}
	return to, confirmed(f, page.Name)
}

// emptyBegun says how many runs began, and how many of them were at work before.
func emptyBegun(started []keys.Progress, before []templates.KeyRunView) string {
	joined := 0
	for _, run := range started {
		if slices.ContainsFunc(before, func(v templates.KeyRunView) bool { return v.Run.ID == run.ID }) {
			joined++
		}
	}
	begun := len(started) - joined
	said := fmt.Sprintf("%d re-wraps begin, one for each environment.", begun)
	switch begun {
	case 0:
		said = ""
	case 1:
		said = "The re-wrap begins."
	}
	switch joined {
	case 0:
		return said
	case 1:
		return strings.TrimSpace(said + " One was at work already and goes on.")
	default:
		return strings.TrimSpace(fmt.Sprintf("%s %d were at work already and go on.", said, joined))
	}
}
