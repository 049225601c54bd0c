package rest

import (
	"context"
	"net/http"

	"github.com/your-org/keeper/api"
	"github.com/your-org/keeper/fault"
	"github.com/your-org/keeper/models"
	"github.com/your-org/keeper/secrets"
)

// environmentID is the id that a reference means. An id is not looked up: the service does.
func (s *server) environmentID(ctx context.Context, actor models.Actor, ref api.EnvironmentRef) (models.EnvironmentID, error) {
	if ref.IsZero() {
		return 0, fault.InvalidField("environment_id", "must be the id or the name of an environment")
	}
	if id, ok := ref.ID(); ok {
		return models.EnvironmentID(id), nil
	}
	e, err := s.Secrets.FindEnvironment(ctx, actor, ref.String())
	return e.ID, err
}

// ListEnvironments lists the environments that the actor may see.
func (s *server) ListEnvironments(w http.ResponseWriter, r *http.Request) {
	s.serve(w, r, func(ctx context.Context, actor models.Actor) (answer, error) {
		all, err := s.Secrets.Environments(ctx, actor)
		return answer{body: api.EnvironmentList{Items: convert(all, environment)}}, err
	})
}

// CreateEnvironment makes an environment.
func (s *server) CreateEnvironment(w http.ResponseWriter, r *http.Request) {
	s.serve(w, r, func(ctx context.Context, actor models.Actor) (answer, error) {
		var body api.NewEnvironment
		if err := decode(w, r, &body); err != nil {
			return answer{}, err
		}
		created, err := s.Secrets.CreateEnvironment(ctx, actor, models.Environment{
			Name: body.Name, DisplayName: body.DisplayName, Description: body.Description, KMSKeyAlias: body.KMSKeyAlias, Color: body.Color,
			Protected: body.Protected,
		})
		if err != nil {
			return answer{}, err
		}
		a := environmentAnswer(created)
		a.status, a.location = http.StatusCreated, "/api/environments/"+decimal(created.ID)
		return a, nil
	})
}

// GetEnvironment reads an environment, named by id or name.
func (s *server) GetEnvironment(w http.ResponseWriter, r *http.Request, id api.EnvironmentID) {
	s.serve(w, r, func(ctx context.Context, actor models.Actor) (answer, error) {
		found, err := s.Secrets.FindEnvironment(ctx, actor, id)
		return environmentAnswer(found), err
	})
}

// ReplaceEnvironment replaces an environment's settings; what is not given becomes what a
// new environment would have.
func (s *server) ReplaceEnvironment(w http.ResponseWriter, r *http.Request, id api.EnvironmentID, params api.ReplaceEnvironmentParams) {
	s.serve(w, r, func(ctx context.Context, actor models.Actor) (answer, error) {
		var body api.ReplaceEnvironment
		if err := decode(w, r, &body); err != nil {
			return answer{}, err
		}
		found, err := s.Secrets.FindEnvironment(ctx, actor, id)
		if err != nil {
			return answer{}, err
		}
		if body.Name != "" && body.Name != found.Name {
			return answer{}, fault.InvalidField("name", "cannot change: the environment's keys are bound to it").
				WithHint("Change the display_name instead.")
		}
		if body.DisplayName == "" {
			body.DisplayName = found.Name
		}
		if body.Color == "" {
			body.Color = models.DefaultColor(found.Name)
		}
		return s.updateEnvironment(ctx, actor, found, params.IfMatch, secrets.EnvironmentChange{
			DisplayName: &body.DisplayName, Description: &body.Description, KMSKeyAlias: &body.KMSKeyAlias, Color: &body.Color,
			Protected: &body.Protected,
		})
	})
}

// UpdateEnvironment changes some fields.
func (s *server) UpdateEnvironment(w http.ResponseWriter, r *http.Request, id api.EnvironmentID, params api.UpdateEnvironmentParams) {
	s.serve(w, r, func(ctx context.Context, actor models.Actor) (answer, error) {
		var body api.EnvironmentChange
		if err := decode(w, r, &body); err != nil {
			return answer{}, err
		}
		found, err := s.Secrets.FindEnvironment(ctx, actor, id)
		if err != nil {
			return answer{}, err
		}
		return s.updateEnvironment(ctx, actor, found, params.IfMatch, secrets.EnvironmentChange{
			DisplayName: body.DisplayName, Description: body.Description, KMSKeyAlias: body.KMSKeyAlias, Color: body.Color,
			Protected: body.Protected,
		})
	})
}

func (s *server) updateEnvironment(ctx context.Context, actor models.Actor, found models.Environment, ifMatch string, change secrets.EnvironmentChange) (answer, error) {
	expect, err := expected(ifMatch, func() (int64, error) { return found.Revision, nil })
	if err != nil {
		return answer{}, err
	}
	changed, err := s.Secrets.UpdateEnvironment(ctx, actor, found.ID, change, expect)
	return environmentAnswer(changed), err
}

// DeleteEnvironment deletes an environment that is empty.
func (s *server) DeleteEnvironment(w http.ResponseWriter, r *http.Request, id api.EnvironmentID, params api.DeleteEnvironmentParams) {
	s.serve(w, r, func(ctx context.Context, actor models.Actor) (answer, error) {
		found, err := s.Secrets.FindEnvironment(ctx, actor, id)
		if err != nil {
			return answer{}, err
		}
		expect, err := expected(params.IfMatch, func() (int64, error) { return found.Revision, nil })
		if err == nil {
			err = stale(expect, found.Revision)
		}
		if err == nil {
			err = s.Secrets.DeleteEnvironment(ctx, actor, found.ID)
		}
		return answer{status: http.StatusNoContent}, err
	})
}

func environmentAnswer(e models.Environment) answer {
	return answer{body: environment(e), revision: e.Revision}
}

func environment(e models.Environment) api.Environment {
	return api.Environment{
		ID: int64(e.ID), Name: e.Name, DisplayName: e.DisplayName, Description: e.Description, KMSKeyAlias: e.KMSKeyAlias,
		Color: e.Color, Protected: e.Protected, Revision: e.Revision, CreatedAt: e.CreatedAt.UTC(), UpdatedAt: e.UpdatedAt.UTC(),
	}
}
