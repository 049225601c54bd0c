// Package auth says who acts and what it may do: accounts, sessions and tokens on one side,
// and Can, the one place that decides, on the other.
package auth

import (
	"maps"
	"slices"
	"strings"

	"github.com/your-org/keeper/fault"
	"github.com/your-org/keeper/models"
)

// Action is something that an actor may or may not do.
type Action string

// The actions in an environment, and the weakest role that may do each.
const (
	ViewEnvironment    Action = "environment.view"   // viewer
	ManageEnvironment  Action = "environment.manage" // manager
	ViewSecret         Action = "secret.view"        // viewer: names and facts, no values
	RevealSecret       Action = "secret.reveal"      // reader
	WriteSecret        Action = "secret.write"       // editor
	DeleteSecret       Action = "secret.delete"      // editor
	ViewDestination    Action = "destination.view"   // viewer
	ManageDestination  Action = "destination.manage" // manager
	TriggerSync        Action = "sync.trigger"       // editor
	ViewEnvironmentLog Action = "environment.audit"  // manager, auditor
	ViewAlerts         Action = "alerts.view"        // viewer
	ManageAlerts       Action = "alerts.manage"      // manager: the channels that alerts are told through
	ViewMembers        Action = "members.view"       // manager, auditor: who has a role in the environment
	ManageMembers      Action = "members.manage"     // manager: up to manager, in that environment alone
)

// The actions that concern no environment.
const (
	CreateEnvironment Action = "environment.create" // admin
	ViewAudit         Action = "audit.view"         // auditor
	ViewUsers         Action = "users.view"         // admin, auditor: accounts, groups, everybody's tokens and sessions
	ManageUsers       Action = "users.manage"       // admin
	LendCredentials   Action = "credentials.lend"   // admin: Keeper's own, to a destination
	ViewKeys          Action = "keys.view"          // admin, auditor: wrapping keys, what stands under them, runs
	ManageKeys        Action = "keys.manage"        // admin: recipients, re-wraps, re-encryptions, drills, scrubs
	AlertEverywhere   Action = "alerts.everywhere"  // admin: channels that tell of all environments
	ViewOwnTokens     Action = "tokens.view"        // every user
	ManageOwnTokens   Action = "tokens.own"         // every user
)

// Global stands where an action concerns no environment.
const Global models.EnvironmentID = 0

var weakest = map[Action]models.EnvironmentRole{
	ViewEnvironment:    models.RoleViewer,
	ManageEnvironment:  models.RoleManager,
	ViewSecret:         models.RoleViewer,
	RevealSecret:       models.RoleReader,
	WriteSecret:        models.RoleEditor,
	DeleteSecret:       models.RoleEditor,
	ViewDestination:    models.RoleViewer,
	ManageDestination:  models.RoleManager,
	TriggerSync:        models.RoleEditor,
	ViewEnvironmentLog: models.RoleManager,
	ViewAlerts:         models.RoleViewer,
	ManageAlerts:       models.RoleManager,
	ViewMembers:        models.RoleManager,
	ManageMembers:      models.RoleManager,
}

// global is which roles may do what concerns no environment.
var global = map[Action][]models.GlobalRole{
	CreateEnvironment: {models.RoleAdmin},
	ViewAudit:         {models.RoleAdmin, models.RoleAuditor},
	ViewUsers:         {models.RoleAdmin, models.RoleAuditor},
	ManageUsers:       {models.RoleAdmin},
	LendCredentials:   {models.RoleAdmin},
	ViewKeys:          {models.RoleAdmin, models.RoleAuditor},
	ManageKeys:        {models.RoleAdmin},
	AlertEverywhere:   {models.RoleAdmin},
	ViewOwnTokens:     {models.RoleAdmin, models.RoleAuditor, models.RoleUser},
	ManageOwnTokens:   {models.RoleAdmin, models.RoleAuditor, models.RoleUser},
}

// auditorMay is what the global role auditor gives in every environment: everything may be
// seen but values.
var auditorMay = []Action{ViewEnvironment, ViewSecret, ViewDestination, ViewEnvironmentLog, ViewAlerts, ViewMembers}

// reads are the actions that a read-only token may do. Making a token is none: it could be
// a stronger one.
var reads = []Action{
	ViewEnvironment, ViewSecret, RevealSecret, ViewDestination, ViewEnvironmentLog, ViewAlerts, ViewMembers,
	ViewAudit, ViewUsers, ViewKeys, ViewOwnTokens,
}

