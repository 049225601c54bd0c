// Package local wraps data keys under a master key that Keeper holds itself: in a file that
// only its owner may read, or in a setting. It is for development and for small
// installations; whoever has both the master key and the database has every value.
package local

import (
	"context"
	"crypto/rand"
	"encoding/binary"
	"sync/atomic"

	"github.com/your-org/keeper/fault"
	"github.com/your-org/keeper/kms"
	"github.com/your-org/keeper/models"
)

// A blob is format (1 byte) ‖ version of the master key (4 bytes, big-endian) ‖ sealed data
// key (nonce, ciphertext, tag).
const (
	blobFormat = 1
	headerSize = 1 + 4
	blobSize   = headerSize + kms.KeySize + kms.SealOverhead
)

// domainWrap separates the wrapping keys from everything else derived from a master key.
const domainWrap = "keeper local wrap v1"

// Wrapper is the local backend. It is safe for many goroutines. Its only I/O is to look
// whether its key file holds newer versions.
type Wrapper struct {
	ring atomic.Pointer[ring]
	file *keyFile // nil: the master key is a setting
}

var (
	_ kms.Wrapper   = (*Wrapper)(nil)
	_ kms.Tester    = (*Wrapper)(nil)
	_ kms.Versioned = (*Wrapper)(nil)
)

// Parse takes the master key from a setting: 32 bytes in base64, or the text of a key file
// with several versions.
func Parse(text string) (*Wrapper, error) {
	keys, err := parse(text)
	if err != nil {
		return nil, err
	}
	return newWrapper(keys), nil
}

func newWrapper(keys []masterKey) *Wrapper {
	w := &Wrapper{}
	w.ring.Store(newRing(keys))
	return w
}

// Kind is models.RecipientLocal.
func (w *Wrapper) Kind() models.RecipientKind { return models.RecipientLocal }

// GenerateDataKey makes a fresh data key and wraps it under the master key named by its
// recipient id, "" being the newest version.
func (w *Wrapper) GenerateDataKey(_ context.Context, key string, ec kms.Context) ([]byte, kms.Wrapped, error) {
	master, err := w.named(key)
	if err != nil {
		return nil, kms.Wrapped{}, err
	}
	plain := make([]byte, kms.KeySize)
	_, _ = rand.Read(plain) // crypto/rand.Read never fails since Go 1.24
	wrapped, err := wrap(master, plain, ec)
	if err != nil {
		clear(plain)
		return nil, kms.Wrapped{}, err
	}
	return plain, wrapped, nil
}

// Wrap wraps a data key under the master key named as in GenerateDataKey.
func (w *Wrapper) Wrap(_ context.Context, key string, plain []byte, ec kms.Context) (kms.Wrapped, error) {
	master, err := w.named(key)
	if err != nil {
		return kms.Wrapped{}, err
	}
	return wrap(master, plain, ec)
}

// Unwrap opens a wrapped data key. A key that is not here is recognised by the recipient id
// before anything is decrypted.
func (w *Wrapper) Unwrap(_ context.Context, wrapped kms.Wrapped, ec kms.Context) ([]byte, error) {
	id, version, ok := parseRecipient(wrapped.RecipientID)
	if !ok {
		return nil, fault.New(fault.Invalid, "The recipient %q of a wrapped key is not a local master key.", wrapped.RecipientID)
	}
	master, err := w.find(wrapped.RecipientID, func(r *ring) (masterKey, bool) { key, ok := r.byID[id]; return key, ok })
	if err != nil {
		return nil, err
	}
	if len(wrapped.Blob) != blobSize || wrapped.Blob[0] != blobFormat || binary.BigEndian.Uint32(wrapped.Blob[1:]) != version {
		return nil, notOpened(wrapped.RecipientID)
	}
	// A key given bare is version 1 here, whatever it was when it wrapped; the fingerprint
	// says that it is the same key.
	master.version = version
	plain, err := open(master, wrapped.Blob, ec)
	if err != nil {
		return nil, notOpened(wrapped.RecipientID)
	}
	return plain, nil
}

// Rewrap wraps the same data key under another version of the master key.
func (w *Wrapper) Rewrap(ctx context.Context, wrapped kms.Wrapped, key string, ec kms.Context) (kms.Wrapped, error) {
	master, err := w.named(key)
	if err != nil {
		return kms.Wrapped{}, err
	}
	plain, err := w.Unwrap(ctx, wrapped, ec)
	if err != nil {
		return kms.Wrapped{}, err
	}
	defer clear(plain)
	return wrap(master, plain, ec)
}

// Describe looks a version of the master key up; NotFound where it is not here.
func (w *Wrapper) Describe(_ context.Context, key string) (kms.KeyInfo, error) {
	master, err := w.named(key)
	if err != nil {
		return kms.KeyInfo{}, fault.Wrap(err, fault.NotFound, "There is no local master key %s here.", key)
	}
	return kms.KeyInfo{ID: master.recipient(), Enabled: true, State: "Enabled"}, nil
}

func (w *Wrapper) named(key string) (masterKey, error) {
	if key == "" {
		return w.latest().newest, nil
	}
	return w.find(key, func(r *ring) (masterKey, bool) { return r.named(key) })
}

// find looks a version up, and where it is not known in the file again: another process may
// have added it.
func (w *Wrapper) find(needed string, in func(*ring) (masterKey, bool)) (masterKey, error) {
	if key, ok := in(w.ring.Load()); ok {
		return key, nil
	}
	err := w.refresh()
	have := w.ring.Load()
	if key, ok := in(have); ok {
		return key, nil
	}
	// Unavailable: nothing is damaged, and with the right key all opens.
	return masterKey{}, fault.Wrap(err, fault.Unavailable, "The master key %s is needed, and this Keeper has %s.", needed, have).
		WithHint("Give it the master key that this database was written with, by KEEPER_MASTER_KEY_FILE or KEEPER_MASTER_KEY.")
}

func notOpened(recipient string) error {
	return fault.New(fault.Invalid, "A data key wrapped under %s does not open: it was changed, or belongs to another environment or encryption context.", recipient)
}

// wrap seals a data key under the wrapping key of its encryption context. The wrapping key
// differs from context to context, so one environment's wrapped keys cannot be opened, nor
// their nonces collide, with another's.
func wrap(master masterKey, plain []byte, ec kms.Context) (kms.Wrapped, error) {
	if len(plain) != kms.KeySize {
		return kms.Wrapped{}, fault.New(fault.Internal, "A data key of %d bytes cannot be wrapped.", len(plain))
	}
	header := master.header(ec)
	aead, err := kms.NewDerivedAEAD(master.secret, domainWrap, header[headerSize:])
	if err != nil {
		return kms.Wrapped{}, err
	}
	blob := append(make([]byte, 0, blobSize), header[:headerSize]...)
	//nolint:gosec // G407 takes the absent nonce for a fixed one; this cipher draws its own
	return kms.Wrapped{RecipientID: master.recipient(), Blob: aead.Seal(blob, nil, plain, header)}, nil
}

func open(master masterKey, blob []byte, ec kms.Context) ([]byte, error) {
	header := master.header(ec)
	aead, err := kms.NewDerivedAEAD(master.secret, domainWrap, header[headerSize:])
	if err != nil {
		return nil, err
	}
	return aead.Open(nil, nil, blob[headerSize:], header)
}

// header is what a wrapping is bound to besides its key: format and version, as they stand
// first in the blob, and the encoded context, for which the wrapping key is derived.
func (k masterKey) header(ec kms.Context) []byte {
	return kms.AppendContext(binary.BigEndian.AppendUint32([]byte{blobFormat}, k.version), ec)
}
