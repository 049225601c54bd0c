package sync

import (
	"context"
	"fmt"
)

// Prove looks at every entry, reads the value of each that bears its mark, and changes
// nothing, at the destination or in the ledger. It hands each what it found, where each is
// not nil. The error is that of the look as a whole, as with Run.
func Prove(ctx context.Context, d Driver, l Ledger, o Options, each func(Outcome)) (Proven, error) {
	o.Full, o.Approved, o.Proof = true, nil, &Proof{}
	r := newRun(d, l, o)
	r.listing = r.list(ctx)
	if r.listing.err != nil {
		return Proven{}, r.listing.err
	}
	for entries, err := range r.ledger.Entries(ctx, false) {
		if err != nil {
			return Proven{}, fmt.Errorf("sync: read entries: %w", err)
		}
		outcomes := r.readAgain(ctx, entries)
		if ctx.Err() != nil {
			return Proven{}, fmt.Errorf("sync: the look was interrupted: %w", ctx.Err())
		}
		o.Proof.page(len(entries), outcomes)
		for _, outcome := range outcomes {
			if each != nil {
				each(outcome)
			}
		}
	}
	proven, _ := o.Proof.Proven()
	return proven, nil
}

// readAgain reads the values of a page and says how each entry stands.
func (r *run) readAgain(ctx context.Context, entries []Entry) []Outcome {
	page := r.looked(ctx, entries)
	var unread []*work
	for _, w := range page {
		if r.left(w).By == ByVersion {
			unread = append(unread, w)
		}
	}
	r.ask(ctx, nil, unread)
	r.look(ctx, unread)
	outcomes := make([]Outcome, len(page))
	for i, w := range page {
		if acts(w.decision.Action) {
			outcomes[i] = r.outcome(w, w.decision.Status, w.decision.Action)
		} else {
			outcomes[i] = r.conclude(w)
		}
	}
	return outcomes
}
