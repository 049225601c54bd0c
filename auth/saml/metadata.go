package saml

import (
	"encoding/base64"
	"encoding/xml"

	crewjam "github.com/crewjam/saml"

	"github.com/your-org/keeper/fault"
)

// Metadata is our metadata as XML, to be given to the identity provider.
func (p *Provider) Metadata() ([]byte, error) {
	yes := true
	descriptor := crewjam.SPSSODescriptor{
		SSODescriptor: crewjam.SSODescriptor{
			RoleDescriptor: crewjam.RoleDescriptor{
				ProtocolSupportEnumeration: nsProtocol,
				KeyDescriptors:             p.keyDescriptors(),
			},
		},
		AuthnRequestsSigned:       &yes,
		WantAssertionsSigned:      &yes,
		AssertionConsumerServices: []crewjam.IndexedEndpoint{{Binding: crewjam.HTTPPostBinding, Location: p.cfg.ACSURL, Index: 1, IsDefault: &yes}},
	}
	if p.cfg.NameIDFormat != "" {
		descriptor.NameIDFormats = []crewjam.NameIDFormat{crewjam.NameIDFormat(p.cfg.NameIDFormat)}
	}
	if p.cfg.SLOURL != "" {
		for _, binding := range []string{crewjam.HTTPPostBinding, crewjam.HTTPRedirectBinding} {
			descriptor.SingleLogoutServices = append(descriptor.SingleLogoutServices, crewjam.Endpoint{Binding: binding, Location: p.cfg.SLOURL})
		}
	}
	text, err := xml.MarshalIndent(entity{EntityID: p.cfg.EntityID, Descriptor: descriptor}, "", "  ")
	if err != nil {
		return nil, fault.Wrap(err, fault.Internal, "The SAML metadata could not be written.")
	}
	return append([]byte(xml.Header), append(text, '\n')...), nil
}

// entity is an EntityDescriptor without an end: ours is valid until a key changes, and an administrator uploads it.
type entity struct {
	XMLName    xml.Name                `xml:"urn:oasis:names:tc:SAML:2.0:metadata EntityDescriptor"`
	EntityID   string                  `xml:"entityID,attr"`
	Descriptor crewjam.SPSSODescriptor `xml:"urn:oasis:names:tc:SAML:2.0:metadata SPSSODescriptor"`
}

// keyDescriptors publish every key, the one that signs first: for signing, and for encryption where that is wanted.
func (p *Provider) keyDescriptors() []crewjam.KeyDescriptor {
	var descriptors []crewjam.KeyDescriptor
	uses := []string{"signing"}
	if p.cfg.EncryptAssertions {
		uses = append(uses, "encryption")
	}
	for _, use := range uses {
		for _, pair := range p.cfg.Keys {
			descriptor := crewjam.KeyDescriptor{Use: use, KeyInfo: crewjam.KeyInfo{X509Data: crewjam.X509Data{
				X509Certificates: []crewjam.X509Certificate{{Data: base64.StdEncoding.EncodeToString(pair.Certificate.Raw)}},
			}}}
			if use == "encryption" {
				for _, algorithm := range contentCiphers {
					descriptor.EncryptionMethods = append(descriptor.EncryptionMethods, crewjam.EncryptionMethod{Algorithm: algorithm})
				}
				descriptor.EncryptionMethods = append(descriptor.EncryptionMethods, crewjam.EncryptionMethod{Algorithm: keyTransport})
			}
			descriptors = append(descriptors, descriptor)
		}
	}
	return descriptors
}
