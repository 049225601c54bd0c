package rest

import (
	"context"
	"net/http"

	"github.com/your-org/keeper/api"
	"github.com/your-org/keeper/auth"
	"github.com/your-org/keeper/models"
)

// ListGroups lists groups.
func (s *server) ListGroups(w http.ResponseWriter, r *http.Request, params api.ListGroupsParams) {
	s.serve(w, r, func(ctx context.Context, actor models.Actor) (answer, error) {
		limit, err := pageLimit(params.Limit)
		if err != nil {
			return answer{}, err
		}
		groups, around, err := s.Auth.Groups(ctx, actor, params.Search, params.Cursor, limit)
		one := func(g models.Group) api.Group { return group(auth.GroupView{Group: g}) }
		return answer{body: api.GroupList{Items: convert(groups, one), Next: around.Next}, next: around.Next}, err
	})
}

// CreateGroup makes a group.
func (s *server) CreateGroup(w http.ResponseWriter, r *http.Request) {
	s.serve(w, r, func(ctx context.Context, actor models.Actor) (answer, error) {
		var body api.NewGroup
		if err := decode(w, r, &body); err != nil {
			return answer{}, err
		}
		g, err := s.Auth.CreateGroup(ctx, actor, auth.NewGroup{Provider: body.Provider, Name: body.Name, Description: body.Description, Role: models.GlobalRole(body.Role)})
		a := groupAnswer(auth.GroupView{Group: g})
		a.status, a.location = http.StatusCreated, "/api/groups/"+string(g.ID)
		return a, err
	})
}

// GetGroup reads a group.
func (s *server) GetGroup(w http.ResponseWriter, r *http.Request, named api.GroupRef) {
	s.serve(w, r, func(ctx context.Context, actor models.Actor) (answer, error) {
		g, err := s.Auth.Group(ctx, actor, named)
		return groupAnswer(g), err
	})
}

// UpdateGroup changes some fields of a group.
func (s *server) UpdateGroup(w http.ResponseWriter, r *http.Request, named api.GroupRef, params api.UpdateGroupParams) {
	s.serve(w, r, func(ctx context.Context, actor models.Actor) (answer, error) {
		var body api.GroupChange
		if err := decode(w, r, &body); err != nil {
			return answer{}, err
		}
		expect, err := s.groupRevision(ctx, actor, named, params.IfMatch)
		if err != nil {
			return answer{}, err
		}
		change := auth.GroupChange{Name: body.Name, Description: body.Description, Role: (*models.GlobalRole)(body.Role)}
		g, err := s.Auth.UpdateGroup(ctx, actor, named, change, expect)
		return groupAnswer(g), err
	})
}

func (s *server) groupRevision(ctx context.Context, actor models.Actor, named, ifMatch string) (int64, error) {
	return expected(ifMatch, func() (int64, error) {
		g, err := s.Auth.Group(ctx, actor, named)
		return g.Revision, err
	})
}

// DeleteGroup deletes a group.
func (s *server) DeleteGroup(w http.ResponseWriter, r *http.Request, named api.GroupRef, params api.DeleteGroupParams) {
	s.serve(w, r, func(ctx context.Context, actor models.Actor) (answer, error) {
		expect, err := s.groupRevision(ctx, actor, named, params.IfMatch)
		if err == nil {
			err = s.Auth.DeleteGroup(ctx, actor, named, expect)
		}
		return answer{status: http.StatusNoContent}, err
	})
}

// ListGroupMembers lists the users in a group.
func (s *server) ListGroupMembers(w http.ResponseWriter, r *http.Request, named api.GroupRef, params api.ListGroupMembersParams) {
	s.serve(w, r, func(ctx context.Context, actor models.Actor) (answer, error) {
		limit, err := pageLimit(params.Limit)
		if err != nil {
			return answer{}, err
		}
		users, around, err := s.Auth.GroupMembers(ctx, actor, named, params.Cursor, limit)
		return answer{body: api.GroupMemberList{Items: convert(users, userName), Next: around.Next}, next: around.Next}, err
	})
}

// AddGroupMember puts a user into a group.
func (s *server) AddGroupMember(w http.ResponseWriter, r *http.Request, named api.GroupRef, member api.MemberRef) {
	s.serve(w, r, func(ctx context.Context, actor models.Actor) (answer, error) {
		return answer{status: http.StatusNoContent}, s.Auth.SetGroupMember(ctx, actor, named, member, true)
	})
}

// RemoveGroupMember takes a user out of a group.
func (s *server) RemoveGroupMember(w http.ResponseWriter, r *http.Request, named api.GroupRef, member api.MemberRef) {
	s.serve(w, r, func(ctx context.Context, actor models.Actor) (answer, error) {
		return answer{status: http.StatusNoContent}, s.Auth.SetGroupMember(ctx, actor, named, member, false)
	})
}

// SetGroupRole gives a group a role in an environment.
func (s *server) SetGroupRole(w http.ResponseWriter, r *http.Request, named api.GroupRef, id api.EnvironmentID) {
	s.grantRole(w, r, id, func(ctx context.Context, actor models.Actor, e models.EnvironmentID, role models.EnvironmentRole) error {
		return s.Auth.SetGroupRole(ctx, actor, named, e, role)
	})
}

// RemoveGroupRole takes a group's role in an environment away.
func (s *server) RemoveGroupRole(w http.ResponseWriter, r *http.Request, named api.GroupRef, id api.EnvironmentID) {
	s.serve(w, r, func(ctx context.Context, actor models.Actor) (answer, error) {
		found, err := s.Secrets.FindEnvironment(ctx, actor, id)
		if err == nil {
			err = s.Auth.SetGroupRole(ctx, actor, named, found.ID, "")
		}
		return answer{status: http.StatusNoContent}, err
	})
}

func groupAnswer(g auth.GroupView) answer { return answer{body: group(g), revision: g.Revision} }

func group(g auth.GroupView) api.Group {
	return api.Group{
		ID: string(g.ID), Name: g.Name, Description: g.Description, ProviderID: string(g.ProviderID), Role: string(g.Role),
		Roles: convert(g.Roles, func(r models.GroupRole) api.GroupRole {
			return api.GroupRole{EnvironmentID: int64(r.EnvironmentID), Role: string(r.Role)}
		}),
		Revision: g.Revision, CreatedAt: g.CreatedAt.UTC(), UpdatedAt: g.UpdatedAt.UTC(),
	}
}
