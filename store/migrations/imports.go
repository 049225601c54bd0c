package migrations

import "time"

type syncImport struct {
	ID            name         `gorm:"primaryKey;size:40"`
	DestinationID name         `gorm:"size:40;not null;index:sync_imports_destination,priority:1"`
	Destination   *destination `gorm:"constraint:OnDelete:RESTRICT"`
	EnvironmentID int64        `gorm:"not null;index:sync_imports_environment,priority:1"`
	Purpose       name         `gorm:"size:20;not null"`
	Prefix        prose        `gorm:"not null"`
	Split         bool         `gorm:"not null"`
	Status        name         `gorm:"size:20;not null"`
	Adopt         bool         `gorm:"not null"`
	Side          name         `gorm:"size:20;not null"`
	Counts        prose        `gorm:"size:1048576"`
	CreatedAt     time.Time    `gorm:"precision:6;not null;index:sync_imports_destination,priority:2;index:sync_imports_environment,priority:2"`
	CreatedBy     prose        `gorm:"not null"`
	DecidedAt     *time.Time   `gorm:"precision:6"`
	DecidedBy     prose        `gorm:"not null"`
}

func (syncImport) TableName() string { return "sync_imports" }

// syncImportItem has no key to the secret, so that imports outlive a purge.
type syncImportItem struct {
	ImportID      name        `gorm:"primaryKey;size:40"`
	Import        *syncImport `gorm:"constraint:OnDelete:RESTRICT"`
	Number        int64       `gorm:"primaryKey;autoIncrement:false"`
	RemoteName    prose       `gorm:"not null"`
	Key           prose       `gorm:"not null"`
	RemoteVersion name        `gorm:"size:255;not null"`
	SecretName    prose       `gorm:"not null"`
	Mended        bool        `gorm:"not null"`
	Type          name        `gorm:"size:20;not null"`
	Size          int64       `gorm:"not null"`
	Hash          []byte      `gorm:"size:64"`
	Facts         prose       `gorm:"size:1048576"`
	Status        name        `gorm:"size:20;not null"`
	SecretID      int64       `gorm:"not null"`
	Version       int64       `gorm:"not null"`
	Problem       prose       `gorm:"not null"`
	Hint          prose       `gorm:"not null"`
	Adoptable     bool        `gorm:"not null"`
	Note          prose       `gorm:"not null"`
	Result        name        `gorm:"size:20;not null"`
	Adopted       bool        `gorm:"not null"`
	Why           prose       `gorm:"not null"`
}

func (syncImportItem) TableName() string { return "sync_import_items" }

// syncRelease has no key to the secret: a purge removes both.
type syncRelease struct {
	SecretID      int64        `gorm:"primaryKey;autoIncrement:false"`
	DestinationID name         `gorm:"primaryKey;size:40;index:sync_releases_destination"`
	Destination   *destination `gorm:"constraint:OnDelete:RESTRICT"`
	RemoteName    name         `gorm:"size:2048;not null"`
	Marked        bool         `gorm:"not null"`
	ReleasedAt    time.Time    `gorm:"precision:6;not null"`
	ReleasedBy    prose        `gorm:"not null"`
}

func (syncRelease) TableName() string { return "sync_releases" }
