package rest

import (
	"context"
	"net/http"

	"github.com/your-org/keeper/api"
	"github.com/your-org/keeper/auth"
	"github.com/your-org/keeper/destinations"
	"github.com/your-org/keeper/fault"
	"github.com/your-org/keeper/models"
)

// ListDestinations lists the destinations that the actor may see.
func (s *server) ListDestinations(w http.ResponseWriter, r *http.Request, params api.ListDestinationsParams) {
	s.serve(w, r, func(ctx context.Context, actor models.Actor) (answer, error) {
		var only models.EnvironmentID
		if params.EnvironmentID != "" {
			e, err := s.Secrets.FindEnvironment(ctx, actor, params.EnvironmentID)
			if err != nil {
				return answer{}, err
			}
			only = e.ID
		}
		all, err := s.Destinations.List(ctx, actor, only)
		return answer{body: api.DestinationList{Items: convert(all, destination)}}, err
	})
}

// CreateDestination makes a destination.
func (s *server) CreateDestination(w http.ResponseWriter, r *http.Request) {
	s.serve(w, r, func(ctx context.Context, actor models.Actor) (answer, error) {
		var body api.NewDestination
		if err := decode(w, r, &body); err != nil {
			return answer{}, err
		}
		environment, err := s.environmentID(ctx, actor, body.EnvironmentID)
		if err != nil {
			return answer{}, err
		}
		created, err := s.Destinations.Create(ctx, actor, destinations.Draft{
			Environment: environment, Name: body.Name, Kind: models.DestinationKind(body.Kind),
			Config: placeOf(body.Config), Credentials: credentials(body.Credentials),
			Interval: body.IntervalSeconds, SkipCheck: body.SkipCheck,
		})
		if err != nil {
			return answer{}, err
		}
		a := destinationAnswer(created)
		a.status, a.location = http.StatusCreated, "/api/destinations/"+string(created.ID)
		return a, nil
	})
}

// GetDestination reads a destination.
func (s *server) GetDestination(w http.ResponseWriter, r *http.Request, id api.DestinationID) {
	s.serve(w, r, func(ctx context.Context, actor models.Actor) (answer, error) {
		found, _, err := s.Destinations.Get(ctx, actor, models.DestinationID(id))
		return destinationAnswer(found), err
	})
}

// UpdateDestination changes some fields.
func (s *server) UpdateDestination(w http.ResponseWriter, r *http.Request, id api.DestinationID, params api.UpdateDestinationParams) {
	s.serve(w, r, func(ctx context.Context, actor models.Actor) (answer, error) {
		var body api.DestinationChange
		if err := decode(w, r, &body); err != nil {
			return answer{}, err
		}
		expect, err := s.expectDestination(ctx, actor, id, params.IfMatch)
		if err != nil {
			return answer{}, err
		}
		change := destinations.Change{Paused: body.Paused, Interval: body.IntervalSeconds, SkipCheck: body.SkipCheck}
		if body.Config != nil {
			place := placeOf(*body.Config)
			change.Config = &place
		}
		if body.Credentials != nil {
			fresh := credentials(*body.Credentials)
			change.Credentials = &fresh
		}
		changed, err := s.Destinations.Update(ctx, actor, models.DestinationID(id), change, expect)
		return destinationAnswer(changed), err
	})
}

func (s *server) expectDestination(ctx context.Context, actor models.Actor, id api.DestinationID, ifMatch string) (int64, error) {
	return expected(ifMatch, func() (int64, error) {
		found, _, err := s.Destinations.Get(ctx, actor, models.DestinationID(id))
		return found.Revision, err
	})
}

// DeleteDestination removes a destination; its copies stay.
func (s *server) DeleteDestination(w http.ResponseWriter, r *http.Request, id api.DestinationID, params api.DeleteDestinationParams) {
	s.serve(w, r, func(ctx context.Context, actor models.Actor) (answer, error) {
		found, _, err := s.Destinations.Get(ctx, actor, models.DestinationID(id))
		if err != nil {
			return answer{}, err
		}
		expect, err := expected(params.IfMatch, func() (int64, error) { return found.Revision, nil })
		if err == nil {
			err = stale(expect, found.Revision)
		}
		if err == nil {
			err = s.Destinations.Delete(ctx, actor, found.ID)
		}
		return answer{status: http.StatusNoContent}, err
	})
}

// TestDestination tries a destination. What is wrong with it is the answer, not a problem of
// the request.
func (s *server) TestDestination(w http.ResponseWriter, r *http.Request, id api.DestinationID) {
	s.serve(w, r, func(ctx context.Context, actor models.Actor) (answer, error) {
		found, _, err := s.Destinations.Get(ctx, actor, models.DestinationID(id))
		if err != nil {
			return answer{}, err
		}
		err = s.Destinations.Test(ctx, actor, found.ID)
		if err == nil {
			return answer{body: api.DestinationTest{OK: true}}, nil
		}
		if !auth.Can(actor, auth.ManageDestination, found.EnvironmentID) || fault.Is(err, fault.Internal) {
			return answer{}, err
		}
		public := fault.Public(err)
		return answer{body: api.DestinationTest{Detail: public.Message, Hint: public.Hint}}, nil
	})
}

