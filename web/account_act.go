package web

import (
	"github.com/your-org/keeper/auth"
	"github.com/your-org/keeper/models"
	"github.com/your-org/keeper/templates"
)

func (w *Web) askDisable(r *request) error  { return w.disableForm(r, nil) }
func (w *Web) askPassword(r *request) error { return w.passwordAskForm(r, nil) }
func (w *Web) askFactors(r *request) error  { return w.factorsAskForm(r, nil) }

func (w *Web) disableForm(r *request, err error) error {
	return w.askForm(r, templates.ActDisable, err)
}

func (w *Web) passwordAskForm(r *request, err error) error {
	return w.askForm(r, templates.ActPassword, err)
}

func (w *Web) factorsAskForm(r *request, err error) error {
	return w.askForm(r, templates.ActFactors, err)
}

// askForm asks before something grave is done to an account, and says what ends.
func (w *Web) askForm(r *request, act templates.AccountAct, err error) error {
	a, findErr := w.account(r)
	if findErr == nil {
		findErr = r.administers()
	}
	if findErr != nil {
		return findErr
	}
	page := &templates.AccountAskPage{User: a.User, Act: act, Form: templates.Form{Revision: a.Revision}}
	if page.Sessions, page.Tokens, findErr = w.inUse(r, a.ID); findErr != nil {
		return findErr
	}
	factors, findErr := w.Auth.FactorsOf(r.Context(), r.actor, string(a.ID))
	if findErr != nil {
		return findErr
	}
	page.Factors = factorCount(factors)
	if err != nil {
		page.Form = r.refill(err, a.Revision)
	}
	return r.showRefused(err, page, &page.BasePage)
}

// inUse is how many sessions and live tokens an account has.
func (w *Web) inUse(r *request, id models.UserID) (sessions, live int, err error) {
	open, err := w.Auth.SessionsOf(r.Context(), r.actor, string(id))
	if err != nil {
		return 0, 0, err
	}
	tokens, err := w.Auth.TokensOf(r.Context(), r.actor, string(id))
	for _, t := range tokens {
		if !templates.TokenOver(w.Now(), t) {
			live++
		}
	}
	return len(open), live, err
}

func (w *Web) disableAccount(r *request) error {
	return w.setDisabled(r, true, "The account is disabled: its sessions have ended, and its tokens rest.")
}

func (w *Web) enableAccount(r *request) error {
	return w.setDisabled(r, false, "The account is enabled. Its roles, groups and tokens count again.")
}

func (w *Web) setDisabled(r *request, disabled bool, done string) error {
	a, err := w.Auth.UpdateUser(r.Context(), r.actor, r.param("user"), auth.UserChange{Disabled: &disabled}, r.form().revision())
	if err != nil {
		return err
	}
	w.live.recheck()
	return r.done(accountURL(a.ID), done)
}

// resetPassword shows the one-time password in the answer itself.
func (w *Web) resetPassword(r *request) error {
	a, err := w.account(r)
	if err != nil {
		return err
	}
	oneTime, err := w.Auth.ResetPassword(r.Context(), r.actor, string(a.ID))
	if err != nil {
		return err
	}
	w.live.recheck()
	page := &templates.OneTimePasswordPage{User: a.User, Secret: oneTime, Hours: oneTimeHours}
	return r.show(page, &page.BasePage)
}

func (w *Web) resetFactors(r *request) error {
	a, err := w.account(r)
	if err != nil {
		return err
	}
	if err := w.Auth.AdminResetFactors(r.Context(), r.actor, a.ID); err != nil {
		return err
	}
	w.live.recheck()
	if a.ID == r.actor.UserID {
		return r.redirect("/sign-in")
	}
	return r.done(accountURL(a.ID), "The second factors are gone, and the sessions have ended. The password alone opens the account now.")
}

func (w *Web) askDeleteAccount(r *request) error { return w.deleteAccountForm(r, nil) }

func (w *Web) deleteAccountForm(r *request, err error) error {
	a, findErr := w.account(r)
	if findErr == nil {
		findErr = r.administers()
	}
	if findErr != nil {
		return findErr
	}
	page := &templates.AccountDeletePage{User: a.User, Groups: len(groupsOf(a.Grants))}
	page.Confirmation = templates.Confirmation{Name: a.Username, Form: templates.Form{Revision: a.Revision}}
	for _, g := range a.Grants {
		if g.GroupID == "" {
			page.Roles++
		}
	}
	if page.Sessions, page.Tokens, findErr = w.inUse(r, a.ID); findErr != nil {
		return findErr
	}
	if err != nil {
		page.Form = r.refill(err, a.Revision, "confirm")
	}
	return r.showRefused(err, page, &page.BasePage)
}

func (w *Web) deleteAccount(r *request) error {
	a, err := w.account(r)
	if err != nil {
		return err
	}
	if err := confirmed(r.form(), a.Username); err != nil {
		return err
	}
	if err := w.Auth.DeleteUser(r.Context(), r.actor, string(a.ID), r.form().revision()); err != nil {
		return err
	}
	w.live.recheck()
	if a.ID == r.actor.UserID {
		return r.redirect("/sign-in")
	}
	return r.done("/admin/users", "The account "+a.Username+" is deleted, with its roles, sessions and tokens.")
}
