package models

import "time"

// Day is a day in UTC, as "2026-11-22". Days compare as their text does.
type Day string

// DayOf is the day that a time is in.
func DayOf(t time.Time) Day { return Day(t.UTC().Format(time.DateOnly)) }

// Start is the first moment of a day; the zero time where the text is no day.
func (d Day) Start() time.Time {
	start, _ := time.Parse(time.DateOnly, string(d))
	return start
}

// Next is the day after.
func (d Day) Next() Day { return d.Add(1) }

// Add is the day so many days later.
func (d Day) Add(days int) Day { return DayOf(d.Start().AddDate(0, 0, days)) }

// Metric is what a figure counts.
type Metric string

// The metrics. Those of the sync are kept by destination.
const (
	SecretsCreated  Metric = "secret.created"
	ValuesChanged   Metric = "secret.changed" // new versions of secrets that stood
	SecretsDeleted  Metric = "secret.deleted"
	ReadsByPeople   Metric = "read.people"
	ReadsByPrograms Metric = "read.programs"
	CopiesWritten   Metric = "sync.written"  // created, updated, restored, deleted, or taken into Keeper
	CopiesRepaired  Metric = "sync.repaired" // what somebody else had changed, put right
	CopiesFailed    Metric = "sync.failed"   // tries that did not succeed, or that could not read
	CopiesDrifted   Metric = "sync.drifted"  // secrets that somebody else changed there: each once a day
)

// Figure is how often something happened in an environment on one day.
type Figure struct {
	EnvironmentID EnvironmentID `gorm:"primaryKey;autoIncrement:false"`
	Day           Day           `gorm:"primaryKey"`
	Metric        Metric        `gorm:"primaryKey"`
	DestinationID DestinationID `gorm:"primaryKey"` // "": of none
	N             int64
}

// TableName names the table for GORM.
func (Figure) TableName() string { return "daily_figures" }
