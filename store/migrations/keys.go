package migrations

import "time"

type environmentGeneration struct {
	KeyGeneration int64 `gorm:"not null;default:1"`
}

func (environmentGeneration) TableName() string { return "environments" }

// dataKeyCheck is not called check, which is a reserved word.
type dataKeyCheck struct {
	KeyCheck []byte `gorm:"size:64"`
}

func (dataKeyCheck) TableName() string { return "data_keys" }

type recipient struct {
	EnvironmentID int64        `gorm:"primaryKey;autoIncrement:false"`
	Environment   *environment `gorm:"constraint:OnDelete:RESTRICT"`
	Kind          name         `gorm:"primaryKey;size:20"`
	Key           recipientID  `gorm:"primaryKey"`
	Label         prose        `gorm:"not null"`
	CreatedAt     time.Time    `gorm:"precision:6;not null"`
	CreatedBy     prose        `gorm:"not null"`
}

func (recipient) TableName() string { return "recipients" }

type keyDrill struct {
	EnvironmentID int64        `gorm:"primaryKey;autoIncrement:false"`
	Environment   *environment `gorm:"constraint:OnDelete:RESTRICT"`
	RecipientKind name         `gorm:"primaryKey;size:20"`
	RecipientID   recipientID  `gorm:"primaryKey"`
	TriedAt       time.Time    `gorm:"precision:6;not null"`
	ProvedAt      *time.Time   `gorm:"precision:6"`
	Error         prose        `gorm:"not null"`
	Actor         prose        `gorm:"not null"`
}

func (keyDrill) TableName() string { return "key_drills" }

// keyRun has no key to the environment: a run over all of them has the number 0.
type keyRun struct {
	ID            name        `gorm:"primaryKey;size:40"`
	Kind          name        `gorm:"size:20;not null"`
	EnvironmentID int64       `gorm:"not null;index:key_runs_environment"`
	FromKey       recipientID `gorm:"not null"`
	ToKey         recipientID `gorm:"not null"`
	Status        name        `gorm:"size:20;not null;index:key_runs_status"`
	Total         int64       `gorm:"not null"`
	Done          int64       `gorm:"not null"`
	Failed        int64       `gorm:"not null"`
	Calls         int64       `gorm:"not null"`
	Cursor        prose       `gorm:"not null"`
	Remaining     int64       `gorm:"not null"`
	Error         prose       `gorm:"not null"`
	Hint          prose       `gorm:"not null"`
	CreatedAt     time.Time   `gorm:"precision:6;not null;index:key_runs_created"`
	CreatedBy     prose       `gorm:"not null"`
	StartedAt     *time.Time  `gorm:"precision:6"`
	UpdatedAt     time.Time   `gorm:"precision:6;not null"`
	FinishedAt    *time.Time  `gorm:"precision:6"`
}

func (keyRun) TableName() string { return "key_runs" }

// keyFinding has no keys to what it names, so that findings outlive that.
type keyFinding struct {
	ID            int64     `gorm:"primaryKey;autoIncrement;index:key_findings_run,priority:2"`
	RunID         name      `gorm:"size:40;not null;index:key_findings_run,priority:1"`
	Run           *keyRun   `gorm:"constraint:OnDelete:RESTRICT"`
	Kind          name      `gorm:"size:20;not null"`
	EnvironmentID int64     `gorm:"not null"`
	ObjectKind    name      `gorm:"size:40;not null"`
	Object        prose     `gorm:"not null"`
	SecretID      int64     `gorm:"not null"`
	Version       int64     `gorm:"not null"`
	DataKeyID     name      `gorm:"size:40;not null"`
	Problem       prose     `gorm:"not null"`
	At            time.Time `gorm:"precision:6;not null"`
}

func (keyFinding) TableName() string { return "key_findings" }
