package web_test

import (
	"bytes"
	"crypto/tls"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/your-org/keeper/models"
	"github.com/your-org/keeper/templates"
	"github.com/your-org/keeper/web"
)

// foreignRoutes are the changes that other sites' pages may send: what an identity provider
// signed. Nothing else belongs here.
var foreignRoutes = []templates.Route{
	{Method: http.MethodPost, Path: "/saml/{provider}/acs"}, {Method: http.MethodPost, Path: "/saml/{provider}/slo"},
}

// withoutToken is the one operation of the API that asks for no token.
var withoutToken = templates.Route{Method: http.MethodPost, Path: "/api/tokens/revoke"}

// filled is a route's path with something in its blanks.
func filled(path string) string {
	segments := strings.Split(path, "/")
	for i, s := range segments {
		if strings.HasPrefix(s, "{") {
			segments[i] = "1"
		}
	}
	return strings.Join(segments, "/")
}

// TestForgedPages sends every change that there is a page for as other sites' pages can; see
// TestFormTokens for those that get past the browser's word of where they come from.
func TestForgedPages(t *testing.T) {
	h := newHouse(t)
	h.user("ada", models.RoleAdmin, nil)
	v := h.as("ada").staying()
	token := v.get("/profile").form("/sign-out").value("csrf_token")
	stranger := h.visitor()
	stranger.get("/sign-in")
	for _, route := range templates.Routes {
		if route.Method == http.MethodGet || slices.Contains(foreignRoutes, route) {
			continue
		}
		path := filled(route.Path)
		for name, headers := range map[string][]string{
			"CrossSite":   {"Sec-Fetch-Site", "cross-site"},
			"SameSite":    {"Sec-Fetch-Site", "same-site"},
			"OtherOrigin": {"Origin", "https://evil.example"},
			"NullOrigin":  {"Origin", "null"},
		} {
			if p := v.post(path, url.Values{"csrf_token": {token}}, headers...); p.status != http.StatusForbidden || !strings.Contains(p.body, "came from another site") {
				t.Errorf("%s %s, %s: got %d %s", route.Method, path, name, p.status, p.text("body"))
			}
		}
		if p := stranger.post(path, url.Values{"csrf_token": {token}}); p.status != http.StatusForbidden && p.status != http.StatusUnauthorized && p.path() != "/sign-in" {
			t.Errorf("%s %s with another's token: got %d at %s", route.Method, path, p.status, p.path())
		}
	}
}

// TestForgedOperations sends every change of the API as other sites' pages can: with the
// browser's cookies, which count for nothing there, and from another origin.
func TestForgedOperations(t *testing.T) {
	h := newHouse(t)
	h.user("ada", models.RoleAdmin, nil)
	v := h.as("ada")
	var document struct {
		Paths map[string]map[string]json.RawMessage `json:"paths"`
	}
	must(t, json.Unmarshal([]byte(v.get("/openapi.json").body), &document))
	asked := 0
	for path, operations := range document.Paths {
		for method := range operations {
			method = strings.ToUpper(method)
			route := templates.Route{Method: method, Path: path}
			if !slices.Contains([]string{http.MethodPost, http.MethodPut, http.MethodPatch, http.MethodDelete}, method) || !strings.HasPrefix(path, "/api/") {
				continue
			}
			asked++
			if p := v.do(method, filled(path), nil, "Sec-Fetch-Site", "cross-site"); p.status != http.StatusForbidden {
				t.Errorf("%s %s from another site: got %d", method, path, p.status)
			}
			p := v.do(method, filled(path), nil)
			if (p.status == http.StatusUnauthorized) == (route == withoutToken) {
				t.Errorf("%s %s with cookies alone: got %d", method, path, p.status)
			}
		}
	}
	if asked < 20 {
		t.Errorf("only %d operations were found", asked)
	}
}

