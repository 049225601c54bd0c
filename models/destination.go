package models

import (
	"slices"
	"strings"
	"time"
	"unicode"
)

// DestinationKind says what sort of place a destination is.
type DestinationKind string

// The kinds of destinations.
const (
	DestinationAWS    DestinationKind = "aws_secrets_manager"
	DestinationVault  DestinationKind = "vault_kv_v2"
	DestinationMemory DestinationKind = "memory" // in this process; for tests and trying out
)

// DestinationKinds are the kinds that a person may choose.
var DestinationKinds = []DestinationKind{DestinationAWS, DestinationVault}

// Destination is a place that an environment is synced to: one AWS account and region, or
// one Vault mount.
type Destination struct {
	ID            DestinationID `gorm:"primaryKey"`
	EnvironmentID EnvironmentID
	Name          string // slug, unique in the environment
	Kind          DestinationKind
	Config        DestinationConfig `gorm:"serializer:json"`
	// Credentials are the sealed JSON of DestinationCredentials under CredentialsKeyID;
	// empty where the process's own credentials serve.
	Credentials      []byte
	CredentialsKeyID DataKeyID
	Paused           bool
	Interval         int // seconds between full passes; 0: DefaultInterval
	Revision         int64
	CreatedAt        time.Time
	UpdatedAt        time.Time
	LastFullAt       *time.Time // when the newest full pass that could be worked on began
	LastRunAt        *time.Time // when the newest run ended
	LastRunStatus    RunStatus
	LastError        string // why the destination as a whole could not be reached, or ""
}

// TableName names the table for GORM.
func (Destination) TableName() string { return "destinations" }

// DefaultInterval is the time between two full passes in seconds.
const DefaultInterval = 300

// DestinationConfig is what is not secret of a destination's settings. Fields of the other
// kind stay empty.
type DestinationConfig struct {
	Prefix   string `json:"prefix,omitempty"`    // before each name there; empty: the environment's name and a slash
	NoPrefix bool   `json:"no_prefix,omitempty"` // names there are those of the secrets, without any prefix

	Strategy     Strategy `json:"strategy,omitempty"`      // empty: KeeperWins
	BrakeMost    *int     `json:"brake_most,omitempty"`    // nil: DefaultBrakeMost; 0: no brake
	BrakePercent *int     `json:"brake_percent,omitempty"` // nil: DefaultBrakePercent; 0: no share

	Region       string `json:"region,omitempty"`
	Endpoint     string `json:"endpoint,omitempty"` // another URL than AWS's own
	RoleARN      string `json:"role_arn,omitempty"`
	ExternalID   string `json:"external_id,omitempty"`
	KMSKeyID     string `json:"kms_key_id,omitempty"`    // empty: aws/secretsmanager for new names, and whatever key for those that stand
	RecoveryDays int    `json:"recovery_days,omitempty"` // 7 to 30; 0: 30

	// WriteBurst is how many values of one secret go to AWS in quick succession, before one in
	// ten minutes; 0: 5, -1: any.
	WriteBurst int `json:"write_burst,omitempty"`

	Tags            map[string]string `json:"tags,omitempty"`            // beside Keeper's own and others'; one that is taken out here stays there
	ReplicaRegions  []string          `json:"replica_regions,omitempty"` // besides Region
	ReplicaKMSKeyID string            `json:"replica_kms_key_id,omitempty"`

	Address   string `json:"address,omitempty"`
	Namespace string `json:"namespace,omitempty"`
	Mount     string `json:"mount,omitempty"`
	CACert    string `json:"ca_cert,omitempty"` // PEM
	// AuthMethod is how to sign in to Vault; empty: as the credentials allow.
	AuthMethod VaultAuth `json:"auth_method,omitempty"`
	AuthPath   string    `json:"auth_path,omitempty"` // where the method is mounted; empty: its usual name
	AuthRole   string    `json:"auth_role,omitempty"` // at Vault, for jwt and kubernetes

	ValueKey string `json:"value_key,omitempty"` // the key of the KV entry that holds the value; empty: "value"

	Shape        Shape  `json:"shape,omitempty"`         // empty: ShapeValue
	NameTemplate string `json:"name_template,omitempty"` // of names there, after Prefix; empty: the secret's name
	BundleName   string `json:"bundle_name,omitempty"`   // for ShapeBundle: the one name there, after Prefix
	// AcceptOverlap allows names that another destination may write too.
	AcceptOverlap bool `json:"accept_overlap,omitempty"`
	DestroyDays   int  `json:"destroy_days,omitempty"` // Vault: days after a deletion until it is made final; 0: never
}

