package web_test

import (
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"strings"
	"testing"

	"github.com/your-org/keeper/models"
	"github.com/your-org/keeper/web"
)

func TestAddress(t *testing.T) {
	origin := web.NewOrigin([]netip.Prefix{netip.MustParsePrefix("10.0.0.0/8")})
	cases := map[string]struct {
		remote    string
		forwarded []string
		want      string
	}{
		"Direct":         {"203.0.113.9:1", nil, "203.0.113.9"},
		"Untrusted":      {"203.0.113.9:1", []string{"198.51.100.1"}, "203.0.113.9"},
		"Proxy":          {"10.0.0.1:1", []string{"198.51.100.1"}, "198.51.100.1"},
		"Invented":       {"10.0.0.1:1", []string{"1.2.3.4, 198.51.100.1"}, "198.51.100.1"},
		"TwoProxies":     {"10.0.0.1:1", []string{"198.51.100.1, 10.0.0.2"}, "198.51.100.1"},
		"TwoHeaders":     {"10.0.0.1:1", []string{"1.2.3.4", "198.51.100.1"}, "198.51.100.1"},
		"Nonsense":       {"10.0.0.1:1", []string{"1.2.3.4, <script>"}, "10.0.0.1"},
		"ProxyItself":    {"10.0.0.1:1", nil, "10.0.0.1"},
		"IPv6":           {"[2001:db8::1]:1", nil, "2001:db8::1"},
		"MappedProxy":    {"[::ffff:10.0.0.1]:1", []string{"198.51.100.1"}, "198.51.100.1"},
		"NoAddress":      {"@", []string{"198.51.100.1"}, ""},
		"MappedOfClient": {"10.0.0.1:1", []string{"::ffff:198.51.100.1"}, "198.51.100.1"},
		"WithPort":       {"10.0.0.1:1", []string{"198.51.100.1:4711"}, "198.51.100.1"},
		"WithPort6":      {"10.0.0.1:1", []string{"[2001:db8::1]:4711"}, "2001:db8::1"},
		"FreeTextZone":   {"10.0.0.1:1", []string{"fe80::1%<script>"}, "fe80::1"},
		"AllTrusted":     {"10.0.0.1:1", []string{"10.0.0.3, 10.0.0.2"}, "10.0.0.3"},
		"Unknown":        {"10.0.0.1:1", []string{"198.51.100.1, unknown"}, "10.0.0.1"},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			r := httptest.NewRequest(http.MethodGet, "/", nil)
			r.RemoteAddr = c.remote
			for _, value := range c.forwarded {
				r.Header.Add("X-Forwarded-For", value)
			}
			if got := origin.Address(r); got != c.want {
				t.Errorf("got %q, want %q", got, c.want)
			}
		})
	}
}

// serve asks a handler without a network, so that the peer's address can be chosen; headers
// are name, value, name, value.
func serve(handler http.Handler, path, remote string, headers ...string) *httptest.ResponseRecorder {
	r := httptest.NewRequest(http.MethodGet, "http://localhost"+path, nil)
	r.RemoteAddr = remote
	for i := 0; i+1 < len(headers); i += 2 {
		r.Header.Set(headers[i], headers[i+1])
	}
	if host := r.Header.Get("Host"); host != "" {
		r.Host = host
	}
	out := httptest.NewRecorder()
	handler.ServeHTTP(out, r)
	return out
}

// TestInside holds who may read what tells of the installation's inside.
func TestInside(t *testing.T) {
	const token = "a-token-of-the-collector"
	without := newHouseWith(t, houseOptions{trusted: "10.0.0.0/8"})
	with := newHouseWith(t, houseOptions{trusted: "10.0.0.0/8", metricsToken: token})
	bearer := []string{"Authorization", "Bearer " + token}
	cases := map[string]struct {
		h       *house
		remote  string
		headers []string
		inside  bool
	}{
		"Loopback":       {without, "127.0.0.1:1", nil, true},
		"Loopback6":      {without, "[::1]:1", nil, true},
		"LoopbackMapped": {without, "[::ffff:127.0.0.1]:1", nil, true},
		"Outside":        {without, "203.0.113.9:1", nil, false},
		"TrustedNetwork": {without, "10.1.2.3:1", nil, false},
		"BehindProxy":    {without, "10.1.2.3:1", []string{"X-Forwarded-For", "127.0.0.1"}, false},
		"PretendsLocal":  {without, "203.0.113.9:1", []string{"X-Forwarded-For", "127.0.0.1"}, false},
		"NoAddress":      {without, "@", nil, false},
		"NoTokenIsSet":   {without, "203.0.113.9:1", bearer, false},
		"Token":          {with, "203.0.113.9:1", bearer, true},
		"TokenByProxy":   {with, "127.0.0.1:1", append([]string{"X-Forwarded-For", "203.0.113.9"}, bearer...), true},
		"WrongToken":     {with, "127.0.0.1:1", []string{"Authorization", "Bearer " + token + "x"}, false},
		"OtherScheme":    {with, "127.0.0.1:1", []string{"Authorization", "Basic " + token}, false},
		"LoopbackToo":    {with, "127.0.0.1:1", nil, false},
	}
	for _, header := range []string{"X-Forwarded-For", "X-Forwarded-Proto", "X-Forwarded-Host", "Forwarded", "Via", "X-Real-Ip", "Cf-Connecting-Ip"} {
		c := cases["Loopback"]
		c.headers, c.inside = []string{header, ""}, false // even an empty one was written by something
		cases["SameHostProxy"+header] = c
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			want := map[bool]int{true: http.StatusOK, false: http.StatusNotFound}[c.inside]
			if got := serve(c.h.handler, "/metrics", c.remote, c.headers...).Code; got != want {
				t.Errorf("/metrics answers %d, want %d", got, want)
			}
			ready := serve(c.h.handler, "/readyz", c.remote, c.headers...)
			if told := strings.Contains(ready.Body.String(), "hidden-name"); ready.Code != http.StatusOK || told != c.inside {
				t.Errorf("/readyz answers %d and names a destination: %t", ready.Code, told)
			}
		})
	}
}

