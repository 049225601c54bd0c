package rest

import (
	"net/http"
	"net/url"
	"slices"
	"strings"

	"github.com/your-org/keeper/fault"
)

// methods are those that a route may answer.
var methods = []string{
	http.MethodGet, http.MethodHead, http.MethodPost, http.MethodPut, http.MethodPatch, http.MethodDelete,
}

// noRoute answers what no route of the mux takes: with the methods that the path does take,
// or as not found.
func (s *server) noRoute(mux *http.ServeMux) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		var allowed []string
		for _, method := range methods {
			probe := &http.Request{Method: method, URL: r.URL, Host: r.Host}
			if _, pattern := mux.Handler(probe); pattern != "/" && pattern != "" {
				allowed = append(allowed, method)
			}
		}
		if len(allowed) == 0 {
			s.fail(w, r, fault.New(fault.NotFound, "There is nothing at this path.").WithHint("What there is stands at /docs."))
			return
		}
		w.Header().Set("Allow", strings.Join(allowed, ", "))
		s.fail(w, r, &refusal{methodKind, "This path does not take " + known(r.Method) + ".", "It takes " + strings.Join(allowed, ", ") + "."})
	}
}

// known keeps a method that a client made up out of the answer.
func known(method string) string {
	if slices.Contains(methods, method) {
		return method
	}
	return "this method"
}

// knownQuery refuses parameters that the operation does not have: one that is misspelt must
// not be overlooked, for it may have been meant to leave something out.
func (s *server) knownQuery(names map[string][]string) MiddlewareFunc {
	return func(next http.Handler) http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			if r.URL.RawQuery == "" {
				next.ServeHTTP(w, r)
				return
			}
			given, err := url.ParseQuery(r.URL.RawQuery)
			if err != nil {
				s.fail(w, r, fault.New(fault.Invalid, "The URL's query cannot be read.").WithHint("Percent-encode it."))
				return
			}
			takes := names[r.Pattern]
			for name := range given {
				if !slices.Contains(takes, name) {
					s.fail(w, r, unknownParameter(name, takes))
					return
				}
			}
			next.ServeHTTP(w, r)
		})
	}
}

func unknownParameter(name string, takes []string) error {
	err := fault.InvalidField(plain(name), "is not a parameter of this operation")
	if len(takes) == 0 {
		return err.WithHint("It takes none.")
	}
	return err.WithHint("It takes %s.", strings.Join(takes, ", "))
}
