package rest

import (
	"context"
	"net/http"

	"github.com/your-org/keeper/api"
	"github.com/your-org/keeper/auth"
	"github.com/your-org/keeper/models"
)

// ListUsers lists accounts.
func (s *server) ListUsers(w http.ResponseWriter, r *http.Request, params api.ListUsersParams) {
	s.serve(w, r, func(ctx context.Context, actor models.Actor) (answer, error) {
		limit, err := pageLimit(params.Limit)
		if err != nil {
			return answer{}, err
		}
		users, around, err := s.Auth.Users(ctx, actor, auth.UserFilter{
			Search: params.Search, Kind: models.UserKind(params.Kind), Role: models.GlobalRole(params.Role), Disabled: params.Disabled,
			Cursor: params.Cursor, Limit: limit,
		})
		return answer{body: api.UserList{Items: convert(users, user), Next: around.Next}, next: around.Next}, err
	})
}

// CreateUser makes an account and tells a person's one-time password, once.
func (s *server) CreateUser(w http.ResponseWriter, r *http.Request) {
	s.serve(w, r, func(ctx context.Context, actor models.Actor) (answer, error) {
		var body api.NewUser
		if err := decode(w, r, &body); err != nil {
			return answer{}, err
		}
		u, oneTime, err := s.Auth.CreateUser(ctx, actor, auth.NewUser{
			Kind: models.UserKind(body.Kind), Username: body.Username, DisplayName: body.DisplayName, Email: body.Email,
			Description: body.Description, Role: models.GlobalRole(body.Role), BreakGlass: body.BreakGlass,
		})
		if err != nil {
			return answer{}, err
		}
		made := api.CreatedUser{User: user(auth.Account{User: u, Effective: u.Role})}
		if oneTime != "" {
			made.Password = api.NewValue(oneTime)
		}
		return answer{status: http.StatusCreated, body: made, revision: u.Revision, location: "/api/users/" + string(u.ID)}, nil
	})
}

// GetUser reads an account.
func (s *server) GetUser(w http.ResponseWriter, r *http.Request, named api.UserRef) {
	s.serve(w, r, func(ctx context.Context, actor models.Actor) (answer, error) {
		u, err := s.Auth.Account(ctx, actor, named)
		return answer{body: user(u), revision: u.Revision}, err
	})
}

// UpdateUser changes some fields of an account.
func (s *server) UpdateUser(w http.ResponseWriter, r *http.Request, named api.UserRef, params api.UpdateUserParams) {
	s.serve(w, r, func(ctx context.Context, actor models.Actor) (answer, error) {
		var body api.UserChange
		if err := decode(w, r, &body); err != nil {
			return answer{}, err
		}
		expect, err := s.userRevision(ctx, actor, named, params.IfMatch)
		if err != nil {
			return answer{}, err
		}
		u, err := s.Auth.UpdateUser(ctx, actor, named, auth.UserChange{
			DisplayName: body.DisplayName, Email: body.Email, Description: body.Description, Role: (*models.GlobalRole)(body.Role),
			BreakGlass: body.BreakGlass, Disabled: body.Disabled,
		}, expect)
		return answer{body: user(u), revision: u.Revision}, err
	})
}

func (s *server) userRevision(ctx context.Context, actor models.Actor, named, ifMatch string) (int64, error) {
	return expected(ifMatch, func() (int64, error) {
		u, err := s.Auth.Account(ctx, actor, named)
		return u.Revision, err
	})
}

// DeleteUser deletes an account.
func (s *server) DeleteUser(w http.ResponseWriter, r *http.Request, named api.UserRef, params api.DeleteUserParams) {
	s.serve(w, r, func(ctx context.Context, actor models.Actor) (answer, error) {
		expect, err := s.userRevision(ctx, actor, named, params.IfMatch)
		if err == nil {
			err = s.Auth.DeleteUser(ctx, actor, named, expect)
		}
		return answer{status: http.StatusNoContent}, err
	})
}