// TestCookies holds each cookie to its flags, over TLS and without.
func TestCookies(t *testing.T) {
	cases := map[string]struct {
		options houseOptions
		headers []string
		tls     bool
		secure  bool
	}{
		"Plain":          {houseOptions{}, nil, false, false},
		"PublicURL":      {houseOptions{publicURL: "https://keeper.example.com"}, nil, false, true},
		"TLS":            {houseOptions{}, nil, true, true},
		"TrustedProxy":   {houseOptions{trusted: "127.0.0.1/32"}, []string{"X-Forwarded-For", "203.0.113.9", "X-Forwarded-Proto", "https"}, false, true},
		"TwoProxies":     {houseOptions{trusted: "127.0.0.1/32"}, []string{"X-Forwarded-For", "203.0.113.9", "X-Forwarded-Proto", "http, https"}, false, true},
		"PlainAtProxy":   {houseOptions{trusted: "127.0.0.1/32"}, []string{"X-Forwarded-For", "203.0.113.9", "X-Forwarded-Proto", "http"}, false, false},
		"UntrustedProxy": {houseOptions{}, []string{"X-Forwarded-Proto", "https"}, false, false},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			h := newHouseWith(t, c.options)
			h.user("ada", models.RoleAdmin, nil)
			seen := map[string]bool{}
			var jar []*http.Cookie
			ask := func(method, path string, form url.Values) *http.Response {
				r := httptest.NewRequest(method, "http://localhost"+path, strings.NewReader(form.Encode()))
				r.RemoteAddr = "127.0.0.1:4711"
				r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
				for i := 0; i+1 < len(c.headers); i += 2 {
					r.Header.Set(c.headers[i], c.headers[i+1])
				}
				if c.tls {
					r.TLS = &tls.ConnectionState{}
				}
				for _, cookie := range jar {
					r.AddCookie(cookie)
				}
				out := httptest.NewRecorder()
				h.handler.ServeHTTP(out, r)
				answer := out.Result()
				jar = append(jar, answer.Cookies()...)
				for _, cookie := range answer.Cookies() {
					seen[strings.TrimPrefix(cookie.Name, "__Host-")] = true
					if !cookie.HttpOnly || cookie.Path != "/" || cookie.Domain != "" || cookie.SameSite != http.SameSiteLaxMode && cookie.SameSite != http.SameSiteStrictMode {
						t.Errorf("%s", cookie)
					}
					if cookie.Secure != c.secure || strings.HasPrefix(cookie.Name, "__Host-") != c.secure {
						t.Errorf("Secure is %t: %s", cookie.Secure, cookie)
					}
				}
				if hsts := answer.Header.Get("Strict-Transport-Security"); (hsts != "") != c.secure {
					t.Errorf("%s: HSTS is %q", path, hsts)
				}
				return answer
			}
			form := parse(t, ask(http.MethodGet, "/sign-in", nil))
			answer := ask(http.MethodPost, "/sign-in", url.Values{"csrf_token": {form}, "username": {"ada"}, "password": {password}})
			if answer.StatusCode != http.StatusSeeOther || !seen["keeper"] || !seen["keeper-visit"] {
				t.Errorf("the sign-in answers %d with the cookies %v", answer.StatusCode, seen)
			}
		})
	}
}

// parse finds the form token in a page.
func parse(t *testing.T, answer *http.Response) string {
	t.Helper()
	body, err := io.ReadAll(answer.Body)
	must(t, err)
	_, rest, found := bytes.Cut(body, []byte(`name="csrf_token" value="`))
	token, _, ended := bytes.Cut(rest, []byte(`"`))
	if !found || !ended {
		t.Fatalf("the page (%d) has no form token", answer.StatusCode)
	}
	return string(token)
}

