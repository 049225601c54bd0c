package templates

import "github.com/your-org/keeper/models"

// SignInPage is GET /sign-in. Fields: username, password, next.
type SignInPage struct {
	BasePage
	Form      Form
	Passkeys  bool // may sign in without a user name
	Providers []SignInProvider
}

func (*SignInPage) template() string { return "people/sign-in" }

// Frame stands around the page.
func (p *SignInPage) Frame() Frame { return Frame{Title: "Sign in", Plain: true} }

// PasswordPage is GET /password. Fields: current_password, new_password, repeat_password.
type PasswordPage struct {
	BasePage
	Form      Form
	Forced    bool // the password is a one-time one: nothing else can be done before
	MinLength int
}

func (*PasswordPage) template() string { return "people/password" }

// Frame stands around the page.
func (p *PasswordPage) Frame() Frame {
	if p.Forced {
		return Frame{Title: "Choose a password", Plain: true}
	}
	return Frame{Title: "Change password", Nav: NavProfile, Crumbs: []Crumb{{"Profile", "/profile"}}}
}

// ProfilePage is GET /profile.
type ProfilePage struct {
	BasePage
	User        models.User
	Memberships []MembershipView
	Sessions    []SessionView // newest use first
}

// MembershipView is a role of the page's user.
type MembershipView struct {
	Environment models.Environment
	Role        models.EnvironmentRole
}

// SessionView is one sign-in of the page's user. Session.Hash names it in URLs.
type SessionView struct {
	Session models.Session
	Current bool // the one that asks
}

func (*ProfilePage) template() string { return "people/profile" }

// Frame stands around the page.
func (p *ProfilePage) Frame() Frame { return Frame{Title: "Profile", Nav: NavProfile} }
