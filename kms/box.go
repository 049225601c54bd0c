package kms

import (
	"crypto/hkdf"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/binary"

	"github.com/your-org/keeper/fault"
)

const (
	domainBox    = "keeper box v1"
	domainDigest = "keeper box digest v1"
)

// Box seals small secrets that belong to the installation and to no environment, such as
// those of second factors, under a key that stands in no database.
type Box struct{ secret []byte }

// NewBox makes a box whose keys derive from the installation's secret.
func NewBox(secret []byte) *Box { return &Box{secret} }

// key is the box's key of a domain and a purpose: HKDF-SHA256, extract included, since the
// secret is what an operator typed (random, as the settings demand, but not of one length).
// Without a secret there is none: everybody could make it.
func (b *Box) key(domain, purpose string) ([]byte, error) {
	if len(b.secret) == 0 {
		return nil, fault.New(fault.Unavailable, "Keeper has no secret to keep this under.").
			WithHint("Set SECRET_KEY, for example to what openssl rand -hex 32 prints, and restart.")
	}
	key, err := hkdf.Key(sha256.New, b.secret, nil, string(appendField(appendField(nil, domain), purpose)), KeySize)
	if err != nil {
		return nil, fault.Wrap(err, fault.Internal, "The key of a box cannot be made.")
	}
	return key, nil
}

// boxAAD binds a sealing to what it is for and to whom: moved to another row, or to another
// column, it does not open.
func boxAAD(purpose, id string) []byte { return appendField(appendField(nil, purpose), id) }

// Seal seals a secret of a purpose ("totp") for what the id names. The result is
// SealOverhead bytes longer.
func (b *Box) Seal(purpose, id string, plaintext []byte) ([]byte, error) {
	key, err := b.key(domainBox, purpose)
	if err != nil {
		return nil, err
	}
	defer clear(key)
	aead, err := NewAEAD(key)
	if err != nil {
		return nil, fault.Wrap(err, fault.Internal, "A secret cannot be sealed.")
	}
	return aead.Seal(nil, nil, plaintext, boxAAD(purpose, id)), nil //nolint:gosec // it draws a nonce of its own
}

// Open opens what Seal sealed for the same purpose and id under the same secret.
func (b *Box) Open(purpose, id string, sealed []byte) ([]byte, error) {
	key, err := b.key(domainBox, purpose)
	if err != nil {
		return nil, err
	}
	defer clear(key)
	aead, err := NewAEAD(key)
	if err != nil {
		return nil, fault.Wrap(err, fault.Internal, "A sealed secret cannot be opened.")
	}
	plain, err := aead.Open(nil, nil, sealed, boxAAD(purpose, id))
	if err != nil {
		return nil, fault.Wrap(err, fault.Internal, "A sealed secret does not open.").
			WithHint("It was sealed under another SECRET_KEY, or was changed in the database.")
	}
	return plain, nil
}

// Digest is HMAC-SHA256 of parts under the box's key of a purpose: it tells whether the same was
// given again, and without the installation's secret nothing else, not even to who tries likely
// parts. Each part stands behind its length, so that no two lists of parts are the same text.
func (b *Box) Digest(purpose string, parts ...[]byte) ([]byte, error) {
	key, err := b.key(domainDigest, purpose)
	if err != nil {
		return nil, err
	}
	defer clear(key)
	mac := hmac.New(sha256.New, key)
	for _, part := range parts {
		_, _ = mac.Write(binary.BigEndian.AppendUint32(nil, uint32(len(part)))) // a hash never fails to write
		_, _ = mac.Write(part)
	}
	return mac.Sum(nil), nil
}
