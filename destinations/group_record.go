package destinations

import (
	"bytes"
	"time"

	"github.com/your-org/keeper/models"
	"github.com/your-org/keeper/store"
)

// keepIntents stores what is about to go out.
func (l *groupLedger) keepIntents(tx *store.Tx, states []models.SyncState) error {
	l.moved.Store(true)
	return tx.SetGroupIntents(states)
}

// keepOutcomes stores outcomes of groups, each with its members'.
func (l *groupLedger) keepOutcomes(tx *store.Tx, outcomes []store.SyncOutcome) error {
	l.moved.Store(true)
	for _, o := range outcomes {
		g := l.working[o.State.SecretID]
		if o.Deleted {
			o.Version = g.row.Version
		}
		if err := tx.RecordGroup(store.GroupOutcome{SyncOutcome: o, Members: g.outcomes(o, l.service.Now())}); err != nil {
			return err
		}
		if err := l.dropVain(tx, o); err != nil {
			return err
		}
	}
	return nil
}

// dropVain takes back a decision for the destination's side that could not be carried out: the
// difference is held anew, and says why.
func (l *groupLedger) dropVain(tx *store.Tx, o store.SyncOutcome) error {
	hold := l.page[o.State.SecretID].hold
	differs := o.State.Status == models.StatusDrifted || o.State.Status == models.StatusConflict
	if hold == nil || hold.Ruling != models.SideRemote || !differs || o.State.Attempts > 0 { // that failed is tried again
		return nil
	}
	return tx.DropHolds(l.destination.ID, []models.SecretID{o.State.SecretID})
}

// outcomes are those of members whose states do not only repeat the group's: who changed, came
// or went since the last look, or whose version has been written now.
func (g *group) outcomes(o store.SyncOutcome, now time.Time) []store.SyncOutcome {
	inEntry := o.State.BaseAt != nil && bytes.Equal(o.State.BaseHash, g.row.Hash)
	var all []store.SyncOutcome
	for _, m := range g.members {
		written := inEntry && (m.Base != m.Version || m.GroupID != g.row.ID)
		if m.Known && !m.Dirty && m.GroupID == g.row.ID && !written {
			continue
		}
		state := g.memberState(m, o, now)
		if inEntry {
			state.BaseHash, state.BaseVersion, state.BaseRemoteVersion, state.BaseAt = m.Hash, m.Version, o.State.BaseRemoteVersion, o.State.BaseAt
		}
		all = append(all, store.SyncOutcome{State: state, Version: m.Version})
	}
	for _, m := range g.gone {
		never := m.Base == 0 && o.State.IntentAt == nil
		out := o.Forget || never || inEntry && o.State.Status == models.StatusInSync
		if out || m.Dirty || m.GroupID != g.row.ID {
			all = append(all, store.SyncOutcome{State: g.memberState(m, o, now), Deleted: true, Forget: out})
		}
	}
	return all
}

// memberState repeats the group's state for a member, whose base stays what it was.
func (g *group) memberState(m member, o store.SyncOutcome, now time.Time) models.SyncState {
	state := models.SyncState{
		SecretID: m.SecretID, DestinationID: g.row.DestinationID, RemoteName: g.row.RemoteName, GroupID: g.row.ID,
		Status: o.State.Status, Since: now, UpdatedAt: now,
		BaseHash: m.BaseHash, BaseVersion: m.Base, BaseRemoteVersion: m.BaseRemoteVersion, BaseAt: m.BaseAt,
		Attempts: o.State.Attempts, NextTryAt: o.State.NextTryAt, LastError: o.State.LastError, LastHint: o.State.LastHint,
	}
	if m.Status == state.Status && m.Since != nil {
		state.Since = *m.Since
	}
	return state
}
