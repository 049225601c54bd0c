package migrations

import "time"

// quotaUser has no index on its end: the table has a row for each replica at work and each
// account, and is swept now and then.
type quotaUser struct {
	Scope      name      `gorm:"primaryKey;size:64"`
	Replica    name      `gorm:"primaryKey;size:40"`
	LeaseUntil time.Time `gorm:"precision:6;not null"`
}

func (quotaUser) TableName() string { return "quota_users" }
