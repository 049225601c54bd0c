package destinations

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"slices"
	"time"

	"github.com/your-org/keeper/fault"
	"github.com/your-org/keeper/models"
	"github.com/your-org/keeper/store"
	keepersync "github.com/your-org/keeper/sync"
)

// pageSize is how many entries the engine works on at a time. It bounds how long a change
// waits for a pass that has come by already: at 50 writes a second, two seconds. Where writes are
// quicker pages grow, up to mostPage, as long as they take no longer than that.
const (
	pageSize = 100
	mostPage = 1600
	pageTime = 2 * time.Second
)

// catchUpEvery is how often a pass looks for what changed behind it.
const catchUpEvery = time.Second

// errStopped ends a pass whose destination was paused or removed meanwhile.
var errStopped = fault.New(fault.Conflict, "The destination was paused or removed while Keeper worked on it.").
	WithHint("What was not done yet is done once it is resumed.")

// errTakenOver ends a pass whose place another has taken: one that outlived its lease must
// not go on from what it read before.
var errTakenOver = fault.New(fault.Conflict, "Another pass has taken over from this one.").WithHint("Its results tell the rest.")

// stopped reports whether a pass ended because it was to, and not because anything failed.
func stopped(err error) bool { return errors.Is(err, errStopped) || errors.Is(err, errTakenOver) }

// ledger is the engine's view of one destination, kept in the store.
type ledger struct {
	service     *Service
	environment models.Environment
	destination models.Destination
	run         models.RunID
	listing     *listing
	// still has entries come once each: what changes behind a preview belongs to the next one.
	still   bool
	drift   *drift    // what the pass finds to be changed by somebody else
	refused *refusals // why entries failed; nil: nobody asks

	// page is what the engine works on now. It is replaced between pages, and each row is
	// touched by one worker at a time, so it needs no lock.
	page map[models.SecretID]*row
	// claimed are names that secrets of this pass are to have and nothing stands under yet.
	claimed map[string]store.NameAt
	ahead   ahead

	// setIntents and recordSync keep what is known of entries, as Tx.SetIntents and Tx.RecordSync
	// do, which stand for nil.
	setIntents func(*store.Tx, []models.SyncState) error
	recordSync func(*store.Tx, []store.SyncOutcome) error
}

// row is what the store said of an entry when its page was read, with what was intended
// since. The zero state stands for one that was never looked at.
type row struct {
	state models.SyncState
	hold  *models.SyncHold // nil: no difference waits for a person
	// object: the current version is a JSON object that is the whole entry there.
	object bool
}

// due reports whether the row must be written even where nothing new is found.
func (r *row) due() bool { return r.state.Status == "" || r.state.Dirty }

// waits reports whether a pass over what is due will come back to the entry by itself.
func (r *row) waits() bool { return r.state.Dirty || r.state.NextTryAt != nil }

// Count is how many entries there are to look at.
func (l *ledger) Count(ctx context.Context, dueOnly bool) (n int, err error) {
	err = l.service.Store.Read(ctx, func(tx *store.Tx) error {
		n, err = tx.CountEntries(l.destination.ID, dueOnly, l.service.Now())
		return err
	})
	return n, err
}

// Entries yields pages of entries by ascending secret id, and between them what changed
// behind: a change must not wait for the end of a long pass.
func (l *ledger) Entries(ctx context.Context, dueOnly bool) iter.Seq2[[]keepersync.Entry, error] {
	return func(yield func([]keepersync.Entry, error) bool) {
		caughtUp, after, size := l.service.Now(), models.SecretID(0), pageSize
		l.claimed = map[string]store.NameAt{}
		for {
			rows, err := l.read(ctx, dueOnly, after, size)
			if err != nil {
				yield(nil, err)
				return
			}
			begun := time.Now()
			if len(rows) == 0 || !l.yield(ctx, rows, yield) || len(rows) < size {
				return
			}
			after, size = rows[len(rows)-1].SecretID, nextSize(rows, size, time.Since(begun))
			if now := l.service.Now(); !l.still && now.Sub(caughtUp) >= catchUpEvery {
				caughtUp = now
				if !l.catchUp(ctx, after, yield) {
					return
				}
			}
		}
	}
}

