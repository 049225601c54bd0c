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

// openOperation is the one that nobody who is known may call: whoever finds a token may end it.
const openOperation = "/api/tokens/revoke"

// caller is who calls; nobody where no token is sent to the one operation that needs none.
func (s *server) caller(r *http.Request) (models.Actor, error) {
	if r.Method == http.MethodPost && r.URL.Path == openOperation && r.Header.Get("Authorization") == "" {
		return auth.Nobody(s.from(r)), nil
	}
	return s.authenticate(r)
}

// from is where a request of the API comes from.
func (s *server) from(r *http.Request) auth.Origin {
	origin := s.Origin(r)
	if origin.Via == "" {
		origin.Via = "api"
	}
	return origin
}

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
	return s.Auth.Bearer(r.Context(), strings.TrimSpace(token), s.from(r))
}
