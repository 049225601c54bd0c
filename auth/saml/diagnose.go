package saml

import (
	"bytes"
	"context"
	"fmt"
	"net/url"
	"slices"
	"strings"
	"time"
)

// Diagnosis is what the doctor says of one response. It holds what an administrator pasted, and belongs to nobody else.
type Diagnosis struct {
	Accepted bool      // whether Finish would take it, were it new and asked for
	Findings []Finding // what is wrong, what refuses it first at the head
	Notes    []string  // what was not checked, and what is right but looks unintended

	Response   SignatureFacts
	Assertion  SignatureFacts
	Encryption string // the cipher; "" for none

	Read           bool // whether the assertion could be read; what follows is empty if not
	Issuer         string
	Status         string
	Destination    string
	InResponseTo   string
	Recipient      string
	Audiences      []string
	IssuedAt       time.Time
	NotBefore      time.Time
	NotOnOrAfter   time.Time
	AuthnInstant   time.Time
	NameID         string
	NameIDFormat   string
	SessionIndex   string
	AttributeNames []string // without their values
	Identity       Identity // what Keeper would make of it; zero when it could not
}

// Finding is one thing that is wrong.
type Finding struct {
	Reason Reason
	Detail string // what was expected and found
	Mend   string // what to do in Okta, a sentence or two
}

// Diagnose says what is in a response, what is wrong with it and how to mend that. pasted is XML, base64, or a whole form
// body as a browser's network view shows it; now is the time to hold it against. It stores nothing, uses up no
// request, and does not make a later sign-in with the same response a replay. An error is Unavailable while the identity
// provider's metadata is not known; a response that is wrong is a Diagnosis and no error.
func (p *Provider) Diagnose(_ context.Context, pasted []byte, now time.Time) (d Diagnosis, err error) {
	defer func() {
		if err != nil {
			if reason, detail := ReasonOf(err); reason != "" {
				d, err = Diagnosis{Findings: []Finding{finding(refuse(reason, "%s", detail))}}, nil
			}
		}
	}()
	defer recovered(&err)
	idp, err := p.known()
	if err != nil {
		return Diagnosis{}, err
	}
	raw, refusal := unpaste(pasted)
	if refusal != nil {
		return Diagnosis{}, refusal.public()
	}
	found := p.inspect(raw, idp, now.UTC(), true)
	d = found.describe()
	if found.read {
		p.describeIdentity(&d, found)
	}
	d.Accepted = found.trusted && found.read && len(d.Findings) == 0
	return d, nil
}

// unpaste finds the XML in whatever an administrator copied.
func unpaste(pasted []byte) ([]byte, *Refusal) {
	if len(pasted) > MaxBody {
		return nil, refuse(ReasonTooLarge, "more than %d bytes", MaxBody)
	}
	pasted = bytes.TrimSpace(pasted)
	if bytes.HasPrefix(pasted, []byte("<")) {
		return pasted, nil
	}
	encoded := string(pasted)
	if values, err := url.ParseQuery(encoded); err == nil && values.Get(paramResponse) != "" {
		encoded = values.Get(paramResponse)
	} else if strings.Contains(encoded, "%") {
		if plain, err := url.QueryUnescape(encoded); err == nil {
			encoded = plain
		}
	}
	return decode(strings.Trim(encoded, `"' `))
}

func (i *inspection) describe() Diagnosis {
	a := i.assertion
	d := Diagnosis{
		Response: i.responseSignature, Assertion: i.assertionSignature, Encryption: i.encrypted, Read: i.read,
		Issuer: a.issuer, Status: i.response.status, Destination: i.response.destination, InResponseTo: i.response.inResponseTo,
		IssuedAt: a.issued, NameID: a.nameID, NameIDFormat: a.nameIDFormat,
	}
	if d.Issuer == "" {
		d.Issuer = i.response.issuer
	}
	for _, r := range i.wrong {
		d.Findings = append(d.Findings, finding(r))
	}
	if len(a.confirmations) > 0 {
		d.Recipient = a.confirmations[0].recipient
	}
	if a.conditions != nil {
		d.NotBefore, d.NotOnOrAfter = a.conditions.notBefore, a.conditions.notOnOrAfter
		d.Audiences = slices.Concat(a.conditions.audiences...)
	}
	if len(a.statements) > 0 {
		d.AuthnInstant, d.SessionIndex = a.statements[0].instant, a.statements[0].sessionIndex
	}
	for _, at := range a.attributes {
		d.AttributeNames = append(d.AttributeNames, at.name)
	}
	return d
}

// describeIdentity adds who that would be, and notes what is missing for it.
func (p *Provider) describeIdentity(d *Diagnosis, i *inspection) {
	a := i.assertion
	if len(a.statements) > 0 && a.conditions != nil {
		identity, refusal := p.identity(a)
		if refusal == nil {
			d.Identity = identity
		} else {
			d.Findings = append(d.Findings, finding(refusal))
		}
	}
	for setting, name := range map[string]string{"groups": p.cfg.GroupsAttribute, "e-mail": p.cfg.EmailAttribute, "name": p.cfg.NameAttribute} {
		if name != "" && len(a.values(name)) == 0 {
			d.Notes = append(d.Notes, "The attribute "+quote(name)+", which is set for the "+setting+", is not in the assertion or has no value.")
		}
	}
	slices.Sort(d.Notes)
	if p.cfg.GroupsAttribute == "" {
		d.Notes = append(d.Notes, "No attribute is set for the groups, so that nobody gets a role from a group.")
	}
	if i.response.inResponseTo == "" && !p.cfg.AllowIDPInitiated {
		d.Notes = append(d.Notes, "The identity provider began this sign-in, which is not allowed for it: Finish would refuse it as unsolicited.")
	}
	d.Notes = append(d.Notes, fmt.Sprintf("A response may be %s old when it arrives, and clocks may differ by %s.", p.cfg.MaxIssueDelay, p.cfg.MaxClockSkew))
	d.Notes = append(d.Notes, "Whether the response was asked for by this browser, and whether it was used before, is checked at a sign-in only.")
}

func finding(r *Refusal) Finding {
	return Finding{Reason: r.Reason, Detail: r.Detail, Mend: mends[r.Reason]}
}