// nextSize is the size of the page after one that took so long.
func nextSize(rows []store.SyncEntry, size int, took time.Duration) int {
	idle := func(r store.SyncEntry) bool { return r.State != nil && !r.State.Dirty }
	switch {
	case took > pageTime || slices.ContainsFunc(rows, idle):
		return pageSize
	case took > pageTime/2:
		return size
	default:
		return min(2*size, mostPage)
	}
}

// catchUp yields what changed up to a secret since the pass came by it.
func (l *ledger) catchUp(ctx context.Context, upTo models.SecretID, yield func([]keepersync.Entry, error) bool) bool {
	for after := models.SecretID(0); after < upTo; {
		rows, err := l.read(ctx, true, after, pageSize)
		if err != nil {
			return yield(nil, err)
		}
		if after = upTo; len(rows) == pageSize {
			after = rows[len(rows)-1].SecretID
		}
		rows = slices.DeleteFunc(rows, func(r store.SyncEntry) bool { return r.SecretID > upTo || r.State == nil || !r.State.Dirty })
		if len(rows) > 0 && !l.yield(ctx, rows, yield) {
			return false
		}
	}
	return true
}

// yield hands the rows over as the page that is worked on.
func (l *ledger) yield(ctx context.Context, rows []store.SyncEntry, yield func([]keepersync.Entry, error) bool) bool {
	page, err := l.mapPage(ctx, rows)
	if err != nil {
		yield(nil, err)
		return false
	}
	return yield(l.turn(rows, page), nil)
}

// read loads a page, unless the destination is to be left alone by now.
func (l *ledger) read(ctx context.Context, dueOnly bool, after models.SecretID, limit int) (rows []store.SyncEntry, err error) {
	err = l.service.Store.Read(ctx, func(tx *store.Tx) error {
		if err := l.atWork(tx); err != nil {
			return err
		}
		rows, err = tx.SyncEntries(l.destination.ID, dueOnly, l.service.Now(), after, limit)
		return err
	})
	return rows, err
}

// atWork refuses once the destination is to be left alone.
func (l *ledger) atWork(tx *store.Tx) error {
	d, err := tx.Destination(l.destination.ID)
	if fault.Is(err, fault.NotFound) || err == nil && d.Paused {
		return errStopped
	}
	return err
}

// turn makes the rows the page that is worked on.
func (l *ledger) turn(rows []store.SyncEntry, page []mapped) []keepersync.Entry {
	l.page = make(map[models.SecretID]*row, len(rows))
	l.ahead.clear()
	entries := make([]keepersync.Entry, len(rows))
	for i, r := range rows {
		l.page[r.SecretID] = &row{hold: r.Hold, object: page[i].object}
		if r.State != nil {
			l.page[r.SecretID].state = *r.State
		}
		entries[i] = page[i].on(l.entry(r))
	}
	return entries
}

// entry is a row as the engine knows it, under the name and with the hash that the row has.
func (l *ledger) entry(r store.SyncEntry) keepersync.Entry {
	e := keepersync.Entry{SecretID: r.SecretID, Name: r.Name, Type: r.Type, Released: r.Released}
	if !r.Deleted {
		e.Desired = &keepersync.Desired{Version: r.CurrentVersion, Hash: r.Hash, Size: r.Size, At: r.ValueAt}
	}
	if r.Hold != nil && r.Hold.Ruling != "" {
		e.Ruling = &keepersync.Ruling{Side: r.Hold.Ruling, Version: r.Hold.Version, RemoteVersion: r.Hold.RemoteVersion}
	}
	state := r.State
	if state == nil {
		return e
	}
	e.RemoteName, e.Status, e.Attempts = state.RemoteName, state.Status, state.Attempts
	if state.BaseAt != nil {
		e.Base = &keepersync.Base{Hash: state.BaseHash, Version: state.BaseVersion, RemoteVersion: state.BaseRemoteVersion, At: *state.BaseAt}
	}
	if len(state.IntentHash) > 0 {
		e.Intent = &keepersync.Intent{Hash: state.IntentHash, Version: state.IntentVersion}
	}
	return e
}

