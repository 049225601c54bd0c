package models

import "time"

// Provider is a SAML identity provider.
type Provider struct {
	ID        ProviderID `gorm:"primaryKey"`
	Name      string     // slug, unique; part of the addresses that the provider is told
	Enabled   bool
	Config    ProviderConfig `gorm:"serializer:json"`
	Metadata  []byte         // XML, the last that was good
	FetchedAt *time.Time     // when, where it comes from a URL
	Key       []byte         `json:"-"` // sealed PKCS#8 of Keeper's key for this provider
	Cert      []byte         // PEM of its certificate, and of those before that still hold
	Revision  int64
	CreatedAt time.Time
	UpdatedAt time.Time
	LastError string
}

// TableName names the table for GORM.
func (Provider) TableName() string { return "providers" }

// ProviderConfig is what a person sets of a provider.
type ProviderConfig struct {
	DisplayName       string `json:"display_name,omitempty"`
	MetadataURL       string `json:"metadata_url,omitempty"`
	EntityID          string `json:"entity_id,omitempty"` // Keeper's; empty: the address of its metadata
	NameIDFormat      string `json:"name_id_format,omitempty"`
	UsernameAttribute string `json:"username_attribute,omitempty"` // empty: the NameID
	EmailAttribute    string `json:"email_attribute,omitempty"`
	NameAttribute     string `json:"name_attribute,omitempty"`
	GroupsAttribute   string `json:"groups_attribute,omitempty"` // empty: groups
	AllowIDPInitiated bool   `json:"allow_idp_initiated,omitempty"`
	AllowResponseOnly bool   `json:"allow_response_only,omitempty"` // signed responses with unsigned assertions
	EncryptAssertions bool   `json:"encrypt_assertions,omitempty"`
	CreateUsers       bool   `json:"create_users,omitempty"` // just in time, for people with a mapped group
	MaxClockSkew      int    `json:"max_clock_skew_seconds,omitempty"`
	MaxAge            int    `json:"max_age_seconds,omitempty"` // between the provider's issue and the answer's arrival
}

// Identity is how a provider knows a user.
type Identity struct {
	ProviderID   ProviderID `gorm:"primaryKey"`
	Subject      string     `gorm:"primaryKey"` // hash of the NameID, so that any length fits an index
	NameID       string
	UserID       UserID
	Groups       []string `gorm:"serializer:json"` // of the last sign-in, the mapped ones and the others
	CreatedAt    time.Time
	LastSignInAt time.Time
}

// TableName names the table for GORM.
func (Identity) TableName() string { return "identities" }

// SAMLRequest is a sign-in that was sent to a provider and waits for the answer.
type SAMLRequest struct {
	RelayState string     `gorm:"primaryKey"` // random, keyed hash
	RequestID  string     // that the answer must name
	ProviderID ProviderID //
	ReturnTo   string     // a local path
	Browser    string     // keyed hash of what the browser holds, so that another's answer does not sign it in
	CreatedAt  time.Time
	ExpiresAt  time.Time
}

// TableName names the table for GORM.
func (SAMLRequest) TableName() string { return "saml_requests" }

// SAMLAssertion remembers an assertion that was used until it expires.
type SAMLAssertion struct {
	Hash      string `gorm:"primaryKey"` // of provider and assertion id
	ExpiresAt time.Time
}

// TableName names the table for GORM.
func (SAMLAssertion) TableName() string { return "saml_assertions" }
