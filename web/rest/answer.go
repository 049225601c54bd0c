package rest

import (
	"context"
	"net/http"
	"net/url"
	"strconv"
	"time"

	"github.com/your-org/keeper/api"
	"github.com/your-org/keeper/fault"
	"github.com/your-org/keeper/models"
)

// answer is what an operation gives back.
type answer struct {
	status   int // 0: 200
	body     any // nil: none
	revision int64
	location string
	next     string // cursor of the next page
}

// serve runs an operation for the actor of the request and writes what it gives back.
func (s *server) serve(w http.ResponseWriter, r *http.Request, operation func(context.Context, models.Actor) (answer, error)) {
	ctx := r.Context()
	a, err := operation(ctx, actorOf(ctx))
	if err != nil {
		s.fail(w, r, err)
		return
	}
	h := w.Header()
	if a.revision != 0 {
		h.Set("ETag", strconv.Quote(decimal(a.revision)))
	}
	if a.location != "" {
		h.Set("Location", a.location)
	}
	if a.next != "" {
		h.Set("Link", "<"+nextPage(r.URL, a.next)+`>; rel="next"`)
	}
	if a.status == 0 {
		a.status = http.StatusOK
	}
	if a.body == nil {
		w.WriteHeader(a.status)
		return
	}
	write(w, a.status, "application/json", a.body)
}

// write encodes a body and sends it in one piece. The buffer is wiped: it may hold a value.
func write(w http.ResponseWriter, status int, kind string, body any) {
	encoded, err := api.Marshal(body)
	defer clear(encoded)
	if err != nil {
		http.Error(w, http.StatusText(http.StatusInternalServerError), http.StatusInternalServerError)
		return
	}
	if held, ok := w.(*heldAnswer); ok {
		held.plain = !api.HoldsValue(body)
	}
	h := w.Header()
	h.Set("Content-Type", kind)
	h.Set("Content-Length", strconv.Itoa(len(encoded)))
	w.WriteHeader(status)
	_, _ = w.Write(encoded) //nolint:gosec // JSON, sent as such; the client is gone where this fails
}

func nextPage(u *url.URL, cursor string) string {
	query := u.Query()
	query.Set("cursor", cursor)
	return u.Path + "?" + query.Encode()
}

// pageLimit is the size of a page that the caller asked for.
func pageLimit(asked *int) (int, error) {
	switch {
	case asked == nil:
		return 50, nil
	case *asked < 1 || *asked > 200:
		return 0, fault.InvalidField("limit", "must be between 1 and 200")
	default:
		return *asked, nil
	}
}

func decimal[T ~int64](n T) string { return strconv.FormatInt(int64(n), 10) }

// moment is a time as the wire has it: UTC, and the zero time, which is left out, for none.
func moment(t *time.Time) time.Time {
	if t == nil {
		return time.Time{}
	}
	return t.UTC()
}

// convert turns each of a list; the wire never has null for an empty one.
func convert[From, To any](list []From, one func(From) To) []To {
	converted := make([]To, len(list))
	for i, item := range list {
		converted[i] = one(item)
	}
	return converted
}
