package web

import (
	"encoding/json"
	"net/http"
	"net/url"
	"slices"

	"github.com/your-org/keeper/fault"
	"github.com/your-org/keeper/models"
	"github.com/your-org/keeper/templates"
)

func (w *Web) showStep(r *request) error { return w.stepAgain(r, nil) }

// stepAgain shows the second step of a sign-in. One that is over begins anew.
func (w *Web) stepAgain(r *request, refusal error) error {
	needs, err := w.Auth.StepNeeds(r.Context(), r.step())
	if fault.Is(err, fault.Unauthenticated) {
		r.setStep("")
		if refusal == nil {
			return r.redirect("/sign-in")
		}
		return w.signInAgain(r, refusal)
	}
	if err != nil {
		return err
	}
	page := &templates.StepPage{Factors: factors(needs), Recovery: slices.Contains(needs, models.ByRecoveryCode)}
	page.Form = templates.NewForm(map[string]string{"next": localPath(r.URL.Query().Get("next"))})
	page.WithRecovery = r.URL.Query().Get("with") == "recovery" || r.PostForm.Has("recovery_code")
	if refusal != nil {
		page.Form = r.refill(refusal, 0, "next")
	}
	return r.showRefused(refusal, page, &page.BasePage)
}

func factors(needs []models.SignInMethod) templates.Factors {
	return templates.Factors{
		Password: slices.Contains(needs, models.ByPassword), Code: slices.Contains(needs, models.ByTOTP),
		Passkey: slices.Contains(needs, models.ByPasskey),
	}
}

// takeStep takes the second step with what was typed: a code of the app's six digits, or a
// recovery code.
func (w *Web) takeStep(r *request) error {
	finish, code := w.Auth.FinishTOTP, r.PostForm.Get("code")
	if recovery := r.form().line("recovery_code"); recovery != "" {
		finish, code = w.Auth.FinishRecoveryCode, recovery
	}
	in, err := finish(r.Context(), r.step(), code, w.origin(r.Request))
	if err != nil {
		return err
	}
	return w.goOn(r, in)
}

// beginPasskey gives a script what to ask the browser for: for the second step where one is
// open, else for a sign-in without a user name.
func (w *Web) beginPasskey(r *request) error {
	step := ""
	if r.PostForm.Get("second") != "" {
		step = r.step()
	}
	options, step, err := w.Auth.BeginPasskey(r.Context(), step, w.origin(r.Request))
	if err != nil {
		return err
	}
	r.setStep(step)
	return r.writeOptions(options)
}

func (r *request) writeOptions(options json.RawMessage) error {
	writeJSON(r.out, http.StatusOK, options)
	return nil
}

func (w *Web) takePasskey(r *request) error {
	in, err := w.Auth.FinishPasskey(r.Context(), r.step(), []byte(r.PostForm.Get("response")), w.origin(r.Request))
	if err != nil {
		return err
	}
	return w.goOn(r, in)
}

// askProof goes where a person proves again who it is, and from there back to the page that
// it was on.
func (r *request) askProof() error {
	next := "/"
	if r.reads() {
		next = localPath(r.URL.RequestURI())
	} else if from, err := url.Parse(r.Referer()); err == nil && from.Host == r.Host {
		next = localPath(from.RequestURI())
	}
	return r.redirect(templates.WithQuery("/prove", "next", next))
}

func (w *Web) showProve(r *request) error { return w.proveForm(r, nil) }

func (w *Web) proveForm(r *request, refusal error) error {
	needs, err := w.Auth.ProofNeeds(r.Context(), r.actor)
	if err != nil {
		return err
	}
	page := &templates.ProvePage{Factors: factors(needs)}
	if slices.Contains(needs, models.BySAML) {
		if page.SAML, err = w.Auth.ProviderOf(r.Context(), r.row); err != nil {
			return err
		}
	}
	page.Form = templates.NewForm(map[string]string{"next": localPath(r.URL.Query().Get("next"))})
	if refusal != nil {
		page.Form = r.refill(refusal, 0, "next")
	}
	return r.showRefused(refusal, page, &page.BasePage)
}

// prove takes a code where one was typed, else the password.
func (w *Web) prove(r *request) error {
	if r.PostForm.Has("code") {
		return w.proved(r)(w.Auth.ProveByTOTP(r.Context(), r.actor, r.PostForm.Get("code")))
	}
	return w.proved(r)(w.Auth.ProveByPassword(r.Context(), r.actor, r.PostForm.Get("password")))
}

