package app

import (
	"bufio"
	"bytes"
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"io"
	"log/slog"
	"math/big"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// pairFor makes a certificate of its own for localhost.
func pairFor(t *testing.T, serial int64, end time.Time) (cert, key []byte) {
	t.Helper()
	private, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	must(t, err)
	template := &x509.Certificate{
		SerialNumber: big.NewInt(serial), Subject: pkix.Name{CommonName: "localhost"}, DNSNames: []string{"localhost"},
		NotBefore: time.Now().Add(-time.Hour), NotAfter: end,
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, &private.PublicKey, private)
	must(t, err)
	encoded, err := x509.MarshalPKCS8PrivateKey(private)
	must(t, err)
	return pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der}), pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: encoded})
}

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// files are a pair on disk.
type files struct{ cert, key string }

func newFiles(t *testing.T) files {
	dir := t.TempDir()
	return files{filepath.Join(dir, "tls.crt"), filepath.Join(dir, "tls.key")}
}

func (f files) write(t *testing.T, cert, key []byte) {
	t.Helper()
	must(t, os.WriteFile(f.cert, cert, 0o600))
	must(t, os.WriteFile(f.key, key, 0o600))
}

func TestCertificateAtStart(t *testing.T) {
	cert, key := pairFor(t, 1, time.Now().Add(time.Hour))
	_, otherKey := pairFor(t, 2, time.Now().Add(time.Hour))
	for name, write := range map[string]func(files){
		"NoFiles":    func(files) {},
		"NoKey":      func(f files) { must(t, os.WriteFile(f.cert, cert, 0o600)) },
		"OtherKey":   func(f files) { f.write(t, cert, otherKey) },
		"NotPEM":     func(f files) { f.write(t, []byte("canary"), []byte("canary")) },
		"SwappedFor": func(f files) { f.write(t, key, cert) },
	} {
		t.Run(name, func(t *testing.T) {
			f := newFiles(t)
			write(f)
			_, err := loadCertificate(f.cert, f.key, time.Now, slog.New(slog.DiscardHandler))
			if err == nil || strings.Contains(err.Error(), "canary") || strings.Contains(err.Error(), "BEGIN") {
				t.Errorf("got %v", err)
			}
		})
	}
}

// TestCertificateReload changes the files under a server: new connections get the new pair,
// open ones go on, and a broken pair changes nothing but the health.
func TestCertificateReload(t *testing.T) {
	var log bytes.Buffer
	f, now := newFiles(t), time.Now()
	cert, key := pairFor(t, 1, now.Add(90*24*time.Hour))
	f.write(t, cert, key)
	c, err := loadCertificate(f.cert, f.key, func() time.Time { return now }, slog.New(slog.NewTextHandler(&log, nil)))
	must(t, err)
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	must(t, err)
	server := newServer(context.Background(), http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { _, _ = io.WriteString(w, r.Proto) }), serving)
	server.TLSConfig = c.config()
	served := make(chan error, 1)
	go func() { served <- server.ServeTLS(listener, "", "") }()
	t.Cleanup(func() { _ = server.Close(); <-served })

	dial := func(max uint16) (*tls.Conn, error) {
		// Which certificate is served is what this test looks at; whose it is, nobody asks.
		return tls.Dial("tcp", listener.Addr().String(), &tls.Config{InsecureSkipVerify: true, MaxVersion: max, MinVersion: tls.VersionTLS10})
	}
	serial := func() int64 {
		t.Helper()
		conn, err := dial(0)
		must(t, err)
		defer conn.Close()
		return conn.ConnectionState().PeerCertificates[0].SerialNumber.Int64()
	}
	open, err := dial(0)
	must(t, err)
	defer open.Close()
	ask := func() {
		t.Helper()
		_, err := io.WriteString(open, "GET / HTTP/1.1\r\nHost: localhost\r\n\r\n")
		must(t, err)
		answer, err := http.ReadResponse(bufio.NewReader(open), nil)
		must(t, err)
		if answer.StatusCode != http.StatusOK {
			t.Errorf("the open connection answers %d", answer.StatusCode)
		}
	}
	ask()
	if old, err := dial(tls.VersionTLS11); err == nil {
		_ = old.Close()
		t.Error("TLS 1.1 is spoken")
	}
	if got := serial(); got != 1 || !c.health().OK {
		t.Fatalf("certificate %d is served; %v", got, c.health())
	}

	renewed, renewedKey := pairFor(t, 2, now.Add(90*24*time.Hour))
	must(t, os.WriteFile(f.cert, renewed, 0o600)) // half of it: the key is still the old one's
	c.look()
	c.look()
	if got := serial(); got != 1 || c.health().OK || strings.Count(log.String(), "level=ERROR") != 1 {
		t.Errorf("with a broken pair: certificate %d, %v, log %s", got, c.health(), log.String())
	}
	must(t, os.WriteFile(f.key, renewedKey, 0o600))
	c.look()
	if got := serial(); got != 2 || !c.health().OK {
		t.Errorf("with the new pair: certificate %d, %v", got, c.health())
	}
	ask()
	must(t, os.Remove(f.key))
	c.look()
	if got := serial(); got != 2 || c.health().OK {
		t.Errorf("without a key: certificate %d, %v", got, c.health())
	}
	f.write(t, renewed, renewedKey)
	c.look()
	if !c.health().OK {
		t.Errorf("with the same pair again: %v", c.health())
	}
	for name, left := range map[string]time.Duration{"ends on": 13 * 24 * time.Hour, "has expired": -time.Second} {
		now = c.expires().Add(-left)
		if h := c.health(); h.OK || !strings.Contains(h.Detail, name) {
			t.Errorf("%s before its end: %v", left, h)
		}
	}
}
