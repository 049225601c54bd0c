package destinations

import (
	"cmp"
	"context"
	"iter"
	"slices"
	"sync/atomic"
	"time"

	"github.com/your-org/keeper/fault"
	"github.com/your-org/keeper/models"
	"github.com/your-org/keeper/store"
	keepersync "github.com/your-org/keeper/sync"
)

// groupLedger is the engine's view of a destination where several secrets share an entry. Each
// entry is a group: it has a version of its own, which grows when its digest over its members'
// keys and keyed hashes changes, so that a pass with nothing to do opens no value. What is
// known of a group is repeated in its members' states, which are what everybody else reads.
type groupLedger struct {
	*ledger

	// known is what the store said at readAt, which took so long; moved says that this pass has
	// changed it since. The groups of the engine's page stay in working, each touched by one worker
	// at a time.
	known   []*group
	readAt  time.Time
	took    time.Duration
	moved   atomic.Bool
	working map[models.SecretID]*group
}

// book is the ledger that the engine works from at the destination.
func (l *ledger) book() keepersync.Ledger {
	if !l.destination.Config.Shape.Grouped() {
		return l
	}
	g := &groupLedger{ledger: l}
	l.setIntents, l.recordSync = g.keepIntents, g.keepOutcomes
	return g
}

// Count is how many groups there are to look at.
func (l *groupLedger) Count(ctx context.Context, dueOnly bool) (int, error) {
	groups, err := l.groups(ctx)
	if err != nil || !dueOnly {
		return len(groups), err
	}
	n, now := 0, l.service.Now()
	for _, g := range groups {
		if g.due(now) {
			n++
		}
	}
	return n, nil
}

// Values is how many secrets there are in all groups together.
func (l *groupLedger) Values(ctx context.Context) (n int, err error) {
	groups, err := l.groups(ctx)
	for _, g := range groups {
		n += max(len(g.members), g.written())
	}
	return n, err
}

// Entries yields pages of groups in the order of their ids as secrets', which are negative,
// and between them what changed behind, as ledger.Entries does.
func (l *groupLedger) Entries(ctx context.Context, dueOnly bool) iter.Seq2[[]keepersync.Entry, error] {
	return func(yield func([]keepersync.Entry, error) bool) {
		caughtUp, after, first := l.service.Now(), models.SecretID(0), true
		for {
			// What this pass changed lies behind: ahead, what was read serves as long as it is not old.
			groups, err := l.upTo(ctx, !first)
			if err != nil {
				yield(nil, err)
				return
			}
			now := l.service.Now()
			page := choose(groups, func(g *group) bool { return (first || g.id() > after) && (!dueOnly || g.due(now)) })
			if len(page) == 0 || !yield(l.turnGroups(page), nil) || len(page) < pageSize {
				return
			}
			first, after = false, page[len(page)-1].id()
			if !l.still && now.Sub(caughtUp) >= l.lasts() {
				caughtUp = now
				if !l.catchUpGroups(ctx, after, yield) {
					return
				}
			}
		}
	}
}

// choose is the first page of the groups that are wanted.
func choose(groups []*group, wanted func(*group) bool) (page []*group) {
	for _, g := range groups {
		if len(page) < pageSize && wanted(g) {
			page = append(page, g)
		}
	}
	return page
}

// catchUpGroups yields groups up to an id whose members changed since the pass came by.
func (l *groupLedger) catchUpGroups(ctx context.Context, upTo models.SecretID, yield func([]keepersync.Entry, error) bool) bool {
	groups, err := l.groups(ctx)
	if err != nil {
		return yield(nil, err)
	}
	page := choose(groups, func(g *group) bool { return g.id() <= upTo && g.row.Status != "" && g.changed() })
	return len(page) == 0 || yield(l.turnGroups(page), nil)
}

// turnGroups makes groups the page that is worked on.
func (l *groupLedger) turnGroups(page []*group) []keepersync.Entry {
	l.page, l.working = make(map[models.SecretID]*row, len(page)), make(map[models.SecretID]*group, len(page))
	entries := make([]keepersync.Entry, len(page))
	for i, g := range page {
		state := g.row.State()
		state.Dirty = g.changed()
		l.page[g.id()], l.working[g.id()] = &row{state: state, hold: g.hold}, g
		entries[i] = l.groupEntry(g)
	}
	return entries
}

// groupEntry is a group as the engine knows it.
func (l *groupLedger) groupEntry(g *group) keepersync.Entry {
	state := g.row.State()
	e := l.entry(store.SyncEntry{
		SecretID: g.id(), Name: g.name(), Type: models.JSON, State: &state, Hold: g.hold, Deleted: len(g.members) == 0,
		CurrentVersion: g.row.Version, Size: g.row.Size, Hash: g.row.Hash, ValueAt: g.row.ChangedAt,
	})
	e.Values, e.Fewer, e.Problem = g.written(), g.fewer(), g.problem()
	return e
}