// needs is what an action cannot be done without; a token whose scope names the action may
// do these too. In an environment all need ViewEnvironment.
var needs = map[Action][]Action{
	RevealSecret: {ViewSecret}, WriteSecret: {ViewSecret}, DeleteSecret: {ViewSecret},
	ManageDestination: {ViewDestination}, TriggerSync: {ViewDestination, ViewSecret}, ManageAlerts: {ViewAlerts},
	ManageMembers: {ViewMembers}, ManageUsers: {ViewUsers}, ManageKeys: {ViewKeys}, ManageOwnTokens: {ViewOwnTokens},
}

// Actions are all that there are, those in an environment first, each part by name.
func Actions() []Action {
	return slices.Concat(slices.Sorted(maps.Keys(weakest)), slices.Sorted(maps.Keys(global)))
}

// InEnvironment reports whether an action is done in an environment.
func InEnvironment(action Action) bool { _, is := weakest[action]; return is }

// Can decides whether an actor may do an action in an environment (Global for none). It is
// pure, and denies what it does not know.
func Can(actor models.Actor, action Action, environment models.EnvironmentID) bool {
	if !acts(actor) || !scopeAllows(actor.Scope, action, environment) {
		return false
	}
	if environment == Global {
		own := action == ViewOwnTokens || action == ManageOwnTokens
		return slices.Contains(global[action], actor.Role) && (!own || actor.UserID != "")
	}
	role, known := weakest[action]
	if !known {
		return false
	}
	switch actor.Role {
	case models.RoleAdmin:
		return true
	case models.RoleAuditor:
		if slices.Contains(auditorMay, action) {
			return true
		}
	case models.RoleUser:
	default:
		return false
	}
	return rank(actor.Roles[environment]) >= rank(role)
}

// acts reports whether the actor is anybody.
func acts(actor models.Actor) bool {
	switch actor.Kind {
	case models.ActorUser, models.ActorToken, models.ActorSystem:
		return true
	default:
		return false
	}
}

// scopeAllows applies what narrows a token. A token that is bound to environments can do
// nothing that concerns none: it must not see or make what lies outside them.
func scopeAllows(scope *models.TokenScope, action Action, environment models.EnvironmentID) bool {
	if scope == nil {
		return true
	}
	if scope.ReadOnly && !slices.Contains(reads, action) {
		return false
	}
	if environment == Global && len(scope.Environments) > 0 {
		return false
	}
	return scope.Allows(environment) && names(scope.Actions, action)
}

// names reports whether a scope's list of actions holds one, or what needs it. No list does
// not narrow.
func names(list []string, action Action) bool {
	if len(list) == 0 || slices.Contains(list, string(action)) {
		return true
	}
	return slices.ContainsFunc(list, func(named string) bool {
		return slices.Contains(needs[Action(named)], action) || action == ViewEnvironment && InEnvironment(Action(named))
	})
}

// rank orders the environment roles; no role is 0.
func rank(r models.EnvironmentRole) int {
	return slices.Index(models.EnvironmentRoles, r) + 1
}

// Check is Can as an error: NotFound where the actor may not even see the environment (what
// it may not see does not exist for it), else Forbidden with what is missing.
func Check(actor models.Actor, action Action, environment models.EnvironmentID) error {
	switch {
	case Can(actor, action, environment):
		return nil
	case !acts(actor):
		return fault.New(fault.Unauthenticated, "Sign in first.")
	case environment != Global && !Can(actor, ViewEnvironment, environment):
		return fault.New(fault.NotFound, "There is no such thing, or none that you may see.")
	case actor.Scope != nil && Can(unscoped(actor), action, environment):
		return fault.New(fault.Forbidden, "This token does not reach that far.").
			WithHint("Use a token whose scope includes %s.", action)
	case environment == Global:
		return fault.New(fault.Forbidden, "You may not do that: it takes the role %s.", roles(action)).WithHint("Ask an administrator.")
	default:
		return fault.New(fault.Forbidden, "You may not do that: it takes the role %s in this environment.", weakest[action]).
			WithHint("Ask a manager of the environment for the role.")
	}
}

// roles names those that may do what concerns no environment.
func roles(action Action) string {
	names := make([]string, len(global[action]))
	for i, role := range global[action] {
		names[i] = string(role)
	}
	return strings.Join(names, " or ")
}

func unscoped(actor models.Actor) models.Actor {
	actor.Scope = nil
	return actor
}

// Visible is the list of those environments in which the actor may do the action, out of
// all that there are.
func Visible(actor models.Actor, action Action, all []models.Environment) []models.Environment {
	return slices.DeleteFunc(slices.Clone(all), func(e models.Environment) bool { return !Can(actor, action, e.ID) })
}
