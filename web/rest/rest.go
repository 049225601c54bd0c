package rest

import (
	"errors"
	"log/slog"
	"net/http"
	"strings"
	"time"

	"github.com/your-org/keeper/alerts"
	"github.com/your-org/keeper/api"
	"github.com/your-org/keeper/audit"
	"github.com/your-org/keeper/auth"
	"github.com/your-org/keeper/destinations"
	"github.com/your-org/keeper/idempotency"
	"github.com/your-org/keeper/keys"
	"github.com/your-org/keeper/secrets"
)

// Deps is what the API works with.
type Deps struct {
	Secrets      *secrets.Service
	Destinations *destinations.Service
	Keys         *keys.Service
	Alerts       *alerts.Service
	Auth         *auth.Service
	Audit        *audit.Log
	Idempotency  *idempotency.Service
	Now          func() time.Time
	Origin       func(*http.Request) auth.Origin // where a request comes from, and its id
	Log          *slog.Logger                    // of failures that the caller is not told about
}

// server is the whole API behind its one door.
type server struct {
	Deps
	operations *http.ServeMux // what the document names; asks for a token
	public     *http.ServeMux // the document itself, and the pages that show it
}

// New makes the API: everything below /api/, /docs and /problems/, and /openapi.json. It fails where the
// document that it serves cannot be read.
func New(d Deps) (http.Handler, error) {
	document, err := readDocument(api.Document)
	if err != nil {
		return nil, err
	}
	s := &server{Deps: d, operations: http.NewServeMux(), public: http.NewServeMux()}
	HandlerWithOptions(s, StdHTTPServerOptions{
		BaseRouter:       s.operations,
		Middlewares:      []MiddlewareFunc{s.repeatable, s.knownQuery(document.query)}, // the last is asked first
		ErrorHandlerFunc: s.badParameter,
	})
	s.operations.HandleFunc("/", s.noRoute(s.operations))
	if err := servePublic(s.public, document.json); err != nil {
		return nil, err
	}
	serveProblems(s.public)
	s.public.HandleFunc("/", s.noRoute(s.public))
	return s, nil
}

// ServeHTTP asks for the token before anything else of the API is told, what exists
// included.
func (s *server) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if r.URL.Path != "/api" && !strings.HasPrefix(r.URL.Path, "/api/") {
		s.public.ServeHTTP(w, r)
		return
	}
	w.Header().Set("Cache-Control", "no-store")
	actor, err := s.caller(r)
	if err != nil {
		s.fail(w, r, err)
		return
	}
	s.operations.ServeHTTP(w, r.WithContext(withActor(r.Context(), actor)))
}

// badParameter answers a parameter that the generated code could not read, without quoting
// it.
func (s *server) badParameter(w http.ResponseWriter, r *http.Request, err error) {
	name := "a parameter"
	var format *InvalidParamFormatError
	var required *RequiredParamError
	var many *TooManyValuesForParamError
	switch {
	case errors.As(err, &format):
		name = format.ParamName
	case errors.As(err, &required):
		name = required.ParamName
	case errors.As(err, &many):
		name = many.ParamName
	}
	s.fail(w, r, badParameter(name))
}
