package migrations

import "time"

type destination struct {
	ID               name         `gorm:"primaryKey;size:40"`
	EnvironmentID    int64        `gorm:"not null;uniqueIndex:destinations_environment_name,priority:1"`
	Environment      *environment `gorm:"constraint:OnDelete:RESTRICT"`
	Name             name         `gorm:"size:63;not null;uniqueIndex:destinations_environment_name,priority:2"`
	Kind             name         `gorm:"size:40;not null"`
	Config           prose        `gorm:"size:1048576"`
	Credentials      []byte       `gorm:"size:1048576"`
	CredentialsKeyID name         `gorm:"size:40;not null"`
	Paused           bool         `gorm:"not null"`
	Interval         int64        `gorm:"not null"`
	Revision         int64        `gorm:"not null"`
	CreatedAt        time.Time    `gorm:"precision:6;not null"`
	UpdatedAt        time.Time    `gorm:"precision:6;not null"`
	LastFullAt       *time.Time   `gorm:"precision:6"`
	LastRunAt        *time.Time   `gorm:"precision:6"`
	LastRunStatus    name         `gorm:"size:20;not null"`
	LastError        prose        `gorm:"not null"`
}

func (destination) TableName() string { return "destinations" }

type syncState struct {
	SecretID          int64        `gorm:"primaryKey;autoIncrement:false"`
	Secret            *secret      `gorm:"constraint:OnDelete:RESTRICT"`
	DestinationID     name         `gorm:"primaryKey;size:40;index:sync_states_dirty,priority:1;index:sync_states_next_try,priority:1"`
	Destination       *destination `gorm:"constraint:OnDelete:RESTRICT"`
	RemoteName        name         `gorm:"size:2048;not null"`
	Status            name         `gorm:"size:20;not null"`
	Since             time.Time    `gorm:"precision:6;not null"`
	Dirty             bool         `gorm:"not null;index:sync_states_dirty,priority:2"`
	BaseHash          []byte       `gorm:"size:64"`
	BaseVersion       int64        `gorm:"not null"`
	BaseRemoteVersion name         `gorm:"size:255;not null"`
	BaseAt            *time.Time   `gorm:"precision:6"`
	IntentHash        []byte       `gorm:"size:64"`
	IntentVersion     int64        `gorm:"not null"`
	IntentAt          *time.Time   `gorm:"precision:6"`
	Attempts          int64        `gorm:"not null"`
	NextTryAt         *time.Time   `gorm:"precision:6;index:sync_states_next_try,priority:2"`
	LastError         prose        `gorm:"not null"`
	LastHint          prose        `gorm:"not null"`
	UpdatedAt         time.Time    `gorm:"precision:6;not null"`
}

func (syncState) TableName() string { return "sync_states" }

type syncRun struct {
	ID            name         `gorm:"primaryKey;size:40"`
	DestinationID name         `gorm:"size:40;not null;index:sync_runs_destination,priority:1"`
	Destination   *destination `gorm:"constraint:OnDelete:RESTRICT"`
	EnvironmentID int64        `gorm:"not null;index:sync_runs_environment,priority:1"`
	Trigger       name         `gorm:"size:20;not null"`
	Actor         prose        `gorm:"not null"`
	Full          bool         `gorm:"not null"`
	Status        name         `gorm:"size:20;not null"`
	StartedAt     time.Time    `gorm:"precision:6;not null;index:sync_runs_destination,priority:2;index:sync_runs_environment,priority:2"`
	FinishedAt    *time.Time   `gorm:"precision:6"`
	Checked       int64        `gorm:"not null"`
	InSync        int64        `gorm:"not null"`
	Created       int64        `gorm:"not null"`
	Updated       int64        `gorm:"not null"`
	Repaired      int64        `gorm:"not null"`
	Deleted       int64        `gorm:"not null"`
	Restored      int64        `gorm:"not null"`
	Failed        int64        `gorm:"not null"`
	Unknown       int64        `gorm:"not null"`
	Foreign       int64        `gorm:"not null"`
	Error         prose        `gorm:"not null"`
	Hint          prose        `gorm:"not null"`
}

func (syncRun) TableName() string { return "sync_runs" }

// syncResult has no key to the secret, so that results outlive a purge.
type syncResult struct {
	ID         int64     `gorm:"primaryKey;autoIncrement"`
	RunID      name      `gorm:"size:40;not null;index:sync_results_run,priority:1"`
	Run        *syncRun  `gorm:"constraint:OnDelete:RESTRICT"`
	SecretID   int64     `gorm:"not null;index:sync_results_secret"`
	SecretName name      `gorm:"size:512;not null"`
	RemoteName name      `gorm:"size:2048;not null"`
	Status     name      `gorm:"size:20;not null"`
	Action     name      `gorm:"size:20;not null"`
	Failed     bool      `gorm:"not null;index:sync_results_run,priority:2"`
	Error      prose     `gorm:"not null"`
	Hint       prose     `gorm:"not null"`
	At         time.Time `gorm:"precision:6;not null"`
}

func (syncResult) TableName() string { return "sync_results" }

// resultFound is the column that sync_results got for what brake and alerts count.
type resultFound struct {
	Found name `gorm:"size:20;not null;default:''"`
}

func (resultFound) TableName() string { return "sync_results" }

// resultLost is the column that sync_results got for how many values an action took away.
type resultLost struct {
	Lost int64 `gorm:"not null;default:0"`
}

func (resultLost) TableName() string { return "sync_results" }
