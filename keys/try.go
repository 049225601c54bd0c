package keys

import (
	"bytes"
	"cmp"
	"context"
	"crypto/rand"
	"strings"

	"github.com/your-org/keeper/fault"
	"github.com/your-org/keeper/kms"
	"github.com/your-org/keeper/models"
)

// tryKey proves that a key wraps and opens for an environment, and returns its recipient id.
func (s *Service) tryKey(ctx context.Context, e models.Environment, kind models.RecipientKind, name string) (string, error) {
	backend := s.backend(kind)
	if backend == nil {
		return "", noBackend(kind)
	}
	info, err := backend.Describe(ctx, name)
	if err != nil {
		return "", keyTried(err, name)
	}
	id := info.ID
	probe := make([]byte, kms.KeySize)
	_, _ = rand.Read(probe) // crypto/rand.Read never fails since Go 1.24
	ec := s.Envelope.Context(e)
	wrapped, err := backend.Wrap(ctx, id, probe, ec)
	if err != nil || !opens(backend) {
		return id, keyTried(err, name)
	}
	plain, err := backend.Unwrap(ctx, wrapped, ec)
	if err == nil && !bytes.Equal(plain, probe) {
		err = fault.New(fault.Unavailable, "The key %s gives back another key than it was given.", name)
	}
	return id, keyTried(err, name)
}

// ofField says of a key that cannot be used whatever one waits for which field named it.
func ofField(name string, err error) error {
	if !fault.Is(err, fault.Invalid) {
		return err
	}
	said := fault.Public(err)
	wrong := fault.Wrap(err, fault.Invalid, "%s", said.Message).WithHint("%s", said.Hint)
	wrong.Fields = []fault.Field{{Name: name, Message: strings.TrimSuffix(said.Message, ".")}}
	return wrong
}

func keyTried(err error, name string) error {
	if err == nil {
		return nil
	}
	said := fault.Public(err)
	kind := cmp.Or(said.Kind, fault.Unavailable)
	if kind == fault.NotFound {
		kind = fault.Invalid
	}
	return fault.Wrap(err, kind, "The key %s was tried and does not work; nothing was changed. %s", name, said.Message).WithHint("%s", said.Hint)
}
