package web

import (
	"bytes"
	"errors"
	"net/http"

	"github.com/labstack/echo/v4"
	"github.com/unrolled/secure"

	"github.com/your-org/keeper/auth"
	"github.com/your-org/keeper/fault"
	"github.com/your-org/keeper/templates"
)

// statuses is the one table from kinds of failure to how a page answers.
var statuses = map[fault.Kind]int{
	fault.Invalid:         http.StatusBadRequest,
	fault.NotFound:        http.StatusNotFound,
	fault.Conflict:        http.StatusConflict,
	fault.Stale:           http.StatusConflict,
	fault.Unauthenticated: http.StatusUnauthorized,
	fault.Forbidden:       http.StatusForbidden,
	fault.Unproven:        http.StatusForbidden,
	fault.Throttled:       http.StatusTooManyRequests,
	fault.Unavailable:     http.StatusServiceUnavailable,
	fault.Internal:        http.StatusInternalServerError,
}

var errTooLarge = fault.New(fault.Invalid, "That is more than Keeper takes at once; nothing was done.").
	WithHint("A value is at most 65,536 bytes.")

func statusOf(err error) int {
	if errors.Is(err, errTooLarge) {
		return http.StatusRequestEntityTooLarge
	}
	return statuses[fault.KindOf(err)]
}

// show renders a page.
func (r *request) show(page templates.Page, base *templates.BasePage) error {
	return r.send(http.StatusOK, page, base, "")
}

// showRefused renders the page of a form that was refused; a nil error is no refusal.
func (r *request) showRefused(err error, page templates.Page, base *templates.BasePage) error {
	if err == nil {
		return r.show(page, base)
	}
	r.web.logFailure(r.Request, err)
	return r.send(statusOf(err), page, base, "")
}

// showList renders a page, or only the named block where a part is asked for.
func (r *request) showList(page templates.Page, base *templates.BasePage, block string) error {
	r.out.Header().Add("Vary", "HX-Request")
	if !r.isPartial() {
		block = ""
	}
	return r.send(http.StatusOK, page, base, block)
}

// send fills in what all pages need, renders, and only then writes. No page is kept by the
// browser or on the way: most name secrets, some show one.
func (r *request) send(status int, page templates.Page, base *templates.BasePage, block string) error {
	environments, err := r.allEnvironments()
	if err != nil {
		return err
	}
	guide, err := r.guide()
	if err != nil {
		return err
	}
	mayAudit, err := r.web.mayReadAudit(r)
	if err != nil {
		return err
	}
	*base = templates.BasePage{
		Actor: r.actor, Environments: environments, Flashes: r.takeFlashes(), CSRFToken: r.csrfToken(), Nonce: secure.CSPNonce(r.Context()),
		MayViewKeys: r.may(auth.ViewKeys, auth.Global), MayViewAudit: mayAudit, MayViewUsers: r.may(auth.ViewUsers, auth.Global), Version: r.web.Version, Now: r.web.Now(), Guide: guide,
		Answers: r.Method == http.MethodPost,
	}
	if r.session.ID == "" {
		base.Actor.Kind = ""
	}
	var body bytes.Buffer
	if block == "" {
		err = r.web.pages.Render(&body, page)
	} else {
		err = r.web.pages.RenderPartial(&body, page, block)
	}
	if err != nil {
		return err
	}
	if err := r.session.Save(r.Request, r.out); err != nil {
		r.web.Log.WarnContext(r.Context(), "messages that were shown were not forgotten", "error", err)
	}
	header := r.out.Header()
	header.Set("Content-Type", "text/html; charset=utf-8")
	header.Set("Cache-Control", "no-store")
	r.out.WriteHeader(status)
	_, _ = body.WriteTo(r.out) // the browser has gone where this fails
	return nil
}

// handleError answers what a handler could not.
func (w *Web) handleError(err error, c echo.Context) {
	if c.Response().Committed {
		w.logFailure(c.Request(), err)
		return
	}
	if routing := (*echo.HTTPError)(nil); errors.As(err, &routing) {
		err = noPage()
		if routing.Code == http.StatusMethodNotAllowed {
			err = fault.New(fault.Invalid, "That page does not take requests of this kind; nothing was done.").WithHint("Go on from the overview.")
		}
	}
	w.logFailure(c.Request(), err)
	r, openErr := w.open(c)
	if openErr == nil && !r.wantsText() {
		page := templates.NewProblemPage(templates.BasePage{}, err, statusOf(err), r.Header.Get(headerRequestID))
		if r.send(statusOf(err), page, &page.BasePage, "") == nil {
			return
		}
	}
	writeProblem(c.Response(), err)
}

// writeProblem answers in plain text: scripts, and browsers when not even a page can be made.
func writeProblem(out http.ResponseWriter, err error) {
	out.Header().Set("Content-Type", "text/plain; charset=utf-8")
	out.Header().Set("Cache-Control", "no-store")
	if fault.Is(err, fault.Unproven) {
		out.Header().Set("Keeper-Prove", "/prove") // where a script leads the person
	}
	out.WriteHeader(statusOf(err))
	_, _ = out.Write([]byte(fault.Public(err).Error()))
}

// logFailure leaves to the log what the person at the browser is not told.
func (w *Web) logFailure(r *http.Request, err error) {
	if kind := fault.KindOf(err); kind == fault.Internal || kind == fault.Unavailable && r.Context().Err() == nil {
		w.Log.ErrorContext(r.Context(), "a page failed", "route", shapeOf(r.URL.Path), "request_id", r.Header.Get(headerRequestID), "error", err)
	}
}
