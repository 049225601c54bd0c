package auth

import (
	"context"
	"errors"
	"net/http"
	"strings"
	"time"

	"github.com/your-org/keeper/audit"
	"github.com/your-org/keeper/auth/saml"
	"github.com/your-org/keeper/fault"
	"github.com/your-org/keeper/models"
	"github.com/your-org/keeper/store"
)

// What a sign-in at a provider is for, beside a session.
const (
	ForTest  = "test"  // ends in the doctor's page, and opens nothing
	ForProof = "prove" // proves again who is signed in
)

// provenAgain is how old a person's own act at the provider may be that proves again who it
// is: a provider that answers out of its session proves nothing.
const provenAgain = 8 * time.Minute // three of them for clocks that differ

// samlLimit is how many messages of a network may be refused, and how many sign-ins it may
// begin; those that go well do not count.
var (
	samlLimit      = limit{"saml", 100, 5 * time.Minute}
	samlBeginLimit = limit{"saml begin", 600, 5 * time.Minute}
)

// refusedSAML is the one answer to every message that was not believed and to everybody who is
// not let in: a browser learns nothing, the audit log has the reason.
func refusedSAML() error {
	return fault.New(fault.Unauthenticated, "The sign-in did not work; nothing was done.").
		WithHint("Begin again at the sign-in page. If that does not help, tell an administrator when you tried: the audit log says why.")
}

// Redirect is how a browser goes to an identity provider.
type Redirect = saml.Message

// BeginAt says how a sign-in at a provider begins.
type BeginAt struct {
	ReturnTo string // a path of this server
	For      string // "", ForTest, ForProof
	Browser  string // what only this browser holds, and must bring back
}

func (s *Service) browserMark(held string) string {
	if held == "" {
		return ""
	}
	return s.digest("saml browser\x00" + held)
}

// BeginSAML sends a browser to an identity provider. A test takes somebody who may manage
// users and works while the provider is off; a proof takes a session that it opened.
func (s *Service) BeginSAML(ctx context.Context, actor models.Actor, name string, b BeginAt, o Origin) (Redirect, error) {
	p, err := s.liveNamed(ctx, name)
	if err != nil {
		return Redirect{}, err
	}
	options := saml.BeginOptions{ReturnTo: b.ReturnTo, Browser: s.browserMark(b.Browser), Purpose: b.For}
	switch b.For {
	case ForTest:
		if err := Check(actor, ManageUsers, Global); err != nil {
			return Redirect{}, s.refuse(ctx, actor, "provider.test", err)
		}
	case ForProof:
		if actor.SessionHash == "" {
			return Redirect{}, ended()
		}
		options.Purpose, options.ForceAuthn = ForProof+":"+actor.SessionHash, true
	default:
		options.Purpose = ""
	}
	if b.For != ForTest && !p.row.Enabled {
		return Redirect{}, noProvider()
	}
	if p.problem != nil {
		return Redirect{}, p.problem
	}
	over, err := s.countTry(ctx, count{samlBeginLimit, network(o.Address)})
	if err != nil {
		return Redirect{}, err
	}
	if over > 0 {
		return Redirect{}, tooMany()
	}
	return p.saml.Begin(ctx, options)
}

// ProviderOf is the name of the provider that opened a session; "" for another one.
func (s *Service) ProviderOf(ctx context.Context, session models.Session) (string, error) {
	if session.ProviderID == "" {
		return "", nil
	}
	all, err := s.allLive(ctx)
	for name, one := range all {
		if one.row.ID == session.ProviderID {
			return name, nil
		}
	}
	return "", err
}

// ProviderMetadata is Keeper's own metadata for a provider, on or off: it has to be told it
// before it can be tested.
func (s *Service) ProviderMetadata(ctx context.Context, name string) ([]byte, error) {
	p, err := s.liveNamed(ctx, name)
	if err != nil {
		return nil, err
	}
	if p.problem != nil {
		return nil, p.problem
	}
	return p.saml.Metadata()
}

