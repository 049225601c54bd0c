package web

import (
	"encoding/json"
	"errors"
	"log/slog"
	"net/http"
	"runtime/debug"
	"strings"
	"sync"
	"time"

	"github.com/unrolled/secure"

	"github.com/your-org/keeper/auth/saml"
	"github.com/your-org/keeper/models"
)

// maxForm bounds what a browser may send: a value, and what goes with it, percent-encoded.
const maxForm = 3*models.MaxValueSize + 64<<10

// maxUpload bounds a form that brings a file: a name map of all that one import may propose.
const maxUpload = 8 << 20

// around wraps everything that is served, from the outside in: an identifier, the log and
// the metrics, a net for panics, headers, and the walls against other names of this server,
// against floods of strangers, and against other sites' requests.
func (w *Web) around(next http.Handler) http.Handler {
	cross := http.NewCrossOriginProtection()
	cross.SetDenyHandler(http.HandlerFunc(w.crossOrigin))
	for _, r := range w.table() {
		if r.access == foreign && r.method != get {
			cross.AddInsecureBypassPattern(r.method + " " + r.path)
		}
	}
	return w.identified(w.logged(w.caught(w.withHeaders(w.Hosts.guard(w.guardStrangers(cross.Handler(limited(next))))))))
}

// contentPolicy allows what Keeper serves itself, of scripts and styles those alone that bear the
// answer's nonce, and nothing inline.
var contentPolicy = []string{
	"default-src 'none'", "script-src $NONCE", "style-src $NONCE", "img-src 'self' data:", "font-src 'self'",
	"connect-src 'self'", "form-action 'self'", "base-uri 'none'", "object-src 'none'", "frame-ancestors 'none'",
}

// withHeaders tells browsers what to hold pages to. Nothing may be kept unless the handler
// says so: most of what there is, is a person's.
func (w *Web) withHeaders(next http.Handler) http.Handler {
	headers := secure.New(secure.Options{
		FrameDeny: true, ContentTypeNosniff: true, ReferrerPolicy: "same-origin",
		ContentSecurityPolicy:   strings.Join(contentPolicy, "; "),
		CrossOriginOpenerPolicy: "same-origin", CrossOriginResourcePolicy: "same-origin",
		PermissionsPolicy: "camera=(), microphone=(), geolocation=()",
	})
	return headers.Handler(http.HandlerFunc(func(rw http.ResponseWriter, r *http.Request) {
		rw.Header().Set("Cache-Control", "no-store")
		if w.isSecure(r) {
			rw.Header().Set("Strict-Transport-Security", "max-age=31536000")
		}
		next.ServeHTTP(rw, r)
	}))
}

// isSecure reports whether the browser reaches Keeper over TLS, so that cookies may travel
// over nothing else.
func (w *Web) isSecure(r *http.Request) bool {
	return strings.HasPrefix(w.PublicURL, "https://") || w.Origin.isTLS(r)
}

// identified gives each request an identifier of Keeper's own: one that a client sent would
// let it write into the log.
func (w *Web) identified(next http.Handler) http.Handler {
	return http.HandlerFunc(func(rw http.ResponseWriter, r *http.Request) {
		id := models.NewID("req")
		r.Header.Set(headerRequestID, id)
		rw.Header().Set(headerRequestID, id)
		next.ServeHTTP(rw, r)
	})
}

// recorder notes the status of an answer.
type recorder struct {
	http.ResponseWriter
	status int
}

func (r *recorder) WriteHeader(status int) {
	if r.status == 0 {
		r.status = status
	}
	r.ResponseWriter.WriteHeader(status)
}

func (r *recorder) Write(b []byte) (int, error) {
	if r.status == 0 {
		r.status = http.StatusOK
	}
	return r.ResponseWriter.Write(b)
}

// Unwrap gives http.ResponseController the writer below, for flushing live events.
func (r *recorder) Unwrap() http.ResponseWriter { return r.ResponseWriter }

// Flush passes on what is buffered.
func (r *recorder) Flush() {
	if f, ok := r.ResponseWriter.(http.Flusher); ok {
		f.Flush()
	}
}

// logged writes a line per request: the route's shape, never the path or the query, which
// may name things that a reader of logs may not see.
func (w *Web) logged(next http.Handler) http.Handler {
	return http.HandlerFunc(func(rw http.ResponseWriter, r *http.Request) {
		rec := &recorder{ResponseWriter: rw}
		start, cut := time.Now(), true
		defer func() { w.told(r, rec.status, time.Since(start), cut) }() // an answer that is broken off comes by as a panic
		next.ServeHTTP(rec, r)
		cut = false
	})
}

// told counts a request and writes its line. One whose answer was cut off before its end says
// so, and stands out: its status is that of the beginning.
func (w *Web) told(r *http.Request, status int, took time.Duration, cut bool) {
	shape := shapeOf(r.URL.Path)
	w.Metrics.Request(methodOf(r.Method), w.shapes.label(shape, status), status, took)
	level, attrs := slog.LevelDebug, []slog.Attr{
		slog.String("method", methodOf(r.Method)), slog.String("route", shape), slog.Int("status", status),
		slog.Duration("took", took), slog.String("request_id", r.Header.Get(headerRequestID)), slog.String("address", w.Origin.Address(r)),
	}
	switch {
	case status >= http.StatusInternalServerError:
		level = slog.LevelError
	case cut:
		level, attrs = slog.LevelWarn, append(attrs, slog.Bool("cut_off", true))
	}
	w.Log.LogAttrs(r.Context(), level, "request", attrs...)
}

