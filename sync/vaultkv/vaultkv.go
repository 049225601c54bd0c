// Package vaultkv is the driver for a KV v2 mount of HashiCorp Vault or OpenBao, names
// under a prefix. Keeper's mark is three keys of the entry's custom metadata.
//
// An entry that Keeper writes has one key, ValueKey, that holds the value as text. A value
// that is not UTF-8 stands under ValueKey + "_base64" instead. An entry of any other shape
// reads as the JSON of all its keys, sorted, so that it differs from what Keeper wrote. With
// Whole a value is the entry's whole map as a JSON object, both ways, and reads canonical.
//
// The policy that it needs, with M for the mount and P for the prefix:
//
//	path "M/data/P*"     { capabilities = ["create", "read", "update"] }
//	path "M/metadata/P*" { capabilities = ["read", "list", "patch"] }
//	path "M/delete/P*"   { capabilities = ["update"] }
//	path "M/undelete/P*" { capabilities = ["update"] }
//
// and where deletions are to be made final
//
//	path "M/destroy/P*"  { capabilities = ["update"] }
//
// A server that knows no PATCH of metadata needs "update" on M/metadata/P* instead.
package vaultkv

import (
	"cmp"
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"net"
	"net/http"
	"strings"
	"time"

	"github.com/hashicorp/vault/api"

	"github.com/your-org/keeper/egress"
	"github.com/your-org/keeper/fault"
	"github.com/your-org/keeper/models"
	keepersync "github.com/your-org/keeper/sync"
)

const (
	defaultValueKey = "value"
	defaultTimeout  = 30 * time.Second
	workers         = 8 // calls at once, where there is one per name
)

// Options say where to work and how to sign in: with Token, with RoleID and SecretID, or as
// Role with JWT or with what is in JWTFile.
type Options struct {
	Address   string        // "https://vault.example.com:8200"
	Namespace string        // empty: none
	Mount     string        // "secret"
	Prefix    string        // before each name: "keeper/production/"
	CACert    string        // PEM of the authorities to trust; empty: the system's
	ValueKey  string        // empty: "value"
	Whole     bool          // values are whole entries; ValueKey has no meaning
	Destroys  bool          // deletions are to be made final: Check tries that too
	Timeout   time.Duration // of one try of a call; 0: 30 seconds

	Token    models.Plaintext
	RoleID   models.Plaintext // of an AppRole
	SecretID models.Plaintext
	JWT      models.Plaintext // of the JWT method
	JWTFile  string           // of the Kubernetes method: where the service account's token is
	Role     string           // at Vault, for JWT and JWTFile
	AuthPath string           // where the method is mounted; empty: "approle", "jwt" or "kubernetes"
}

// Driver is a keepersync.Driver for a KV v2 mount.
type Driver struct {
	wire
	session  session
	mount    string
	prefix   string
	valueKey string
	whole    bool
	destroys bool
}

var _ keepersync.Driver = (*Driver)(nil)

// New makes a driver; it calls nobody. The error is an Invalid one. Nothing is taken from
// the VAULT_ variables of the process, which are not about this destination.
func New(o Options) (*Driver, error) {
	transport, err := transport(o.CACert)
	if err != nil {
		return nil, err
	}
	timeout := cmp.Or(o.Timeout, defaultTimeout)
	client, err := api.NewClient(&api.Config{
		Address: o.Address,
		HttpClient: &http.Client{
			Transport: transport, Timeout: timeout,
			CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
		},
		// Vault's client follows redirects by itself and takes the token along, to any host.
		DisableRedirects: true,
		// A repeated write is harmless: it carries the version that it replaces.
		CheckRetry: retries,
		MaxRetries: 2, MinRetryWait: 100 * time.Millisecond, MaxRetryWait: 400 * time.Millisecond,
	})
	if err != nil {
		return nil, fault.Wrap(err, fault.Invalid, "%s is no address of a Vault.", o.Address)
	}
	client.SetWrappingLookupFunc(func(string, string) string { return "" })
	client.ClearNamespace()
	if o.Namespace != "" {
		client.SetNamespace(o.Namespace)
	}
	client.SetToken(string(o.Token.Reveal()))
	w := wire{client.Logical(), 2 * timeout}
	return &Driver{
		wire: w,
		session: session{wire: w, client: client, login: login{
			mount: o.AuthPath, roleID: o.RoleID, secretID: o.SecretID, role: o.Role, jwt: o.JWT, jwtFile: o.JWTFile,
		}},
		mount:    strings.Trim(o.Mount, "/"),
		prefix:   o.Prefix,
		valueKey: cmp.Or(o.ValueKey, defaultValueKey),
		whole:    o.Whole,
		destroys: o.Destroys,
	}, nil
}

// retries is the client's policy, but for addresses that Keeper does not connect to.
func retries(ctx context.Context, resp *http.Response, err error) (bool, error) {
	if errors.Is(err, egress.ErrRefused) {
		return false, err
	}
	return api.DefaultRetryPolicy(ctx, resp, err)
}

func transport(caCert string) (*http.Transport, error) {
	t := http.DefaultTransport.(*http.Transport).Clone()
	t.TLSClientConfig = &tls.Config{MinVersion: tls.VersionTLS12}
	t.MaxIdleConnsPerHost = 4 * workers // a run looks at names while it writes others
	t.Proxy = egress.Proxy(t.Proxy)
	t.DialContext = (&net.Dialer{Timeout: defaultTimeout, KeepAlive: defaultTimeout, Control: egress.Control}).DialContext
	if caCert == "" {
		return t, nil
	}
	pool := x509.NewCertPool()
	if !pool.AppendCertsFromPEM([]byte(caCert)) {
		return nil, fault.InvalidField("config.ca_cert", "must hold certificates in PEM")
	}
	t.TLSClientConfig.RootCAs = pool
	return t, nil
}

// path is where an area of the mount keeps a name: "secret/data/keeper/x".
func (d *Driver) path(area, name string) string { return d.mount + "/" + area + "/" + name }
