package web

import (
	"context"
	"log/slog"
	"net"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"strings"
	"testing"
	"time"

	"github.com/labstack/echo/v4"

	"github.com/your-org/keeper/auth"
	"github.com/your-org/keeper/store/storetest"
)

// FuzzNext holds where a sign-in goes on to: a page of this server.
func FuzzNext(f *testing.F) {
	for _, next := range []string{"/secrets?a=b", "/sign-out", "/sign-in?next=/sign-in", "/events", "//evil.example", `/\evil.example`, "/%2f%2fevil.example", "https://evil.example", "/a\r\nb: c"} {
		f.Add(next)
	}
	f.Fuzz(func(t *testing.T, next string) {
		local := localPath(next)
		if !strings.HasPrefix(local, "/") || strings.HasPrefix(local, "//") || strings.ContainsAny(local, "\\\r\n\t\x00") {
			t.Fatalf("%q goes to %q", next, local)
		}
		if path, _, _ := strings.Cut(local, "?"); path == "/sign-out" || path == "/sign-in" || path == "/events" {
			t.Fatalf("%q goes to %q", next, local)
		}
	})
}

// FuzzAddress lets a client write what it will into the headers by which proxies tell
// addresses. Whom the wall takes it for must be the connection's own end, or what the
// outermost trusted proxy saw.
func FuzzAddress(f *testing.F) {
	f.Add("203.0.113.9:1", "198.51.100.1", "198.51.100.1", "for=198.51.100.1")
	f.Add("10.0.0.1:1", "198.51.100.1", "1.2.3.4, 10.0.0.2", "for=\"[2001:db8::1]\"")
	f.Add("[::ffff:10.0.0.1]:1", "fe80::1%<script>", ",,, ,", "")
	f.Add("@", "127.0.0.1", "10.0.0.1, 10.0.0.1", "")
	trusted := netip.MustParsePrefix("10.0.0.0/8")
	origin := NewOrigin([]netip.Prefix{trusted})
	f.Fuzz(func(t *testing.T, remote, seen, claimed, forwarded string) {
		ask := func(hops ...string) (string, bool) {
			r := httptest.NewRequest(http.MethodGet, "/", nil)
			r.RemoteAddr = remote
			r.Header["X-Forwarded-For"] = hops
			r.Header.Set("Forwarded", forwarded)
			if origin.isHere(r) {
				t.Fatalf("%q with %q is taken for this machine", remote, hops)
			}
			return origin.Address(r), origin.isTLS(r)
		}
		got, encrypted := ask(claimed, seen)
		if got != "" {
			if ip, err := netip.ParseAddr(got); err != nil || ip.Zone() != "" || ip.Is4In6() {
				t.Fatalf("%q is no plain address", got)
			}
		}
		host, _, _ := net.SplitHostPort(remote)
		peer, err := netip.ParseAddr(host)
		if err != nil || !trusted.Contains(peer.Unmap()) {
			if without, _ := ask(); got != without || encrypted {
				t.Fatalf("an untrusted %q is believed: %q", remote, got)
			}
			return
		}
		saw, err := parseHop(strings.TrimSpace(seen))
		if err == nil && !trusted.Contains(saw) && got != saw.String() {
			t.Fatalf("the proxy saw %s, and %s is taken for the client (claimed: %q)", saw, got, claimed)
		}
	})
}

// FuzzHost holds that what is taken for a known host is one, byte for byte but for case, port
// and final dot.
func FuzzHost(f *testing.F) {
	for _, host := range []string{"keeper.example.com", "KEEPER.example.com.:443", "keeper.example.com@evil.example", "evil.example#keeper.example.com", "[::1]:1", "127.0.0.1", "localhost", "", "[keeper.example.com]", "keeper.example.com:80:90"} {
		f.Add(host)
	}
	hosts := NewHosts("https://keeper.example.com", "0.0.0.0", nil)
	f.Fuzz(func(t *testing.T, host string) {
		r := httptest.NewRequest(http.MethodGet, "/secrets", nil)
		r.Host = host
		if !hosts.takes(r) {
			return
		}
		bare := strings.ToLower(host)
		if i := strings.LastIndexByte(bare, ':'); i > strings.LastIndexByte(bare, ']') && strings.Count(bare[:i], ":") == 0 || strings.Contains(bare, "]:") {
			bare = bare[:i]
		}
		bare = strings.TrimSuffix(strings.Trim(bare, "[]"), ".")
		if ip, err := netip.ParseAddr(bare); err == nil && ip.IsLoopback() {
			return
		}
		if bare != "keeper.example.com" && bare != "localhost" {
			t.Fatalf("%q is taken for a known host", host)
		}
	})
}

// FuzzCookie sends cookies as they come. No invented one stands for anybody or breaks
// anything, and what is set in answer is well-formed.
func FuzzCookie(f *testing.F) {
	people, err := auth.New(auth.Deps{Store: storetest.SQLite(f), Now: time.Now})
	if err != nil {
		f.Fatal(err)
	}
	w := &Web{Deps: Deps{Auth: people, Log: slog.New(slog.DiscardHandler)}}
	w.origin = w.Origin.Of("web")
	w.sessions = &sessionStore{auth: people, origin: w.origin, secure: w.isSecure}
	for _, line := range []string{
		"keeper=abc", "keeper=; keeper=x", "keeper-visit=AAAAAAAAAAAAAAAAAAAAAAAAAA; keeper-step=x", `keeper="quoted value"`, "keeper=\x00", "keeper=" + strings.Repeat("a", 5000),
		"=;;=; keeper", "keeper-visit=a,b;keeper=%0d%0aSet-Cookie:x", "__Host-keeper=x; keeper=y",
	} {
		f.Add(line)
	}
	f.Fuzz(func(t *testing.T, line string) {
		r := httptest.NewRequest(http.MethodGet, "/sign-in", nil).WithContext(context.Background())
		r.Header["Cookie"] = []string{line}
		out := httptest.NewRecorder()
		visit, err := w.open(echo.New().NewContext(r, out))
		if err != nil {
			t.Fatalf("%q: %v", line, err)
		}
		if visit.session.ID != "" || visit.actor.UserID != "" {
			t.Fatalf("%q stands for %q", line, visit.actor.Name)
		}
		if visit.csrfToken() == "" {
			t.Fatalf("%q: the form has no token", line)
		}
		visit.step()
		for _, set := range out.Header().Values("Set-Cookie") {
			if strings.ContainsAny(set, "\r\n\x00") {
				t.Fatalf("%q sets %q", line, set)
			}
		}
	})
}
