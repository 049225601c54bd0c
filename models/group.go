package models

import (
	"strings"
	"time"
)

// SyncGroupID is the number of an entry at a destination that several secrets share.
type SyncGroupID int64

// SecretID stands for the group wherever one entry is one secret's elsewhere: in the mark at
// the destination, in plans, results and holds. It is negative, so that it is no secret's.
func (id SyncGroupID) SecretID() SecretID { return SecretID(-id) }

// GroupOf is the group that a SecretID stands for; false where it is a secret's own.
func GroupOf(id SecretID) (SyncGroupID, bool) { return SyncGroupID(-id), id < 0 }

// SyncGroup is an entry at a destination that several secrets share: what should be in it, and
// its state, which its members' states repeat. It outlives its members, so that a folder that
// is used again finds its old name at the destination to be its own.
type SyncGroup struct {
	ID            SyncGroupID `gorm:"primaryKey;autoIncrement"`
	DestinationID DestinationID
	Folder        string // as DestinationConfig.Place says
	RemoteName    string // fixed when the group is made

	Version   VersionNumber // grows whenever Hash changes
	Hash      []byte        // keyed digest of the members' keys and values; nil: there are none
	Size      int           // bytes of the entry, or fewer where it is certain not to be too large
	ChangedAt time.Time     // when Hash became what it is

	Status            SyncStatus // "": never looked at
	Since             time.Time
	Dirty             bool
	BaseHash          []byte
	BaseVersion       VersionNumber
	BaseRemoteVersion string
	BaseAt            *time.Time
	IntentHash        []byte
	IntentVersion     VersionNumber
	IntentAt          *time.Time
	Attempts          int
	NextTryAt         *time.Time
	LastError         string
	LastHint          string
	UpdatedAt         time.Time
}

// TableName names the table for GORM.
func (SyncGroup) TableName() string { return "sync_groups" }

// State is the group's, in the form of a secret's.
func (g *SyncGroup) State() SyncState {
	return SyncState{
		SecretID: g.ID.SecretID(), DestinationID: g.DestinationID, RemoteName: g.RemoteName, Status: g.Status, Since: g.Since, Dirty: g.Dirty,
		BaseHash: g.BaseHash, BaseVersion: g.BaseVersion, BaseRemoteVersion: g.BaseRemoteVersion, BaseAt: g.BaseAt,
		IntentHash: g.IntentHash, IntentVersion: g.IntentVersion, IntentAt: g.IntentAt,
		Attempts: g.Attempts, NextTryAt: g.NextTryAt, LastError: g.LastError, LastHint: g.LastHint, UpdatedAt: g.UpdatedAt, GroupID: g.ID,
	}
}

// SetState makes the group's state what a state in the form of a secret's says.
func (g *SyncGroup) SetState(s SyncState) {
	g.Status, g.Since, g.Dirty = s.Status, s.Since, s.Dirty
	g.BaseHash, g.BaseVersion, g.BaseRemoteVersion, g.BaseAt = s.BaseHash, s.BaseVersion, s.BaseRemoteVersion, s.BaseAt
	g.IntentHash, g.IntentVersion, g.IntentAt = s.IntentHash, s.IntentVersion, s.IntentAt
	g.Attempts, g.NextTryAt, g.LastError, g.LastHint, g.UpdatedAt = s.Attempts, s.NextTryAt, s.LastError, s.LastHint, s.UpdatedAt
}

// rootFolder is the entry of secrets without a folder.
const rootFolder = "root"

// Place is the folder that the entry of a secret is named by, and the secret's key in it.
func (c DestinationConfig) Place(secret string) (folder, key string) {
	if c.Shape == ShapeBundle {
		return c.BundleName, secret
	}
	at := strings.LastIndexByte(secret, '/')
	if at < 0 {
		return rootFolder, secret
	}
	return secret[:at], secret[at+1:]
}

// validateGroups checks what several secrets in one entry rule out.
func (c DestinationConfig) validateGroups(problems *fieldProblems) {
	if c.Shape.Grouped() && c.Strategy == NewestWins {
		problems.add("config.strategy", "must not be newest_wins where several secrets share an entry: "+
			"the entry has one time for all of them, which does not tell which secret was changed last")
	}
}
