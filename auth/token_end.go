package auth

import (
	"context"
	"strings"
	"time"

	"github.com/your-org/keeper/fault"
	"github.com/your-org/keeper/models"
	"github.com/your-org/keeper/store"
)

// MaxOverlap is the longest that a rotated token goes on beside the one that took over.
const MaxOverlap = 7 * 24 * time.Hour

// OwnedToken is a token with whose it is.
type OwnedToken = store.OwnedToken

// AllTokens is a page of everybody's tokens, the newest first, and the cursors of the pages around it.
func (s *Service) AllTokens(ctx context.Context, actor models.Actor, onlyLive bool, cursor string, limit int) ([]OwnedToken, Around, error) {
	var live *time.Time
	if now := s.now(); onlyLive {
		live = &now
	}
	var tokens []OwnedToken
	var around Around
	err := s.look(ctx, actor, "token.view", func(tx *store.Tx) (err error) {
		tokens, around, err = tx.TokenPage(live, cursor, limit)
		return err
	})
	return tokens, around, err
}

// TokensOf lists a user's tokens, the newest first.
func (s *Service) TokensOf(ctx context.Context, actor models.Actor, named string) ([]models.Token, error) {
	var tokens []models.Token
	err := s.look(ctx, actor, "token.view", func(tx *store.Tx) error {
		u, err := findUser(tx, named)
		if err == nil {
			tokens, err = tx.Tokens(u.ID)
		}
		return err
	})
	return tokens, err
}

// RotateToken makes a token that takes over from another of the same name and scope: one of
// the actor's own, or, for administrators, one of a service account. The other ends after the
// overlap, and with it what it made. The new one lasts as long as the other was made for; one
// that a token makes lasts no longer than that token. It takes the proof that making it takes.
func (s *Service) RotateToken(ctx context.Context, actor models.Actor, id models.TokenID, overlap time.Duration) (string, models.Token, error) {
	if overlap < 0 || overlap > MaxOverlap {
		return "", models.Token{}, fault.InvalidField("overlap", "must be between nothing and seven days")
	}
	text := TokenPrefix + random(24)
	var next models.Token
	err := s.onTokenOf(ctx, actor, id, "token.rotate", func(tx *store.Tx, actor models.Actor, old models.Token) (err error) {
		if err := s.mayTakeOver(tx, actor, old); err != nil {
			return err
		}
		now := s.now()
		next = models.Token{
			ID: models.NewTokenID(), Hash: s.digest(text), Hint: text[:len(TokenPrefix)+4], UserID: old.UserID, Name: old.Name, Scope: old.Scope,
			CreatedBy: actor.Name, MadeBy: old.MadeBy, Replaces: old.ID, CreatedAt: now,
		}
		if m := maker(actor); m != "" {
			next.MadeBy = m
		}
		if next.ExpiresAt, err = s.successorEnds(tx, next.MadeBy, old); err != nil {
			return err
		}
		if err := tx.CreateToken(&next); err != nil {
			return err
		}
		if err := endBy(tx, old, next.ID, now.Add(overlap)); err != nil {
			return err
		}
		entry := onToken(actor, "token.rotate", old)
		entry.Detail = map[string]string{"successor": string(next.ID), "overlap": overlap.String()}
		return tx.AppendAudit(entry)
	})
	if err != nil {
		return "", models.Token{}, s.proofAsked(ctx, actor, "token.rotate", err)
	}
	return text, next, nil
}

// mayTakeOver refuses to hand out the successor of a token to whom it would make wider, or of
// one that has ended or has a successor.
func (s *Service) mayTakeOver(tx *store.Tx, actor models.Actor, old models.Token) error {
	if others := old.UserID != actor.UserID; others || exempts(unscoped(actor), old.Scope) {
		if err := Proven(actor, s.now()); err != nil {
			return err
		}
	}
	if err := within(actor.Scope, old.Scope); err != nil {
		return fault.New(fault.Forbidden, "This token does not reach as far as the one that it would rotate.").WithHint("Rotate it signed in.")
	}
	replaced, err := tx.TokenReplaced(old.ID)
	switch {
	case err != nil:
		return err
	case over(old, s.now()):
		return fault.New(fault.Conflict, "The token has ended; there is nothing to take over from.").WithHint("Make a new one.")
	case replaced:
		return fault.New(fault.Conflict, "The token was rotated already.").WithHint("Rotate the one that took over from it.")
	}
	return nil
}

// successorEnds is when a token that takes over from another ends: never where the other does
// not, and not after the token that makes it.
func (s *Service) successorEnds(tx *store.Tx, madeBy models.TokenID, old models.Token) (*time.Time, error) {
	var end *time.Time
	if old.ExpiresAt != nil {
		at := s.now().Add(old.ExpiresAt.Sub(old.CreatedAt))
		end = &at
	}
	if madeBy == "" {
		return end, nil
	}
	maker, err := tx.LockToken(madeBy)
	if err != nil {
		return nil, err
	}
	if over(maker, s.now()) {
		return nil, badToken()
	}
	if maker.ExpiresAt != nil && (end == nil || end.After(*maker.ExpiresAt)) {
		end = maker.ExpiresAt
	}
	return end, nil
}

