package auth

import (
	"context"
	"errors"
	"strings"
	"time"

	"github.com/your-org/keeper/audit"
	"github.com/your-org/keeper/fault"
	"github.com/your-org/keeper/models"
	"github.com/your-org/keeper/store"
)

const (
	// touchEvery is how exact a session's last use is.
	touchEvery = time.Minute
	// overlap is how long an identifier that was replaced still stands for its session: the
	// other requests of a page are under way with it.
	overlap = 10 * time.Second
	// mostReplaced bounds how often an identifier is replaced within the overlap.
	mostReplaced = 5
)

// OpenFor opens a session for a user whom somebody else vouches for.
func (s *Service) OpenFor(ctx context.Context, u models.UserID, proof Proof, o Origin) (sessionID string, err error) {
	err = s.store.Write(ctx, func(tx *store.Tx) error {
		user, err := tx.LockUser(u)
		if err == nil && (user.Disabled || user.Kind == models.UserService) {
			err = fault.New(fault.Unauthenticated, "This account cannot sign in.").WithHint("Ask an administrator.")
		}
		if err != nil {
			return err
		}
		sessionID, err = s.open(tx, &user, proof, o)
		return err
	})
	return sessionID, err
}

// open makes the session of a locked user who has proved who it is.
func (s *Service) open(tx *store.Tx, u *models.User, proof Proof, o Origin) (string, error) {
	id, now := random(32), s.now()
	proven := now
	if proof.ProvenAt != nil && proof.ProvenAt.Before(now) {
		proven = *proof.ProvenAt
	}
	session := models.Session{
		Hash: s.digest(id), UserID: u.ID, Address: o.Address, UserAgent: cut(o.UserAgent, 255),
		Method: proof.Method, ProviderID: proof.ProviderID, NameID: proof.NameID, NameIDFormat: cut(proof.NameIDFormat, 255), SessionIndex: proof.SessionIndex,
		RightsGeneration: u.RightsGeneration, ProvenAt: &proven, CreatedAt: now, LastSeenAt: now, ExpiresAt: now.Add(s.deps.Lifetime),
	}
	if proof.ExpiresAt != nil && proof.ExpiresAt.Before(session.ExpiresAt) {
		session.ExpiresAt = *proof.ExpiresAt
	}
	u.LastSignInAt = &now
	if err := tx.UpdateUser(u); err != nil {
		return "", err
	}
	if err := tx.CreateSession(&session); err != nil {
		return "", err
	}
	actor := from(person(*u), o)
	entry := onUser(actor, "session.create", *u)
	entry.Detail = map[string]string{"method": string(proof.Method)}
	if proof.ProviderID != "" {
		entry.Detail["provider_id"] = string(proof.ProviderID)
	}
	if err := tx.AppendAudit(entry); err != nil {
		return "", err
	}
	if s.deps.LocalSignInOff && proof.Method != models.BySAML {
		return id, s.brokeGlass(tx, actor, *u, session)
	}
	return id, nil
}

// person is a user as who acts, without what it may do.
func person(u models.User) models.Actor {
	return models.Actor{Kind: models.ActorUser, ID: string(u.ID), Name: u.Username, UserID: u.ID}
}

// refuseSignIn records a sign-in that failed. The name that was tried is kept: it is what
// an investigation needs, and it is shortened since people type passwords into it.
func (s *Service) refuseSignIn(ctx context.Context, nobody models.Actor, refusal error) error {
	nobody.Name = cut(nobody.Name, 64)
	entry := audit.Ended(audit.Entry(nobody, "session.create"), refusal)
	entry.Outcome = models.OutcomeRefused
	if errors.Is(refusal, errOneTimeEnded) {
		entry.Detail = map[string]string{"reason": ReasonOneTimeEnded}
	}
	if err := s.record(ctx, entry); err != nil {
		return err
	}
	return refusal
}

// cut leaves of a stranger's text what every database takes: n bytes at most, valid, no NUL.
func cut(s string, n int) string {
	if len(s) > n {
		s = s[:n]
	}
	return strings.ReplaceAll(strings.ToValidUTF8(s, ""), "\x00", "")
}

