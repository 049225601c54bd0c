package web

import (
	"net/netip"
	"strconv"
	"strings"

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

func (w *Web) newTokenForm(r *request, err error) error { return r.tokenForm(nil, err) }

// tokenForm is the form of a new token: of one's own, or of a service account.
func (r *request) tokenForm(of *models.User, err error) error {
	page := &templates.TokenNewPage{For: of, Actions: actions(), Form: templates.NewForm(map[string]string{"expires_in_days": "90"})}
	if err != nil {
		page.Form = r.refill(renameField(err, "expires_at", "expires_in_days"), 0, "name", "read_only", "networks", "expires_in_days")
		page.Chosen, page.Named = r.form().environments("environments"), r.PostForm["actions"]
	}
	return r.showRefused(err, page, &page.BasePage)
}

// createToken shows the new token in the answer itself: it is kept nowhere that a redirect
// could fetch it from.
func (w *Web) createToken(r *request) error {
	n, err := r.newToken()
	if err != nil {
		return err
	}
	text, token, err := w.Auth.CreateToken(r.Context(), r.actor, n)
	if err != nil {
		return err
	}
	page := &templates.TokenCreatedPage{Token: token, Secret: text}
	return r.show(page, &page.BasePage)
}

// newToken reads the form of a new token.
func (r *request) newToken() (auth.NewToken, error) {
	f := r.form()
	n := auth.NewToken{Name: f.line("name"), Scope: models.TokenScope{
		Environments: f.environments("environments"), ReadOnly: f.line("read_only") == "true", Actions: r.PostForm["actions"], Networks: f.networks("networks"),
	}}
	if days := f.number("expires_in_days"); f.line("expires_in_days") != "" {
		end := r.web.Now().AddDate(0, 0, days)
		n.ExpiresAt = &end
	}
	return n, f.err()
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

// networks are one a line; an address stands for itself alone.
func (f *form) networks(name string) []netip.Prefix {
	var networks []netip.Prefix
	for _, text := range strings.Fields(f.text(name)) {
		network, err := netip.ParsePrefix(text)
		if address, plain := netip.ParseAddr(text); plain == nil && address.Zone() == "" {
			network, err = address.Prefix(address.BitLen())
		}
		if err != nil {
			f.wrong(name, "must be networks such as 192.0.2.0/24 or 2001:db8::/32, one a line")
			return nil
		}
		networks = append(networks, network)
	}
	return networks
}

// revokeToken ends a token of the actor's own, or, for administrators, anybody's, and goes
// back to the list that it stood in.
func (w *Web) revokeToken(r *request) error {
	if err := w.Auth.RevokeToken(r.Context(), r.actor, models.TokenID(r.param("token"))); err != nil {
		return err
	}
	next := localPath(r.form().line("next"))
	if next == "/" {
		next = "/tokens"
	}
	return r.done(next, "The token is revoked. What used it is refused from now on.")
}

func (w *Web) showLeaked(r *request) error { return w.leakedForm(r, nil) }

// leakedForm never shows again what was pasted.
func (w *Web) leakedForm(r *request, err error) error {
	page := &templates.LeakedTokenPage{}
	if err != nil {
		page.Form = r.refill(err, 0)
	}
	return r.showRefused(err, page, &page.BasePage)
}

func (w *Web) revokeLeaked(r *request) error {
	if err := w.Auth.RevokeByText(r.Context(), r.actor, r.PostForm.Get("token")); err != nil {
		return err
	}
	return r.done("/tokens", "The token is revoked, with all that it made. It is refused everywhere from now on.")
}
