package models

import "time"

// KeyPurpose says what a data key is for.
type KeyPurpose string

// The purposes of data keys.
const (
	PurposeSeal KeyPurpose = "seal" // seals versions and credentials with AES-256-GCM
	PurposeHash KeyPurpose = "hash" // keys the HMAC by which values are compared; one per environment
)

// RecipientKind says who can open a wrapped key.
type RecipientKind string

// The kinds of recipients.
const (
	RecipientLocal    RecipientKind = "local"    // Keeper's own master key
	RecipientKMS      RecipientKind = "kms"      // a key in AWS KMS
	RecipientRecovery RecipientKind = "recovery" // an offline age key
	RecipientDevice   RecipientKind = "device"   // a machine client's key
	RecipientUser     RecipientKind = "user"     // a person's key
)

// DataKey is an AES-256 key of an environment. The row holds no key material: that stands,
// wrapped, in WrappedKey.
type DataKey struct {
	ID            DataKeyID `gorm:"primaryKey"`
	EnvironmentID EnvironmentID
	Purpose       KeyPurpose
	Uses          int64 // how many sealings are reserved; at most MaxUses
	MaxUses       int64 // 1: a key per version
	CreatedAt     time.Time
	RetireAt      time.Time // no new sealing after this
}

// TableName names the table for GORM.
func (DataKey) TableName() string { return "data_keys" }

// WrappedKey is one data key, wrapped for one recipient. Any one of a data key's rows is
// enough to open it.
type WrappedKey struct {
	DataKeyID     DataKeyID     `gorm:"primaryKey"`
	RecipientKind RecipientKind `gorm:"primaryKey"`
	RecipientID   string        `gorm:"primaryKey"` // KMS key ARN, or the local key's id with its version
	Blob          []byte
	CreatedAt     time.Time
}

// TableName names the table for GORM.
func (WrappedKey) TableName() string { return "wrapped_keys" }
