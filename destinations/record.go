package destinations

import (
	"context"
	"time"

	"github.com/your-org/keeper/fault"
	"github.com/your-org/keeper/models"
	"github.com/your-org/keeper/store"
	keepersync "github.com/your-org/keeper/sync"
)

// Retries of a secret that failed wait at least half of retryFirst, twice as long each time,
// and at most retryMost and that.
const (
	retryFirst = 5 * time.Second
	retryMost  = 10 * time.Minute
)

// Intend writes down what is about to go out.
func (l *ledger) Intend(ctx context.Context, entries []keepersync.Entry) error {
	now := l.service.Now()
	states := make([]models.SyncState, len(entries))
	var free []models.SecretID // nothing stands any more under names that were given back
	for i, e := range entries {
		if e.Released {
			free = append(free, e.SecretID)
		}
		states[i] = l.state(e, e.Base, now)
		if e.Desired != nil {
			states[i].IntentHash, states[i].IntentVersion, states[i].IntentAt = e.Desired.Hash, e.Desired.Version, &now
		} else {
			known := l.page[e.SecretID].state
			states[i].IntentHash, states[i].IntentVersion, states[i].IntentAt = known.IntentHash, known.IntentVersion, known.IntentAt
		}
	}
	set := l.setIntents
	if set == nil {
		set = (*store.Tx).SetIntents
	}
	err := l.service.Store.Write(ctx, func(tx *store.Tx) error {
		if err := l.stands(tx); err != nil {
			return err
		}
		if err := l.atWork(tx); err != nil {
			return err
		}
		if err := tx.DropReleases(l.destination.ID, free); err != nil {
			return err
		}
		return set(tx, states)
	})
	if err != nil {
		return err
	}
	// Kept in mind, so that an outcome without a new base does not take the intent away:
	// after a write whose answer was lost it is all that tells Keeper's own hand.
	for _, s := range states {
		known := &l.page[s.SecretID].state
		known.IntentHash, known.IntentVersion, known.IntentAt = s.IntentHash, s.IntentVersion, s.IntentAt
	}
	l.readAhead(ctx, entries)
	return nil
}

// Record writes outcomes down: the states that moved, and what is worth telling among the
// run's results. A pass that finds everything as it was writes nothing.
func (l *ledger) Record(ctx context.Context, outcomes []keepersync.Outcome) error {
	var recorded []store.SyncOutcome
	var results []models.SyncResult
	var holds []models.SyncHold
	var settled []models.SecretID
	for _, o := range outcomes {
		r := l.page[o.Entry.SecretID]
		l.drift.see(o, r.hold)
		switch {
		case o.Action == models.ActionHold:
			if hold := l.hold(o); r.due() || o.Changed() || r.hold == nil || !sameHold(*r.hold, hold) {
				holds = append(holds, hold)
			}
		case r.hold != nil && decided(o):
			settled = append(settled, o.Entry.SecretID)
		}
		switch {
		case !o.Changed() && !r.due():
			continue
		case l.listing.hid(o):
			// The run tells of it, once for all. What waits for a pass of its own keeps its
			// turn, and the others wait for the next listing.
			if !r.waits() && r.state.Status != o.Status {
				recorded = append(recorded, l.outcome(o, r))
			}
			continue
		}
		recorded = append(recorded, l.outcome(o, r))
		if o.Err != nil || o.Action != models.ActionNone || o.Status != models.StatusInSync {
			results = append(results, l.result(o, r.hold))
		}
	}
	if len(recorded)+len(holds)+len(settled) == 0 {
		return nil
	}
	record := l.recordSync
	if record == nil {
		record = (*store.Tx).RecordSync
	}
	return l.service.Store.Write(ctx, func(tx *store.Tx) error {
		if err := l.stands(tx); err != nil {
			return err
		}
		if err := record(tx, recorded); err != nil {
			return err
		}
		if err := tx.PutHolds(holds); err != nil {
			return err
		}
		if err := tx.DropHolds(l.destination.ID, settled); err != nil {
			return err
		}
		if err := tx.AddDeletions(l.deletions(outcomes)); err != nil {
			return err
		}
		return tx.AddResults(results)
	})
}

