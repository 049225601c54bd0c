// Package saml turns an assertion of an identity provider into an identity. It is the service provider's side of SAML 2.0
// web sign-in and single logout: signed requests, responses by HTTP-POST, metadata of both sides, and a doctor that says
// what is wrong with a response.
//
// Metadata, schema, building of messages and encryption come from crewjam/saml, signatures from goxmldsig. The reading and
// the checks of what arrives are this package's own, because the library's accept more than they should and tell failures
// apart by text only. The rule that carries them: whatever is believed is read from the bytes that a signature covers,
// which goxmldsig hands back, never from the document that arrived around them.
//
// The package knows neither the store nor accounts. State is kept by the two small interfaces Requests and Replays.
package saml

import (
	"context"
	"log/slog"
	"net/http"
	"sync/atomic"
	"time"

	"github.com/your-org/keeper/fault"
)

// Bounds that are no settings: nothing real comes near them.
const (
	maxMessage    = 1 << 20 // bytes of a message, decoded and inflated
	maxDepth      = 64      // levels of XML
	maxElements   = 20_000  // elements of a message
	maxAttributes = 64      // XML attributes of an element
	maxNamespaces = 128     // declared on an element and all that it stands in
	maxValue      = 1024    // bytes of one name, attribute value or group
	maxIndex      = 512     // bytes of a SessionIndex
	maxGroups     = 5_000   // groups of one person
	maxQuoted     = 160     // characters of a foreign value in a detail
	requestLife   = 15 * time.Minute
	clockSkew     = 3 * time.Minute
	issueDelay    = 5 * time.Minute
	maxClockSkew  = 15 * time.Minute
	maxIssueDelay = time.Hour
	maxSigners    = 10     // certificates of one identity provider: a message that none of them signed is held against each
	minimumRSA    = 2048   // bits
	maximumRSA    = 16_384 // bits; the work that a key makes grows with their square
)

// Deps is what a Provider is handed. Requests and Replays are required.
type Deps struct {
	Requests Requests
	Replays  Replays
	Now      func() time.Time // time.Now when nil
	HTTP     *http.Client     // fetches metadata; a client with a time-out when nil. Redirects to anything but https are refused either way
	Log      *slog.Logger     // silent when nil

	// Keep, if set, is called with metadata that was fetched and found good, so that it can be stored and handed
	// to New as Config.Metadata after a restart during which the identity provider does not answer.
	Keep func(ctx context.Context, metadata []byte) error
}

// Provider is one identity provider as Keeper sees it. It is safe for use by many goroutines.
type Provider struct {
	cfg  Config
	deps Deps
	idp  atomic.Pointer[identityProvider] // nil until metadata is known
	last atomic.Pointer[fetch]            // how the last fetch of metadata went
}

// New makes a Provider. An error is Invalid with a field for everything that is wrong with the configuration. The
// network is not touched: with a MetadataURL and no Metadata, the Provider knows its identity provider after the first
// Refresh.
func New(cfg Config, deps Deps) (*Provider, error) {
	cfg = cfg.withDefaults()
	if err := cfg.Validate(); err != nil {
		return nil, err
	}
	if deps.Requests == nil || deps.Replays == nil {
		return nil, fault.New(fault.Internal, "A SAML provider needs a place for requests and for replays.")
	}
	if deps.Now == nil {
		deps.Now = time.Now
	}
	if deps.Log == nil {
		deps.Log = slog.New(slog.DiscardHandler)
	}
	deps.HTTP = metadataClient(deps.HTTP)
	p := &Provider{cfg: cfg, deps: deps}
	if len(cfg.Metadata) > 0 {
		idp, err := parseMetadata(cfg.Metadata, cfg.Issuer)
		if err != nil {
			return nil, err
		}
		p.idp.Store(idp)
	}
	return p, nil
}

// ID is the provider's identifier, as configured.
func (p *Provider) ID() string { return p.cfg.ID }

// Name is what people call the provider, as configured.
func (p *Provider) Name() string { return p.cfg.Name }

func (p *Provider) now() time.Time { return p.deps.Now().UTC() }

// known is the identity provider, or Unavailable while its metadata has never been read.
func (p *Provider) known() (*identityProvider, error) {
	if idp := p.idp.Load(); idp != nil {
		return idp, nil
	}
	return nil, fault.New(fault.Unavailable, "The metadata of the identity provider %q has not been read yet.", p.cfg.Name).
		WithHint("Check the metadata URL and that Keeper can reach it.")
}