// Session finds the actor and the session that an identifier stands for, and notes the use.
// Unauthenticated where it stands for none, or for one that has ended.
func (s *Service) Session(ctx context.Context, id string, o Origin) (models.Actor, models.Session, models.User, error) {
	actor, session, u, err := s.LookAtSession(ctx, id, o)
	if now := s.now(); err == nil && now.Sub(session.LastSeenAt) >= touchEvery {
		err = s.store.Write(ctx, func(tx *store.Tx) error { return tx.TouchSession(session.Hash, now) })
		if fault.Is(err, fault.NotFound) {
			err = ended() // in this moment
		}
	}
	if err != nil {
		return Nobody(o), session, u, err
	}
	return actor, session, u, err
}

// LookAtSession is Session for what a page asks by itself: it is no use, so that a page that
// is left open does not keep its session from ending.
func (s *Service) LookAtSession(ctx context.Context, id string, o Origin) (models.Actor, models.Session, models.User, error) {
	var (
		session models.Session
		u       models.User
		actor   models.Actor
	)
	now := s.now()
	err := s.store.Read(ctx, func(tx *store.Tx) (err error) {
		if session, err = s.sessionOf(tx, id, now); err != nil {
			return err
		}
		if u, err = tx.User(session.UserID); err != nil {
			return err
		}
		actor, err = s.actor(tx, u, o)
		return err
	})
	switch {
	case fault.Is(err, fault.NotFound):
		return Nobody(o), session, u, ended()
	case err != nil:
		return Nobody(o), session, u, err
	case u.Disabled, !now.Before(session.ExpiresAt), now.Sub(session.LastSeenAt) >= s.deps.Idle,
		s.deps.LocalSignInOff && session.Method != models.BySAML && !u.BreakGlass: // of before it was switched off
		return Nobody(o), session, u, ended()
	}
	actor.SessionHash = session.Hash
	if session.ProvenAt != nil {
		actor.ProvenAt = *session.ProvenAt
	}
	return actor, session, u, nil
}

// sessionOf loads the session that an identifier stands for. One that was replaced a moment
// ago stands for the session under its new identifier, but not for the proof that may have
// come with that: who stole the old one must not get it.
func (s *Service) sessionOf(tx *store.Tx, id string, now time.Time) (models.Session, error) {
	session, err := tx.Session(s.digest(id))
	for range mostReplaced {
		if err != nil || session.ReplacedBy == "" || !now.Before(session.ExpiresAt) {
			return session, err
		}
		session, err = tx.Session(session.ReplacedBy)
		session.ProvenAt = nil
	}
	return session, fault.New(fault.NotFound, "The identifier was replaced too often.")
}

func ended() error {
	return fault.New(fault.Unauthenticated, "You are not signed in, or your session has ended.").WithHint("Sign in again.")
}

// Renew gives the session of an identifier a new one where its user's rights have changed
// since it got that; "" where they have not, or where another request was first. The old one
// serves for a moment longer, for the other requests of a page. One that was replaced gets
// none: with it would come the proof that it does not stand for.
func (s *Service) Renew(ctx context.Context, present string, session models.Session, u models.User) (id string, err error) {
	if session.RightsGeneration == u.RightsGeneration || session.Hash != s.digest(present) {
		return "", nil
	}
	err = s.store.Write(ctx, func(tx *store.Tx) error {
		id, err = s.renew(tx, session.Hash, nil)
		return err
	})
	if fault.Is(err, fault.NotFound) {
		return "", nil
	}
	return id, err
}

