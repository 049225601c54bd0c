package samltest

import (
	"crypto/rand"
	"encoding/base64"
	"errors"
	"fmt"
	"time"

	"github.com/beevik/etree"
	crewjam "github.com/crewjam/saml"
	"github.com/crewjam/saml/xmlenc"
	dsig "github.com/russellhaering/goxmldsig"

	"github.com/your-org/keeper/auth/saml"
)

// Making says how a response is made. The zero value makes a good one: its assertion is signed with RSA-SHA256, the
// response is not.
type Making struct {
	Assertion    func(*crewjam.Assertion) // changes the assertion before it becomes XML
	AssertionXML func(*etree.Element)     // changes its XML before it is signed
	Response     func(*crewjam.Response)  // changes the response around it
	ResponseXML  func(*etree.Element)     // changes the whole before the response is signed
	Sealed       func([]byte) []byte      // changes the text of a signed assertion before it is encrypted, as an attacker could
	Finished     func(*etree.Element)     // changes the whole after everything was signed, as an attacker would

	UnsignedAssertion bool
	SignResponse      bool
	Encrypt           bool          // with the service provider's first encryption certificate
	EncryptFor        *saml.KeyPair // with this certificate instead
	Cipher            xmlenc.Encrypter
	Method            string        // signature method; RSA-SHA256 when empty
	Signer            *saml.KeyPair // another key than the identity provider's
	Now               time.Time     // the real time when zero
}

// Respond makes a response for a user and a service provider, as XML. inResponseTo is empty for one that nobody asked for.
func (i *IDP) Respond(entityID, inResponseTo, nameID string, m Making) ([]byte, error) {
	i.mu.Lock()
	sp, user, signer := i.sps[entityID], i.users[nameID], i.keys[0]
	i.mu.Unlock()
	if sp == nil {
		return nil, fmt.Errorf("the service provider %q is not registered", entityID)
	}
	if m.Signer != nil {
		signer = *m.Signer
	}
	root, err := i.compose(sp, user, inResponseTo, signer, m)
	if err != nil {
		return nil, err
	}
	return write(root)
}

func (i *IDP) compose(sp *crewjam.EntityDescriptor, user User, inResponseTo string, signer saml.KeyPair, m Making) (*etree.Element, error) {
	now := m.Now
	if now.IsZero() {
		now = time.Now().UTC()
	}
	acs := sp.SPSSODescriptors[0].AssertionConsumerServices[0].Location
	assertion := i.assertion(sp.EntityID, acs, inResponseTo, user, now)
	if m.Assertion != nil {
		m.Assertion(assertion)
	}
	el := assertion.Element()
	if m.AssertionXML != nil {
		m.AssertionXML(el)
	}
	var err error
	if !m.UnsignedAssertion {
		if el, err = sign(el, signer, m.Method); err != nil {
			return nil, err
		}
	}
	if m.Encrypt {
		if el, err = encrypt(el, sp, m); err != nil {
			return nil, err
		}
	}
	response := crewjam.Response{
		ID: "id-" + rand.Text(), InResponseTo: inResponseTo, Destination: acs, IssueInstant: now, Version: "2.0",
		Issuer: &crewjam.Issuer{Value: i.EntityID()},
		Status: crewjam.Status{StatusCode: crewjam.StatusCode{Value: crewjam.StatusSuccess}},
	}
	if m.Response != nil {
		m.Response(&response)
	}
	root := response.Element()
	root.AddChild(el)
	if m.ResponseXML != nil {
		m.ResponseXML(root)
	}
	if m.SignResponse {
		if root, err = sign(root, signer, m.Method); err != nil {
			return nil, err
		}
	}
	if m.Finished != nil {
		m.Finished(root)
	}
	return root, nil
}

