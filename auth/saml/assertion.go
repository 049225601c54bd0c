package saml

import (
	"slices"
	"time"

	"github.com/beevik/etree"
)

// assertion is what an Assertion element says, read by namespace and believed no more than the element that it was read from.
type assertion struct {
	id, issuer    string
	issued        time.Time
	hasSubject    bool
	nameIDs       int
	nameID        string
	nameIDFormat  string
	confirmations []confirmation // the bearer ones
	conditions    *conditions
	statements    []authnStatement
	attributes    []samlAttribute
}

type confirmation struct {
	hasData                 bool
	recipient, inResponseTo string
	notBefore, notOnOrAfter time.Time // zero when missing
}

type conditions struct {
	notBefore, notOnOrAfter time.Time  // zero when missing
	audiences               [][]string // one list per restriction; every restriction must hold
	unknown                 string     // a condition that is not understood; "" for none
}

type authnStatement struct {
	instant, sessionEnds time.Time
	sessionIndex         string
}

type samlAttribute struct {
	name, friendly string
	values         []string
}

const byBearer = "urn:oasis:names:tc:SAML:2.0:cm:bearer" //nolint:gosec // a method of SAML, no credential

// reader reads values out of elements and remembers the first that cannot be read.
type reader struct{ refusal *Refusal }

// readAssertion reads an Assertion element.
func readAssertion(el *etree.Element) (assertion, *Refusal) {
	r := &reader{}
	a := assertion{id: attribute(el, "ID"), issued: r.time(el, "IssueInstant")}
	if attribute(el, "Version") != "2.0" || a.id == "" || len(a.id) > maxValue {
		r.fail("an assertion without a usable ID or of another version than 2.0")
	}
	if issuer := r.atMostOne(el, "Issuer"); issuer != nil {
		a.issuer = r.text(issuer)
	}
	if subject := r.atMostOne(el, "Subject"); subject != nil {
		r.subject(subject, &a)
	}
	if c := r.atMostOne(el, "Conditions"); c != nil {
		a.conditions = r.conditions(c)
	}
	for _, s := range all(el, nsAssertion, "AuthnStatement") {
		a.statements = append(a.statements, authnStatement{
			instant: r.time(s, "AuthnInstant"), sessionEnds: r.time(s, "SessionNotOnOrAfter"), sessionIndex: r.value(attribute(s, "SessionIndex")),
		})
	}
	for _, statement := range all(el, nsAssertion, "AttributeStatement") {
		for _, at := range all(statement, nsAssertion, "Attribute") {
			a.attributes = append(a.attributes, readAttribute(at))
		}
	}
	return a, r.refusal
}

func (r *reader) subject(el *etree.Element, a *assertion) {
	a.hasSubject = true
	names := all(el, nsAssertion, "NameID")
	if a.nameIDs = len(names); a.nameIDs == 1 {
		a.nameID, a.nameIDFormat = r.text(names[0]), r.value(attribute(names[0], "Format"))
	}
	for _, c := range all(el, nsAssertion, "SubjectConfirmation") {
		if attribute(c, "Method") != byBearer {
			continue
		}
		var found confirmation
		if data := r.atMostOne(c, "SubjectConfirmationData"); data != nil {
			found = confirmation{
				hasData: true, recipient: attribute(data, "Recipient"), inResponseTo: attribute(data, "InResponseTo"),
				notBefore: r.time(data, "NotBefore"), notOnOrAfter: r.time(data, "NotOnOrAfter"),
			}
		}
		a.confirmations = append(a.confirmations, found)
	}
}

// conditionTags are the conditions that are understood. Whoever takes an assertion once, and hands it to nobody, keeps the
// last two.
var conditionTags = []string{"AudienceRestriction", "OneTimeUse", "ProxyRestriction"}

func (r *reader) conditions(el *etree.Element) *conditions {
	c := &conditions{notBefore: r.time(el, "NotBefore"), notOnOrAfter: r.time(el, "NotOnOrAfter")}
	for _, restriction := range all(el, nsAssertion, "AudienceRestriction") {
		var audiences []string
		for _, audience := range all(restriction, nsAssertion, "Audience") {
			audiences = append(audiences, r.text(audience))
		}
		c.audiences = append(c.audiences, audiences)
	}
	for _, condition := range el.ChildElements() {
		if !slices.Contains(conditionTags, condition.Tag) {
			c.unknown = condition.Tag
		}
	}
	return c
}

func readAttribute(el *etree.Element) samlAttribute {
	a := samlAttribute{name: attribute(el, "Name"), friendly: attribute(el, "FriendlyName")}
	for _, value := range all(el, nsAssertion, "AttributeValue") {
		if len(value.ChildElements()) > 0 {
			continue // structured; nothing here reads such a value
		}
		if v := text(value); !blank(v) { // bounded when it is used: attributes that nobody asked for may hold anything
			a.values = append(a.values, v)
		}
	}
	return a
}

// atMostOne is the one child of that name in SAML's namespace, nil for none; several are refused.
func (r *reader) atMostOne(el *etree.Element, tag string) *etree.Element {
	found := all(el, nsAssertion, tag)
	if len(found) > 1 {
		r.fail("several " + tag + " elements in one place")
	}
	if len(found) == 0 {
		return nil
	}
	return found[0]
}

// time reads an attribute as a time; zero when it is missing.
func (r *reader) time(el *etree.Element, key string) time.Time {
	raw := attribute(el, key)
	if raw == "" {
		return time.Time{}
	}
	t, err := time.Parse(time.RFC3339Nano, raw)
	if err != nil || t.IsZero() {
		r.fail("a time that cannot be read in " + key)
	}
	return t.UTC()
}

// text reads an element that holds text and nothing else.
func (r *reader) text(el *etree.Element) string {
	if len(el.ChildElements()) > 0 {
		r.fail("elements where text should be, in " + el.Tag)
	}
	return r.value(text(el))
}

// value bounds a value and refuses what cannot be printed on a line.
func (r *reader) value(v string) string {
	if len(v) > maxValue {
		r.refuse(refuse(ReasonTooLarge, "a value of more than %d bytes", maxValue))
	}
	if !printable(v) {
		r.fail("a value with characters that cannot be shown")
	}
	return v
}

func (r *reader) fail(detail string) { r.refuse(refuse(ReasonMalformed, "%s", detail)) }

func (r *reader) refuse(refusal *Refusal) {
	if r.refusal == nil {
		r.refusal = refusal
	}
}
