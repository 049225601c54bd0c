package migrations

import "time"

// syncGroup is an entry at a destination that several secrets share, with its state there.
// On MySQL a folder and a destination's id are within what an index may hold: 2,212 bytes.
type syncGroup struct {
	ID                int64        `gorm:"primaryKey;autoIncrement"`
	DestinationID     name         `gorm:"size:40;not null;uniqueIndex:sync_groups_folder,priority:1"`
	Destination       *destination `gorm:"constraint:OnDelete:RESTRICT"`
	Folder            name         `gorm:"size:512;not null;uniqueIndex:sync_groups_folder,priority:2"`
	RemoteName        name         `gorm:"size:2048;not null"`
	Version           int64        `gorm:"not null"`
	Hash              []byte       `gorm:"size:64"`
	Size              int64        `gorm:"not null"`
	ChangedAt         time.Time    `gorm:"precision:6;not null"`
	Status            name         `gorm:"size:20;not null"`
	Since             time.Time    `gorm:"precision:6;not null"`
	Dirty             bool         `gorm:"not null"`
	BaseHash          []byte       `gorm:"size:64"`
	BaseVersion       int64        `gorm:"not null"`
	BaseRemoteVersion name         `gorm:"size:255;not null"`
	BaseAt            *time.Time   `gorm:"precision:6"`
	IntentHash        []byte       `gorm:"size:64"`
	IntentVersion     int64        `gorm:"not null"`
	IntentAt          *time.Time   `gorm:"precision:6"`
	Attempts          int64        `gorm:"not null"`
	NextTryAt         *time.Time   `gorm:"precision:6"`
	LastError         prose        `gorm:"not null"`
	LastHint          prose        `gorm:"not null"`
	UpdatedAt         time.Time    `gorm:"precision:6;not null"`
}

func (syncGroup) TableName() string { return "sync_groups" }

// syncGroupHold is sync_holds for groups. Its secret_id is the group's id, negative.
type syncGroupHold struct {
	SecretID        int64        `gorm:"primaryKey;autoIncrement:false"`
	DestinationID   name         `gorm:"primaryKey;size:40;index:sync_group_holds_destination"`
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

func (syncGroupHold) TableName() string { return "sync_group_holds" }

// memberState is the column that sync_states got for secrets that share an entry.
type memberState struct {
	GroupID int64 `gorm:"not null;default:0"`
}

func (memberState) TableName() string { return "sync_states" }
