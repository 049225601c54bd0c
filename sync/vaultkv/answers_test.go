package vaultkv_test

import (
	"encoding/json"
	"encoding/pem"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/your-org/keeper/fault"
	"github.com/your-org/keeper/models"
	keepersync "github.com/your-org/keeper/sync"
	"github.com/your-org/keeper/sync/vaultkv"
)

// scripted is a server that gives one answer to everything.
func scripted(t *testing.T, status int, body string) *vaultkv.Driver {
	t.Helper()
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.WriteHeader(status)
		_, _ = w.Write([]byte(body))
	}))
	t.Cleanup(server.Close)
	return driver(t, vaultkv.Options{Address: server.URL, Mount: "secret", Prefix: "p/", Token: models.NewPlaintext([]byte("t"))})
}

func driver(t *testing.T, o vaultkv.Options) *vaultkv.Driver {
	t.Helper()
	d, err := vaultkv.New(o)
	if err != nil {
		t.Fatal(err)
	}
	return d
}

// Only KV's own "there is none" means absence.
func TestAnswers(t *testing.T) {
	for name, c := range map[string]struct {
		status int
		body   string
		want   fault.Kind
	}{
		"Absent":        {404, `{"errors":[]}`, fault.NotFound},
		"NoMount":       {404, `{"errors":["no handler for route"]}`, fault.Unavailable},
		"Proxy":         {404, `<html>404</html>`, fault.Unavailable},
		"Gateway":       {404, `{"message":"no route matched"}`, fault.Unavailable},
		"Empty":         {404, ``, fault.Unavailable},
		"Sealed":        {503, `{"errors":["Vault is sealed"]}`, fault.Unavailable},
		"Throttled":     {429, `{"errors":["rate limit"]}`, fault.Throttled},
		"Denied":        {403, `{"errors":["permission denied"]}`, fault.Forbidden},
		"Teapot":        {418, `{"errors":["?"]}`, fault.Unavailable},
		"OtherJSON":     {200, `{"hello":"world"}`, fault.Unavailable},
		"OtherPage":     {200, `<html>welcome</html>`, fault.Unavailable},
		"NumbersListed": {200, `{"data":{"keys":[1,2]}}`, fault.Unavailable},
		"NullListed":    {200, `{"data":{"keys":[null]}}`, fault.Unavailable},
		"NothingListed": {200, `{"data":{"keys":null}}`, fault.Unavailable},
		"NotSupported":  {405, `{"errors":["unsupported operation"]}`, fault.Invalid},
	} {
		t.Run(name, func(t *testing.T) {
			d := scripted(t, c.status, c.body)
			_, err := d.Describe(t.Context(), "p/x")
			wantKind(t, err, c.want, "p/x")
			wantKind(t, d.Fetch(t.Context(), []string{"p/x"})["p/x"].Err, c.want, "p/x")
			err = nil
			for _, err = range d.List(t.Context()) {
			}
			if c.want == fault.NotFound {
				if err != nil {
					t.Errorf("an empty listing: %v", err)
				}
				return
			}
			wantKind(t, err, c.want)
			_, err = d.Put(t.Context(), keepersync.Write{Name: "p/x", Value: models.NewPlaintext([]byte("v"))})
			wantKind(t, err, c.want, "p/x")
			_, err = d.Mark(t.Context(), "p/x", keepersync.Mark{Owner: "o"})
			wantKind(t, err, c.want, "p/x")
		})
	}
}

// What a server says of a request may quote it, and is not repeated.
func TestValueQuoted(t *testing.T) {
	const canary = "c4n4ry"
	for _, body := range []string{`{"errors":["bad value c4n4ry"]}`, `c4n4ry`, `{"data": {"data": {"value": "c4n4ry"}, "metadata": "c4n4ry"}}`} {
		for _, status := range []int{200, 400, 404, 500} {
			d := scripted(t, status, body)
			_, err := d.Put(t.Context(), keepersync.Write{Name: "p/x", Value: models.NewPlaintext([]byte(canary))})
			fetched := d.Fetch(t.Context(), []string{"p/x"})["p/x"].Err
			for _, e := range []error{err, fetched} {
				for ; e != nil; e = unwrap(e) {
					if strings.Contains(e.Error(), canary) {
						t.Errorf("status %d: the value is in the chain: %v", status, e)
					}
				}
			}
		}
	}
}

func unwrap(err error) error {
	if u, ok := err.(interface{ Unwrap() error }); ok {
		return u.Unwrap()
	}
	return nil
}