// assertion is a good one, as Okta makes them.
func (i *IDP) assertion(entityID, acs, inResponseTo string, user User, now time.Time) *crewjam.Assertion {
	index := "session-" + rand.Text()
	i.mu.Lock()
	i.sessions[index] = user.NameID
	i.mu.Unlock()
	ends := now.Add(5 * time.Minute)
	values := func(list ...string) (out []crewjam.AttributeValue) {
		for _, v := range list {
			out = append(out, crewjam.AttributeValue{Type: "xs:string", Value: v})
		}
		return out
	}
	const basic = "urn:oasis:names:tc:SAML:2.0:attrname-format:basic"
	attributes := []crewjam.Attribute{
		{Name: AttributeEmail, NameFormat: basic, Values: values(user.Email)},
		{Name: AttributeName, NameFormat: basic, Values: values(user.Name)},
	}
	if len(user.Groups) > 0 {
		attributes = append(attributes, crewjam.Attribute{Name: AttributeGroups, NameFormat: basic, Values: values(user.Groups...)})
	}
	return &crewjam.Assertion{
		ID: "id-" + rand.Text(), IssueInstant: now, Version: "2.0", Issuer: crewjam.Issuer{Value: i.EntityID()},
		Subject: &crewjam.Subject{
			NameID: &crewjam.NameID{Format: string(crewjam.EmailAddressNameIDFormat), Value: user.NameID},
			SubjectConfirmations: []crewjam.SubjectConfirmation{{
				Method: "urn:oasis:names:tc:SAML:2.0:cm:bearer",
				SubjectConfirmationData: &crewjam.SubjectConfirmationData{
					InResponseTo: inResponseTo, NotOnOrAfter: ends, Recipient: acs,
				},
			}},
		},
		Conditions: &crewjam.Conditions{
			NotBefore: now.Add(-5 * time.Minute), NotOnOrAfter: ends,
			AudienceRestrictions: []crewjam.AudienceRestriction{{Audience: crewjam.Audience{Value: entityID}}},
		},
		AuthnStatements: []crewjam.AuthnStatement{{
			AuthnInstant: now, SessionIndex: index,
			AuthnContext: crewjam.AuthnContext{AuthnContextClassRef: &crewjam.AuthnContextClassRef{Value: "urn:oasis:names:tc:SAML:2.0:ac:classes:PasswordProtectedTransport"}},
		}},
		AttributeStatements: []crewjam.AttributeStatement{{Attributes: attributes}},
	}
}

// sign puts a signature behind the Issuer of an element.
func sign(el *etree.Element, pair saml.KeyPair, method string) (*etree.Element, error) {
	if method == "" {
		method = dsig.RSASHA256SignatureMethod
	}
	ctx, err := dsig.NewSigningContext(pair.Key, [][]byte{pair.Certificate.Raw})
	if err != nil {
		return nil, err
	}
	ctx.Canonicalizer = dsig.MakeC14N10ExclusiveCanonicalizerWithPrefixList("")
	if err := ctx.SetSignatureMethod(method); err != nil {
		return nil, err
	}
	signature, err := ctx.ConstructSignature(el, true)
	if err != nil {
		return nil, err
	}
	signed := el.Copy()
	at := 0
	for _, child := range signed.ChildElements() {
		if child.Tag == "Issuer" {
			at = child.Index() + 1
		}
	}
	signed.InsertChildAt(at, signature)
	return signed, nil
}

func encrypt(el *etree.Element, sp *crewjam.EntityDescriptor, m Making) (*etree.Element, error) {
	certificate, err := encryptionCertificate(sp)
	if m.EncryptFor != nil {
		certificate, err = m.EncryptFor.Certificate, nil
	}
	if err != nil {
		return nil, err
	}
	text, err := write(el)
	if err != nil {
		return nil, err
	}
	if m.Sealed != nil {
		text = m.Sealed(text)
	}
	encrypter := m.Cipher
	if encrypter == nil {
		encrypter = xmlenc.OAEP()
	}
	data, err := encrypter.Encrypt(certificate, text, nil)
	if err != nil {
		return nil, err
	}
	data.CreateAttr("Type", "http://www.w3.org/2001/04/xmlenc#Element")
	encrypted := etree.NewElement("saml:EncryptedAssertion")
	encrypted.CreateAttr("xmlns:saml", "urn:oasis:names:tc:SAML:2.0:assertion")
	encrypted.AddChild(data)
	return encrypted, nil
}

func write(el *etree.Element) ([]byte, error) {
	doc := etree.NewDocument()
	doc.SetRoot(el.Copy())
	return doc.WriteToBytes()
}

// Encode is a message as a form carries it.
func Encode(message []byte) string { return base64.StdEncoding.EncodeToString(message) }

var errNoCertificate = errors.New("the service provider's metadata has no certificate for that use")
