package models

import "time"

// PlanStatus is how a plan stands.
type PlanStatus string

// The statuses of a plan.
const (
	PlanDraft     PlanStatus = "draft"     // made, to be looked at
	PlanHeld      PlanStatus = "held"      // of a run that the brake stopped: a person has to look
	PlanApplying  PlanStatus = "applying"  // its run is queued or under way
	PlanApplied   PlanStatus = "applied"   // carried out; its run tells how
	PlanRefused   PlanStatus = "refused"   // something had moved, or its run was cut off: the reason says which
	PlanDiscarded PlanStatus = "discarded" // nobody wants it any more, or a newer one took its place
)

// Open reports whether the plan can still be applied.
func (s PlanStatus) Open() bool { return s == PlanDraft || s == PlanHeld }

// Plan is what a run over a destination would do, saved before it is done. It holds no values.
type Plan struct {
	ID            PlanID `gorm:"primaryKey"`
	DestinationID DestinationID
	EnvironmentID EnvironmentID
	Status        PlanStatus
	Full          bool
	Reason        string     // why it is held, or was refused; "" else
	Digest        string     // SHA-256 over its items, lower-case hex
	Counts        PlanCounts `gorm:"serializer:json"`
	CreatedAt     time.Time
	CreatedBy     string
	DecidedAt     *time.Time // when it was applied, refused or discarded
	DecidedBy     string
	RunID         RunID // the run that applies it, or that was stopped for it
}

// TableName names the table for GORM.
func (Plan) TableName() string { return "plans" }

// PlanCounts says what a plan would do, how many calls that takes, and how long.
type PlanCounts struct {
	Looked     int            `json:"looked"` // entries that were looked at
	Creates    int            `json:"creates"`
	Updates    int            `json:"updates"`
	Overwrites int            `json:"overwrites"` // of Repairs: over a value that Keeper did not write
	Repairs    int            `json:"repairs"`
	Restores   int            `json:"restores"`
	Deletes    int            `json:"deletes"`
	Takes      int            `json:"takes"`
	Marks      int            `json:"marks"`
	Tunes      int            `json:"tunes,omitempty"`  // what stands beside a value is brought in line
	Lost       int            `json:"lost"`             // values that it takes away, as the brake counts them
	Values     int            `json:"values,omitempty"` // that there are, where an entry holds several; 0: as many as Looked
	Held       int            `json:"held"`
	Refused    int            `json:"refused"`  // not Keeper's, or in conflict
	Problems   int            `json:"problems"` // too large, a bad name, not readable
	Calls      map[string]int `json:"calls"`    // of the destination, by kind
	Seconds    float64        `json:"seconds"`  // at the rate that the quota allows
}

// Changes is how many entries the plan would change, here or there.
func (c PlanCounts) Changes() int {
	return c.Creates + c.Updates + c.Repairs + c.Restores + c.Deletes + c.Takes + c.Marks + c.Tunes
}

// PlanItem is one secret of a plan: what would be done about it, and what that rests on.
type PlanItem struct {
	PlanID        PlanID   `gorm:"primaryKey"`
	SecretID      SecretID `gorm:"primaryKey;autoIncrement:false"`
	SecretName    string
	RemoteName    string
	Status        SyncStatus
	Action        SyncAction
	Version       VersionNumber // that is desired; 0: deleted in Keeper
	RemoteVersion string        // that stood there; "": nothing did
	Why           string
	Problem       string
	Hint          string
}

// TableName names the table for GORM.
func (PlanItem) TableName() string { return "plan_items" }

// SyncHold is a difference that waits for a person: both sides by what may be shown of them.
type SyncHold struct {
	// Group is the entry that the secret shares with others, where the difference is that of all
	// of them; Version is the entry's then. nil: the secret's own.
	Group *SyncGroup `gorm:"-"`
	// Keeper is what is known of Version; of an entry that secrets share, what is known of the one
	// that its secrets make together now, without an author. Zero: gone, not asked for or not to
	// be seen.
	Keeper SecretVersion `gorm:"-"`

	SecretID        SecretID      `gorm:"primaryKey;autoIncrement:false"`
	DestinationID   DestinationID `gorm:"primaryKey"`
	Status          SyncStatus
	Why             string
	Version         VersionNumber // Keeper's
	RemoteVersion   string        // "": nothing is there
	RemoteHash      []byte        // keyed hash of the value there; nil: not read, or nothing there
	RemoteSize      int
	RemoteChangedAt *time.Time
	HeldAt          time.Time
	Ruling          Side // "": nobody has decided
	RuledBy         string
	RuledAt         *time.Time
}

// TableName names the table for GORM.
func (SyncHold) TableName() string { return "sync_holds" }
