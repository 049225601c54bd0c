package templates

import (
	"net/url"

	"github.com/your-org/keeper/models"
)

// MemberGroup is a group with a role in an environment.
type MemberGroup struct {
	ID         models.GroupID
	Name       string
	ProviderID models.ProviderID
	Role       models.EnvironmentRole
}

// MembersPage is GET /environments/{environment}/members. Fields of its form: user, role.
type MembersPage struct {
	BasePage
	Environment models.Environment
	Members     []Member
	Groups      []MemberGroup
	Pager       Pager
	MayManage   bool
	MayKeys     bool // see the environment's keys
	NeedProof   bool // before a change
	Form        Form
}

func (*MembersPage) template() string { return "environments/members" }

// Frame stands around the page.
func (p *MembersPage) Frame() Frame {
	return Frame{
		Title: "Members", Nav: NavEnvironments, Environment: &p.Environment,
		Crumbs: []Crumb{{"Environments", "/environments"}, {p.Environment.DisplayName, environmentURL(&p.Environment)}},
	}
}

// Page is another page of the members.
func (p *MembersPage) Page(cursor string) (string, error) {
	path, err := Path("/environments/{environment}/members", p.Environment.Name)
	return withQuery(path, url.Values{"cursor": {cursor}}), err
}
