package templates

import (
	"net/url"
	"strings"

	"github.com/your-org/keeper/models"
)

// AdminTabs are the views of Admin.
type AdminTabs struct{ Active string }

// All are the tabs.
func (t AdminTabs) All() []Tab {
	all := []Tab{{Label: "Users"}, {Label: "Groups"}, {Label: "Providers"}, {Label: "Tokens"}, {Label: "Access"}}
	for i := range all {
		name := strings.ToLower(all[i].Label)
		all[i].URL, all[i].Active = MustPath("/admin/"+name), t.Active == name
	}
	return all
}

func adminFrame(title string, crumbs ...Crumb) Frame {
	return Frame{Title: title, Nav: NavAdmin, Crumbs: append([]Crumb{{"Admin", "/admin/users"}}, crumbs...)}
}

// globalRoles are the choices of a global role, weakest first.
func globalRoles() []Option {
	return []Option{
		{string(models.RoleUser), "user: what environments give it"},
		{string(models.RoleAuditor), "auditor: sees everything but values"},
		{string(models.RoleAdmin), "admin: everything"},
	}
}

// environmentRoles are the choices of a role in an environment, weakest first.
func environmentRoles() []Option {
	return []Option{
		{string(models.RoleViewer), "viewer: names, no values"},
		{string(models.RoleReader), "reader: values"},
		{string(models.RoleEditor), "editor: writes and syncs"},
		{string(models.RoleManager), "manager: settings, members"},
	}
}

// methodWord is how somebody signed in, for people.
func methodWord(m models.SignInMethod) string {
	words := map[models.SignInMethod]string{
		models.ByPassword: "password", models.ByTOTP: "password and code", models.ByPasskey: "passkey",
		models.ByRecoveryCode: "recovery code", models.BySAML: "identity provider",
	}
	if w, ok := words[m]; ok {
		return w
	}
	return string(m)
}

// environmentOptions are the choices of one of several environments, by name.
func environmentOptions(all []models.Environment) []Option {
	options := make([]Option, len(all))
	for i, e := range all {
		options[i] = Option{e.Name, e.DisplayName}
	}
	return options
}

// AccountFilter is what the list of accounts is narrowed to, by the names in its tags in the
// URL.
type AccountFilter struct {
	Query string // q: part of the user name, the display name or the address
	Kind  string // kind: a models.UserKind
	Role  string // role: a models.GlobalRole, the account's own
	State string // state: "enabled" or "disabled"
}

// ParseAccountFilter reads the filter from a URL's query. What it does not know it ignores.
func ParseAccountFilter(q url.Values) AccountFilter {
	one := func(key string, known ...string) string {
		for _, k := range known {
			if q.Get(key) == k {
				return k
			}
		}
		return ""
	}
	return AccountFilter{
		Query: strings.TrimSpace(q.Get("q")), State: one("state", "enabled", "disabled"),
		Kind: one("kind", string(models.UserPerson), string(models.UserService)),
		Role: one("role", string(models.RoleUser), string(models.RoleAuditor), string(models.RoleAdmin)),
	}
}

// Page is another page of the same list.
func (f AccountFilter) Page(cursor string) string {
	return withQuery("/admin/users", url.Values{"q": {f.Query}, "kind": {f.Kind}, "role": {f.Role}, "state": {f.State}, "cursor": {cursor}})
}

// Narrow reports whether anything narrows the list.
func (f AccountFilter) Narrow() bool { return f != AccountFilter{} }

// AccountRow is one account in the list.
type AccountRow struct {
	User         models.User
	Effective    models.GlobalRole // with what groups give
	Environments int               // that it has a role in
	Groups       int
}

// AccountListPage is GET /admin/users.
type AccountListPage struct {
	BasePage
	Filter    AccountFilter
	Rows      []AccountRow
	Pager     Pager
	MayManage bool
}

func (*AccountListPage) template() string { return "accounts/list" }

// Frame stands around the page.
func (p *AccountListPage) Frame() Frame { return adminFrame("Users") }

// AccountFormPage is GET /admin/users/new and GET /admin/users/{user}/edit. Fields: username
// (new only), display_name, email, description, role, break_glass (of a person).
type AccountFormPage struct {
	BasePage
	User *models.User // that is edited; nil: a new one
	Kind models.UserKind
	Form Form
}

func (*AccountFormPage) template() string { return "accounts/form" }

// Service reports whether the account is a program's.
func (p *AccountFormPage) Service() bool { return p.Kind == models.UserService }

// Frame stands around the page.
func (p *AccountFormPage) Frame() Frame {
	switch {
	case p.User != nil:
		return adminFrame("Edit", accountCrumbs(*p.User)...)
	case p.Service():
		return adminFrame("New service account", Crumb{"Users", "/admin/users"})
	}
	return adminFrame("New person", Crumb{"Users", "/admin/users"})
}

