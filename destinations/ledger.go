package destinations

import (
	"context"
	"iter"
	"math/rand/v2"
	"strconv"
	"sync"
	"time"

	"github.com/your-org/keeper/fault"
	"github.com/your-org/keeper/models"
	"github.com/your-org/keeper/store"
	keepersync "github.com/your-org/keeper/sync"
)

// pageSize is how many entries the engine works on at a time.
const pageSize = 500

// Retries of a secret that failed wait at least retryFirst, twice as long each time, and at
// most retryMost.
const (
	retryFirst = 5 * time.Second
	retryMost  = 10 * time.Minute
)

// ledger is the engine's view of one destination, kept in the store.
type ledger struct {
	service     *Service
	environment models.Environment
	destination models.Destination
	run         models.RunID

	mu  sync.Mutex
	due map[models.SecretID]bool // entries read whose row says that something is to be done
}

// Count is how many entries there are to look at.
func (l *ledger) Count(ctx context.Context, dueOnly bool) (n int, err error) {
	err = l.service.Store.Read(ctx, func(tx *store.Tx) error {
		n, err = tx.CountEntries(l.destination.ID, dueOnly, l.service.Now())
		return err
	})
	return n, err
}

// Entries yields pages of entries by ascending secret id.
func (l *ledger) Entries(ctx context.Context, dueOnly bool) iter.Seq2[[]keepersync.Entry, error] {
	return func(yield func([]keepersync.Entry, error) bool) {
		now, after := l.service.Now(), models.SecretID(0)
		for {
			var rows []store.SyncEntry
			err := l.service.Store.Read(ctx, func(tx *store.Tx) (err error) {
				rows, err = tx.SyncEntries(l.destination.ID, dueOnly, now, after, pageSize)
				return err
			})
			if err != nil {
				yield(nil, err)
				return
			}
			if len(rows) == 0 {
				return
			}
			page := make([]keepersync.Entry, len(rows))
			for i, row := range rows {
				page[i] = l.entry(row)
			}
			after = rows[len(rows)-1].SecretID
			if !yield(page, nil) || len(rows) < pageSize {
				return
			}
		}
	}
}

// entry is a row as the engine knows it. The name at the destination is fixed once there is
// a state row, so that a change of mapping leaves no copy behind.
func (l *ledger) entry(row store.SyncEntry) keepersync.Entry {
	e := keepersync.Entry{SecretID: row.SecretID, Name: row.Name, RemoteName: l.destination.Config.Prefix + row.Name, Type: row.Type}
	if !row.Deleted {
		e.Desired = &keepersync.Desired{Version: row.CurrentVersion, Hash: row.Hash, Size: row.Size}
	}
	state := row.State
	l.note(row)
	if state == nil {
		return e
	}
	e.Status, e.Attempts = state.Status, state.Attempts
	if state.RemoteName != "" {
		e.RemoteName = state.RemoteName
	}
	if state.BaseAt != nil {
		e.Base = &keepersync.Base{Hash: state.BaseHash, Version: state.BaseVersion, RemoteVersion: state.BaseRemoteVersion, At: *state.BaseAt}
	}
	if state.IntentAt != nil {
		e.Intent = &keepersync.Intent{Hash: state.IntentHash, Version: state.IntentVersion}
	}
	return e
}

