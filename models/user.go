package models

import "time"

// UserKind says what an account is for.
type UserKind string

// The kinds of users.
const (
	UserPerson  UserKind = "person"
	UserService UserKind = "service" // a program; it has tokens, and cannot sign in
)

// User is an account: a person's or a program's.
type User struct {
	ID                 UserID `gorm:"primaryKey"`
	Kind               UserKind
	Username           string // unique, lower case
	DisplayName        string
	Email              string // for people to recognise; nothing is decided by it
	Description        string // of a service account: what it is for
	PasswordHash       string `json:"-"` // argon2id, PHC form; "": it cannot sign in with a password
	Role               GlobalRole
	MustChangePassword bool // the password is a one-time one
	BreakGlass         bool // may sign in with its password while local sign-in is switched off, which alerts
	Disabled           bool
	TOTPSecret         []byte     `gorm:"column:totp_secret" json:"-"` // sealed; nil: none
	TOTPConfirmedAt    *time.Time `gorm:"column:totp_confirmed_at"`    // nil: begun and not yet proved
	TOTPLastStep       int64      `gorm:"column:totp_last_step"`       // the last time step that was accepted, so that a code serves once
	RightsGeneration   int64      // grows with each change of what the user may do; sessions of an older one get a new identifier
	Revision           int64      // grows with every change by an administrator; the ETag
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

// Group is a number of users with roles in common. Of a provider's group the members are
// those whom the provider named at their last sign-in; of a local one those who were put in.
type Group struct {
	ID          GroupID    `gorm:"primaryKey"`
	ProviderID  ProviderID // "": local
	Name        string     // unique per provider; a provider's is the name that it sends, exactly
	Description string
	Role        GlobalRole // that members get: admin, auditor, or user for nothing more
	Revision    int64
	CreatedAt   time.Time
	UpdatedAt   time.Time
}

// TableName names the table for GORM.
func (Group) TableName() string { return "user_groups" }

// GroupMember puts a user into a group.
type GroupMember struct {
	GroupID   GroupID `gorm:"primaryKey"`
	UserID    UserID  `gorm:"primaryKey"`
	CreatedAt time.Time
}

// TableName names the table for GORM.
func (GroupMember) TableName() string { return "group_members" }

// GroupRole gives a group's members a role in an environment.
type GroupRole struct {
	GroupID       GroupID       `gorm:"primaryKey"`
	EnvironmentID EnvironmentID `gorm:"primaryKey;autoIncrement:false"`
	Role          EnvironmentRole
	CreatedAt     time.Time
}

// TableName names the table for GORM.
func (GroupRole) TableName() string { return "group_roles" }
