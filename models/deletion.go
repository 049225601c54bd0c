package models

import "time"

// SyncDeletion is a version that Keeper deleted at a destination so that it can be restored,
// and that is to be destroyed there for good some day.
type SyncDeletion struct {
	ID            int64 `gorm:"primaryKey;autoIncrement"`
	DestinationID DestinationID
	SecretID      SecretID // or of the group; negative
	SecretName    string
	RemoteName    string
	RemoteVersion string
	DeletedAt     time.Time
}

// TableName names the table for GORM.
func (SyncDeletion) TableName() string { return "sync_deletions" }

// SyncRelease is a name at a destination that Keeper gave back: whatever mark it bears, it is
// foreign, until it is adopted again or nothing stands there any more.
type SyncRelease struct {
	SecretID      SecretID      `gorm:"primaryKey;autoIncrement:false"`
	DestinationID DestinationID `gorm:"primaryKey"`
	RemoteName    string
	Marked        bool // Keeper's mark is still to be taken off
	ReleasedAt    time.Time
	ReleasedBy    string
}

// TableName names the table for GORM.
func (SyncRelease) TableName() string { return "sync_releases" }
