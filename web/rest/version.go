package rest

import (
	"context"
	"net/http"
	"strconv"

	"github.com/your-org/keeper/api"
	"github.com/your-org/keeper/fault"
	"github.com/your-org/keeper/models"
)

// ListVersions lists a secret's versions, without values.
func (s *server) ListVersions(w http.ResponseWriter, r *http.Request, id api.SecretID, params api.ListVersionsParams) {
	s.serve(w, r, func(ctx context.Context, actor models.Actor) (answer, error) {
		limit, err := pageLimit(params.Limit)
		if err != nil {
			return answer{}, err
		}
		var before models.VersionNumber // the cursor of this list is the number of its last version
		if params.Cursor != "" {
			n, err := strconv.ParseInt(params.Cursor, 10, 64)
			if err != nil || n < 1 {
				return answer{}, fault.InvalidField("cursor", "is not one that this list returned")
			}
			before = models.VersionNumber(n)
		}
		versions, err := s.Secrets.Versions(ctx, actor, models.SecretID(id), before, limit)
		if err != nil {
			return answer{}, err
		}
		list := api.VersionList{Items: convert(versions, version)}
		if n := len(versions); n == limit && versions[n-1].Number > 1 {
			list.Next = decimal(versions[n-1].Number)
		}
		return answer{body: list, next: list.Next}, nil
	})
}

// GetVersion reads one version with its value.
func (s *server) GetVersion(w http.ResponseWriter, r *http.Request, id api.SecretID, number int64) {
	s.serve(w, r, func(ctx context.Context, actor models.Actor) (answer, error) {
		if number < 1 {
			return answer{}, fault.InvalidField("number", "must be the number of a version, from 1")
		}
		revealed, err := s.Secrets.Reveal(ctx, actor, models.SecretID(id), models.VersionNumber(number))
		if err != nil {
			return answer{}, err
		}
		defer revealed.Value.Zero()
		return answer{body: api.VersionWithValue{Version: version(revealed.Version), Value: api.NewValue(string(revealed.Value.Reveal()))}}, nil
	})
}

func version(v models.SecretVersion) api.Version {
	return api.Version{
		Number: int64(v.Number), SecretType: api.SecretType(v.Type), Size: v.Size, Facts: facts(v.Facts), Comment: v.Comment,
		RolledBackFrom: int64(v.RolledFrom), CreatedAt: v.CreatedAt.UTC(), CreatedBy: v.CreatedBy,
	}
}

// ListSecretActivity lists what happened to a secret.
func (s *server) ListSecretActivity(w http.ResponseWriter, r *http.Request, id api.SecretID, params api.ListSecretActivityParams) {
	s.serve(w, r, func(ctx context.Context, actor models.Actor) (answer, error) {
		limit, err := pageLimit(params.Limit)
		if err != nil {
			return answer{}, err
		}
		entries, around, err := s.Secrets.Activity(ctx, actor, models.SecretID(id), params.Cursor, limit)
		return answer{body: api.ActivityList{Items: convert(entries, activity), Next: around.Next}, next: around.Next}, err
	})
}

func activity(e models.AuditEntry) api.Activity {
	return api.Activity{
		ID: e.UID, At: e.At.UTC(), Actor: e.ActorName, ActorKind: string(e.ActorKind), Via: e.Via, Address: e.Address,
		RequestID: e.RequestID, Action: e.Action, Outcome: string(e.Outcome), Version: int64(e.Version), Detail: e.Detail,
	}
}
