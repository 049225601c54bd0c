package templates

import "github.com/your-org/keeper/models"

// EnvironmentRow is one environment in the list.
type EnvironmentRow struct {
	Environment  models.Environment
	Secrets      int
	Destinations []models.Destination
	Counts       StateCounts
	Role         models.EnvironmentRole // the actor's own; "" for an administrator
}

// EnvironmentListPage is GET /environments.
type EnvironmentListPage struct {
	BasePage
	Rows      []EnvironmentRow
	MayCreate bool
}

func (*EnvironmentListPage) template() string { return "environments/list" }

// Frame stands around the page.
func (p *EnvironmentListPage) Frame() Frame {
	return Frame{Title: "Environments", Nav: NavEnvironments, Topics: "sync"}
}

// EnvironmentFormPage is GET /environments/new and GET /environments/{environment}/edit.
// Fields: name (new only), display_name, description, kms_key_alias, color,
// protected.
type EnvironmentFormPage struct {
	BasePage
	Environment *models.Environment // that is edited; nil: a new one
	Form        Form
	KeyBackend  string // "local" or "kms": what an empty kms_key_alias means
	MayKeys     bool   // name a wrapping key: an administrator
}

func (*EnvironmentFormPage) template() string { return "environments/form" }

// Frame stands around the page.
func (p *EnvironmentFormPage) Frame() Frame {
	f := Frame{Title: "New environment", Nav: NavEnvironments, Crumbs: []Crumb{{"Environments", "/environments"}}}
	if p.Environment != nil {
		f.Title, f.Environment = "Edit", p.Environment
		f.Crumbs = append(f.Crumbs, Crumb{p.Environment.DisplayName, environmentURL(p.Environment)})
	}
	return f
}

// EnvironmentPage is GET /environments/{environment}.
type EnvironmentPage struct {
	BasePage
	Environment  models.Environment
	Secrets      int
	Deleted      int
	Types        []TypeCount
	Destinations []DestinationView
	Counts       StateCounts // over all destinations
	Keys         KeySummary
	Members      []Member // nil: the actor may not see them
	MayManage    bool
	MayKeys      bool // see the environment's keys
	MayMembers   bool // see who has a role
	MayWrite     bool
	MayReveal    bool // export values
}

// TypeCount is how many secrets of a type there are.
type TypeCount struct {
	Type  models.SecretType
	Count int
}

// KeySummary is what may be told of an environment's keys.
type KeySummary struct {
	Backend  models.RecipientKind // local or kms
	KeyID    string               // wrapping key: ARN, or the local key's id
	DataKeys int
	Newest   *models.DataKey
}

// Member is a user with a role in the environment.
type Member struct {
	User models.User
	Role models.EnvironmentRole
}

func (*EnvironmentPage) template() string { return "environments/overview" }

// Frame stands around the page.
func (p *EnvironmentPage) Frame() Frame {
	return Frame{
		Title: p.Environment.DisplayName, Nav: NavEnvironments, Environment: &p.Environment,
		Crumbs: []Crumb{{"Environments", "/environments"}}, Topics: "sync",
	}
}

func environmentURL(e *models.Environment) string {
	return MustPath("/environments/{environment}", e.Name)
}
