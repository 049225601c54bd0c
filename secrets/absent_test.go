package secrets_test

import (
	"strings"
	"testing"

	"github.com/your-org/keeper/fault"
	"github.com/your-org/keeper/models"
)

// TestAbsentAndHidden: an environment that is hidden is answered, and put on record, as one that
// is not there, so that neither words nor the time of a commit tell the two apart.
func TestAbsentAndHidden(t *testing.T) {
	h := newHouse(t)
	hidden, err := h.CreateEnvironment(t.Context(), h.admin, models.Environment{Name: "hidden"})
	if err != nil {
		t.Fatal(err)
	}
	manager := models.Actor{
		Kind: models.ActorUser, ID: "usr_m", UserID: "usr_m", Name: "mia", Role: models.RoleUser,
		Roles: map[models.EnvironmentID]models.EnvironmentRole{h.env.ID: models.RoleManager},
	}
	bound := h.admin
	bound.Kind, bound.Scope = models.ActorToken, &models.TokenScope{Environments: []models.EnvironmentID{h.env.ID}}
	auditor := h.admin
	auditor.Role = models.RoleAuditor
	asks := map[string]func(models.Actor, bool) error{
		"ByName": func(actor models.Actor, there bool) error {
			_, err := h.FindEnvironment(t.Context(), actor, map[bool]string{true: "hidden", false: "absent"}[there])
			return err
		},
		"ByID": func(actor models.Actor, there bool) error {
			_, err := h.Environment(t.Context(), actor, map[bool]models.EnvironmentID{true: hidden.ID, false: 22}[there])
			return err
		},
	}
	for name, ask := range asks {
		t.Run(name, func(t *testing.T) {
			for _, actor := range []models.Actor{manager, bound} {
				var said []string
				for _, there := range []bool{true, false} {
					before := len(h.actions(t))
					err := ask(actor, there)
					if !fault.Is(err, fault.NotFound) {
						t.Fatalf("%s, there %t: %v", actor.Name, there, err)
					}
					if on := h.actions(t); len(on) != before+1 || on[0] != "environment.view refused" {
						t.Errorf("%s, there %t: on record are %d more, %s", actor.Name, there, len(on)-before, on[0])
					}
					said = append(said, strings.NewReplacer("hidden", "X", "absent", "X", "2", "").Replace(err.Error()))
				}
				if said[0] != said[1] {
					t.Errorf("%q is told from %q", said[0], said[1])
				}
			}
			for _, actor := range []models.Actor{h.admin, auditor} { // from whom nothing is hidden
				before := len(h.actions(t))
				if err := ask(actor, false); !fault.Is(err, fault.NotFound) || len(h.actions(t)) != before {
					t.Errorf("%s: %v, and %d entries", actor.Role, err, len(h.actions(t))-before)
				}
			}
		})
	}
}
