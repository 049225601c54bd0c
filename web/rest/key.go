package rest

import (
	"context"
	"net/http"

	"github.com/your-org/keeper/api"
	"github.com/your-org/keeper/keys"
	"github.com/your-org/keeper/models"
)

// ListKeys lists the wrapping keys and what stands under each.
func (s *server) ListKeys(w http.ResponseWriter, r *http.Request) {
	s.serve(w, r, func(ctx context.Context, actor models.Actor) (answer, error) {
		all, err := s.Keys.Report(ctx, actor)
		return answer{body: api.KeyList{Items: convert(all, key)}}, err
	})
}

// ListEnvironmentKeys lists the wrapping keys of one environment.
func (s *server) ListEnvironmentKeys(w http.ResponseWriter, r *http.Request, id api.EnvironmentID) {
	s.serve(w, r, func(ctx context.Context, actor models.Actor) (answer, error) {
		found, err := s.Secrets.FindEnvironment(ctx, actor, id)
		if err != nil {
			return answer{}, err
		}
		all, err := s.Keys.Environment(ctx, actor, found.ID)
		return answer{body: api.KeyList{Items: convert(all, key)}}, err
	})
}

// TestKeys tries each permission on the wrapping keys. One that is not there is the answer,
// not a problem of the request.
func (s *server) TestKeys(w http.ResponseWriter, r *http.Request) {
	s.serve(w, r, func(ctx context.Context, actor models.Actor) (answer, error) {
		var body api.KeyTest
		if err := decodeOptional(w, r, &body); err != nil {
			return answer{}, err
		}
		environment, err := s.optionalEnvironment(ctx, actor, body.EnvironmentID)
		if err != nil {
			return answer{}, err
		}
		checks, err := s.Keys.Test(ctx, actor, environment)
		return answer{body: api.KeyCheckList{Items: convert(checks, keyCheck)}}, err
	})
}

// optionalEnvironment is the id of the environment that a body names, or 0 for none.
func (s *server) optionalEnvironment(ctx context.Context, actor models.Actor, ref api.EnvironmentRef) (models.EnvironmentID, error) {
	if ref.IsZero() {
		return 0, nil
	}
	found, err := s.Secrets.FindEnvironment(ctx, actor, ref.String())
	return found.ID, err
}

func key(k keys.Key) api.Key {
	return api.Key{
		Kind: api.RecipientKind(k.Kind), Name: k.Name, ID: k.ID, Problem: k.Problem, Hint: k.Hint, CanClose: k.CanClose,
		Usages: convert(k.Usages, keyUsage),
		Info: api.KeyInfo{
			Aliases: k.Info.Aliases, Enabled: k.Info.Enabled, State: k.Info.State, Rotation: k.Info.Rotation,
			Region: k.Info.Region, Replicas: k.Info.Replicas,
		},
	}
}

func keyUsage(u keys.Usage) api.KeyUsage {
	usage := api.KeyUsage{
		EnvironmentID: int64(u.Environment.ID), Environment: u.Environment.Name, Role: api.KeyRole(u.Role), Label: u.Label,
		DataKeys: u.DataKeys, Missing: u.Missing, Versions: u.Versions,
	}
	if d := u.Drill; d != nil {
		usage.Drill = &api.KeyDrill{TriedAt: d.TriedAt.UTC(), ProvedAt: moment(d.ProvedAt), Error: d.Error, Actor: d.Actor}
	}
	return usage
}

func keyCheck(c keys.Check) api.KeyCheck {
	return api.KeyCheck{
		Environment: c.Environment, Kind: api.RecipientKind(c.Kind), Key: c.Key, Permission: c.Permission,
		OK: c.OK, Skipped: c.Skipped, Message: c.Message, Hint: c.Hint,
	}
}
