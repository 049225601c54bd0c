package models

import "time"

// QuotaUser says that a replica makes calls in a scope that shares a quota, until its lease
// ends or it says so again.
type QuotaUser struct {
	Scope      string `gorm:"primaryKey"` // a digest of its name
	Replica    string `gorm:"primaryKey"` // random, made when the process starts
	LeaseUntil time.Time
}

// TableName names the table for GORM.
func (QuotaUser) TableName() string { return "quota_users" }