// Shape is how secrets stand at a destination.
type Shape string

// The shapes. What a destination's is never changes, since copies stand in it.
const (
	ShapeValue  Shape = "value"  // an entry for each secret, its value under ValueKey; the zero Shape too
	ShapeObject Shape = "object" // the same, but a JSON object is the entry's whole map (Vault)
	ShapeFolder Shape = "folder" // an entry for each folder: the last segment of a secret's name is its key
	ShapeBundle Shape = "bundle" // one entry for all secrets of the environment: their names are the keys
)

// Shapes are all shapes, in the order that pages show them.
var Shapes = []Shape{ShapeValue, ShapeObject, ShapeFolder, ShapeBundle}

// Whole reports whether an entry at the destination is a JSON object of keys and not one value.
func (s Shape) Whole() bool { return s == ShapeObject || s.Grouped() }

// Grouped reports whether several secrets share an entry.
func (s Shape) Grouped() bool { return s == ShapeFolder || s == ShapeBundle }

// VaultAuth is a way to sign in to Vault.
type VaultAuth string

// The ways to sign in to Vault. All but the last need credentials of the destination's own.
const (
	VaultToken      VaultAuth = "token"
	VaultAppRole    VaultAuth = "approle"
	VaultJWT        VaultAuth = "jwt"
	VaultKubernetes VaultAuth = "kubernetes" // as the service account that Keeper runs as
)

// VaultAuths are all ways to sign in to Vault.
var VaultAuths = []VaultAuth{VaultToken, VaultAppRole, VaultJWT, VaultKubernetes}

// The defaults of the brake: what one run may delete or write over at a destination without
// a person having seen it.
const (
	DefaultBrakeMost    = 50
	DefaultBrakePercent = 25
)

// Brake is what one run may take away: how many values, and which share of all.
func (c DestinationConfig) Brake() (most, percent int) {
	most, percent = DefaultBrakeMost, DefaultBrakePercent
	if c.BrakeMost != nil {
		most = *c.BrakeMost
	}
	if c.BrakePercent != nil {
		percent = *c.BrakePercent
	}
	return most, percent
}

// DestinationCredentials are the secret part of a destination's settings.
type DestinationCredentials struct {
	AccessKeyID     Plaintext
	SecretAccessKey Plaintext
	SessionToken    Plaintext
	VaultToken      Plaintext
	RoleID          Plaintext
	SecretID        Plaintext
	JWT             Plaintext // a JSON web token that Vault's JWT method accepts
}

