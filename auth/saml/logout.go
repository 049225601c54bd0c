package saml

import (
	"context"
	"time"

	"github.com/beevik/etree"
	crewjam "github.com/crewjam/saml"

	"github.com/your-org/keeper/fault"
)

const (
	statusResponder = "urn:oasis:names:tc:SAML:2.0:status:Responder"
	maxSessions     = 100 // session indexes of one logout request
)

// Session names a session at the identity provider, as its sign-in's Identity had it.
type Session struct {
	NameID       string
	NameIDFormat string
	SessionIndex string
}

// Logout ends the identity provider's session too: it says where the browser goes, which then comes back to SLOURL with
// an answer for HandleLogoutResponse. End our own session first: the answer may never come. An error is NotFound when
// one side takes no part in single logout.
func (p *Provider) Logout(ctx context.Context, s Session, returnTo string) (Message, error) {
	idp, err := p.known()
	if err != nil {
		return Message{}, err
	}
	target, ok := choose(idp.logout, p.cfg.PreferPost)
	if !ok || p.cfg.SLOURL == "" {
		return Message{}, fault.New(fault.NotFound, "Single logout is not set up with the identity provider %q.", p.cfg.Name)
	}
	request := Request{Provider: p.cfg.ID, Kind: KindLogout, ID: newID(), ReturnTo: LocalPath(returnTo)}
	relayState, err := p.remember(ctx, request)
	if err != nil {
		return Message{}, err
	}
	ends := p.now().Add(p.cfg.MaxIssueDelay)
	message := crewjam.LogoutRequest{
		ID: request.ID, Version: "2.0", IssueInstant: p.now(), NotOnOrAfter: &ends, Destination: target.location,
		Issuer: p.issuer(), NameID: &crewjam.NameID{Value: s.NameID, Format: s.NameIDFormat},
	}
	if s.SessionIndex != "" {
		message.SessionIndex = &crewjam.SessionIndex{Value: s.SessionIndex}
	}
	return p.send(message.Element(), target.binding, target.location, paramRequest, relayState)
}

// LogoutRequest is what an identity provider that was believed asks for: to end the sessions of somebody, all of them or
// those that are named.
type LogoutRequest struct {
	ID             string
	NameID         string
	NameIDFormat   string
	SessionIndexes []string // empty means all sessions of NameID
	RelayState     string   // goes back with the answer
}

// HandleLogoutRequest takes a logout request that a browser brought from the identity provider. End the sessions, then
// answer with AnswerLogout. An error carries a Refusal.
func (p *Provider) HandleLogoutRequest(ctx context.Context, in Incoming) (r LogoutRequest, err error) {
	defer recovered(&err)
	el, err := p.logoutMessage(in, "LogoutRequest", paramRequest)
	if err != nil {
		return LogoutRequest{}, err
	}
	now := p.now()
	r, refusal := readLogoutRequest(el, now, p.cfg.MaxClockSkew)
	if refusal != nil {
		return LogoutRequest{}, refusal.public()
	}
	issued := (&reader{}).time(el, "IssueInstant")
	if err := p.useOnce(ctx, "logout", r.ID, issued); err != nil {
		return LogoutRequest{}, err
	}
	r.RelayState = in.RelayState
	return r, nil
}

func readLogoutRequest(el *etree.Element, now time.Time, skew time.Duration) (LogoutRequest, *Refusal) {
	r := &reader{}
	request := LogoutRequest{ID: attribute(el, "ID")}
	names := all(el, nsAssertion, "NameID")
	if len(names) != 1 {
		return LogoutRequest{}, refuse(ReasonNoSubject, "the logout request names %d people", len(names))
	}
	request.NameID, request.NameIDFormat = r.text(names[0]), r.value(attribute(names[0], "Format"))
	if blank(request.NameID) {
		return LogoutRequest{}, refuse(ReasonEmptyNameID, "the NameID has no text")
	}
	indexes := all(el, nsProtocol, "SessionIndex")
	if len(indexes) > maxSessions {
		return LogoutRequest{}, refuse(ReasonTooLarge, "%d sessions in one logout request", len(indexes))
	}
	for _, index := range indexes {
		value := r.text(index)
		if blank(value) {
			r.fail("an empty SessionIndex") // to skip it would turn one session into all
		}
		request.SessionIndexes = append(request.SessionIndexes, value)
	}
	if ends := r.time(el, "NotOnOrAfter"); !ends.IsZero() && !now.Before(ends.Add(skew)) {
		return LogoutRequest{}, refuse(ReasonExpired, "to be used until %s, and here it is %s", stamp(ends), stamp(now))
	}
	return request, r.refusal
}

