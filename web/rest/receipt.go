package rest

import (
	"context"
	"net/http"

	"github.com/your-org/keeper/api"
	"github.com/your-org/keeper/api/receipt"
	"github.com/your-org/keeper/destinations"
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

// ListReceipts lists the receipts of a destination's runs.
func (s *server) ListReceipts(w http.ResponseWriter, r *http.Request, id api.DestinationID, params api.ListReceiptsParams) {
	s.serve(w, r, func(ctx context.Context, actor models.Actor) (answer, error) {
		limit, err := pageLimit(params.Limit)
		if err != nil {
			return answer{}, err
		}
		receipts, around, err := s.Destinations.Receipts(ctx, actor, destinations.ReceiptQuery{
			DestinationID: models.DestinationID(id), Whole: params.Whole, Cursor: params.Cursor, Limit: limit,
		})
		return answer{body: api.ReceiptList{Items: convert(receipts, signedReceipt), Next: around.Next, Prev: around.Prev}, next: around.Next}, err
	})
}

// GetReceipt reads the receipt of a run.
func (s *server) GetReceipt(w http.ResponseWriter, r *http.Request, id api.RunID) {
	s.serve(w, r, func(ctx context.Context, actor models.Actor) (answer, error) {
		found, err := s.Destinations.Receipt(ctx, actor, models.RunID(id))
		return answer{body: signedReceipt(found)}, err
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
		verification := api.Verification{Receipt: receipt.Facts(checked.Receipt)}
		if again := checked.Again; again != nil {
			verification.Again = &api.ReadAgain{
				At: again.At.UTC(), Now: receipt.Proven(again.Now), Matches: again.Matches,
				Differences: receipt.Exceptions(again.Differences), Differ: again.Differ,
			}
		}
		return answer{body: verification}, nil
	})
}

func signedReceipt(r models.SyncReceipt) api.Receipt {
	return api.Receipt{
		RunID: string(r.RunID), DestinationID: string(r.DestinationID), EnvironmentID: int64(r.EnvironmentID), Whole: r.Whole, Text: r.Body, CreatedAt: r.CreatedAt.UTC(),
	}
}

func permission(t keepersync.Tried) api.Permission {
	p := api.Permission{Permission: t.Permission, OK: t.OK, Optional: t.Optional}
	if t.Err != nil {
		public := fault.Public(t.Err)
		p.Detail, p.Hint = public.Message, public.Hint
	}
	return p
}
