package auth

import (
	"context"
	"maps"
	"sync"

	"github.com/your-org/keeper/models"
	"github.com/your-org/keeper/store"
)

// RecordUse writes down when and from where tokens were last used, to the minute.
func (s *Service) RecordUse(ctx context.Context) error {
	batch := s.used.take()
	if len(batch) == 0 {
		return nil
	}
	return s.store.Write(ctx, func(tx *store.Tx) error { return tx.TouchTokens(batch) })
}

// usage collects how tokens were used, so that a request need not write it.
type usage struct {
	mu   sync.Mutex
	last map[models.TokenID]store.TokenUse
}

func newUsage() *usage { return &usage{last: map[models.TokenID]store.TokenUse{}} }

func (u *usage) note(id models.TokenID, use store.TokenUse) {
	u.mu.Lock()
	defer u.mu.Unlock()
	u.last[id] = use
}

func (u *usage) take() map[models.TokenID]store.TokenUse {
	u.mu.Lock()
	defer u.mu.Unlock()
	batch := maps.Clone(u.last)
	clear(u.last)
	return batch
}
