package templates

import (
	"slices"
	"strings"
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

// ScopeWord is what a token may do.
func (p *TokenListPage) ScopeWord(t models.Token) string {
	words := "read and write"
	if t.Scope.ReadOnly {
		words = "read only"
	}
	if len(t.Scope.Environments) == 0 {
		return words + ", all environments"
	}
	var names []string
	for _, e := range p.Environments {
		if slices.Contains(t.Scope.Environments, e.ID) {
			names = append(names, e.DisplayName)
		}
	}
	if hidden := len(t.Scope.Environments) - len(names); hidden > 0 {
		names = append(names, plural(hidden, "environment")+" that you may not see")
	}
	return words + ", " + strings.Join(names, ", ")
}

// tokenOver reports whether a token can no longer be used.
func tokenOver(now time.Time, t models.Token) bool {
	return t.RevokedAt != nil || t.ExpiresAt != nil && !t.ExpiresAt.After(now)
}

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

// IsChosen reports whether the environment was ticked.
func (p *TokenNewPage) IsChosen(id models.EnvironmentID) bool { return slices.Contains(p.Chosen, id) }

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
