package idempotency

import (
	"context"
	"sync/atomic"

	"github.com/your-org/keeper/models"
	"github.com/your-org/keeper/store"
)

// count is how many keys a user has: as the database said within the last minute, and those
// that were taken here since.
type count struct{ kept atomic.Int64 }

func (s *Service) count(ctx context.Context, user models.UserID) (*count, error) {
	if item := s.counts.Get(user); item != nil {
		return item.Value(), nil
	}
	fresh := &count{}
	err := s.Store.Read(ctx, func(tx *store.Tx) error {
		n, err := tx.CountKeys(user)
		fresh.kept.Store(n)
		return err
	})
	if err != nil {
		return nil, err
	}
	item, _ := s.counts.GetOrSet(user, fresh)
	return item.Value(), nil
}
