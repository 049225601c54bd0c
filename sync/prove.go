package sync

import (
	"context"
	"fmt"
	"slices"
)

// Prove looks at every entry, or only at those of a part, reads the value of each that bears its
// mark, and changes nothing, at the destination or in the ledger. It hands each what it found,
// where each is not nil. The error is that of the look as a whole, as with Run. A part, nil for all,
// must name all of its names.
func Prove(ctx context.Context, d Driver, l Ledger, o Options, part *Part, each func(Outcome)) (Proven, error) {
	o.Full, o.Approved, o.Proof = part == nil, nil, &Proof{part: part != nil}
	r := newRun(d, l, o)
	if r.Full {
		if r.listing = r.list(ctx); r.listing.err != nil {
			return Proven{}, r.listing.err
		}
	}
	others := part.others()
	for entries, err := range r.ledger.Entries(ctx, false) {
		if err != nil {
			return Proven{}, fmt.Errorf("sync: read entries: %w", err)
		}
		entries = slices.DeleteFunc(slices.Clone(entries), others)
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

// others tells the entries that do not belong to the part.
func (p *Part) others() func(Entry) bool {
	if p == nil {
		return func(Entry) bool { return false }
	}
	names := make(map[string]bool, len(p.First))
	for _, name := range p.First {
		names[name] = true
	}
	return func(e Entry) bool { return !names[e.RemoteName] }
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
