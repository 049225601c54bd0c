package sync

import (
	"context"
	"fmt"

	"github.com/your-org/keeper/fault"
	"github.com/your-org/keeper/models"
)

// Brake bounds what one run may replace without a person having seen it: values deleted at the
// destination, values written over there that Keeper did not write, and current values of
// Keeper's that the destination's take the place of, to go on to the other destinations.
type Brake struct {
	Most    int // how many; 0: no brake
	Percent int // of the destination's entries, once more than brakeFloor are concerned; 0: no share
}

// brakeFloor is how many values a run may always take away: of three secrets, one is a third.
const brakeFloor = 5

// Trips reports whether so many out of total are more than a run may take away by itself.
func (b Brake) Trips(concerned, total int) bool {
	if b.Most <= 0 {
		return false
	}
	return concerned > b.Most || b.Percent > 0 && concerned > brakeFloor && concerned*100 > b.Percent*total
}

// ErrBraked is in the chain of the error of a run that stopped, because it would have taken
// more away than its Brake allows: before it took anything away, or before the page of entries
// with which it would have, where so much changed only while it was under way.
var ErrBraked = fault.New(fault.Conflict, "The run would take more away than it may by itself.")

// TakesAway reports whether a decision removes a value, writes over one of another's, or has
// one take the place of Keeper's. What is marked only to be deleted then is as good as deleted.
func (d Decision) TakesAway() bool {
	overwrites := writes(d.Action) && (d.Status == models.StatusDrifted || d.Status == models.StatusConflict)
	return d.Deletes() || d.Action == models.ActionTake || overwrites
}

// Deletes reports whether a decision ends in a value being deleted.
func (d Decision) Deletes() bool {
	return d.Action == models.ActionDelete || d.Action == models.ActionMark && d.Status == models.StatusOrphaned
}

// Loses is how many values a decision takes away: one, or of an entry that several secrets
// share, those that the desired version leaves out or that differ.
func (d Decision) Loses(e Entry, o Observed) int {
	switch {
	case d.Deletes():
		return max(1, e.Values)
	case d.TakesAway():
		return max(1, o.Differ)
	case writes(d.Action):
		return e.Fewer
	default:
		return 0
	}
}

// anew is how many of the values that an entry is about to lose count beside what earlier runs
// took away. The one of a secret that it lost lately is among that already; of an entry that
// several share, nobody knows which they were.
func (r *run) anew(e Entry, lost int) int {
	if e.Values == 0 && r.Taken[e.SecretID] > 0 {
		return 0
	}
	return lost
}

// before is how many values earlier runs took away.
func (r *run) before() (n int) {
	for _, lost := range r.Taken {
		n += lost
	}
	return n
}

// mayLose is the most values that Decide could come to take away, going by what is known
// without a question to the destination.
func (r *run) mayLose(e Entry) int {
	if r.mayTakeAway(e) {
		return max(1, e.Values)
	}
	return e.Fewer
}

// values is what the share of the brake is of.
func (r *run) values(ctx context.Context) (int, error) {
	if l, ok := r.ledger.(Examiner); ok {
		return l.Values(ctx)
	}
	return r.ledger.Count(ctx, false)
}

// mayTakeAway reports whether Decide could come to take an entry's values away.
func (r *run) mayTakeAway(e Entry) bool {
	if e.Desired == nil {
		return e.Base != nil || e.Intent != nil
	}
	if r.listing == nil {
		return e.Base != nil
	}
	there, asLeft := r.listedAs(e)
	if !there {
		return r.listing.err == nil && e.Base != nil && r.Now().Sub(e.Base.At) < settleTime
	}
	return !asLeft
}

// brake refuses a run that would take too much away. Most runs pass without a call
// to the destination, since what little has changed could not be too much. Of what is due in
// others, it lets go first what takes nothing away, so that this is looked at once.
func (r *run) brake(ctx context.Context) error {
	if r.Brake.Most <= 0 {
		return nil
	}
	total, err := r.values(ctx)
	if err != nil {
		return err
	}
	r.entries = total
	before := r.before()
	possible, all := 0, before
	for entries, err := range r.ledger.Entries(ctx, !r.Full) {
		if err != nil {
			return err
		}
		for _, e := range entries {
			lost := r.mayLose(e)
			possible, all = possible+lost, all+r.anew(e, lost)
		}
	}
	if possible == 0 || !r.Brake.Trips(all, total) {
		return nil
	}
	if !r.Full {
		r.sparing, r.spared = true, map[models.SecretID]models.VersionNumber{}
		err := r.pages(ctx)
		if r.sparing, r.spared = false, nil; err != nil {
			return err
		}
	}
	concerned, all, err := r.weigh(ctx)
	if err != nil || concerned == 0 || !r.Brake.Trips(all, total) {
		return err
	}
	return fault.Wrap(ErrBraked, fault.Conflict,
		"The run would delete, write over or take over %d of %d values%s, more than it may by itself; none of that was done.", concerned, total, r.lately()).
		WithHint("Look at the plan. Apply it where that is meant; else find out what happened at the destination.")
}

// weigh looks at all of the run, and counts what it would take away, by itself and with what earlier
// runs did. What changes behind the look comes again: its last look counts.
func (r *run) weigh(ctx context.Context) (concerned, all int, err error) {
	all = r.before()
	counted := map[models.SecretID]int{}
	err = r.preview(ctx, func(items []Item) error {
		for _, item := range items {
			id, lost := item.Entry.SecretID, item.Loses(item.Entry, item.Seen)
			earlier := counted[id]
			concerned, all = concerned+lost-earlier, all+r.anew(item.Entry, lost)-r.anew(item.Entry, earlier)
			if lost > 0 || earlier > 0 {
				counted[id] = lost
			}
		}
		return nil
	})
	return concerned, all, err
}

// lately tells of what earlier runs took away.
func (r *run) lately() string {
	if len(r.Taken) == 0 {
		return ""
	}
	return fmt.Sprintf(", after %d lately", r.before())
}

// braked reports whether the brake watches the run: what a person let go it does not.
func (r *run) braked() bool { return r.Brake.Most > 0 && r.Approved == nil }

// brakePage counts what a page would take away, and refuses it where that is too much with
// what the run took away already: secrets may be deleted, and values changed, behind the look
// that brake took.
func (r *run) brakePage(page []*work) error {
	if !r.braked() {
		return nil
	}
	before := r.taken
	for _, w := range page {
		if w.unfit == nil && w.later.IsZero() {
			w.counted = w.decision.Loses(w.entry, w.seen)
			r.taken, r.beside = r.taken+w.counted, r.beside+r.anew(w.entry, w.counted)
		}
	}
	if r.taken == before || !r.Brake.Trips(r.before()+r.beside, r.entries) {
		return nil
	}
	return fault.Wrap(ErrBraked, fault.Conflict,
		"While the run was under way, more came to be deleted, written over or taken over than it may by itself: %d of %d values%s; it stopped after %d.",
		r.taken, r.entries, r.lately(), before).
		WithHint("Look at the plan. Apply it where that is meant; else find out what happened at the destination.")
}
