package cli

import (
	"crypto/x509"
	"encoding/pem"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"path/filepath"
	"testing"

	"github.com/your-org/keeper/config"
)

// TestTrust talks to a server whose certificate no system knows.
func TestTrust(t *testing.T) {
	var sent string
	server := httptest.NewTLSServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		sent = r.Header.Get("Authorization")
		_, _ = w.Write([]byte(`{"ready":true}`))
	}))
	t.Cleanup(server.Close)
	pair := server.TLS.Certificates[0]
	key, err := x509.MarshalPKCS8PrivateKey(pair.PrivateKey)
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	write := func(name, kind string, der []byte) string {
		path := filepath.Join(dir, name)
		if err := os.WriteFile(path, pem.EncodeToMemory(&pem.Block{Type: kind, Bytes: der}), 0o600); err != nil {
			t.Fatal(err)
		}
		return path
	}
	certFile, keyFile := write("tls.crt", "CERTIFICATE", pair.Certificate[0]), write("tls.key", "PRIVATE KEY", key)
	at, err := url.Parse(server.URL)
	if err != nil {
		t.Fatal(err)
	}
	load := func(vars map[string]string) *config.Config {
		t.Helper()
		c, err := config.Load(vars, nil)
		if err != nil {
			t.Fatal(err)
		}
		return c
	}
	ask := func(c *config.Config) error {
		to, calls, err := healthServer(c)
		if err == nil {
			_, err = askHealth(t.Context(), calls, to, c.MetricsToken)
		}
		return err
	}
	t.Run("Unknown", func(t *testing.T) {
		if err := ask(load(map[string]string{"KEEPER_URL": server.URL})); err == nil {
			t.Error("a server that nobody vouches for is believed")
		}
	})
	t.Run("CAFile", func(t *testing.T) {
		if err := ask(load(map[string]string{"KEEPER_URL": server.URL, "KEEPER_CA_FILE": certFile, "KEEPER_METRICS_TOKEN": "a-token-of-the-collector"})); err != nil {
			t.Error(err)
		}
		if sent != "Bearer a-token-of-the-collector" {
			t.Errorf("sent %q", sent)
		}
	})
	t.Run("NoCertificateInIt", func(t *testing.T) {
		for _, path := range []string{keyFile, filepath.Join(dir, "none")} {
			if _, err := httpClient(load(map[string]string{"KEEPER_CA_FILE": path})); err == nil {
				t.Errorf("%s is taken", path)
			}
		}
	})
	t.Run("ThisMachine", func(t *testing.T) {
		if err := ask(load(map[string]string{"KEEPER_PORT": at.Port(), "KEEPER_TLS_CERT_FILE": certFile, "KEEPER_TLS_KEY_FILE": keyFile})); err != nil {
			t.Error(err)
		}
	})
}