func TestHealth(t *testing.T) {
	h := newHouse(t)
	v := h.visitor()
	v.get("/healthz").want(http.StatusOK, "", "")
	v.get("/readyz").want(http.StatusOK, "", "")
	h.sick.Store(true)
	v.get("/healthz").want(http.StatusOK, "", "")
	v.get("/readyz").want(http.StatusServiceUnavailable, "body", `"ready":false`)
}

// TestHeaders adds to what every request of these tests is held to.
func TestHeaders(t *testing.T) {
	h := newHouse(t)
	for _, path := range []string{"/sign-in", "/nowhere", "/api/secrets", "/docs", "/openapi.json", "/static/none", "/healthz", "/metrics"} {
		p := h.visitor().get(path, "X-Request-Id", "invented")
		policy := p.header.Get("Content-Security-Policy")
		for _, part := range []string{"default-src 'none'", "script-src '", "frame-ancestors 'none'", "form-action '", "base-uri 'none'"} {
			if !strings.Contains(policy, part) {
				t.Errorf("%s: the policy %q lacks %s", path, policy, part)
			}
		}
		if strings.Contains(policy, "unsafe") {
			t.Errorf("%s: the policy %q allows what is inline", path, policy)
		}
		if p.header.Get("X-Request-Id") == "invented" {
			t.Errorf("%s takes over a request id", path)
		}
	}
}

// TestNonce holds that of a page's scripts and styles those run alone that bear its own nonce,
// that each has it, and that no two answers share one.
func TestNonce(t *testing.T) {
	h := newHouse(t)
	h.user("ada", models.RoleAdmin, nil)
	seen := map[string]bool{}
	for _, v := range []*visitor{h.visitor(), h.as("ada")} {
		for _, path := range []string{"/sign-in", "/", "/secrets", "/nowhere"} {
			p := v.get(path)
			var nonce string
			for _, part := range strings.Split(p.header.Get("Content-Security-Policy"), "; ") {
				name, allowed, _ := strings.Cut(part, " ")
				if name != "script-src" && name != "style-src" {
					continue
				}
				given, ok := strings.CutPrefix(allowed, "'nonce-")
				if given = strings.TrimSuffix(given, "'"); !ok || len(given) < 22 || nonce != "" && nonce != given {
					t.Fatalf("%s: %s", path, part)
				}
				nonce = given
			}
			if seen[nonce] {
				t.Errorf("%s: the nonce was given before", path)
			}
			seen[nonce] = true
			bearing := p.all("script, link[rel=stylesheet], style")
			if len(bearing) < 3 {
				t.Errorf("%s has %d scripts and styles", path, len(bearing))
			}
			for _, n := range bearing {
				if attribute(n, "nonce") != nonce || n.FirstChild != nil {
					t.Errorf("%s: a script or a style without the nonce, or inline", path)
				}
			}
		}
	}
}

// TestLog holds that the log tells of routes and never of what is in paths and queries.
func TestLog(t *testing.T) {
	h := newHouse(t)
	h.user("ada", models.RoleAdmin, nil)
	v := h.as("ada")
	id := v.get("/environments/name-in-path?q=name-in-query").header.Get("X-Request-Id")
	v.get("/name-of-nothing/secrets")
	var found bool
	for line := range strings.Lines(h.log.String()) {
		var entry map[string]any
		must(t, json.Unmarshal([]byte(line), &entry))
		found = found || entry["request_id"] == id && entry["route"] == "/environments/*" && entry["address"] == "127.0.0.1"
	}
	if !found {
		t.Errorf("the request is not in the log: %s", h.log)
	}
	if strings.Contains(h.log.String(), "name-") || strings.Contains(h.log.String(), password) || strings.Contains(h.log.String(), v.cookie("keeper")) {
		t.Error("the log holds a name, a password or a session")
	}
	v.get("/environments")
	v.get("/docs/secrets/secrets/environments") // made of known words, and no route
	metrics := v.get("/metrics").body
	if !strings.Contains(metrics, `route="/environments"`) || strings.Contains(metrics, "name-") {
		t.Error("the metrics lack the route, or hold a name")
	}
	if strings.Contains(metrics, `route="/docs/`) || !strings.Contains(metrics, `route="*"`) {
		t.Error("a path that a client made up is a label of the metrics")
	}
}