// Open is the desired version's value in the form that it has there, in bytes of its own.
func (l *ledger) Open(ctx context.Context, e keepersync.Entry) (models.Plaintext, error) {
	value, err := l.openVersion(ctx, e.SecretID, e.Desired.Version)
	if err != nil {
		return models.Plaintext{}, err
	}
	defer value.Zero()
	return formOf(l.destination.Config).of(e.Type, value)
}

func (l *ledger) openVersion(ctx context.Context, id models.SecretID, number models.VersionNumber) (models.Plaintext, error) {
	if version, ok := l.ahead.take(id, number); ok {
		// One that cannot be opened any more is read anew: its key may have been changed meanwhile.
		if value, err := l.service.OpenVersion(ctx, l.environment, version); err == nil {
			return value, nil
		}
	}
	var version models.SecretVersion
	err := l.service.Store.Read(ctx, func(tx *store.Tx) (err error) {
		version, err = tx.Version(id, number)
		return err
	})
	if err != nil {
		return models.Plaintext{}, err
	}
	return l.service.OpenVersion(ctx, l.environment, version)
}

// Take makes the value of which the destination holds the form the secret's newest version. A
// pass that another has taken over from takes nothing: what it saw there may be what the other
// has just brought back, to write over it.
func (l *ledger) Take(ctx context.Context, e keepersync.Entry, v models.Plaintext, from keepersync.Remote) (keepersync.Desired, error) {
	if err := l.leads(ctx); err != nil {
		return keepersync.Desired{}, err
	}
	value, err := formOf(l.destination.Config).back(e.Type, l.page[e.SecretID].object, v)
	if err != nil {
		return keepersync.Desired{}, err
	}
	defer value.Zero()
	comment := fmt.Sprintf("Taken from the destination %s, where it was version %s.", l.destination.Name, from.Version)
	secret, err := l.service.Take(ctx, e.SecretID, e.Desired.Version, value, from.ChangedAt, comment)
	if err != nil {
		return keepersync.Desired{}, err
	}
	hash, err := l.Hash(ctx, e, v)
	return keepersync.Desired{Version: secret.CurrentVersion, Hash: hash, Size: secret.CurrentSize, At: secret.ValueChangedAt}, err
}

// Hash is the environment's keyed hash of a value in the form that it has there.
func (l *ledger) Hash(ctx context.Context, _ keepersync.Entry, v models.Plaintext) ([]byte, error) {
	hasher, err := l.service.Envelope.Hasher(ctx, l.environment)
	if err != nil {
		return nil, err
	}
	return formOf(l.destination.Config).hash(hasher, v)
}

// Examine tells of an entry at the destination that the secret could not take.
func (l *ledger) Examine(_ context.Context, e keepersync.Entry, v models.Plaintext) (keepersync.Examined, error) {
	if f := formOf(l.destination.Config); f.object && e.Desired != nil {
		return keepersync.Examined{Untaken: f.untaken(e.Type, v)}, nil
	}
	return keepersync.Examined{}, nil
}

// Values is how many values there are: one of each secret.
func (l *ledger) Values(ctx context.Context) (int, error) { return l.Count(ctx, false) }

// listing is a driver that remembers why its listing was cut off.
type listing struct {
	keepersync.Driver
	err error
}

// Unwrap gives the engine the driver below.
func (d *listing) Unwrap() keepersync.Driver { return d.Driver }

// List yields what the driver below lists.
func (d *listing) List(ctx context.Context) iter.Seq2[keepersync.Remote, error] {
	return func(yield func(keepersync.Remote, error) bool) {
		for r, err := range d.Driver.List(ctx) {
			if err != nil {
				d.err = err
			}
			if !yield(r, err) {
				return
			}
		}
	}
}

// hid reports whether an outcome says no more than that the listing was cut off.
func (d *listing) hid(o keepersync.Outcome) bool {
	return d.err != nil && errors.Is(o.Err, d.err)
}
