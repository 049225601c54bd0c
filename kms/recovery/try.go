package recovery

import (
	"context"
	"crypto/rand"
	"crypto/subtle"

	"github.com/your-org/keeper/fault"
	"github.com/your-org/keeper/kms"
)

// Try seals a throw-away data key for the recipient and opens it again. Opening is optional:
// a Keeper that serves cannot.
func (w *Wrapper) Try(ctx context.Context, key string, ec kms.Context) []kms.Tried {
	plain := make([]byte, kms.KeySize)
	defer clear(plain)
	_, _ = rand.Read(plain)
	wrapped, err := w.Wrap(ctx, key, plain, ec)
	tried := []kms.Tried{{Permission: "seal", OK: err == nil, Err: err}}
	if err != nil {
		return tried
	}
	opened, err := w.Unwrap(ctx, wrapped, ec)
	defer clear(opened)
	if err == nil && subtle.ConstantTimeCompare(opened, plain) != 1 {
		err = fault.New(fault.Internal, "Another key came out than was sealed for %s.", wrapped.RecipientID)
	}
	return append(tried, kms.Tried{Permission: "open", OK: err == nil, Optional: true, Err: err})
}