// ResetPassword gives a person a one-time password and tells it, once.
func (s *server) ResetPassword(w http.ResponseWriter, r *http.Request, named api.UserRef) {
	s.serve(w, r, func(ctx context.Context, actor models.Actor) (answer, error) {
		oneTime, err := s.Auth.ResetPassword(ctx, actor, named)
		return answer{body: api.OneTimePassword{Password: api.NewValue(oneTime)}}, err
	})
}

// ResetFactors takes a user's second factors.
func (s *server) ResetFactors(w http.ResponseWriter, r *http.Request, named api.UserRef) {
	s.serve(w, r, func(ctx context.Context, actor models.Actor) (answer, error) {
		return answer{status: http.StatusNoContent}, s.Auth.AdminResetFactors(ctx, actor, models.UserID(named))
	})
}

// ListSessions lists a user's sessions.
func (s *server) ListSessions(w http.ResponseWriter, r *http.Request, named api.UserRef) {
	s.serve(w, r, func(ctx context.Context, actor models.Actor) (answer, error) {
		sessions, err := s.Auth.SessionsOf(ctx, actor, named)
		return answer{body: api.SessionList{Items: convert(sessions, session)}}, err
	})
}

// RevokeSessions ends all of a user's sessions.
func (s *server) RevokeSessions(w http.ResponseWriter, r *http.Request, named api.UserRef) {
	s.serve(w, r, func(ctx context.Context, actor models.Actor) (answer, error) {
		n, err := s.Auth.RevokeSessionsOf(ctx, actor, named)
		return answer{body: api.Count{Count: n}}, err
	})
}

// RevokeSession ends one of a user's sessions.
func (s *server) RevokeSession(w http.ResponseWriter, r *http.Request, named api.UserRef, session api.SessionRef) {
	s.serve(w, r, func(ctx context.Context, actor models.Actor) (answer, error) {
		return answer{status: http.StatusNoContent}, s.Auth.RevokeSessionOf(ctx, actor, named, session)
	})
}

// ListTokensOf lists a user's tokens.
func (s *server) ListTokensOf(w http.ResponseWriter, r *http.Request, named api.UserRef) {
	s.serve(w, r, func(ctx context.Context, actor models.Actor) (answer, error) {
		tokens, err := s.Auth.TokensOf(ctx, actor, named)
		return answer{body: api.TokenList{Items: convert(tokens, token)}}, err
	})
}

// CreateTokenFor makes a token of a service account and tells it, once.
func (s *server) CreateTokenFor(w http.ResponseWriter, r *http.Request, named api.UserRef) {
	s.createToken(w, r, func(ctx context.Context, actor models.Actor, n auth.NewToken) (string, models.Token, error) {
		return s.Auth.CreateTokenFor(ctx, actor, named, n)
	})
}

func user(a auth.Account) api.User {
	return api.User{
		ID: string(a.ID), Kind: string(a.Kind), Username: a.Username, DisplayName: a.DisplayName, Email: a.Email, Description: a.Description,
		Role: string(a.Role), EffectiveRole: string(a.Effective), Disabled: a.Disabled, BreakGlass: a.BreakGlass, MustChangePassword: a.MustChangePassword,
		PasswordExpiresAt: moment(a.PasswordExpiresAt),
		Grants:            convert(a.Grants, grant), Revision: a.Revision, CreatedAt: a.CreatedAt.UTC(), UpdatedAt: a.UpdatedAt.UTC(), LastSignInAt: moment(a.LastSignInAt),
	}
}

func grant(g auth.Grant) api.Grant {
	return api.Grant{
		GroupID: string(g.GroupID), GroupName: g.GroupName, GlobalRole: string(g.GlobalRole), EnvironmentID: int64(g.EnvironmentID), Role: string(g.Role),
	}
}

func session(s models.Session) api.Session {
	return api.Session{
		ID: auth.SessionName(s.Hash), Address: s.Address, UserAgent: s.UserAgent, Method: string(s.Method),
		CreatedAt: s.CreatedAt.UTC(), LastSeenAt: s.LastSeenAt.UTC(), ExpiresAt: s.ExpiresAt.UTC(),
	}
}

func userName(u models.User) api.UserName {
	return api.UserName{ID: string(u.ID), Username: u.Username, DisplayName: u.DisplayName, Disabled: u.Disabled}
}
