package kms

import (
	"context"

	"github.com/your-org/keeper/models"
)

// RewrapOptions say how Rewrap goes about it.
type RewrapOptions struct {
	// Fresh wraps anew also where a wrapped key of the target stands, so that it is under
	// the wrapping key's newest key material.
	Fresh bool
	// Prove opens each new wrapped key again, where its backend can, and compares.
	Prove bool
}

// Rewrapped is what is to be stored of a Rewrap.
type Rewrapped struct {
	Add    []models.WrappedKey
	Remove []models.WrappedKey
	Check  []byte // the commitment, where the row had none and the key was opened
	Calls  int    // how often a backend was called
}

// Rewrap wraps one data key for exactly the targets. It stores nothing.
func (e *Envelope) Rewrap(ctx context.Context, env models.Environment, key models.DataKey, wrapped []models.WrappedKey, want Targets, o RewrapOptions) (Rewrapped, error) {
	return Rewrapped{}, errForeignKey(env, key.ID)
}
