package destinations_test

import (
	"testing"

	"github.com/your-org/keeper/destinations"
	"github.com/your-org/keeper/fault"
	"github.com/your-org/keeper/models"
)

// Whatever Keeper's own identity would serve for, only an administrator connects.
func TestWhoLendsWhat(t *testing.T) {
	h := sqlite(t)
	manager := models.Actor{
		Kind: models.ActorUser, ID: "usr_m", Name: "mo", Role: models.RoleUser,
		Roles: map[models.EnvironmentID]models.EnvironmentRole{h.env.ID: models.RoleManager},
	}
	text := models.NewPlaintext([]byte("given"))
	aws := models.DestinationConfig{Region: "eu-central-1"}
	vault := func(method models.VaultAuth) models.DestinationConfig {
		return models.DestinationConfig{Address: "https://vault.example.com", Mount: "secret", AuthMethod: method, AuthRole: "keeper"}
	}
	for name, c := range map[string]struct {
		kind        models.DestinationKind
		config      models.DestinationConfig
		credentials models.DestinationCredentials
		lends       bool
	}{
		"aws":             {models.DestinationAWS, aws, models.DestinationCredentials{AccessKeyID: text, SecretAccessKey: text}, false},
		"aws-none":        {models.DestinationAWS, aws, models.DestinationCredentials{}, true},
		"aws-of-no-use":   {models.DestinationAWS, aws, models.DestinationCredentials{VaultToken: text}, true},
		"token":           {models.DestinationVault, vault(""), models.DestinationCredentials{VaultToken: text}, false},
		"approle":         {models.DestinationVault, vault(""), models.DestinationCredentials{RoleID: text, SecretID: text}, false},
		"jwt":             {models.DestinationVault, vault(models.VaultJWT), models.DestinationCredentials{JWT: text}, false},
		"vault-none":      {models.DestinationVault, vault(""), models.DestinationCredentials{}, true},
		"vault-of-no-use": {models.DestinationVault, vault(""), models.DestinationCredentials{AccessKeyID: text}, true},
		"token-of-no-use": {models.DestinationVault, vault(models.VaultToken), models.DestinationCredentials{JWT: text}, true},
		"kubernetes":      {models.DestinationVault, vault(models.VaultKubernetes), models.DestinationCredentials{}, true},
		"kubernetes-with": {models.DestinationVault, vault(models.VaultKubernetes), models.DestinationCredentials{VaultToken: text}, true},
	} {
		t.Run(name, func(t *testing.T) {
			draft := destinations.Draft{
				Environment: h.env.ID, Name: name, Kind: c.kind, Config: overlapping(c.config), Credentials: c.credentials, SkipCheck: true,
			}
			if _, err := h.Create(t.Context(), manager, draft); fault.Is(err, fault.Forbidden) != c.lends || !c.lends && err != nil {
				t.Errorf("a manager: %v, lends %t", err, c.lends)
			}
			if !c.lends {
				return
			}
			made, err := h.Create(t.Context(), admin, draft)
			if err != nil {
				t.Fatalf("an administrator: %v", err)
			}
			changed := made.Config
			changed.AuthRole = "another"
			if _, err := h.Update(t.Context(), manager, made.ID, destinations.Change{Config: &changed, SkipCheck: true}, 0); !fault.Is(err, fault.Forbidden) {
				t.Errorf("a manager changes what an administrator lent: %v", err)
			}
		})
	}
}

// overlapping accepts that destinations of a test write the same names.
func overlapping(c models.DestinationConfig) models.DestinationConfig {
	c.AcceptOverlap = true
	return c
}
