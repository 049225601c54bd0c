// Package web is Keeper in a browser: it decodes a request, calls one method of a service,
// and renders a page. It holds no rules.
package web

import (
	"context"
	"log/slog"
	"maps"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/labstack/echo/v4"

	"github.com/your-org/keeper/alerts"
	"github.com/your-org/keeper/audit"
	"github.com/your-org/keeper/auth"
	"github.com/your-org/keeper/destinations"
	"github.com/your-org/keeper/figures"
	"github.com/your-org/keeper/keys"
	"github.com/your-org/keeper/secrets"
	"github.com/your-org/keeper/static"
	"github.com/your-org/keeper/telemetry"
	"github.com/your-org/keeper/templates"
)

// Deps is what the web works with.
type Deps struct {
	Secrets      *secrets.Service
	Destinations *destinations.Service
	Keys         *keys.Service
	Alerts       *alerts.Service
	Figures      *figures.Service
	Auth         *auth.Service
	Audit        *audit.Log
	API          http.Handler // serves /api, /docs and /openapi.json
	Health       func(context.Context) telemetry.Health
	Metrics      *telemetry.Metrics
	// Subscribe gives a channel that gets a signal when something moved and is closed when
	// Keeper stops.
	Subscribe func() (moved <-chan struct{}, end func())
	Origin    Origin
	PublicURL string // "" where it is not known; https:// makes cookies Secure
	Hosts     Hosts  // that Keeper answers for
	// MetricsToken is what /metrics asks for; "" lets this machine alone read them.
	MetricsToken string
	// StrangerRate is how many requests a second a network may make without being signed in;
	// 0: no limit.
	StrangerRate int
	Version      string
	Now          func() time.Time
	Log          *slog.Logger
}

// Web is the pages and what they share.
type Web struct {
	Deps
	pages     *templates.Set
	sessions  *sessionStore
	live      *live
	origin    func(*http.Request) auth.Origin
	strangers *strangers
	shapes    shapes
	reports   keyReports
}

// New builds the handler of everything that Keeper serves.
func New(d Deps) (http.Handler, error) {
	pages, err := templates.New()
	if err != nil {
		return nil, err
	}
	w := &Web{Deps: d, pages: pages, origin: d.Origin.Of("web"), strangers: newStrangers(d.StrangerRate)}
	w.origin = w.withDevice(w.origin)
	w.sessions = &sessionStore{auth: d.Auth, origin: w.origin, secure: w.isSecure}
	w.live = newLive(d.Subscribe, w.changes)
	e := echo.New()
	e.HideBanner, e.HidePort = true, true
	e.HTTPErrorHandler = w.handleError
	e.IPExtractor = d.Origin.Address
	w.routes(e)

	mux := http.NewServeMux()
	for pattern, handler := range w.beside() {
		mux.Handle(pattern, handler)
	}
	mux.Handle("/api", d.API)
	mux.Handle("/api/", d.API)
	mux.Handle("/", e)
	return w.around(mux), nil
}

// beside is what is served beside the pages and the operations of the API, by patterns of
// http.ServeMux.
func (w *Web) beside() map[string]http.Handler {
	metrics := http.NotFoundHandler()
	if w.Metrics != nil {
		metrics = w.Metrics.Handler()
	}
	all := map[string]http.Handler{
		static.Prefix: static.Handler(), "GET /healthz": http.HandlerFunc(w.alive), "GET /readyz": http.HandlerFunc(w.ready),
		"GET /metrics": w.inside(metrics),
	}
	for _, pattern := range []string{"/docs", "/docs/", "/openapi.json", "/problems/"} {
		all[pattern] = w.API
	}
	return all
}

// Beside are the patterns of what is served beside the pages and the operations of the API. With
// them, the table of pages and the API's document are all that a server answers.
func Beside() []string { return slices.Sorted(maps.Keys((&Web{}).beside())) }

// access says from whom a route takes requests.
type access int

const (
	signedIn access = iota // from who has a session
	public                 // from anybody
	// foreign takes a change from anybody that another site's page sends: an identity
	// provider's. What comes proves itself; neither a form token nor this site's origin is asked for.
	foreign
)

// route is one line of the table of routes.
type route struct {
	method, path string
	access       access
	handle       func(*request) error
	again        func(*request, error) error // shows the form with an error; nil: a page tells of it
}

func (w *Web) routes(e *echo.Echo) {
	for _, r := range w.table() {
		e.Add(r.method, echoPath(r.path), w.endpoint(r))
		if r.method == get && r.path != "/events" {
			e.Add(http.MethodHead, echoPath(r.path), w.endpoint(r))
		}
	}
}

// echoPath spells {name} as echo does.
func echoPath(path string) string {
	return strings.NewReplacer("{", ":", "}", "").Replace(path)
}
