package auth

import (
	"context"
	"encoding/json"
	"slices"
	"time"

	"github.com/your-org/keeper/audit"
	"github.com/your-org/keeper/fault"
	"github.com/your-org/keeper/models"
	"github.com/your-org/keeper/store"
)

// ProofNeeds is of what the actor's person may prove again who it is. Who has a second factor
// proves it with that: a password alone was not enough to sign in either.
func (s *Service) ProofNeeds(ctx context.Context, actor models.Actor) (needs []models.SignInMethod, err error) {
	err = s.store.Read(ctx, func(tx *store.Tx) error {
		session, err := tx.Session(actor.SessionHash)
		if err != nil {
			return err
		}
		u, err := tx.User(actor.UserID)
		if err != nil {
			return err
		}
		needs, err = s.proofNeeds(tx, u, session)
		return err
	})
	if fault.Is(err, fault.NotFound) {
		return nil, ended()
	}
	return needs, err
}

func (s *Service) proofNeeds(tx *store.Tx, u models.User, session models.Session) ([]models.SignInMethod, error) {
	factors, err := s.secondFactors(tx, u)
	if err != nil {
		return nil, err
	}
	var needs []models.SignInMethod
	for _, factor := range factors {
		if factor != models.ByRecoveryCode {
			needs = append(needs, factor)
		}
	}
	if len(needs) == 0 && s.passwordServes(u) == nil {
		needs = append(needs, models.ByPassword)
	}
	if session.Method == models.BySAML {
		needs = append(needs, models.BySAML)
	}
	return needs, nil
}

// ProveByPassword notes that the actor's person proved again who it is, and returns the
// session's new identifier.
func (s *Service) ProveByPassword(ctx context.Context, actor models.Actor, password string) (sessionID string, err error) {
	again, err := s.guarded(ctx, countedIn(actor), func() error {
		verified, err := s.verify(ctx, actor.Name, password)
		if err == nil && verified.ID != actor.UserID {
			err = badCredentials()
		}
		if err != nil {
			return err
		}
		sessionID, err = s.prove(ctx, actor, models.ByPassword, func(tx *store.Tx, u *models.User) error {
			if u.PasswordHash != verified.PasswordHash {
				return badCredentials()
			}
			return nil
		})
		return err
	})
	if fault.Is(err, fault.Unauthenticated) {
		err = fault.InvalidField("password", "is not right")
	}
	return s.proved(ctx, actor, sessionID, again, err)
}

// ProveByTOTP is ProveByPassword with a code.
func (s *Service) ProveByTOTP(ctx context.Context, actor models.Actor, code string) (sessionID string, err error) {
	again, err := s.guardedCode(ctx, codesIn(actor), func() error {
		sessionID, err = s.prove(ctx, actor, models.ByTOTP, func(tx *store.Tx, u *models.User) error { return s.takeCode(tx, u, code) })
		return err
	})
	if fault.Is(err, fault.Unauthenticated) {
		err = fault.InvalidField("code", "is wrong, or was used already")
	}
	return s.proved(ctx, actor, sessionID, again, err)
}

// BeginPasskeyProof asks the actor's browser for one of its passkeys.
func (s *Service) BeginPasskeyProof(ctx context.Context, actor models.Actor) (options json.RawMessage, step string, err error) {
	if s.webauthn == nil {
		return nil, "", noPasskeys()
	}
	if err := ownSessions(actor); err != nil {
		return nil, "", s.refuse(ctx, actor, "session.prove", err)
	}
	err = s.store.Write(ctx, func(tx *store.Tx) error {
		u, err := tx.User(actor.UserID)
		if err != nil {
			return err
		}
		var data stepData
		if options, data.WebAuthn, err = s.askKnown(tx, u); err != nil {
			return err
		}
		step, err = s.newStep(tx, passkeyProof, u.ID, data)
		return err
	})
	return options, step, err
}

