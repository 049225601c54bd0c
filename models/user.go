package models

import (
	"strings"
	"time"
	"unicode"
)

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
	MustChangePassword bool       // the password is a one-time one
	PasswordExpiresAt  *time.Time // when a one-time password that was not changed opens nothing any more; nil: never
	BreakGlass         bool       // may sign in with its password while local sign-in is switched off, which alerts
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
	EndsAt    *time.Time // of a provider's group: until when what the provider said counts; nil: for good
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

// Validate says what is wrong with the fields that an administrator sets.
func (u *User) Validate() error {
	var problems fieldProblems
	if !accountName(u.Username) {
		problems.add("username", "must be a lower-case letter or a digit, then those and . _ - + @, 128 characters at most; it may not begin with usr_")
	}
	problems.text("display_name", u.DisplayName, 100)
	problems.text("email", u.Email, 320)
	if at := strings.IndexByte(u.Email, '@'); u.Email != "" && (at < 1 || at == len(u.Email)-1 || strings.ContainsAny(u.Email, " \t\r\n<>")) {
		problems.add("email", "must be an address such as ada@example.com")
	}
	problems.text("description", u.Description, 1000)
	if u.Kind != UserPerson && u.Kind != UserService {
		problems.add("kind", "must be person or service")
	}
	if !globalRole(u.Role) {
		problems.add("role", "must be admin, auditor or user")
	}
	if u.BreakGlass && u.Kind == UserService {
		problems.add("break_glass", "is for people: a service account does not sign in")
	}
	return problems.err("The user is not valid.")
}

// Validate says what is wrong with the fields that an administrator sets. A provider's group
// is named as the provider names it.
func (g *Group) Validate() error {
	var problems fieldProblems
	problems.text("name", g.Name, 255)
	if g.ProviderID == "" && (strings.TrimSpace(g.Name) != g.Name || g.Name == "" || strings.HasPrefix(g.Name, "grp_") || strings.ContainsFunc(g.Name, unicode.IsControl)) {
		problems.add("name", "must be text without space around it, and may not begin with grp_")
	}
	if g.ProviderID != "" && (g.Name == "" || strings.ContainsFunc(g.Name, unicode.IsControl)) {
		problems.add("name", "must be the group's name, exactly as the identity provider sends it")
	}
	problems.text("description", g.Description, 1000)
	if !globalRole(g.Role) {
		problems.add("role", "must be admin, auditor or user")
	}
	return problems.err("The group is not valid.")
}

func globalRole(r GlobalRole) bool { return r == RoleAdmin || r == RoleAuditor || r == RoleUser }

// accountName reports whether a name can be that of a new account. Names of before may be
// others.
func accountName(name string) bool {
	if name == "" || len(name) > 128 || strings.HasPrefix(name, "usr_") {
		return false
	}
	for i := range len(name) {
		c := name[i]
		letter := c >= 'a' && c <= 'z' || c >= '0' && c <= '9'
		if !letter && (i == 0 || strings.IndexByte("._-+@", c) < 0) {
			return false
		}
	}
	return true
}
