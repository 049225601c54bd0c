package rest

import (
	"context"
	"math"
	"net/http"

	"github.com/your-org/keeper/api"
	"github.com/your-org/keeper/destinations"
	"github.com/your-org/keeper/fault"
	"github.com/your-org/keeper/models"
	"github.com/your-org/keeper/secrets"
)

// Sync asks for a pass over every destination in which the actor may, or over those of one
// environment, where it must; or has the copies of some secrets looked at.
func (s *server) Sync(w http.ResponseWriter, r *http.Request) {
	s.serve(w, r, func(ctx context.Context, actor models.Actor) (answer, error) {
		var body api.SyncRequest
		if err := decodeOptional(w, r, &body); err != nil {
			return answer{}, err
		}
		if body.SecretIDs != nil {
			return s.syncSecrets(ctx, actor, body)
		}
		var only models.EnvironmentID
		if !body.EnvironmentID.IsZero() {
			e, err := s.Secrets.FindEnvironment(ctx, actor, body.EnvironmentID.String())
			if err != nil {
				return answer{}, err
			}
			only = e.ID
		}
		runs, failed, err := s.Destinations.TriggerAll(ctx, actor, only)
		return answer{status: http.StatusAccepted, body: api.SyncRunList{
			Items: convert(runs, s.syncRun), Failed: convert(failed, syncFailure),
		}}, err
	})
}

func (s *server) syncSecrets(ctx context.Context, actor models.Actor, body api.SyncRequest) (answer, error) {
	switch n := len(body.SecretIDs); {
	case !body.EnvironmentID.IsZero():
		return answer{}, fault.InvalidField("environment_id", "does not go with secret_ids, which say it")
	case n == 0 || n > secrets.MaxBulk:
		return answer{}, fault.InvalidField("secret_ids", "must be 1 to %d", secrets.MaxBulk)
	}
	ids := convert(body.SecretIDs, func(id int64) models.SecretID { return models.SecretID(id) })
	runs, err := s.Destinations.SyncNow(ctx, actor, ids)
	return answer{status: http.StatusAccepted, body: api.SyncRunList{Items: convert(runs, s.syncRun)}}, err
}

func syncFailure(f destinations.Failure) api.SyncFailure {
	return api.SyncFailure{DestinationID: string(f.Destination.ID), Name: f.Destination.Name, Error: f.Err.Message, Hint: f.Err.Hint}
}

// SyncDestination asks for a pass over one destination.
func (s *server) SyncDestination(w http.ResponseWriter, r *http.Request, id api.DestinationID) {
	s.serve(w, r, func(ctx context.Context, actor models.Actor) (answer, error) {
		run, err := s.Destinations.Trigger(ctx, actor, models.DestinationID(id))
		return answer{status: http.StatusAccepted, body: s.syncRun(run), location: "/api/sync/runs/" + string(run.ID)}, err
	})
}

// ListStates lists what is known of secrets at destinations.
func (s *server) ListStates(w http.ResponseWriter, r *http.Request, params api.ListStatesParams) {
	s.serve(w, r, func(ctx context.Context, actor models.Actor) (answer, error) {
		limit, err := pageLimit(params.Limit)
		if err != nil {
			return answer{}, err
		}
		query := destinations.StateQuery{
			DestinationID: models.DestinationID(params.DestinationID), Search: params.Search, Cursor: params.Cursor, Limit: limit,
		}
		if query.Environments, err = s.oneEnvironment(ctx, actor, params.EnvironmentID); err != nil {
			return answer{}, err
		}
		for _, status := range params.Status {
			if !status.Valid() {
				return answer{}, badStatus("status")
			}
			query.Statuses = append(query.Statuses, models.SyncStatus(status))
		}
		states, around, err := s.Destinations.States(ctx, actor, query)
		if err != nil {
			return answer{}, err
		}
		items, err := s.syncStates(ctx, states)
		return answer{body: api.SyncStateList{Items: items, Next: around.Next}, next: around.Next}, err
	})
}

// ListSecretStates lists where one secret is synced.
func (s *server) ListSecretStates(w http.ResponseWriter, r *http.Request, id api.SecretID) {
	s.serve(w, r, func(ctx context.Context, actor models.Actor) (answer, error) {
		found, _, err := s.Secrets.Get(ctx, actor, models.SecretID(id))
		if err != nil {
			return answer{}, err
		}
		states, err := s.Destinations.StatesOf(ctx, []models.SecretID{found.ID})
		if err != nil {
			return answer{}, err
		}
		items, err := s.syncStates(ctx, convert(states[found.ID], func(state models.SyncState) destinations.NamedState {
			return destinations.NamedState{SyncState: state, SecretName: found.Name, EnvironmentID: found.EnvironmentID, Deleted: found.Deleted()}
		}))
		return answer{body: api.SyncStateList{Items: items}}, err
	})
}

