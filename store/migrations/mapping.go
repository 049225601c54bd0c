package migrations

import "time"

// versionEntry is the column that secret_versions got for the hash of a JSON value as a whole
// entry. NULL: nobody has asked yet.
type versionEntry struct {
	EntryHash []byte `gorm:"size:64"`
}

func (versionEntry) TableName() string { return "secret_versions" }

// syncDeletion has no key to the secret: it outlives a purge.
type syncDeletion struct {
	ID            int64        `gorm:"primaryKey;autoIncrement"`
	DestinationID name         `gorm:"size:40;not null;index:sync_deletions_destination,priority:1"`
	Destination   *destination `gorm:"constraint:OnDelete:RESTRICT"`
	SecretID      int64        `gorm:"not null"`
	SecretName    name         `gorm:"size:512;not null"`
	RemoteName    name         `gorm:"size:2048;not null"`
	RemoteVersion name         `gorm:"size:255;not null"`
	DeletedAt     time.Time    `gorm:"precision:6;not null;index:sync_deletions_destination,priority:2"`
}

func (syncDeletion) TableName() string { return "sync_deletions" }
