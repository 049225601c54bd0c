// Package recovery wraps data keys for offline recipients: age keys that lie in a safe and not
// in Keeper. Wrapping needs the recipient alone, which is public; opening needs its identity,
// which a Keeper that serves never has.
//
// age does not say who encrypted. Whoever may write to the database can put a wrap of a data
// key of their own there, as they can put a value of their own beside it; DataKey.Check and
// the drill tell the two apart only for one who trusts the row of the data key.
package recovery

import (
	"bytes"
	"context"
	"crypto/rand"
	"errors"
	"io"
	"slices"
	"strings"

	"filippo.io/age"

	"github.com/your-org/keeper/fault"
	"github.com/your-org/keeper/kms"
	"github.com/your-org/keeper/models"
)

// Wrapper is the backend of offline recipients. It is safe for many goroutines and does no I/O.
type Wrapper struct {
	first      string // the recipient that "" names; "" in a Wrapper without identities
	identities map[string]age.Identity
}

var (
	_ kms.Wrapper = (*Wrapper)(nil)
	_ kms.Tester  = (*Wrapper)(nil)
)

var errLength = errors.New("recovery: the payload is longer than its context and key")

// New makes the backend of a Keeper that serves: it wraps, and opens nothing.
func New() *Wrapper { return &Wrapper{} }

// Kind is models.RecipientRecovery.
func (w *Wrapper) Kind() models.RecipientKind { return models.RecipientRecovery }

// GenerateDataKey makes a fresh data key and wraps it for a recipient. Without a name it is
// for the first identity, where there are identities.
func (w *Wrapper) GenerateDataKey(ctx context.Context, key string, ec kms.Context) ([]byte, kms.Wrapped, error) {
	plain := make([]byte, kms.KeySize)
	_, _ = rand.Read(plain) // crypto/rand.Read never fails since Go 1.24
	wrapped, err := w.Wrap(ctx, key, plain, ec)
	if err != nil {
		clear(plain)
		return nil, kms.Wrapped{}, err
	}
	return plain, wrapped, nil
}

// Wrap encrypts a data key to a recipient, named as in GenerateDataKey.
func (w *Wrapper) Wrap(_ context.Context, key string, plain []byte, ec kms.Context) (kms.Wrapped, error) {
	if len(plain) != kms.KeySize {
		return kms.Wrapped{}, fault.New(fault.Internal, "A data key of %d bytes cannot be wrapped.", len(plain))
	}
	name := w.named(key)
	recipient, err := parse(name)
	if err != nil {
		return kms.Wrapped{}, unknown(err, fault.Unavailable, name)
	}
	blob, err := seal(recipient, plain, ec)
	if err != nil {
		return kms.Wrapped{}, fault.Wrap(err, fault.Internal, "A data key could not be wrapped for the recovery recipient %s.", name)
	}
	return kms.Wrapped{RecipientID: name, Blob: blob}, nil
}

// Unwrap opens a wrapped data key with the identity of its recipient.
func (w *Wrapper) Unwrap(_ context.Context, wrapped kms.Wrapped, ec kms.Context) ([]byte, error) {
	identity, ok := w.identities[wrapped.RecipientID]
	if !ok {
		return nil, w.noIdentity(wrapped.RecipientID)
	}
	bound := kms.AppendContext(nil, ec)
	payload, err := decrypt(identity, wrapped.Blob, len(bound)+kms.KeySize)
	defer clear(payload)
	if err != nil || !bytes.HasPrefix(payload, bound) {
		return nil, notOpened(err, wrapped.RecipientID)
	}
	return slices.Clone(payload[len(bound):]), nil
}

// Rewrap wraps the same data key for another recipient, which needs the identity of the one
// it is wrapped for.
func (w *Wrapper) Rewrap(ctx context.Context, wrapped kms.Wrapped, key string, ec kms.Context) (kms.Wrapped, error) {
	plain, err := w.Unwrap(ctx, wrapped, ec)
	if err != nil {
		return kms.Wrapped{}, err
	}
	defer clear(plain)
	return w.Wrap(ctx, key, plain, ec)
}

// Describe tells whether a name is an age recipient; NotFound where it is none.
func (w *Wrapper) Describe(_ context.Context, key string) (kms.KeyInfo, error) {
	name := w.named(key)
	if _, err := parse(name); err != nil {
		return kms.KeyInfo{}, unknown(err, fault.NotFound, name)
	}
	return kms.KeyInfo{ID: name, Enabled: true, State: "Enabled"}, nil
}

func (w *Wrapper) named(key string) string {
	if key == "" {
		return w.first
	}
	return key
}

// seal encrypts context and key together: the context is not secret, but inside it is
// authenticated, and its encoding says itself where it ends.
func seal(recipient age.Recipient, plain []byte, ec kms.Context) ([]byte, error) {
	payload := append(kms.AppendContext(nil, ec), plain...)
	defer clear(payload)
	var blob bytes.Buffer
	writer, err := age.Encrypt(&blob, recipient)
	if err != nil {
		return nil, err
	}
	_, err = writer.Write(payload)
	if err := errors.Join(err, writer.Close()); err != nil {
		return nil, err
	}
	return blob.Bytes(), nil
}

// decrypt opens a blob whose payload must have exactly the given size.
func decrypt(identity age.Identity, blob []byte, size int) ([]byte, error) {
	reader, err := age.Decrypt(bytes.NewReader(blob), identity)
	if err != nil {
		return nil, err
	}
	payload := make([]byte, size)
	if _, err := io.ReadFull(reader, payload); err != nil {
		clear(payload)
		return nil, err
	}
	// The end must be there, and is authenticated too.
	if n, err := reader.Read(make([]byte, 1)); n != 0 || !errors.Is(err, io.EOF) {
		clear(payload)
		return nil, errLength
	}
	return payload, nil
}

func (w *Wrapper) noIdentity(recipient string) error {
	if len(w.identities) == 0 {
		return fault.New(fault.Unavailable, "The recovery recipient %s opens only offline, with its identity, which Keeper does not have.", recipient).
			WithHint("Where no other recipient is left: keeper kms recover --identity FILE")
	}
	return fault.New(fault.Unavailable, "The identity of the recovery recipient %s is needed, and is not among those given.", recipient).
		WithHint("Give the identity file of %s.", recipient)
}

func notOpened(err error, recipient string) error {
	return fault.Wrap(err, fault.Invalid, "A data key wrapped for the recovery recipient %s does not open: it was changed, or belongs to another environment or encryption context.", recipient)
}

// unknown quotes the name only where it looks like a recipient: it may be an identity, given
// by mistake.
func unknown(err error, kind fault.Kind, name string) error {
	switch {
	case name == "":
		return fault.Wrap(err, kind, "No recovery recipient is named.").WithHint("Name an age recipient: age1…")
	case !strings.HasPrefix(name, "age1"):
		return fault.Wrap(err, kind, "What is named as a recovery recipient does not begin with age1.").WithHint("%s", whereRecipient)
	default:
		return fault.Wrap(err, kind, "There is no recovery recipient %s: it is not a whole age recipient.", name).WithHint("%s", whereRecipient)
	}
}
