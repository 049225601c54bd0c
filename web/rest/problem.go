package rest

import (
	"errors"
	"fmt"
	"io"
	"net/http"

	"github.com/your-org/keeper/api"
	"github.com/your-org/keeper/fault"
)

// look is how a kind of failure is answered.
type look struct {
	status int
	title  string
	retry  string // Retry-After in seconds, or ""
}

// looks is the one table from kinds to statuses.
var looks = map[fault.Kind]look{
	fault.Invalid:         {http.StatusBadRequest, "The request is not valid", ""},
	fault.Unauthenticated: {http.StatusUnauthorized, "A valid token is needed", ""},
	fault.Forbidden:       {http.StatusForbidden, "Not allowed", ""},
	fault.Unproven:        {http.StatusForbidden, "A new proof of who it is, is needed", ""},
	fault.NotFound:        {http.StatusNotFound, "Not found", ""},
	fault.Conflict:        {http.StatusConflict, "Clashes with what is there", ""},
	fault.Stale:           {http.StatusPreconditionFailed, "Changed in between", ""},
	fault.Throttled:       {http.StatusTooManyRequests, "Too many requests", "5"},
	fault.Unavailable:     {http.StatusServiceUnavailable, "Not available now", "1"},
	fault.Internal:        {http.StatusInternalServerError, "Something went wrong", ""},
}

// Kinds of failure that HTTP alone knows.
const (
	tooLargeKind  = "too_large"
	mediaTypeKind = "media_type"
	methodKind    = "method"
	runningKind   = "request_running"
	differsKind   = "request_differs"
	notKeptKind   = "answer_not_kept"
)

// refusalLooks is the table of those.
var refusalLooks = map[string]look{
	tooLargeKind:  {http.StatusRequestEntityTooLarge, "The body is too large", ""},
	mediaTypeKind: {http.StatusUnsupportedMediaType, "The body is of another type", ""},
	methodKind:    {http.StatusMethodNotAllowed, "Not with this method", ""},
	runningKind:   {http.StatusConflict, "The first request is at work still", "1"},
	differsKind:   {http.StatusUnprocessableEntity, "Another request had this key", ""},
	notKeptKind:   {http.StatusConflict, "Done, and the answer is not kept", ""},
}

// refusal is a failure of such a kind.
type refusal struct{ kind, detail, hint string }

func (r *refusal) Error() string { return r.detail }

func tooLarge() error {
	return &refusal{tooLargeKind, "The body is over 1 MiB; nothing was done.", "A value is at most 65536 bytes."}
}

func wrongMediaType() error {
	return &refusal{mediaTypeKind, "The body must be JSON.", "Send it with: Content-Type: application/json"}
}

// fail answers an error as a problem document, and leaves what the caller is not told to
// the log.
func (s *server) fail(w http.ResponseWriter, r *http.Request, err error) {
	problem, retry := problemOf(err)
	problem.RequestID = s.Origin(r).RequestID
	h := w.Header()
	if retry != "" {
		h.Set("Retry-After", retry)
	}
	if problem.Status == http.StatusUnauthorized {
		h.Set("WWW-Authenticate", challenge(r))
	}
	if problem.Status >= http.StatusInternalServerError {
		s.Log.ErrorContext(r.Context(), "a request failed", "method", r.Method, "route", r.Pattern, "request_id", problem.RequestID, "error", err)
	}
	write(w, problem.Status, "application/problem+json", problem)
}

func problemOf(err error) (api.Problem, string) {
	var only *refusal
	if errors.As(err, &only) {
		l := refusalLooks[only.kind]
		return api.Problem{Type: api.ProblemType + only.kind, Title: l.title, Status: l.status, Detail: only.detail, Hint: only.hint}, l.retry
	}
	public := fault.Public(err)
	l := looks[public.Kind]
	p := api.Problem{
		Type: api.ProblemType + public.Kind.String(), Title: l.title, Status: l.status,
		Detail: public.Message, Hint: public.Hint,
	}
	for _, f := range public.Fields {
		p.Errors = append(p.Errors, api.FieldError{Field: f.Name, Message: f.Message})
	}
	return p, l.retry
}

// challenge follows RFC 6750 section 3: an error code only where a token was sent.
func challenge(r *http.Request) string {
	if r.Header.Get("Authorization") == "" {
		return `Bearer realm="keeper"`
	}
	return `Bearer realm="keeper", error="invalid_token"`
}

func badParameter(name string) error {
	return fault.InvalidField(name, "is not of the form that the document at /docs says")
}

// serveProblems answers at the type of each problem what it means.
func serveProblems(mux *http.ServeMux) {
	describe := func(kind string, l look) {
		text := fmt.Sprintf("%s\n\n%s: problems of this type have the status %d. What happened stands in detail, what to do next in hint.\n", kind, l.title, l.status)
		mux.HandleFunc("GET "+api.ProblemType+kind, func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Type", "text/plain; charset=utf-8")
			_, _ = io.WriteString(w, text) // the client is gone where this fails
		})
	}
	for kind, l := range looks {
		describe(kind.String(), l)
	}
	for kind, l := range refusalLooks {
		describe(kind, l)
	}
}
