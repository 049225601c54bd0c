package keys

import (
	"time"

	"github.com/your-org/keeper/kms"
	"github.com/your-org/keeper/models"
)

// MigrationPlan says what a migration would do, without doing any of it.
type MigrationPlan struct {
	Environments []EnvironmentPlan
	DataKeys     int64         // that would be wrapped anew, over all environments
	Versions     int64         // that would be opened to verify them
	Calls        int64         // of the key backend that it costs
	Duration     time.Duration // at the configured rate
}

// EnvironmentPlan is what a migration would do to one environment.
type EnvironmentPlan struct {
	Environment models.Environment
	Targets     []string // recipient ids that its data keys would be wrapped under
	DataKeys    int64    // all of the environment
	Standing    int64    // of them, wrapped for exactly the targets already
	Versions    int64    // under those that are not
	Credentials int64    // of destinations and channels, under those that are not
	Under       []Under  // what stands under what now
	Calls       int64
	Duration    time.Duration
	Problem     string // why it could not be migrated now; "": it can
	Hint        string
}

// Under is what of an environment stands under one wrapping key.
type Under struct {
	Kind     models.RecipientKind
	ID       string
	DataKeys int
	Versions int
}

// MigrateOptions say what a migration moves, and where the way back is written.
type MigrateOptions struct {
	Environment models.EnvironmentID // 0: all
	BatchSize   int                  // data keys that are moved in one transaction; 0: 100
	// RollbackFile is the path of the file that the removed wrapped keys are appended to. It
	// holds no plaintext, is made with mode 0600, and continues where it stands already.
	RollbackFile string
	Report       func(Progress) // called as it moves; nil: nobody listens
}

// MigrationReport says how a migration ended.
type MigrationReport struct {
	Runs     []Progress          // one per environment
	Findings []models.KeyFinding // what could not be moved, which stays as it was
	Entries  int                 // written to the rollback file by this call
}

// RollbackReport says what a rollback put back.
type RollbackReport struct {
	DataKeys int      // that stand as they stood before the migration
	Standing int      // that stood so already
	Refused  []string // data keys that were left as they are, and why, a sentence each
	Outside  int64    // data keys of the environments that the file knows nothing of, made since
}

// RecoverOptions say what opens the data keys of a lost wrapping key, and what wraps them
// from now on.
type RecoverOptions struct {
	Backend     kms.Wrapper          // opens what was wrapped for offline recipients
	Environment models.EnvironmentID // 0: all
	ToKey       string               // the wrapping key from now on; "": the one that is configured
	Report      func(Progress)       // nil: nobody listens
}

// RecoverReport says what came back.
type RecoverReport struct {
	Environments int
	DataKeys     int64               // wrapped anew for the current recipients
	Versions     int64               // opened to verify them
	Removed      int64               // wrapped keys that nobody can open any more
	Findings     []models.KeyFinding // what does not open, which stays as it was
}
