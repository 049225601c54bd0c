package web

import (
	"time"

	"github.com/your-org/keeper/auth"
	"github.com/your-org/keeper/models"
	"github.com/your-org/keeper/templates"
)

func (w *Web) listAccounts(r *request) error {
	page := &templates.AccountListPage{
		Filter: templates.ParseAccountFilter(r.URL.Query()), Pager: templates.Pager{Total: -1}, MayManage: r.may(auth.ManageUsers, auth.Global),
	}
	f := auth.UserFilter{
		Search: page.Filter.Query, Kind: models.UserKind(page.Filter.Kind), Role: models.GlobalRole(page.Filter.Role),
		Cursor: r.URL.Query().Get("cursor"), Limit: pageSize,
	}
	if page.Filter.State != "" {
		disabled := page.Filter.State == "disabled"
		f.Disabled = &disabled
	}
	found, around, err := w.Auth.Users(r.Context(), r.actor, f)
	if err != nil {
		return err
	}
	page.Pager = pagerOf(around)
	for _, a := range found {
		page.Rows = append(page.Rows, templates.AccountRow{
			User: a.User, Effective: a.Effective, Environments: len(a.Roles()), Groups: len(groupsOf(a.Grants)),
		})
	}
	return r.show(page, &page.BasePage)
}

// groupsOf are the groups among what gives rights, each once.
func groupsOf(grants []auth.Grant) []models.Group {
	var all []models.Group
	seen := map[models.GroupID]bool{}
	for _, g := range grants {
		if g.GroupID != "" && !seen[g.GroupID] {
			seen[g.GroupID] = true
			all = append(all, models.Group{ID: g.GroupID, Name: g.GroupName})
		}
	}
	return all
}

func (w *Web) newAccount(r *request) error { return w.newAccountForm(r, nil) }

var accountFields = []string{"display_name", "email", "description", "role", "break_glass"}

func (w *Web) newAccountForm(r *request, err error) error {
	if refusal := r.administers(); refusal != nil {
		return refusal
	}
	page := &templates.AccountFormPage{Kind: models.UserPerson}
	if r.FormValue("kind") == string(models.UserService) {
		page.Kind = models.UserService
	}
	if err != nil {
		page.Form = r.refill(err, 0, append([]string{"username"}, accountFields...)...)
	}
	return r.showRefused(err, page, &page.BasePage)
}

const oneTimeHours = int(auth.OneTimeLasts / time.Hour)

// createAccount shows the one-time password in the answer itself: it is kept nowhere that a
// redirect could fetch it from.
func (w *Web) createAccount(r *request) error {
	f := r.form()
	u, oneTime, err := w.Auth.CreateUser(r.Context(), r.actor, auth.NewUser{
		Kind: models.UserKind(f.line("kind")), Username: f.line("username"), DisplayName: f.line("display_name"), Email: f.line("email"),
		Description: f.text("description"), Role: models.GlobalRole(f.line("role")), BreakGlass: f.line("break_glass") != "",
	})
	if err != nil {
		return err
	}
	if oneTime == "" {
		return r.done(accountURL(u.ID), "The service account is made. It can do nothing before it has a role and a token.")
	}
	page := &templates.OneTimePasswordPage{User: u, New: true, Secret: oneTime, Hours: oneTimeHours}
	return r.show(page, &page.BasePage)
}

func accountURL(id models.UserID) string { return templates.MustPath("/admin/users/{user}", id) }

func (w *Web) editAccount(r *request) error { return w.editAccountForm(r, nil) }

func (w *Web) editAccountForm(r *request, err error) error {
	a, findErr := w.account(r)
	if findErr == nil {
		findErr = r.administers()
	}
	if findErr != nil {
		return findErr
	}
	page := &templates.AccountFormPage{User: &a.User, Kind: a.Kind}
	page.Form = templates.Form{Revision: a.Revision, Values: map[string]string{
		"display_name": a.DisplayName, "email": a.Email, "description": a.Description, "role": string(a.Role), "break_glass": ticked(a.BreakGlass),
	}}
	if err != nil {
		page.Form = r.refill(err, a.Revision, accountFields...)
	}
	return r.showRefused(err, page, &page.BasePage)
}

// account is the one that the path names.
func (w *Web) account(r *request) (auth.Account, error) {
	return w.Auth.Account(r.Context(), r.actor, r.param("user"))
}

func (w *Web) updateAccount(r *request) error {
	a, err := w.account(r)
	if err != nil {
		return err
	}
	f := r.form()
	name, role := f.line("display_name"), models.GlobalRole(f.line("role"))
	change := auth.UserChange{DisplayName: &name, Role: &role}
	if a.Kind == models.UserService {
		description := f.text("description")
		change.Description = &description
	} else {
		email, breakGlass := f.line("email"), f.line("break_glass") != ""
		change.Email, change.BreakGlass = &email, &breakGlass
	}
	if _, err := w.Auth.UpdateUser(r.Context(), r.actor, string(a.ID), change, f.revision()); err != nil {
		return err
	}
	return r.done(accountURL(a.ID), "The changes are saved.")
}
