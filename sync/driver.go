// Package sync keeps copies of secrets at destinations true. A level-triggered engine
// compares what should be (entries of a Ledger), what Keeper last wrote (their base) and
// what is there (a Driver's observations), and works the difference off. It knows neither
// the store nor the web, so that another process can run the same engine.
//
// The package shares its name with the standard library's and exports nothing that the
// standard one does; the rare file that needs both calls this one keepersync.
package sync

import (
	"context"
	"iter"
	"time"

	"github.com/your-org/keeper/models"
)

// Driver works on one destination. It is naive: one attempt, raw outcomes, no logging, no
// rate limit and no metrics; those wrap it from outside. All its errors are *fault.Error:
//
//   - NotFound: the destination said that there is no such name. Nothing else means absence.
//   - Conflict: the remote version, or the mark, is no longer the one that the write was to replace.
//   - Forbidden: a permission is missing; the message names it.
//   - Invalid: the destination refuses this name or value for good.
//   - Throttled, Unavailable: no answer, or not now; the outcome of a write is unknown.
//
// Implementations are safe for concurrent use.
type Driver interface {
	// List yields every name under the destination's prefix, without values, in no order.
	// A listing may be stale (AWS: five minutes). After an error the sequence ends, and what
	// was not yielded is unknown, not absent. A name may come twice, where a listing was begun again.
	List(ctx context.Context) iter.Seq2[Remote, error]
	// Describe looks one name up, authoritatively. NotFound means absent.
	Describe(ctx context.Context, name string) (Remote, error)
	// Fetch reads current values, in batches where the destination can. Each name gets an
	// answer or an error of its own; the map has an entry for every name.
	Fetch(ctx context.Context, names []string) map[string]Fetched
	// Put writes a value where the remote version is still the one that the write replaces,
	// and puts Keeper's mark on what it creates. Doing it again with the same Write changes
	// nothing more. Where the destination has no check-and-set, a write may overtake one by
	// somebody else: the error is then a Conflict beside the Remote that now stands.
	Put(ctx context.Context, w Write) (Remote, error)
	// Mark puts Keeper's mark on an existing name that bears no other, without touching its value.
	Mark(ctx context.Context, name string, mark Mark) (Remote, error)
	// Unmark takes Keeper's mark off a name, and nothing else, where it is exactly this one.
	// What has no mark already is a success; what has another is left alone: a Conflict.
	Unmark(ctx context.Context, name string, mark Mark) (Remote, error)
	// Delete removes the current value so that it can be restored for a while. Deleting
	// what is already deleted is a success.
	Delete(ctx context.Context, r Remote) (Remote, error)
	// Restore brings a deleted name's last value back.
	Restore(ctx context.Context, r Remote) (Remote, error)
	// Check tries the permissions that syncing needs and changes nothing that lasts. The
	// error is the first thing that must be mended.
	Check(ctx context.Context) error
}

// Tuner is what a Driver implements beside where a destination keeps settings with each
// secret that Keeper looks after: its key, tags, replicas. Remote.Untuned tells, from a
// listing as from a look, for whom there is something to do.
type Tuner interface {
	// Tune brings the settings of one name in line with the destination's. It touches no
	// value, makes no version, and leaves what others have set and the destination says
	// nothing of. The Remote is Untuned still where AWS needs time.
	Tune(ctx context.Context, name string) (Remote, error)
}

// Mark is how Keeper knows its own. It stands beside the value (AWS: tags, Vault: custom
// metadata) and never changes for a name.
type Mark struct {
	Owner       string               // the installation's identity
	Destination models.DestinationID // which destination's
	Secret      models.SecretID
}

// Zero reports whether there is no mark.
func (m Mark) Zero() bool { return m == Mark{} }

// Remote is what is there under one name, without the value.
type Remote struct {
	Name      string
	Version   string // AWS VersionId of AWSCURRENT, KV v2 version; "" where there is no value
	Mark      Mark   // zero where Keeper's mark is not on it
	Deleted   bool   // soft-deleted, can be restored
	ChangedAt time.Time
	Untuned   bool // what a Tuner looks after is not as the destination's settings say
}

// Exists reports whether there is anything under the name, deleted or not.
func (r Remote) Exists() bool { return r.Version != "" || r.Deleted || !r.Mark.Zero() }

// Fetched is one answer of Fetch. Err is NotFound where there is no current value.
type Fetched struct {
	Value   models.Plaintext
	Version string
	// Odd says, in a sentence for people, why the entry is not in the form that Put would give
	// it: its next value would change the form for whoever reads it. "": it is.
	Odd string
	Err error
}

// Write is one value to put.
type Write struct {
	Name        string
	Value       models.Plaintext
	Type        models.SecretType
	Version     models.VersionNumber // Keeper's, for the token of a retry
	Replaces    Remote               // what was observed; the zero Remote where nothing was
	Mark        Mark
	Description string
}
