package migrations

import "time"

type userSignIn struct {
	Kind             name       `gorm:"size:20;not null;default:'person'"`
	Email            name       `gorm:"size:320;not null;default:''"`
	Description      name       `gorm:"size:1000;not null;default:''"`
	BreakGlass       bool       `gorm:"not null;default:false"`
	TOTPSecret       []byte     `gorm:"column:totp_secret;size:1024"`
	TOTPConfirmedAt  *time.Time `gorm:"column:totp_confirmed_at;precision:6"`
	TOTPLastStep     int64      `gorm:"column:totp_last_step;not null;default:0"`
	RightsGeneration int64      `gorm:"not null;default:0"`
	Revision         int64      `gorm:"not null;default:1"`
}

func (userSignIn) TableName() string { return "users" }

type sessionSignIn struct {
	Method           name       `gorm:"size:20;not null;default:'password'"`
	ProviderID       name       `gorm:"size:40;not null;default:''"`
	NameID           name       `gorm:"size:1024;not null;default:''"`
	SessionIndex     name       `gorm:"size:512;not null;default:''"`
	RightsGeneration int64      `gorm:"not null;default:0"`
	ProvenAt         *time.Time `gorm:"precision:6"`
}

func (sessionSignIn) TableName() string { return "sessions" }

type sessionReplaced struct {
	ReplacedBy name `gorm:"size:64;not null;default:''"`
}

func (sessionReplaced) TableName() string { return "sessions" }

type tokenOrigin struct {
	CreatedBy  name `gorm:"size:1000;not null;default:''"`
	MadeBy     name `gorm:"size:40;not null;default:''"`
	Replaces   name `gorm:"size:40;not null;default:''"`
	LastUsedBy name `gorm:"size:64;not null;default:''"`
}

func (tokenOrigin) TableName() string { return "tokens" }

type signInStep struct {
	Hash      name      `gorm:"primaryKey;size:64"`
	UserID    name      `gorm:"size:40;not null;index:sign_in_steps_user"`
	Purpose   name      `gorm:"size:40;not null"`
	Data      []byte    `gorm:"size:65536"`
	Tries     int64     `gorm:"not null"`
	CreatedAt time.Time `gorm:"precision:6;not null"`
	ExpiresAt time.Time `gorm:"precision:6;not null;index:sign_in_steps_expires"`
}

func (signInStep) TableName() string { return "sign_in_steps" }

type passkey struct {
	ID           name       `gorm:"primaryKey;size:700"`
	UserID       name       `gorm:"size:40;not null;index:passkeys_user"`
	User         *user      `gorm:"constraint:OnDelete:RESTRICT"`
	Name         prose      `gorm:"not null"`
	Credential   []byte     `gorm:"size:65536"`
	CreatedAt    time.Time  `gorm:"precision:6;not null"`
	LastUsedAt   *time.Time `gorm:"precision:6"`
	CloneWarning bool       `gorm:"not null"`
}

func (passkey) TableName() string { return "passkeys" }

type recoveryCode struct {
	Hash      name      `gorm:"primaryKey;size:64"`
	UserID    name      `gorm:"size:40;not null;index:recovery_codes_user"`
	User      *user     `gorm:"constraint:OnDelete:RESTRICT"`
	CreatedAt time.Time `gorm:"precision:6;not null"`
}

func (recoveryCode) TableName() string { return "recovery_codes" }

type attempt struct {
	Slot     name      `gorm:"primaryKey;size:64"`
	Count    int64     `gorm:"not null"`
	StartsAt time.Time `gorm:"precision:6;not null"`
	EndsAt   time.Time `gorm:"precision:6;not null;index:attempts_ends"`
}

func (attempt) TableName() string { return "attempts" }

type provider struct {
	ID        name `gorm:"primaryKey;size:40"`
	Name      name `gorm:"size:63;not null;uniqueIndex:providers_name"`
	Enabled   bool `gorm:"not null"`
	Config    prose
	Metadata  []byte     `gorm:"size:1048576"`
	FetchedAt *time.Time `gorm:"precision:6"`
	Key       []byte     `gorm:"size:65536"`
	Cert      []byte     `gorm:"size:65536"`
	Revision  int64      `gorm:"not null"`
	CreatedAt time.Time  `gorm:"precision:6;not null"`
	UpdatedAt time.Time  `gorm:"precision:6;not null"`
	LastError prose      `gorm:"not null"`
}

func (provider) TableName() string { return "providers" }

type identity struct {
	ProviderID   name      `gorm:"primaryKey;size:40"`
	Provider     *provider `gorm:"constraint:OnDelete:RESTRICT"`
	Subject      name      `gorm:"primaryKey;size:64"`
	NameID       prose     `gorm:"not null"`
	UserID       name      `gorm:"size:40;not null;index:identities_user"`
	User         *user     `gorm:"constraint:OnDelete:RESTRICT"`
	Groups       prose
	CreatedAt    time.Time `gorm:"precision:6;not null"`
	LastSignInAt time.Time `gorm:"precision:6;not null"`
}

func (identity) TableName() string { return "identities" }

type group struct {
	ID          name      `gorm:"primaryKey;size:40"`
	ProviderID  name      `gorm:"size:40;not null;uniqueIndex:groups_provider_name,priority:1"`
	Name        name      `gorm:"size:255;not null;uniqueIndex:groups_provider_name,priority:2"`
	Description prose     `gorm:"not null"`
	Role        name      `gorm:"size:20;not null"`
	Revision    int64     `gorm:"not null"`
	CreatedAt   time.Time `gorm:"precision:6;not null"`
	UpdatedAt   time.Time `gorm:"precision:6;not null"`
}

func (group) TableName() string { return "user_groups" }

type groupMember struct {
	GroupID   name      `gorm:"primaryKey;size:40"`
	Group     *group    `gorm:"constraint:OnDelete:RESTRICT"`
	UserID    name      `gorm:"primaryKey;size:40;index:group_members_user"`
	User      *user     `gorm:"constraint:OnDelete:RESTRICT"`
	CreatedAt time.Time `gorm:"precision:6;not null"`
}

func (groupMember) TableName() string { return "group_members" }

type groupRole struct {
	GroupID       name         `gorm:"primaryKey;size:40"`
	Group         *group       `gorm:"constraint:OnDelete:RESTRICT"`
	EnvironmentID int64        `gorm:"primaryKey;autoIncrement:false;index:group_roles_environment"`
	Environment   *environment `gorm:"constraint:OnDelete:RESTRICT"`
	Role          name         `gorm:"size:20;not null"`
	CreatedAt     time.Time    `gorm:"precision:6;not null"`
}

func (groupRole) TableName() string { return "group_roles" }

type samlRequest struct {
	RelayState name      `gorm:"primaryKey;size:64"`
	RequestID  name      `gorm:"size:255;not null"`
	ProviderID name      `gorm:"size:40;not null"`
	ReturnTo   prose     `gorm:"not null"`
	Browser    name      `gorm:"size:64;not null"`
	CreatedAt  time.Time `gorm:"precision:6;not null"`
	ExpiresAt  time.Time `gorm:"precision:6;not null;index:saml_requests_expires"`
}

func (samlRequest) TableName() string { return "saml_requests" }

type samlAssertion struct {
	Hash      name      `gorm:"primaryKey;size:64"`
	ExpiresAt time.Time `gorm:"precision:6;not null;index:saml_assertions_expires"`
}

func (samlAssertion) TableName() string { return "saml_assertions" }

type environmentProtected struct {
	Protected bool `gorm:"not null;default:false"`
}

func (environmentProtected) TableName() string { return "environments" }
