package saml

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"slices"
	"strings"
	"time"

	"github.com/your-org/keeper/fault"
)

// Finish takes the response that a browser brought. An error carries a Refusal (see ReasonOf), unless state could not be
// reached; its text is the same for every refusal.
func (p *Provider) Finish(ctx context.Context, in Incoming) (s SignIn, err error) {
	defer recovered(&err)
	idp, err := p.known()
	if err != nil {
		return SignIn{}, err
	}
	now := p.now()
	request, err := p.take(ctx, in.RelayState, KindSignIn, now)
	if err != nil {
		return SignIn{}, err
	}
	if in.SAMLResponse == "" || in.RawQuery != "" {
		return SignIn{}, refuse(ReasonMalformed, "a response to a sign-in comes by form").public()
	}
	raw, refusal := in.message()
	if refusal != nil {
		return SignIn{}, refusal.public()
	}
	found := p.inspect(raw, idp, now, false)
	if len(found.wrong) > 0 {
		return SignIn{}, found.wrong[0].public()
	}
	if !found.trusted || !found.read {
		return SignIn{}, refuse(ReasonUnsigned, "nothing that a signature covers was read").public()
	}
	if refusal := p.checkSolicited(request, found.response, found.assertion, in.Browser); refusal != nil {
		return SignIn{}, refusal.public()
	}
	identity, refusal := p.identity(found.assertion)
	if refusal != nil {
		return SignIn{}, refusal.public()
	}
	if err := p.useOnce(ctx, "assertion", found.assertion.id, found.assertion.issued); err != nil {
		return SignIn{}, err
	}
	return signedIn(identity, request, in.RelayState), nil
}

func signedIn(identity Identity, request *Request, relayState string) SignIn {
	if request == nil {
		return SignIn{Identity: identity, ReturnTo: LocalPath(relayState)}
	}
	return SignIn{Identity: identity, ReturnTo: LocalPath(request.ReturnTo), Purpose: request.Purpose, Solicited: true}
}

// useOnce refuses a message that was used before. It is remembered for longer than any setting would let it be used again.
func (p *Provider) useOnce(ctx context.Context, kind, id string, issued time.Time) error {
	sum := sha256.Sum256([]byte(id))
	key := "saml:" + kind + ":" + p.cfg.ID + ":" + hex.EncodeToString(sum[:])
	fresh, err := p.deps.Replays.Use(ctx, key, issued.Add(maxIssueDelay+2*maxClockSkew))
	if err != nil {
		return fault.Wrap(err, fault.KindOf(err), "The sign-in could not be finished.")
	}
	if !fresh {
		return refuse(ReasonReplayed, "the %s %s was used before", kind, quote(id)).public()
	}
	return nil
}

// identity reads who somebody is, as the settings say.
func (p *Provider) identity(a assertion) (Identity, *Refusal) {
	statement := a.statements[0]
	id := Identity{
		Provider: p.cfg.ID, Issuer: a.issuer, NameID: a.nameID, NameIDFormat: a.nameIDFormat, Username: a.nameID,
		SessionIndex: statement.sessionIndex, AuthnInstant: statement.instant, SessionEnds: statement.sessionEnds,
		AssertionID: a.id, NotOnOrAfter: a.end(),
	}
	if p.cfg.UsernameAttribute != "" {
		values := a.values(p.cfg.UsernameAttribute)
		if len(values) != 1 {
			return Identity{}, refuse(ReasonNoUsername, "the attribute %s has %d values, and one is needed", quote(p.cfg.UsernameAttribute), len(values))
		}
		id.Username = values[0]
	}
	id.Email = first(a.values(p.cfg.EmailAttribute))
	if p.cfg.EmailAttribute == "" && strings.Count(a.nameID, "@") == 1 {
		id.Email = a.nameID
	}
	id.DisplayName = first(a.values(p.cfg.NameAttribute))
	id.Groups = a.values(p.cfg.GroupsAttribute)
	return id, checkIdentity(id)
}

// checkIdentity bounds what goes into rows and pages.
func checkIdentity(id Identity) *Refusal {
	if len(id.Groups) > maxGroups {
		return refuse(ReasonTooLarge, "%d groups, more than %d", len(id.Groups), maxGroups)
	}
	for name, values := range map[string][]string{"user name": {id.Username}, "e-mail": {id.Email}, "name": {id.DisplayName}, "groups": id.Groups} {
		for _, v := range values {
			if len(v) > maxValue || !printable(v) {
				return refuse(ReasonAttribute, "the %s has a value that is longer than %d bytes or cannot be shown", name, maxValue)
			}
		}
	}
	return nil
}

// values are the values of an attribute by its name, or by its friendly name where no name fits; sorted out of doubles, in
// the order in which they came.
func (a assertion) values(name string) []string {
	if name == "" {
		return nil
	}
	var values []string
	take := func(key func(samlAttribute) string) {
		for _, at := range a.attributes {
			if key(at) != name {
				continue
			}
			for _, v := range at.values {
				if !slices.Contains(values, v) {
					values = append(values, v)
				}
			}
		}
	}
	take(func(at samlAttribute) string { return at.name })
	if len(values) == 0 {
		take(func(at samlAttribute) string { return at.friendly })
	}
	return values
}

// end is the earliest end that the assertion sets itself.
func (a assertion) end() time.Time {
	var end time.Time
	consider := func(t time.Time) {
		if !t.IsZero() && (end.IsZero() || t.Before(end)) {
			end = t
		}
	}
	consider(a.conditions.notOnOrAfter)
	for _, c := range a.confirmations {
		consider(c.notOnOrAfter)
	}
	return end
}
