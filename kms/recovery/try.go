package recovery

import (
	"context"

	"github.com/your-org/keeper/kms"
)

// Try seals a throw-away data key for the recipient and opens it again. Opening is optional:
// a Keeper that serves cannot.
func (w *Wrapper) Try(ctx context.Context, key string, ec kms.Context) []kms.Tried {
	tried := kms.TrySealing(ctx, w, key, ec)
	if len(tried) == 2 {
		tried[1].Optional = true
	}
	return tried
}
