package rest

import (
	"context"
	"net/http"
	"net/netip"
	"time"

	"github.com/your-org/keeper/api"
	"github.com/your-org/keeper/auth"
	"github.com/your-org/keeper/fault"
	"github.com/your-org/keeper/models"
)

// GetMe tells who the actor is and what it may do.
func (s *server) GetMe(w http.ResponseWriter, r *http.Request) {
	s.serve(w, r, func(ctx context.Context, actor models.Actor) (answer, error) {
		visible, err := s.Secrets.Environments(ctx, actor)
		me := api.Me{
			Kind: string(actor.Kind), ID: actor.ID, Name: actor.Name, UserID: string(actor.UserID), Role: string(actor.Role),
			ReadOnly:     actor.Scope != nil && actor.Scope.ReadOnly,
			Environments: convert(visible, func(e models.Environment) api.MyEnvironment { return mine(actor, e) }),
		}
		return answer{body: me}, err
	})
}

func mine(actor models.Actor, e models.Environment) api.MyEnvironment {
	return api.MyEnvironment{
		ID: int64(e.ID), Name: e.Name,
		MayReveal: auth.Can(actor, auth.RevealSecret, e.ID), MayWrite: auth.Can(actor, auth.WriteSecret, e.ID),
		MaySync: auth.Can(actor, auth.TriggerSync, e.ID), MayManage: auth.Can(actor, auth.ManageEnvironment, e.ID),
	}
}

// ListTokens lists the tokens of the actor's user.
func (s *server) ListTokens(w http.ResponseWriter, r *http.Request) {
	s.serve(w, r, func(ctx context.Context, actor models.Actor) (answer, error) {
		tokens, err := s.Auth.Tokens(ctx, actor)
		return answer{body: api.TokenList{Items: convert(tokens, token)}}, err
	})
}

// CreateToken makes a token and tells it, once.
func (s *server) CreateToken(w http.ResponseWriter, r *http.Request) {
	s.createToken(w, r, s.Auth.CreateToken)
}

func (s *server) createToken(
	w http.ResponseWriter, r *http.Request, create func(context.Context, models.Actor, auth.NewToken) (string, models.Token, error),
) {
	s.serve(w, r, func(ctx context.Context, actor models.Actor) (answer, error) {
		var body api.NewToken
		if err := decode(w, r, &body); err != nil {
			return answer{}, err
		}
		wanted := auth.NewToken{Name: body.Name, ExpiresAt: expiry(body.ExpiresAt), Scope: models.TokenScope{ReadOnly: body.ReadOnly, Actions: body.Actions}}
		for _, text := range body.Networks {
			network, err := netip.ParsePrefix(text)
			if err != nil {
				return answer{}, fault.InvalidField("networks", "must be networks such as 192.0.2.0/24 or 2001:db8::/32")
			}
			wanted.Scope.Networks = append(wanted.Scope.Networks, network)
		}
		for _, ref := range body.EnvironmentIDs {
			id, err := s.environmentID(ctx, actor, ref)
			if err != nil {
				return answer{}, err
			}
			wanted.Scope.Environments = append(wanted.Scope.Environments, id)
		}
		return createdToken(create(ctx, actor, wanted))
	})
}

func createdToken(text string, created models.Token, err error) (answer, error) {
	if err != nil {
		return answer{}, err
	}
	return answer{
		status: http.StatusCreated, location: "/api/tokens/" + string(created.ID),
		body: api.CreatedToken{Token: token(created), Text: api.NewValue(text)},
	}, nil
}

// RotateToken makes a token that takes over from another and tells it, once.
func (s *server) RotateToken(w http.ResponseWriter, r *http.Request, id api.TokenID) {
	s.serve(w, r, func(ctx context.Context, actor models.Actor) (answer, error) {
		var body api.TokenRotation
		if err := decodeOptional(w, r, &body); err != nil {
			return answer{}, err
		}
		if body.OverlapSeconds < 0 || body.OverlapSeconds > int(auth.MaxOverlap/time.Second) {
			return answer{}, fault.InvalidField("overlap_seconds", "must be between 0 and %d", int(auth.MaxOverlap/time.Second))
		}
		return createdToken(s.Auth.RotateToken(ctx, actor, models.TokenID(id), time.Duration(body.OverlapSeconds)*time.Second))
	})
}

// RevokeTokenByText ends a token that somebody found, whoever it is.
func (s *server) RevokeTokenByText(w http.ResponseWriter, r *http.Request) {
	s.serve(w, r, func(ctx context.Context, actor models.Actor) (answer, error) {
		var body api.FoundToken
		if err := decode(w, r, &body); err != nil {
			return answer{}, err
		}
		return answer{status: http.StatusNoContent}, s.Auth.RevokeByText(ctx, actor, body.Text.Reveal())
	})
}

// RevokeToken ends a token of the actor's user, or, for administrators, anybody's.
func (s *server) RevokeToken(w http.ResponseWriter, r *http.Request, id string) {
	s.serve(w, r, func(ctx context.Context, actor models.Actor) (answer, error) {
		return answer{status: http.StatusNoContent}, s.Auth.RevokeToken(ctx, actor, models.TokenID(id))
	})
}

func token(t models.Token) api.Token {
	return api.Token{
		ID: string(t.ID), Name: t.Name, TokenHint: t.Hint, ReadOnly: t.Scope.ReadOnly,
		EnvironmentIDs: convert(t.Scope.Environments, func(id models.EnvironmentID) int64 { return int64(id) }),
		Actions:        t.Scope.Actions, Networks: convert(t.Scope.Networks, netip.Prefix.String),
		CreatedAt: t.CreatedAt.UTC(), ExpiresAt: moment(t.ExpiresAt), RevokedAt: moment(t.RevokedAt), LastUsedAt: moment(t.LastUsedAt), LastUsedFrom: t.LastUsedBy,
		CreatedBy: t.CreatedBy, MadeBy: string(t.MadeBy), Replaces: string(t.Replaces), UserID: string(t.UserID),
	}
}