// methodOf keeps invented methods from becoming metrics.
func methodOf(method string) string {
	switch method {
	case http.MethodGet, http.MethodHead, http.MethodPost, http.MethodPut, http.MethodPatch, http.MethodDelete:
		return method
	default:
		return "OTHER"
	}
}

// shapeOf is the path with its identifiers left out: bounded in number, and silent about
// names. The first segment tells the area, the words that Keeper knows stay.
func shapeOf(path string) string {
	segments := strings.Split(strings.Trim(path, "/"), "/")
	for i, s := range segments {
		if !knownSegments[s] {
			segments[i] = "*"
		}
		if i == 6 {
			segments = segments[:i]
			break
		}
	}
	if path == "/" {
		return "/"
	}
	if segments[0] == "static" {
		return "/static/*"
	}
	return "/" + strings.Join(segments, "/")
}

// maxShapes bounds the shapes that are counted apart; there are about a hundred.
const maxShapes = 300

// shapes are those that were answered well once. Only they become labels of metrics: paths
// that a client makes up are not answered well, and would fill the memory.
type shapes struct {
	mu   sync.RWMutex
	seen map[string]bool
}

// label is the shape, or "*" where it has never been answered well.
func (s *shapes) label(shape string, status int) string {
	s.mu.RLock()
	seen, room := s.seen[shape], len(s.seen) < maxShapes
	s.mu.RUnlock()
	switch {
	case seen:
		return shape
	case status >= http.StatusBadRequest || !room:
		return "*"
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.seen == nil {
		s.seen = map[string]bool{}
	}
	s.seen[shape] = true
	return shape
}

var knownSegments = func() map[string]bool {
	words := "api secrets environments destinations sync states runs results tokens me versions rollback undelete activity test pause resume " +
		"sign-in sign-out password events new deleted edit reveal delete audit profile sessions revoke revoke-others imports names copies release docs openapi.json problems healthz readyz metrics static step passkey passkeys begin prove factors totp confirm remove rename recovery-codes saml acs slo metadata certificate admin providers switch refresh keys use groups people doctor dry-run diff access export"
	known := map[string]bool{}
	for word := range strings.FieldsSeq(words) {
		known[word] = true
	}
	return known
}()

// caught turns a panic into an answer, and its trace into a line of the log.
func (w *Web) caught(next http.Handler) http.Handler {
	return http.HandlerFunc(func(rw http.ResponseWriter, r *http.Request) {
		defer func() {
			reason := recover()
			if reason == nil {
				return
			}
			if err, ok := reason.(error); ok && errors.Is(err, http.ErrAbortHandler) {
				panic(reason)
			}
			w.Log.ErrorContext(r.Context(), "a handler panicked", "request_id", r.Header.Get(headerRequestID), "stack", string(debug.Stack()))
			http.Error(rw, "Something went wrong inside Keeper. Request id: "+r.Header.Get(headerRequestID), http.StatusInternalServerError)
		}()
		next.ServeHTTP(rw, r)
	})
}

// limited bounds what is read of a body. The API bounds its own.
func limited(next http.Handler) http.Handler {
	return http.HandlerFunc(func(rw http.ResponseWriter, r *http.Request) {
		if !strings.HasPrefix(r.URL.Path, "/api/") {
			most := int64(maxForm)
			switch {
			case strings.HasPrefix(r.URL.Path, "/saml/"):
				most = saml.MaxBody
			case isUpload(r):
				most = maxUpload
			}
			r.Body = http.MaxBytesReader(rw, r.Body, most)
		}
		next.ServeHTTP(rw, r)
	})
}

func (w *Web) crossOrigin(rw http.ResponseWriter, _ *http.Request) {
	http.Error(rw, "This request came from another site and was refused; nothing was done. Open Keeper itself and try there.", http.StatusForbidden)
}

// alive says that the process serves.
func (w *Web) alive(rw http.ResponseWriter, _ *http.Request) {
	writeJSON(rw, http.StatusOK, map[string]string{"status": "ok"})
}

// ready says whether requests can be answered, and how what Keeper depends on is. To
// others than the inside it does not name destinations.
func (w *Web) ready(rw http.ResponseWriter, r *http.Request) {
	health := w.Health(r.Context())
	if !w.isInside(r) {
		health.Components = health.Components[:min(len(health.Components), 2)]
		for i := range health.Components {
			if !health.Components[i].OK {
				health.Components[i].Detail = "not well; the dashboard says why"
			}
		}
	}
	status := http.StatusOK
	if !health.Ready {
		status = http.StatusServiceUnavailable
	}
	writeJSON(rw, status, health)
}

func writeJSON(rw http.ResponseWriter, status int, v any) {
	rw.Header().Set("Content-Type", "application/json")
	rw.Header().Set("Cache-Control", "no-store")
	rw.WriteHeader(status)
	_ = json.NewEncoder(rw).Encode(v) // the client has gone
}
