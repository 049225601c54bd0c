package kms

import (
	"context"
	"crypto"
	"crypto/ed25519"

	"github.com/your-org/keeper/models"
)

// Signer signs in the name of an environment, with an Ed25519 key that lives as long as the
// environment and is nowhere stored.
//
// The key is derived from the one that keys the environment's hashes, under a domain of its
// own. So it is protected as that one is, by the environment's wrapping key and its other
// recipients; a re-wrap, a new data key and a restored backup leave it as it is; and no
// value whose keyed hash is shown tells anything of it. Whoever can open the environment's
// data keys can sign in its name, and nobody else.
func (e *Envelope) Signer(ctx context.Context, env models.Environment) (crypto.Signer, error) {
	key, err := e.hashKey(ctx, env)
	if err != nil {
		return nil, err
	}
	return key.sign, nil
}

// newSigner derives the signing key from a data key.
func newSigner(dataKey []byte) (ed25519.PrivateKey, error) {
	seed, err := DeriveKey(dataKey, domainSign, nil)
	if err != nil {
		return nil, err
	}
	defer clear(seed)
	return ed25519.NewKeyFromSeed(seed), nil
}
