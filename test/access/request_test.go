package access

import (
	"cmp"
	"context"
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"
)

// world is the house, what is in it, and how it was.
type world struct {
	*house
	*watch
	here, away place
	used       map[string]bool // the things that were asked with; nil: nobody wants to know
}

// pathNames say for which thing {id} stands, by the start of a path.
var pathNames = []struct{ start, thing string }{
	{"/api/secrets/{id}/undelete", "deleted"},
	{"/api/secrets/", "secret"},
	{"/api/environments/", "environment"},
	{"/api/destinations/", "destination"},
	{"/api/sync/runs/{id}/retry", "failed-run"},
	{"/sync/runs/{run}/retry", "failed-run"},
	{"/api/sync/runs/", "run"},
	{"/api/sync/imports/", "import"},
	{"/api/sync/plans/", "plan"},
	{"/api/alerts/", "alert"},
	{"/api/alert-channels/", "channel"},
	{"/api/key-runs/", "key-run"},
	{"/api/tokens/", "token"},
	{"/api/groups/", "environment"},
	{"/keys/runs/", "key-run"},
	{"/secrets/{secret}/undelete", "deleted"},
	{"/environments/", "environment-name"},
}

// others are parameters that stand for another thing than their own name, by the start of a
// path and the parameter.
var others = map[string]string{
	"/api/users/{user}/tokens {user}": "service", "/admin/users/{user}/tokens {user}": "service",
	"/api/destinations/{id}/adoptions/ {secret}": "released", "/destinations/{destination}/copies/ {secret}": "released",
	"/admin/users/{user}/tokens {token}": "service-token", "/admin/users/{user}/sessions {session}": "user-session",
	"/api/users/{user}/sessions {session}": "user-session",
}

var parameter = regexp.MustCompile(`\{([a-z]+)\}`)

// path puts a caller's and the place's things into the parameters of a route.
func (w *world) path(t *testing.T, asked string, c *caller) string {
	t.Helper()
	_, path, _ := strings.Cut(asked, " ")
	return parameter.ReplaceAllStringFunc(path, func(name string) string {
		thing := strings.Trim(name, "{}")
		for _, p := range pathNames {
			if strings.HasPrefix(path, p.start) && (thing == "id" || thing == "run" || p.thing == "deleted") {
				thing = p.thing
				break
			}
		}
		switch {
		case otherThan(path, name) != "":
			thing = otherThan(path, name)
		case thing == "member":
			thing = "user"
		case thing == "number":
			thing = "version"
		}
		return w.thing(t, asked, thing, c)
	})
}

func otherThan(path, name string) string {
	for at, thing := range others {
		if start, of, _ := strings.Cut(at, " "); of == name && strings.HasPrefix(path, start) {
			return thing
		}
	}
	return ""
}

func (w *world) thing(t *testing.T, asked, thing string, c *caller) string {
	t.Helper()
	if w.used != nil {
		w.used[thing] = true
	}
	if id := c.ids[thing]; id != "" {
		return id
	}
	if id := w.here.ids[thing]; id != "" {
		return id
	}
	if thing == "token" || thing == "session" || thing == "passkey" || thing == "prove-response" {
		return "none" // who has none asks for one that is not there
	}
	t.Fatalf("%s: nothing is seeded for {%s}: make it in test/access/seed_test.go", asked, thing)
	return ""
}

var reference = regexp.MustCompile(`<([a-z-]+)>`)

// filled puts things into a body, a query or a command, where <name> stands for one.
func (w *world) filled(t *testing.T, asked, text string, c *caller, quote func(string) string) string {
	t.Helper()
	return reference.ReplaceAllStringFunc(text, func(name string) string {
		switch name {
		case "<code>":
			return w.code(t, c.app)
		case "<halfway-code>":
			return w.code(t, w.here.ids["app"])
		}
		return quote(w.thing(t, asked, strings.Trim(name, "<>"), c))
	})
}

// asJSON is a text as it stands between the quotes of JSON.
func asJSON(text string) string {
	quoted, _ := json.Marshal(text) // a string has no reason to fail
	return string(quoted[1 : len(quoted)-1])
}

// reply is what came back for a request or a command.
type reply struct {
	answer answer
	body   string
	status int
}

// steps are the paths whose requests go on with what was begun, and its identifier.
var steps = map[string]string{
	"/sign-in/step": "step", "/sign-in/passkey": "passkey-step", "/prove/passkey": "prove-step",
}

// stopped are the statuses with which an allowed request may end before its aim.
var stopped = []int{
	http.StatusBadRequest, http.StatusConflict, http.StatusPreconditionFailed, http.StatusUnprocessableEntity, http.StatusServiceUnavailable,
}

// send sends a request as a caller.
func (w *world) send(t *testing.T, method, target, contentType, body string, c *caller) *httptest.ResponseRecorder {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	r := httptest.NewRequest(method, target, strings.NewReader(body)).WithContext(ctx)
	r.Host = "localhost"
	if body != "" || method == http.MethodPost && contentType != "application/json" {
		r.Header.Set("Content-Type", contentType)
	}
	if c.token != "" {
		r.Header.Set("Authorization", "Bearer "+c.token)
	}
	for _, cookie := range c.cookies {
		r.AddCookie(cookie)
	}
	if step := steps[target]; step != "" {
		r.AddCookie(&http.Cookie{Name: "keeper-step", Value: cmp.Or(c.ids[step], w.here.ids[step])})
	}
	r.Header.Set("X-CSRF-Token", c.form)
	out := httptest.NewRecorder()
	if strings.HasPrefix(target, "/events") {
		w.handler.ServeHTTP(&firstWords{out, cancel}, r)
	} else {
		w.handler.ServeHTTP(out, r)
	}
	return out
}

// firstWords ends a request that would never end by itself when it begins to be answered.
type firstWords struct {
	*httptest.ResponseRecorder
	end func()
}

func (f *firstWords) Write(b []byte) (int, error) {
	defer f.end()
	return f.ResponseRecorder.Write(b)
}

// ask sends a request as a caller, and says how it was answered.
func (w *world) ask(t *testing.T, method, target, contentType, body string, c *caller) reply {
	t.Helper()
	out := w.send(t, method, target, contentType, body, c)
	got := reply{body: out.Body.String(), status: out.Code}
	switch location := out.Header().Get("Location"); {
	case out.Code == http.StatusUnauthorized, out.Code == http.StatusSeeOther && strings.HasPrefix(location, "/sign-in") && !strings.HasPrefix(target, "/sign-"):
		got.answer = signIn
	case out.Code == http.StatusSeeOther && strings.HasPrefix(location, "/prove?"), out.Code == http.StatusForbidden && strings.Contains(got.body, "proof of who you are"):
		got.answer = prove
	case out.Code == http.StatusForbidden:
		got.answer = refused
	case out.Code == http.StatusNotFound:
		got.answer = absent
	case out.Code < http.StatusBadRequest, slices.Contains(stopped, out.Code):
		got.answer = allowed
	default:
		got.answer = answer(http.StatusText(out.Code))
	}
	for name, values := range out.Header() {
		got.body += "\n" + name + ": " + strings.Join(values, ", ")
	}
	// What a caller asked with is no news to it.
	for _, own := range []string{target, strings.ReplaceAll(target, "/", "%2F")} {
		got.body = strings.ReplaceAll(got.body, own, "")
	}
	return got
}
