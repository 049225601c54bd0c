package rest

import (
	"context"
	"net/http"

	"github.com/your-org/keeper/api"
	"github.com/your-org/keeper/fault"
	"github.com/your-org/keeper/models"
	"github.com/your-org/keeper/secrets"
)

// ChangeSecrets changes many secrets at once, or says what that would change.
func (s *server) ChangeSecrets(w http.ResponseWriter, r *http.Request) {
	s.serve(w, r, func(ctx context.Context, actor models.Actor) (answer, error) {
		var body api.BulkChange
		if err := decode(w, r, &body); err != nil {
			return answer{}, err
		}
		change, ids, err := bulkChange(body)
		if err != nil {
			return answer{}, err
		}
		if body.DryRun {
			plan, err := s.Secrets.PlanBulk(ctx, actor, ids, change)
			return answer{body: bulkPlan(plan)}, err
		}
		changed, err := s.Secrets.ApplyBulk(ctx, actor, ids, change, body.Digest)
		return answer{body: api.BulkResult{Changed: changed}}, err
	})
}

func bulkChange(body api.BulkChange) (c secrets.BulkChange, ids []models.SecretID, err error) {
	c = secrets.BulkChange{
		Delete: body.Delete, Undelete: body.Undelete, Owner: body.Owner, ExpiresAt: body.ExpiresAt.Time(), RotateEvery: body.RotateEveryDays,
		Tags: body.Tags, Untag: body.Untag,
	}
	switch {
	case c.Empty():
		err = fault.New(fault.Invalid, "The body says of nothing what it should become; nothing was changed.").
			WithHint("Name a field to change, delete or undelete.")
	case body.DryRun && body.Digest != "":
		err = fault.InvalidField("digest", "goes with a change, not with dry_run")
	case !body.DryRun && body.Digest == "":
		err = fault.InvalidField("digest", "must be that of a dry run").WithHint("Send the same with dry_run first: its answer has the digest.")
	}
	for _, id := range body.IDs {
		ids = append(ids, models.SecretID(id))
	}
	return c, ids, err
}

func bulkPlan(plan secrets.BulkPlan) api.BulkResult {
	result := api.BulkResult{Items: convert(plan.Items, bulkItem), Gone: plan.Gone, Digest: plan.Digest}
	for _, item := range plan.Items {
		if len(item.Changes) > 0 {
			result.IDs = append(result.IDs, int64(item.Secret.ID))
		}
	}
	return result
}

func bulkItem(item secrets.BulkItem) api.BulkItem {
	shown := api.BulkItem{ID: int64(item.Secret.ID), EnvironmentID: int64(item.Environment.ID), Name: item.Secret.Name}
	for _, c := range item.Changes {
		shown.Changes = append(shown.Changes, api.FieldChange(c))
	}
	if item.Refused != nil {
		shown.Problem = fault.Public(item.Refused).Error()
	}
	return shown
}
