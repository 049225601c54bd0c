package web

import (
	"slices"

	"github.com/your-org/keeper/auth"
	"github.com/your-org/keeper/models"
	"github.com/your-org/keeper/templates"
)

func (w *Web) showAccount(r *request) error { return w.accountForm(r, nil) }

// accountForm is an account with all that belongs to it; err is a change that was refused.
func (w *Web) accountForm(r *request, err error) error {
	a, findErr := w.account(r)
	if findErr != nil {
		return findErr
	}
	page, findErr := w.accountPage(r, a)
	if findErr != nil {
		return findErr
	}
	if err != nil {
		page.Form = r.refill(err, 0, "environment", "role")
	}
	return r.showRefused(err, page, &page.BasePage)
}

func (w *Web) accountPage(r *request, a auth.Account) (*templates.AccountPage, error) {
	environments, err := r.allEnvironments()
	if err != nil {
		return nil, err
	}
	page := &templates.AccountPage{
		User: a.User, Effective: a.Effective, Global: globalSources(a, a.Effective), Rights: rights(a, environments), Groups: groupsOf(a.Grants),
		MayManage: r.may(auth.ManageUsers, auth.Global), NeedProof: r.needsProof(), Self: a.ID == r.actor.UserID,
	}
	factors, err := w.Auth.FactorsOf(r.Context(), r.actor, string(a.ID))
	if err != nil {
		return nil, err
	}
	page.Factors = factorCount(factors)
	if page.Tokens, err = w.Auth.TokensOf(r.Context(), r.actor, string(a.ID)); err != nil {
		return nil, err
	}
	sessions, err := w.Auth.SessionsOf(r.Context(), r.actor, string(a.ID))
	for _, s := range sessions {
		page.Sessions = append(page.Sessions, templates.SessionView{Session: s, Current: s.Hash == r.actor.SessionHash})
	}
	return page, err
}

func factorCount(f auth.Factors) templates.FactorCount {
	return templates.FactorCount{App: f.App, Passkeys: f.Passkeys, Codes: f.RecoveryCodes}
}

// globalSources are what gives an account a global role, each by itself.
func globalSources(a auth.Account, role models.GlobalRole) []templates.SourceView {
	var all []templates.SourceView
	if a.Role == role {
		all = append(all, templates.SourceView{Role: string(role), Global: true})
	}
	if role == models.RoleUser {
		return all
	}
	seen := map[models.GroupID]bool{}
	for _, g := range a.Grants {
		if g.GroupID != "" && g.GlobalRole == role && !seen[g.GroupID] {
			seen[g.GroupID] = true
			all = append(all, templates.SourceView{GroupID: g.GroupID, GroupName: g.GroupName, Role: string(role), Global: true})
		}
	}
	return all
}

// rights is what an account may do in each environment where it may do anything, with what
// gives it.
func rights(a auth.Account, environments []models.Environment) []templates.RightView {
	var everywhere []templates.SourceView
	if a.Effective != models.RoleUser {
		everywhere = globalSources(a, a.Effective)
	}
	roles := a.Roles()
	var all []templates.RightView
	for _, e := range environments {
		v := templates.RightView{Environment: e, Role: roles[e.ID], Through: slices.Clone(everywhere)}
		for _, g := range a.Grants {
			if g.EnvironmentID != e.ID {
				continue
			}
			if g.GroupID == "" {
				v.Own = g.Role
			}
			v.Through = append(v.Through, templates.SourceView{GroupID: g.GroupID, GroupName: g.GroupName, Role: string(g.Role)})
		}
		if len(v.Through) > 0 {
			all = append(all, v)
		}
	}
	return all
}

// setAccountRole gives the account a role in an environment, or takes it away.
func (w *Web) setAccountRole(r *request) error {
	a, err := w.account(r)
	if err != nil {
		return err
	}
	e, err := w.environmentField(r)
	if err != nil {
		return err
	}
	role := models.EnvironmentRole(r.form().line("role"))
	if err := w.Auth.SetMember(r.Context(), r.actor, e.ID, string(a.ID), role); err != nil {
		return err
	}
	w.live.recheck()
	return r.done(accountURL(a.ID), roleDone(a.Username, role, e.DisplayName))
}

// roleDone says what was done about somebody's role.
func roleDone(who string, role models.EnvironmentRole, where string) string {
	if role == "" {
		return who + " has no role of its own in " + where + " any more."
	}
	return who + " is " + string(role) + " in " + where + "."
}

func (w *Web) revokeSessionsOf(r *request) error {
	a, err := w.account(r)
	if err != nil {
		return err
	}
	if _, err := w.Auth.RevokeSessionsOf(r.Context(), r.actor, string(a.ID)); err != nil {
		return err
	}
	w.live.recheck()
	if a.ID == r.actor.UserID {
		return r.redirect("/sign-in")
	}
	return r.done(accountURL(a.ID), "All sessions of "+a.Username+" are ended.")
}

func (w *Web) revokeSessionOf(r *request) error {
	a, err := w.account(r)
	if err != nil {
		return err
	}
	if err := w.Auth.RevokeSessionOf(r.Context(), r.actor, string(a.ID), r.param("session")); err != nil {
		return err
	}
	w.live.recheck()
	return r.done(accountURL(a.ID), "The session is ended.")
}
