package web

import (
	"context"
	"errors"
	"net/http"
	"net/url"
	"strconv"
	"strings"

	"github.com/gorilla/sessions"
	"github.com/labstack/echo/v4"

	"github.com/your-org/keeper/auth"
	"github.com/your-org/keeper/fault"
	"github.com/your-org/keeper/models"
	"github.com/your-org/keeper/redirect"
)

// request is one request for a page: who makes it, and where the answer goes.
type request struct {
	*http.Request
	out     http.ResponseWriter
	param   func(name string) string
	web     *Web
	session *sessions.Session
	visitor
	environments []models.Environment // that the actor may see; see allEnvironments
}

// open finds out who makes a request.
func (w *Web) open(c echo.Context) (*request, error) {
	session, err := w.sessions.Get(c.Request(), w.cookieName(c.Request(), "keeper"))
	r := &request{Request: c.Request(), out: c.Response(), param: c.Param, web: w, session: session}
	r.visitor, _ = session.Values[visitorKey].(visitor)
	if err == nil && session.ID != "" {
		wasGood(c.Request())
	}
	return r, err
}

// endpoint serves a route: it lets in whom the route lets in, holds changes to their token,
// and shows a form again that was refused, with what was typed into it.
func (w *Web) endpoint(rt route) echo.HandlerFunc {
	return func(c echo.Context) error {
		r, err := w.open(c)
		if err != nil {
			return err
		}
		if err := r.renew(); err != nil {
			return err
		}
		if rt.access == signedIn {
			if sent, err := r.admit(rt.path); sent || err != nil {
				return err
			}
		}
		err = r.accept(rt.access)
		if err == nil {
			err = rt.handle(r)
		}
		if fault.Is(err, fault.Unproven) && !r.wantsText() && rt.again == nil { // else what was typed stays, in the answer alone
			return r.askProof()
		}
		if err != nil && rt.again != nil {
			return rt.again(r, err) // which refuses who may not see the form
		}
		return err
	}
}

// admit refuses who is not signed in, and sends on who has to choose a password first.
func (r *request) admit(path string) (sent bool, err error) {
	switch {
	case r.session.ID == "" && path == "/sign-out":
		return true, r.redirect("/sign-in")
	case r.session.ID == "" && r.reads() && path != "/events":
		to := "/sign-in"
		if next := localPath(r.URL.RequestURI()); next != "/" {
			to += "?next=" + url.QueryEscape(next)
		}
		return true, r.redirect(to)
	case r.session.ID == "":
		return true, fault.New(fault.Unauthenticated, "You are not signed in any more; nothing was done.").
			WithHint("Sign in in another tab, then reload this page and let the browser send it again: what you typed is still in it.")
	case r.mustChoosePassword() && path != "/password" && path != "/sign-out":
		return true, r.redirect("/password")
	}
	return false, nil
}

// accept reads the form of a change and checks its token. The parser's own error may quote
// what was typed, so it goes nowhere.
func (r *request) accept(from access) error {
	if r.reads() || from == foreign { // which reads its own form
		return nil
	}
	parse := r.ParseForm
	if isUpload(r.Request) {
		parse = func() error { return r.ParseMultipartForm(maxUpload) } // all of it in memory, none in files
	}
	if err := parse(); err != nil {
		if tooLarge := (*http.MaxBytesError)(nil); errors.As(err, &tooLarge) {
			return errTooLarge
		}
		return fault.New(fault.Invalid, "The form cannot be read; nothing was done.").WithHint("Reload the page and send it again.")
	}
	return r.checkToken()
}

func (r *request) reads() bool { return r.Method == http.MethodGet || r.Method == http.MethodHead }

// isUpload reports whether a form comes with a file: that of an import alone may.
func isUpload(r *http.Request) bool {
	kind, _, _ := strings.Cut(r.Header.Get("Content-Type"), ";")
	return r.Method == http.MethodPost && strings.HasSuffix(r.URL.Path, "/imports") && strings.EqualFold(strings.TrimSpace(kind), "multipart/form-data")
}

// isPartial reports whether only a part of the page is asked for.
func (r *request) isPartial() bool { return r.Header.Get("HX-Request") == "true" }

// isBackground reports whether a page asks by itself, with nobody at it.
func isBackground(r *http.Request) bool {
	return r.Header.Get("Keeper-Background") != "" || r.URL.Path == "/events"
}

// wantsText reports whether the caller is a script that shows the answer's text.
func (r *request) wantsText() bool { return r.Header.Get("Accept") == "text/plain" }

// again finds who makes the request as they stand by now, for answers that take long.
func (r *request) again(ctx context.Context) (models.Actor, error) {
	actor, row, user, err := r.web.Auth.LookAtSession(ctx, r.session.ID, r.web.origin(r.Request))
	if err == nil && (visitor{actor, user, row}).mustChoosePassword() {
		err = fault.New(fault.Unauthenticated, "A new password has to be chosen first.")
	}
	return actor, err
}

func (r *request) redirect(to string) error {
	http.Redirect(r.out, r.Request, to, http.StatusSeeOther)
	return nil
}

// localPath is where to go after signing in: a path of this server that is a page, else "/".
func localPath(next string) string {
	local := redirect.Local(next)
	switch path, _, _ := strings.Cut(local, "?"); path {
	case "/sign-in", "/sign-out", "/events":
		return "/"
	}
	return local
}

// allEnvironments are those that the actor may see, read once per request.
func (r *request) allEnvironments() ([]models.Environment, error) {
	if r.environments != nil || r.session.ID == "" {
		return r.environments, nil
	}
	var err error
	r.environments, err = r.web.Secrets.Environments(r.Context(), r.actor)
	return r.environments, err
}

// inEnvironments are those in which the actor may do an action.
func (r *request) inEnvironments(action auth.Action) ([]models.Environment, error) {
	all, err := r.allEnvironments()
	return auth.Visible(r.actor, action, all), err
}

// may reports whether the actor may do an action, for what a page offers. The services
// decide again.
func (r *request) may(action auth.Action, e models.EnvironmentID) bool {
	return auth.Can(r.actor, action, e)
}

func (r *request) secretID() (models.SecretID, error) {
	id, err := strconv.ParseInt(r.param("secret"), 10, 64)
	if err != nil || id <= 0 {
		return 0, noPage()
	}
	return models.SecretID(id), nil
}

func (r *request) versionNumber() (models.VersionNumber, error) {
	n, err := strconv.ParseInt(r.param("version"), 10, 64)
	if err != nil || n <= 0 {
		return 0, noPage()
	}
	return models.VersionNumber(n), nil
}

func noPage() error {
	return fault.New(fault.NotFound, "There is no such page.").WithHint("Check the address, or go on from the overview.")
}
