package web_test

import (
	"context"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/your-org/keeper/auth"
	"github.com/your-org/keeper/models"
	"github.com/your-org/keeper/secrets"
)

// bearer makes a token of a user's own.
func (h *house) bearer(name string, scope models.TokenScope) string {
	h.t.Helper()
	actor, err := h.auth.Local(context.Background(), name)
	must(h.t, err)
	text, _, err := h.auth.CreateToken(context.Background(), actor, auth.NewToken{Name: "test", Scope: scope})
	must(h.t, err)
	return text
}

// TestTokenNetworksBehindProxies uses a token that is bound to a network from elsewhere, with
// all that a client can say of where it is.
func TestTokenNetworksBehindProxies(t *testing.T) {
	h := newHouseWith(t, houseOptions{trusted: "10.0.0.0/8"})
	h.user("ada", models.RoleAdmin, nil)
	text := h.bearer("ada", models.TokenScope{Networks: []netip.Prefix{netip.MustParsePrefix("203.0.113.0/24")}})
	for name, c := range map[string]struct {
		remote  string
		headers []string
		good    bool
	}{
		"There":           {"203.0.113.9:1", nil, true},
		"ThereAsIPv6":     {"[::ffff:203.0.113.9]:1", nil, true},
		"ThroughProxy":    {"10.0.0.1:1", []string{"X-Forwarded-For", "203.0.113.9"}, true},
		"ThroughTwo":      {"10.0.0.1:1", []string{"X-Forwarded-For", "203.0.113.9, 10.0.0.2"}, true},
		"Elsewhere":       {"198.51.100.1:1", nil, false},
		"SaysItIsThere":   {"198.51.100.1:1", []string{"X-Forwarded-For", "203.0.113.9"}, false},
		"SaysSoToProxy":   {"10.0.0.1:1", []string{"X-Forwarded-For", "203.0.113.9, 198.51.100.1"}, false},
		"HidesItself":     {"10.0.0.1:1", []string{"X-Forwarded-For", "203.0.113.9, nonsense"}, false},
		"IsAProxy":        {"10.0.0.1:1", nil, false},
		"RealIP":          {"198.51.100.1:1", []string{"X-Real-Ip", "203.0.113.9"}, false},
		"RealIPAtProxy":   {"10.0.0.1:1", []string{"X-Real-Ip", "203.0.113.9"}, false},
		"Forwarded":       {"10.0.0.1:1", []string{"Forwarded", "for=203.0.113.9"}, false},
		"ClientIPAtProxy": {"10.0.0.1:1", []string{"True-Client-Ip", "203.0.113.9", "Cf-Connecting-Ip", "203.0.113.9"}, false},
		"NoAddress":       {"@", []string{"X-Forwarded-For", "203.0.113.9"}, false},
	} {
		t.Run(name, func(t *testing.T) {
			want := map[bool]int{true: http.StatusOK, false: http.StatusUnauthorized}[c.good]
			out := serve(h.handler, "/api/environments", c.remote, append([]string{"Authorization", "Bearer " + text}, c.headers...)...)
			if out.Code != want {
				t.Errorf("got %d, want %d", out.Code, want)
			}
		})
	}
}

// TestNoOtherOriginReads asks as another site's script does, before and after it may: no answer
// lets a browser hand it over.
func TestNoOtherOriginReads(t *testing.T) {
	h := newHouse(t)
	h.user("ada", models.RoleAdmin, nil)
	text := h.bearer("ada", models.TokenScope{})
	for _, path := range []string{"/", "/sign-in", "/profile", "/events", "/api/secrets", "/api/tokens/revoke", "/openapi.json", "/docs", "/healthz", "/metrics", "/static/none"} {
		for _, method := range []string{http.MethodOptions, http.MethodGet, http.MethodHead} {
			r := httptest.NewRequest(method, "http://localhost"+path, http.NoBody)
			r.RemoteAddr = "127.0.0.1:1"
			r.Header.Set("Origin", "https://evil.example")
			r.Header.Set("Access-Control-Request-Method", "POST")
			r.Header.Set("Access-Control-Request-Headers", "authorization")
			r.Header.Set("Authorization", "Bearer "+text)
			out := httptest.NewRecorder()
			h.handler.ServeHTTP(out, r)
			for name := range out.Header() {
				if strings.HasPrefix(name, "Access-Control-") || name == "Timing-Allow-Origin" {
					t.Errorf("%s %s (%d) answers with %s", method, path, out.Code, name)
				}
			}
		}
	}
}