// TestHosts holds for which names Keeper answers.
func TestHosts(t *testing.T) {
	named := newHouseWith(t, houseOptions{publicURL: "https://keeper.example.com", hosts: []string{"vault-door.internal"}})
	open := newHouse(t)
	cases := map[string]struct {
		h    *house
		host string
		path string
		took bool
	}{
		"PublicURL":          {named, "keeper.example.com", "/sign-in", true},
		"PortUpperCaseDot":   {named, "KEEPER.example.com.:8443", "/sign-in", true},
		"Allowed":            {named, "vault-door.internal", "/sign-in", true},
		"Localhost":          {named, "localhost:8989", "/sign-in", true},
		"Loopback":           {named, "127.0.0.1", "/sign-in", true},
		"Loopback6":          {named, "[::1]:8989", "/sign-in", true},
		"OtherName":          {named, "evil.example", "/sign-in", false},
		"Suffix":             {named, "keeper.example.com.evil.example", "/sign-in", false},
		"Prefix":             {named, "evilkeeper.example.com", "/sign-in", false},
		"UserInfo":           {named, "keeper.example.com@evil.example", "/sign-in", false},
		"LocalhostOfAnother": {named, "localhost.evil.example", "/sign-in", false},
		"AddressIsNoName":    {named, "203.0.113.9", "/sign-in", false},
		"ProbeByAddress":     {named, "203.0.113.9:8989", "/readyz", true},
		"ProbeByOtherName":   {named, "evil.example", "/metrics", false},
		"API":                {named, "evil.example", "/api/secrets", false},
		"Static":             {named, "evil.example", "/static/x/app.css", false},
		"OpenAddress":        {open, "203.0.113.9:8989", "/sign-in", true},
		"OpenAddress6":       {open, "[2001:db8::1]:8989", "/sign-in", true},
		"OpenLocalhost":      {open, "localhost", "/sign-in", true},
		"OpenOtherName":      {open, "evil.example", "/sign-in", false},
		"OpenMetrics":        {open, "evil.example", "/metrics", false},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			got := serve(c.h.handler, c.path, "127.0.0.1:1", "Host", c.host)
			if took := got.Code != http.StatusMisdirectedRequest; took != c.took {
				t.Errorf("%s of %s answers %d", c.path, c.host, got.Code)
			}
			if strings.Contains(got.Body.String(), "evil") {
				t.Errorf("the answer repeats the host: %s", got.Body)
			}
		})
	}
	t.Run("NothingIsMadeOfIt", func(t *testing.T) {
		got := serve(named.handler, "/secrets", "127.0.0.1:1", "Host", "keeper.example.com", "X-Forwarded-Host", "evil.example")
		if to := got.Header().Get("Location"); got.Code != http.StatusSeeOther || to != "/sign-in?next=%2Fsecrets" {
			t.Errorf("got %d to %q", got.Code, to)
		}
	})
}

// TestStrangers holds that a flood of requests of nobody's is refused before anything is
// looked up, and that who is known goes on.
func TestStrangers(t *testing.T) {
	h := newHouseWith(t, houseOptions{strangers: 1, trusted: "127.0.0.1/32"})
	h.user("ada", models.RoleAdmin, nil)
	from := func(address string, headers ...string) []string {
		return append([]string{"X-Forwarded-For", address}, headers...)
	}
	v := h.visitor()
	flood := func(address string, headers ...string) (refused int) {
		for range 30 {
			p := v.staying().get("/secrets", from(address, headers...)...)
			if p.status == http.StatusTooManyRequests {
				if p.header.Get("Retry-After") == "" {
					t.Error("the refusal does not say when to come again")
				}
				refused++
			}
		}
		return refused
	}
	friend := h.visitor()
	page := friend.get("/sign-in", from("203.0.113.9")...).form("/sign-in").set("username", "ada").set("password", password).submit(from("203.0.113.9")...)
	page.want(http.StatusOK, "", "") // and so is known
	if n := flood("203.0.113.9"); n < 10 {
		t.Errorf("%d of 30 requests were refused", n)
	}
	if n := flood("203.0.113.9", "Cookie", "keeper=invented"); n < 20 {
		t.Errorf("%d of 30 requests with an invented session were refused", n)
	}
	if p := v.get("/api/secrets", from("203.0.113.9", "Authorization", "Bearer kpr_invented")...); p.status != http.StatusTooManyRequests {
		t.Errorf("an invented token is answered %d", p.status)
	}
	for range 30 {
		friend.get("/secrets", from("203.0.113.9")...).want(http.StatusOK, "", "")
	}
	v.get("/healthz", from("203.0.113.9")...).want(http.StatusOK, "", "")
	if p := v.get("/sign-in", from("203.0.113.10")...); p.status != http.StatusOK {
		t.Errorf("the neighbour is answered %d", p.status)
	}
	v.get("/sign-in", from("2001:db8::1")...).want(http.StatusOK, "", "")
	flood("2001:db8::2")
	if p := v.get("/sign-in", from("2001:db8::3")...); p.status != http.StatusTooManyRequests {
		t.Errorf("another address of the same /64 is answered %d", p.status)
	}
	refused := 0
	for i := range 400 { // from as many /64s of one customer
		if p := v.staying().get("/secrets", from(fmt.Sprintf("2001:db8:9:%x::1", i))...); p.status == http.StatusTooManyRequests {
			refused++
		}
	}
	if refused < 100 {
		t.Errorf("%d of 400 requests from the networks of one /48 were refused", refused)
	}
}

