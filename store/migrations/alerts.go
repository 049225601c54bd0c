package migrations

import "time"

type alertChannel struct {
	ID            name         `gorm:"primaryKey;size:40"`
	EnvironmentID int64        `gorm:"not null;uniqueIndex:alert_channels_environment_name,priority:1"`
	Environment   *environment `gorm:"constraint:OnDelete:RESTRICT"`
	Everywhere    bool         `gorm:"not null"`
	Name          name         `gorm:"size:63;not null;uniqueIndex:alert_channels_environment_name,priority:2"`
	Kind          name         `gorm:"size:20;not null"`
	Address       prose        `gorm:"not null"`
	Secret        []byte       `gorm:"size:65536"`
	SecretKeyID   name         `gorm:"size:40;not null;index:alert_channels_secret_key"`
	Kinds         prose
	Enabled       bool       `gorm:"not null"`
	Revision      int64      `gorm:"not null"`
	CreatedAt     time.Time  `gorm:"precision:6;not null"`
	CreatedBy     prose      `gorm:"not null"`
	UpdatedAt     time.Time  `gorm:"precision:6;not null"`
	DeliveredAt   *time.Time `gorm:"precision:6"`
	LastError     prose      `gorm:"not null"`
}

func (alertChannel) TableName() string { return "alert_channels" }

type alert struct {
	ID            name         `gorm:"primaryKey;size:40"`
	EnvironmentID int64        `gorm:"not null;index:alerts_environment,priority:1"`
	Environment   *environment `gorm:"constraint:OnDelete:RESTRICT"`
	Kind          name         `gorm:"size:40;not null"`
	Subject       prose        `gorm:"not null"`
	SubjectName   prose        `gorm:"not null"`
	Slot          name         `gorm:"size:64;not null;uniqueIndex:alerts_slot"`
	Summary       prose        `gorm:"not null"`
	Hint          prose        `gorm:"not null"`
	Secrets       prose
	Total         int64      `gorm:"not null"`
	Count         int64      `gorm:"not null"`
	OpenedAt      time.Time  `gorm:"precision:6;not null;index:alerts_environment,priority:2"`
	LastSeenAt    time.Time  `gorm:"precision:6;not null"`
	ResolvedAt    *time.Time `gorm:"precision:6;index:alerts_resolved"`
	NotifiedAt    time.Time  `gorm:"precision:6;not null"`
}

func (alert) TableName() string { return "alerts" }

type alertNotice struct {
	ID          int64         `gorm:"primaryKey;autoIncrement"`
	UID         name          `gorm:"size:40;not null;uniqueIndex:alert_notices_uid"`
	AlertID     name          `gorm:"size:40;not null;index:alert_notices_alert"`
	Alert       *alert        `gorm:"constraint:OnDelete:RESTRICT"`
	ChannelID   name          `gorm:"size:40;not null;index:alert_notices_channel,priority:1"`
	Channel     *alertChannel `gorm:"constraint:OnDelete:RESTRICT"`
	Occasion    name          `gorm:"size:20;not null"`
	Body        prose         `gorm:"not null"`
	Status      name          `gorm:"size:20;not null;index:alert_notices_channel,priority:2"`
	Attempts    int64         `gorm:"not null"`
	NextTryAt   time.Time     `gorm:"precision:6;not null"`
	LastError   prose         `gorm:"not null"`
	CreatedAt   time.Time     `gorm:"precision:6;not null"`
	DeliveredAt *time.Time    `gorm:"precision:6"`
}

func (alertNotice) TableName() string { return "alert_notices" }
