package auth

import (
	"context"
	"slices"

	"github.com/your-org/keeper/fault"
	"github.com/your-org/keeper/models"
	"github.com/your-org/keeper/store"
)

func localOff() error {
	return fault.New(fault.Forbidden, "Signing in with a passkey is switched off here.").WithHint("Sign in with your identity provider.")
}

// brokeGlass records that somebody came in past the switched-off local sign-in, and tells people.
func (s *Service) brokeGlass(tx *store.Tx, actor models.Actor, u models.User, session models.Session) error {
	entry := onUser(actor, "session.break_glass", u)
	entry.Detail = map[string]string{"method": string(session.Method)}
	if err := tx.AppendAudit(entry); err != nil {
		return err
	}
	return s.tell(tx, models.Signal{
		Kind: models.AlertBreakGlass, Subject: session.Hash, SubjectName: u.Username,
		Summary: "The break-glass account " + u.Username + " signed in, from " + actor.Address + ".",
		Hint:    "Find out who did, and why. The sessions of the account can be ended on the page Users.",
	})
}

// tell tells people of what happened once: the condition begins and is over.
func (s *Service) tell(tx *store.Tx, one models.Signal) error {
	begins, over := one, one
	begins.Holds = true
	over.Quiet = true
	return s.deps.Alert(tx, begins, over)
}

// CheckLocalSignIn refuses to go on with local sign-in switched off where nobody could sign
// in then: Conflict with what is missing.
func (s *Service) CheckLocalSignIn(ctx context.Context) error {
	if !s.deps.LocalSignInOff {
		return nil
	}
	return s.store.Read(ctx, func(tx *store.Tx) error {
		providers, err := tx.CountEnabledProviders()
		if err != nil {
			return err
		}
		if providers == 0 {
			return fault.New(fault.Conflict, "KEEPER_LOCAL_SIGN_IN=off: there is no identity provider that is switched on, so nobody could sign in.").
				WithHint("Start with KEEPER_LOCAL_SIGN_IN=on, set a provider up and try it; then switch local sign-in off.")
		}
		able, err := s.breaksGlass(tx)
		if err != nil || able {
			return err
		}
		return fault.New(fault.Conflict, "KEEPER_LOCAL_SIGN_IN=off: there is no break-glass account that could put things right, so nobody could sign in when the identity provider fails.").
			WithHint("Start with KEEPER_LOCAL_SIGN_IN=on and mark an administrator with a password as break-glass first.")
	})
}

// breaksGlass reports whether somebody could put things right when the providers fail: an
// administrator by Keeper's own word who is marked for that, with a password that lasts.
func (s *Service) breaksGlass(tx *store.Tx) (bool, error) {
	found, err := tx.Administrators()
	return slices.ContainsFunc(found, func(a store.Administrator) bool {
		return a.Lasting && a.BreakGlass && s.mayUsePassword(a.User) && a.PasswordExpiresAt == nil
	}), err
}