// TestNothingIsKept holds that what may be a person's is never kept on the way.
func TestNothingIsKept(t *testing.T) {
	h := newHouse(t)
	h.user("ada", models.RoleAdmin, nil)
	v := h.as("ada").staying()
	for _, route := range templates.Routes {
		if route.Method != http.MethodGet || route.Path == "/events" {
			continue
		}
		for _, who := range []*visitor{v, h.visitor().staying()} {
			if p := who.get(filled(route.Path)); p.header.Get("Cache-Control") != "no-store" {
				t.Errorf("%s (%d) may be kept: %q", route.Path, p.status, p.header.Get("Cache-Control"))
			}
		}
	}
	for _, path := range []string{"/api/secrets", "/nowhere", "/metrics", "/readyz", "/healthz"} {
		if p := v.get(path); p.header.Get("Cache-Control") != "no-store" {
			t.Errorf("%s (%d) may be kept: %q", path, p.status, p.header.Get("Cache-Control"))
		}
	}
	for name, want := range map[string]string{
		"Cross-Origin-Opener-Policy": "same-origin", "Cross-Origin-Resource-Policy": "same-origin", "X-Frame-Options": "DENY",
		"X-Content-Type-Options": "nosniff", "Referrer-Policy": "same-origin",
	} {
		if got := v.get("/secrets").header.Get(name); got != want {
			t.Errorf("%s is %q", name, got)
		}
	}
}

// TestRedirectToTLS holds what the port for plain HTTP does.
func TestRedirectToTLS(t *testing.T) {
	const public = "https://keeper.example.com"
	named := web.RedirectToTLS(web.NewHosts(public, "", []string{"other.internal"}), public, "8443")
	open := web.RedirectToTLS(web.NewHosts("", "", nil), "", "8443")
	ask := func(h http.Handler, method, host, target string, headers ...string) (int, string) {
		r := httptest.NewRequest(method, "http://localhost/", nil)
		r.Host, r.RemoteAddr = host, "203.0.113.9:1"
		var err error
		r.URL, err = url.ParseRequestURI(target)
		must(t, err)
		for i := 0; i+1 < len(headers); i += 2 {
			r.Header.Set(headers[i], headers[i+1])
		}
		out := httptest.NewRecorder()
		h.ServeHTTP(out, r)
		return out.Code, out.Header().Get("Location")
	}
	for name, c := range map[string]struct {
		h                    http.Handler
		method, host, target string
		headers              []string
		want                 string
	}{
		"Public":      {named, "GET", "keeper.example.com", "/secrets?q=a%20b", nil, "308 https://keeper.example.com/secrets?q=a%20b"},
		"Allowed":     {named, "GET", "other.internal", "/", nil, "308 https://keeper.example.com/"},
		"OtherHost":   {named, "GET", "evil.example", "/", nil, "421 "},
		"Open":        {open, "GET", "203.0.113.9:80", "/a", nil, "308 https://203.0.113.9:8443/a"},
		"Open6":       {open, "GET", "[2001:db8::1]", "/a", nil, "308 https://[2001:db8::1]:8443/a"},
		"OpenOther":   {open, "GET", "evil.example", "/a", nil, "421 "},
		"TwoSlashes":  {named, "GET", "keeper.example.com", "//evil.example/x", nil, "308 https://keeper.example.com//evil.example/x"},
		"Absolute":    {named, "GET", "keeper.example.com", "http://evil.example/x", nil, "308 https://keeper.example.com/x"},
		"LineEnds":    {named, "GET", "keeper.example.com", "/a%0d%0aSet-Cookie:x", nil, "308 https://keeper.example.com/a%0d%0aSet-Cookie:x"},
		"Change":      {named, "POST", "keeper.example.com", "/sign-in", nil, "403 "},
		"TokenInside": {named, "GET", "keeper.example.com", "/api/secrets", []string{"Authorization", "Bearer kpr_x"}, "403 "},
	} {
		t.Run(name, func(t *testing.T) {
			code, to := ask(c.h, c.method, c.host, c.target, c.headers...)
			if got := strconv.Itoa(code) + " " + to; got != c.want {
				t.Errorf("got %q, want %q", got, c.want)
			}
		})
	}
}
