package auth

import (
	"context"
	"strings"
	"time"

	"github.com/your-org/keeper/audit"
	"github.com/your-org/keeper/fault"
	"github.com/your-org/keeper/models"
	"github.com/your-org/keeper/store"
)

// touchEvery is how exact a session's last use is.
const touchEvery = time.Minute

// SignIn opens a session for a local account and returns its identifier, which only the
// browser's cookie may hold.
func (s *Service) SignIn(ctx context.Context, username, password string, o Origin) (SignedIn, error) {
	var (
		id string
		u  models.User
	)
	nobody := Nobody(o)
	nobody.Name = username
	again, err := s.guarded(accountName(username), o.Address, func() (err error) {
		if u, err = s.verify(ctx, username, password); err == nil {
			id, err = s.openSession(ctx, &u, o)
		}
		return err
	})
	switch {
	case again:
		return SignedIn{}, err
	case fault.Is(err, fault.Unauthenticated), fault.Is(err, fault.Throttled):
		return SignedIn{}, s.refuseSignIn(ctx, nobody, err)
	case err != nil:
		return SignedIn{}, err
	}
	return SignedIn{SessionID: id, User: u}, nil
}

// openSession makes the session of a user whose password was right a moment ago, and still
// is.
func (s *Service) openSession(ctx context.Context, u *models.User, o Origin) (string, error) {
	id, now := random(32), s.now()
	session := models.Session{
		Hash: s.digest(id), UserID: u.ID, Address: o.Address, UserAgent: cut(o.UserAgent, 255),
		CreatedAt: now, LastSeenAt: now, ExpiresAt: now.Add(SessionLifetime),
	}
	actor := from(models.Actor{Kind: models.ActorUser, ID: string(u.ID), Name: u.Username, UserID: u.ID}, o)
	err := s.store.Write(ctx, func(tx *store.Tx) error {
		current, err := unchanged(tx, *u)
		if err != nil {
			return err
		}
		current.LastSignInAt = &now
		if err := tx.UpdateUser(&current); err != nil {
			return err
		}
		if err := tx.CreateSession(&session); err != nil {
			return err
		}
		*u = current
		return tx.AppendAudit(onUser(actor, "session.create", current))
	})
	return id, err
}

// refuseSignIn records a sign-in that failed. The name that was tried is kept: it is what
// an investigation needs, and it is shortened since people type passwords into it.
func (s *Service) refuseSignIn(ctx context.Context, nobody models.Actor, refusal error) error {
	nobody.Name = cut(nobody.Name, 64)
	entry := audit.Ended(audit.Entry(nobody, "session.create"), refusal)
	entry.Outcome = models.OutcomeRefused
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
	err := s.store.Read(ctx, func(tx *store.Tx) (err error) {
		if session, err = tx.Session(s.digest(id)); err != nil {
			return err
		}
		if u, err = tx.User(session.UserID); err != nil {
			return err
		}
		actor, err = s.actor(tx, u, o)
		return err
	})
	now := s.now()
	switch {
	case fault.Is(err, fault.NotFound):
		return Nobody(o), session, u, ended()
	case err != nil:
		return Nobody(o), session, u, err
	case u.Disabled, !now.Before(session.ExpiresAt), now.Sub(session.LastSeenAt) >= SessionIdle:
		return Nobody(o), session, u, ended()
	}
	return actor, session, u, nil
}

func ended() error {
	return fault.New(fault.Unauthenticated, "You are not signed in, or your session has ended.").WithHint("Sign in again.")
}

// SaveSession keeps what the web wants to remember of a session: messages to show once.
func (s *Service) SaveSession(ctx context.Context, id string, data []byte) error {
	return s.store.Write(ctx, func(tx *store.Tx) error { return tx.SaveSessionData(s.digest(id), data) })
}

// SignOut ends a session.
func (s *Service) SignOut(ctx context.Context, actor models.Actor, id string) error {
	return s.endSession(ctx, actor, s.digest(id))
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

func (s *Service) endSession(ctx context.Context, actor models.Actor, hash string) error {
	return s.store.Write(ctx, func(tx *store.Tx) error {
		if err := tx.DeleteSession(hash); err != nil {
			return err
		}
		entry := audit.Entry(actor, "session.end")
		entry.ObjectKind, entry.ObjectID = "session", hash[:12]
		return tx.AppendAudit(entry)
	})
}

// IsSession reports whether a session's row belongs to an identifier.
func (s *Service) IsSession(session models.Session, id string) bool {
	return session.Hash == s.digest(id)
}

// Sweep removes the sessions that have ended.
func (s *Service) Sweep(ctx context.Context) error {
	now := s.now()
	return s.store.Write(ctx, func(tx *store.Tx) error {
		_, err := tx.DeleteExpiredSessions(now, now.Add(-SessionIdle))
		return err
	})
}
