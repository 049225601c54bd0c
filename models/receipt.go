package models

import "time"

// SyncReceipt is what a run proved, as a signed text. It is kept as long as its run.
type SyncReceipt struct {
	RunID         RunID `gorm:"primaryKey"`
	DestinationID DestinationID
	EnvironmentID EnvironmentID
	Body          string // the signed note
	Whole         bool   // it is about everything at the destination, not only about what changed
	CreatedAt     time.Time
}

// TableName names the table for GORM.
func (SyncReceipt) TableName() string { return "sync_receipts" }
