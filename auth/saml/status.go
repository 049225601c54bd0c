package saml

import (
	"crypto/x509"
	"time"
)

// Status is what is known of a provider now.
type Status struct {
	Known      bool      // whether metadata was ever read
	EntityID   string    // the identity provider's
	SignOnURLs []string  // where sign-ins go
	Logout     bool      // whether both sides take part in single logout
	ValidUntil time.Time // the end that the metadata gives itself; zero for none. Metadata past it goes on being used, and should be warned of
	FetchedAt  time.Time // the last try to fetch metadata; zero when there was none
	FetchError string    // why that failed; "" when it went well
}

// Status tells how the provider stands.
func (p *Provider) Status() Status {
	var s Status
	if last := p.last.Load(); last != nil {
		s.FetchedAt, s.FetchError = last.at, last.problem
	}
	idp := p.idp.Load()
	if idp == nil {
		return s
	}
	s.Known, s.EntityID, s.ValidUntil = true, idp.entityID, idp.validUntil
	s.Logout = p.cfg.SLOURL != "" && len(idp.logout) > 0
	for _, e := range idp.signOn {
		s.SignOnURLs = append(s.SignOnURLs, e.location)
	}
	return s
}

// IDPMetadata is the identity provider's metadata that is in use, nil while none is known.
func (p *Provider) IDPMetadata() []byte {
	if idp := p.idp.Load(); idp != nil {
		return idp.raw
	}
	return nil
}

// Certificate is a certificate on either side, with its end.
type Certificate struct {
	Ours        bool
	Signs       bool   // ours: whether requests are signed with it now; theirs: always
	Fingerprint string // SHA-256 in hexadecimal
	Subject     string
	NotBefore   time.Time
	NotAfter    time.Time
}

// Expires reports whether the certificate is not valid any more within a span from now.
func (c Certificate) Expires(now time.Time, within time.Duration) bool {
	return !now.Add(within).Before(c.NotAfter)
}

// Certificates lists ours, the signing one first, then the identity provider's.
func (p *Provider) Certificates() []Certificate {
	var list []Certificate
	for i, pair := range p.cfg.Keys {
		list = append(list, describe(pair.Certificate, true, i == 0))
	}
	if idp := p.idp.Load(); idp != nil {
		for _, c := range idp.signers {
			list = append(list, describe(c, false, true))
		}
	}
	return list
}

// CertificatePEM is the certificate of ours that has a fingerprint, or ("") that of the key that signs, as PEM; nil for none.
func (p *Provider) CertificatePEM(of string) []byte {
	for _, pair := range p.cfg.Keys {
		if of == "" || fingerprint(pair.Certificate) == of {
			return pair.CertificatePEM()
		}
	}
	return nil
}

func describe(c *x509.Certificate, ours, signs bool) Certificate {
	return Certificate{
		Ours: ours, Signs: signs, Fingerprint: fingerprint(c),
		Subject: c.Subject.String(), NotBefore: c.NotBefore.UTC(), NotAfter: c.NotAfter.UTC(),
	}
}