func TestOptions(t *testing.T) {
	t.Run("NotPEM", func(t *testing.T) {
		_, err := vaultkv.New(vaultkv.Options{Address: "https://127.0.0.1:1", CACert: "not PEM"})
		wantKind(t, err, fault.Invalid, "config.ca_cert")
	})
	t.Run("CACert", func(t *testing.T) {
		server := httptest.NewTLSServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
			w.WriteHeader(http.StatusNotFound)
			_, _ = w.Write([]byte(`{"errors":[]}`))
		}))
		t.Cleanup(server.Close)
		trusted := string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: server.Certificate().Raw}))
		o := vaultkv.Options{Address: server.URL, Mount: "secret"}
		_, err := driver(t, o).Describe(t.Context(), "x")
		wantKind(t, err, fault.Unavailable, "certificate")
		o.CACert = trusted
		_, err = driver(t, o).Describe(t.Context(), "x")
		wantKind(t, err, fault.NotFound)
	})
	t.Run("Headers", func(t *testing.T) {
		t.Setenv("VAULT_TOKEN", "theirs")
		t.Setenv("VAULT_NAMESPACE", "theirs")
		t.Setenv("VAULT_WRAP_TTL", "60s")
		var got http.Header
		server := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) { got = r.Header }))
		t.Cleanup(server.Close)
		o := vaultkv.Options{Address: server.URL, Mount: "secret", Token: models.NewPlaintext([]byte("ours"))}
		_, _ = driver(t, o).Describe(t.Context(), "x")
		if got.Get("X-Vault-Token") != "ours" || got.Get("X-Vault-Namespace") != "" || got.Get("X-Vault-Wrap-Ttl") != "" {
			t.Errorf("headers: %v", got)
		}
		o.Namespace = "team/a"
		_, _ = driver(t, o).Describe(t.Context(), "x")
		if got.Get("X-Vault-Namespace") != "team/a" {
			t.Errorf("namespace header: %q", got.Get("X-Vault-Namespace"))
		}
	})
	t.Run("Timeout", func(t *testing.T) {
		ended := make(chan struct{})
		server := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
			select {
			case <-ended:
			case <-r.Context().Done():
			}
		}))
		t.Cleanup(server.Close)
		t.Cleanup(func() { close(ended) })
		_, err := driver(t, vaultkv.Options{Address: server.URL, Mount: "secret", Timeout: 50 * time.Millisecond}).Describe(t.Context(), "x")
		wantKind(t, err, fault.Unavailable, "x")
	})
}

// roles is a server with AppRole, whose tokens the test can end.
type roles struct {
	logins, denied atomic.Int32
	lease          int
	mu             sync.Mutex
	token          string
}

func (s *roles) end() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.token = ""
}

func (s *roles) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	s.mu.Lock()
	defer s.mu.Unlock()
	reply := func(status int, body any) {
		w.WriteHeader(status)
		_ = json.NewEncoder(w).Encode(body)
	}
	if r.URL.Path == "/v1/auth/approle/login" {
		var in struct {
			RoleID   string `json:"role_id"`
			SecretID string `json:"secret_id"`
		}
		if json.NewDecoder(r.Body).Decode(&in) != nil || in.RoleID != "role" || in.SecretID != "secret" {
			reply(400, map[string]any{"errors": []string{"invalid role or secret ID"}})
			return
		}
		s.token = models.NewID("tok")
		s.logins.Add(1)
		reply(200, map[string]any{"auth": map[string]any{"client_token": s.token, "lease_duration": s.lease}})
		return
	}
	switch {
	case s.token == "" || r.Header.Get("X-Vault-Token") != s.token:
		reply(403, map[string]any{"errors": []string{"permission denied"}})
	case r.URL.Path == "/v1/auth/token/lookup-self":
		reply(200, map[string]any{"data": map[string]any{}})
	case strings.HasSuffix(r.URL.Path, "/denied"):
		s.denied.Add(1)
		reply(403, map[string]any{"errors": []string{"permission denied"}})
	default:
		reply(404, map[string]any{"errors": []string{}})
	}
}

func TestAppRole(t *testing.T) {
	begin := func(t *testing.T, lease int, secretID string) (*roles, *vaultkv.Driver) {
		s := &roles{lease: lease}
		server := httptest.NewServer(s)
		t.Cleanup(server.Close)
		return s, driver(t, vaultkv.Options{
			Address: server.URL, Mount: "secret",
			RoleID: models.NewPlaintext([]byte("role")), SecretID: models.NewPlaintext([]byte(secretID)),
		})
	}
	look := func(t *testing.T, d *vaultkv.Driver) {
		t.Helper()
		_, err := d.Describe(t.Context(), "x")
		wantKind(t, err, fault.NotFound)
	}
	t.Run("OneLoginForMany", func(t *testing.T) {
		s, d := begin(t, 3600, "secret")
		names := strings.Split(strings.Repeat("x ", 60), " ")
		for range 2 {
			d.Fetch(t.Context(), names)
			s.end() // revoked while in use
		}
		look(t, d)
		if got := s.logins.Load(); got != 3 {
			t.Errorf("%d logins, want 3", got)
		}
	})
	t.Run("LeaseOver", func(t *testing.T) {
		s, d := begin(t, 1, "secret")
		look(t, d)
		look(t, d)
		time.Sleep(950 * time.Millisecond)
		look(t, d)
		if got := s.logins.Load(); got != 2 {
			t.Errorf("%d logins, want 2", got)
		}
	})
	t.Run("DeniedIsNoReasonToSignIn", func(t *testing.T) {
		s, d := begin(t, 3600, "secret")
		for range 5 {
			_, err := d.Describe(t.Context(), "denied")
			wantKind(t, err, fault.Forbidden, "read on secret/metadata/denied")
		}
		if logins, denied := s.logins.Load(), s.denied.Load(); logins != 1 || denied != 5 {
			t.Errorf("%d logins, %d calls denied", logins, denied)
		}
	})
	t.Run("WrongSecretID", func(t *testing.T) {
		_, d := begin(t, 3600, "wrong")
		_, err := d.Describe(t.Context(), "x")
		wantKind(t, err, fault.Forbidden, "x", "AppRole", "secret id")
	})
}
