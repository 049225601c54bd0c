package migrations

import "time"

type plan struct {
	ID            name         `gorm:"primaryKey;size:40"`
	DestinationID name         `gorm:"size:40;not null;index:plans_destination,priority:1"`
	Destination   *destination `gorm:"constraint:OnDelete:RESTRICT"`
	EnvironmentID int64        `gorm:"not null;index:plans_environment,priority:1"`
	Status        name         `gorm:"size:20;not null"`
	Full          bool         `gorm:"not null"`
	Reason        prose        `gorm:"not null"`
	Digest        name         `gorm:"size:64;not null"`
	Counts        prose        `gorm:"size:1048576"`
	CreatedAt     time.Time    `gorm:"precision:6;not null;index:plans_destination,priority:2;index:plans_environment,priority:2"`
	CreatedBy     prose        `gorm:"not null"`
	DecidedAt     *time.Time   `gorm:"precision:6"`
	DecidedBy     prose        `gorm:"not null"`
	RunID         name         `gorm:"size:40;not null"`
}

func (plan) TableName() string { return "plans" }

// planItem has no key to the secret, so that plans outlive a purge.
type planItem struct {
	PlanID        name  `gorm:"primaryKey;size:40"`
	Plan          *plan `gorm:"constraint:OnDelete:RESTRICT"`
	SecretID      int64 `gorm:"primaryKey;autoIncrement:false"`
	SecretName    name  `gorm:"size:512;not null"`
	RemoteName    name  `gorm:"size:2048;not null"`
	Status        name  `gorm:"size:20;not null"`
	Action        name  `gorm:"size:20;not null"`
	Version       int64 `gorm:"not null"`
	RemoteVersion name  `gorm:"size:255;not null"`
	Why           prose `gorm:"not null"`
	Problem       prose `gorm:"not null"`
	Hint          prose `gorm:"not null"`
}

func (planItem) TableName() string { return "plan_items" }

type syncHold struct {
	SecretID        int64        `gorm:"primaryKey;autoIncrement:false"`
	Secret          *secret      `gorm:"constraint:OnDelete:RESTRICT"`
	DestinationID   name         `gorm:"primaryKey;size:40;index:sync_holds_destination"`
	Destination     *destination `gorm:"constraint:OnDelete:RESTRICT"`
	Status          name         `gorm:"size:20;not null"`
	Why             prose        `gorm:"not null"`
	Version         int64        `gorm:"not null"`
	RemoteVersion   name         `gorm:"size:255;not null"`
	RemoteHash      []byte       `gorm:"size:64"`
	RemoteSize      int64        `gorm:"not null"`
	RemoteChangedAt *time.Time   `gorm:"precision:6"`
	HeldAt          time.Time    `gorm:"precision:6;not null"`
	Ruling          name         `gorm:"size:20;not null"`
	RuledBy         prose        `gorm:"not null"`
	RuledAt         *time.Time   `gorm:"precision:6"`
}

func (syncHold) TableName() string { return "sync_holds" }

// runDecisions are the columns that sync_runs got for values taken and held.
type runDecisions struct {
	Taken  int64 `gorm:"not null;default:0"`
	Held   int64 `gorm:"not null;default:0"`
	PlanID name  `gorm:"size:40;not null;default:''"`
}

func (runDecisions) TableName() string { return "sync_runs" }

// runProgress are the columns that sync_runs got for how far a run is, and of what it is the retry.
type runProgress struct {
	Done    int64   `gorm:"not null;default:0"`
	Total   int64   `gorm:"not null;default:0"`
	Writes  int64   `gorm:"not null;default:0"`
	Seconds float64 `gorm:"not null;default:0"`
	RetryOf name    `gorm:"size:40;not null;default:''"`
}

func (runProgress) TableName() string { return "sync_runs" }
