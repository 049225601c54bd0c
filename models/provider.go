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
	Key       []byte         `json:"-"` // Keeper's keys for this provider, PEM in the order of Cert, sealed
	Cert      []byte         // PEM of their certificates; the first signs, all decrypt
	TestedAt  *time.Time     // when a test sign-in last went well with the settings as they are
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
	Groups       []string `gorm:"serializer:json"` // that counted at the last sign-in; none before the first
	CreatedAt    time.Time
	LastSignInAt time.Time // before the first one, when the account was linked; see SignedIn
}

// SignedIn is when the provider last let the person in; the zero time where it has only been
// linked so far. Nobody is let in without a group that counts.
func (i Identity) SignedIn() time.Time {
	if len(i.Groups) == 0 {
		return time.Time{}
	}
	return i.LastSignInAt
}

// TableName names the table for GORM.
func (Identity) TableName() string { return "identities" }

// SAMLRequest is a sign-in or a logout that was sent to a provider and waits for the answer.
type SAMLRequest struct {
	RelayState string     `gorm:"primaryKey"` // random, keyed hash
	RequestID  string     // that the answer must name
	Kind       string     // "sign_in" or "logout"
	Purpose    string     // what a sign-in is for; "": a session
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

// Validate says what is wrong with the fields that an administrator sets. Which addresses a
// provider may have is for the package that talks to it.
func (p *Provider) Validate() error {
	var problems fieldProblems
	if !slug(p.Name) {
		problems.add("name", "must be a lower-case letter, then letters, digits and dashes, 63 at most: it stands in addresses")
	}
	c := p.Config
	problems.text("display_name", c.DisplayName, 100)
	problems.text("metadata_url", c.MetadataURL, 2048)
	problems.text("entity_id", c.EntityID, 1024)
	problems.text("name_id_format", c.NameIDFormat, 255)
	problems.text("username_attribute", c.UsernameAttribute, 255)
	problems.text("email_attribute", c.EmailAttribute, 255)
	problems.text("name_attribute", c.NameAttribute, 255)
	problems.text("groups_attribute", c.GroupsAttribute, 255)
	if c.MaxClockSkew < 0 || c.MaxClockSkew > 900 {
		problems.add("max_clock_skew_seconds", "must be between 0 and 900")
	}
	if c.MaxAge < 0 || c.MaxAge > 3600 {
		problems.add("max_age_seconds", "must be between 0 and 3600")
	}
	return problems.err("The identity provider is not valid.")
}

// Label is what people call the provider.
func (p *Provider) Label() string {
	if p.Config.DisplayName != "" {
		return p.Config.DisplayName
	}
	return p.Name
}
