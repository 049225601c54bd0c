package rest

import (
	"context"
	"math"
	"net/http"
	"strconv"

	"github.com/your-org/keeper/api"
	"github.com/your-org/keeper/fault"
	"github.com/your-org/keeper/keys"
	"github.com/your-org/keeper/models"
)

// StartKeyRuns starts a long work over keys.
func (s *server) StartKeyRuns(w http.ResponseWriter, r *http.Request) {
	s.serve(w, r, func(ctx context.Context, actor models.Actor) (answer, error) {
		var body api.NewKeyRun
		if err := decode(w, r, &body); err != nil {
			return answer{}, err
		}
		environment, err := s.optionalEnvironment(ctx, actor, body.EnvironmentID)
		if err != nil {
			return answer{}, err
		}
		runs, err := s.Keys.Start(ctx, actor, keys.Order{
			Kind: models.KeyRunKind(body.Kind), Environment: environment, FromKey: body.FromKey, ToKey: body.ToKey,
		})
		a := answer{status: http.StatusAccepted, body: api.KeyRunList{Items: convert(runs, keyRun)}, location: "/api/key-runs"}
		if len(runs) == 1 {
			a.location = keyRunPath(runs[0])
		}
		return a, err
	})
}

// ListKeyRuns lists the long works over keys, newest first.
func (s *server) ListKeyRuns(w http.ResponseWriter, r *http.Request, params api.ListKeyRunsParams) {
	s.serve(w, r, func(ctx context.Context, actor models.Actor) (answer, error) {
		limit, err := pageLimit(params.Limit)
		if err != nil {
			return answer{}, err
		}
		if params.Kind != "" && !params.Kind.Valid() {
			return answer{}, fault.InvalidField("kind", "must be one of rewrap, reencrypt, migrate, scrub")
		}
		environment, err := s.optionalEnvironment(ctx, actor, api.EnvironmentNamed(params.EnvironmentID))
		if err != nil {
			return answer{}, err
		}
		runs, around, err := s.Keys.Runs(ctx, actor, keys.RunQuery{
			Kind: models.KeyRunKind(params.Kind), Environment: environment, Cursor: params.Cursor, Limit: limit,
		})
		return answer{body: api.KeyRunList{Items: convert(runs, keyRun), Next: around.Next}, next: around.Next}, err
	})
}

// GetKeyRun reads a run.
func (s *server) GetKeyRun(w http.ResponseWriter, r *http.Request, id api.KeyRunID) {
	s.serve(w, r, func(ctx context.Context, actor models.Actor) (answer, error) {
		run, err := s.Keys.Run(ctx, actor, models.KeyRunID(id))
		return answer{body: keyRun(run)}, err
	})
}

// CancelKeyRun stops a run.
func (s *server) CancelKeyRun(w http.ResponseWriter, r *http.Request, id api.KeyRunID) {
	s.serve(w, r, func(ctx context.Context, actor models.Actor) (answer, error) {
		run, err := s.Keys.Cancel(ctx, actor, models.KeyRunID(id))
		return answer{body: keyRun(run)}, err
	})
}

// ListKeyFindings lists what a run could not open.
func (s *server) ListKeyFindings(w http.ResponseWriter, r *http.Request, id api.KeyRunID, params api.ListKeyFindingsParams) {
	s.serve(w, r, func(ctx context.Context, actor models.Actor) (answer, error) {
		limit, err := pageLimit(params.Limit)
		if err != nil {
			return answer{}, err
		}
		var after int64 // the cursor of this list is the number of its last finding
		if params.Cursor != "" {
			if after, err = strconv.ParseInt(params.Cursor, 10, 64); err != nil || after < 1 {
				return answer{}, fault.InvalidField("cursor", "is not one that this list returned")
			}
		}
		findings, err := s.Keys.Findings(ctx, actor, models.KeyRunID(id), after, limit)
		list := api.KeyFindingList{Items: convert(findings, keyFinding)}
		if n := len(findings); n == limit {
			list.Next = decimal(findings[n-1].ID)
		}
		return answer{body: list, next: list.Next}, err
	})
}

func keyRunAccepted(p keys.Progress) answer {
	return answer{status: http.StatusAccepted, body: keyRun(p), location: keyRunPath(p)}
}

func keyRunPath(p keys.Progress) string { return "/api/key-runs/" + string(p.ID) }

func keyRun(p keys.Progress) api.KeyRun {
	run := p.KeyRun
	return api.KeyRun{
		ID: string(run.ID), Kind: api.KeyRunKind(run.Kind), EnvironmentID: int64(run.EnvironmentID), FromKey: run.FromKey, ToKey: run.ToKey,
		Status: api.KeyRunStatus(run.Status), Total: run.Total, Done: run.Done, Failed: run.Failed, Calls: run.Calls, Remaining: run.Remaining,
		Rate: p.Rate, RemainingSeconds: int64(math.Ceil(p.Remaining.Seconds())), Findings: p.Finding, Error: run.Error, Hint: run.Hint,
		CreatedAt: run.CreatedAt.UTC(), CreatedBy: run.CreatedBy, StartedAt: moment(run.StartedAt),
		UpdatedAt: run.UpdatedAt.UTC(), FinishedAt: moment(run.FinishedAt),
	}
}

func keyFinding(f models.KeyFinding) api.KeyFinding {
	return api.KeyFinding{
		Kind: api.KeyFindingKind(f.Kind), EnvironmentID: int64(f.EnvironmentID), ObjectKind: f.ObjectKind, Object: f.Object,
		SecretID: int64(f.SecretID), Version: int64(f.Version), DataKeyID: string(f.DataKeyID), Problem: f.Problem, At: f.At.UTC(),
	}
}
