package web

import (
	"strings"

	"github.com/your-org/keeper/auth"
	"github.com/your-org/keeper/fault"
	"github.com/your-org/keeper/models"
	"github.com/your-org/keeper/templates"
)

func (w *Web) listGroups(r *request) error {
	q := r.URL.Query()
	page := &templates.GroupListPage{
		Query: strings.TrimSpace(q.Get("q")), MayManage: r.may(auth.ManageUsers, auth.Global),
	}
	groups, around, err := w.Auth.Groups(r.Context(), r.actor, page.Query, q.Get("cursor"), pageSize)
	if err != nil {
		return err
	}
	page.Groups, page.Pager = groups, pagerOf(around)
	return r.show(page, &page.BasePage)
}

func (w *Web) newGroup(r *request) error { return w.newGroupForm(r, nil) }

var groupFields = []string{"name", "description", "role"}

func (w *Web) newGroupForm(r *request, err error) error {
	if refusal := r.administers(); refusal != nil {
		return refusal
	}
	page := &templates.GroupFormPage{}
	if err != nil {
		page.Form = r.refill(err, 0, groupFields...)
	}
	return r.showRefused(err, page, &page.BasePage)
}

func (w *Web) createGroup(r *request) error {
	f := r.form()
	g, err := w.Auth.CreateGroup(r.Context(), r.actor, auth.NewGroup{
		Name: f.line("name"), Description: f.text("description"), Role: models.GlobalRole(f.line("role")),
	})
	if err != nil {
		return err
	}
	return r.done(groupURL(g.ID), "The group is made. Add members, and give it roles in environments.")
}

func groupURL(id models.GroupID) string { return templates.MustPath("/admin/groups/{group}", id) }

// group is the one that the path names.
func (w *Web) group(r *request) (auth.GroupView, error) {
	return w.Auth.Group(r.Context(), r.actor, r.param("group"))
}

func (w *Web) showGroup(r *request) error { return w.groupForm(r, nil) }

// groupForm is a group with its members and roles; err is a change that was refused.
func (w *Web) groupForm(r *request, err error) error {
	g, findErr := w.group(r)
	if findErr != nil {
		return findErr
	}
	page := &templates.GroupPage{
		Group: g.Group, MayManage: r.may(auth.ManageUsers, auth.Global), NeedProof: r.needsProof(),
	}
	members, around, findErr := w.Auth.GroupMembers(r.Context(), r.actor, string(g.ID), r.URL.Query().Get("cursor"), pageSize)
	if findErr != nil {
		return findErr
	}
	page.Members, page.Pager = members, pagerOf(around)
	if page.Roles, findErr = groupRoles(r, g.Roles); findErr != nil {
		return findErr
	}
	if err != nil {
		page.Form = r.refill(err, 0, "user", "environment", "role")
	}
	return r.showRefused(err, page, &page.BasePage)
}

// groupRoles are a group's roles with their environments, in the environments' order.
func groupRoles(r *request, roles []models.GroupRole) ([]templates.GroupRoleView, error) {
	environments, err := r.allEnvironments()
	var views []templates.GroupRoleView
	for _, e := range environments {
		for _, role := range roles {
			if role.EnvironmentID == e.ID {
				views = append(views, templates.GroupRoleView{Environment: e, Role: role.Role})
			}
		}
	}
	return views, err
}

func (w *Web) editGroup(r *request) error { return w.editGroupForm(r, nil) }

func (w *Web) editGroupForm(r *request, err error) error {
	g, findErr := w.group(r)
	if findErr == nil {
		findErr = r.administers()
	}
	if findErr != nil {
		return findErr
	}
	page := &templates.GroupFormPage{Group: &g.Group, Form: templates.Form{
		Revision: g.Revision, Values: map[string]string{"name": g.Name, "description": g.Description, "role": string(g.Role)},
	}}
	if err != nil {
		page.Form = r.refill(err, g.Revision, groupFields...)
	}
	return r.showRefused(err, page, &page.BasePage)
}

