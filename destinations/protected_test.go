package destinations_test

import (
	"testing"
	"time"

	"github.com/your-org/keeper/destinations"
	"github.com/your-org/keeper/fault"
	"github.com/your-org/keeper/models"
	"github.com/your-org/keeper/secrets"
)

// TestConnectingAProtectedEnvironment: whoever could have all values sent to a place of its own
// has seen them, so that takes the proof, or the name in a token's scope, that seeing one takes.
func TestConnectingAProtectedEnvironment(t *testing.T) {
	h := sqlite(t)
	person := models.Actor{
		Kind: models.ActorUser, ID: "usr_m", UserID: "usr_m", Name: "mia", Role: models.RoleUser, Via: "web",
		Roles: map[models.EnvironmentID]models.EnvironmentRole{h.env.ID: models.RoleManager},
	}
	proven, token, named := person, person, person
	proven.ProvenAt = time.Now()
	token.Kind, token.Scope = models.ActorToken, &models.TokenScope{}
	named.Kind, named.Scope = models.ActorToken, &models.TokenScope{Actions: []string{"destination.manage", "secret.reveal"}}
	connect := func(actor models.Actor) error {
		d, err := h.Create(t.Context(), actor, destinations.Draft{
			Environment: h.env.ID, Name: "mine", Kind: models.DestinationMemory, Config: models.DestinationConfig{Mount: "mine"},
		})
		if err == nil {
			err = h.Delete(t.Context(), admin, d.ID)
		}
		return err
	}
	for _, actor := range []models.Actor{person, token} {
		if err := connect(actor); err != nil {
			t.Errorf("before it is protected: %v", err)
		}
	}
	if _, err := h.secrets.UpdateEnvironment(t.Context(), admin, h.env.ID, secrets.EnvironmentChange{Protected: new(true)}, 0); err != nil {
		t.Fatal(err)
	}
	wantFault(t, connect(person), fault.Unproven)
	wantFault(t, connect(token), fault.Forbidden)
	for name, actor := range map[string]models.Actor{"who proved it": proven, "a token that names it": named} {
		if err := connect(actor); err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
	if left, err := h.List(t.Context(), admin, 0); err != nil || len(left) > 0 {
		t.Errorf("%d destinations are left, %v", len(left), err)
	}
}
