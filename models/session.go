package models

import "time"

// SignInMethod is how a person proved who it is.
type SignInMethod string

// The ways to sign in.
const (
	ByPassword     SignInMethod = "password"
	ByTOTP         SignInMethod = "totp" // password and a code
	ByPasskey      SignInMethod = "passkey"
	ByRecoveryCode SignInMethod = "recovery_code" // password and a recovery code
	BySAML         SignInMethod = "saml"
)

// Session is a browser's sign-in. The cookie holds the identifier, the row its keyed hash.
type Session struct {
	Hash             string `gorm:"primaryKey"` // lower-case hex
	UserID           UserID
	Data             []byte // flash messages and the like, encoded by the web; no secrets
	Address          string
	UserAgent        string
	Method           SignInMethod
	ProviderID       ProviderID // the SAML provider, and what it knows the sign-in by
	NameID           string
	NameIDFormat     string
	SessionIndex     string
	RightsGeneration int64      // of the user, when the identifier was made
	ProvenAt         *time.Time // when the person last proved who it is
	CreatedAt        time.Time
	LastSeenAt       time.Time
	ExpiresAt        time.Time // absolute end
	ReplacedBy       string    // the hash of the identifier that took over from this one, which still serves for a moment
}

// TableName names the table for GORM.
func (Session) TableName() string { return "sessions" }

// SignInStep is a sign-in, or another proof of who somebody is, that waits for its second
// step. The browser holds its identifier, the row the keyed hash.
type SignInStep struct {
	Hash      string `gorm:"primaryKey"`
	UserID    UserID // "": not known yet, as with a passkey
	Purpose   string // "second_factor", "passkey_sign_in", "passkey_register", "prove"
	Data      []byte // what the step needs to be checked, as WebAuthn's session data; no secrets
	Tries     int
	CreatedAt time.Time
	ExpiresAt time.Time
}

// TableName names the table for GORM.
func (SignInStep) TableName() string { return "sign_in_steps" }

// Passkey is a WebAuthn credential of a user.
type Passkey struct {
	ID           string `gorm:"primaryKey"` // base64url of the credential id
	UserID       UserID
	Name         string
	Credential   []byte // JSON of the library's credential: public key, counters, flags
	CreatedAt    time.Time
	LastUsedAt   *time.Time
	CloneWarning bool // its counter went back: somebody may have copied it
}

// TableName names the table for GORM.
func (Passkey) TableName() string { return "passkeys" }

// RecoveryCode signs a person in once who has lost the second factor.
type RecoveryCode struct {
	Hash      string `gorm:"primaryKey"` // keyed, lower-case hex
	UserID    UserID
	CreatedAt time.Time
}

// TableName names the table for GORM.
func (RecoveryCode) TableName() string { return "recovery_codes" }

// Attempt counts tries of something within a window, for all replicas.
type Attempt struct {
	Slot     string `gorm:"primaryKey"` // keyed hash of what is counted
	Count    int
	StartsAt time.Time
	EndsAt   time.Time
}

// TableName names the table for GORM.
func (Attempt) TableName() string { return "attempts" }
