package rest

import (
	"context"
	"net/http"

	"github.com/your-org/keeper/api"
	"github.com/your-org/keeper/auth"
	"github.com/your-org/keeper/models"
)

// ExplainAccess tells why somebody may do something, or why not.
func (s *server) ExplainAccess(w http.ResponseWriter, r *http.Request, params api.ExplainAccessParams) {
	s.serve(w, r, func(ctx context.Context, actor models.Actor) (answer, error) {
		id, err := s.optionalEnvironment(ctx, actor, api.EnvironmentNamed(params.EnvironmentID))
		if err != nil {
			return answer{}, err
		}
		x, err := s.Auth.Explain(ctx, actor, params.Who, auth.Action(params.Action), id)
		if err != nil {
			return answer{}, err
		}
		body := api.Explanation{
			Allowed: x.Allowed, Action: string(x.Action), EnvironmentID: int64(x.Environment.ID), Environment: x.Environment.Name, User: userName(x.User),
			Through: convert(x.Through, source), Against: convert(x.Against, same), Notes: convert(x.Notes, same),
		}
		if x.Token != nil {
			body.TokenID, body.TokenName = string(x.Token.ID), x.Token.Name
		}
		return answer{body: body}, nil
	})
}

// WhoCan lists who may do something.
func (s *server) WhoCan(w http.ResponseWriter, r *http.Request, params api.WhoCanParams) {
	s.serve(w, r, func(ctx context.Context, actor models.Actor) (answer, error) {
		limit, err := pageLimit(params.Limit)
		if err != nil {
			return answer{}, err
		}
		id, err := s.optionalEnvironment(ctx, actor, api.EnvironmentNamed(params.EnvironmentID))
		if err != nil {
			return answer{}, err
		}
		found, around, err := s.Auth.WhoCan(ctx, actor, auth.Action(params.Action), id, params.Cursor, limit)
		one := func(m auth.MayDo) api.WhoCan {
			return api.WhoCan{User: userName(m.User), Kind: string(m.User.Kind), Through: convert(m.Through, source)}
		}
		return answer{body: api.WhoCanList{Items: convert(found, one), Next: around.Next}, next: around.Next}, err
	})
}

// ListAllTokens lists everybody's tokens.
func (s *server) ListAllTokens(w http.ResponseWriter, r *http.Request, params api.ListAllTokensParams) {
	s.serve(w, r, func(ctx context.Context, actor models.Actor) (answer, error) {
		limit, err := pageLimit(params.Limit)
		if err != nil {
			return answer{}, err
		}
		tokens, around, err := s.Auth.AllTokens(ctx, actor, params.Live, params.Cursor, limit)
		one := func(t auth.OwnedToken) api.Token {
			shown := token(t.Token)
			shown.Username = t.Username
			return shown
		}
		return answer{body: api.TokenList{Items: convert(tokens, one), Next: around.Next}, next: around.Next}, err
	})
}

func source(one auth.Source) api.AccessSource {
	return api.AccessSource{GroupID: string(one.GroupID), GroupName: one.GroupName, GlobalRole: string(one.Global), Role: string(one.Role)}
}

func same(text string) string { return text }
