package migrations

import "time"

type environment struct {
	ID          int64     `gorm:"primaryKey;autoIncrement"`
	Name        name      `gorm:"size:63;not null;uniqueIndex:environments_name"`
	DisplayName prose     `gorm:"not null"`
	Description prose     `gorm:"not null"`
	KMSKeyAlias name      `gorm:"size:256;not null"`
	Color       name      `gorm:"size:20;not null"`
	Revision    int64     `gorm:"not null"`
	CreatedAt   time.Time `gorm:"precision:6;not null"`
	UpdatedAt   time.Time `gorm:"precision:6;not null"`
}

func (environment) TableName() string { return "environments" }

type dataKey struct {
	ID            name         `gorm:"primaryKey;size:40"`
	EnvironmentID int64        `gorm:"not null;index:data_keys_use,priority:1"`
	Environment   *environment `gorm:"constraint:OnDelete:RESTRICT"`
	Purpose       name         `gorm:"size:20;not null;index:data_keys_use,priority:2"`
	Uses          int64        `gorm:"not null"`
	MaxUses       int64        `gorm:"not null"`
	CreatedAt     time.Time    `gorm:"precision:6;not null"`
	RetireAt      time.Time    `gorm:"precision:6;not null;index:data_keys_use,priority:3"`
}

func (dataKey) TableName() string { return "data_keys" }

type wrappedKey struct {
	DataKeyID     name      `gorm:"primaryKey;size:40"`
	DataKey       *dataKey  `gorm:"constraint:OnDelete:RESTRICT"`
	RecipientKind name      `gorm:"primaryKey;size:20"`
	RecipientID   name      `gorm:"primaryKey;size:255"`
	Blob          []byte    `gorm:"size:65536;not null"`
	CreatedAt     time.Time `gorm:"precision:6;not null"`
}

func (wrappedKey) TableName() string { return "wrapped_keys" }

type secret struct {
	ID             int64        `gorm:"primaryKey;autoIncrement"`
	EnvironmentID  int64        `gorm:"not null;uniqueIndex:secrets_environment_name,priority:1"`
	Environment    *environment `gorm:"constraint:OnDelete:RESTRICT"`
	Name           name         `gorm:"size:512;not null;uniqueIndex:secrets_environment_name,priority:2"`
	Type           name         `gorm:"size:20;not null"`
	Description    prose        `gorm:"not null"`
	Owner          prose        `gorm:"not null"`
	Tags           prose
	ExpiresAt      *time.Time `gorm:"precision:6;index:secrets_expires"`
	RotateEvery    int64      `gorm:"not null"`
	CurrentVersion int64      `gorm:"not null"`
	CurrentSize    int64      `gorm:"not null"`
	Facts          prose      `gorm:"size:1048576"`
	Revision       int64      `gorm:"not null"`
	DeletedAt      *time.Time `gorm:"precision:6"`
	PurgeAfter     *time.Time `gorm:"precision:6;index:secrets_purge"`
	CreatedAt      time.Time  `gorm:"precision:6;not null"`
	CreatedBy      prose      `gorm:"not null"`
	UpdatedAt      time.Time  `gorm:"precision:6;not null"`
	UpdatedBy      prose      `gorm:"not null"`
	ValueChangedAt time.Time  `gorm:"precision:6;not null"`
}

func (secret) TableName() string { return "secrets" }

type secretVersion struct {
	SecretID   int64     `gorm:"primaryKey;autoIncrement:false"`
	Secret     *secret   `gorm:"constraint:OnDelete:RESTRICT"`
	Number     int64     `gorm:"primaryKey;autoIncrement:false"`
	DataKeyID  name      `gorm:"size:40;not null;index:secret_versions_data_key"`
	DataKey    *dataKey  `gorm:"constraint:OnDelete:RESTRICT"`
	Format     int64     `gorm:"not null"`
	Ciphertext []byte    `gorm:"size:1048576;not null"`
	Hash       []byte    `gorm:"size:64;not null"`
	Size       int64     `gorm:"not null"`
	Type       name      `gorm:"size:20;not null"`
	Facts      prose     `gorm:"size:1048576"`
	Comment    prose     `gorm:"not null"`
	RolledFrom int64     `gorm:"not null"`
	CreatedAt  time.Time `gorm:"precision:6;not null"`
	CreatedBy  prose     `gorm:"not null"`
}

func (secretVersion) TableName() string { return "secret_versions" }

// secretTag repeats a secret's tags row by row, for the filter.
type secretTag struct {
	SecretID int64   `gorm:"primaryKey;autoIncrement:false"`
	Secret   *secret `gorm:"constraint:OnDelete:RESTRICT"`
	Key      name    `gorm:"primaryKey;size:128;index:secret_tags_key_value,priority:1"`
	Value    name    `gorm:"size:256;not null;index:secret_tags_key_value,priority:2"`
}

func (secretTag) TableName() string { return "secret_tags" }

// textChange is the last change of what is said of a secret. Its number is never given again, and
// a purge removes it with the secret.
type textChange struct {
	ID       int64   `gorm:"primaryKey;autoIncrement"`
	SecretID int64   `gorm:"not null;uniqueIndex:secret_text_changes_secret"`
	Secret   *secret `gorm:"constraint:OnDelete:RESTRICT"`
}

func (textChange) TableName() string { return "secret_text_changes" }