// renew gives a session a new identifier, and the time of a new proof where there is one.
// NotFound where the session has ended or was given another meanwhile.
func (s *Service) renew(tx *store.Tx, hash string, proven *time.Time) (string, error) {
	next, err := tx.Session(hash)
	if err != nil {
		return "", err
	}
	u, err := tx.User(next.UserID)
	if err != nil {
		return "", err
	}
	id, until := random(32), s.now().Add(overlap)
	if next.ExpiresAt.Before(until) {
		until = next.ExpiresAt
	}
	next.Hash, next.RightsGeneration = s.digest(id), u.RightsGeneration
	if proven != nil {
		next.ProvenAt, next.LastSeenAt = proven, s.now()
	}
	return id, tx.ReplaceSession(hash, &next, until)
}

// SaveSession keeps what the web wants to remember of a session: messages to show once.
func (s *Service) SaveSession(ctx context.Context, id string, data []byte) error {
	return s.store.Write(ctx, func(tx *store.Tx) error { return tx.SaveSessionData(s.digest(id), data) })
}

// SignOut ends the actor's session.
func (s *Service) SignOut(ctx context.Context, actor models.Actor) error {
	return s.endSession(ctx, actor, actor.SessionHash)
}

// Sessions lists an actor's own sessions, the newest use first.
func (s *Service) Sessions(ctx context.Context, actor models.Actor) ([]models.Session, error) {
	if err := ownSessions(actor); err != nil {
		return nil, s.refuse(ctx, actor, "session.view", err)
	}
	var sessions []models.Session
	err := s.store.Read(ctx, func(tx *store.Tx) (err error) {
		sessions, err = tx.SessionsOfUser(actor.UserID)
		return err
	})
	return sessions, err
}

// ownSessions refuses all but a person: a token has no sessions, and must not see or end
// those of its user.
func ownSessions(actor models.Actor) error {
	if actor.Kind == models.ActorUser {
		return nil
	}
	return fault.New(fault.Forbidden, "Sessions are shown only to the person whose they are.").WithHint("Sign in with a browser.")
}

// RevokeSession ends one of the actor's own sessions, named by its hash.
func (s *Service) RevokeSession(ctx context.Context, actor models.Actor, hash string) error {
	sessions, err := s.Sessions(ctx, actor)
	if err != nil {
		return err
	}
	for _, one := range sessions {
		if one.Hash == hash {
			return s.endSession(ctx, actor, hash)
		}
	}
	return fault.New(fault.NotFound, "You have no such session; it may have ended already.")
}

// RevokeOtherSessions ends all of the actor's sessions but the one that asks, and says how
// many.
func (s *Service) RevokeOtherSessions(ctx context.Context, actor models.Actor) (n int, err error) {
	if err := ownSessions(actor); err != nil {
		return 0, s.refuse(ctx, actor, "session.end", err)
	}
	err = s.store.Write(ctx, func(tx *store.Tx) error {
		if n, err = tx.DeleteSessionsOfUser(actor.UserID, actor.SessionHash); err != nil || n == 0 {
			return err
		}
		entry := audit.Entry(actor, "session.end")
		entry.ObjectKind, entry.ObjectID, entry.ObjectName = "user", string(actor.UserID), actor.Name
		return tx.AppendAudit(entry)
	})
	return n, err
}

func (s *Service) endSession(ctx context.Context, actor models.Actor, hash string) error {
	return s.store.Write(ctx, func(tx *store.Tx) error {
		if err := tx.DeleteSession(hash); err != nil {
			return err
		}
		entry := audit.Entry(actor, "session.end")
		entry.ObjectKind, entry.ObjectID = "session", SessionName(hash)
		return tx.AppendAudit(entry)
	})
}

// Sweep removes the sessions and sign-in steps that have ended, counts of tries that are
// over, and what was kept of SAML messages that are too old to be used.
func (s *Service) Sweep(ctx context.Context) error {
	now := s.now()
	return s.store.Write(ctx, func(tx *store.Tx) error {
		if _, err := tx.DeleteExpiredSessions(now, now.Add(-s.deps.Idle)); err != nil {
			return err
		}
		if _, err := tx.DeleteStepsBefore(now); err != nil {
			return err
		}
		if err := tx.DeleteSAMLBefore(now); err != nil {
			return err
		}
		_, err := tx.DeleteAttemptsBefore(now)
		return err
	})
}