// ListRuns lists runs, newest first.
func (s *server) ListRuns(w http.ResponseWriter, r *http.Request, params api.ListRunsParams) {
	s.serve(w, r, func(ctx context.Context, actor models.Actor) (answer, error) {
		limit, err := pageLimit(params.Limit)
		if err != nil {
			return answer{}, err
		}
		if params.Status != "" && !params.Status.Valid() {
			return answer{}, fault.InvalidField("status", "must be one of queued, running, succeeded, partial, failed, interrupted, held")
		}
		if params.Trigger != "" && !params.Trigger.Valid() {
			return answer{}, fault.InvalidField("trigger", "must be one of change, schedule, manual")
		}
		environments, err := s.oneEnvironment(ctx, actor, params.EnvironmentID)
		if err != nil {
			return answer{}, err
		}
		runs, around, err := s.Destinations.Runs(ctx, actor, destinations.RunQuery{
			Environments: environments, DestinationID: models.DestinationID(params.DestinationID),
			Status: models.RunStatus(params.Status), Trigger: models.RunTrigger(params.Trigger), Since: params.Since, Until: params.Until,
			Secret: params.Secret, Cursor: params.Cursor, Limit: limit,
		})
		return answer{body: api.SyncRunList{Items: convert(runs, s.syncRun), Next: around.Next, Prev: around.Prev}, next: around.Next}, err
	})
}

// GetRun reads a run.
func (s *server) GetRun(w http.ResponseWriter, r *http.Request, id api.RunID) {
	s.serve(w, r, func(ctx context.Context, actor models.Actor) (answer, error) {
		run, err := s.Destinations.Run(ctx, actor, models.RunID(id))
		return answer{body: s.syncRun(run)}, err
	})
}

// RetryRun asks for what a run could not do to be tried again.
func (s *server) RetryRun(w http.ResponseWriter, r *http.Request, id api.RunID) {
	s.serve(w, r, func(ctx context.Context, actor models.Actor) (answer, error) {
		run, err := s.Destinations.Retry(ctx, actor, models.RunID(id))
		return answer{status: http.StatusAccepted, body: s.syncRun(run), location: "/api/sync/runs/" + string(run.ID)}, err
	})
}

// ListResults lists what a run found or did.
func (s *server) ListResults(w http.ResponseWriter, r *http.Request, id api.RunID, params api.ListResultsParams) {
	s.serve(w, r, func(ctx context.Context, actor models.Actor) (answer, error) {
		limit, err := pageLimit(params.Limit)
		if err != nil {
			return answer{}, err
		}
		results, around, err := s.Destinations.Results(ctx, actor, destinations.ResultQuery{
			Run: models.RunID(id), FailedOnly: params.Failed, Cursor: params.Cursor, Limit: limit,
		})
		return answer{body: api.SyncResultList{Items: convert(results, syncResult), Next: around.Next, Prev: around.Prev}, next: around.Next}, err
	})
}

// oneEnvironment is the list of the environment that a filter names, or nil for no filter.
func (s *server) oneEnvironment(ctx context.Context, actor models.Actor, named string) ([]models.EnvironmentID, error) {
	if named == "" {
		return nil, nil
	}
	e, err := s.Secrets.FindEnvironment(ctx, actor, named)
	return []models.EnvironmentID{e.ID}, err
}

// syncStates are copies with what Keeper does next about them.
func (s *server) syncStates(ctx context.Context, states []destinations.NamedState) ([]api.SyncState, error) {
	next, err := s.Destinations.Next(ctx, states)
	if err != nil {
		return nil, err
	}
	items := make([]api.SyncState, len(states))
	for i, state := range states {
		items[i] = syncState(state, next[i])
	}
	return items, nil
}

func syncState(s destinations.NamedState, next models.Next) api.SyncState {
	return api.SyncState{
		SecretID: int64(s.SecretID), SecretName: s.SecretName, EnvironmentID: int64(s.EnvironmentID), DestinationID: string(s.DestinationID),
		RemoteName: s.RemoteName, Status: api.SyncStatus(s.Status), Why: next.Why, Next: next.Does, Since: s.Since.UTC(), Pending: s.Dirty,
		Version: int64(s.BaseVersion), RemoteVersion: s.BaseRemoteVersion, SyncedAt: moment(s.BaseAt),
		Attempts: s.Attempts, NextTryAt: moment(s.NextTryAt), Error: s.LastError, Hint: s.LastHint, UpdatedAt: s.UpdatedAt.UTC(),
	}
}

func (s *server) syncRun(r models.SyncRun) api.SyncRun {
	pace := r.Pace(s.Now())
	return api.SyncRun{
		ID: string(r.ID), DestinationID: string(r.DestinationID), EnvironmentID: int64(r.EnvironmentID), Trigger: api.RunTrigger(r.Trigger),
		Actor: r.Actor, Full: r.Full, Status: api.RunStatus(r.Status), StartedAt: r.StartedAt.UTC(), FinishedAt: moment(r.FinishedAt),
		Counts: counts(r.Counts), Done: pace.Done, Total: pace.Total, Rate: pace.Rate, RemainingSeconds: int64(math.Ceil(pace.Remaining.Seconds())),
		Error: r.Error, Hint: r.Hint, PlanID: string(r.PlanID), RetryOf: string(r.RetryOf),
	}
}

func counts(c models.RunCounts) api.RunCounts {
	return api.RunCounts{
		Checked: c.Checked, InSync: c.InSync, Created: c.Created, Updated: c.Updated, Repaired: c.Repaired,
		Deleted: c.Deleted, Restored: c.Restored, Failed: c.Failed, Unknown: c.Unknown, Foreign: c.Foreign, Taken: c.Taken, Held: c.Held,
	}
}

func syncResult(r models.SyncResult) api.SyncResult {
	return api.SyncResult{
		SecretID: int64(r.SecretID), SecretName: r.SecretName, RemoteName: r.RemoteName, Status: api.SyncStatus(r.Status),
		Action: string(r.Action), Failed: r.Failed, Error: r.Error, Hint: r.Hint, At: r.At.UTC(),
	}
}
