package models

import "time"

// SyncReceipt is what a full run proved, as a signed text. It is kept as long as its run.
type SyncReceipt struct {
	RunID         RunID `gorm:"primaryKey"`
	DestinationID DestinationID
	EnvironmentID EnvironmentID
	Body          string // the signed note
	CreatedAt     time.Time
}

// TableName names the table for GORM.
func (SyncReceipt) TableName() string { return "sync_receipts" }
