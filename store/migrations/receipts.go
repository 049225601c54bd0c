package migrations

import "time"

type syncReceipt struct {
	RunID         name      `gorm:"primaryKey;size:40"`
	Run           *syncRun  `gorm:"constraint:OnDelete:RESTRICT"`
	DestinationID name      `gorm:"size:40;not null;index:sync_receipts_destination,priority:1"`
	EnvironmentID int64     `gorm:"not null"`
	Body          prose     `gorm:"size:1048576;not null"`
	CreatedAt     time.Time `gorm:"precision:6;not null;index:sync_receipts_destination,priority:2"`
}

func (syncReceipt) TableName() string { return "sync_receipts" }

// receiptScope is over everything in the rows of before.
type receiptScope struct {
	Whole bool `gorm:"not null;default:true"`
}

func (receiptScope) TableName() string { return "sync_receipts" }
