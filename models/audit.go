package models

import (
	"time"
)

// Outcome is how an operation ended.
type Outcome string

// The outcomes.
const (
	OutcomeAllowed Outcome = "allowed"
	OutcomeRefused Outcome = "refused" // the actor may not
	OutcomeFailed  Outcome = "failed"  // allowed, but could not be done
)

// Known reports whether there is such an outcome.
func (o Outcome) Known() bool {
	return o == OutcomeAllowed || o == OutcomeRefused || o == OutcomeFailed
}

// AuditEntry tells of one operation. It holds no values, ever. An entry is immutable; Seq
// is given once, by the sequencer, when the entry gets its place in the tree.
type AuditEntry struct {
	ID              int64  `gorm:"primaryKey;autoIncrement"`
	UID             string // random; the same after export and restore
	Seq             *int64 // place in the Merkle tree, from 0; nil: not yet placed
	At              time.Time
	ActorKind       ActorKind
	ActorID         string
	ActorName       string
	Via             string
	Address         string
	RequestID       string
	Action          string // "secret.reveal"
	Outcome         Outcome
	EnvironmentID   EnvironmentID // 0: none
	EnvironmentName string
	ObjectKind      string // "secret"
	ObjectID        string
	ObjectName      string
	Version         VersionNumber     // 0: none
	Detail          map[string]string `gorm:"serializer:json"` // small facts; no values
}

// TableName names the table for GORM.
func (AuditEntry) TableName() string { return "audit_entries" }
