package templates

import (
	"net/url"
	"slices"
	"time"

	"github.com/your-org/keeper/models"
)

// TokenListPage is GET /tokens: the actor's own.
type TokenListPage struct {
	BasePage
	Tokens []models.Token
}

func (*TokenListPage) template() string { return "tokens/list" }

// Frame stands around the page.
func (p *TokenListPage) Frame() Frame { return Frame{Title: "API tokens", Nav: NavProfile} }

// TokenTable is the actor's own tokens.
func (p *TokenListPage) TokenTable() TokensView {
	return TokensView{Base: &p.BasePage, Rows: tokenRows(p.Tokens, true, true), Back: "/tokens"}
}

// TokenOver reports whether a token can no longer be used.
func TokenOver(now time.Time, t models.Token) bool {
	return t.RevokedAt != nil || t.ExpiresAt != nil && !t.ExpiresAt.After(now)
}

// TokenNewPage is GET /tokens/new and GET /admin/users/{user}/tokens/new. Fields: name,
// environments (ids, repeated), actions (repeated), networks (one a line), read_only ("true"),
// expires_in_days ("" for never).
type TokenNewPage struct {
	BasePage
	For     *models.User // the service account that it is for; nil: the actor itself
	Form    Form
	Actions []ActionChoice
	Chosen  []models.EnvironmentID
	Named   []string // of the actions
}

func (*TokenNewPage) template() string { return "tokens/new" }

// Frame stands around the page.
func (p *TokenNewPage) Frame() Frame {
	if p.For != nil {
		return adminFrame("New token", accountCrumbs(*p.For)...)
	}
	return Frame{Title: "New token", Nav: NavProfile, Crumbs: []Crumb{{"API tokens", "/tokens"}}}
}

// IsChosen reports whether the environment was ticked.
func (p *TokenNewPage) IsChosen(id models.EnvironmentID) bool { return slices.Contains(p.Chosen, id) }

// IsNamed reports whether the action was ticked.
func (p *TokenNewPage) IsNamed(action string) bool { return slices.Contains(p.Named, action) }

// Action is where the form is posted to.
func (p *TokenNewPage) Action() string {
	if p.For != nil {
		return MustPath("/admin/users/{user}/tokens", p.For.ID)
	}
	return "/tokens"
}

// Back is where the form was come from.
func (p *TokenNewPage) Back() string { return tokensURL(p.For) }

func tokensURL(of *models.User) string {
	if of != nil {
		return accountURL(of.ID)
	}
	return "/tokens"
}

// TokenRotatePage is GET /tokens/{token}/rotate, and that of a service account's. Fields:
// overlap (hours).
type TokenRotatePage struct {
	BasePage
	For   *models.User // the service account whose it is; nil: the actor itself
	Token models.Token
	Form  Form
}

func (*TokenRotatePage) template() string { return "tokens/rotate" }

// Frame stands around the page.
func (p *TokenRotatePage) Frame() Frame {
	if p.For != nil {
		return adminFrame("Rotate "+p.Token.Name, accountCrumbs(*p.For)...)
	}
	return Frame{Title: "Rotate " + p.Token.Name, Nav: NavProfile, Crumbs: []Crumb{{"API tokens", "/tokens"}}}
}

// Action is where the form is posted to.
func (p *TokenRotatePage) Action() (string, error) {
	if p.For != nil {
		return Path("/admin/users/{user}/tokens/{token}/rotate", p.For.ID, p.Token.ID)
	}
	return Path("/tokens/{token}/rotate", p.Token.ID)
}

// Back is where the form was come from.
func (p *TokenRotatePage) Back() string { return tokensURL(p.For) }

// TokenCreatedPage shows a new token, once. Send it with Cache-Control: no-store.
type TokenCreatedPage struct {
	BasePage
	For     *models.User // the service account that it is for; nil: the actor itself
	Token   models.Token
	OldEnds *time.Time // when the token ends from which this one took over; nil: there is none
	Secret  string
}

func (*TokenCreatedPage) template() string { return "tokens/created" }

// Frame stands around the page.
func (p *TokenCreatedPage) Frame() Frame {
	if p.For != nil {
		return adminFrame("Token created", accountCrumbs(*p.For)...)
	}
	return Frame{Title: "Token created", Nav: NavProfile, Crumbs: []Crumb{{"API tokens", "/tokens"}}}
}

// Back is where to go on.
func (p *TokenCreatedPage) Back() string { return tokensURL(p.For) }

// LeakedTokenPage is GET /tokens/leaked. Fields: token, which is never shown again.
type LeakedTokenPage struct {
	BasePage
	Form Form
}

func (*LeakedTokenPage) template() string { return "tokens/leaked" }

// Frame stands around the page.
func (p *LeakedTokenPage) Frame() Frame {
	return Frame{Title: "Leaked token", Nav: NavProfile, Crumbs: []Crumb{{"API tokens", "/tokens"}}}
}

// AllTokensPage is GET /admin/tokens: everybody's. ?ended=true shows those that have ended, too.
type AllTokensPage struct {
	BasePage
	Rows  []TokenRow
	Ended bool
	Pager Pager
}

func (*AllTokensPage) template() string { return "tokens/all" }

// Frame stands around the page.
func (p *AllTokensPage) Frame() Frame { return adminFrame("Tokens") }

// TokenTable is the tokens of the page.
func (p *AllTokensPage) TokenTable() TokensView {
	return TokensView{Base: &p.BasePage, Rows: p.Rows, Back: p.Page(""), Whose: true}
}

// Page is another page of the same list.
func (p *AllTokensPage) Page(cursor string) string {
	values := url.Values{"cursor": {cursor}}
	if p.Ended {
		values.Set("ended", "true")
	}
	return withQuery("/admin/tokens", values)
}
