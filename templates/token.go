package templates

import "github.com/your-org/keeper/models"

// TokenListPage is GET /tokens: the actor's own.
type TokenListPage struct {
	BasePage
	Tokens []models.Token
}

func (*TokenListPage) template() string { return "tokens/list" }

// Frame stands around the page.
func (p *TokenListPage) Frame() Frame { return Frame{Title: "API tokens", Nav: NavProfile} }

// TokenNewPage is GET /tokens/new. Fields: name, environments (ids, repeated), read_only
// ("true"), expires_in_days ("" for never).
type TokenNewPage struct {
	BasePage
	Form   Form
	Chosen []models.EnvironmentID
}

func (*TokenNewPage) template() string { return "tokens/new" }

// Frame stands around the page.
func (p *TokenNewPage) Frame() Frame {
	return Frame{Title: "New token", Nav: NavProfile, Crumbs: []Crumb{{"API tokens", "/tokens"}}}
}

// TokenCreatedPage shows a new token, once. Send it with Cache-Control: no-store.
type TokenCreatedPage struct {
	BasePage
	Token  models.Token
	Secret string
}

func (*TokenCreatedPage) template() string { return "tokens/created" }

// Frame stands around the page.
func (p *TokenCreatedPage) Frame() Frame {
	return Frame{Title: "Token created", Nav: NavProfile, Crumbs: []Crumb{{"API tokens", "/tokens"}}}
}
