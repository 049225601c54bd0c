// Package kms keeps secrets sealed: data keys that are stored only wrapped, the backends
// that wrap them, and the envelope that seals and opens values with them. It knows neither
// the store nor the web, so that another process can run it.
package kms

import (
	"context"
	"errors"

	"github.com/your-org/keeper/models"
)

// ErrUnreachable is in the chain of errors of a backend that did not answer, answered with
// a defect of its own, or throttled: waiting may mend it, and what is cached may be used
// meanwhile. A backend that answers and refuses (key disabled, access denied) has it not.
var ErrUnreachable = errors.New("kms: unreachable")

// Context is the encryption context that a data key is bound to: it must be the same, byte
// for byte, when the key is unwrapped. It is not secret; AWS writes it to CloudTrail.
type Context map[string]string

// Wrapped is a data key wrapped under one wrapping key.
type Wrapped struct {
	RecipientID string // the wrapping key: a KMS key ARN, or the local key's id and version
	Blob        []byte
}

// KeyInfo is what is known of a wrapping key.
type KeyInfo struct {
	ID       string // as Wrapped.RecipientID names it
	Aliases  []string
	Enabled  bool
	State    string   // the backend's own word: "Enabled", "PendingDeletion"
	Rotation *bool    // whether the backend rotates it by itself; nil: not known
	Region   string   // where it is; "" where that means nothing
	Replicas []string // ARNs of the other regions' keys of a multi-region key
}

// Wrapper wraps data keys under wrapping keys. The wrapping key never leaves it. Its errors
// are *fault.Error: Unavailable where the backend does not answer, refuses for now (disabled
// key, no permission, throttled) or does not have the wrapping key, so that with the backend
// mended the same call succeeds; Invalid where a blob does not open (damaged, other context,
// wrapped under another key than said). Where the backend did not answer, answered with a
// defect of its own (5xx) or throttled, ErrUnreachable is in the chain. Every message names the key, and the hint the step
// that mends it. Only Describe answers NotFound.
type Wrapper interface {
	// Kind says what sort of recipient its wrapping keys are.
	Kind() models.RecipientKind
	// GenerateDataKey makes a fresh 32-byte key and wraps it under the wrapping key named
	// by an id, ARN or alias; "" is the configured default.
	GenerateDataKey(ctx context.Context, key string, ec Context) (plain []byte, wrapped Wrapped, err error)
	// Wrap wraps a 32-byte data key that stands already, under the wrapping key named as in
	// GenerateDataKey. It neither keeps nor clears plain.
	Wrap(ctx context.Context, key string, plain []byte, ec Context) (Wrapped, error)
	// Unwrap opens a wrapped data key.
	Unwrap(ctx context.Context, wrapped Wrapped, ec Context) (plain []byte, err error)
	// Rewrap wraps the same data key under another wrapping key, inside the backend where
	// it can.
	Rewrap(ctx context.Context, wrapped Wrapped, key string, ec Context) (Wrapped, error)
	// Describe looks a wrapping key up, "" being the default.
	Describe(ctx context.Context, key string) (KeyInfo, error)
}

// Tried is one permission tried on one key.
type Tried struct {
	Permission string // "kms:Decrypt", or what the backend calls it
	OK         bool
	Optional   bool  // Keeper works without it, and tells less
	Err        error // why not; nil where OK
}

// Tester is a backend that can try each permission that it needs, by using it on a
// throw-away data key.
type Tester interface {
	Try(ctx context.Context, key string, ec Context) []Tried
}

// Versioned is a backend whose wrapping key Keeper itself gives new versions.
type Versioned interface {
	// AddVersion makes a new version, which wraps from now on, and returns its recipient id.
	AddVersion(ctx context.Context) (string, error)
}

// Placed is a backend that knows, without asking, where a wrapping key is: what fails
// together. A key's place is its region; see placeOf for backends that do not say.
type Placed interface {
	Place(key string) string
}

// Rewrapper is a backend that knows, without asking, whether its Rewrap can take a data key
// from one wrapping key to another; see canRewrap for backends that do not say.
type Rewrapper interface {
	CanRewrap(from, to string) bool
}