func accountCrumbs(u models.User) []Crumb {
	return []Crumb{{"Users", "/admin/users"}, {u.Username, accountURL(u.ID)}}
}

func accountURL(id models.UserID) string { return MustPath("/admin/users/{user}", id) }

// SourceView is one thing that gives a right by itself.
type SourceView struct {
	GroupID   models.GroupID // "": the account's own
	GroupName string
	Role      string // the role that it gives
	Global    bool   // in every environment
}

// RightView is what an account may do in an environment.
type RightView struct {
	Environment models.Environment
	Role        models.EnvironmentRole // the strongest; "": none but through the global role
	Own         models.EnvironmentRole // its own membership; "": none
	Through     []SourceView
}

// AccountPage is GET /admin/users/{user}. Fields of its form: environment (name), role.
type AccountPage struct {
	BasePage
	User      models.User
	Effective models.GlobalRole
	Global    []SourceView // what gives the effective global role
	Rights    []RightView  // by environment
	Groups    []models.Group
	Sessions  []SessionView
	Tokens    []models.Token
	Factors   FactorCount
	MayManage bool
	NeedProof bool // before a change
	Self      bool
	Form      Form
}

// FactorCount is which second factors somebody has.
type FactorCount struct {
	App      bool
	Passkeys int
	Codes    int // recovery codes that are left
}

// None reports whether there are none.
func (f FactorCount) None() bool { return f == FactorCount{} }

func (*AccountPage) template() string { return "accounts/overview" }

// Frame stands around the page.
func (p *AccountPage) Frame() Frame {
	f := adminFrame(p.User.Username, Crumb{"Users", "/admin/users"})
	f.Mono = true
	return f
}

// Service reports whether the account is a program's.
func (p *AccountPage) Service() bool { return p.User.Kind == models.UserService }

// PasswordEnded reports whether the account's one-time password opens nothing any more.
func (p *AccountPage) PasswordEnded() bool {
	return p.User.PasswordExpiresAt != nil && !p.Now.Before(*p.User.PasswordExpiresAt)
}

// TokenTable is the account's tokens.
func (p *AccountPage) TokenTable() TokensView {
	return TokensView{Base: &p.BasePage, Rows: tokenRows(p.Tokens, p.MayManage, p.MayManage && p.Service()), Back: accountURL(p.User.ID), Of: p.User.ID}
}

// OneTimePasswordPage shows a person's one-time password, once. Send it with Cache-Control:
// no-store.
type OneTimePasswordPage struct {
	BasePage
	User   models.User
	New    bool // the account, too
	Secret string
	Hours  int // that it serves for
}

func (*OneTimePasswordPage) template() string { return "accounts/password" }

// Frame stands around the page.
func (p *OneTimePasswordPage) Frame() Frame {
	return adminFrame("One-time password", accountCrumbs(p.User)...)
}

// AccountAct is something grave that is done to an account.
type AccountAct int

// The acts that a page asks about first.
const (
	ActDisable AccountAct = iota
	ActPassword
	ActFactors
)

var accountActs = []struct{ path, title string }{
	ActDisable:  {"/admin/users/{user}/disable", "Disable"},
	ActPassword: {"/admin/users/{user}/password", "New one-time password"},
	ActFactors:  {"/admin/users/{user}/factors", "Reset second factors"},
}

// AccountAskPage asks before one of them: GET /admin/users/{user}/disable, /password and
// /factors.
type AccountAskPage struct {
	BasePage
	User     models.User
	Act      AccountAct
	Sessions int
	Tokens   int // that are live
	Factors  FactorCount
	Form     Form
}

func (*AccountAskPage) template() string { return "accounts/ask" }

// Frame stands around the page.
func (p *AccountAskPage) Frame() Frame {
	return adminFrame(accountActs[p.Act].title, accountCrumbs(p.User)...)
}

// Action is where the answer is posted to.
func (p *AccountAskPage) Action() (string, error) {
	return Path(accountActs[p.Act].path, p.User.ID)
}

// Disables reports whether the account would be disabled.
func (p *AccountAskPage) Disables() bool { return p.Act == ActDisable }

// NewPassword reports whether the person would get a one-time password.
func (p *AccountAskPage) NewPassword() bool { return p.Act == ActPassword }

// AccountDeletePage is GET /admin/users/{user}/delete.
type AccountDeletePage struct {
	BasePage
	Confirmation
	User     models.User
	Sessions int
	Tokens   int // that are live
	Roles    int // in environments, of its own
	Groups   int
}

func (*AccountDeletePage) template() string { return "accounts/delete" }

func (p *AccountDeletePage) confirmation() Confirmation { return p.Confirmation }

// Frame stands around the page.
func (p *AccountDeletePage) Frame() Frame { return adminFrame("Delete", accountCrumbs(p.User)...) }
