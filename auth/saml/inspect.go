package saml

import (
	"time"

	"github.com/beevik/etree"
)

// inspection is what was found in one response, step by step. It decides nothing: Finish takes an identity from it only when
// nothing is wrong and the assertion is trusted; Diagnose shows it.
type inspection struct {
	response  response
	assertion assertion
	trusted   bool       // the assertion was read from bytes that a signature of the identity provider covers
	wrong     []*Refusal // all that is wrong, what stopped first at the head

	responseSignature, assertionSignature SignatureFacts
	encrypted                             string // the cipher, "" for none
	read                                  bool   // whether assertion was read at all
}

func (i *inspection) add(refusals ...*Refusal) bool {
	before := len(i.wrong)
	for _, r := range refusals {
		if r != nil {
			i.wrong = append(i.wrong, r)
		}
	}
	return len(i.wrong) == before
}

// inspect reads a response and checks all that needs no state. It stops where going on would mean to read what nobody
// vouches for, unless anyway is set, as the doctor does; then trusted stays false.
func (p *Provider) inspect(raw []byte, idp *identityProvider, now time.Time, anyway bool) *inspection {
	i := &inspection{}
	root, refusal := parseXML(raw, refuseComments)
	if !i.add(refusal) || !i.add(checkResponseShape(root)) && !anyway {
		return i
	}
	if !is(root, nsProtocol, "Response") {
		return i
	}
	i.response, refusal = readResponse(root)
	if !i.add(refusal) || !i.add(checkStatus(i.response)) {
		return i
	}
	verifiedResponse := p.verifyResponse(i, root, idp, now)
	if len(i.wrong) > 0 && !anyway {
		return i
	}
	el, vouched := p.findAssertion(i, root, verifiedResponse)
	if el == nil {
		return i
	}
	verified, refusal := p.verifyAssertion(i, el, vouched, idp, now)
	if !i.add(refusal) && !anyway {
		return i
	}
	i.trusted = verified != nil && len(i.wrong) == 0
	if verified == nil {
		verified = el // only under anyway
	}
	i.assertion, refusal = readAssertion(verified)
	if !i.add(refusal) {
		return i
	}
	i.read = true
	l := p.limits(idp, now)
	i.add(l.checkResponse(i.response)...)
	i.add(l.checkAssertion(i.assertion)...)
	return i
}

// verifyResponse is the response as its own signature covers it; nil when it has none, or a bad one, which is then on record.
func (p *Provider) verifyResponse(i *inspection, root *etree.Element, idp *identityProvider, now time.Time) *etree.Element {
	if only(root, nsSignature, "Signature") == nil {
		return nil
	}
	verified, refusal := verify(root, idp.signers, now, &i.responseSignature)
	if !i.add(refusal) {
		return nil
	}
	found, refusal := readResponse(verified)
	if !i.add(refusal) {
		return nil
	}
	i.response, i.response.signed = found, true
	return verified
}

// findAssertion is the one assertion, decrypted. vouched says that it was read from a response whose signature is good.
func (p *Provider) findAssertion(i *inspection, root, verified *etree.Element) (el *etree.Element, vouched bool) {
	from := root
	if verified != nil {
		from, vouched = verified, true
	}
	plain, encrypted := all(from, nsAssertion, "Assertion"), all(from, nsAssertion, "EncryptedAssertion")
	switch number := len(plain) + len(encrypted); {
	case number == 0:
		i.add(refuse(ReasonNoAssertion, "the response holds no assertion"))
		return nil, false
	case number > 1:
		i.add(refuse(ReasonSeveralAssertions, "the response holds %d assertions", number))
		return nil, false
	case len(plain) == 1:
		return plain[0], vouched
	}
	opened, method, refusal := decrypt(encrypted[0], p.cfg.Keys)
	i.encrypted = method
	if !i.add(refusal) || !i.add(checkAssertionShape(opened)) {
		return nil, false
	}
	return opened, vouched
}

// verifyAssertion is the assertion as a signature covers it: its own, or, where that is allowed, the response's.
func (p *Provider) verifyAssertion(i *inspection, el *etree.Element, vouched bool, idp *identityProvider, now time.Time) (*etree.Element, *Refusal) {
	if only(el, nsSignature, "Signature") != nil {
		return verify(el, idp.signers, now, &i.assertionSignature)
	}
	switch {
	case !vouched && !i.responseSignature.Present:
		return nil, refuse(ReasonUnsigned, "neither the response nor the assertion is signed")
	case !vouched:
		return nil, nil //nolint:nilnil // why the response's signature is not good is on record already
	case !p.cfg.AllowResponseOnlySigned:
		return nil, refuse(ReasonResponseOnly, "the response is signed and the assertion is not")
	}
	return el, nil
}
