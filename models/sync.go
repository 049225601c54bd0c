package models

import "time"

// SyncStatus is what is known of one secret at one destination.
type SyncStatus string

// The states. Unknown is the zero of knowledge: nothing is done about what is unknown.
const (
	StatusUnknown       SyncStatus = "unknown"        // could not be read
	StatusInSync        SyncStatus = "in_sync"        // the destination holds the desired value
	StatusSourceChanged SyncStatus = "source_changed" // Keeper has a newer value; waiting to be written
	StatusDrifted       SyncStatus = "drifted"        // the destination's value is not the one Keeper last wrote
	StatusConflict      SyncStatus = "conflict"       // both sides changed
	StatusMissing       SyncStatus = "missing"        // gone at the destination
	StatusOrphaned      SyncStatus = "orphaned"       // ours there, no longer in Keeper
	StatusForeign       SyncStatus = "foreign"        // the name is taken by something that is not ours
)

// SyncStatuses are all states, in the order that pages show them.
var SyncStatuses = []SyncStatus{
	StatusInSync, StatusSourceChanged, StatusDrifted, StatusConflict, StatusMissing, StatusOrphaned, StatusForeign, StatusUnknown,
}

// Strategy says whose value counts where a destination's differs from Keeper's.
type Strategy string

// The strategies. Whatever the strategy, what is foreign is left alone and a deletion in
// Keeper takes away only what Keeper wrote.
const (
	KeeperWins Strategy = "keeper_wins" // Keeper's is written again; the zero Strategy too
	RemoteWins Strategy = "remote_wins" // the destination's becomes a new version in Keeper
	NewestWins Strategy = "newest_wins" // the one that was changed last, by both clocks; held where they are too close
	ManualWins Strategy = "manual"      // held until a person decides
)

// Strategies are all strategies, in the order that pages show them.
var Strategies = []Strategy{KeeperWins, RemoteWins, NewestWins, ManualWins}

// Side is one of the two whose values differ.
type Side string

// The sides.
const (
	SideKeeper Side = "keeper"
	SideRemote Side = "remote"
)

// Word is the side for people.
func (s Side) Word() string {
	if s == SideRemote {
		return "the destination's value"
	}
	return "Keeper's value"
}

// SyncState is the row that Keeper keeps for one secret at one destination: the base of the
// three-way comparison, what was intended last, and how it went.
type SyncState struct {
	SecretID      SecretID      `gorm:"primaryKey;autoIncrement:false"`
	DestinationID DestinationID `gorm:"primaryKey"`
	RemoteName    string        // the name there, fixed at the first write

	Status SyncStatus
	Since  time.Time // when Status became what it is
	Dirty  bool      // the source changed since the last look

	BaseHash          []byte // keyed hash of the value that Keeper last wrote or confirmed there
	BaseVersion       VersionNumber
	BaseRemoteVersion string // AWS VersionId, KV v2 version
	BaseAt            *time.Time

	// The intent is written before a write goes out, so that after a crash Keeper knows its
	// own hand even where the mark is not yet on it.
	IntentHash    []byte
	IntentVersion VersionNumber
	IntentAt      *time.Time

	Attempts  int        // failures in a row
	NextTryAt *time.Time // not before, after a failure
	LastError string     // what went wrong, safe to show; "" after a success
	LastHint  string     // what to do about it
	UpdatedAt time.Time

	GroupID SyncGroupID // the entry that it shares with others there, whose state this repeats; 0: none
}

// TableName names the table for GORM.
func (SyncState) TableName() string { return "sync_states" }

// RunTrigger says why a run began.
type RunTrigger string

// The triggers.
const (
	TriggerChange   RunTrigger = "change"
	TriggerSchedule RunTrigger = "schedule"
	TriggerManual   RunTrigger = "manual"
)

// RunStatus is how a run stands or ended.
type RunStatus string

// The statuses of a run.
const (
	RunQueued      RunStatus = "queued" // asked for by a person, not yet begun
	RunRunning     RunStatus = "running"
	RunSucceeded   RunStatus = "succeeded"
	RunPartial     RunStatus = "partial"     // some secrets failed, are unknown, or have a name that is not ours
	RunFailed      RunStatus = "failed"      // the destination as a whole could not be worked on
	RunInterrupted RunStatus = "interrupted" // the process ended; the next run takes over
	RunHeld        RunStatus = "held"        // the brake stopped it before it did anything; a person looks at its plan
)

// SyncRun is one pass over a destination.
type SyncRun struct {
	ID            RunID `gorm:"primaryKey"`
	DestinationID DestinationID
	EnvironmentID EnvironmentID
	Trigger       RunTrigger
	Actor         string // display name of who asked; "system" for change and schedule
	Full          bool   // the whole destination was listed, not only what changed
	Status        RunStatus
	StartedAt     time.Time
	FinishedAt    *time.Time
	Counts        RunCounts `gorm:"embedded"`
	Error         string    // why the run as a whole failed
	Hint          string
	PlanID        PlanID      // the plan that it applies, or that it was held for; "": none
	RetryOf       RunID       // the run whose failed secrets it was asked to try again; "": none
	Progress      RunProgress `gorm:"embedded"`
}

// TableName names the table for GORM.
func (SyncRun) TableName() string { return "sync_runs" }

// RunCounts says how many secrets a run dealt with, and how.
type RunCounts struct {
	Checked  int `json:"checked"`
	InSync   int `json:"in_sync"`
	Created  int `json:"created"`
	Updated  int `json:"updated"`
	Repaired int `json:"repaired"` // drift or missing put right
	Deleted  int `json:"deleted"`
	Restored int `json:"restored"`
	Taken    int `json:"taken"` // the destination's value became a new version
	Held     int `json:"held"`  // a person has to decide
	Failed   int `json:"failed"`
	Unknown  int `json:"unknown"`
	Foreign  int `json:"foreign"`
}

// SyncAction is what a run did about one secret.
type SyncAction string

// The actions.
const (
	ActionNone    SyncAction = "none"
	ActionCreate  SyncAction = "create"
	ActionUpdate  SyncAction = "update"
	ActionRepair  SyncAction = "repair"
	ActionMark    SyncAction = "mark" // ours by intent, the mark was lost in a crash
	ActionRestore SyncAction = "restore"
	ActionDelete  SyncAction = "delete"
	ActionTake    SyncAction = "take"   // the destination's value becomes a new version in Keeper
	ActionHold    SyncAction = "hold"   // left alone until a person decides
	ActionRefuse  SyncAction = "refuse" // not ours, or in conflict: left alone
	ActionTune    SyncAction = "tune"   // what stands beside the value, such as its key and tags, is brought in line
)

// SyncResult is what a run found or did about one secret. Secrets that were in sync and
// stayed so leave no row.
type SyncResult struct {
	ID         int64 `gorm:"primaryKey;autoIncrement"`
	RunID      RunID
	SecretID   SecretID
	SecretName string
	RemoteName string
	Status     SyncStatus // after the action
	Action     SyncAction
	Found      SyncStatus // before it; "" where a person had decided what is done about it
	Lost       int        // values that the action took away, as the brake counts them
	Failed     bool
	Error      string
	Hint       string
	At         time.Time
}

// TableName names the table for GORM.
func (SyncResult) TableName() string { return "sync_results" }
