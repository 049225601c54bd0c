package local

import (
	"context"

	"github.com/your-org/keeper/kms"
)

// Try seals a throw-away data key under the master key and opens it again.
func (w *Wrapper) Try(ctx context.Context, key string, ec kms.Context) []kms.Tried {
	return kms.TrySealing(ctx, w, key, ec)
}
