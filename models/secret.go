package models

import (
	"slices"
	"strings"
	"time"

	"github.com/your-org/keeper/fault"
)

// Limits of a secret, those of AWS Secrets Manager.
const (
	MaxNameLength = 512    // characters
	MaxValueSize  = 65_536 // bytes
	MaxTags       = 40     // AWS allows 50; ten are left for Keeper's own

	MaxCommentLength = 1000 // characters; Keeper's own limit
)

// SecretType says what a value is, and with that how it is checked and shown.
type SecretType string

// The types of secrets.
const (
	Password    SecretType = "PASSWORD"
	APIKey      SecretType = "API_KEY"
	SSHKey      SecretType = "SSH_KEY"
	Certificate SecretType = "CERTIFICATE"
	JSON        SecretType = "JSON"
	YAML        SecretType = "YAML"
	Text        SecretType = "TEXT"
)

// SecretTypes are all types, in the order that forms show them.
var SecretTypes = []SecretType{Password, APIKey, SSHKey, Certificate, JSON, YAML, Text}

// ParseSecretType reads a type in either case.
func ParseSecretType(s string) (SecretType, error) {
	t := SecretType(strings.ToUpper(s))
	if !slices.Contains(SecretTypes, t) {
		return "", fault.InvalidField("secret_type", "must be one of %s", list(SecretTypes))
	}
	return t, nil
}

// Secret is a named value of a type in an environment, without the value: that stands in
// its versions.
type Secret struct {
	ID             SecretID `gorm:"primaryKey;autoIncrement"`
	EnvironmentID  EnvironmentID
	Name           string
	Type           SecretType
	Description    string
	Owner          string            // who answers for it: a person or a team, free text
	Tags           map[string]string `gorm:"serializer:json"`
	ExpiresAt      *time.Time        // when the value stops being good, as its owner said
	RotateEvery    int               // days between changes of the value; 0: no reminder
	CurrentVersion VersionNumber
	CurrentSize    int        // bytes of the current value
	Facts          Facts      `gorm:"serializer:json"` // of the current version
	Revision       int64      // grows with every change of value or description; the ETag
	DeletedAt      *time.Time // set: deleted, can be undeleted until PurgeAfter
	PurgeAfter     *time.Time
	CreatedAt      time.Time
	CreatedBy      string // actor's display name at that time
	UpdatedAt      time.Time
	UpdatedBy      string
	ValueChangedAt time.Time // when CurrentVersion became current
}

// TableName names the table for GORM.
func (Secret) TableName() string { return "secrets" }

// Deleted reports whether the secret is deleted and can be undeleted.
func (s *Secret) Deleted() bool { return s.DeletedAt != nil }

// RotationDueAt is when the value should be changed, or nil where nobody asked for that.
func (s *Secret) RotationDueAt() *time.Time {
	if s.RotateEvery <= 0 {
		return nil
	}
	due := s.ValueChangedAt.AddDate(0, 0, s.RotateEvery)
	return &due
}

// Validate says what is wrong with the fields that a person sets; the value is checked by
// its type elsewhere.
func (s *Secret) Validate() error {
	var problems fieldProblems
	if reason := NameProblem(s.Name); reason != "" {
		problems.add("name", "%s", reason)
	}
	if !slices.Contains(SecretTypes, s.Type) {
		problems.add("secret_type", "must be one of %s", list(SecretTypes))
	}
	problems.text("description", s.Description, 2048)
	problems.text("owner", s.Owner, 200)
	if len(s.Tags) > MaxTags {
		problems.add("tags", "must be %d at most", MaxTags)
	}
	for key, value := range s.Tags {
		if reason := tagProblem(key, value); reason != "" {
			problems.add("tags", "%s", reason)
			break
		}
	}
	if s.ExpiresAt != nil && (s.ExpiresAt.Year() < 1970 || s.ExpiresAt.Year() > 9998) {
		problems.add("expires_at", "must lie between the years 1970 and 9998")
	}
	if s.RotateEvery < 0 || s.RotateEvery > 3650 {
		problems.add("rotate_every_days", "must be between 0 and 3650")
	}
	return problems.err("The secret is not valid.")
}

