package templates

import (
	"net/url"

	"github.com/your-org/keeper/models"
)

// GroupListPage is GET /admin/groups; ?q= is part of a name.
type GroupListPage struct {
	BasePage
	Query     string
	Groups    []models.Group
	Pager     Pager
	MayManage bool
}

func (*GroupListPage) template() string { return "groups/list" }

// Frame stands around the page.
func (p *GroupListPage) Frame() Frame { return adminFrame("Groups") }

// Page is another page of the same list.
func (p *GroupListPage) Page(cursor string) string {
	return withQuery("/admin/groups", url.Values{"q": {p.Query}, "cursor": {cursor}})
}

// GroupFormPage is GET /admin/groups/new and GET /admin/groups/{group}/edit. Fields: name (of
// a local group), description, role.
type GroupFormPage struct {
	BasePage
	Group *models.Group // that is edited; nil: a new one
	Form  Form
}

func (*GroupFormPage) template() string { return "groups/form" }

// Frame stands around the page.
func (p *GroupFormPage) Frame() Frame {
	if p.Group != nil {
		return adminFrame("Edit", groupCrumbs(*p.Group)...)
	}
	return adminFrame("New group", Crumb{"Groups", "/admin/groups"})
}

func groupCrumbs(g models.Group) []Crumb {
	return []Crumb{{"Groups", "/admin/groups"}, {g.Name, MustPath("/admin/groups/{group}", g.ID)}}
}

// GroupRoleView is what a group's members get in an environment.
type GroupRoleView struct {
	Environment models.Environment
	Role        models.EnvironmentRole
}

// GroupPage is GET /admin/groups/{group}. Fields of its forms: user; environment (name), role.
type GroupPage struct {
	BasePage
	Group     models.Group
	Members   []models.User
	Pager     Pager
	Roles     []GroupRoleView
	MayManage bool
	NeedProof bool // before a change
	Form      Form
}

func (*GroupPage) template() string { return "groups/overview" }

// Frame stands around the page.
func (p *GroupPage) Frame() Frame { return adminFrame(p.Group.Name, Crumb{"Groups", "/admin/groups"}) }

// Page is another page of the members.
func (p *GroupPage) Page(cursor string) (string, error) {
	path, err := Path("/admin/groups/{group}", p.Group.ID)
	return withQuery(path, url.Values{"cursor": {cursor}}), err
}

// MayChangeMembers reports whether the actor says who is in the group: of a provider's group
// the provider does.
func (p *GroupPage) MayChangeMembers() bool { return p.MayManage && p.Group.ProviderID == "" }

// GroupDeletePage is GET /admin/groups/{group}/delete.
type GroupDeletePage struct {
	BasePage
	Confirmation
	Group models.Group
	Roles []GroupRoleView
}

func (*GroupDeletePage) template() string { return "groups/delete" }

func (p *GroupDeletePage) confirmation() Confirmation { return p.Confirmation }

// Frame stands around the page.
func (p *GroupDeletePage) Frame() Frame { return adminFrame("Delete", groupCrumbs(p.Group)...) }
