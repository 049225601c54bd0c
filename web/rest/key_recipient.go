package rest

import (
	"context"
	"net/http"

	"github.com/your-org/keeper/api"
	"github.com/your-org/keeper/keys"
	"github.com/your-org/keeper/models"
)

// AddRecipient has the data keys of an environment wrapped for one more.
func (s *server) AddRecipient(w http.ResponseWriter, r *http.Request, id api.EnvironmentID) {
	s.serve(w, r, func(ctx context.Context, actor models.Actor) (answer, error) {
		var body api.NewRecipient
		if err := decode(w, r, &body); err != nil {
			return answer{}, err
		}
		found, err := s.Secrets.FindEnvironment(ctx, actor, id)
		if err != nil {
			return answer{}, err
		}
		run, err := s.Keys.AddRecipient(ctx, actor, models.Recipient{
			EnvironmentID: found.ID, Kind: models.RecipientKind(body.Kind), Key: body.Key, Label: body.Label,
		})
		return keyRunAccepted(run), err
	})
}

// RemoveRecipient has the data keys of an environment wrapped for one less.
func (s *server) RemoveRecipient(w http.ResponseWriter, r *http.Request, id api.EnvironmentID, params api.RemoveRecipientParams) {
	s.serve(w, r, func(ctx context.Context, actor models.Actor) (answer, error) {
		found, err := s.Secrets.FindEnvironment(ctx, actor, id)
		if err != nil {
			return answer{}, err
		}
		run, err := s.Keys.RemoveRecipient(ctx, actor, found.ID, models.RecipientKind(params.Kind), params.Key)
		return keyRunAccepted(run), err
	})
}

// Drill sees whether each recipient alone opens a sample.
func (s *server) Drill(w http.ResponseWriter, r *http.Request, id api.EnvironmentID) {
	s.serve(w, r, func(ctx context.Context, actor models.Actor) (answer, error) {
		found, err := s.Secrets.FindEnvironment(ctx, actor, id)
		if err != nil {
			return answer{}, err
		}
		results, err := s.Keys.Drill(ctx, actor, found.ID)
		return answer{body: api.DrillResultList{Items: convert(results, drillResult)}}, err
	})
}

// AnswerDrill takes the answer to the challenge of an offline recipient.
func (s *server) AnswerDrill(w http.ResponseWriter, r *http.Request, id api.EnvironmentID) {
	s.serve(w, r, func(ctx context.Context, actor models.Actor) (answer, error) {
		var body api.DrillAnswer
		if err := decode(w, r, &body); err != nil {
			return answer{}, err
		}
		found, err := s.Secrets.FindEnvironment(ctx, actor, id)
		if err != nil {
			return answer{}, err
		}
		result, err := s.Keys.Prove(ctx, actor, found.ID, keys.Challenge{
			Environment: found.ID, Recipient: body.Recipient, DataKeyID: models.DataKeyID(body.DataKeyID), Nonce: body.Nonce,
		}, body.Answer)
		return answer{body: drillResult(result)}, err
	})
}

func drillResult(d keys.DrillResult) api.DrillResult {
	result := api.DrillResult{
		Kind: api.RecipientKind(d.Kind), ID: d.ID, Label: d.Label, OK: d.OK, Error: d.Error, Hint: d.Hint, Sample: string(d.Sample),
	}
	if c := d.Challenge; c != nil {
		result.Challenge = &api.DrillChallenge{
			EnvironmentID: int64(c.Environment), Recipient: c.Recipient, DataKeyID: string(c.DataKeyID),
			Context: c.Context, Blob: c.Blob, Nonce: c.Nonce,
		}
	}
	return result
}
