package migrations

import "time"

// auditEntry has no foreign keys: entries outlive all that they tell of. Its few indexes
// are those that pages need, since each costs every reveal.
type auditEntry struct {
	ID              journalID `gorm:"primaryKey;index:audit_environment,priority:2;index:audit_object,priority:3"`
	UID             name      `gorm:"size:40;not null"`
	Seq             *int64    `gorm:"uniqueIndex:audit_seq"`
	At              time.Time `gorm:"precision:6;not null"`
	ActorKind       name      `gorm:"size:20;not null"`
	ActorID         name      `gorm:"size:40;not null"`
	ActorName       prose     `gorm:"not null"`
	Via             name      `gorm:"size:20;not null"`
	Address         name      `gorm:"size:64;not null"`
	RequestID       name      `gorm:"size:64;not null"`
	Action          name      `gorm:"size:64;not null"`
	Outcome         name      `gorm:"size:20;not null"`
	EnvironmentID   int64     `gorm:"not null;index:audit_environment,priority:1"`
	EnvironmentName name      `gorm:"size:63;not null"`
	ObjectKind      name      `gorm:"size:40;not null;index:audit_object,priority:1"`
	ObjectID        name      `gorm:"size:64;not null;index:audit_object,priority:2"`
	ObjectName      name      `gorm:"size:512;not null"`
	Version         int64     `gorm:"not null"`
	Detail          prose     `gorm:"size:1048576"`
}

func (auditEntry) TableName() string { return "audit_entries" }

type job struct {
	ID         int64      `gorm:"primaryKey;autoIncrement"`
	Kind       name       `gorm:"size:64;not null;uniqueIndex:jobs_kind_key,priority:1;index:jobs_due,priority:1"`
	Key        name       `gorm:"size:255;not null;uniqueIndex:jobs_kind_key,priority:2"`
	Payload    prose      `gorm:"size:1048576;not null"`
	DueAt      time.Time  `gorm:"precision:6;not null;index:jobs_due,priority:2"`
	Generation int64      `gorm:"not null"`
	LeaseToken name       `gorm:"size:64;not null"`
	LeaseUntil *time.Time `gorm:"precision:6"`
	Attempts   int64      `gorm:"not null"`
	LastError  prose      `gorm:"not null"`
	CreatedAt  time.Time  `gorm:"precision:6;not null"`
	UpdatedAt  time.Time  `gorm:"precision:6;not null"`
}

func (job) TableName() string { return "jobs" }

type setting struct {
	Key       name      `gorm:"primaryKey;size:255"`
	Value     prose     `gorm:"size:1048576;not null"`
	UpdatedAt time.Time `gorm:"precision:6;not null"`
}

func (setting) TableName() string { return "settings" }
