package rest

import (
	"context"
	"encoding/hex"
	"net/http"

	"github.com/your-org/keeper/api"
	"github.com/your-org/keeper/destinations"
	"github.com/your-org/keeper/fault"
	"github.com/your-org/keeper/models"
)

// PlanSync saves what a full pass over a destination would do.
func (s *server) PlanSync(w http.ResponseWriter, r *http.Request, id api.DestinationID) {
	s.serve(w, r, func(ctx context.Context, actor models.Actor) (answer, error) {
		made, err := s.Destinations.Plan(ctx, actor, models.DestinationID(id))
		return answer{status: http.StatusCreated, body: plan(made), location: "/api/sync/plans/" + string(made.ID)}, err
	})
}

// ListPlans lists plans, newest first.
func (s *server) ListPlans(w http.ResponseWriter, r *http.Request, params api.ListPlansParams) {
	s.serve(w, r, func(ctx context.Context, actor models.Actor) (answer, error) {
		limit, err := pageLimit(params.Limit)
		if err != nil {
			return answer{}, err
		}
		if params.Status != "" && !params.Status.Valid() {
			return answer{}, fault.InvalidField("status", "must be one of draft, held, applying, applied, refused, discarded")
		}
		environments, err := s.oneEnvironment(ctx, actor, params.EnvironmentID)
		if err != nil {
			return answer{}, err
		}
		plans, around, err := s.Destinations.Plans(ctx, actor, destinations.PlanQuery{
			Environments: environments, DestinationID: models.DestinationID(params.DestinationID),
			Status: models.PlanStatus(params.Status), Cursor: params.Cursor, Limit: limit,
		})
		return answer{body: api.PlanList{Items: convert(plans, plan), Next: around.Next}, next: around.Next}, err
	})
}

// GetPlan reads a plan.
func (s *server) GetPlan(w http.ResponseWriter, r *http.Request, id api.PlanID) {
	s.serve(w, r, func(ctx context.Context, actor models.Actor) (answer, error) {
		found, err := s.Destinations.FindPlan(ctx, actor, models.PlanID(id))
		return answer{body: plan(found)}, err
	})
}

// ListPlanItems lists what a plan would do.
func (s *server) ListPlanItems(w http.ResponseWriter, r *http.Request, id api.PlanID, params api.ListPlanItemsParams) {
	s.serve(w, r, func(ctx context.Context, actor models.Actor) (answer, error) {
		limit, err := pageLimit(params.Limit)
		if err != nil {
			return answer{}, err
		}
		items, err := s.Destinations.PlanItems(ctx, actor, models.PlanID(id), destinations.PlanItemQuery{After: models.SecretID(params.After), Limit: limit})
		return answer{body: api.PlanItemList{Items: convert(items, planItem)}}, err
	})
}

// ApplyPlan asks for a run that does exactly what a plan says.
func (s *server) ApplyPlan(w http.ResponseWriter, r *http.Request, id api.PlanID) {
	s.serve(w, r, func(ctx context.Context, actor models.Actor) (answer, error) {
		var body api.PlanApproval
		if err := decodeOptional(w, r, &body); err != nil {
			return answer{}, err
		}
		run, err := s.Destinations.Apply(ctx, actor, models.PlanID(id), body.Digest)
		return answer{status: http.StatusAccepted, body: s.syncRun(run), location: "/api/sync/runs/" + string(run.ID)}, err
	})
}

// DiscardPlan ends a plan that nobody wants.
func (s *server) DiscardPlan(w http.ResponseWriter, r *http.Request, id api.PlanID) {
	s.serve(w, r, func(ctx context.Context, actor models.Actor) (answer, error) {
		ended, err := s.Destinations.Discard(ctx, actor, models.PlanID(id))
		return answer{body: plan(ended)}, err
	})
}

// ListHolds lists the differences of a destination that wait for a person.
func (s *server) ListHolds(w http.ResponseWriter, r *http.Request, id api.DestinationID, params api.ListHoldsParams) {
	s.serve(w, r, func(ctx context.Context, actor models.Actor) (answer, error) {
		limit, err := pageLimit(params.Limit)
		if err != nil {
			return answer{}, err
		}
		holds, err := s.Destinations.Holds(ctx, actor, models.DestinationID(id), models.SecretID(params.After), limit)
		return answer{body: api.HoldList{Items: convert(holds, func(h destinations.NamedHold) api.Hold { return hold(h.SyncHold) })}}, err
	})
}

