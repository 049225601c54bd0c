package sync

import (
	"bytes"
	"context"
	"iter"
	"time"

	"github.com/your-org/keeper/models"
)

// Ledger is what the engine needs of whoever keeps the secrets of one destination. It is
// the only truth about what should be there, and the memory of what was done. Errors of
// Open and Hash concern one secret and make it unknown; any other error ends the run.
//
// Implementations are safe for concurrent use.
type Ledger interface {
	// Count is how many entries Entries would yield now; it serves progress alone.
	Count(ctx context.Context, dueOnly bool) (int, error)
	// Entries yields pages of up to a few thousand by ascending secret id: all, or only those that are
	// due (the source changed since the last look, or a failure may be tried again). No
	// transaction is open while the engine works on a page.
	Entries(ctx context.Context, dueOnly bool) iter.Seq2[[]Entry, error]
	// Open is the value of e.Desired.Version in the form that the destination holds it in. The
	// caller owns the bytes and zeroes them.
	Open(ctx context.Context, e Entry) (models.Plaintext, error)
	// Hash is the keyed hash that Desired, Base and Intent are compared by, 32 bytes, of a value
	// of the entry in the form that the destination holds it in.
	Hash(ctx context.Context, e Entry, v models.Plaintext) ([]byte, error)
	// Take makes a destination's value, in its form there, which the caller goes on owning, the newest version of
	// the entry's secret, and returns it as what is desired from now on. Stale where
	// e.Desired is no longer the current version; Invalid where the secret's type does not
	// take the value. Taking what is the current value already changes nothing.
	Take(ctx context.Context, e Entry, v models.Plaintext, from Remote) (Desired, error)
	// Intend stores durably, before any of these writes and deletions goes out, each entry's
	// Desired as its intent; one that is to be deleted keeps the intent that it has. It stores the entry's Base too, nil included, which differs from the stored
	// one where the look has just recognised an earlier write of Keeper's whose answer was
	// lost, or found nothing.
	Intend(ctx context.Context, entries []Entry) error
	// Record stores outcomes durably. The source may have moved since the entry was read:
	// an entry stays due where its desired version is no longer Outcome.Entry's, and is not
	// forgotten where its secret is no longer deleted. A new base supersedes the intent, and so
	// does a foreign name without one: somebody else had it first.
	Record(ctx context.Context, outcomes []Outcome) error
}

// Examiner is what a Ledger implements beside whose entries hold several values each.
type Examiner interface {
	// Examine looks into a value at the destination; it costs no call.
	Examine(ctx context.Context, e Entry, v models.Plaintext) (Examined, error)
	// Values is how many values of Keeper's there are at the destination, or are to be; the
	// brake counts in them.
	Values(ctx context.Context) (int, error)
}

// Outcome is what one run found and did about one entry.
type Outcome struct {
	Entry  Entry
	Found  models.SyncStatus // before the action
	Status models.SyncStatus // after it
	Action models.SyncAction // done, or tried where Err is set
	Base   *Base             // the new base; nil: unchanged
	Forget bool              // deleted in Keeper and gone there: the entry has served
	// Err is a *fault.Error that names secret, operation and cure; nil: well. Beside a Base
	// it tells of a write that stands, but went over somebody else's.
	Err  error
	Seen Observed // what the last look saw; of a value no more than its hash and size
	Left Left     // what is there now, for a proof
	Lost int      // values that the action took away, as the brake counts them
	Why  string   // a sentence for people
	// Again is when the entry is due again without having failed: its value has to wait.
	Again time.Time
	At    time.Time
}

// Changed reports whether the outcome says anything that the entry did not say already. An
// outcome that is not changed needs no write beyond making the entry no longer due.
func (o Outcome) Changed() bool {
	return o.Base != nil || o.Forget || o.Err != nil || o.Status != o.Entry.Status || o.Entry.Attempts != 0 || !o.Again.IsZero() ||
		o.Action != models.ActionNone && o.Action != models.ActionHold
}

// after is the base once the remote version holds the desired value; nil where that is what
// the entry's base says already.
func (e Entry) after(remoteVersion string, now time.Time) *Base {
	b := e.Base
	if b != nil && b.RemoteVersion == remoteVersion && b.Version == e.Desired.Version && bytes.Equal(b.Hash, e.Desired.Hash) {
		return nil
	}
	return &Base{Hash: e.Desired.Hash, Version: e.Desired.Version, RemoteVersion: remoteVersion, At: now}
}

// proven is the base that a look has shown to hold: a write of Keeper's that arrived though
// its answer was lost, the known value under another remote version, or none where nothing
// is there. The last matters where the name is made anew and the process dies before it is
// marked: what is unmarked is believed to be ours only where there is no base.
func (e Entry) proven(o Observed, now time.Time) *Base {
	switch {
	case !o.Remote.Exists():
		return nil
	case o.Remote.Deleted && (e.Base == nil || e.Base.RemoteVersion != o.Remote.Version):
		return &Base{RemoteVersion: o.Remote.Version, At: now}
	case o.Hash == nil:
		return e.Base
	case e.Base != nil && same(o.Hash, e.Base.Hash):
		moved := *e.Base
		moved.RemoteVersion = o.Remote.Version
		return &moved
	case e.Intent != nil && same(o.Hash, e.Intent.Hash):
		return &Base{Hash: e.Intent.Hash, Version: e.Intent.Version, RemoteVersion: o.Remote.Version, At: now}
	default:
		return e.Base
	}
}

// count adds the outcome to exactly one of the counts beside Checked; to none where it waits.
func (o Outcome) count(c *models.RunCounts) {
	c.Checked++
	switch {
	case o.Status == models.StatusUnknown:
		c.Unknown++
	case o.Status == models.StatusForeign:
		c.Foreign++
	case o.Err != nil:
		c.Failed++
	case !o.Again.IsZero():
	case o.Action == models.ActionHold:
		c.Held++
	case o.Action == models.ActionTake:
		c.Taken++
	case o.Action == models.ActionCreate:
		c.Created++
	case o.Action == models.ActionUpdate:
		c.Updated++
	case o.Action == models.ActionRepair, o.Action == models.ActionMark:
		c.Repaired++
	case o.Action == models.ActionDelete:
		c.Deleted++
	case o.Action == models.ActionRestore:
		c.Restored++
	default:
		c.InSync++
	}
}