// ProviderCertificate is a certificate of Keeper's own for a provider, on or off, as PEM: that of a fingerprint, or ("") that
// of the key that signs. The identity provider has to be told it.
func (s *Service) ProviderCertificate(ctx context.Context, name, of string) ([]byte, error) {
	p, err := s.liveNamed(ctx, name)
	if err != nil {
		return nil, err
	}
	if p.problem != nil {
		return nil, p.problem
	}
	certificate := p.saml.CertificatePEM(of)
	if certificate == nil {
		return nil, noKeyPair()
	}
	return certificate, nil
}

// Landed is how a sign-in at a provider ended. Exactly one of SessionID, Proven and Test is
// set.
type Landed struct {
	SessionID string // of a new session; only the browser's cookie may hold it
	Proven    string // the new identifier of the session that was proved
	Test      *Diagnosed
	ReturnTo  string
}

// FinishSAML takes the answer that a browser brought from a provider: held is what BeginAt.Browser
// was, as this browser gave it back. Whatever is wrong, the caller is told the same.
func (s *Service) FinishSAML(ctx context.Context, name string, r *http.Request, held string, o Origin) (Landed, error) {
	p, err := s.liveNamed(ctx, name)
	if err != nil {
		return Landed{}, err
	}
	if p.problem != nil {
		return Landed{}, p.problem
	}
	try := count{samlLimit, network(o.Address)}
	if over, err := s.countTry(ctx, try); err != nil || over > 0 {
		return Landed{}, firstOf(err, tooMany())
	}
	in, err := saml.FromRequest(r)
	if err != nil {
		return Landed{}, s.refuseSAML(ctx, p.row, Nobody(o), err)
	}
	in.Browser = s.browserMark(held)
	landed, err := s.land(ctx, p, in, o)
	if err == nil {
		err = s.uncount(context.WithoutCancel(ctx), try)
	}
	return landed, err
}

func (s *Service) land(ctx context.Context, p *liveProvider, in saml.Incoming, o Origin) (Landed, error) {
	asked, err := samlState{s, p.row.ID}.peek(ctx, in.RelayState)
	if err != nil {
		return Landed{}, err
	}
	if asked.Purpose == ForTest && asked.Browser == in.Browser {
		return s.landTest(ctx, p, in)
	}
	in1, err := p.saml.Finish(ctx, in)
	if err == nil && in1.Purpose == ForTest {
		err = &saml.Refusal{Reason: saml.ReasonBrowser, Detail: "a test sign-in belongs to the browser that began it"}
	}
	if err != nil {
		return Landed{}, s.refuseSAML(ctx, p.row, Nobody(o), err)
	}
	landed := Landed{ReturnTo: in1.ReturnTo}
	if session, proves := strings.CutPrefix(in1.Purpose, ForProof+":"); proves {
		landed.Proven, err = s.proveAgain(ctx, p, session, in1.Identity, o)
		return landed, err
	}
	landed.SessionID, err = s.admitIdentity(ctx, p, in1.Identity, o, nil)
	return landed, err
}

// landTest ends a test sign-in: it says what the doctor says, and opens nothing.
func (s *Service) landTest(ctx context.Context, p *liveProvider, in saml.Incoming) (Landed, error) {
	found, err := s.diagnose(ctx, p, []byte(in.SAMLResponse))
	if err != nil {
		return Landed{}, err
	}
	if _, err := p.saml.Finish(ctx, in); err != nil {
		reason, detail := saml.ReasonOf(err)
		if reason == "" {
			return Landed{}, err
		}
		if found.Accepted {
			found.Accepted, found.Outlook = false, nil
			found.Findings = append(found.Findings, saml.Finding{Reason: reason, Detail: detail, Mend: saml.Mend(reason)})
		}
	}
	found.Live = true
	if found.Accepted {
		err = s.store.Write(ctx, func(tx *store.Tx) error { return tx.ProviderTested(p.row.ID, p.row.Revision, s.now()) })
	}
	return Landed{Test: &found}, err
}

