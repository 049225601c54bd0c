package keys

import (
	"context"

	"github.com/your-org/keeper/kms"
	"github.com/your-org/keeper/models"
	"github.com/your-org/keeper/store"
)

// Rows are a store's data keys as an envelope asks for them.
type Rows struct{ store.Keys }

// NewRows are the data keys of a store.
func NewRows(s *store.Store) Rows { return Rows{store.Keys{Store: s}} }

// Recipients implements kms.Keys.
func (r Rows) Recipients(ctx context.Context, env models.EnvironmentID) (kms.Recipients, error) {
	generation, primary, others, err := r.Keys.Recipients(ctx, env)
	return kms.Recipients{Generation: generation, Primary: primary, Others: others}, err
}