// GetHold reads one difference that waits for a person.
func (s *server) GetHold(w http.ResponseWriter, r *http.Request, id api.DestinationID, secret api.HeldSecret) {
	s.serve(w, r, func(ctx context.Context, actor models.Actor) (answer, error) {
		found, err := s.Destinations.Hold(ctx, actor, models.DestinationID(id), models.SecretID(secret))
		return answer{body: hold(found)}, err
	})
}

// Rule decides a difference.
func (s *server) Rule(w http.ResponseWriter, r *http.Request, id api.DestinationID, secret api.HeldSecret) {
	s.serve(w, r, func(ctx context.Context, actor models.Actor) (answer, error) {
		var body api.Ruling
		if err := decode(w, r, &body); err != nil {
			return answer{}, err
		}
		err := s.Destinations.Rule(ctx, actor, destinations.Ruling{
			Destination: models.DestinationID(id), Secret: models.SecretID(secret), Side: models.Side(body.Side),
			Version: models.VersionNumber(body.Version), RemoteVersion: body.RemoteVersion,
		})
		return answer{status: http.StatusAccepted}, err
	})
}

// RevealRemote reads the value that a destination holds of a secret.
func (s *server) RevealRemote(w http.ResponseWriter, r *http.Request, id api.DestinationID, secret api.HeldSecret) {
	s.serve(w, r, func(ctx context.Context, actor models.Actor) (answer, error) {
		value, err := s.Destinations.RevealRemote(ctx, actor, models.DestinationID(id), models.SecretID(secret))
		if err != nil {
			return answer{}, err
		}
		defer value.Zero()
		return answer{body: api.RemoteValue{Value: api.NewValue(string(value.Reveal()))}}, nil
	})
}

func plan(p models.Plan) api.Plan {
	c := p.Counts
	return api.Plan{
		ID: string(p.ID), DestinationID: string(p.DestinationID), EnvironmentID: int64(p.EnvironmentID), Status: api.PlanStatus(p.Status),
		Full: p.Full, Reason: p.Reason, Digest: p.Digest, CreatedAt: p.CreatedAt.UTC(), CreatedBy: p.CreatedBy,
		DecidedAt: moment(p.DecidedAt), DecidedBy: p.DecidedBy, RunID: string(p.RunID),
		Counts: api.PlanCounts{
			Looked: c.Looked, Creates: c.Creates, Updates: c.Updates, Repairs: c.Repairs, Overwrites: c.Overwrites, Restores: c.Restores,
			Deletes: c.Deletes, Takes: c.Takes, Marks: c.Marks, Tunes: c.Tunes, Held: c.Held, Refused: c.Refused, Problems: c.Problems,
			Calls: c.Calls, Seconds: float32(c.Seconds),
		},
	}
}

func planItem(i models.PlanItem) api.PlanItem {
	return api.PlanItem{
		SecretID: int64(i.SecretID), SecretName: i.SecretName, RemoteName: i.RemoteName, Status: api.SyncStatus(i.Status),
		Action: string(i.Action), Version: int64(i.Version), RemoteVersion: i.RemoteVersion, Why: i.Why, Problem: i.Problem, Hint: i.Hint,
	}
}

func hold(h models.SyncHold) api.Hold {
	answer := api.Hold{
		SecretID: int64(h.SecretID), DestinationID: string(h.DestinationID), Status: api.SyncStatus(h.Status), Why: h.Why,
		Version: int64(h.Version), RemoteVersion: h.RemoteVersion, RemoteHash: hex.EncodeToString(h.RemoteHash), RemoteSize: h.RemoteSize,
		RemoteChangedAt: moment(h.RemoteChangedAt), HeldAt: h.HeldAt.UTC(), Ruling: string(h.Ruling), RuledBy: h.RuledBy, RuledAt: moment(h.RuledAt),
	}
	if k := h.Keeper; k.Number == h.Version && !k.CreatedAt.IsZero() {
		answer.KeeperHash, answer.KeeperSize = hex.EncodeToString(k.Hash), k.Size
		answer.KeeperAt, answer.KeeperBy = k.CreatedAt.UTC(), k.CreatedBy
	}
	return answer
}
