package vaultkv_test

import (
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/your-org/keeper/fault"
	"github.com/your-org/keeper/models"
	"github.com/your-org/keeper/sync/vaultkv"
	"github.com/your-org/keeper/test/vaulttest"
)

// doorkeeper is a server whose tokens live for a while, and that counts what is asked of it.
type doorkeeper struct {
	path, role, jwt string // of its one login
	lease           time.Duration
	renewable       bool

	mu       sync.Mutex
	token    string
	ends     time.Time
	calls    map[string]int // "login", "renew", "lookup", "other"
	noRenew  bool
	noLogin  bool
	refusals int // of calls for the token's sake
}

func (s *doorkeeper) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	s.mu.Lock()
	defer s.mu.Unlock()
	reply := func(status int, body any) {
		w.WriteHeader(status)
		_ = json.NewEncoder(w).Encode(body)
	}
	denied := map[string]any{"errors": []string{"permission denied"}}
	auth := func() map[string]any {
		s.ends = time.Now().Add(s.lease)
		return map[string]any{"auth": map[string]any{"client_token": s.token, "lease_duration": s.lease.Seconds(), "renewable": s.renewable}}
	}
	if strings.HasPrefix(r.URL.Path, "/v1/auth/") && strings.HasSuffix(r.URL.Path, "/login") {
		s.calls["login"]++
		var in struct{ Role, JWT string }
		if s.noLogin || json.NewDecoder(r.Body).Decode(&in) != nil || r.URL.Path != "/v1/"+s.path || in.Role != s.role || in.JWT != s.jwt {
			reply(403, denied)
			return
		}
		s.token = models.NewID("tok")
		reply(200, auth())
		return
	}
	if s.token == "" || r.Header.Get("X-Vault-Token") != s.token || time.Now().After(s.ends) {
		s.refusals++
		reply(403, denied)
		return
	}
	switch r.URL.Path {
	case "/v1/auth/token/renew-self":
		s.calls["renew"]++
		if s.noRenew {
			reply(403, denied)
			return
		}
		reply(200, auth())
	case "/v1/auth/token/lookup-self":
		s.calls["lookup"]++
		reply(200, map[string]any{"data": map[string]any{"ttl": int(time.Until(s.ends).Seconds() + 0.5), "renewable": s.renewable}})
	default:
		s.calls["other"]++
		reply(404, map[string]any{"errors": []string{}})
	}
}

func (s *doorkeeper) count(what string) int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.calls[what]
}

func (s *doorkeeper) set(change func()) {
	s.mu.Lock()
	defer s.mu.Unlock()
	change()
}

func (s *doorkeeper) driver(t *testing.T, o vaultkv.Options) *vaultkv.Driver {
	t.Helper()
	s.calls = map[string]int{}
	server := httptest.NewServer(s)
	t.Cleanup(server.Close)
	o.Address, o.Mount = server.URL, "secret"
	return driver(t, o)
}

func lookUp(t *testing.T, d *vaultkv.Driver) {
	t.Helper()
	_, err := d.Describe(t.Context(), "x")
	wantKind(t, err, fault.NotFound)
}

func jwtOptions(jwt string) vaultkv.Options {
	return vaultkv.Options{Role: "keeper", JWT: models.NewPlaintext([]byte(jwt))}
}

func TestJWT(t *testing.T) {
	t.Run("SignsIn", func(t *testing.T) {
		s := &doorkeeper{path: "auth/jwt/login", role: "keeper", jwt: "a.b.c", lease: time.Hour}
		d := s.driver(t, jwtOptions("a.b.c"))
		for range 3 {
			lookUp(t, d)
		}
		if n := s.count("login"); n != 1 {
			t.Errorf("%d logins", n)
		}
	})
	t.Run("MountedElsewhere", func(t *testing.T) {
		s := &doorkeeper{path: "auth/ci/prod/login", role: "keeper", jwt: "a.b.c", lease: time.Hour}
		o := jwtOptions("a.b.c")
		o.AuthPath = "ci/prod/"
		lookUp(t, s.driver(t, o))
	})
	t.Run("Refused", func(t *testing.T) {
		s := &doorkeeper{path: "auth/jwt/login", role: "keeper", jwt: "a.b.c", lease: time.Hour}
		_, err := s.driver(t, jwtOptions("c4n4ry")).Describe(t.Context(), "x")
		wantKind(t, err, fault.Forbidden, "x", "keeper", "auth/jwt/login")
		if strings.Contains(err.Error(), "c4n4ry") {
			t.Error("the error shows the token")
		}
	})
}

