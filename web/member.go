package web

import (
	"github.com/your-org/keeper/auth"
	"github.com/your-org/keeper/models"
	"github.com/your-org/keeper/templates"
)

func (w *Web) showMembers(r *request) error { return w.membersForm(r, nil) }

// membersForm is who has a role in an environment; err is a change that was refused.
func (w *Web) membersForm(r *request, err error) error {
	e, findErr := w.environment(r)
	if findErr != nil {
		return findErr
	}
	members, groups, around, findErr := w.Auth.Members(r.Context(), r.actor, e.ID, r.URL.Query().Get("cursor"), pageSize)
	if findErr != nil {
		return findErr
	}
	page := &templates.MembersPage{
		Environment: e, Pager: pagerOf(around), MayManage: r.may(auth.ManageMembers, e.ID), MayKeys: r.mayKeys(e.ID),
		NeedProof: r.needsProof(),
	}
	for _, m := range members {
		user := models.User{ID: m.UserID, Username: m.Username, DisplayName: m.DisplayName, Disabled: m.Disabled}
		page.Members = append(page.Members, templates.Member{User: user, Role: m.Role})
	}
	for _, g := range groups {
		page.Groups = append(page.Groups, templates.MemberGroup{ID: g.GroupID, Name: g.Name, ProviderID: g.ProviderID, Role: g.Role})
	}
	if err != nil {
		page.Form = r.refill(err, 0, "user", "role")
	}
	return r.showRefused(err, page, &page.BasePage)
}

// setMember gives somebody a role in the environment, or takes it away.
func (w *Web) setMember(r *request) error {
	e, err := w.environment(r)
	if err != nil {
		return err
	}
	if err := auth.Check(r.actor, auth.ManageMembers, e.ID); err != nil {
		return err
	}
	user, err := r.namedUser()
	if err != nil {
		return err
	}
	role := models.EnvironmentRole(r.form().line("role"))
	if err := w.Auth.SetMember(r.Context(), r.actor, e.ID, user, role); err != nil {
		return atUser(err)
	}
	w.live.recheck()
	here := templates.MustPath("/environments/{environment}/members", e.Name)
	if !r.may(auth.ViewUsers, auth.Global) && user == r.user.Username && role != models.RoleManager {
		here = "/environments" // it has just given away the right to see the page
	}
	return r.done(here, roleDone(user, role, e.DisplayName))
}
