package auth

import (
	"context"
	"strings"
	"time"

	"github.com/jellydator/ttlcache/v3"

	"github.com/your-org/keeper/audit"
	"github.com/your-org/keeper/fault"
	"github.com/your-org/keeper/models"
	"github.com/your-org/keeper/store"
)

// TokenPrefix begins every API token, so that scanners find leaked ones.
const TokenPrefix = "kpr_"

// NewToken is what a token is made from.
type NewToken struct {
	Name      string
	Scope     models.TokenScope
	ExpiresAt *time.Time
}

// CreateToken makes an API token for the actor's own user. The returned text is shown once
// and stored nowhere. Unproven where the token could do what takes a proof of the person.
func (s *Service) CreateToken(ctx context.Context, actor models.Actor, n NewToken) (string, models.Token, error) {
	if err := Check(actor, ManageOwnTokens, Global); err != nil {
		return "", models.Token{}, s.refuse(ctx, actor, "token.create", err)
	}
	text, token, err := s.draftToken(actor, n)
	if err != nil {
		return "", models.Token{}, err
	}
	if exempts(unscoped(actor), token.Scope) {
		if err := s.askProof(ctx, actor, "token.create"); err != nil {
			return "", models.Token{}, err
		}
	}
	token.UserID = actor.UserID
	err = s.store.Write(ctx, func(tx *store.Tx) error { return s.createToken(tx, actor, &token) })
	if err != nil {
		return "", models.Token{}, err
	}
	return text, token, nil
}

// CreateTokenFor makes a token of a service account. Of a person's there is none but its own:
// what is done with it has to have been done by that person.
func (s *Service) CreateTokenFor(ctx context.Context, actor models.Actor, named string, n NewToken) (text string, token models.Token, err error) {
	if Can(actor, ManageUsers, Global) {
		if text, token, err = s.draftToken(actor, n); err != nil {
			return "", models.Token{}, err
		}
	}
	err = s.gravely(ctx, actor, ManageUsers, Global, "token.create", func(tx *store.Tx, actor models.Actor) error {
		u, err := findUser(tx, named)
		if err != nil {
			return err
		}
		if u.Kind != models.UserService {
			return fault.New(fault.Conflict, "%s is a person, whose tokens nobody else makes.", u.Username).WithHint("Make a service account for a program.")
		}
		token.UserID = u.ID
		return s.createToken(tx, actor, &token)
	})
	if err != nil {
		return "", models.Token{}, err
	}
	return text, token, nil
}

// draftToken checks what a token is to be made from.
func (s *Service) draftToken(actor models.Actor, n NewToken) (string, models.Token, error) {
	n.Name = strings.TrimSpace(n.Name)
	now := s.now()
	switch {
	case n.Name == "" || len(n.Name) > 100 || n.Name != cut(n.Name, 100):
		return "", models.Token{}, fault.InvalidField("name", "must be text of 1 to 100 bytes; say what the token is for")
	case n.ExpiresAt != nil && !n.ExpiresAt.After(now):
		return "", models.Token{}, fault.InvalidField("expires_at", "must lie in the future")
	case n.ExpiresAt != nil && n.ExpiresAt.Year() > 9998:
		return "", models.Token{}, fault.InvalidField("expires_at", "must lie before the year 9999")
	}
	scope, err := checkScope(actor, n.Scope)
	if err != nil {
		return "", models.Token{}, err
	}
	text := TokenPrefix + random(24)
	return text, models.Token{
		ID: models.NewTokenID(), Hash: s.digest(text), Hint: text[:len(TokenPrefix)+4],
		Name: n.Name, Scope: scope, CreatedBy: actor.Name, MadeBy: maker(actor), CreatedAt: now, ExpiresAt: n.ExpiresAt,
	}, nil
}

// maker is the token that an actor is; "" where it is none.
func maker(actor models.Actor) models.TokenID {
	if actor.Kind != models.ActorToken {
		return ""
	}
	return models.TokenID(actor.ID)
}

func (s *Service) createToken(tx *store.Tx, actor models.Actor, token *models.Token) error {
	for _, id := range token.Scope.Environments {
		if _, err := tx.Environment(id); fault.Is(err, fault.NotFound) {
			return badEnvironments()
		} else if err != nil {
			return err
		}
	}
	if err := outlives(tx, actor, token.ExpiresAt, s.now()); err != nil {
		return err
	}
	if err := tx.CreateToken(token); err != nil {
		return err
	}
	return tx.AppendAudit(onToken(actor, "token.create", *token))
}

