package saml

import (
	"slices"
	"time"

	"github.com/beevik/etree"
)

const statusSuccess = "urn:oasis:names:tc:SAML:2.0:status:Success"

// limits is what an assertion is held against.
type limits struct {
	now           time.Time
	issuer        string // the identity provider's entity id
	entityID, acs string // ours
	skew, delay   time.Duration
}

func (p *Provider) limits(idp *identityProvider, now time.Time) limits {
	return limits{now: now, issuer: idp.entityID, entityID: p.cfg.EntityID, acs: p.cfg.ACSURL, skew: p.cfg.MaxClockSkew, delay: p.cfg.MaxIssueDelay}
}

// tooOld and tooEarly allow for clocks that differ.
func (l limits) tooOld(notOnOrAfter time.Time) bool { return !l.now.Before(notOnOrAfter.Add(l.skew)) }
func (l limits) tooEarly(notBefore time.Time) bool  { return l.now.Before(notBefore.Add(-l.skew)) }

// response is what a Response element says around the assertion. Where only the assertion is signed, nobody vouches for it.
type response struct {
	issuer, destination, inResponseTo, status, subStatus string
	issued                                               time.Time
	signed                                               bool
}

func readResponse(el *etree.Element) (response, *Refusal) {
	r := &reader{}
	found := response{
		destination: attribute(el, "Destination"), inResponseTo: attribute(el, "InResponseTo"), issued: r.time(el, "IssueInstant"),
	}
	if attribute(el, "Version") != "2.0" {
		r.fail("a response of another version than 2.0")
	}
	if issuer := r.atMostOne(el, "Issuer"); issuer != nil {
		found.issuer = r.text(issuer)
	}
	found.status, found.subStatus = readStatus(el)
	return found, r.refusal
}

// readStatus is the first and second level of a message's status code, "" where missing.
func readStatus(el *etree.Element) (first, second string) {
	status := only(el, nsProtocol, "Status")
	if status == nil {
		return "", ""
	}
	code := only(status, nsProtocol, "StatusCode")
	if code == nil {
		return "", ""
	}
	if inner := only(code, nsProtocol, "StatusCode"); inner != nil {
		second = attribute(inner, "Value")
	}
	return attribute(code, "Value"), second
}

// checkStatus tells a sign-in that the identity provider refused from everything that could be wrong with a success.
func checkStatus(r response) *Refusal {
	if r.status == statusSuccess {
		return nil
	}
	return refuse(ReasonStatus, "status %s, %s", quote(r.status), quote(r.subStatus))
}

// checkResponse is what the response around the assertion must say.
func (l limits) checkResponse(r response) []*Refusal {
	var found []*Refusal
	wrong := func(reason Reason, format string, args ...any) {
		found = append(found, refuse(reason, format, args...))
	}
	if r.issuer != "" && r.issuer != l.issuer {
		wrong(ReasonIssuer, "the response is from %s, expected %s", quote(r.issuer), quote(l.issuer))
	}
	if (r.signed || r.destination != "") && r.destination != l.acs {
		wrong(ReasonDestination, "addressed to %s, expected %s", quote(r.destination), quote(l.acs))
	}
	return append(found, l.checkIssued("response", r.issued)...)
}

func (l limits) checkIssued(what string, issued time.Time) []*Refusal {
	switch {
	case issued.IsZero():
		return []*Refusal{refuse(ReasonMalformed, "the %s does not say when it was issued", what)}
	case l.tooOld(issued.Add(l.delay)):
		return []*Refusal{refuse(ReasonExpired, "the %s was issued at %s, more than %s ago", what, stamp(issued), l.delay+l.skew)}
	case l.tooEarly(issued):
		return []*Refusal{refuse(ReasonNotYetValid, "the %s was issued at %s, and here it is %s", what, stamp(issued), stamp(l.now))}
	}
	return nil
}

// checkAssertion is what an assertion must say, besides being signed: all that is wrong, the gravest first.
func (l limits) checkAssertion(a assertion) []*Refusal {
	var found []*Refusal
	if a.issuer != l.issuer {
		found = append(found, refuse(ReasonIssuer, "the assertion is from %s, expected %s", quote(a.issuer), quote(l.issuer)))
	}
	found = append(found, l.checkIssued("assertion", a.issued)...)
	found = append(found, l.checkConditions(a.conditions)...)
	found = append(found, l.checkSubject(a)...)
	return append(found, l.checkStatements(a.statements)...)
}

