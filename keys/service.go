// Package keys holds the rules of wrapping keys: for whom an environment's data keys are
// wrapped, what stands under which key, and the long works over them, which go on while
// Keeper serves and start where they stood after a crash. Browser, API and command call the
// same methods, each of which takes the actor first.
package keys

import (
	"log/slog"
	"time"

	"github.com/your-org/keeper/kms"
	"github.com/your-org/keeper/models"
	"github.com/your-org/keeper/store"
)

// Deps is what the service works with.
type Deps struct {
	Store    *store.Store
	Envelope *kms.Envelope
	// Backends are those that the envelope works with, the primary first, without what guards
	// them against an outage: long works have patience.
	Backends []kms.Wrapper
	// Rate is how many calls of the key backend a second the long works make at most.
	Rate int
	// ScrubRate is how many versions a second a scrub opens at most.
	ScrubRate int
	// ScrubInterval is the time between two scrubs; 0: none by itself.
	ScrubInterval time.Duration
	// RotateKMS has KMS's own rotation switched on for every key in use.
	RotateKMS bool
	// Seal is the secret that authenticates rollback files, 32 bytes at least.
	Seal []byte
	// Alert keeps how conditions stand that people are told of; nil: nobody is.
	Alert func(tx *store.Tx, signals ...models.Signal) error
	Now   func() time.Time
	Log   *slog.Logger
	// Wake has due jobs looked for, after a commit that made some, and listeners told.
	Wake func()
}

// Service is the rules of wrapping keys. It is safe for concurrent use.
type Service struct {
	Deps
	pace      *pace // of calls of key backends
	scrubPace *pace // of versions that a scrub opens
	meters    meters
	told      teller
	watching  watchState
}

// New makes the service.
func New(d Deps) *Service {
	if d.Wake == nil {
		d.Wake = func() {}
	}
	return &Service{Deps: d, pace: newPace(d.Rate), scrubPace: newPace(d.ScrubRate)}
}

// Role is what a wrapping key is to an environment.
type Role string

// The roles of wrapping keys.
const (
	RolePrimary  Role = "primary"  // wraps new data keys
	RoleSecond   Role = "second"   // a second KMS key
	RoleRecovery Role = "recovery" // offline
	RoleFormer   Role = "former"   // not wanted any more; something still stands under it
	RoleUnknown  Role = "unknown"  // former, or the very key whose name cannot be looked up
)

// Usage is what of one environment stands under one wrapping key.
type Usage struct {
	Environment models.Environment
	Role        Role
	DataKeys    int // wrapped under it
	Missing     int // data keys of the environment that are not wrapped under it, though they should be
	Versions    int // sealed under those data keys
	Label       string
	Drill       *models.KeyDrill // nil: never tried
}

// Key is a wrapping key with what stands under it.
type Key struct {
	Kind     models.RecipientKind
	Name     string // as it was named: an alias, an ARN, an age recipient
	ID       string // recipient id; where it cannot be looked up the last known, or ""
	Info     kms.KeyInfo
	Problem  string // why it could not be looked up; "" where it was
	Hint     string
	Usages   []Usage
	CanClose bool // nothing stands under it and nothing will: it may be disabled
}

// Check is one permission tried on one key.
type Check struct {
	Environment string // "" where the key is nobody's in particular
	Kind        models.RecipientKind
	Key         string
	Permission  string // "kms:Decrypt", or what it means for the backend
	OK          bool
	Skipped     bool // not needed here, and why in Message
	Message     string
	Hint        string
}

// DrillResult is how one recipient did in a drill.
type DrillResult struct {
	Kind   models.RecipientKind
	ID     string
	Label  string
	OK     bool
	Error  string
	Hint   string
	Sample models.DataKeyID
	// Challenge is set for an offline recipient: whoever holds its identity opens Blob by
	// recovery.Answer and hands the answer to Prove.
	Challenge *Challenge
}

// Challenge is what the holder of an offline identity answers to prove it.
type Challenge struct {
	Environment models.EnvironmentID
	Recipient   string
	DataKeyID   models.DataKeyID
	Context     kms.Context
	Blob        []byte // a wrapped key
	Nonce       []byte
}

// Progress is a key run with what is known of its pace.
type Progress struct {
	models.KeyRun
	Rate      float64       // of Total's unit a second, over the last minute or since the start
	Remaining time.Duration // at that rate; 0: not known
	Finding   int           // how many findings there are
}

// Order asks for a run.
type Order struct {
	Kind        models.KeyRunKind
	Environment models.EnvironmentID // 0 with Kind scrub: all; 0 with FromKey: each that has something under it
	FromKey     string               // of a rewrap: the key to be emptied, as Key.ID or a name
	ToKey       string               // of a rewrap: the environment's wrapping key from now on; "": as it is
}

// RunQuery chooses key runs, newest first.
type RunQuery struct {
	Kind        models.KeyRunKind
	Environment models.EnvironmentID
	Cursor      string
	Limit       int
}

// JobKinds are the kinds of jobs whose handler is Work.
const (
	JobKind      = "keys"       // key: a KeyRunID
	WatchJobKind = "keys.watch" // key "all": looks keys up, puts wraps right that are owed, schedules scrubs
)