func TestKubernetes(t *testing.T) {
	file := filepath.Join(t.TempDir(), "token")
	write := func(t *testing.T, text string) {
		t.Helper()
		if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	options := vaultkv.Options{Role: "keeper", JWTFile: file}
	t.Run("ReadsTheFileAtEachLogin", func(t *testing.T) {
		write(t, "first\n")
		s := &doorkeeper{path: "auth/kubernetes/login", role: "keeper", jwt: "first", lease: time.Hour}
		d := s.driver(t, options)
		lookUp(t, d)
		write(t, "second")
		s.set(func() { s.jwt, s.token = "second", "" })
		lookUp(t, d)
		if n := s.count("login"); n != 2 {
			t.Errorf("%d logins", n)
		}
	})
	t.Run("Refused", func(t *testing.T) {
		write(t, "c4n4ry")
		s := &doorkeeper{path: "auth/kubernetes/login", role: "keeper", jwt: "other", lease: time.Hour}
		_, err := s.driver(t, options).Describe(t.Context(), "x")
		wantKind(t, err, fault.Forbidden, "x", "service account", "keeper")
		if strings.Contains(err.Error(), "c4n4ry") {
			t.Error("the error shows the token")
		}
	})
	for name, prepare := range map[string]func(*testing.T){
		"NoFile":    func(t *testing.T) { _ = os.Remove(file) },
		"EmptyFile": func(t *testing.T) { write(t, " \n") },
	} {
		t.Run(name, func(t *testing.T) {
			prepare(t)
			s := &doorkeeper{path: "auth/kubernetes/login", role: "keeper", lease: time.Hour}
			_, err := s.driver(t, options).Describe(t.Context(), "x")
			wantKind(t, err, fault.Unavailable, "x", file)
			if s.count("login") > 0 {
				t.Error("signed in without a token")
			}
		})
	}
}

func TestTokenEnds(t *testing.T) {
	begin := func(t *testing.T, lease time.Duration) (*doorkeeper, *vaultkv.Driver) {
		s := &doorkeeper{path: "auth/jwt/login", role: "keeper", jwt: "a.b.c", lease: lease, renewable: true}
		d := s.driver(t, jwtOptions("a.b.c"))
		lookUp(t, d)
		return s, d
	}
	want := func(t *testing.T, s *doorkeeper, what string, n int) {
		t.Helper()
		if got := s.count(what); got != n {
			t.Errorf("%d times %s, want %d", got, what, n)
		}
	}
	t.Run("RenewedNearItsEnd", func(t *testing.T) {
		s, d := begin(t, 2*time.Second)
		lookUp(t, d)
		want(t, s, "renew", 0)
		for range 3 {
			time.Sleep(1500 * time.Millisecond)
			lookUp(t, d)
		}
		want(t, s, "renew", 3)
		want(t, s, "login", 1)
	})
	t.Run("ReplacedWhereItIsNotRenewed", func(t *testing.T) {
		s, d := begin(t, 2*time.Second)
		s.set(func() { s.noRenew = true })
		time.Sleep(1500 * time.Millisecond)
		lookUp(t, d)
		want(t, s, "login", 2)
	})
	t.Run("ServesToItsEndWhereNeitherIsPossible", func(t *testing.T) {
		s, d := begin(t, 2*time.Second)
		s.set(func() { s.noRenew, s.noLogin = true, true })
		time.Sleep(1500 * time.Millisecond)
		lookUp(t, d)
		lookUp(t, d)
		want(t, s, "login", 2) // not at every call
		time.Sleep(700 * time.Millisecond)
		_, err := d.Describe(t.Context(), "x")
		wantKind(t, err, fault.Forbidden, "x")
		s.set(func() { s.noLogin = false })
		lookUp(t, d)
	})
	t.Run("EndedWhileNobodyLooked", func(t *testing.T) {
		s, d := begin(t, time.Second)
		time.Sleep(1200 * time.Millisecond)
		lookUp(t, d)
		want(t, s, "login", 2)
		want(t, s, "renew", 0)
	})
	t.Run("RevokedInUse", func(t *testing.T) {
		s, d := begin(t, time.Hour)
		s.set(func() { s.token = "" })
		lookUp(t, d)
		want(t, s, "login", 2)
	})
	t.Run("RevokedAndNotLetInAgain", func(t *testing.T) {
		s, d := begin(t, time.Hour)
		s.set(func() { s.token, s.noLogin = "", true })
		_, err := d.Describe(t.Context(), "x")
		wantKind(t, err, fault.Forbidden, "x")
		want(t, s, "login", 2) // once, not on and on
	})
}

// A token that was given is renewed as well, by what Vault says of it.
func TestGivenTokenIsRenewed(t *testing.T) {
	server := vaulttest.StartEngine(t, vaulttest.EngineOptions{TokenTTL: 2 * time.Second})
	d := driver(t, vaultkv.Options{Address: server.URL, Mount: server.Mount, Prefix: "p/", Token: models.NewPlaintext([]byte(server.Token))})
	for range 4 {
		_, err := d.Describe(t.Context(), "p/x")
		wantKind(t, err, fault.NotFound)
		time.Sleep(1500 * time.Millisecond)
	}
}
