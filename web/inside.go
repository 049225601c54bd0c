package web

import (
	"crypto/sha256"
	"crypto/subtle"
	"net/http"
	"strings"
)

// isInside reports whether a request may learn of an installation's inside: it was made on
// this machine itself, or, where there is a token for it, brings that. With the token, this
// machine has to bring it too: a proxy on it that adds no header cannot be told from it.
func (w *Web) isInside(r *http.Request) bool {
	if w.MetricsToken == "" {
		return w.Origin.isHere(r)
	}
	scheme, token, _ := strings.Cut(r.Header.Get("Authorization"), " ")
	want, got := sha256.Sum256([]byte(w.MetricsToken)), sha256.Sum256([]byte(strings.TrimSpace(token)))
	return strings.EqualFold(scheme, "Bearer") && subtle.ConstantTimeCompare(want[:], got[:]) == 1
}

// inside lets in only who may learn of it; for others there is nothing.
func (w *Web) inside(next http.Handler) http.Handler {
	return http.HandlerFunc(func(rw http.ResponseWriter, r *http.Request) {
		if !w.isInside(r) {
			http.NotFound(rw, r)
			return
		}
		next.ServeHTTP(rw, r)
	})
}
