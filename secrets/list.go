package secrets

import (
	"context"
	"slices"

	"github.com/your-org/keeper/models"
	"github.com/your-org/keeper/store"
)

// Query chooses and orders secrets; store.SecretQuery says what each field means. Its
// environments are narrowed to those that the actor may see; none named means all of them.
type Query = store.SecretQuery

// Around are the cursors of the pages around one.
type Around = store.Around

// Page is a part of a list, and the cursors of the parts around it.
type Page struct {
	Secrets []models.Secret
	Around
}

// List finds secrets that the actor may see, without values.
func (s *Service) List(ctx context.Context, actor models.Actor, q Query) (Page, error) {
	visible, err := s.visible(ctx, actor)
	if err != nil {
		return Page{}, err
	}
	if len(q.Environments) == 0 {
		q.Environments = visible
	} else {
		q.Environments = slices.DeleteFunc(slices.Clone(q.Environments), func(id models.EnvironmentID) bool {
			return !slices.Contains(visible, id)
		})
	}
	var page Page
	err = s.Store.Read(ctx, func(tx *store.Tx) (err error) {
		if q.Search != "" {
			if q.Among, err = s.texts.holding(ctx, tx, q.Environments, q.Search, false, s.Now); err != nil {
				return err
			}
		}
		page.Secrets, page.Around, err = tx.ListSecrets(q)
		return err
	})
	return page, err
}
