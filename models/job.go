package models

import "time"

// Job is a durable piece of due work, one row per kind and key for ever: work that is asked
// for twice is done once.
type Job struct {
	ID         int64 `gorm:"primaryKey;autoIncrement"`
	Kind       string
	Key        string // what it is about; unique with Kind
	Payload    string // JSON, kind's own; no secrets
	DueAt      time.Time
	Generation int64  // grows each time the work is asked for, so that a request during a run is not lost
	LeaseToken string // random, of who works on it; "" where nobody does
	LeaseUntil *time.Time
	Attempts   int // failures in a row
	LastError  string
	CreatedAt  time.Time
	UpdatedAt  time.Time
}

// TableName names the table for GORM.
func (Job) TableName() string { return "jobs" }

// Setting is one value of the installation itself: its identity, its first start.
type Setting struct {
	Key       string `gorm:"primaryKey"`
	Value     string
	UpdatedAt time.Time
}

// TableName names the table for GORM.
func (Setting) TableName() string { return "settings" }
