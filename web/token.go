package web

import (
	"strconv"

	"github.com/your-org/keeper/auth"
	"github.com/your-org/keeper/models"
	"github.com/your-org/keeper/templates"
)

func (w *Web) listTokens(r *request) error {
	tokens, err := w.Auth.Tokens(r.Context(), r.actor)
	if err != nil {
		return err
	}
	page := &templates.TokenListPage{Tokens: tokens}
	return r.show(page, &page.BasePage)
}

func (w *Web) newToken(r *request) error { return w.newTokenForm(r, nil) }

func (w *Web) newTokenForm(r *request, err error) error {
	page := &templates.TokenNewPage{Form: templates.NewForm(map[string]string{"expires_in_days": "90"})}
	if err != nil {
		page.Form = r.refill(renameField(err, "expires_at", "expires_in_days"), 0, "name", "read_only", "expires_in_days")
		page.Chosen = r.form().environments("environments")
	}
	return r.showRefused(err, page, &page.BasePage)
}

// createToken shows the new token in the answer itself: it is kept nowhere that a redirect
// could fetch it from.
func (w *Web) createToken(r *request) error {
	f := r.form()
	n := auth.NewToken{
		Name:  f.line("name"),
		Scope: models.TokenScope{Environments: f.environments("environments"), ReadOnly: f.line("read_only") == "true"},
	}
	if days := f.number("expires_in_days"); f.line("expires_in_days") != "" {
		end := w.Now().AddDate(0, 0, days)
		n.ExpiresAt = &end
	}
	if err := f.err(); err != nil {
		return err
	}
	text, token, err := w.Auth.CreateToken(r.Context(), r.actor, n)
	if err != nil {
		return err
	}
	page := &templates.TokenCreatedPage{Token: token, Secret: text}
	return r.show(page, &page.BasePage)
}

// environments are the identifiers of a field that can be given several times.
func (f *form) environments(name string) []models.EnvironmentID {
	var ids []models.EnvironmentID
	for _, text := range f.r.PostForm[name] {
		id, err := strconv.ParseInt(text, 10, 64)
		if err != nil {
			f.wrong(name, "must be environments that you may see")
			continue
		}
		ids = append(ids, models.EnvironmentID(id))
	}
	return ids
}

func (w *Web) revokeToken(r *request) error {
	if err := w.Auth.RevokeToken(r.Context(), r.actor, models.TokenID(r.param("token"))); err != nil {
		return err
	}
	return r.done("/tokens", "The token is revoked. What used it is refused from now on.")
}