// Validate says what is wrong with the fields that a person sets.
func (d *Destination) Validate() error {
	var problems fieldProblems
	if !slug(d.Name) {
		problems.add("name", "must be a lower-case letter, then letters, digits and dashes, 63 characters at most")
	}
	if d.Interval != 0 && (d.Interval < 10 || d.Interval > 86_400) {
		problems.add("interval_seconds", "must be between 10 and 86400")
	}
	c := d.Config
	if c.Prefix != "" && NameProblem(c.Prefix+"x") != "" {
		problems.add("config.prefix", "%s", NameProblem(c.Prefix+"x"))
	}
	c.validateMapping(d.Kind, &problems)
	c.validateGroups(&problems)
	if c.Strategy != "" && !slices.Contains(Strategies, c.Strategy) {
		problems.add("config.strategy", "must be one of %s", list(Strategies))
	}
	if most, percent := c.Brake(); most < 0 || most > 1_000_000 {
		problems.add("config.brake_most", "must be between 0 and 1000000")
	} else if percent < 0 || percent > 100 {
		problems.add("config.brake_percent", "must be between 0 and 100")
	}
	switch d.Kind {
	case DestinationAWS:
		if c.Region == "" {
			problems.add("config.region", "must name an AWS region, such as eu-central-1")
		}
		if c.RecoveryDays != 0 && (c.RecoveryDays < 7 || c.RecoveryDays > 30) {
			problems.add("config.recovery_days", "must be between 7 and 30")
		}
		if c.RoleARN != "" && !strings.HasPrefix(c.RoleARN, "arn:") {
			problems.add("config.role_arn", "must be the ARN of a role")
		}
		problems.url("config.endpoint", c.Endpoint, true)
		if c.WriteBurst < -1 || c.WriteBurst > 50 {
			problems.add("config.write_burst", "must be between 1 and 50, 0 for the default, or -1 for no bound")
		}
		c.validateBeside(&problems)
	case DestinationVault:
		problems.url("config.address", c.Address, false)
		// A path that climbs would leave the mount, and take the token with it.
		if NameProblem(strings.TrimSuffix(c.Mount, "/")) != "" {
			problems.add("config.mount", "must name a KV v2 mount, such as secret")
		}
		if c.Namespace != "" && NameProblem(strings.TrimSuffix(c.Namespace, "/")) != "" {
			problems.add("config.namespace", "must name a namespace, such as team-a/")
		}
		c.validateAuth(&problems)
		if c.ValueKey != "" && tagProblem(c.ValueKey, "") != "" {
			problems.add("config.value_key", "%s", "must be 1 to 128 characters")
		}
	case DestinationMemory:
	default:
		if !slices.Contains(DestinationKinds, d.Kind) {
			problems.add("kind", "must be one of %s", list(DestinationKinds))
		}
	}
	return problems.err("The destination is not valid.")
}

// validateAuth checks how to sign in to Vault.
func (c DestinationConfig) validateAuth(problems *fieldProblems) {
	if c.AuthMethod != "" && !slices.Contains(VaultAuths, c.AuthMethod) {
		problems.add("config.auth_method", "must be one of %s", list(VaultAuths))
	}
	if c.AuthPath != "" && NameProblem(strings.TrimSuffix(c.AuthPath, "/")) != "" {
		problems.add("config.auth_path", "must name where the method is mounted, such as kubernetes")
	}
	if c.AuthRole == "" && (c.AuthMethod == VaultJWT || c.AuthMethod == VaultKubernetes) {
		problems.add("config.auth_role", "must name the role at Vault")
	}
}

// The most that AWS takes of each, less what Keeper sets itself.
const (
	maxDestinationTags = 40
	maxReplicaRegions  = 20
)

// validateBeside checks what stands beside a value at AWS.
func (c DestinationConfig) validateBeside(problems *fieldProblems) {
	if len(c.Tags) > maxDestinationTags {
		problems.add("config.tags", "must be %d at most", maxDestinationTags)
	}
	for key, value := range c.Tags {
		switch lower := strings.ToLower(key); {
		case key == "" || len(key) > 128 || len(value) > 256 || !awsTagText(key) || !awsTagText(value):
			problems.add("config.tags", "%q must have 1 to 128 characters and a value of 256 at most: letters, digits, spaces and + - = . _ : / @", key)
		case strings.HasPrefix(lower, "aws:") || strings.HasPrefix(lower, "keeper:"):
			problems.add("config.tags", "%q begins as only AWS's and Keeper's own tags do", key)
		}
	}
	if len(c.ReplicaRegions) > maxReplicaRegions {
		problems.add("config.replica_regions", "must be %d at most", maxReplicaRegions)
	}
	for i, region := range c.ReplicaRegions {
		if !slug(region) || region == c.Region || slices.Contains(c.ReplicaRegions[:i], region) {
			problems.add("config.replica_regions", "%q must name an AWS region once, other than the destination's own", region)
		}
	}
}

func awsTagText(s string) bool {
	return !strings.ContainsFunc(s, func(r rune) bool {
		return !unicode.IsLetter(r) && !unicode.IsDigit(r) && !strings.ContainsRune(" +-=._:/@", r)
	})
}
