package models

import (
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
}

// Allows reports whether the scope reaches the environment.
func (s *TokenScope) Allows(e EnvironmentID) bool {
	return s == nil || len(s.Environments) == 0 || slices.Contains(s.Environments, e)
}

// User is a person with a local account.
type User struct {
	ID                 UserID `gorm:"primaryKey"`
	Username           string // unique, lower case
	DisplayName        string
	PasswordHash       string `json:"-"` // argon2id, PHC form
	Role               GlobalRole
	MustChangePassword bool // the password is a one-time one
	Disabled           bool
	CreatedAt          time.Time
	UpdatedAt          time.Time
	LastSignInAt       *time.Time
}

// TableName names the table for GORM.
func (User) TableName() string { return "users" }

// Membership gives a user a role in an environment.
type Membership struct {
	UserID        UserID        `gorm:"primaryKey"`
	EnvironmentID EnvironmentID `gorm:"primaryKey;autoIncrement:false"`
	Role          EnvironmentRole
	CreatedAt     time.Time
}

// TableName names the table for GORM.
func (Membership) TableName() string { return "memberships" }

// Session is a browser's sign-in. The cookie holds the identifier, the row its SHA-256.
type Session struct {
	Hash       string `gorm:"primaryKey"` // lower-case hex
	UserID     UserID
	Data       []byte // flash messages and the like, encoded by the web; no secrets
	Address    string
	UserAgent  string
	CreatedAt  time.Time
	LastSeenAt time.Time
	ExpiresAt  time.Time // absolute end
}

// TableName names the table for GORM.
func (Session) TableName() string { return "sessions" }

// Token is an API token. The token itself is shown once; the row holds its SHA-256 (a
// token has 192 random bits, so a plain hash is enough and costs little per request).
type Token struct {
	ID         TokenID `gorm:"primaryKey"`
	Hash       string  // lower-case hex, unique
	Hint       string  // the token's first characters, to tell it from others
	UserID     UserID
	Name       string
	Scope      TokenScope `gorm:"serializer:json"`
	CreatedAt  time.Time
	ExpiresAt  *time.Time
	RevokedAt  *time.Time
	LastUsedAt *time.Time // to the minute
}

// TableName names the table for GORM.
func (Token) TableName() string { return "tokens" }
