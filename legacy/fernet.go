// Package legacy brings over secrets of the older Keeper, which kept them encrypted with
// Fernet: it reads its exports and rows, opens them, and hands them to the secrets service,
// one by one and each with its own result.
package legacy

import (
	"bytes"
	"encoding/base64"
	"encoding/hex"
	"errors"
	"strings"

	"github.com/fernet/fernet-go"

	"github.com/your-org/keeper/fault"
	"github.com/your-org/keeper/models"
)

// ErrNotFernet is in the chain of errors about what cannot be a Fernet token, under
// whatever key.
var ErrNotFernet = errors.New("legacy: not a Fernet token")

// ErrNoKey is in the chain of errors about tokens that no given key authenticates. That a
// token was made under another key cannot be told from its being changed: its HMAC is wrong
// in both cases.
var ErrNoKey = errors.New("legacy: no key authenticates the token")

// The parts of a token, per the Fernet specification: version, time, initialisation vector,
// at least one block of AES-CBC, HMAC-SHA256.
const (
	tokenVersion = 0x80
	blockSize    = 16
	headSize     = 1 + 8 + blockSize
	macSize      = 32
)

// Keyring is the keys of the older Keeper, newest first.
type Keyring struct{ keys []*fernet.Key }

// ParseKeys reads Fernet keys separated by commas, as MultiFernet takes them: each is 32
// bytes in URL-safe base64. Its errors quote nothing of them.
func ParseKeys(text string) (*Keyring, error) {
	var ring Keyring
	for i, one := range strings.Split(text, ",") {
		key, err := fernet.DecodeKey(strings.TrimSpace(one))
		if err != nil { // not wrapped: it may quote a character of the key
			return nil, fault.New(fault.Invalid, "Key %d of KEEPER_FERNET_KEY is not a Fernet key.", i+1).
				WithHint("A Fernet key is 32 bytes in URL-safe base64, 44 characters; several are separated by commas, newest first.")
		}
		ring.keys = append(ring.keys, key)
	}
	return &ring, nil
}

// Open authenticates a token under one of the keys and decrypts it, whatever its age.
func (k *Keyring) Open(text string) (models.Plaintext, error) {
	token, err := wellFormed(text)
	if err != nil {
		return models.Plaintext{}, err
	}
	// The form is checked above, since the library slices what it has authenticated without
	// looking at the length, and decodes base64 only up to the first error.
	value := fernet.VerifyAndDecrypt(token, 0, k.keys)
	if value == nil {
		return models.Plaintext{}, fault.Wrap(ErrNoKey, fault.Invalid, "It does not open under KEEPER_FERNET_KEY: it was encrypted under another key, or changed since.")
	}
	return models.NewPlaintext(value), nil
}

// wellFormed is the token in plain base64, where it has the form of one.
func wellFormed(text string) ([]byte, error) {
	text = unwrapped(text)
	if text == "" {
		return nil, notFernet("It has no encrypted value.")
	}
	raw, err := base64.URLEncoding.DecodeString(text)
	if err != nil {
		return nil, notFernet("Its encrypted value is not URL-safe base64.")
	}
	body := len(raw) - headSize - macSize
	switch {
	case body < blockSize:
		return nil, notFernet("Its encrypted value is too short for a Fernet token.")
	case raw[0] != tokenVersion:
		return nil, notFernet("Its encrypted value is not of Fernet's version 0x80.")
	case body%blockSize != 0:
		return nil, notFernet("Its encrypted value is cut: the ciphertext is no whole number of blocks.")
	}
	return base64.URLEncoding.AppendEncode(nil, raw), nil
}

// unwrapped takes off what exports put around a token that was stored as bytes: Python's
// b'…', PostgreSQL's \x….
func unwrapped(text string) string {
	text = strings.TrimSpace(text)
	if inner, ok := strings.CutPrefix(text, `\x`); ok {
		if raw, err := hex.DecodeString(inner); err == nil {
			return string(bytes.TrimSpace(raw))
		}
	}
	for _, quote := range []string{"'", `"`} {
		if inner, ok := strings.CutPrefix(text, "b"+quote); ok && strings.HasSuffix(inner, quote) {
			return strings.TrimSuffix(inner, quote)
		}
	}
	return text
}

func notFernet(message string) error { return fault.Wrap(ErrNotFernet, fault.Invalid, "%s", message) }