// note remembers which entries need their row written even where nothing new is found.
func (l *ledger) note(row store.SyncEntry) {
	if row.State != nil && !row.State.Dirty {
		return
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.due == nil {
		l.due = map[models.SecretID]bool{}
	}
	l.due[row.SecretID] = true
}

// Open is the desired version's value, in bytes of its own.
func (l *ledger) Open(ctx context.Context, e keepersync.Entry) (models.Plaintext, error) {
	var version models.SecretVersion
	err := l.service.Store.Read(ctx, func(tx *store.Tx) (err error) {
		version, err = tx.Version(e.SecretID, e.Desired.Version)
		return err
	})
	if err != nil {
		return models.Plaintext{}, err
	}
	return l.service.OpenVersion(ctx, l.environment, version)
}

// Hash is the environment's keyed hash of a value.
func (l *ledger) Hash(ctx context.Context, v models.Plaintext) ([]byte, error) {
	hasher, err := l.service.Envelope.Hasher(ctx, l.environment)
	if err != nil {
		return nil, err
	}
	return hasher.Sum(v), nil
}

// Intend writes down what is about to go out.
func (l *ledger) Intend(ctx context.Context, entries []keepersync.Entry) error {
	now := l.service.Now()
	states := make([]models.SyncState, len(entries))
	for i, e := range entries {
		states[i] = l.state(e, e.Base, now)
		if e.Desired != nil {
			states[i].IntentHash, states[i].IntentVersion, states[i].IntentAt = e.Desired.Hash, e.Desired.Version, &now
		}
	}
	return l.service.Store.Write(ctx, func(tx *store.Tx) error { return tx.SetIntents(states) })
}

// state is what every row of an entry says.
func (l *ledger) state(e keepersync.Entry, base *keepersync.Base, now time.Time) models.SyncState {
	state := models.SyncState{
		SecretID: e.SecretID, DestinationID: l.destination.ID, RemoteName: e.RemoteName, Status: e.Status, Since: now, UpdatedAt: now,
	}
	if base != nil {
		state.BaseHash, state.BaseVersion, state.BaseRemoteVersion, state.BaseAt = base.Hash, base.Version, base.RemoteVersion, &base.At
	}
	return state
}

// Record writes outcomes down: the states that moved, and what is worth telling among the
// run's results. A pass that finds everything as it was writes nothing.
func (l *ledger) Record(ctx context.Context, outcomes []keepersync.Outcome) error {
	var recorded []store.SyncOutcome
	var results []models.SyncResult
	for _, o := range outcomes {
		if !o.Changed() && !l.settled(o.Entry.SecretID) {
			continue
		}
		recorded = append(recorded, l.outcome(o))
		if o.Err != nil || o.Action != models.ActionNone || o.Status != models.StatusInSync {
			results = append(results, l.result(o))
		}
	}
	if len(recorded) == 0 {
		return nil
	}
	return l.service.Store.Write(ctx, func(tx *store.Tx) error {
		if err := tx.RecordSync(recorded); err != nil {
			return err
		}
		return tx.AddResults(results)
	})
}

// settled reports whether an entry's row was still to be written, and that it no longer is.
func (l *ledger) settled(id models.SecretID) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	was := l.due[id]
	delete(l.due, id)
	return was
}

func (l *ledger) outcome(o keepersync.Outcome) store.SyncOutcome {
	base := o.Base
	if base == nil {
		base = o.Entry.Base
	}
	state := l.state(o.Entry, base, o.At)
	state.Status = o.Status
	if o.Err != nil {
		public := fault.Public(o.Err)
		next := o.At.Add(backoff(o.Entry.Attempts))
		state.Attempts, state.NextTryAt, state.LastError, state.LastHint = o.Entry.Attempts+1, &next, public.Message, public.Hint
	} else if o.Status != models.StatusInSync {
		state.LastError = o.Why
	}
	if i := o.Entry.Intent; i != nil && o.Base == nil {
		state.IntentHash, state.IntentVersion, state.IntentAt = i.Hash, i.Version, &o.At
	}
	recorded := store.SyncOutcome{State: state, Forget: o.Forget, Deleted: o.Entry.Desired == nil}
	if o.Entry.Desired != nil {
		recorded.Version = o.Entry.Desired.Version
	}
	return recorded
}

// backoff is the wait before another try after so many failures, with full jitter.
func backoff(attempts int) time.Duration {
	limit := min(retryMost, retryFirst<<min(attempts, 10))
	return retryFirst/2 + rand.N(limit)
}

func (l *ledger) result(o keepersync.Outcome) models.SyncResult {
	r := models.SyncResult{
		RunID: l.run, SecretID: o.Entry.SecretID, SecretName: o.Entry.Name, RemoteName: o.Entry.RemoteName,
		Status: o.Status, Action: o.Action, At: o.At, Error: o.Why,
	}
	if o.Err != nil {
		public := fault.Public(o.Err)
		r.Failed, r.Error, r.Hint = true, public.Message, public.Hint
	}
	return r
}

func itoa(n int) string { return strconv.Itoa(n) }