// TestPlantedCookies has a browser sign in with cookies that somebody else put there: none of
// them stands for the session afterwards.
func TestPlantedCookies(t *testing.T) {
	h := newHouse(t)
	h.user("ada", models.RoleAdmin, nil)
	h.user("eve", models.RoleUser, nil)
	at, err := url.Parse(h.url)
	must(t, err)
	planted := h.as("eve").cookie("keeper")
	for name, value := range map[string]string{"Invented": strings.Repeat("A", 43), "Eves": planted} {
		t.Run(name, func(t *testing.T) {
			v := h.visitor()
			v.client.Jar.SetCookies(at, []*http.Cookie{
				{Name: "keeper", Value: value, Path: "/"}, {Name: "keeper-visit", Value: strings.Repeat("B", 26), Path: "/"}, {Name: "keeper-step", Value: strings.Repeat("C", 43), Path: "/"},
			})
			token := tokenOf(v.get("/"))
			v.post("/sign-in", url.Values{"username": {"ada"}, "password": {password}, "csrf_token": {token}}).want(http.StatusOK, "h1", "Overview")
			if got := v.cookie("keeper"); got == value || got == "" {
				t.Error("the planted identifier stands for the session")
			}
			if p := h.visitor().staying().get("/profile", "Cookie", "keeper="+value); p.status != http.StatusSeeOther {
				t.Errorf("who planted it gets %d", p.status)
			}
			if v.cookie("keeper-visit") != "" || v.cookie("keeper-step") != "" {
				t.Error("the other planted cookies are still there")
			}
		})
	}
}

// TestOwnBrowserIsNotLockedOut has somebody at the same address use up the tries of an account:
// the browser in which its person signed in before is counted for itself, also after a change
// of the password.
func TestOwnBrowserIsNotLockedOut(t *testing.T) {
	const next = "a quite different one"
	h := newHouse(t)
	h.user("ada", models.RoleAdmin, nil)
	v := h.as("ada")
	if v.cookie("keeper-device") == "" {
		t.Fatal("the browser keeps nothing of the sign-in")
	}
	v.get("/password").form("/password").set("current_password", password).set("new_password", next).set("repeat_password", next).
		submit().want(http.StatusOK, ".flash-done", "Your password is changed")
	v.get("/").form("/sign-out").submit().want(http.StatusOK, "h1", "Sign in")
	stranger := h.visitor()
	for range 10 {
		stranger.signIn("ada", "wrong").want(http.StatusUnauthorized, "", "")
	}
	stranger.signIn("ada", next).want(http.StatusTooManyRequests, "", "")
	v.signIn("ada", next).want(http.StatusOK, "h1", "Overview")
}

// TestLongAndDeepBodies sends what costs a parser much: it is refused soon, and not unpacked.
func TestLongAndDeepBodies(t *testing.T) {
	h := newHouse(t)
	h.user("ada", models.RoleAdmin, nil)
	h.environment("production")
	text := h.bearer("ada", models.TokenScope{})
	post := func(path, kind, body string, headers ...string) *httptest.ResponseRecorder {
		t.Helper()
		r := httptest.NewRequest(http.MethodPost, "http://localhost"+path, strings.NewReader(body))
		r.RemoteAddr = "127.0.0.1:1"
		r.Header.Set("Content-Type", kind)
		r.Header.Set("Authorization", "Bearer "+text)
		for i := 0; i+1 < len(headers); i += 2 {
			r.Header.Set(headers[i], headers[i+1])
		}
		out := httptest.NewRecorder()
		begin := time.Now()
		h.handler.ServeHTTP(out, r)
		if took := time.Since(begin); took > 5*time.Second {
			t.Errorf("%s took %s", path, took)
		}
		return out
	}
	secret := func(kind, value string) string {
		return `{"name":"x","secret_type":"` + kind + `","environment_id":"production","value":"` + value + `"}`
	}
	deep := strings.Repeat("[", 32_000)
	zipped := "\x1f\x8b\x08\x00\x00\x00\x00\x00\x00\x03"
	for name, c := range map[string]struct {
		kind, body string
		headers    []string
		want       int
	}{
		"DeepBody":       {"application/json", strings.Repeat("[", 1<<19), nil, http.StatusBadRequest},
		"DeepObjects":    {"application/json", strings.Repeat(`{"a":`, 1<<17), nil, http.StatusBadRequest},
		"DeepJSONValue":  {"application/json", secret("JSON", deep+strings.Repeat("]", 32_000)), nil, http.StatusBadRequest},
		"DeepYAMLValue":  {"application/json", secret("YAML", deep), nil, http.StatusBadRequest},
		"YAMLAliases":    {"application/json", secret("YAML", aliases(12)), nil, http.StatusCreated}, // kept as it is: nobody expands it
		"Long":           {"application/json", `{"name":"` + strings.Repeat("x", 2<<20), nil, http.StatusRequestEntityTooLarge},
		"Zipped":         {"application/json", zipped, []string{"Content-Encoding", "gzip"}, http.StatusBadRequest},
		"Multipart":      {"multipart/form-data; boundary=x", "--x\r\n", nil, http.StatusUnsupportedMediaType},
		"FormEncoded":    {"application/x-www-form-urlencoded", "name=x", nil, http.StatusUnsupportedMediaType},
		"TextThatIsJSON": {"text/plain", secret("TEXT", "x"), nil, http.StatusUnsupportedMediaType}, // what a foreign form can send
	} {
		t.Run(name, func(t *testing.T) {
			if out := post("/api/secrets", c.kind, c.body, c.headers...); out.Code != c.want {
				t.Errorf("got %d, want %d: %.200s", out.Code, c.want, out.Body)
			}
		})
	}
}

