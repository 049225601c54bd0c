package rest

import (
	"context"
	"net/http"

	"github.com/your-org/keeper/api"
	"github.com/your-org/keeper/fault"
	"github.com/your-org/keeper/models"
	keepersync "github.com/your-org/keeper/sync"
)

// TryPermissions tries each permission of a destination by itself.
func (s *server) TryPermissions(w http.ResponseWriter, r *http.Request, id api.DestinationID) {
	s.serve(w, r, func(ctx context.Context, actor models.Actor) (answer, error) {
		tried, err := s.Destinations.TestEach(ctx, actor, models.DestinationID(id))
		return answer{body: api.PermissionList{Items: convert(tried, permission)}}, err
	})
}

// GetReceipt reads the receipt of a run.
func (s *server) GetReceipt(w http.ResponseWriter, r *http.Request, id api.RunID) {
	s.serve(w, r, func(ctx context.Context, actor models.Actor) (answer, error) {
		found, err := s.Destinations.Receipt(ctx, actor, models.RunID(id))
		return answer{body: api.Receipt{
			RunID: string(found.RunID), DestinationID: string(found.DestinationID), EnvironmentID: int64(found.EnvironmentID),
			Text: found.Body, CreatedAt: found.CreatedAt.UTC(),
		}}, err
	})
}

// GetReceiptKey reads the key that checks an environment's receipts.
func (s *server) GetReceiptKey(w http.ResponseWriter, r *http.Request, params api.GetReceiptKeyParams) {
	s.serve(w, r, func(ctx context.Context, actor models.Actor) (answer, error) {
		e, err := s.Secrets.FindEnvironment(ctx, actor, params.EnvironmentID)
		if err != nil {
			return answer{}, err
		}
		key, err := s.Destinations.PublicKey(ctx, actor, e.ID)
		return answer{body: api.ReceiptKey{Key: key}}, err
	})
}

// VerifyReceipt checks a receipt, and the destination beside it.
func (s *server) VerifyReceipt(w http.ResponseWriter, r *http.Request) {
	s.serve(w, r, func(ctx context.Context, actor models.Actor) (answer, error) {
		var body api.ReceiptClaim
		if err := decode(w, r, &body); err != nil {
			return answer{}, err
		}
		checked, err := s.Destinations.VerifyReceipt(ctx, actor, body.Text, body.ReadAgain)
		if err != nil {
			return answer{}, err
		}
		verification := api.Verification{Receipt: receiptFacts(checked.Receipt)}
		if again := checked.Again; again != nil {
			verification.Again = &api.ReadAgain{
				At: again.At.UTC(), Now: proven(again.Now), Matches: again.Matches,
				Differences: convert(again.Differences, exception), Differ: again.Differ,
			}
		}
		return answer{body: verification}, nil
	})
}

func permission(t keepersync.Tried) api.Permission {
	p := api.Permission{Permission: t.Permission, OK: t.OK, Optional: t.Optional}
	if t.Err != nil {
		public := fault.Public(t.Err)
		p.Detail, p.Hint = public.Message, public.Hint
	}
	return p
}

func receiptFacts(r keepersync.Receipt) api.ReceiptFacts {
	return api.ReceiptFacts{
		Engine: r.Engine, Installation: r.Installation, Environment: r.Environment,
		DestinationID: string(r.Destination.ID), DestinationName: r.Destination.Name, DestinationKind: api.DestinationKind(r.Destination.Kind),
		RunID: string(r.Run), PlanID: string(r.Plan), StartedAt: r.Started.UTC(), EndedAt: r.Ended.UTC(),
		ListingAgeSeconds: r.ListingAge, Proven: proven(r.Proven),
	}
}

func proven(p keepersync.Proven) api.Proven {
	return api.Proven{
		Source: treeHead(p.Source), ReadBack: treeHead(p.ReadBack), Equal: p.Equal, Exceptions: p.Exceptions, Named: convert(p.Named, exception),
		Evidence: api.Evidence{Version: p.Evidence.Version, Value: p.Evidence.Value, Write: p.Evidence.Write},
	}
}

func treeHead(h keepersync.Head) api.TreeHead {
	return api.TreeHead{Names: h.Names, Root: h.Root.String()}
}

func exception(e keepersync.Exception) api.ReceiptException {
	return api.ReceiptException{Name: e.Name, Status: api.SyncStatus(e.Status), Why: e.Why}
}
