package rest

import (
	"context"
	"net/http"
	"strings"

	"github.com/your-org/keeper/auth"
	"github.com/your-org/keeper/fault"
	"github.com/your-org/keeper/models"
)

type actorKey struct{}

func withActor(ctx context.Context, actor models.Actor) context.Context {
	return context.WithValue(ctx, actorKey{}, &actor)
}

// actorOf is who acts in a request that passed authenticate; nobody where none did, who may
// do nothing.
func actorOf(ctx context.Context) models.Actor {
	if actor, ok := ctx.Value(actorKey{}).(*models.Actor); ok {
		return *actor
	}
	return auth.Nobody(auth.Origin{Via: "api"})
}

// tokenParameters are names under which programs put tokens into URLs.
var tokenParameters = []string{"token", "access_token", "api_key", "apikey", "authorization"}

// authenticate finds the actor behind the Authorization header. A token in the URL is
// refused even beside a good one: URLs end up in logs.
func (s *server) authenticate(r *http.Request) (models.Actor, error) {
	if r.URL.RawQuery != "" {
		query := r.URL.Query()
		for _, name := range tokenParameters {
			if query.Has(name) {
				return models.Actor{}, fault.New(fault.Invalid, "A token in the URL is refused: URLs are kept in logs.").
					WithHint("Revoke that token, and send a new one as: Authorization: Bearer kpr_…")
			}
		}
	}
	scheme, token, _ := strings.Cut(r.Header.Get("Authorization"), " ")
	if !strings.EqualFold(scheme, "Bearer") || token == "" {
		return models.Actor{}, fault.New(fault.Unauthenticated, "This needs an API token.").
			WithHint("Send one as: Authorization: Bearer kpr_…")
	}
	origin := s.Origin(r)
	if origin.Via == "" {
		origin.Via = "api"
	}
	return s.Auth.Bearer(r.Context(), strings.TrimSpace(token), origin)
}
