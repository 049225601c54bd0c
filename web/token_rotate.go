package web

import (
	"strconv"
	"time"

	"github.com/your-org/keeper/auth"
	"github.com/your-org/keeper/fault"
	"github.com/your-org/keeper/models"
	"github.com/your-org/keeper/templates"
)

func (w *Web) newTokenFor(r *request) error { return w.newTokenForForm(r, nil) }

func (w *Web) newTokenForForm(r *request, err error) error {
	a, findErr := w.serviceAccount(r)
	if findErr == nil {
		findErr = r.administers()
	}
	if findErr != nil {
		return findErr
	}
	return r.tokenForm(&a.User, err)
}

// serviceAccount is the account that the path names; a person has no tokens but its own.
func (w *Web) serviceAccount(r *request) (auth.Account, error) {
	a, err := w.account(r)
	if err == nil && a.Kind != models.UserService {
		err = noPage()
	}
	return a, err
}

func (w *Web) createTokenFor(r *request) error {
	a, err := w.serviceAccount(r)
	if err != nil {
		return err
	}
	n, err := r.newToken()
	if err != nil {
		return err
	}
	text, token, err := w.Auth.CreateTokenFor(r.Context(), r.actor, string(a.ID), n)
	if err != nil {
		return err
	}
	page := &templates.TokenCreatedPage{For: &a.User, Token: token, Secret: text}
	return r.show(page, &page.BasePage)
}

func (w *Web) showRotate(r *request) error { return w.rotateForm(r, nil) }

func (w *Web) rotateForm(r *request, err error) error {
	tokens, findErr := w.Auth.Tokens(r.Context(), r.actor)
	if findErr != nil {
		return findErr
	}
	return r.rotation(nil, tokens, err)
}

func (w *Web) rotateToken(r *request) error { return w.rotate(r, nil) }

func (w *Web) showRotateFor(r *request) error { return w.rotateForForm(r, nil) }

func (w *Web) rotateForForm(r *request, err error) error {
	a, findErr := w.serviceAccount(r)
	if findErr == nil {
		findErr = auth.Check(r.actor, auth.ManageUsers, auth.Global)
	}
	if findErr != nil {
		return findErr
	}
	tokens, findErr := w.Auth.TokensOf(r.Context(), r.actor, string(a.ID))
	if findErr != nil {
		return findErr
	}
	return r.rotation(&a.User, tokens, err)
}

func (w *Web) rotateTokenFor(r *request) error {
	a, err := w.serviceAccount(r)
	if err != nil {
		return err
	}
	return w.rotate(r, &a.User)
}

// rotation asks how long the old token goes on.
func (r *request) rotation(of *models.User, tokens []models.Token, err error) error {
	page := &templates.TokenRotatePage{For: of, Form: templates.NewForm(map[string]string{"overlap": "24"})}
	for _, t := range tokens {
		if t.ID == models.TokenID(r.param("token")) {
			page.Token = t
		}
	}
	if page.Token.ID == "" {
		return fault.New(fault.NotFound, "There is no such token, or none that you may see.").WithHint("Go on from the list of tokens.")
	}
	if err != nil {
		page.Form = r.refill(err, 0, "overlap")
	}
	return r.showRefused(err, page, &page.BasePage)
}

// rotate shows the new token in the answer itself.
func (w *Web) rotate(r *request, of *models.User) error {
	hours, err := strconv.ParseUint(r.form().line("overlap"), 10, 16)
	if err != nil {
		return fault.InvalidField("overlap", "must be a number of hours")
	}
	overlap := time.Duration(hours) * time.Hour
	text, token, err := w.Auth.RotateToken(r.Context(), r.actor, models.TokenID(r.param("token")), overlap)
	if err != nil {
		return err
	}
	ends := w.Now().Add(overlap)
	page := &templates.TokenCreatedPage{For: of, Token: token, OldEnds: &ends, Secret: text}
	return r.show(page, &page.BasePage)
}
