package local

import (
	"context"
	"crypto/subtle"

	"github.com/your-org/keeper/fault"
	"github.com/your-org/keeper/kms"
)

// Try seals a throw-away data key under the master key and opens it again.
func (w *Wrapper) Try(ctx context.Context, key string, ec kms.Context) []kms.Tried {
	plain, wrapped, err := w.GenerateDataKey(ctx, key, ec)
	defer clear(plain)
	tried := []kms.Tried{{Permission: "seal", OK: err == nil, Err: err}}
	if err != nil {
		return tried
	}
	opened, err := w.Unwrap(ctx, wrapped, ec)
	defer clear(opened)
	if err == nil && subtle.ConstantTimeCompare(opened, plain) != 1 {
		err = fault.New(fault.Internal, "Another data key came out of the master key %s than went in.", wrapped.RecipientID)
	}
	return append(tried, kms.Tried{Permission: "open", OK: err == nil, Err: err})
}