func (l limits) checkConditions(c *conditions) []*Refusal {
	if c == nil {
		return []*Refusal{refuse(ReasonNoConditions, "the assertion has no Conditions")}
	}
	var found []*Refusal
	wrong := func(reason Reason, format string, args ...any) {
		found = append(found, refuse(reason, format, args...))
	}
	if !c.notBefore.IsZero() && l.tooEarly(c.notBefore) {
		wrong(ReasonNotYetValid, "valid from %s, and here it is %s", stamp(c.notBefore), stamp(l.now))
	}
	if !c.notOnOrAfter.IsZero() && l.tooOld(c.notOnOrAfter) {
		wrong(ReasonExpired, "valid until %s, and here it is %s", stamp(c.notOnOrAfter), stamp(l.now))
	}
	if c.unknown != "" { // nobody can say that it holds (SAML core 2.5.1.1)
		wrong(ReasonCondition, "the condition %s", quote(c.unknown))
	}
	if len(c.audiences) == 0 {
		wrong(ReasonAudience, "no audience, expected %s", quote(l.entityID))
	}
	for _, restriction := range c.audiences {
		if !slices.Contains(restriction, l.entityID) {
			wrong(ReasonAudience, "for the audience %s, expected %s", quote(first(restriction)), quote(l.entityID))
		}
	}
	return found
}

func (l limits) checkSubject(a assertion) []*Refusal {
	switch {
	case !a.hasSubject, a.nameIDs == 0:
		return []*Refusal{refuse(ReasonNoSubject, "the assertion has no Subject with a NameID")}
	case a.nameIDs > 1:
		return []*Refusal{refuse(ReasonMalformed, "%d NameIDs in the Subject", a.nameIDs)}
	case blank(a.nameID):
		return []*Refusal{refuse(ReasonEmptyNameID, "the NameID has no text")}
	}
	if len(a.confirmations) == 0 {
		return []*Refusal{refuse(ReasonNoConfirmation, "the Subject has no bearer confirmation")}
	}
	var problem []*Refusal
	for _, c := range a.confirmations {
		if problem = l.checkConfirmation(c); len(problem) == 0 {
			return nil // one confirmation that holds is enough (SAML profiles 4.1.4.3)
		}
	}
	return problem
}

func (l limits) checkConfirmation(c confirmation) []*Refusal {
	if !c.hasData || c.notOnOrAfter.IsZero() {
		return []*Refusal{refuse(ReasonNoConfirmation, "the bearer confirmation has no data, or no end")}
	}
	var found []*Refusal
	if c.recipient != l.acs {
		found = append(found, refuse(ReasonRecipient, "for the recipient %s, expected %s", quote(c.recipient), quote(l.acs)))
	}
	if l.tooOld(c.notOnOrAfter) {
		found = append(found, refuse(ReasonExpired, "to be used until %s, and here it is %s", stamp(c.notOnOrAfter), stamp(l.now)))
	}
	if !c.notBefore.IsZero() && l.tooEarly(c.notBefore) {
		found = append(found, refuse(ReasonNotYetValid, "to be used from %s, and here it is %s", stamp(c.notBefore), stamp(l.now)))
	}
	return found
}

func (l limits) checkStatements(statements []authnStatement) []*Refusal {
	if len(statements) == 0 {
		return []*Refusal{refuse(ReasonNoAuthnStatement, "the assertion does not say that somebody was authenticated")}
	}
	var found []*Refusal
	for _, s := range statements {
		switch {
		case s.instant.IsZero():
			found = append(found, refuse(ReasonNoAuthnStatement, "the assertion does not say when somebody was authenticated"))
		case l.tooEarly(s.instant):
			found = append(found, refuse(ReasonNotYetValid, "authenticated at %s, and here it is %s", stamp(s.instant), stamp(l.now)))
		case len(s.sessionIndex) > maxIndex:
			found = append(found, refuse(ReasonTooLarge, "a SessionIndex of more than %d bytes", maxIndex))
		case !s.sessionEnds.IsZero() && l.tooOld(s.sessionEnds):
			found = append(found, refuse(ReasonExpired, "the session ended at %s, and here it is %s", stamp(s.sessionEnds), stamp(l.now)))
		}
	}
	return found
}

// checkSolicited holds the answer against what was asked. request is nil when nothing of this RelayState is known.
func (p *Provider) checkSolicited(request *Request, r response, a assertion, browser string) *Refusal {
	named := []string{r.inResponseTo}
	for _, c := range a.confirmations {
		named = append(named, c.inResponseTo)
	}
	if request == nil {
		if i := slices.IndexFunc(named, func(id string) bool { return id != "" }); i >= 0 {
			return refuse(ReasonInResponseTo, "an answer to %s, which is not asked here, was answered already, or is older than %s", quote(named[i]), requestLife)
		}
		if !p.cfg.AllowIDPInitiated {
			return refuse(ReasonUnsolicited, "nobody asked, and sign-ins that the identity provider begins are not allowed")
		}
		return nil
	}
	// The confirmation's InResponseTo is signed with the assertion, the response's perhaps is not: both must fit.
	for _, id := range named {
		if id != request.ID {
			return refuse(ReasonInResponseTo, "an answer to %s, expected %s", quote(id), quote(request.ID))
		}
	}
	if request.Browser != "" && request.Browser != browser {
		return refuse(ReasonBrowser, "the sign-in was begun in another browser")
	}
	return nil
}

func stamp(t time.Time) string { return t.UTC().Format(time.RFC3339) }

func first(list []string) string {
	if len(list) == 0 {
		return ""
	}
	return list[0]
}