// NameProblem says what is wrong with a secret's name, or "" where nothing is. The rule is
// that of AWS Secrets Manager (CreateSecret, Name) plus what Vault's paths refuse: no empty,
// "." or ".." segment.
func NameProblem(name string) string {
	if name == "" {
		return "must not be empty"
	}
	if len(name) > MaxNameLength {
		return "must be 512 characters at most"
	}
	for i := range len(name) {
		if !nameByte(name[i]) {
			return "may hold only letters, digits and / _ + = . @ -"
		}
	}
	for segment := range strings.SplitSeq(name, "/") {
		if segment == "" || segment == "." || segment == ".." {
			return "must not begin or end with a slash, nor hold an empty, . or .. segment"
		}
	}
	return ""
}

// nameByte reports whether a name may hold the character.
func nameByte(c byte) bool {
	letter := c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c >= '0' && c <= '9'
	return letter || strings.IndexByte("/_+=.@-", c) >= 0
}

func tagProblem(key, value string) string {
	switch {
	case badText(key) || badText(value):
		return "must be valid UTF-8 without NUL"
	case key == "" || len(key) > 128:
		return "must have keys of 1 to 128 characters"
	case len(value) > 256:
		return "must have values of 256 characters at most"
	case strings.HasPrefix(strings.ToLower(key), "aws:") || strings.HasPrefix(strings.ToLower(key), "keeper:"):
		return "must not have keys that begin with aws: or keeper:"
	}
	return ""
}

// SecretVersion is one immutable value of a secret, sealed.
type SecretVersion struct {
	SecretID   SecretID      `gorm:"primaryKey;autoIncrement:false"`
	Number     VersionNumber `gorm:"primaryKey;autoIncrement:false"`
	DataKeyID  DataKeyID
	Format     int    // of the sealing; kms.Format
	Ciphertext []byte // nonce, ciphertext and tag
	Hash       []byte // keyed hash of the value, 32 bytes, to compare without opening
	Size       int    // bytes of the value
	Type       SecretType
	Facts      Facts `gorm:"serializer:json"`
	Comment    string
	RolledFrom VersionNumber // the version whose value this one brought back; 0: none
	CreatedAt  time.Time
	CreatedBy  string
}

// TableName names the table for GORM.
func (SecretVersion) TableName() string { return "secret_versions" }

// Validate says what is wrong with the fields that a person sets.
func (v *SecretVersion) Validate() error {
	var problems fieldProblems
	problems.text("comment", v.Comment, MaxCommentLength)
	return problems.err("The version is not valid.")
}

// Facts is what may be shown of a value without showing it.
type Facts struct {
	Certificate *CertificateFacts `json:"certificate,omitempty"`
	SSHKey      *SSHKeyFacts      `json:"ssh_key,omitempty"`
	Keys        []string          `json:"keys,omitempty"` // top-level keys of a JSON or YAML object, sorted, 100 at most
}

// CertificateFacts describes the first certificate of a chain.
type CertificateFacts struct {
	Subject           string    `json:"subject"`
	Issuer            string    `json:"issuer"`
	DNSNames          []string  `json:"dns_names,omitempty"`
	NotBefore         time.Time `json:"not_before"`
	NotAfter          time.Time `json:"not_after"`
	FingerprintSHA256 string    `json:"fingerprint_sha256"` // lower-case hex
	ChainLength       int       `json:"chain_length"`
	HasPrivateKey     bool      `json:"has_private_key"`
}

// SSHKeyFacts describes a key pair by its public half.
type SSHKeyFacts struct {
	Kind        string `json:"kind"`        // "ssh-ed25519"
	Fingerprint string `json:"fingerprint"` // "SHA256:…", as ssh-keygen -l prints it; empty for an encrypted key
	Encrypted   bool   `json:"encrypted"`   // guarded by a passphrase
}

func contains[T comparable](all []T, one T) bool { return slices.Contains(all, one) }

func list[T ~string](all []T) string {
	words := make([]string, len(all))
	for i, w := range all {
		words[i] = string(w)
	}
	return strings.Join(words, ", ")
}