// admitIdentity takes what an identity provider that was believed says of a person: its groups
// count from now on, and it gets a session, or instead of that what do does.
func (s *Service) admitIdentity(
	ctx context.Context, p *liveProvider, id saml.Identity, o Origin, do func(*store.Tx, models.User) (string, error),
) (session string, err error) {
	person := personOf(id)
	var refused *refusedPerson
	err = s.store.Write(ctx, func(tx *store.Tx) error {
		session, refused = "", nil
		if err := tx.LockRights(); err != nil {
			return err
		}
		row, err := tx.Provider(p.row.ID)
		if fault.Is(err, fault.NotFound) || err == nil && (!row.Enabled || row.Revision != p.row.Revision) {
			refused = &refusedPerson{Reason: ReasonProviderOff}
			return nil
		}
		if err != nil {
			return err
		}
		v, err := s.weigh(tx, row, person)
		if err != nil {
			return err
		}
		if refused = v.refused; refused != nil {
			return s.turnAway(tx, row, v, o)
		}
		u, err := s.letIn(tx, row, v, person, o)
		if err != nil {
			return err
		}
		if do == nil {
			session, err = s.open(tx, &u, proofOf(row, id), o)
		} else {
			session, err = do(tx, u)
		}
		return err
	})
	if err != nil {
		return "", err
	}
	if refused != nil {
		nobody := Nobody(o)
		nobody.Name = person.Username
		return "", s.refuseSAML(ctx, p.row, nobody, refused)
	}
	return session, nil
}

func proofOf(p models.Provider, id saml.Identity) Proof {
	proof := Proof{Method: models.BySAML, ProviderID: p.ID, NameID: id.NameID, NameIDFormat: id.NameIDFormat, SessionIndex: id.SessionIndex}
	if !id.AuthnInstant.IsZero() {
		proof.ProvenAt = &id.AuthnInstant
	}
	if !id.SessionEnds.IsZero() {
		proof.ExpiresAt = &id.SessionEnds
	}
	return proof
}

// turnAway takes from a person who is known and not let in what the provider gave it: its
// groups, and the sessions that it opened.
func (s *Service) turnAway(tx *store.Tx, p models.Provider, v verdict, o Origin) error {
	if v.identity == nil || v.refused.Reason != ReasonNoMappedGroup {
		return nil
	}
	changed, err := tx.NameGroups(v.user.ID, p.ID, nil, s.now())
	if err != nil {
		return err
	}
	if changed {
		if err := tx.BumpRights(v.user.ID); err != nil {
			return err
		}
	}
	n, err := tx.DeleteSessionsOfProvider(p.ID, v.user.ID)
	if err != nil || n == 0 && !changed {
		return err
	}
	entry := onUser(providerActor(p, o), "user.groups_gone", v.user)
	entry.Detail = map[string]string{"provider": p.Name}
	return tx.AppendAudit(entry)
}

