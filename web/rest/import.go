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

// PreviewImport saves what a destination's entries would become.
func (s *server) PreviewImport(w http.ResponseWriter, r *http.Request, id api.DestinationID) {
	s.serve(w, r, func(ctx context.Context, actor models.Actor) (answer, error) {
		var body api.NewImport
		if err := decodeOptional(w, r, &body); err != nil {
			return answer{}, err
		}
		made, err := s.Destinations.PreviewImport(ctx, actor, models.DestinationID(id), destinations.ImportDraft{
			Purpose: models.ImportPurpose(body.Purpose), Prefix: body.Prefix, Split: body.Split, Names: body.Names,
		})
		return answer{status: http.StatusCreated, body: imported(made), location: "/api/sync/imports/" + string(made.ID)}, err
	})
}

// ListImports lists imports, newest first.
func (s *server) ListImports(w http.ResponseWriter, r *http.Request, params api.ListImportsParams) {
	s.serve(w, r, func(ctx context.Context, actor models.Actor) (answer, error) {
		limit, err := pageLimit(params.Limit)
		if err != nil {
			return answer{}, err
		}
		environments, err := s.oneEnvironment(ctx, actor, params.EnvironmentID)
		if err != nil {
			return answer{}, err
		}
		imports, around, err := s.Destinations.Imports(ctx, actor, destinations.ImportQuery{
			Environments: environments, DestinationID: models.DestinationID(params.DestinationID), Cursor: params.Cursor, Limit: limit,
		})
		return answer{body: api.ImportList{Items: convert(imports, imported), Next: around.Next}, next: around.Next}, err
	})
}

// GetImport reads an import.
func (s *server) GetImport(w http.ResponseWriter, r *http.Request, id api.ImportID) {
	s.serve(w, r, func(ctx context.Context, actor models.Actor) (answer, error) {
		found, err := s.Destinations.FindImport(ctx, actor, models.ImportID(id))
		return answer{body: imported(found)}, err
	})
}

// ListImportItems lists what entries would become.
func (s *server) ListImportItems(w http.ResponseWriter, r *http.Request, id api.ImportID, params api.ListImportItemsParams) {
	s.serve(w, r, func(ctx context.Context, actor models.Actor) (answer, error) {
		limit, err := pageLimit(params.Limit)
		if err != nil {
			return answer{}, err
		}
		if params.Status != "" && !params.Status.Valid() {
			return answer{}, fault.InvalidField("status", "must be one of new, equal, different, problem, left_out")
		}
		if params.Result != "" && !params.Result.Valid() {
			return answer{}, fault.InvalidField("result", "must be one of imported, updated, unchanged, skipped, failed")
		}
		items, err := s.Destinations.ImportItems(ctx, actor, models.ImportID(id), destinations.ImportItemQuery{
			Status: models.ImportItemStatus(params.Status), Result: models.ImportResult(params.Result), Search: params.Search, After: params.After, Limit: limit,
		})
		return answer{body: api.ImportItemList{Items: convert(items, importItem)}}, err
	})
}

// ApplyImport takes what an import shows.
func (s *server) ApplyImport(w http.ResponseWriter, r *http.Request, id api.ImportID) {
	s.serve(w, r, func(ctx context.Context, actor models.Actor) (answer, error) {
		var body api.ImportChoice
		if err := decodeOptional(w, r, &body); err != nil {
			return answer{}, err
		}
		done, err := s.Destinations.ApplyImport(ctx, actor, models.ImportID(id), destinations.ImportChoice{
			Adopt: body.Adopt, Side: models.Side(body.Side), Numbers: body.Items,
		})
		return answer{body: imported(done)}, err
	})
}

// ReleaseCopy takes Keeper's hands off a copy.
func (s *server) ReleaseCopy(w http.ResponseWriter, r *http.Request, id api.DestinationID, secret api.HeldSecret) {
	s.serve(w, r, func(ctx context.Context, actor models.Actor) (answer, error) {
		err := s.Destinations.Release(ctx, actor, models.DestinationID(id), models.SecretID(secret))
		return answer{status: http.StatusNoContent}, err
	})
}

func imported(i models.Import) api.Import {
	c := i.Counts
	return api.Import{
		ID: string(i.ID), DestinationID: string(i.DestinationID), EnvironmentID: int64(i.EnvironmentID), Purpose: string(i.Purpose),
		Prefix: i.Prefix, Split: i.Split, Status: api.ImportStatus(i.Status), Adopt: i.Adopt, Side: string(i.Side),
		Counts: api.ImportCounts{
			Listed: c.Listed, Marked: c.Marked, New: c.New, Equal: c.Equal, Different: c.Different, LeftOut: c.LeftOut, Problems: c.Problems,
			Imported: c.Imported, Updated: c.Updated, Adopted: c.Adopted, Skipped: c.Skipped, Failed: c.Failed, Left: c.Left,
		},
		CreatedAt: i.CreatedAt.UTC(), CreatedBy: i.CreatedBy,
		DecidedAt: moment(i.DecidedAt), DecidedBy: i.DecidedBy,
	}
}

func importItem(i models.ImportItem) api.ImportItem {
	return api.ImportItem{
		Number: i.Number, RemoteName: i.RemoteName, Key: i.Key, RemoteVersion: i.RemoteVersion, SecretName: i.SecretName, Mended: i.Mended,
		SecretType: api.SecretType(i.Type), Size: i.Size, Hash: hex.EncodeToString(i.Hash), Facts: facts(i.Facts),
		Status: api.ImportItemStatus(i.Status), SecretID: int64(i.SecretID), Version: int64(i.Version), Problem: i.Problem, Hint: i.Hint,
		Adoptable: i.Adoptable, Note: i.Note, Result: api.ImportResult(i.Result), Adopted: i.Adopted, Why: i.Why,
	}
}
