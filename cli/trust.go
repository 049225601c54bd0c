package cli

import (
	"cmp"
	"crypto/tls"
	"crypto/x509"
	"fmt"
	"net/http"
	"os"
	"time"

	"github.com/your-org/keeper/config"
	"github.com/your-org/keeper/fault"
)

// callTime bounds a call to a server.
const callTime = time.Minute

// httpClient trusts the system's authorities and those of KEEPER_CA_FILE.
func httpClient(c *config.Config) (*http.Client, error) {
	if c.CAFile == "" {
		return &http.Client{Timeout: callTime}, nil
	}
	roots, err := x509.SystemCertPool()
	if err != nil {
		roots = x509.NewCertPool() // a system without one
	}
	pem, err := os.ReadFile(c.CAFile)
	if err != nil {
		return nil, fault.Wrap(err, fault.Invalid, "The file that KEEPER_CA_FILE names cannot be read.")
	}
	if !roots.AppendCertsFromPEM(pem) {
		return nil, fault.New(fault.Invalid, "The file that KEEPER_CA_FILE names holds no certificate.").WithHint("It must be in PEM.")
	}
	return over(&tls.Config{MinVersion: tls.VersionTLS12, RootCAs: roots}), nil
}

func over(t *tls.Config) *http.Client {
	transport := http.DefaultTransport.(*http.Transport).Clone() //nolint:forcetypeassert // the standard library's own
	transport.TLSClientConfig = t
	return &http.Client{Timeout: callTime, Transport: transport}
}

// healthServer is the server to ask for its health, and how: the one that KEEPER_URL names,
// else the one on this machine, of which the certificate that it serves is known.
func healthServer(c *config.Config) (url string, client *http.Client, err error) {
	if c.ServerURL != "" || !c.ServesTLS() {
		client, err = httpClient(c)
		return cmp.Or(c.ServerURL, fmt.Sprintf("http://127.0.0.1:%d", c.Port)), client, err
	}
	pair, err := tls.LoadX509KeyPair(c.TLSCertFile, c.TLSKeyFile)
	if err != nil {
		return "", nil, fault.Wrap(err, fault.Invalid, "The certificate that the server on this machine serves cannot be read.").
			WithHint("Name the server in KEEPER_URL.")
	}
	roots := x509.NewCertPool()
	roots.AddCert(pair.Leaf)
	name := "127.0.0.1"
	if len(pair.Leaf.DNSNames) > 0 {
		name = pair.Leaf.DNSNames[0]
	} else if len(pair.Leaf.IPAddresses) > 0 {
		name = pair.Leaf.IPAddresses[0].String()
	}
	return fmt.Sprintf("https://127.0.0.1:%d", c.Port), over(&tls.Config{MinVersion: tls.VersionTLS12, RootCAs: roots, ServerName: name}), nil
}
