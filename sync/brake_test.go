package sync_test

import (
	"context"
	"iter"
	"testing"
	"time"

	keepersync "github.com/your-org/keeper/sync"
	"github.com/your-org/keeper/sync/memory"
)

// repeating yields each page of the brake's look again, some seconds later, as a ledger does with
// what changes behind a long look.
type repeating struct {
	*book
	clock  *clock
	passes int
}

func (b *repeating) Entries(ctx context.Context, dueOnly bool) iter.Seq2[[]keepersync.Entry, error] {
	b.passes++
	look := b.passes == 2
	return func(yield func([]keepersync.Entry, error) bool) {
		for page, err := range b.book.Entries(ctx, dueOnly) {
			if !yield(page, err) {
				return
			}
			for i := 0; look && i < 6; i++ {
				b.clock.pass(9 * time.Second)
				if !yield(page, err) {
					return
				}
			}
		}
	}
}

// TestBrakeOnWhatComesAgain: a loss that the brake looks at seven times is one loss.
func TestBrakeOnWhatComesAgain(t *testing.T) {
	const n = 20
	w := newWorld(t)
	for _, name := range names(n) {
		w.book.put(name, "value")
	}
	w.run(t, true)
	w.clock.pass(time.Hour)
	for i, name := range names(n) {
		if i < 5 {
			w.book.remove(name)
		} else {
			w.book.put(name, "newer")
		}
	}
	w.place.ResetCalls()
	options := w.options(false)
	options.Brake = keepersync.Brake{Most: 6}
	if _, err := keepersync.Run(t.Context(), w.tape.Driver, &repeating{book: w.book, clock: w.clock}, options); err != nil {
		t.Errorf("5 deletions where 6 are let pass: %v", err)
	}
	if got := w.place.Calls()[memory.OpDelete]; got != 5 {
		t.Errorf("%d copies were deleted, want 5", got)
	}
}
