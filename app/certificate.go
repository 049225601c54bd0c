package app

import (
	"bytes"
	"context"
	"crypto/sha256"
	"crypto/tls"
	"fmt"
	"log/slog"
	"os"
	"sync"
	"time"

	"github.com/your-org/keeper/fault"
	"github.com/your-org/keeper/telemetry"
)

const (
	// certificateLook is how often the files are looked at.
	certificateLook = 5 * time.Second
	// certificateWarning is how long before its end a certificate counts as not well.
	certificateWarning = 14 * 24 * time.Hour
)

// certificate is the pair that Keeper serves TLS with. It is read anew when a file changes;
// a pair that is broken then leaves the one before in use. Connections that are open go on.
type certificate struct {
	certFile, keyFile string
	now               func() time.Time
	log               *slog.Logger

	mu      sync.RWMutex
	current *tls.Certificate
	read    [sha256.Size]byte // of the files that were looked at last
	problem string            // with those; "" for none
}

// loadCertificate reads the pair, which must be good.
func loadCertificate(certFile, keyFile string, now func() time.Time, log *slog.Logger) (*certificate, error) {
	c := &certificate{certFile: certFile, keyFile: keyFile, now: now, log: log}
	c.look()
	if c.current == nil {
		return nil, fault.New(fault.Invalid, "The certificate cannot be served: %s.", c.problem).
			WithHint("KEEPER_TLS_CERT_FILE must hold the certificate and its chain, KEEPER_TLS_KEY_FILE its key, both in PEM.")
	}
	if !now().Before(c.current.Leaf.NotAfter) {
		log.Warn("the certificate has expired", "expired", c.current.Leaf.NotAfter)
	}
	return c, nil
}

// look reads the files where they have changed, and takes the pair over where it is good.
func (c *certificate) look() {
	pair, sum, err := c.load()
	c.mu.Lock()
	defer c.mu.Unlock()
	if sum == c.read && (err == nil) == (c.problem == "") {
		return
	}
	c.read, c.problem = sum, ""
	switch {
	case err == nil && c.current != nil:
		c.log.Info("a new certificate is served", "expires", pair.Leaf.NotAfter)
		c.current = pair
	case err == nil:
		c.current = pair
	default:
		c.problem = err.Error()
		if c.current != nil {
			c.log.Error("the new certificate cannot be served; the one before stays in use", "error", c.problem)
		}
	}
}

// load reads the pair, and the sum by which a change is noticed. No error tells what is in
// the files.
func (c *certificate) load() (*tls.Certificate, [sha256.Size]byte, error) {
	cert, err := os.ReadFile(c.certFile)
	if err != nil {
		return nil, [sha256.Size]byte{}, fmt.Errorf("the file %s cannot be read", c.certFile)
	}
	key, err := os.ReadFile(c.keyFile)
	if err != nil {
		return nil, [sha256.Size]byte{}, fmt.Errorf("the file %s cannot be read", c.keyFile)
	}
	sum := sha256.Sum256(bytes.Join([][]byte{cert, key}, []byte{0}))
	pair, err := tls.X509KeyPair(cert, key)
	clear(key)
	if err != nil {
		return nil, sum, fmt.Errorf("certificate and key are not a pair in PEM (%s, %s)", c.certFile, c.keyFile)
	}
	return &pair, sum, nil
}

// watch looks at the files until the context ends.
func (c *certificate) watch(ctx context.Context) {
	ticker := time.NewTicker(certificateLook)
	defer ticker.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-ticker.C:
			c.look()
		}
	}
}

// config is what a listener serves TLS with: Go's defaults, from TLS 1.2 on.
func (c *certificate) config() *tls.Config {
	return &tls.Config{
		MinVersion: tls.VersionTLS12, NextProtos: []string{"h2", "http/1.1"},
		GetCertificate: func(*tls.ClientHelloInfo) (*tls.Certificate, error) {
			c.mu.RLock()
			defer c.mu.RUnlock()
			return c.current, nil
		},
	}
}

func (c *certificate) expires() time.Time {
	c.mu.RLock()
	defer c.mu.RUnlock()
	return c.current.Leaf.NotAfter
}

// health tells until when the certificate holds, and what is wrong with a new one.
func (c *certificate) health() telemetry.Component {
	c.mu.RLock()
	defer c.mu.RUnlock()
	end := c.current.Leaf.NotAfter
	h := telemetry.Component{Name: "certificate", OK: true, Detail: "holds until " + end.UTC().Format(time.DateOnly)}
	switch now := c.now(); {
	case !now.Before(end):
		h.OK, h.Detail = false, "has expired on "+end.UTC().Format(time.DateOnly)+"; clients refuse it"
	case end.Sub(now) < certificateWarning:
		h.OK, h.Detail = false, "ends on "+end.UTC().Format(time.DateOnly)+"; renew it"
	}
	if c.problem != "" {
		h.OK, h.Detail = false, "a new one cannot be served: "+c.problem+"; the one before "+h.Detail
	}
	return h
}
