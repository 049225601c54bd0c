package saml

import (
	"crypto/rsa"
	"crypto/x509"
	"encoding/base64"
	"encoding/xml"
	"slices"
	"strings"
	"time"

	crewjam "github.com/crewjam/saml"

	"github.com/your-org/keeper/fault"
)

// identityProvider is what metadata says of the other side. It is never changed, only replaced.
type identityProvider struct {
	entityID   string
	raw        []byte
	signers    []*x509.Certificate // at least one
	signOn     []endpoint
	logout     []endpoint
	validUntil time.Time // zero when the metadata has no end
}

// parseMetadata reads the metadata of one identity provider: an EntityDescriptor, or an EntitiesDescriptor that holds
// one identity provider, or among several the wanted one. With wanted set, another entity id is refused. An error is
// Invalid.
func parseMetadata(raw []byte, wanted string) (idp *identityProvider, err error) {
	defer func() {
		if reason, _ := ReasonOf(err); reason != "" { // what recovered makes speaks of a sign-in
			err = fault.Wrap(err, fault.Invalid, "The metadata cannot be read.")
		}
	}()
	defer recovered(&err)
	if _, refusal := parseXML(raw, leaveComments); refusal != nil {
		return nil, fault.New(fault.Invalid, "The metadata cannot be read: %s.", refusal.Detail)
	}
	descriptor, err := findDescriptor(raw, wanted)
	if err != nil {
		return nil, err
	}
	if wanted != "" && descriptor.EntityID != wanted {
		return nil, fault.New(fault.Invalid, "The metadata is of the identity provider %s, not of %s.", quote(descriptor.EntityID), quote(wanted))
	}
	idp = &identityProvider{entityID: descriptor.EntityID, raw: slices.Clone(raw), validUntil: descriptor.ValidUntil}
	for _, role := range descriptor.IDPSSODescriptors {
		idp.signOn = append(idp.signOn, usable(role.SingleSignOnServices)...)
		idp.logout = append(idp.logout, usable(role.SingleLogoutServices)...)
		signers, err := signingCertificates(role.KeyDescriptors)
		if err != nil {
			return nil, err
		}
		idp.signers = append(idp.signers, signers...)
	}
	switch {
	case idp.entityID == "" || len(idp.entityID) > maxValue:
		return nil, fault.New(fault.Invalid, "The metadata has no usable entity id.")
	case len(idp.signOn) == 0:
		return nil, fault.New(fault.Invalid, "The metadata names no address for sign-in by redirect or form.")
	case len(idp.signers) == 0:
		return nil, fault.New(fault.Invalid, "The metadata holds no certificate for signatures.")
	case len(idp.signers) > maxSigners:
		return nil, fault.New(fault.Invalid, "The metadata holds %d certificates for signatures, more than %d.", len(idp.signers), maxSigners)
	}
	return idp, nil
}

func findDescriptor(raw []byte, wanted string) (*crewjam.EntityDescriptor, error) {
	var one crewjam.EntityDescriptor
	if err := xml.Unmarshal(raw, &one); err == nil {
		return &one, nil
	}
	var many crewjam.EntitiesDescriptor
	if err := xml.Unmarshal(raw, &many); err != nil {
		return nil, fault.Wrap(err, fault.Invalid, "This is not SAML metadata.")
	}
	var found []*crewjam.EntityDescriptor
	for i := range many.EntityDescriptors {
		candidate := &many.EntityDescriptors[i]
		if len(candidate.IDPSSODescriptors) > 0 && (wanted == "" || candidate.EntityID == wanted) {
			found = append(found, candidate)
		}
	}
	if len(found) != 1 {
		return nil, fault.New(fault.Invalid, "The metadata holds %d identity providers that fit, and one is needed.", len(found)).
			WithHint("Give the entity id of the one that is meant.")
	}
	return found[0], nil
}

// usable keeps the endpoints of the bindings that a browser can carry.
func usable(services []crewjam.Endpoint) []endpoint {
	var endpoints []endpoint
	for _, s := range services {
		if s.Binding != crewjam.HTTPRedirectBinding && s.Binding != crewjam.HTTPPostBinding || !absoluteURL(s.Location) {
			continue
		}
		e := endpoint{binding: s.Binding, location: s.Location, response: s.Location}
		if absoluteURL(s.ResponseLocation) {
			e.response = s.ResponseLocation
		}
		endpoints = append(endpoints, e)
	}
	return endpoints
}

// signingCertificates are those for signing and those for any use, without doubles.
func signingCertificates(descriptors []crewjam.KeyDescriptor) ([]*x509.Certificate, error) {
	var certificates []*x509.Certificate
	for _, d := range descriptors {
		if d.Use != "" && d.Use != "signing" {
			continue
		}
		for _, data := range d.KeyInfo.X509Data.X509Certificates {
			certificate, err := parseCertificate(data.Data)
			if err != nil {
				return nil, fault.Wrap(err, fault.Invalid, "The metadata holds a certificate that cannot be read.")
			}
			if public, ok := certificate.PublicKey.(*rsa.PublicKey); ok && public.N.BitLen() > maximumRSA {
				return nil, fault.New(fault.Invalid, "The metadata holds a certificate with a key of %d bits, more than %d.", public.N.BitLen(), maximumRSA)
			}
			if !slices.ContainsFunc(certificates, certificate.Equal) {
				certificates = append(certificates, certificate)
			}
		}
	}
	return certificates, nil
}

// parseCertificate reads base64 of DER, with whatever white space XML left in it.
func parseCertificate(data string) (*x509.Certificate, error) {
	der, err := base64.StdEncoding.DecodeString(strings.Join(strings.Fields(data), ""))
	if err != nil {
		return nil, err
	}
	return x509.ParseCertificate(der)
}