func (w *Web) updateGroup(r *request) error {
	f := r.form()
	description, role := f.text("description"), models.GlobalRole(f.line("role"))
	change := auth.GroupChange{Description: &description, Role: &role}
	if r.PostForm.Has("name") { // not in the form of a provider's group
		name := f.line("name")
		change.Name = &name
	}
	g, err := w.Auth.UpdateGroup(r.Context(), r.actor, r.param("group"), change, f.revision())
	if err != nil {
		return err
	}
	return r.done(groupURL(g.ID), "The changes are saved.")
}

func (w *Web) askDeleteGroup(r *request) error { return w.deleteGroupForm(r, nil) }

func (w *Web) deleteGroupForm(r *request, err error) error {
	g, findErr := w.group(r)
	if findErr == nil {
		findErr = r.administers()
	}
	if findErr != nil {
		return findErr
	}
	page := &templates.GroupDeletePage{Group: g.Group}
	page.Confirmation = templates.Confirmation{Name: g.Name, Form: templates.Form{Revision: g.Revision}}
	if page.Roles, findErr = groupRoles(r, g.Roles); findErr != nil {
		return findErr
	}
	if err != nil {
		page.Form = r.refill(err, g.Revision, "confirm")
	}
	return r.showRefused(err, page, &page.BasePage)
}

func (w *Web) deleteGroup(r *request) error {
	g, err := w.group(r)
	if err != nil {
		return err
	}
	if err := confirmed(r.form(), g.Name); err != nil {
		return err
	}
	if err := w.Auth.DeleteGroup(r.Context(), r.actor, string(g.ID), r.form().revision()); err != nil {
		return err
	}
	w.live.recheck()
	return r.done("/admin/groups", "The group "+g.Name+" is deleted. What it gave has ended.")
}

func (w *Web) addGroupMember(r *request) error    { return w.setGroupMember(r, true) }
func (w *Web) removeGroupMember(r *request) error { return w.setGroupMember(r, false) }

func (w *Web) setGroupMember(r *request, in bool) error {
	g, err := w.group(r)
	if err != nil {
		return err
	}
	user, err := r.namedUser()
	if err != nil {
		return err
	}
	if err := w.Auth.SetGroupMember(r.Context(), r.actor, string(g.ID), user, in); err != nil {
		return atUser(err)
	}
	w.live.recheck()
	if in {
		return r.done(groupURL(g.ID), user+" is in the group.")
	}
	return r.done(groupURL(g.ID), "The user is not in the group any more.")
}

// namedUser is the user that a form names.
func (r *request) namedUser() (string, error) {
	user := r.form().line("user")
	if user == "" {
		return "", fault.InvalidField("user", "must be a user name")
	}
	return user, nil
}

// atUser puts at the field of the user that there is none of that name.
func atUser(err error) error {
	if !fault.Is(err, fault.NotFound) {
		return err
	}
	public := *fault.Public(err)
	public.Fields = []fault.Field{{Name: "user", Message: "is none that there is, or none that you may see"}}
	return &public
}

func (w *Web) setGroupRole(r *request) error {
	g, err := w.group(r)
	if err != nil {
		return err
	}
	e, err := w.environmentField(r)
	if err != nil {
		return err
	}
	role := models.EnvironmentRole(r.form().line("role"))
	if err := w.Auth.SetGroupRole(r.Context(), r.actor, string(g.ID), e.ID, role); err != nil {
		return err
	}
	w.live.recheck()
	if role == "" {
		return r.done(groupURL(g.ID), "The group gives nothing in "+e.DisplayName+" any more.")
	}
	return r.done(groupURL(g.ID), "Members are "+string(role)+" in "+e.DisplayName+".")
}

// environmentField is the environment that a form names.
func (w *Web) environmentField(r *request) (models.Environment, error) {
	e, err := w.Secrets.FindEnvironment(r.Context(), r.actor, r.form().line("environment"))
	if fault.Is(err, fault.NotFound) {
		return e, fault.InvalidField("environment", "must be one that there is")
	}
	return e, err
}
