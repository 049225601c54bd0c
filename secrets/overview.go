package secrets

import (
	"context"
	"slices"
	"time"

	"github.com/your-org/keeper/auth"
	"github.com/your-org/keeper/models"
	"github.com/your-org/keeper/store"
)

// StateFilter chooses secrets by how they stand at a destination.
type StateFilter = store.StateFilter

// Sort is the order of a list; "" by name.
type Sort = store.SecretSort

// EnvironmentOverview is what may be told of an environment beside its settings.
type EnvironmentOverview struct {
	Types    map[models.SecretType]int // how many of each, deleted ones left out
	Deleted  int
	DataKeys int
	Newest   *models.DataKey      // that seals values; nil: none yet
	Backend  models.RecipientKind // of the wrapping key
	KeyID    string               // of the wrapping key that the newest data key is under; "" where there is none
	Members  []store.Member       // nil where the actor may not see them
}

// Overview looks an environment over. Who has access is told to its managers alone.
func (s *Service) Overview(ctx context.Context, actor models.Actor, id models.EnvironmentID) (EnvironmentOverview, error) {
	o := EnvironmentOverview{Backend: s.KeyBackend()}
	if _, err := s.environment(ctx, actor, auth.ViewEnvironment, id); err != nil {
		return o, err
	}
	err := s.Store.Read(ctx, func(tx *store.Tx) (err error) {
		if o.Types, err = tx.CountTypes(id); err != nil {
			return err
		}
		if o.Deleted, err = tx.CountDeleted(id); err != nil {
			return err
		}
		if o.Newest, o.DataKeys, err = tx.NewestDataKey(id); err != nil {
			return err
		}
		if o.Newest != nil {
			if err := o.wrappedUnder(tx); err != nil {
				return err
			}
		}
		if auth.Can(actor, auth.ManageEnvironment, id) {
			o.Members, err = tx.Members(id)
		}
		return err
	})
	return o, err
}

// wrappedUnder finds the wrapping key of the newest data key, the backend's own before others.
func (o *EnvironmentOverview) wrappedUnder(tx *store.Tx) error {
	_, wrapped, err := tx.DataKey(o.Newest.ID)
	if err != nil || len(wrapped) == 0 {
		return err
	}
	i := max(0, slices.IndexFunc(wrapped, func(w models.WrappedKey) bool { return w.RecipientKind == o.Backend }))
	o.KeyID = wrapped[i].RecipientID
	return nil
}

// KeyBackend is the kind of the keys that wrap new data keys.
func (s *Service) KeyBackend() models.RecipientKind { return s.Envelope.Status().Backend }

// maxTagKeys bounds what a filter offers.
const maxTagKeys = 50

// TagKeys lists the tag keys in use where the actor may see secrets, 50 at most.
func (s *Service) TagKeys(ctx context.Context, actor models.Actor) (keys []string, err error) {
	ids, err := s.visible(ctx, actor)
	if err != nil {
		return nil, err
	}
	err = s.Store.Read(ctx, func(tx *store.Tx) error {
		keys, err = tx.TagKeys(ids, maxTagKeys)
		return err
	})
	return keys, err
}

// Due lists secrets that the actor may see and that expire, or are due for rotation, before
// a time, up to a limit.
func (s *Service) Due(ctx context.Context, actor models.Actor, before time.Time, limit int) (due []models.Secret, err error) {
	ids, err := s.visible(ctx, actor)
	if err != nil {
		return nil, err
	}
	err = s.Store.Read(ctx, func(tx *store.Tx) error {
		due, err = tx.DueSecrets(ids, before, limit)
		return err
	})
	return due, err
}

// ChangedSince counts the secrets that got a value since a time, their first or another, where
// the actor may see secrets; deleted ones are left out.
func (s *Service) ChangedSince(ctx context.Context, actor models.Actor, since time.Time) (changed int, err error) {
	ids, err := s.visible(ctx, actor)
	if err != nil {
		return 0, err
	}
	err = s.Store.Read(ctx, func(tx *store.Tx) error {
		changed, err = tx.CountChangedSince(ids, since)
		return err
	})
	return changed, err
}
