package migrations

import "time"

type idempotencyKey struct {
	Slot        name      `gorm:"primaryKey;size:64"`
	UserID      name      `gorm:"size:40;not null;index:idempotency_keys_user"`
	Fingerprint []byte    `gorm:"size:32;not null"`
	Holder      name      `gorm:"size:40;not null"`
	Acted       bool      `gorm:"not null"`
	Answer      []byte    `gorm:"size:262144"`
	LeaseUntil  time.Time `gorm:"precision:6;not null"`
	ExpiresAt   time.Time `gorm:"precision:6;not null;index:idempotency_keys_expires"`
}

func (idempotencyKey) TableName() string { return "idempotency_keys" }
