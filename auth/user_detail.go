package auth

import (
	"context"
	"slices"

	"github.com/your-org/keeper/audit"
	"github.com/your-org/keeper/fault"
	"github.com/your-org/keeper/models"
	"github.com/your-org/keeper/store"
)

// Roles is the strongest role that an account has in each environment, through itself or a
// group. An administrator may do everything besides.
func (a Account) Roles() map[models.EnvironmentID]models.EnvironmentRole {
	return withRights(a.User, a.Grants).Roles
}

// Factors are somebody's second factors, as far as others are told of them.
type Factors struct {
	App           bool // an authenticator app, that was confirmed
	Passkeys      int
	RecoveryCodes int // that are left
}

// None reports whether there is nothing to be taken away.
func (f Factors) None() bool { return f == Factors{} }

// FactorsOf tells which second factors a user has.
func (s *Service) FactorsOf(ctx context.Context, actor models.Actor, named string) (Factors, error) {
	var f Factors
	err := s.look(ctx, actor, "factor.view", func(tx *store.Tx) error {
		u, err := findUser(tx, named)
		if err != nil {
			return err
		}
		passkeys, err := tx.Passkeys(u.ID)
		if err != nil {
			return err
		}
		f.App, f.Passkeys = u.TOTPConfirmedAt != nil, len(passkeys)
		f.RecoveryCodes, err = tx.CountRecoveryCodes(u.ID)
		return err
	})
	return f, err
}

// SessionName names a session where it is spoken of, as in the audit log, by a part of its hash.
func SessionName(hash string) string { return hash[:min(12, len(hash))] }

// RevokeSessionOf ends one session of a user, which is given by its hash or its name.
func (s *Service) RevokeSessionOf(ctx context.Context, actor models.Actor, named, session string) error {
	return s.administer(ctx, actor, ManageUsers, Global, "session.end", func(tx *store.Tx, actor models.Actor) error {
		u, err := findUser(tx, named)
		if err != nil {
			return err
		}
		sessions, err := tx.SessionsOfUser(u.ID)
		if err != nil {
			return err
		}
		at := slices.IndexFunc(sessions, func(one models.Session) bool { return session == one.Hash || session == SessionName(one.Hash) })
		if at < 0 {
			return fault.New(fault.NotFound, "%s has no such session; it may have ended already.", u.Username)
		}
		if err := tx.DeleteSession(sessions[at].Hash); err != nil {
			return err
		}
		entry := audit.Entry(actor, "session.end")
		entry.ObjectKind, entry.ObjectID, entry.ObjectName = "session", SessionName(sessions[at].Hash), u.Username
		return tx.AppendAudit(entry)
	})
}
