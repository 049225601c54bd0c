package rest

import (
	"bytes"
	"errors"
	"io"
	"net/http"
	"strconv"

	"github.com/your-org/keeper/fault"
	"github.com/your-org/keeper/idempotency"
	"github.com/your-org/keeper/models"
)

const (
	// idempotencyHeader names the key under which a POST is carried out once, however often it
	// is sent.
	idempotencyHeader = "Idempotency-Key"
	// replayedHeader marks an answer that was given before.
	replayedHeader = "Idempotent-Replayed"
	maxKey         = 255
)

// keptHeaders are what is told again of an answer, beside its status and body.
var keptHeaders = []string{"Content-Type", "ETag", "Location"}

// repeatable lets each POST be sent again under a key. The actor is known and its token was
// looked at by then; what it asks for was not looked at yet.
func (s *server) repeatable(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		given := r.Header.Values(idempotencyHeader)
		if r.Method != http.MethodPost || len(given) == 0 {
			next.ServeHTTP(w, r)
			return
		}
		key, err := oneKey(given)
		if err != nil {
			s.fail(w, r, err)
			return
		}
		actor := actorOf(r.Context())
		if actor.UserID == "" { // openOperation, which is harmless twice: a stranger must not fill the table
			next.ServeHTTP(w, r)
			return
		}
		body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, maxBody))
		defer clear(body) // it may hold a value
		if err != nil {
			s.fail(w, r, bodyProblem(err))
			return
		}
		s.once(w, r, actor, key, body, next)
	})
}

// once answers a request with a key: by carrying it out, or with what it was answered before.
func (s *server) once(w http.ResponseWriter, r *http.Request, actor models.Actor, key string, body []byte, next http.Handler) {
	attempt, before, err := s.Idempotency.Begin(r.Context(), actor, key, idempotency.Request{
		Method: r.Method, Target: r.URL.RequestURI(), IfMatch: r.Header.Get("If-Match"), Body: body,
	})
	var refused *idempotency.Refusal
	switch {
	case errors.As(err, &refused):
		if refused.Location != "" {
			w.Header().Set("Location", refused.Location)
		}
		s.fail(w, r, notAgain(refused))
	case err != nil:
		s.fail(w, r, err)
	case before != nil:
		again(w, before)
	default:
		request := r.WithContext(attempt.Context(r.Context()))
		request.Body = io.NopCloser(bytes.NewReader(body))
		s.first(w, request, attempt, next)
	}
}

// first carries a request out, and keeps its answer before it goes out. An answer that says that
// nothing was done is not kept: the same request is tried again.
func (s *server) first(w http.ResponseWriter, r *http.Request, attempt *idempotency.Attempt, next http.Handler) {
	answer := &heldAnswer{ResponseWriter: w}
	ended := false
	defer func() {
		clear(answer.body) // it may hold a value
		if !ended {        // a panic
			s.noted(r, attempt.Release(r.Context()))
		}
	}()
	next.ServeHTTP(answer, r)
	answer.WriteHeader(http.StatusOK) // where the handler wrote nothing
	ended = true
	if answer.status < http.StatusMultipleChoices {
		s.noted(r, attempt.Keep(r.Context(), answer.kept(), answer.mayHoldValue()))
	} else {
		s.noted(r, attempt.Release(r.Context()))
	}
	answer.send()
}

// noted logs that an attempt's end was not kept. Its answer is true all the same, and goes out;
// who sends the request again is told that it was cut off, or has it carried out where nothing
// was done.
func (s *server) noted(r *http.Request, err error) {
	if err != nil {
		s.Log.WarnContext(r.Context(), "how a request with an Idempotency-Key ended was not kept",
			"route", r.Pattern, "request_id", s.Origin(r).RequestID, "error", err)
	}
}

// again gives an answer that was given before.
func again(w http.ResponseWriter, before *idempotency.Answer) {
	h := w.Header()
	for name, value := range before.Header {
		h.Set(name, value)
	}
	h.Set(replayedHeader, "true")
	if len(before.Body) > 0 {
		h.Set("Content-Length", strconv.Itoa(len(before.Body)))
	}
	w.WriteHeader(before.Status)
	_, _ = w.Write(before.Body) //nolint:gosec // JSON, sent as such; the client is gone where this fails
}

// oneKey is the key of a request, which must be there once.
func oneKey(given []string) (string, error) {
	key := given[0]
	wrong := ""
	switch {
	case len(given) > 1:
		wrong = "must be there once"
	case key == "":
		wrong = "must not be empty"
	case len(key) > maxKey:
		wrong = "must have at most " + strconv.Itoa(maxKey) + " characters, and has " + strconv.Itoa(len(key))
	case bytes.ContainsFunc([]byte(key), func(c rune) bool { return c < '!' || c > '~' }):
		wrong = "must be of visible ASCII characters, without spaces"
	default:
		return key, nil
	}
	return "", fault.InvalidField(idempotencyHeader, "%s", wrong).WithHint("Make a random one, such as a UUID, for each new request.")
}

// notAgain is the problem that an earlier request with the same key is.
func notAgain(r *idempotency.Refusal) error {
	switch r.Why {
	case idempotency.Running:
		return &refusal{
			runningKind, "The first request with this Idempotency-Key is at work still; nothing was done now.",
			"Wait a moment, and send it again with the same key.",
		}
	case idempotency.Reused:
		return &refusal{
			differsKind, "Another request was sent with this Idempotency-Key: path, body or If-Match differ. Nothing was done now.",
			"Give each new request a key of its own, and send a request again exactly as it was.",
		}
	case idempotency.Told:
		return &refusal{notKeptKind, "The first request with this Idempotency-Key was carried out. Its answer held what is told once and kept nowhere; nothing was done now.", renew(r.Location)}
	case idempotency.Large:
		return &refusal{
			notKeptKind, "The first request with this Idempotency-Key was carried out. Its answer was too large to be kept; nothing was done now.",
			"Read what there is now. To do it again, use another key.",
		}
	default:
		return &refusal{
			notKeptKind, "The first request with this Idempotency-Key did something and was cut off before its answer was kept; nothing was done now.",
			"Look at what is there, or in the audit log, before you send what is missing with another key.",
		}
	}
}

// renew says what to do where a value that is told once was lost.
func renew(location string) string {
	if location == "" {
		return "If it was lost, ask for a new one with another key."
	}
	return "What it made is at " + location + ": if what was told of it was lost, renew or end it there, with another key."
}

// heldAnswer keeps an answer back until it is kept.
type heldAnswer struct {
	http.ResponseWriter
	status int
	body   []byte
	plain  bool // the body is known to hold no value
}

// WriteHeader notes the status.
func (h *heldAnswer) WriteHeader(status int) {
	if h.status == 0 {
		h.status = status
	}
}

// Write notes a part of the body.
func (h *heldAnswer) Write(part []byte) (int, error) {
	h.WriteHeader(http.StatusOK)
	h.body = append(h.body, part...)
	return len(part), nil
}

// mayHoldValue is true of every body that write did not say to be without one.
func (h *heldAnswer) mayHoldValue() bool { return len(h.body) > 0 && !h.plain }

func (h *heldAnswer) kept() idempotency.Answer {
	header := map[string]string{}
	for _, name := range keptHeaders {
		if value := h.Header().Get(name); value != "" {
			header[name] = value
		}
	}
	return idempotency.Answer{Status: h.status, Header: header, Body: h.body}
}

func (h *heldAnswer) send() {
	h.ResponseWriter.WriteHeader(h.status)
	_, _ = h.ResponseWriter.Write(h.body) // the client is gone where this fails
}
