package saml

import (
	"context"
	"crypto/rand"
	"time"

	"github.com/beevik/etree"
	crewjam "github.com/crewjam/saml"

	"github.com/your-org/keeper/fault"
)

// Begin starts a sign-in: it makes a signed request, remembers it for 15 minutes under its RelayState, and says where
// the browser goes. An error is Unavailable while the identity provider's metadata is not known.
func (p *Provider) Begin(ctx context.Context, options BeginOptions) (Message, error) {
	idp, err := p.known()
	if err != nil {
		return Message{}, err
	}
	target, ok := choose(idp.signOn, p.cfg.PreferPost)
	if !ok {
		return Message{}, fault.New(fault.Unavailable, "The identity provider %q takes no requests by redirect or form.", p.cfg.Name)
	}
	request := Request{
		Provider: p.cfg.ID, Kind: KindSignIn, ID: newID(),
		ReturnTo: LocalPath(options.ReturnTo), Purpose: options.Purpose, Browser: options.Browser,
	}
	relayState, err := p.remember(ctx, request)
	if err != nil {
		return Message{}, err
	}
	return p.send(p.authnRequest(request.ID, target.location, options.ForceAuthn), target.binding, target.location, paramRequest, relayState)
}

func (p *Provider) authnRequest(id, destination string, force bool) *etree.Element {
	request := crewjam.AuthnRequest{
		ID: id, Version: "2.0", IssueInstant: p.now(), Destination: destination,
		ProtocolBinding: crewjam.HTTPPostBinding, AssertionConsumerServiceURL: p.cfg.ACSURL,
		Issuer: p.issuer(),
	}
	if p.cfg.NameIDFormat != "" {
		create := true
		request.NameIDPolicy = &crewjam.NameIDPolicy{AllowCreate: &create, Format: &p.cfg.NameIDFormat}
	}
	if force {
		request.ForceAuthn = &force
	}
	return request.Element()
}

// issuer names Keeper in its own messages.
func (p *Provider) issuer() *crewjam.Issuer { return &crewjam.Issuer{Value: p.cfg.EntityID} }

// remember keeps a request under a new RelayState, which it returns: 130 random bits, in 80 bytes as the binding demands.
func (p *Provider) remember(ctx context.Context, r Request) (string, error) {
	relayState := rand.Text()
	if err := p.deps.Requests.Put(ctx, relayState, r, p.now().Add(requestLife)); err != nil {
		return "", fault.Wrap(err, fault.KindOf(err), "The sign-in could not be begun.")
	}
	return relayState, nil
}

// take fetches what was remembered for a RelayState of this provider and kind, once.
func (p *Provider) take(ctx context.Context, relayState, kind string, now time.Time) (*Request, error) {
	if relayState == "" || len(relayState) > 80 {
		return nil, nil //nolint:nilnil // no request is an answer here, and not an error: the identity provider may have begun
	}
	r, ok, err := p.deps.Requests.Take(ctx, relayState, now)
	if err != nil {
		return nil, fault.Wrap(err, fault.KindOf(err), "The sign-in could not be finished.")
	}
	if !ok || r.Provider != p.cfg.ID || r.Kind != kind {
		return nil, nil //nolint:nilnil // as above
	}
	return &r, nil
}

// newID is an identifier for a message: an XML name with 130 random bits.
func newID() string { return "id-" + rand.Text() }
