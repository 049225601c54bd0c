package models

import "time"

// KeyPurpose says what a data key is for.
type KeyPurpose string

// The purposes of data keys.
const (
	PurposeSeal KeyPurpose = "seal" // seals versions and credentials with AES-256-GCM
	PurposeHash KeyPurpose = "hash" // keys the HMAC by which values are compared; one per environment
)

// RecipientKind says who can open a wrapped key.
type RecipientKind string

// The kinds of recipients.
const (
	RecipientLocal    RecipientKind = "local"    // Keeper's own master key
	RecipientKMS      RecipientKind = "kms"      // a key in AWS KMS
	RecipientRecovery RecipientKind = "recovery" // an offline age key
	RecipientDevice   RecipientKind = "device"   // a machine client's key
	RecipientUser     RecipientKind = "user"     // a person's key
)

// DataKey is an AES-256 key of an environment. The row holds no key material: that stands,
// wrapped, in WrappedKey.
type DataKey struct {
	ID            DataKeyID `gorm:"primaryKey"`
	EnvironmentID EnvironmentID
	Purpose       KeyPurpose
	// Check commits to the key: kms.CheckSize bytes of a keyed hash of the key's own id, so that a
	// wrapped key that opens to another key is told from the right one. Empty in rows that
	// are older than it.
	Check     []byte `gorm:"column:key_check"`
	Uses      int64  // how many sealings are reserved; at most MaxUses
	MaxUses   int64  // 1: a key per version
	CreatedAt time.Time
	RetireAt  time.Time // no new sealing after this
}

// TableName names the table for GORM.
func (DataKey) TableName() string { return "data_keys" }

// WrappedKey is one data key, wrapped for one recipient. Any one of a data key's rows is
// enough to open it.
type WrappedKey struct {
	DataKeyID     DataKeyID     `gorm:"primaryKey"`
	RecipientKind RecipientKind `gorm:"primaryKey"`
	RecipientID   string        `gorm:"primaryKey"` // KMS key ARN, or the local key's id with its version
	Blob          []byte
	CreatedAt     time.Time
}

// TableName names the table for GORM.
func (WrappedKey) TableName() string { return "wrapped_keys" }

// Recipient is one for whom an environment's data keys are wrapped besides its own wrapping
// key: any one of them opens everything alone.
type Recipient struct {
	EnvironmentID EnvironmentID `gorm:"primaryKey;autoIncrement:false"`
	Kind          RecipientKind `gorm:"primaryKey"` // RecipientKMS or RecipientRecovery
	Key           string        `gorm:"primaryKey"` // ARN of a KMS key, or an age recipient: "age1…"
	Label         string        // for people: "safe in Zürich"
	CreatedAt     time.Time
	CreatedBy     string
}

// TableName names the table for GORM.
func (Recipient) TableName() string { return "recipients" }

// KeyDrill is the last try to open an environment's sample by one recipient alone.
type KeyDrill struct {
	EnvironmentID EnvironmentID `gorm:"primaryKey;autoIncrement:false"`
	RecipientKind RecipientKind `gorm:"primaryKey"`
	RecipientID   string        `gorm:"primaryKey"` // as WrappedKey.RecipientID
	TriedAt       time.Time
	ProvedAt      *time.Time // the last time that it opened; nil: never
	Error         string     // of the last try; empty: it opened
	Actor         string
}

// TableName names the table for GORM.
func (KeyDrill) TableName() string { return "key_drills" }

// KeyRunKind is what a KeyRun does.
type KeyRunKind string

// The kinds of key runs.
const (
	KeyRewrap    KeyRunKind = "rewrap"    // wraps data keys for exactly those for whom they should be
	KeyReencrypt KeyRunKind = "reencrypt" // seals versions and credentials anew under new data keys
	KeyMigrate   KeyRunKind = "migrate"   // a rewrap to another backend, each version opened before the old wrap goes
	KeyScrub     KeyRunKind = "scrub"     // opens everything and changes nothing
)

// KeyRunStatus is how a KeyRun stands or ended.
type KeyRunStatus string

// The statuses of a key run.
const (
	KeyRunQueued    KeyRunStatus = "queued"
	KeyRunRunning   KeyRunStatus = "running"
	KeyRunSucceeded KeyRunStatus = "succeeded" // all is done; of a scrub: nothing is damaged, all was read
	KeyRunPartial   KeyRunStatus = "partial"   // it went through, with findings
	KeyRunFailed    KeyRunStatus = "failed"    // it could not go on; asked for again it starts where it stood
	KeyRunCancelled KeyRunStatus = "cancelled" // what was done stays and is whole
)

// Ended reports whether the run will not go on by itself.
func (s KeyRunStatus) Ended() bool { return s != KeyRunQueued && s != KeyRunRunning }

// KeyRun is one long work on keys: durable, resumed where it stood after a crash.
type KeyRun struct {
	ID            KeyRunID `gorm:"primaryKey"`
	Kind          KeyRunKind
	EnvironmentID EnvironmentID // 0: all environments, of a scrub
	FromKey       string        // recipient id that nothing shall stand under in the end; "": whatever is not wanted
	ToKey         string        // recipient id of the wrapping key that new and old data keys are wrapped under
	Status        KeyRunStatus
	Total         int64  // data keys of a rewrap or migration, versions and credentials of the others
	Done          int64  // of Total
	Failed        int64  // of Done: damaged, or not to be opened now
	Calls         int64  // of the key backend
	Cursor        string // where it goes on, kind's own
	Remaining     int64  // what still stood under FromKey when it was last looked
	Error         string
	Hint          string
	CreatedAt     time.Time
	CreatedBy     string
	StartedAt     *time.Time
	UpdatedAt     time.Time
	FinishedAt    *time.Time
}

// TableName names the table for GORM.
func (KeyRun) TableName() string { return "key_runs" }

// KeyFindingKind says what is wrong with what a key run came across.
type KeyFindingKind string

// The kinds of findings.
const (
	FindingDamaged KeyFindingKind = "damaged" // was changed, moved or lost: it will not open by waiting
	FindingUnknown KeyFindingKind = "unknown" // could not be looked at now
)

// KeyFinding is one thing that a key run could not open. It names it and holds no value.
type KeyFinding struct {
	ID            int64 `gorm:"primaryKey;autoIncrement"`
	RunID         KeyRunID
	Kind          KeyFindingKind
	EnvironmentID EnvironmentID
	ObjectKind    string        // "version", "credentials", "wrapped key", "data key", "secret"
	Object        string        // for people: "payments/stripe/api-key, version 3"
	SecretID      SecretID      // 0: none
	Version       VersionNumber // 0: none
	DataKeyID     DataKeyID
	Problem       string
	At            time.Time
}

// TableName names the table for GORM.
func (KeyFinding) TableName() string { return "key_findings" }
