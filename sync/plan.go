package sync

import (
	"bytes"
	"time"

	"github.com/your-org/keeper/models"
)

// Entry is one secret at the destination as Keeper knows it: what should be there, and what
// was written there last.
type Entry struct {
	SecretID   models.SecretID
	Name       string // of the secret
	RemoteName string // at the destination, prefix included
	Type       models.SecretType
	Desired    *Desired // nil: the secret is deleted in Keeper
	Base       *Base    // nil: never written there
	Intent     *Intent  // nil: no write was under way
	Ruling     *Ruling  // nil: no person has decided
	Status     models.SyncStatus
	Attempts   int  // failures in a row
	Released   bool // what stood there was given back: it is foreign, whatever mark it bears

	// An entry that several secrets share tells how many values of theirs it holds, as far as
	// Keeper wrote them, and how many of these the desired version leaves out. 0 where the
	// entry is one secret's.
	Values, Fewer int
	// Problem is why the desired version cannot be written, *fault.Error; nil: nothing. Of kind
	// Invalid it never can; any other says that it could not be read, and is unknown.
	Problem error
}

// Ruling is a person's decision between two values. It counts only as long as both stand as
// the person saw them.
type Ruling struct {
	Side          models.Side
	Version       models.VersionNumber // Keeper's
	RemoteVersion string               // "" where nothing was there
}

// Desired is the version that should be at the destination.
type Desired struct {
	Version models.VersionNumber
	Hash    []byte    // keyed hash of the value
	Size    int       // bytes
	At      time.Time // when the version became current
}

// Base is what Keeper last wrote or confirmed at the destination.
type Base struct {
	Hash          []byte               // nil: of a value that Keeper was about to delete, or to restore in order to write over it
	Version       models.VersionNumber // 0: of a value that Keeper brought back, or was about to
	RemoteVersion string
	At            time.Time
}

// known reports whether there is a base that tells a value.
func (b *Base) known() bool { return b != nil && len(b.Hash) > 0 }

// leaving is the base of what is about to be deleted: it tells no value any more.
func (b *Base) leaving(remoteVersion string, now time.Time) *Base {
	left := Base{RemoteVersion: remoteVersion, At: now, Version: 1} // whatever is deleted is Keeper's
	if b != nil {
		left.Version = max(left.Version, b.Version)
	}
	return &left
}

// Intent is a write that was about to go out. Where the process died between the write and
// its record, it tells our own hand from another's.
type Intent struct {
	Hash    []byte
	Version models.VersionNumber
}

// Observed is what was seen at the destination. Hash is nil where the value was not read;
// Decide asks for it with NeedValue where it matters.
type Observed struct {
	Err    error  // not nil: unknown; nothing else counts
	Remote Remote // the zero Remote: nothing there
	Listed bool   // from a listing, which may be minutes old; not yet confirmed by a describe
	Hash   []byte // keyed hash of the current value, once read
	Size   int    // bytes of the current value, where Hash is set
	Examined
}

// Examined is what a ledger tells of a value at the destination whose Hash it knows.
type Examined struct {
	Untaken string // why Take would refuse it, as a clause for people; "" where it would not
	Differ  int    // of an entry with several values: how many there are not the desired ones
}

// Decision is what Decide makes of an entry: the state that holds now and what to do.
type Decision struct {
	Status    models.SyncStatus
	Action    models.SyncAction
	NeedValue bool // cannot be decided without the remote value's hash
	Confirm   bool // a listing does not suffice for what follows; Describe, then decide again
	Why       string
}

func same(a, b []byte) bool { return len(a) > 0 && bytes.Equal(a, b) }
