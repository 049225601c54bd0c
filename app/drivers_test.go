package app

import (
	"testing"

	"github.com/your-org/keeper/config"
	"github.com/your-org/keeper/fault"
	"github.com/your-org/keeper/models"
)

func TestSignIn(t *testing.T) {
	text := models.NewPlaintext([]byte("given"))
	token := models.DestinationCredentials{VaultToken: text}
	appRole := models.DestinationCredentials{RoleID: text, SecretID: text}
	jwt := models.DestinationCredentials{JWT: text}
	for name, c := range map[string]struct {
		asked models.VaultAuth
		given models.DestinationCredentials
		want  models.VaultAuth // empty: refused
	}{
		"Token":              {"", token, models.VaultToken},
		"AppRole":            {"", appRole, models.VaultAppRole},
		"JWT":                {"", jwt, models.VaultJWT},
		"Nothing":            {"", models.DestinationCredentials{}, models.VaultToken},
		"AskedAndGiven":      {models.VaultJWT, jwt, models.VaultJWT},
		"AskedAndNotGiven":   {models.VaultAppRole, jwt, ""},
		"Kubernetes":         {models.VaultKubernetes, models.DestinationCredentials{}, models.VaultKubernetes},
		"KubernetesAndOther": {models.VaultKubernetes, token, models.VaultKubernetes},
	} {
		t.Run(name, func(t *testing.T) {
			got, err := signIn(c.asked, c.given)
			if (err != nil) != (c.want == "") || err == nil && got != c.want {
				t.Errorf("got %s, %v, want %q", got, err, c.want)
			}
		})
	}
}

// The installation's own token leaves only for the installation's own mount.
func TestOwnToken(t *testing.T) {
	a := &App{Config: &config.Config{VaultURL: "https://vault.example.com", VaultMount: "secret", VaultToken: config.NewSecret("own")}}
	own := models.DestinationConfig{Address: "https://vault.example.com", Mount: "secret"}
	for name, change := range map[string]func(*models.DestinationConfig){
		"Address":   func(c *models.DestinationConfig) { c.Address = "https://other.example.com" },
		"Mount":     func(c *models.DestinationConfig) { c.Mount = "other" },
		"Namespace": func(c *models.DestinationConfig) { c.Namespace = "team" },
		"CACert":    func(c *models.DestinationConfig) { c.CACert = "PEM" },
	} {
		t.Run(name, func(t *testing.T) {
			elsewhere := own
			change(&elsewhere)
			_, err := a.vault(models.Destination{Config: elsewhere}, models.DestinationCredentials{})
			if !fault.Is(err, fault.Invalid) {
				t.Errorf("got %v, want a refusal", err)
			}
		})
	}
	if _, err := a.vault(models.Destination{Config: own}, models.DestinationCredentials{}); err != nil {
		t.Errorf("the own mount: %v", err)
	}
}
