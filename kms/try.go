package kms

import (
	"context"
	"crypto/subtle"

	"github.com/your-org/keeper/fault"
)

// TrySealing is Tester.Try for a backend whose keys know no permissions: it seals a throw-away
// data key and opens it again.
func TrySealing(ctx context.Context, w Wrapper, key string, ec Context) []Tried {
	plain, wrapped, err := w.GenerateDataKey(ctx, key, ec)
	defer clear(plain)
	tried := []Tried{{Permission: "seal", OK: err == nil, Err: err}}
	if err != nil {
		return tried
	}
	opened, err := w.Unwrap(ctx, wrapped, ec)
	defer clear(opened)
	if err == nil && subtle.ConstantTimeCompare(opened, plain) != 1 {
		err = fault.New(fault.Internal, "Another data key came out of %s than went in.", wrapped.RecipientID)
	}
	return append(tried, Tried{Permission: "open", OK: err == nil, Err: err})
}
