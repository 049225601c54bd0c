package templates

import (
	"net/netip"
	"slices"
	"strings"

	"github.com/your-org/keeper/models"
)

// TokenRow is one token in a list, and what may be done with it.
type TokenRow struct {
	models.Token
	Owner     string // user name; "" where the list is of one
	MayRevoke bool
	MayRotate bool
	Replaced  bool // another took over from it
}

// TokensView is a table of tokens.
type TokensView struct {
	Base  *BasePage
	Rows  []TokenRow
	Back  string        // where to be after one is revoked
	Whose bool          // says whose each is
	Of    models.UserID // the service account whose they all are, for rotating; "": the actor's
}

// tokenRows are tokens of one account. One that another took over from cannot be rotated
// again.
func tokenRows(tokens []models.Token, revoke, rotate bool) []TokenRow {
	rows := make([]TokenRow, len(tokens))
	for i, t := range tokens {
		replaced := slices.ContainsFunc(tokens, func(other models.Token) bool { return other.Replaces == t.ID })
		rows[i] = TokenRow{Token: t, MayRevoke: revoke, MayRotate: rotate && !replaced, Replaced: replaced}
	}
	return rows
}

// Maker is the name of the token of the table that a token was made with; "": not of this table.
func (v TokensView) Maker(t models.Token) string {
	for _, row := range v.Rows {
		if row.ID == t.MadeBy {
			return row.Name
		}
	}
	return ""
}

// RotateURL is the page that rotates a token of the table.
func (v TokensView) RotateURL(id models.TokenID) (string, error) {
	if v.Of != "" {
		return Path("/admin/users/{user}/tokens/{token}/rotate", v.Of, id)
	}
	return Path("/tokens/{token}/rotate", id)
}

// ScopeWords are what a token may do, a part each: how, where, what, from where.
func (b *BasePage) ScopeWords(t models.Token) []string {
	words := []string{"read and write"}
	if t.Scope.ReadOnly {
		words[0] = "read only"
	}
	words[0] += ", " + b.scopeEnvironments(t.Scope.Environments)
	if actions := t.Scope.Actions; len(actions) > 0 {
		shown := "only " + strings.Join(actions, ", ")
		if len(actions) > 3 {
			shown = "only " + strings.Join(actions[:2], ", ") + " and " + count(len(actions)-2) + " more actions"
		}
		words = append(words, shown)
	}
	if networks := t.Scope.Networks; len(networks) > 0 {
		words = append(words, "from "+strings.Join(networkLines(networks), ", "))
	}
	return words
}

func (b *BasePage) scopeEnvironments(ids []models.EnvironmentID) string {
	if len(ids) == 0 {
		return "all environments"
	}
	var names []string
	for _, e := range b.Environments {
		if slices.Contains(ids, e.ID) {
			names = append(names, e.DisplayName)
		}
	}
	if hidden := len(ids) - len(names); hidden > 0 {
		names = append(names, plural(hidden, "environment")+" that you may not see")
	}
	return strings.Join(names, ", ")
}

func networkLines(networks []netip.Prefix) []string {
	lines := make([]string, len(networks))
	for i, n := range networks {
		lines[i] = n.String()
	}
	return lines
}
