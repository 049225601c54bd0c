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