// lasts is how long what the store said serves: a second, or longer where reading it takes long,
// so that a pass over a million secrets does not spend its time reading them.
func (l *groupLedger) lasts() time.Duration { return max(catchUpEvery, 10*l.took) }

// groups is what the store says, by ascending id as secrets: what it said lately, as long as this
// pass has changed nothing. It gives new folders their groups, and groups whose members changed
// their next version.
func (l *groupLedger) groups(ctx context.Context) ([]*group, error) { return l.upTo(ctx, false) }

// upTo is groups, or where moved is true what the store said lately in any case.
func (l *groupLedger) upTo(ctx context.Context, moved bool) ([]*group, error) {
	if err := l.service.Store.Read(ctx, l.atWork); err != nil {
		return nil, err
	}
	now, begun := l.service.Now(), time.Now()
	if l.known != nil && (moved || !l.moved.Load()) && now.Sub(l.readAt) < l.lasts() {
		return l.known, nil
	}
	for attempt := 1; ; attempt++ {
		l.moved.Store(false)
		groups, err := l.readGroups(ctx)
		if err == nil {
			err = l.settleGroups(ctx, groups)
		}
		overtaken := fault.Is(err, fault.Stale) || fault.Is(err, fault.Conflict)
		if overtaken && attempt < tries {
			continue // another process settled them at the same moment
		}
		if err != nil {
			return nil, err
		}
		slices.SortFunc(groups, func(a, b *group) int { return cmp.Compare(a.id(), b.id()) })
		l.known, l.readAt, l.took = groups, now, time.Since(begun)
		return groups, nil
	}
}

// readGroups puts all secrets into the groups that they belong to.
func (l *groupLedger) readGroups(ctx context.Context) ([]*group, error) {
	var members []store.SyncGroupMember
	var rows []models.SyncGroup
	var holds []models.SyncHold
	err := l.service.Store.Read(ctx, func(tx *store.Tx) (err error) {
		if members, err = tx.SyncGroupMembers(l.destination.ID); err != nil {
			return err
		}
		if rows, err = tx.SyncGroups(l.destination.ID); err != nil {
			return err
		}
		holds, err = tx.GroupHolds(l.destination.ID)
		return err
	})
	if err != nil {
		return nil, err
	}
	return l.arrange(members, rows, holds), nil
}

func (l *groupLedger) arrange(members []store.SyncGroupMember, rows []models.SyncGroup, holds []models.SyncHold) []*group {
	byFolder, byID := map[string]*group{}, map[models.SyncGroupID]*group{}
	for _, row := range rows {
		g := &group{row: row}
		byFolder[row.Folder], byID[row.ID] = g, g
	}
	for i := range holds {
		if id, _ := models.GroupOf(holds[i].SecretID); byID[id] != nil {
			byID[id].hold = &holds[i]
		}
	}
	for _, m := range members {
		folder, key := l.destination.Config.Place(m.Name)
		g := byFolder[folder]
		if g == nil {
			g = &group{row: models.SyncGroup{
				DestinationID: l.destination.ID, Folder: folder, RemoteName: l.destination.Config.Prefix + folder,
			}}
			byFolder[folder] = g
		}
		if m.Deleted {
			g.gone = append(g.gone, member{m, key})
		} else {
			g.members = append(g.members, member{m, key})
		}
	}
	var groups []*group
	for _, g := range byFolder {
		if len(g.members)+len(g.gone) > 0 || g.row.Status != "" || g.row.BaseAt != nil || g.row.IntentAt != nil {
			slices.SortFunc(g.members, member.compare)
			groups = append(groups, g)
		}
	}
	return groups
}

// settleGroups stores new groups, and the next versions of those whose digest is another.
func (l *groupLedger) settleGroups(ctx context.Context, groups []*group) error {
	digests, err := l.digests(ctx, groups)
	if err != nil {
		return err
	}
	var moved []*group
	var rows []models.SyncGroup
	for i, g := range groups {
		if g.row.ID != 0 && slices.Equal(g.row.Hash, digests[i]) {
			continue
		}
		next := g.row
		next.Hash = digests[i]
		if next.Size, err = l.size(ctx, g); err != nil {
			return err
		}
		moved, rows = append(moved, g), append(rows, next)
	}
	if len(moved) == 0 {
		return nil
	}
	var stored []models.SyncGroup
	err = l.service.Store.Write(ctx, func(tx *store.Tx) error {
		stored = slices.Clone(rows) // the closure may run again
		for i := range stored {
			put := tx.MoveGroup
			if stored[i].ID == 0 {
				put = tx.CreateSyncGroup
			}
			if err := put(&stored[i]); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		return err
	}
	for i, g := range moved {
		g.row = stored[i]
	}
	return nil
}