// AnswerLogout is the signed answer to a logout request: whether the sessions were ended.
func (p *Provider) AnswerLogout(r LogoutRequest, ended bool) (Message, error) {
	idp, err := p.known()
	if err != nil {
		return Message{}, err
	}
	target, ok := choose(idp.logout, p.cfg.PreferPost)
	if !ok {
		return Message{}, fault.New(fault.NotFound, "The identity provider %q takes no answers to logout requests.", p.cfg.Name)
	}
	status := statusSuccess
	if !ended {
		status = statusResponder
	}
	message := crewjam.LogoutResponse{
		ID: newID(), InResponseTo: r.ID, Version: "2.0", IssueInstant: p.now(), Destination: target.response,
		Issuer: p.issuer(), Status: crewjam.Status{StatusCode: crewjam.StatusCode{Value: status}},
	}
	return p.send(message.Element(), target.binding, target.response, paramResponse, r.RelayState)
}

// HandleLogoutResponse takes the answer to a request that Logout made and returns where to go then. An error carries a
// Refusal; our own session is over either way.
func (p *Provider) HandleLogoutResponse(ctx context.Context, in Incoming) (returnTo string, err error) {
	defer recovered(&err)
	request, err := p.take(ctx, in.RelayState, KindLogout, p.now())
	if err != nil {
		return "/", err
	}
	el, err := p.logoutMessage(in, "LogoutResponse", paramResponse)
	if err != nil {
		return "/", err
	}
	if request == nil || attribute(el, "InResponseTo") != request.ID {
		return "/", refuse(ReasonInResponseTo, "an answer to a logout that is not asked here").public()
	}
	if status, second := readStatus(el); status != statusSuccess {
		return "/", refuse(ReasonLogoutFailed, "status %s, %s", quote(status), quote(second)).public()
	}
	return LocalPath(request.ReturnTo), nil
}

// logoutMessage reads, verifies and checks what logout requests and answers have in common.
func (p *Provider) logoutMessage(in Incoming, tag, param string) (*etree.Element, error) {
	idp, err := p.known()
	if err != nil {
		return nil, err
	}
	if given := map[string]string{paramRequest: in.SAMLRequest, paramResponse: in.SAMLResponse}[param]; given == "" || p.cfg.SLOURL == "" {
		return nil, refuse(ReasonMalformed, "no %s", tag).public()
	}
	raw, refusal := in.message()
	if refusal != nil {
		return nil, refusal.public()
	}
	root, refusal := parseXML(raw, refuseComments)
	if refusal != nil {
		return nil, refusal.public()
	}
	now := p.now()
	if refusal := checkLogoutShape(root, tag); refusal != nil {
		return nil, refusal.public()
	}
	verified, refusal := verifyLogout(root, in, param, idp, now)
	if refusal != nil {
		return nil, refusal.public()
	}
	return verified, asFault(p.limits(idp, now).checkLogout(verified, p.cfg.SLOURL))
}

func checkLogoutShape(root *etree.Element, tag string) *Refusal {
	if root.Tag == tag && root.NamespaceURI() != nsProtocol {
		return refuse(ReasonForeignNamespace, "the %s is of the namespace %s", tag, quote(root.NamespaceURI()))
	}
	if root.Tag != tag {
		return refuse(ReasonMalformed, "the root element is %s and no %s", quote(root.Tag), tag)
	}
	return checkShape(root)
}

// verifyLogout demands a signature: that of the query for a redirect, else that of the element.
func verifyLogout(root *etree.Element, in Incoming, param string, idp *identityProvider, now time.Time) (*etree.Element, *Refusal) {
	if in.RawQuery == "" {
		return verify(root, idp.signers, now, &SignatureFacts{})
	}
	return root, verifyRedirect(in, param, idp.signers, now)
}

func (l limits) checkLogout(el *etree.Element, slo string) *Refusal {
	r := &reader{}
	var issuer string
	if found := r.atMostOne(el, "Issuer"); found != nil {
		issuer = r.text(found)
	}
	issued := r.time(el, "IssueInstant")
	if id := attribute(el, "ID"); attribute(el, "Version") != "2.0" || id == "" || len(id) > maxValue {
		r.fail("a message without a usable ID or of another version than 2.0")
	}
	switch destination := attribute(el, "Destination"); {
	case r.refusal != nil:
		return r.refusal
	case issuer != l.issuer:
		return refuse(ReasonIssuer, "the message is from %s, expected %s", quote(issuer), quote(l.issuer))
	case destination != slo:
		return refuse(ReasonDestination, "addressed to %s, expected %s", quote(destination), quote(slo))
	}
	if wrong := l.checkIssued("message", issued); len(wrong) > 0 {
		return wrong[0]
	}
	return nil
}