// ProveByPasskey is ProveByPassword with what the browser answered to BeginPasskeyProof.
func (s *Service) ProveByPasskey(ctx context.Context, actor models.Actor, step string, response []byte) (sessionID string, err error) {
	parsed, err := parseReply(response)
	if err != nil {
		return s.proved(ctx, actor, "", false, err)
	}
	row, data, err := s.tryStep(ctx, step, passkeyProof)
	if err == nil && row.UserID != actor.UserID {
		err = stepOver()
	}
	if err == nil {
		sessionID, err = s.prove(ctx, actor, models.ByPasskey, func(tx *store.Tx, u *models.User) error {
			if err := s.takePasskey(tx, *u, data, parsed); err != nil {
				return err
			}
			return tx.TakeStep(row.Hash)
		})
	}
	return s.proved(ctx, actor, sessionID, false, s.copied(ctx, actor, err))
}

// Prove is ProveByPassword by somebody else who vouches again for the person: the provider
// that the session was opened by, of the same person.
func (s *Service) Prove(ctx context.Context, actor models.Actor, proof Proof) (sessionID string, err error) {
	sessionID, err = s.proveAt(ctx, actor, proof.Method, proof.ProvenAt, func(tx *store.Tx, _ *models.User) error {
		session, err := tx.Session(actor.SessionHash)
		if err != nil {
			return err
		}
		if proof.Method != models.BySAML || session.ProviderID != proof.ProviderID || session.NameID != proof.NameID {
			return fault.New(fault.Unauthenticated, "The provider vouched for another person than the one who is signed in.").
				WithHint("Sign out, and sign in as that person.")
		}
		return nil
	})
	return s.proved(ctx, actor, sessionID, false, err)
}

// prove checks a proof of a kind that the person may give, and gives the session a new
// identifier with it: one that was stolen before does not rise with the proof.
func (s *Service) prove(ctx context.Context, actor models.Actor, by models.SignInMethod, check func(*store.Tx, *models.User) error) (id string, err error) {
	return s.proveAt(ctx, actor, by, nil, check)
}

// proveAt is prove by an act of the person that may be older: the proof counts from then.
func (s *Service) proveAt(
	ctx context.Context, actor models.Actor, by models.SignInMethod, acted *time.Time, check func(*store.Tx, *models.User) error,
) (id string, err error) {
	if err := ownSessions(actor); err != nil {
		return "", err
	}
	err = s.store.Write(ctx, func(tx *store.Tx) error {
		u, err := tx.LockUser(actor.UserID)
		if err != nil {
			return err
		}
		session, err := tx.Session(actor.SessionHash)
		if err != nil {
			return err
		}
		needs, err := s.proofNeeds(tx, u, session)
		if err != nil {
			return err
		}
		now := s.now()
		if u.Disabled || session.UserID != u.ID || !now.Before(session.ExpiresAt) || now.Sub(session.LastSeenAt) >= s.deps.Idle {
			return ended()
		}
		if !slices.Contains(needs, by) {
			return fault.New(fault.Forbidden, "That does not prove who you are here.").WithHint("Use your second factor.")
		}
		if err := check(tx, &u); err != nil {
			return err
		}
		proven := now
		if acted != nil && acted.Before(now) {
			proven = *acted
		}
		if session.ProvenAt != nil && session.ProvenAt.After(proven) {
			proven = *session.ProvenAt
		}
		if id, err = s.renew(tx, session.Hash, &proven); err != nil {
			return err
		}
		entry := onUser(actor, "session.prove", u)
		entry.Detail = map[string]string{"method": string(by)}
		return tx.AppendAudit(entry)
	})
	if fault.Is(err, fault.NotFound) {
		err = ended()
	}
	return id, err
}

// proved records a proof that failed.
func (s *Service) proved(ctx context.Context, actor models.Actor, id string, again bool, err error) (string, error) {
	if err == nil {
		return id, nil
	}
	if again {
		return "", err
	}
	entry := audit.Ended(audit.Entry(actor, "session.prove"), err)
	if fault.Is(err, fault.Invalid) {
		entry.Outcome = models.OutcomeRefused
	}
	if recorded := s.record(ctx, entry); recorded != nil {
		return "", recorded
	}
	return "", err
}
