package models

import (
	"net/netip"
	"slices"
	"time"
)

// ActorKind says what acts. An actor need not be a person.
type ActorKind string

// The kinds of actors.
const (
	ActorUser   ActorKind = "user"
	ActorToken  ActorKind = "token"
	ActorSystem ActorKind = "system"
	ActorNobody ActorKind = "anonymous"
)

// GlobalRole is what a user may do across environments.
type GlobalRole string

// The global roles.
const (
	RoleAdmin   GlobalRole = "admin"
	RoleAuditor GlobalRole = "auditor"
	RoleUser    GlobalRole = "user"
)

// EnvironmentRole is what a user may do in one environment.
type EnvironmentRole string

// The environment roles, each holding the one before.
const (
	RoleViewer  EnvironmentRole = "viewer"  // names, no values
	RoleReader  EnvironmentRole = "reader"  // values
	RoleEditor  EnvironmentRole = "editor"  // write
	RoleManager EnvironmentRole = "manager" // settings, destinations
)

// EnvironmentRoles are all environment roles, weakest first.
var EnvironmentRoles = []EnvironmentRole{RoleViewer, RoleReader, RoleEditor, RoleManager}

// Actor is who acts, with what it may do, and from where: all that a permission check and
// an audit entry need.
type Actor struct {
	Kind   ActorKind
	ID     string // user id or token id; "system"
	Name   string // for people
	UserID UserID // the user behind a token

	Role  GlobalRole
	Roles map[EnvironmentID]EnvironmentRole
	Scope *TokenScope // narrows what a token may do; nil: all that its user may

	SessionHash string    // of a person who is signed in: names the session
	ProvenAt    time.Time // when that session's person last proved who it is

	Via       string // "web", "api", "cli", "system"
	Address   string // IP of the client, or ""
	RequestID string
}

// System is the actor of Keeper's own background work.
func System() Actor {
	return Actor{Kind: ActorSystem, ID: "system", Name: "system", Role: RoleAdmin, Via: "system"}
}

// TokenScope narrows a token. Empty lists do not narrow.
type TokenScope struct {
	Environments []EnvironmentID `json:"environments,omitempty"`
	ReadOnly     bool            `json:"read_only,omitempty"`
	Actions      []string        `json:"actions,omitempty"`  // of auth.Action; what they need to be seen comes with them
	Networks     []netip.Prefix  `json:"networks,omitempty"` // addresses that the token may be used from
}

// Allows reports whether the scope reaches the environment.
func (s *TokenScope) Allows(e EnvironmentID) bool {
	return s == nil || len(s.Environments) == 0 || slices.Contains(s.Environments, e)
}
