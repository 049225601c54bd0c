package auth_test

import (
	"testing"

	"pgregory.net/rapid"

	"github.com/your-org/keeper/auth"
	"github.com/your-org/keeper/models"
)

// TestReachWithin holds Reach.Within against Can: whoever is within it may do everything that
// the one it was taken of might do.
func TestReachWithin(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		then, now := anActor().Draw(t, "then"), anActor().Draw(t, "now")
		now.UserID = then.UserID
		if !(auth.Reach{Role: then.Role, Roles: then.Roles, Scope: then.Scope}).Within(now) {
			return
		}
		for _, action := range auth.Actions() {
			for _, e := range []models.EnvironmentID{auth.Global, 1, 2, 3, 4} {
				if auth.Can(then, action, e) && !auth.Can(now, action, e) {
					t.Fatalf("%s in %d: %+v may not, and %+v might", action, e, now, then)
				}
			}
		}
	})
	for name, c := range map[string]struct {
		change func(*models.Actor)
		want   bool
	}{
		"Same":           {func(*models.Actor) {}, true},
		"MoreGlobal":     {func(a *models.Actor) { a.Role = models.RoleAdmin }, true},
		"LessGlobal":     {func(a *models.Actor) { a.Role = models.RoleUser }, false},
		"MoreThere":      {func(a *models.Actor) { a.Roles = roles(models.RoleManager) }, true},
		"LessThere":      {func(a *models.Actor) { a.Roles = roles(models.RoleReader) }, false},
		"NoneThere":      {func(a *models.Actor) { a.Roles = nil }, false},
		"AdminByItself":  {func(a *models.Actor) { a.Role, a.Roles = models.RoleAdmin, nil }, true},
		"ReadOnly":       {func(a *models.Actor) { a.Scope = &models.TokenScope{ReadOnly: true} }, false},
		"Bound":          {func(a *models.Actor) { a.Scope = &models.TokenScope{Environments: []models.EnvironmentID{here}} }, false},
		"WithoutAnyBody": {func(a *models.Actor) { a.Kind = models.ActorNobody }, false},
	} {
		t.Run(name, func(t *testing.T) {
			then := user(models.RoleAuditor, models.RoleEditor)
			now := then
			c.change(&now)
			if got := (auth.Reach{Role: then.Role, Roles: then.Roles, Scope: then.Scope}).Within(now); got != c.want {
				t.Errorf("got %t, want %t", got, c.want)
			}
		})
	}
}

func roles(role models.EnvironmentRole) map[models.EnvironmentID]models.EnvironmentRole {
	return map[models.EnvironmentID]models.EnvironmentRole{here: role}
}
