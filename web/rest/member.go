package rest

import (
	"context"
	"net/http"

	"github.com/your-org/keeper/api"
	"github.com/your-org/keeper/auth"
	"github.com/your-org/keeper/fault"
	"github.com/your-org/keeper/models"
)

// ListMembers lists who has a role in an environment.
func (s *server) ListMembers(w http.ResponseWriter, r *http.Request, id api.EnvironmentID, params api.ListMembersParams) {
	s.serve(w, r, func(ctx context.Context, actor models.Actor) (answer, error) {
		limit, err := pageLimit(params.Limit)
		if err != nil {
			return answer{}, err
		}
		found, err := s.Secrets.FindEnvironment(ctx, actor, id)
		if err != nil {
			return answer{}, err
		}
		members, groups, around, err := s.Auth.Members(ctx, actor, found.ID, params.Cursor, limit)
		return answer{body: api.MemberList{Items: convert(members, member), Groups: convert(groups, memberGroup), Next: around.Next}, next: around.Next}, err
	})
}

// SetMember gives a user a role in an environment.
func (s *server) SetMember(w http.ResponseWriter, r *http.Request, id api.EnvironmentID, named api.MemberRef) {
	s.grantRole(w, r, id, func(ctx context.Context, actor models.Actor, e models.EnvironmentID, role models.EnvironmentRole) error {
		return s.Auth.SetMember(ctx, actor, e, named, role)
	})
}

// grantRole reads which role is given in which environment.
func (s *server) grantRole(
	w http.ResponseWriter, r *http.Request, id api.EnvironmentID,
	set func(ctx context.Context, actor models.Actor, e models.EnvironmentID, role models.EnvironmentRole) error,
) {
	s.serve(w, r, func(ctx context.Context, actor models.Actor) (answer, error) {
		var body api.RoleGrant
		if err := decode(w, r, &body); err != nil {
			return answer{}, err
		}
		if body.Role == "" { // which means to take one away, below
			return answer{}, fault.InvalidField("role", "must be viewer, reader, editor or manager")
		}
		found, err := s.Secrets.FindEnvironment(ctx, actor, id)
		if err == nil {
			err = set(ctx, actor, found.ID, models.EnvironmentRole(body.Role))
		}
		return answer{status: http.StatusNoContent}, err
	})
}

// RemoveMember takes a user's role in an environment away.
func (s *server) RemoveMember(w http.ResponseWriter, r *http.Request, id api.EnvironmentID, named api.MemberRef) {
	s.serve(w, r, func(ctx context.Context, actor models.Actor) (answer, error) {
		found, err := s.Secrets.FindEnvironment(ctx, actor, id)
		if err == nil {
			err = s.Auth.SetMember(ctx, actor, found.ID, named, "")
		}
		return answer{status: http.StatusNoContent}, err
	})
}

func member(m auth.Member) api.Member {
	return api.Member{ID: string(m.UserID), Username: m.Username, DisplayName: m.DisplayName, Disabled: m.Disabled, Role: string(m.Role)}
}

func memberGroup(g auth.MemberGroup) api.MemberGroup {
	return api.MemberGroup{ID: string(g.GroupID), Name: g.Name, ProviderID: string(g.ProviderID), Role: string(g.Role)}
}