// letIn makes the account of somebody new, and has the groups count that the provider named.
// What it returns bears the rights' generation of then.
func (s *Service) letIn(tx *store.Tx, p models.Provider, v verdict, person Person, o Origin) (models.User, error) {
	now := s.now()
	if v.identity == nil {
		if err := tx.CreateUser(&v.user); err != nil {
			return v.user, err
		}
		v.identity = &models.Identity{ProviderID: p.ID, Subject: subjectOf(person.NameID), NameID: person.NameID, UserID: v.user.ID, Groups: v.Mapped(), LastSignInAt: now}
		if err := tx.CreateIdentity(v.identity); err != nil {
			return v.user, err
		}
		entry := onUser(providerActor(p, o), "user.create", v.user)
		entry.Detail = map[string]string{"kind": string(v.user.Kind), "role": string(v.user.Role), "provider": p.Name}
		if err := tx.AppendAudit(entry); err != nil {
			return v.user, err
		}
	} else {
		v.identity.Groups, v.identity.LastSignInAt = v.Mapped(), now
		if err := tx.UpdateIdentity(v.identity); err != nil {
			return v.user, err
		}
	}
	ids := make([]models.GroupID, len(v.mapped))
	for i, g := range v.mapped {
		ids[i] = g.ID
	}
	changed, err := tx.NameGroups(v.user.ID, p.ID, ids, now.Add(s.deps.SAMLMaxAge))
	if err != nil {
		return v.user, err
	}
	if changed {
		if err := tx.BumpRights(v.user.ID); err != nil {
			return v.user, err
		}
		entry := onUser(providerActor(p, o), "user.groups_set", v.user)
		entry.Detail = map[string]string{"provider": p.Name, "groups": cut(strings.Join(v.Mapped(), ", "), 1000)}
		if err := tx.AppendAudit(entry); err != nil {
			return v.user, err
		}
	}
	u, err := tx.LockUser(v.user.ID)
	if err == nil && u.PasswordHash == "" {
		u.DisplayName, u.Email = v.user.DisplayName, v.user.Email
	}
	return u, err
}

// providerActor is who gives and takes what a provider says.
func providerActor(p models.Provider, o Origin) models.Actor {
	return models.Actor{Kind: models.ActorSystem, ID: string(p.ID), Name: p.Name, Via: o.Via, Address: o.Address, RequestID: o.RequestID}
}

// proveAgain proves again who is signed in, by the provider that opened the session.
func (s *Service) proveAgain(ctx context.Context, p *liveProvider, hash string, id saml.Identity, o Origin) (string, error) {
	var actor models.Actor
	err := s.store.Read(ctx, func(tx *store.Tx) error {
		session, err := tx.Session(hash)
		if err != nil {
			return err
		}
		u, err := tx.User(session.UserID)
		if err != nil {
			return err
		}
		actor, err = s.actor(tx, u, o)
		actor.SessionHash = hash
		return err
	})
	switch {
	case fault.Is(err, fault.NotFound):
		return "", ended()
	case err != nil:
		return "", err
	case s.now().Sub(id.AuthnInstant) > provenAgain:
		return "", s.refuseSAML(ctx, p.row, actor, &refusedPerson{Reason: ReasonStaleAuthentication})
	}
	_, err = s.admitIdentity(ctx, p, id, o, func(_ *store.Tx, u models.User) (string, error) {
		if u.ID != actor.UserID {
			return "", errOtherPerson
		}
		return "", nil
	})
	if errors.Is(err, errOtherPerson) {
		return "", s.refuseSAML(ctx, p.row, actor, &refusedPerson{Reason: ReasonOtherPerson})
	}
	if err != nil {
		return "", err
	}
	return s.Prove(ctx, actor, proofOf(p.row, id))
}

var errOtherPerson = errors.New("the provider vouched for another person")

// refuseSAML records why a message or a person was refused, and returns what the browser is
// told. What is no refusal is returned as it is.
func (s *Service) refuseSAML(ctx context.Context, p models.Provider, actor models.Actor, why error) error {
	reason, detail := saml.ReasonOf(why)
	var person *refusedPerson
	if errors.As(why, &person) {
		reason, detail = saml.Reason(person.Reason), person.Detail
	}
	if reason == "" {
		return why
	}
	actor.Name = cut(actor.Name, 255)
	entry := audit.Entry(actor, "session.create")
	entry.ObjectKind, entry.ObjectID, entry.ObjectName = "provider", string(p.ID), p.Name
	entry.Outcome = models.OutcomeRefused
	entry.Detail = map[string]string{"method": string(models.BySAML), "provider": p.Name, "reason": string(reason)}
	if detail != "" {
		entry.Detail["detail"] = cut(detail, 1000)
	}
	if err := s.record(ctx, entry); err != nil {
		return err
	}
	return refusedSAML()
}
