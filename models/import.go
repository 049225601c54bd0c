package models

import "time"

// ImportID names an import.
type ImportID string

// NewImportID makes a fresh identifier.
func NewImportID() ImportID { return ImportID(NewID("imp")) }

// ImportPurpose says what somebody looks at a destination's names for.
type ImportPurpose string

// The purposes.
const (
	PurposeImport ImportPurpose = "import" // to make secrets of what is there
	PurposeAdopt  ImportPurpose = "adopt"  // to look after what is there under the names of secrets
)

// ImportStatus is how an import stands.
type ImportStatus string

// The statuses of an import.
const (
	ImportPreview  ImportStatus = "preview"  // made, to be looked at
	ImportApplying ImportStatus = "applying" // begun; what is left is done by applying it again
	ImportApplied  ImportStatus = "applied"  // each name has its result
)

// Import is what a destination, or another part of the same account or mount, holds that is
// not Keeper's, compared with the secrets of an environment before anything is taken. It
// holds no values.
type Import struct {
	ID            ImportID `gorm:"primaryKey"`
	DestinationID DestinationID
	EnvironmentID EnvironmentID
	Purpose       ImportPurpose
	Prefix        string // that the names which were looked at begin with
	Split         bool   // objects become a secret for each key
	Status        ImportStatus
	Adopt         bool         // applied so that Keeper looks after the entries from then on
	Side          Side         // whose value counts where the two differ; "": they are left as they are
	Counts        ImportCounts `gorm:"serializer:json"`
	CreatedAt     time.Time
	CreatedBy     string
	DecidedAt     *time.Time // when it was applied first
	DecidedBy     string
}

// TableName names the table for GORM.
func (Import) TableName() string { return "sync_imports" }

// ImportCounts says what was found, and what became of it.
type ImportCounts struct {
	Listed    int `json:"listed"` // names that were looked at, Keeper's included
	Marked    int `json:"marked"` // of them: with a mark of this Keeper or of another; never taken
	New       int `json:"new"`
	Equal     int `json:"equal"`
	Different int `json:"different"`
	LeftOut   int `json:"left_out"`
	Problems  int `json:"problems"`

	Imported int `json:"imported"`
	Updated  int `json:"updated"` // an existing secret got the value as a new version
	Adopted  int `json:"adopted"`
	Skipped  int `json:"skipped"` // moved since the preview, or nobody said which side counts
	Failed   int `json:"failed"`
	Left     int `json:"left"` // without a result yet
}

// ImportItemStatus is how an entry compares with the secret that it would become.
type ImportItemStatus string

// The statuses of an item.
const (
	ItemNew       ImportItemStatus = "new"       // no secret has the name
	ItemEqual     ImportItemStatus = "equal"     // the secret has the same value
	ItemDifferent ImportItemStatus = "different" // the secret has another value
	ItemLeftOut   ImportItemStatus = "left_out"  // the name map leaves it out
	ItemProblem   ImportItemStatus = "problem"   // it cannot be taken; Problem says why
)

// ImportItemStatuses are all statuses of an item, in the order that pages show them.
var ImportItemStatuses = []ImportItemStatus{ItemNew, ItemEqual, ItemDifferent, ItemProblem, ItemLeftOut}

// ImportResult is what became of an item.
type ImportResult string

// The results of an item; "" is none yet.
const (
	ResultImported  ImportResult = "imported"
	ResultUpdated   ImportResult = "updated"
	ResultUnchanged ImportResult = "unchanged" // nothing was to be done in Keeper
	ResultSkipped   ImportResult = "skipped"
	ResultFailed    ImportResult = "failed"
)

// ImportItem is one entry there, or one key of it, and the secret that it would become.
type ImportItem struct {
	ImportID      ImportID `gorm:"primaryKey"`
	Number        int      `gorm:"primaryKey;autoIncrement:false"` // from 1, by the name there
	RemoteName    string
	Key           string // of the object under the name; "": the whole value
	RemoteVersion string
	SecretName    string
	Mended        bool // the name there is none that a secret can have
	Type          SecretType
	Size          int
	Hash          []byte // keyed, of the value
	Facts         Facts  `gorm:"serializer:json"`
	Status        ImportItemStatus
	SecretID      SecretID      // that has the name; 0: none
	Version       VersionNumber // its current one then
	Problem       string        // why it cannot be taken
	Hint          string        // what to do about the problem, or about the result
	Adoptable     bool          // the name there is the one that Keeper gives the secret
	Note          string        // what is to be known of the entry, such as why it cannot be adopted
	Result        ImportResult
	Adopted       bool
	Why           string // of the result
}

// TableName names the table for GORM.
func (ImportItem) TableName() string { return "sync_import_items" }

// Label is what a name map calls the item: the name there, and the key behind a "#".
func (i ImportItem) Label() string {
	if i.Key == "" {
		return i.RemoteName
	}
	return i.RemoteName + "#" + i.Key
}