// outlives refuses a token that would outlive the one that makes it, and any by one that
// has ended since it was looked up.
func outlives(tx *store.Tx, actor models.Actor, expires *time.Time, now time.Time) error {
	if actor.Kind != models.ActorToken {
		return nil
	}
	maker, err := tx.LockToken(models.TokenID(actor.ID)) // or its revocation could miss this one
	switch {
	case fault.Is(err, fault.NotFound), err == nil && over(maker, now):
		return badToken()
	case err != nil:
		return err
	case maker.ExpiresAt != nil && (expires == nil || expires.After(*maker.ExpiresAt)):
		return fault.InvalidField("expires_at", "must not lie after the expiry of the token that makes it")
	}
	return nil
}

func over(t models.Token, now time.Time) bool {
	return t.RevokedAt != nil || t.ExpiresAt != nil && !now.Before(*t.ExpiresAt)
}

func onToken(actor models.Actor, action string, t models.Token) models.AuditEntry {
	entry := audit.Entry(actor, action)
	entry.ObjectKind, entry.ObjectID, entry.ObjectName = "token", string(t.ID), t.Name
	return entry
}

// Tokens lists the actor's own tokens, the newest first.
func (s *Service) Tokens(ctx context.Context, actor models.Actor) ([]models.Token, error) {
	if err := Check(actor, ViewOwnTokens, Global); err != nil {
		return nil, s.refuse(ctx, actor, "token.view", err)
	}
	var tokens []models.Token
	err := s.store.Read(ctx, func(tx *store.Tx) (err error) {
		tokens, err = tx.Tokens(actor.UserID)
		return err
	})
	return tokens, err
}

// Bearer finds the actor that a token stands for. What it found holds for a second, so
// that a busy client costs neither a query nor a hash of the database's per request.
func (s *Service) Bearer(ctx context.Context, text string, o Origin) (models.Actor, error) {
	if !strings.HasPrefix(text, TokenPrefix) || len(text) > 100 {
		return Nobody(o), badToken()
	}
	hash := s.digest(text)
	now := s.now()
	item := s.actors.Get(hash)
	if item == nil {
		found, err := s.lookUp(ctx, hash)
		if err != nil {
			return Nobody(o), err
		}
		item = s.actors.Set(hash, found, ttlcache.DefaultTTL)
	}
	found := item.Value()
	switch {
	case found.disabled:
		return Nobody(o), s.refuseToken(ctx, from(found.actor, o), "its user is disabled")
	case over(found.token, now):
		return Nobody(o), s.refuseToken(ctx, from(found.actor, o), "it has ended")
	case !reaches(found.token.Scope.Networks, o.Address):
		return Nobody(o), s.refuseToken(ctx, from(found.actor, o), "not from this address")
	}
	s.used.note(found.token.ID, store.TokenUse{At: now, Address: o.Address})
	return from(found.actor, o), nil
}

func badToken() error {
	return fault.New(fault.Unauthenticated, "The token is not valid, has expired, was revoked, or may not be used from this address.").
		WithHint("Send a current one as: Authorization: Bearer kpr_…")
}

// refuseToken refuses a token that was good once, and keeps that on record with the reason,
// which the caller is not told: once a window for each, since a program may go on trying for
// long.
func (s *Service) refuseToken(ctx context.Context, actor models.Actor, why string) error {
	if s.tries.begin("token\x00"+actor.ID+"\x00"+why) > 1 {
		return badToken()
	}
	entry := audit.Entry(actor, "token.use")
	entry.Detail = map[string]string{"why": why}
	return audit.Refused(ctx, s.store, entry, badToken())
}

func (s *Service) lookUp(ctx context.Context, hash string) (cachedActor, error) {
	var found cachedActor
	err := s.store.Read(ctx, func(tx *store.Tx) error {
		token, u, err := tx.TokenByHash(hash)
		if err != nil {
			return err
		}
		actor, err := s.actor(tx, u, Origin{})
		actor.Kind, actor.ID, actor.Name, actor.Scope = models.ActorToken, string(token.ID), u.Username+" ("+token.Name+")", &token.Scope
		found = cachedActor{actor: actor, token: token, disabled: u.Disabled}
		return err
	})
	if fault.Is(err, fault.NotFound) {
		return found, badToken()
	}
	return found, err
}
