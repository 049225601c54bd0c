package rest

import (
	"context"
	"net/http"
	"time"

	"github.com/your-org/keeper/api"
	"github.com/your-org/keeper/fault"
	"github.com/your-org/keeper/models"
	"github.com/your-org/keeper/secrets"
)

// ExportSecrets reads the values of an environment.
func (s *server) ExportSecrets(w http.ResponseWriter, r *http.Request, id api.EnvironmentID, params api.ExportSecretsParams) {
	s.serve(w, r, func(ctx context.Context, actor models.Actor) (answer, error) {
		environment, err := s.environmentID(ctx, actor, api.EnvironmentNamed(id))
		if err != nil {
			return answer{}, err
		}
		if r.Method == http.MethodHead {
			return answer{}, fault.New(fault.Invalid, "An export has no head.").WithHint("GET it.")
		}
		export, err := s.Secrets.Export(ctx, actor, environment, secrets.ExportQuery{Prefix: params.Prefix, Partial: params.Partial})
		if err != nil {
			return answer{}, err
		}
		defer export.Zero()
		return answer{body: exported(export)}, nil
	})
}

// SendExport answers with an export as a file that nothing on the way keeps.
func SendExport(w http.ResponseWriter, export secrets.Export, at time.Time) {
	header := w.Header()
	header.Set("Content-Disposition", `attachment; filename="`+export.Environment.Name+"-"+at.UTC().Format("20060102T150405Z")+`.json"`)
	header.Set("Cache-Control", "no-store")
	write(w, http.StatusOK, "application/json", exported(export))
}

func exported(x secrets.Export) api.Export {
	return api.Export{Items: convert(x.Items, exportedSecret), Unknown: convert(x.Unknown, unknownSecret)}
}

func exportedSecret(r secrets.Revealed) api.ExportedSecret {
	return api.ExportedSecret{
		ID: int64(r.Secret.ID), Name: r.Secret.Name, SecretType: api.SecretType(r.Version.Type), Version: int64(r.Version.Number),
		Value: api.NewValue(string(r.Value.Reveal())), Description: r.Secret.Description, Owner: r.Secret.Owner, Tags: r.Secret.Tags,
	}
}

func unknownSecret(n secrets.NotOpened) api.UnknownSecret {
	return api.UnknownSecret{ID: int64(n.Secret.ID), Name: n.Secret.Name, Problem: fault.Public(n.Err).Error()}
}
