package sync

import (
	"context"
	"fmt"

	"github.com/your-org/keeper/fault"
	"github.com/your-org/keeper/models"
)

// Item is what a run would do about one entry. It holds no value.
type Item struct {
	Entry Entry
	Decision
	Seen    Observed
	Problem error // it cannot be done, or not be decided: too large, a bad name, not readable
}

// Quiet reports whether there is nothing to do and nothing to tell.
func (i Item) Quiet() bool { return i.Problem == nil && i.Action == models.ActionNone }

// Preview says what a run would do now, and changes nothing, at the destination or in the
// ledger. It hands sink what is not Quiet, a page at a time, and counts the entries that it
// looked at. The error is that of the preview as a whole, as with Run; where the listing was
// cut off, the entries that it did not show are items with a Problem.
func Preview(ctx context.Context, d Driver, l Ledger, o Options, sink func([]Item) error) (looked int, err error) {
	r := newRun(d, l, o)
	if r.Full {
		r.listing = r.list(ctx)
	}
	err = r.preview(ctx, func(items []Item) error {
		looked += len(items)
		var telling []Item
		for _, item := range items {
			if !item.Quiet() {
				telling = append(telling, item)
			}
		}
		if len(telling) == 0 {
			return nil
		}
		return sink(telling)
	})
	if err == nil && r.listing != nil {
		err = r.listing.err
	}
	if ctx.Err() != nil {
		err = fmt.Errorf("sync: the preview was interrupted: %w", ctx.Err())
	}
	return looked, err
}

// preview decides every entry of the run and hands each page over.
func (r *run) preview(ctx context.Context, each func([]Item) error) error {
	for entries, err := range r.ledger.Entries(ctx, !r.Full) {
		if err != nil {
			return fmt.Errorf("sync: read entries: %w", err)
		}
		page := r.looked(ctx, entries)
		if ctx.Err() != nil {
			return ctx.Err()
		}
		items := make([]Item, len(page))
		for i, w := range page {
			items[i] = r.item(w)
		}
		if err := each(items); err != nil {
			return err
		}
	}
	return nil
}

func (r *run) item(w *work) Item {
	item := Item{Entry: w.entry, Decision: w.decision, Seen: w.seen}
	switch {
	case w.offTune():
		item.Action, item.Why = models.ActionTune, tuneWhy
	case w.unfit != nil && w.entry.Desired == nil:
		item.Decision = Decision{Status: models.StatusInSync, Action: models.ActionNone, Why: "Deleted in Keeper; it can never have been written."}
	case w.unfit != nil:
		item.Decision = unwritable(w.unfit)
		item.Problem = explain(w.entry, "written", w.unfit)
	case w.decision.Status == models.StatusUnknown:
		item.Problem = explain(w.entry, "looked at", w.seen.Err)
	}
	return item
}

// Approval is what a person has seen of one entry in a plan, and agreed to.
type Approval struct {
	Action        models.SyncAction
	Version       models.VersionNumber // desired; 0: deleted in Keeper
	RemoteVersion string               // what stood there; "" where nothing did
}

// Approve is the approval of exactly what the item says.
func (i Item) Approve() Approval {
	return Approval{Action: i.Action, Version: i.Entry.version(), RemoteVersion: i.Seen.Remote.Version}
}

// approved reports whether what was decided now is what was agreed to.
func (r *run) approved(w *work) bool {
	want, known := r.Approved[w.entry.SecretID]
	return known && r.item(w).Approve() == want
}

// verify looks at all that was approved before anything is done, so that a plan is carried
// out whole or not at all.
func (r *run) verify(ctx context.Context) error {
	found, moved := 0, ""
	for entries, err := range r.ledger.Entries(ctx, !r.Full) {
		if err != nil {
			return fmt.Errorf("sync: read entries: %w", err)
		}
		page := r.looked(ctx, r.chosen(entries))
		if ctx.Err() != nil {
			return ctx.Err()
		}
		for _, w := range page {
			found++
			switch {
			case w.decision.Status == models.StatusUnknown && w.unfit == nil:
				return explain(w.entry, "looked at", w.seen.Err)
			case !r.approved(w) && moved == "":
				moved = w.entry.Name
			}
		}
	}
	switch {
	case moved != "":
		return fault.New(fault.Stale, "%s is no longer as the plan says, in Keeper or at the destination; nothing was done.", moved).
			WithHint("Make a new plan.")
	case found < len(r.Approved):
		return fault.New(fault.Stale, "%d of the plan's secrets are gone; nothing was done.", len(r.Approved)-found).WithHint("Make a new plan.")
	}
	return nil
}