// endBy makes a token, and those that it made but its successor, end at a time at the latest.
func endBy(tx *store.Tx, t models.Token, successor models.TokenID, at time.Time) error {
	if t.ID == successor {
		return nil
	}
	if t.ExpiresAt == nil || t.ExpiresAt.After(at) {
		if err := tx.SetTokenExpiry(t.ID, at); err != nil {
			return err
		}
	}
	made, err := tx.TokensMadeBy(t.ID)
	for _, one := range made {
		if err == nil {
			err = endBy(tx, one, successor, at)
		}
	}
	return err
}

// RevokeToken ends a token with all that it made: one of the actor's own, or, for
// administrators, anybody's.
func (s *Service) RevokeToken(ctx context.Context, actor models.Actor, id models.TokenID) error {
	return s.onTokenOf(ctx, actor, id, "token.revoke", func(tx *store.Tx, actor models.Actor, t models.Token) error {
		return s.revoke(tx, actor, t, "")
	})
}

// onTokenOf runs a change of a token that the actor may have to do with; others' do not exist
// for it.
func (s *Service) onTokenOf(
	ctx context.Context, actor models.Actor, id models.TokenID, operation string,
	do func(tx *store.Tx, actor models.Actor, t models.Token) error,
) error {
	return s.administer(ctx, actor, ManageOwnTokens, Global, operation, func(tx *store.Tx, actor models.Actor) error {
		t, err := tx.LockToken(models.TokenID(cut(string(id), 40)))
		if err != nil && !fault.Is(err, fault.NotFound) {
			return err
		}
		mine := err == nil && t.UserID == actor.UserID
		if err == nil && !mine && Can(actor, ManageUsers, Global) {
			if mine = operation == "token.revoke"; !mine {
				u, err := tx.User(t.UserID)
				if err != nil {
					return err
				}
				mine = u.Kind == models.UserService
			}
		}
		if !mine {
			return fault.New(fault.NotFound, "You have no such token.")
		}
		return do(tx, actor, t)
	})
}

// revoke ends a token and all that it made, those before it included that it rotated itself
// into: whoever had one of them may have the others.
func (s *Service) revoke(tx *store.Tx, actor models.Actor, t models.Token, how string) error {
	ending := []models.Token{t}
	for len(ending) > 0 {
		one := ending[0]
		made, err := s.revokeOne(tx, actor, one, how)
		if err != nil {
			return err
		}
		ending, how = append(ending[1:], made...), "with "+string(t.ID)
	}
	return nil
}

func (s *Service) revokeOne(tx *store.Tx, actor models.Actor, t models.Token, how string) ([]models.Token, error) {
	if err := tx.RevokeToken(t.ID, s.now()); err != nil { // locks it: what it makes now is listed below, or refused
		return nil, err
	}
	s.actors.Delete(t.Hash)
	if t.RevokedAt == nil {
		entry := onToken(actor, "token.revoke", t)
		if how != "" {
			entry.Detail = map[string]string{"how": how}
		}
		if err := tx.AppendAudit(entry); err != nil {
			return nil, err
		}
	}
	return tx.TokensMadeBy(t.ID)
}

// revokeTokensOf ends all tokens of a user who goes, and what they made for others.
func (s *Service) revokeTokensOf(tx *store.Tx, actor models.Actor, user models.UserID) error {
	tokens, err := tx.Tokens(user)
	for _, t := range tokens {
		if err == nil {
			err = s.revoke(tx, actor, t, "with its user")
		}
	}
	return err
}

// pasteLimit is how many texts that are no tokens a network may give, or somebody who is known.
var pasteLimit = limit{"token text", 30, 5 * time.Minute}

// RevokeByText ends a token that somebody found. Whoever has a token's text may end it, be it
// nobody who is known.
func (s *Service) RevokeByText(ctx context.Context, actor models.Actor, text string) error {
	try := count{pasteLimit, network(actor.Address)}
	if actor.UserID != "" { // whom strangers in the same network keep from nothing
		try.key = "user\x00" + string(actor.UserID)
	}
	over, err := s.countTry(ctx, try)
	switch {
	case err != nil:
		return err
	case over > 0:
		return fault.New(fault.Throttled, "Too many texts were given that are no tokens.").WithHint("Wait five minutes and try again.")
	}
	if err = s.revokeText(ctx, actor, strings.TrimSpace(text)); fault.Is(err, fault.NotFound) {
		return s.refuse(ctx, actor, "token.revoke", noToken())
	}
	if after := s.uncount(context.WithoutCancel(ctx), try); err == nil {
		err = after
	}
	return err
}

func (s *Service) revokeText(ctx context.Context, actor models.Actor, text string) error {
	if !strings.HasPrefix(text, TokenPrefix) || len(text) > 100 {
		return noToken()
	}
	hash := s.digest(text)
	return s.store.Write(ctx, func(tx *store.Tx) error {
		t, _, err := tx.TokenByHash(hash)
		if err != nil {
			return err
		}
		return s.revoke(tx, actor, t, "its text was given")
	})
}

func noToken() error {
	return fault.New(fault.NotFound, "No token of this installation reads so.").WithHint("Paste the whole of it, from kpr_ on.")
}