// PauseDestination stops writing to a destination.
func (s *server) PauseDestination(w http.ResponseWriter, r *http.Request, id api.DestinationID) {
	s.setPaused(w, r, id, true)
}

// ResumeDestination goes on writing to a destination.
func (s *server) ResumeDestination(w http.ResponseWriter, r *http.Request, id api.DestinationID) {
	s.setPaused(w, r, id, false)
}

func (s *server) setPaused(w http.ResponseWriter, r *http.Request, id api.DestinationID, paused bool) {
	s.serve(w, r, func(ctx context.Context, actor models.Actor) (answer, error) {
		changed, err := s.Destinations.Update(ctx, actor, models.DestinationID(id), destinations.Change{Paused: &paused}, 0)
		return destinationAnswer(changed), err
	})
}

func destinationAnswer(d models.Destination) answer {
	return answer{body: destination(d), revision: d.Revision}
}

func destination(d models.Destination) api.Destination {
	return api.Destination{
		ID: string(d.ID), EnvironmentID: int64(d.EnvironmentID), Name: d.Name, Kind: api.DestinationKind(d.Kind), Config: config(d.Config),
		HasCredentials: len(d.Credentials) > 0, Paused: d.Paused, IntervalSeconds: d.Interval, Revision: d.Revision,
		CreatedAt: d.CreatedAt.UTC(), UpdatedAt: d.UpdatedAt.UTC(),
		LastRunAt: moment(d.LastRunAt), LastRunStatus: api.RunStatus(d.LastRunStatus), LastError: d.LastError,
	}
}

func placeOf(c api.DestinationConfig) models.DestinationConfig {
	return models.DestinationConfig{
		Prefix: c.Prefix, NoPrefix: c.NoPrefix,
		Strategy: models.Strategy(c.Strategy), BrakeMost: c.BrakeMost, BrakePercent: c.BrakePercent,
		Region: c.Region, Endpoint: c.Endpoint, RoleARN: c.RoleARN, ExternalID: c.ExternalID, KMSKeyID: c.KMSKeyID, RecoveryDays: c.RecoveryDays,
		WriteBurst: c.WriteBurst, Tags: c.Tags, ReplicaRegions: c.ReplicaRegions, ReplicaKMSKeyID: c.ReplicaKMSKeyID,
		Address: c.Address, Namespace: c.Namespace, Mount: c.Mount, CACert: c.CACert, ValueKey: c.ValueKey,
		AuthMethod: models.VaultAuth(c.AuthMethod), AuthPath: c.AuthPath, AuthRole: c.AuthRole,
		Shape: models.Shape(c.Shape), NameTemplate: c.NameTemplate, BundleName: c.BundleName,
		AcceptOverlap: c.AcceptOverlap, DestroyDays: c.DestroyDays,
	}
}

func config(c models.DestinationConfig) api.DestinationConfig {
	return api.DestinationConfig{
		Prefix: c.Prefix, NoPrefix: c.NoPrefix,
		Strategy: api.Strategy(c.Strategy), BrakeMost: c.BrakeMost, BrakePercent: c.BrakePercent,
		Region: c.Region, Endpoint: c.Endpoint, RoleARN: c.RoleARN, ExternalID: c.ExternalID, KMSKeyID: c.KMSKeyID, RecoveryDays: c.RecoveryDays,
		WriteBurst: c.WriteBurst, Tags: c.Tags, ReplicaRegions: c.ReplicaRegions, ReplicaKMSKeyID: c.ReplicaKMSKeyID,
		Address: c.Address, Namespace: c.Namespace, Mount: c.Mount, CACert: c.CACert, ValueKey: c.ValueKey,
		AuthMethod: string(c.AuthMethod), AuthPath: c.AuthPath, AuthRole: c.AuthRole,
		Shape: string(c.Shape), NameTemplate: c.NameTemplate, BundleName: c.BundleName,
		AcceptOverlap: c.AcceptOverlap, DestroyDays: c.DestroyDays,
	}
}

func credentials(c api.DestinationCredentials) models.DestinationCredentials {
	return models.DestinationCredentials{
		AccessKeyID: plaintext(c.AccessKeyID), SecretAccessKey: plaintext(c.SecretAccessKey), SessionToken: plaintext(c.SessionToken),
		VaultToken: plaintext(c.VaultToken), RoleID: plaintext(c.RoleID), SecretID: plaintext(c.SecretID),
		JWT: plaintext(c.JWT),
	}
}