// aliases is a YAML document that would have ten to the n leaves, written out; as JSON escapes it.
func aliases(n int) string {
	var b strings.Builder
	b.WriteString(`a: &a [x]\n`)
	for i := 1; i < n; i++ {
		before, here := string(rune('a'+i-1)), string(rune('a'+i))
		b.WriteString(here + `: &` + here + ` [` + strings.TrimSuffix(strings.Repeat(`*`+before+`,`, 10), ",") + `]\n`)
	}
	return b.String()
}

// TestNewIdentifierWithNewRights gives a role to somebody who is signed in: the next page brings
// the browser another identifier, and with the one before nothing is done that takes a proof.
func TestNewIdentifierWithNewRights(t *testing.T) {
	h := newHouse(t)
	h.user("max", models.RoleUser, nil)
	e := h.environment("production")
	v := h.as("max")
	old := v.cookie("keeper")
	v.get("/")
	if v.cookie("keeper") != old {
		t.Fatal("it changes with nothing changed")
	}
	must(t, h.auth.SetMember(context.Background(), models.System(), e.ID, "max", models.RoleManager))
	v.get("/environments/production").want(http.StatusOK, "h1", "")
	if got := v.cookie("keeper"); got == old || got == "" {
		t.Error("the identifier of before the change stands for more rights")
	}
	stale := h.visitor().staying()
	if p := stale.get("/environments/production/members", "Cookie", "keeper="+old); p.status != http.StatusOK && p.status != http.StatusSeeOther {
		t.Errorf("the identifier of before gets %d", p.status) // for a moment, for what a page is fetching
	}
	p := stale.get("/profile", "Cookie", "keeper="+old)
	form := p.form("/sign-out").values
	form.Set("user", "max")
	form.Set("role", "viewer")
	if q := stale.post("/environments/production/members", form, "Cookie", "keeper="+old); q.status == http.StatusOK || q.status == http.StatusSeeOther && !strings.HasPrefix(q.header.Get("Location"), "/prove") {
		t.Errorf("with the identifier of before, a role is given: %d to %s", q.status, q.header.Get("Location"))
	}
}

// TestConnectingAProtectedEnvironmentAsks for the proof before the form is filled in, and does
// nothing without it: what is typed as credentials no page shows again.
func TestConnectingAProtectedEnvironmentAsks(t *testing.T) {
	h := newHouse(t)
	h.user("ada", models.RoleAdmin, nil)
	open, shut := h.environment("open"), h.environment("shut")
	stands := h.destination(shut, "stands")
	on := true
	_, err := h.secrets.UpdateEnvironment(context.Background(), models.System(), shut.ID, secrets.EnvironmentChange{Protected: &on}, 0)
	must(t, err)
	v := h.as("ada")
	edit := "/destinations/" + string(stands.ID) + "/edit"
	v.get("/environments/shut/destinations/new").want(http.StatusOK, "h1", "")
	v.get(edit).want(http.StatusOK, "h1", "")
	h.age()
	for _, path := range []string{"/environments/shut/destinations/new", edit} {
		if p := v.get(path); p.path() != "/prove" || p.url.Query().Get("next") != path {
			t.Errorf("%s leads to %s", path, p.url)
		}
	}
	if p := v.get("/environments/open/destinations/new"); p.path() == "/prove" {
		t.Error("an environment that is not protected asks, too")
	}
	token := tokenOf(v.get("/environments/shut"))
	v.post("/environments/shut/destinations", url.Values{"csrf_token": {token}, "kind": {"memory"}, "name": {"thief"}, "skip_check": {"true"}}).
		want(http.StatusForbidden, "", "")
	all, err := h.dests.List(context.Background(), models.System(), 0)
	must(t, err)
	if len(all) != 1 || all[0].EnvironmentID == open.ID {
		t.Errorf("there are now %d destinations", len(all))
	}
}