func (w *Web) beginPasskeyProof(r *request) error {
	options, step, err := w.Auth.BeginPasskeyProof(r.Context(), r.actor)
	if err != nil {
		return err
	}
	r.setStep(step)
	return r.writeOptions(options)
}

func (w *Web) provePasskey(r *request) error {
	return w.proved(r)(w.Auth.ProveByPasskey(r.Context(), r.actor, r.step(), []byte(r.PostForm.Get("response"))))
}

// proved has the browser use the identifier that came with the proof, and goes back.
func (w *Web) proved(r *request) func(id string, err error) error {
	return func(id string, err error) error {
		if err != nil {
			return err
		}
		r.setStep("")
		r.rotate(id)
		return r.redirect(localPath(r.form().text("next")))
	}
}

func (w *Web) showFactors(r *request) error { return w.factorsForm(r, nil) }

// factorsForm shows the person's own second factors.
func (w *Web) factorsForm(r *request, refusal error) error {
	page, err := w.factorsPage(r)
	if err != nil {
		return err
	}
	if refusal != nil {
		page.Form = r.refill(refusal, 0, "name")
	}
	return r.showRefused(refusal, page, &page.BasePage)
}

func (w *Web) factorsPage(r *request) (*templates.FactorsPage, error) {
	keys, err := w.Auth.Passkeys(r.Context(), r.actor)
	if err != nil {
		return nil, err
	}
	left, err := w.Auth.RecoveryCodesLeft(r.Context(), r.actor)
	return &templates.FactorsPage{
		App: r.user.TOTPConfirmedAt, Begun: r.user.TOTPSecret != nil && r.user.TOTPConfirmedAt == nil,
		Passkeys: keys, MayPasskeys: w.Auth.HasPasskeys(), CodesLeft: left,
	}, err
}

// beginTOTP shows the secret, once: the page is not kept, and the next one makes another.
func (w *Web) beginTOTP(r *request) error {
	e, err := w.Auth.BeginTOTP(r.Context(), r.actor)
	if err != nil {
		return err
	}
	page := &templates.TOTPPage{Secret: e.Secret, QR: e.QR}
	return r.show(page, &page.BasePage)
}

func (w *Web) confirmTOTP(r *request) error {
	if err := w.Auth.ConfirmTOTP(r.Context(), r.actor, r.PostForm.Get("code")); err != nil {
		return err
	}
	r.keepDevice()
	return r.done("/profile/factors", "The authenticator app is set up. Make recovery codes now, for the day it is lost.")
}

func (w *Web) removeTOTP(r *request) error {
	if err := w.Auth.RemoveTOTP(r.Context(), r.actor); err != nil {
		return err
	}
	r.keepDevice()
	return r.done("/profile/factors", "The authenticator app is removed.")
}

// newRecoveryCodes shows the codes, once.
func (w *Web) newRecoveryCodes(r *request) error {
	codes, err := w.Auth.NewRecoveryCodes(r.Context(), r.actor)
	if err != nil {
		return err
	}
	page := &templates.RecoveryCodesPage{Codes: codes}
	return r.show(page, &page.BasePage)
}

func (w *Web) beginPasskeyRegistration(r *request) error {
	options, step, err := w.Auth.BeginPasskeyRegistration(r.Context(), r.actor)
	if err != nil {
		return err
	}
	r.setStep(step)
	return r.writeOptions(options)
}

func (w *Web) registerPasskey(r *request) error {
	f := r.form()
	if _, err := w.Auth.FinishPasskeyRegistration(r.Context(), r.actor, r.step(), f.line("name"), []byte(r.PostForm.Get("response"))); err != nil {
		return err
	}
	r.setStep("")
	return r.done("/profile/factors", "The passkey is registered. It signs you in without a password, or as the second factor after it.")
}

func (w *Web) renamePasskey(r *request) error {
	if err := w.Auth.RenamePasskey(r.Context(), r.actor, r.param("passkey"), r.form().line("name")); err != nil {
		return err
	}
	return r.done("/profile/factors", "The passkey is renamed.")
}

func (w *Web) removePasskey(r *request) error {
	if err := w.Auth.RemovePasskey(r.Context(), r.actor, r.param("passkey")); err != nil {
		return err
	}
	return r.done("/profile/factors", "The passkey is removed.")
}
