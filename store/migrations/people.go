package migrations

import "time"

type user struct {
	ID                 name       `gorm:"primaryKey;size:40"`
	Username           name       `gorm:"size:255;not null;uniqueIndex:users_username"`
	DisplayName        prose      `gorm:"not null"`
	PasswordHash       name       `gorm:"size:255;not null"`
	Role               name       `gorm:"size:20;not null"`
	MustChangePassword bool       `gorm:"not null"`
	Disabled           bool       `gorm:"not null"`
	CreatedAt          time.Time  `gorm:"precision:6;not null"`
	UpdatedAt          time.Time  `gorm:"precision:6;not null"`
	LastSignInAt       *time.Time `gorm:"precision:6"`
}

func (user) TableName() string { return "users" }

type membership struct {
	UserID        name         `gorm:"primaryKey;size:40"`
	User          *user        `gorm:"constraint:OnDelete:RESTRICT"`
	EnvironmentID int64        `gorm:"primaryKey;autoIncrement:false;index:memberships_environment"`
	Environment   *environment `gorm:"constraint:OnDelete:RESTRICT"`
	Role          name         `gorm:"size:20;not null"`
	CreatedAt     time.Time    `gorm:"precision:6;not null"`
}

func (membership) TableName() string { return "memberships" }

type session struct {
	Hash       name      `gorm:"primaryKey;size:64"`
	UserID     name      `gorm:"size:40;not null;index:sessions_user"`
	User       *user     `gorm:"constraint:OnDelete:RESTRICT"`
	Data       []byte    `gorm:"size:65536"`
	Address    name      `gorm:"size:64;not null"`
	UserAgent  prose     `gorm:"not null"`
	CreatedAt  time.Time `gorm:"precision:6;not null"`
	LastSeenAt time.Time `gorm:"precision:6;not null"`
	ExpiresAt  time.Time `gorm:"precision:6;not null;index:sessions_expires"`
}

func (session) TableName() string { return "sessions" }

type token struct {
	ID         name  `gorm:"primaryKey;size:40"`
	Hash       name  `gorm:"size:64;not null;uniqueIndex:tokens_hash"`
	Hint       name  `gorm:"size:40;not null"`
	UserID     name  `gorm:"size:40;not null;index:tokens_user"`
	User       *user `gorm:"constraint:OnDelete:RESTRICT"`
	Name       prose `gorm:"not null"`
	Scope      prose
	CreatedAt  time.Time  `gorm:"precision:6;not null"`
	ExpiresAt  *time.Time `gorm:"precision:6"`
	RevokedAt  *time.Time `gorm:"precision:6"`
	LastUsedAt *time.Time `gorm:"precision:6"`
}

func (token) TableName() string { return "tokens" }
