package kms_test

import (
	"crypto"
	"crypto/ed25519"
	"testing"

	"github.com/your-org/keeper/fault"
	"github.com/your-org/keeper/kms"
	"github.com/your-org/keeper/models"
)

func TestSigner(t *testing.T) {
	b := newBench(t, kms.Options{})
	public := func(t *testing.T, e *kms.Envelope, env models.Environment) ed25519.PublicKey {
		t.Helper()
		signer, err := e.Signer(t.Context(), env)
		if err != nil {
			t.Fatal(err)
		}
		signature, err := signer.Sign(nil, []byte("text"), crypto.Hash(0))
		if err != nil {
			t.Fatal(err)
		}
		key := signer.Public().(ed25519.PublicKey)
		if !ed25519.Verify(key, []byte("text"), signature) {
			t.Error("the signature does not verify")
		}
		return key
	}
	first := public(t, b.Envelope, production)
	t.Run("TheSameInAnotherProcess", func(t *testing.T) {
		if !public(t, b.another(t, kms.Options{}), production).Equal(first) {
			t.Error("another process signs with another key")
		}
	})
	t.Run("OnePerEnvironment", func(t *testing.T) {
		if public(t, b.Envelope, staging).Equal(first) {
			t.Error("two environments share a key")
		}
	})
	t.Run("Away", func(t *testing.T) {
		fresh := b.another(t, kms.Options{})
		b.fake.CutOff()
		if _, err := fresh.Signer(t.Context(), production); !fault.Is(err, fault.Unavailable) {
			t.Errorf("got %v, want Unavailable", err)
		}
	})
}
