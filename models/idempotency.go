package models

import "time"

// IdempotencyKey is a key that a request was sent with, and, once there is one, its answer.
type IdempotencyKey struct {
	Slot        string `gorm:"primaryKey"` // keyed hash of whose key it is and of the key itself
	UserID      UserID
	Fingerprint []byte // keyed hash of the request
	Holder      string // random: the attempt that has the key
	Acted       bool   // the attempt committed an act, or has its answer
	Answer      []byte // sealed; nil: there is none yet, or none any more
	LeaseUntil  time.Time
	ExpiresAt   time.Time
}

// TableName names the table for GORM.
func (IdempotencyKey) TableName() string { return "idempotency_keys" }
