package rest

import (
	"context"
	"net/http"

	"github.com/your-org/keeper/api"
	"github.com/your-org/keeper/fault"
	"github.com/your-org/keeper/models"
	"github.com/your-org/keeper/secrets"
)

// ListSecrets lists secrets, without values.
func (s *server) ListSecrets(w http.ResponseWriter, r *http.Request, params api.ListSecretsParams) {
	s.serve(w, r, func(ctx context.Context, actor models.Actor) (answer, error) {
		query, err := s.secretQuery(ctx, actor, params)
		if err != nil {
			return answer{}, err
		}
		if params.Name != "" {
			return s.secretNamed(ctx, actor, query, params.Name)
		}
		page, err := s.Secrets.List(ctx, actor, query)
		return answer{body: api.SecretList{Items: convert(page.Secrets, secret), Next: page.Next}, next: page.Next}, err
	})
}

func (s *server) secretQuery(ctx context.Context, actor models.Actor, params api.ListSecretsParams) (secrets.Query, error) {
	limit, err := pageLimit(params.Limit)
	if err != nil {
		return secrets.Query{}, err
	}
	query := secrets.Query{
		Search: params.Search, TagKey: params.TagKey, TagValue: params.TagValue, Owner: params.Owner,
		Status: models.SyncStatus(params.SyncStatus), Deleted: params.Deleted, Desc: params.Order == "desc",
		Cursor: params.Cursor, Limit: limit,
	}
	setText(&query.Sort, params.Sort)
	if !params.ExpiringBefore.IsZero() {
		query.ExpiringBefore = &params.ExpiringBefore
	}
	for _, named := range params.SecretType {
		t, err := models.ParseSecretType(named)
		if err != nil {
			return query, err
		}
		query.Types = append(query.Types, t)
	}
	for _, named := range params.EnvironmentID {
		e, err := s.Secrets.FindEnvironment(ctx, actor, named)
		if err != nil {
			return query, err
		}
		query.Environments = append(query.Environments, e.ID)
	}
	return query, checkSecretQuery(params)
}

func checkSecretQuery(params api.ListSecretsParams) error {
	switch {
	case params.SyncStatus != "" && !params.SyncStatus.Valid():
		return badStatus("sync_status")
	case params.Order != "" && params.Order != "asc" && params.Order != "desc":
		return fault.InvalidField("order", "must be asc or desc")
	case params.TagValue != "" && params.TagKey == "":
		return fault.InvalidField("tag_value", "needs a tag_key")
	case params.Name == "":
		return nil
	case len(params.EnvironmentID) != 1:
		return fault.InvalidField("name", "needs exactly one environment_id")
	case params.Search != "", len(params.SecretType) > 0, params.TagKey != "", params.Owner != "", params.SyncStatus != "", !params.ExpiringBefore.IsZero():
		return fault.InvalidField("name", "finds one secret, and goes with environment_id and deleted only")
	}
	return nil
}

func badStatus(field string) error {
	return fault.InvalidField(field, "must be one of in_sync, source_changed, drifted, conflict, missing, orphaned, foreign, unknown")
}

// setText sets a field of a text type that is named in a package that we may not import.
func setText[T ~string](field *T, text string) { *field = T(text) }

// secretNamed is the list of the one secret of a name, or of none.
func (s *server) secretNamed(ctx context.Context, actor models.Actor, query secrets.Query, name string) (answer, error) {
	list := api.SecretList{Items: []api.Secret{}}
	found, err := s.Secrets.FindSecret(ctx, actor, models.Environment{ID: query.Environments[0]}, name)
	if err != nil && !fault.Is(err, fault.NotFound) {
		return answer{}, err
	}
	if err == nil && found.Deleted() == query.Deleted {
		list.Items = append(list.Items, secret(found))
	}
	return answer{body: list}, nil
}
