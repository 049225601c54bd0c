package saml

import (
	"bytes"
	"compress/flate"
	"crypto"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha256"
	"encoding/base64"
	"net/url"

	"github.com/beevik/etree"
	crewjam "github.com/crewjam/saml"
	dsig "github.com/russellhaering/goxmldsig"

	"github.com/your-org/keeper/fault"
)

// Message is how a message reaches the identity provider: the browser is sent to URL, or submits Form.
type Message struct {
	URL  string // a redirect; "" when there is a form
	Form *Form
}

// Form is a form to be submitted by POST. A page that shows it must allow Origin in the form-action of its content policy.
type Form struct {
	Action string
	Fields []FormField
}

// FormField is a hidden field.
type FormField struct{ Name, Value string }

// Origin is scheme and host of where the message goes.
func (m Message) Origin() string {
	target := m.URL
	if m.Form != nil {
		target = m.Form.Action
	}
	u, err := url.Parse(target)
	if err != nil {
		return ""
	}
	return u.Scheme + "://" + u.Host
}

// Parameters of the bindings.
const (
	paramRequest  = "SAMLRequest"
	paramResponse = "SAMLResponse"
)

// endpoint is where the identity provider takes messages.
type endpoint struct {
	binding  string // crewjam.HTTPRedirectBinding or HTTPPostBinding
	location string
	response string // where answers go; location when the metadata names no other
}

// choose picks the endpoint whose binding is preferred; ok is false when there is none.
func choose(endpoints []endpoint, preferPost bool) (endpoint, bool) {
	order := []string{crewjam.HTTPRedirectBinding, crewjam.HTTPPostBinding}
	if preferPost {
		order[0], order[1] = order[1], order[0]
	}
	for _, binding := range order {
		for _, e := range endpoints {
			if e.binding == binding {
				return e, true
			}
		}
	}
	return endpoint{}, false
}

// send signs el with our first key and wraps it for a binding.
func (p *Provider) send(el *etree.Element, binding, location, param, relayState string) (Message, error) {
	if binding == crewjam.HTTPPostBinding {
		return p.sendForm(el, location, param, relayState)
	}
	return p.sendRedirect(el, location, param, relayState)
}

// sendRedirect signs the query, in the order that the binding prescribes (SAML bindings 3.4.4.1).
func (p *Provider) sendRedirect(el *etree.Element, location, param, relayState string) (Message, error) {
	var packed bytes.Buffer
	deflate, err := flate.NewWriter(&packed, flate.BestCompression)
	if err != nil {
		return Message{}, fault.Wrap(err, fault.Internal, "The SAML message could not be made.")
	}
	text, err := serialize(el)
	if err != nil {
		return Message{}, err
	}
	if _, err := deflate.Write(text); err != nil {
		return Message{}, fault.Wrap(err, fault.Internal, "The SAML message could not be made.")
	}
	if err := deflate.Close(); err != nil {
		return Message{}, fault.Wrap(err, fault.Internal, "The SAML message could not be made.")
	}
	query := param + "=" + url.QueryEscape(base64.StdEncoding.EncodeToString(packed.Bytes()))
	if relayState != "" {
		query += "&RelayState=" + url.QueryEscape(relayState)
	}
	query += "&SigAlg=" + url.QueryEscape(dsig.RSASHA256SignatureMethod)
	digest := sha256.Sum256([]byte(query))
	signature, err := rsa.SignPKCS1v15(rand.Reader, p.cfg.Keys[0].Key, crypto.SHA256, digest[:])
	if err != nil {
		return Message{}, fault.Wrap(err, fault.Internal, "The SAML message could not be signed.")
	}
	query += "&Signature=" + url.QueryEscape(base64.StdEncoding.EncodeToString(signature))
	target, err := url.Parse(location)
	if err != nil {
		return Message{}, fault.Wrap(err, fault.Internal, "The identity provider's address cannot be read.")
	}
	if target.RawQuery != "" {
		query = target.RawQuery + "&" + query
	}
	target.RawQuery = query
	return Message{URL: target.String()}, nil
}

// sendForm signs the element itself.
func (p *Provider) sendForm(el *etree.Element, location, param, relayState string) (Message, error) {
	signed, err := p.signEnveloped(el)
	if err != nil {
		return Message{}, err
	}
	text, err := serialize(signed)
	if err != nil {
		return Message{}, err
	}
	form := &Form{Action: location, Fields: []FormField{{param, base64.StdEncoding.EncodeToString(text)}}}
	if relayState != "" {
		form.Fields = append(form.Fields, FormField{"RelayState", relayState})
	}
	return Message{Form: form}, nil
}

// signEnveloped puts a signature into el, directly behind its Issuer as the schema wants it.
func (p *Provider) signEnveloped(el *etree.Element) (*etree.Element, error) {
	pair := p.cfg.Keys[0]
	ctx, err := dsig.NewSigningContext(pair.Key, [][]byte{pair.Certificate.Raw})
	if err != nil {
		return nil, fault.Wrap(err, fault.Internal, "The SAML message could not be signed.")
	}
	ctx.Canonicalizer = dsig.MakeC14N10ExclusiveCanonicalizerWithPrefixList("")
	if err := ctx.SetSignatureMethod(dsig.RSASHA256SignatureMethod); err != nil {
		return nil, fault.Wrap(err, fault.Internal, "The SAML message could not be signed.")
	}
	signature, err := ctx.ConstructSignature(el, true)
	if err != nil {
		return nil, fault.Wrap(err, fault.Internal, "The SAML message could not be signed.")
	}
	signed := el.Copy()
	at := 0
	if issuer := only(signed, nsAssertion, "Issuer"); issuer != nil {
		at = issuer.Index() + 1
	}
	signed.InsertChildAt(at, signature)
	return signed, nil
}

func serialize(el *etree.Element) ([]byte, error) {
	doc := etree.NewDocument()
	doc.SetRoot(el.Copy())
	text, err := doc.WriteToBytes()
	if err != nil {
		return nil, fault.Wrap(err, fault.Internal, "The SAML message could not be written.")
	}
	return text, nil
}
