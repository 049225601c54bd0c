package web

import (
	"github.com/your-org/keeper/auth"
	"github.com/your-org/keeper/fault"
	"github.com/your-org/keeper/templates"
)

func (w *Web) showSignIn(r *request) error {
	if r.session.ID != "" {
		return r.redirect(localPath(r.URL.Query().Get("next")))
	}
	return w.signInPage(r, nil, templates.NewForm(map[string]string{"next": localPath(r.URL.Query().Get("next"))}))
}

// signInAgain keeps the user name, never the password.
func (w *Web) signInAgain(r *request, err error) error {
	return w.signInPage(r, err, r.refill(err, 0, "username", "next"))
}

func (w *Web) signInPage(r *request, refusal error, form templates.Form) error {
	page := &templates.SignInPage{Passkeys: w.Auth.MayPasskeySignIn(), Form: form}
	providers, err := w.Auth.SignInProviders(r.Context())
	if err != nil {
		return err
	}
	for _, p := range providers {
		page.Providers = append(page.Providers, templates.SignInProvider(p))
	}
	return r.showRefused(refusal, page, &page.BasePage)
}

// signIn begins a sign-in with a password.
func (w *Web) signIn(r *request) error {
	f := r.form()
	in, err := w.Auth.SignIn(r.Context(), f.line("username"), r.PostForm.Get("password"), w.origin(r.Request))
	if err != nil {
		return err
	}
	return w.goOn(r, in)
}

// goOn opens the session under a new identifier, or goes to the second step. A session that
// the browser has already ends, so that nobody keeps using it in another's name.
func (w *Web) goOn(r *request, in auth.SignedIn) error {
	next := localPath(r.form().text("next"))
	if in.Step != "" {
		r.setStep(in.Step)
		return r.redirect(templates.WithQuery("/sign-in/step", "next", next))
	}
	if r.session.ID != "" {
		if err := w.endSession(r); err != nil {
			return err
		}
	}
	r.setStep("")
	if err := r.start(in.SessionID); err != nil {
		return err
	}
	r.setDevice(in.Device)
	if in.User.MustChangePassword {
		return r.redirect("/password")
	}
	return r.redirect(next)
}

// endSession ends the session of the request; one that has just been ended elsewhere is as
// good.
func (w *Web) endSession(r *request) error {
	err := w.Auth.SignOut(r.Context(), r.actor)
	w.live.recheck()
	if fault.Is(err, fault.NotFound) {
		return nil
	}
	return err
}

func (w *Web) signOut(r *request) error {
	if err := w.endSession(r); err != nil {
		return err
	}
	if err := r.end(); err != nil {
		return err
	}
	there, err := w.Auth.BeginLogout(r.Context(), r.row)
	if err != nil || there == nil {
		if err != nil { // who cannot be signed out there is signed out here all the same
			w.logFailure(r.Request, err)
		}
		return r.redirect("/sign-in")
	}
	r.session.ID, r.visitor, r.environments = "", visitor{actor: auth.Nobody(w.origin(r.Request))}, nil
	return r.onward("You are signed out", "Your browser goes on to sign you out at the identity provider too.", *there)
}

func (w *Web) showPassword(r *request) error { return w.passwordForm(r, nil) }

func (w *Web) passwordForm(r *request, err error) error {
	page := &templates.PasswordPage{Forced: r.mustChoosePassword(), MinLength: auth.MinPassword}
	if err != nil {
		page.Form = r.refill(renameField(err, "password", "new_password"), 0)
	}
	return r.showRefused(err, page, &page.BasePage)
}

func (w *Web) changePassword(r *request) error {
	next := r.PostForm.Get("new_password")
	if next != r.PostForm.Get("repeat_password") {
		return fault.InvalidField("repeat_password", "must be the same as the new one")
	}
	id, err := w.Auth.ChangePassword(r.Context(), r.actor, r.PostForm.Get("current_password"), next)
	if err != nil {
		return err
	}
	r.rotate(id)
	r.keepDevice()
	w.live.recheck()
	return r.done("/", "Your password is changed. All your other sessions have ended.")
}
