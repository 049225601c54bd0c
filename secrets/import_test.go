package secrets_test

import (
	"testing"

	"github.com/your-org/keeper/fault"
	"github.com/your-org/keeper/models"
	"github.com/your-org/keeper/secrets"
)

func TestGuess(t *testing.T) {
	s := secrets.New(secrets.Deps{})
	for _, c := range []struct {
		name, value string
		want        models.SecretType
	}{
		{"db", `{"user":"u"}`, models.JSON},
		{"db", ` [1]`, models.JSON},
		{"db", `{not json`, models.Text},
		{"db/password", "p", models.Password},
		{"db/password", "two\nlines", models.Text},
		{"password/of-db", "p", models.Text},
		{"stripe/API_KEY", "k", models.APIKey},
		{"app/config.yaml", "a: 1\nb: 2\n", models.YAML},
		{"cert", "-----BEGIN CERTIFICATE-----\nno\n-----END CERTIFICATE-----\n", models.Text},
		{"token", `{"a":1}`, models.JSON},
	} {
		got, _, err := s.Guess(c.name, models.NewPlaintext([]byte(c.value)))
		if err != nil || got != c.want {
			t.Errorf("%s holding %q: %s, %v; want %s", c.name, c.value, got, err, c.want)
		}
	}
	for _, bad := range []string{"", "\xff\x00", string(make([]byte, models.MaxValueSize+1))} {
		if _, _, err := s.Guess("x", models.NewPlaintext([]byte(bad))); !fault.Is(err, fault.Invalid) {
			t.Errorf("%d bytes: %v", len(bad), err)
		}
	}
}
