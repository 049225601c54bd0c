package auth

import (
	"slices"

	"github.com/your-org/keeper/models"
	"github.com/your-org/keeper/store"
)

// GlobalRoles are all global roles, weakest first. A stronger one may all that a weaker one
// may.
var GlobalRoles = []models.GlobalRole{models.RoleUser, models.RoleAuditor, models.RoleAdmin}

// actor is a user as an actor, with what it may do by itself and through its groups.
func (s *Service) actor(tx *store.Tx, u models.User, o Origin) (models.Actor, error) {
	grants, err := tx.GrantsOf(u.ID)
	if err != nil {
		return models.Actor{}, err
	}
	return from(withRights(u, grants), o), nil
}

// withRights is an actor for a user: the union of what its own roles and those of its groups
// give, the strongest of each.
func withRights(u models.User, grants []store.Grant) models.Actor {
	a := models.Actor{
		Kind: models.ActorUser, ID: string(u.ID), Name: u.Username, UserID: u.ID, Role: u.Role,
		Roles: map[models.EnvironmentID]models.EnvironmentRole{},
	}
	for _, g := range grants {
		a.Role = strongest(a.Role, g.GlobalRole)
		if g.EnvironmentID != Global && rank(g.Role) > rank(a.Roles[g.EnvironmentID]) {
			a.Roles[g.EnvironmentID] = g.Role
		}
	}
	return a
}

// strongest is what a user with a role has when a group gives another. A role that nobody
// knows stays: who has it may do nothing, whatever its groups say.
func strongest(own, given models.GlobalRole) models.GlobalRole {
	if globalRank(own) > 0 && globalRank(given) > globalRank(own) {
		return given
	}
	return own
}

func globalRank(r models.GlobalRole) int { return slices.Index(GlobalRoles, r) + 1 }