// stands refuses to keep anything of a pass that another has taken over from: what it read is
// older than what the other has written, its intents included.
func (l *ledger) stands(tx *store.Tx) error {
	run, err := tx.Run(l.run)
	if fault.Is(err, fault.NotFound) || err == nil && run.Status != models.RunRunning {
		return errTakenOver
	}
	return err
}

// leads reports, as an error, that another pass has taken over from this one.
func (l *ledger) leads(ctx context.Context) error { return l.service.Store.Read(ctx, l.stands) }

// decided reports whether an outcome leaves nothing of a difference to decide. Where what a
// person decided failed, or has to wait, the decision stands for the next try.
func decided(o keepersync.Outcome) bool {
	open := o.Err != nil && o.Action != models.ActionRefuse || !o.Again.IsZero()
	return o.Status == models.StatusInSync || o.Status != models.StatusUnknown && !open
}

func sameHold(a, b models.SyncHold) bool {
	return a.Version == b.Version && a.RemoteVersion == b.RemoteVersion
}

// hold is what a person is shown of a difference, to decide.
func (l *ledger) hold(o keepersync.Outcome) models.SyncHold {
	h := models.SyncHold{
		SecretID: o.Entry.SecretID, DestinationID: l.destination.ID, Status: o.Status, Why: o.Why, Version: o.Entry.Desired.Version,
		HeldAt: o.At,
	}
	if o.Status == models.StatusMissing {
		return h
	}
	h.RemoteVersion, h.RemoteHash, h.RemoteSize = o.Seen.Remote.Version, o.Seen.Hash, o.Seen.Size
	if at := o.Seen.Remote.ChangedAt; !at.IsZero() {
		h.RemoteChangedAt = &at
	}
	return h
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

func (l *ledger) outcome(o keepersync.Outcome, r *row) store.SyncOutcome {
	base := o.Base
	if base == nil {
		base = o.Entry.Base
	}
	state := l.state(o.Entry, base, o.At)
	state.Status = o.Status
	if r.state.Status == o.Status {
		state.Since = r.state.Since
	}
	if o.Base == nil { // a new base supersedes the intent
		state.IntentHash, state.IntentVersion, state.IntentAt = r.state.IntentHash, r.state.IntentVersion, r.state.IntentAt
	}
	// Another's stands where Keeper was to write first: no value that comes there later is Keeper's.
	if o.Status == models.StatusForeign && base == nil {
		state.IntentHash, state.IntentVersion = nil, 0
	}
	if o.Err != nil {
		public := fault.Public(o.Err)
		state.LastError, state.LastHint = public.Message, public.Hint
		if !l.listing.hid(o) {
			l.refused.see(o, state)
			next := o.At.Add(l.service.backoff(o.Entry.Attempts))
			state.Attempts, state.NextTryAt = o.Entry.Attempts+1, &next
		}
	} else if o.Status != models.StatusInSync {
		state.LastError = o.Why
	}
	if !o.Again.IsZero() {
		state.NextTryAt = &o.Again
	}
	recorded := store.SyncOutcome{State: state, Forget: o.Forget, Deleted: o.Entry.Desired == nil}
	if o.Entry.Desired != nil {
		recorded.Version = o.Entry.Desired.Version
	}
	return recorded
}

// backoff is the wait before another try after so many failures, with full jitter.
func (s *Service) backoff(attempts int) time.Duration {
	return retryFirst/2 + s.Jitter(min(retryMost, retryFirst<<min(attempts, 10)))
}

func (l *ledger) result(o keepersync.Outcome, hold *models.SyncHold) models.SyncResult {
	r := models.SyncResult{
		RunID: l.run, SecretID: o.Entry.SecretID, SecretName: o.Entry.Name, RemoteName: o.Entry.RemoteName,
		Status: o.Status, Action: o.Action, At: o.At, Error: o.Why, Lost: o.Lost,
	}
	if !l.drift.decided(o, hold) {
		r.Found = o.Found
	}
	if o.Err != nil {
		public := fault.Public(o.Err)
		r.Failed, r.Error, r.Hint = true, public.Message, public.Hint
	}
	return r
}
