package sync

import (
	"context"
	"slices"

	"golang.org/x/sync/errgroup"

	"github.com/your-org/keeper/fault"
	"github.com/your-org/keeper/models"
)

// look decides each entry, and asks the destination for what a decision lacks until it
// lacks nothing.
func (r *run) look(ctx context.Context, page []*work) {
	open := slices.DeleteFunc(slices.Clone(page), func(w *work) bool { return w.unfit != nil })
	for round := 1; len(open) > 0; round++ {
		var confirm, values []*work
		for _, w := range open {
			w.decision = r.rules.Decide(w.entry, w.seen, r.Now())
			switch {
			case w.decision.Confirm:
				confirm = append(confirm, w)
			case w.decision.NeedValue:
				values = append(values, w)
			case w.found == "":
				w.found = w.decision.Status
			}
		}
		open = slices.Concat(confirm, values)
		if round > maxRounds {
			for _, w := range open {
				w.seen = Observed{Err: fault.New(fault.Unavailable, "It kept changing at the destination while Keeper looked.")}
			}
			continue
		}
		r.ask(ctx, confirm, values)
	}
}

// lookAgain forgets what was seen of one entry and looks anew.
func (r *run) lookAgain(ctx context.Context, w *work) {
	w.seen = Observed{Listed: true}
	r.look(ctx, []*work{w})
}

func (r *run) ask(ctx context.Context, confirm, values []*work) {
	var calls errgroup.Group
	calls.SetLimit(r.Workers)
	for _, w := range confirm {
		calls.Go(func() error { w.seen = r.describe(ctx, w.entry.RemoteName, w.seen); return nil })
	}
	for batch := range slices.Chunk(values, fetchBatch) {
		calls.Go(func() error { r.fetch(ctx, batch); return nil })
	}
	_ = calls.Wait() // each entry keeps its own error
}

// describe asks for one name. A hash that was read earlier stays good for the same version.
func (r *run) describe(ctx context.Context, name string, before Observed) Observed {
	remote, err := r.driver.Describe(ctx, name)
	switch {
	case fault.Is(err, fault.NotFound):
		return Observed{}
	case err != nil:
		return Observed{Err: err}
	}
	now := Observed{Remote: remote}
	if before.Err == nil && before.Remote.Version == remote.Version {
		now.Hash, now.Size, now.Examined = before.Hash, before.Size, before.Examined
	}
	return now
}

// fetch reads values, and keeps nothing of them but their keyed hash.
func (r *run) fetch(ctx context.Context, batch []*work) {
	names := make([]string, 0, len(batch))
	entries := make(map[string]Entry, len(batch))
	for _, w := range batch {
		names = append(names, w.entry.RemoteName)
		entries[w.entry.RemoteName] = w.entry
	}
	answers := r.driver.Fetch(ctx, names)
	type facts struct {
		hash []byte
		size int
		Examined
	}
	examiner, _ := r.ledger.(Examiner)
	read := make(map[string]facts, len(answers))
	for name, a := range answers {
		if a.Err != nil {
			continue
		}
		hash, err := r.ledger.Hash(ctx, entries[name], a.Value)
		fact := facts{hash: hash, size: a.Value.Len()}
		if examiner != nil && err == nil {
			fact.Examined, err = examiner.Examine(ctx, entries[name], a.Value)
		}
		read[name] = fact
		a.Value.Zero()
		a.Err = err
		answers[name] = a
	}
	for _, w := range batch {
		name := w.entry.RemoteName
		a, ok := answers[name]
		switch {
		case !ok:
			w.seen = Observed{Err: fault.New(fault.Internal, "The destination's driver gave no answer for %s.", name)}
		case fault.Is(a.Err, fault.NotFound): // gone since it was seen
			w.seen = Observed{Listed: true}
		case a.Err != nil:
			w.seen = Observed{Err: a.Err}
		default:
			fact := read[name]
			w.seen.Hash, w.seen.Size, w.seen.Examined, w.seen.Remote.Version = fact.hash, fact.size, fact.Examined, a.Version
		}
	}
}

// unfit says why a destination can never hold the entry, before any call is made.
func unfit(e Entry) error {
	if e.Desired == nil && e.Base != nil {
		return nil
	}
	if e.Desired != nil && e.Problem != nil {
		return e.Problem
	}
	if problem := models.NameProblem(e.RemoteName); problem != "" {
		return fault.New(fault.Invalid, "The name at the destination %s.", problem).
			WithHint("Rename the secret, or change the destination's prefix.")
	}
	if e.Desired != nil && e.Desired.Size > models.MaxValueSize {
		return fault.New(fault.Invalid, "The value has %d bytes; a destination takes %d at most.", e.Desired.Size, models.MaxValueSize).
			WithHint("Store a shorter value, or split it over several secrets.")
	}
	return nil
}
