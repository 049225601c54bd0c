package secrets

import (
	"bytes"
	"context"
	"strings"

	"github.com/your-org/keeper/fault"
	"github.com/your-org/keeper/models"
)

// Import makes a secret of a value that was found at a destination.
func (s *Service) Import(
	ctx context.Context, actor models.Actor, environment models.EnvironmentID, name string, t models.SecretType, value models.Plaintext, comment string,
) (models.Secret, error) {
	return s.Create(ctx, actor, NewSecret{Environment: environment, Name: name, Type: t, Value: value, Comment: comment})
}

// Replace makes a value that was found at a destination an existing secret's newest version,
// as the actor decided, where its current version still is the given one: Stale where it is
// not. The value that is current already makes no version.
func (s *Service) Replace(ctx context.Context, actor models.Actor, id models.SecretID, current models.VersionNumber, value models.Plaintext, comment string) (models.Secret, error) {
	return s.change(ctx, actor, id, 0, edit{
		action: "secret.update",
		apply: func(secret *models.Secret) error {
			if secret.CurrentVersion == current {
				return nil
			}
			return fault.New(fault.Stale, "%s was changed in Keeper since it was compared; nothing was taken.", secret.Name).
				WithHint("Compare again.")
		},
		value: func(e models.Environment, secret models.Secret) (*prepared, error) {
			return s.prepare(ctx, e, secret.Type, value, comment)
		},
	})
}

// Guess says which type a value that somebody else kept under a name probably has, and what
// may be shown of it. Invalid where it can be no secret's value. Every guess is one that the
// type's own check passes.
func (s *Service) Guess(name string, value models.Plaintext) (models.SecretType, models.Facts, error) {
	for _, t := range likely(strings.ToLower(name), value.Reveal()) {
		if facts, err := Inspect(t, value); err == nil {
			return t, facts, nil
		}
	}
	facts, err := Inspect(models.Text, value)
	return models.Text, facts, err
}

// likely are the types worth a try, the most telling one first.
func likely(name string, value []byte) (types []models.SecretType) {
	trimmed := bytes.TrimSpace(value)
	has := func(text string) bool { return bytes.Contains(value, []byte(text)) }
	switch {
	case bytes.HasPrefix(trimmed, []byte("{")) || bytes.HasPrefix(trimmed, []byte("[")):
		types = append(types, models.JSON)
	case has("-----BEGIN CERTIFICATE-----"):
		types = append(types, models.Certificate)
	case has("PRIVATE KEY-----"):
		types = append(types, models.SSHKey)
	case strings.HasSuffix(name, ".yaml") || strings.HasSuffix(name, ".yml"):
		types = append(types, models.YAML)
	}
	last := name[strings.LastIndexByte(name, '/')+1:]
	for _, word := range []string{"password", "passwd", "passphrase", "pwd"} {
		if strings.Contains(last, word) {
			return append(types, models.Password)
		}
	}
	for _, word := range []string{"api-key", "api_key", "apikey", "token", "access-key", "access_key"} {
		if strings.Contains(last, word) {
			return append(types, models.APIKey)
		}
	}
	return types
}
