package sync_test

import (
	"context"
	"errors"
	"iter"
	"testing"
	"time"

	keepersync "github.com/your-org/keeper/sync"
	"github.com/your-org/keeper/sync/memory"
)

// repeating yields each page of one pass again, some seconds later, as a ledger does with what
// changes behind a long look.
type repeating struct {
	*book
	clock  *clock
	at     int // which pass
	passes int
}

func (b *repeating) Entries(ctx context.Context, dueOnly bool) iter.Seq2[[]keepersync.Entry, error] {
	b.passes++
	look := b.passes == b.at
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

// thin has n secrets written, and then the first of them deleted in Keeper and the others changed.
func (w *world) thin(t *testing.T, n, gone int) {
	t.Helper()
	all := names(n)
	w.written(t, "value", all...)
	for _, name := range all[:gone] {
		w.book.remove(name)
	}
	for _, name := range all[gone:] {
		w.book.put(name, "newer")
	}
	w.place.ResetCalls()
}

// TestBrakeOnWhatComesAgain: a loss that comes seven times, while it is left alone or while the brake
// counts, is one loss, and what is left alone is looked at once.
func TestBrakeOnWhatComesAgain(t *testing.T) {
	const n, gone = 20, 5
	for name, row := range map[string]struct{ at, looks int }{
		"LeftAlone": {at: 2, looks: n + 2*gone + 6*(n-gone)}, // those that were written come again, too
		"Counted":   {at: 3, looks: n + 8*gone},
	} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t)
			w.thin(t, n, gone)
			options := w.options(false)
			options.Brake = keepersync.Brake{Most: gone + 1}
			ledger := &repeating{book: w.book, clock: w.clock, at: row.at}
			if _, err := keepersync.Run(t.Context(), w.tape.Driver, ledger, options); err != nil {
				t.Errorf("5 deletions where 6 are let pass: %v", err)
			}
			calls := w.place.Calls()
			if got := calls[memory.OpDelete]; got != gone {
				t.Errorf("%d copies were deleted, want %d", got, gone)
			}
			if got := calls[memory.OpPut]; got != n-gone {
				t.Errorf("%d values were written, want %d", got, n-gone)
			}
			if got := calls[memory.OpDescribe]; got != row.looks {
				t.Errorf("looked %d times, want %d", got, row.looks)
			}
		})
	}
}

// TestBrakeLetsGoTheHarmless: where the brake has to look, what takes nothing away is written all
// the same, after one look; what would be too much is left as it is.
func TestBrakeLetsGoTheHarmless(t *testing.T) {
	const n, gone = 20, 5
	for _, row := range []struct {
		name  string
		most  int
		stops bool
	}{
		{"within the brake", gone, false},
		{"beyond it", gone - 1, true},
	} {
		t.Run(row.name, func(t *testing.T) {
			w := newWorld(t)
			w.thin(t, n, gone)
			options := w.options(false)
			options.Brake = keepersync.Brake{Most: row.most}
			counts, err := keepersync.Run(t.Context(), w.tape.Driver, w.book, options)
			if stops := errors.Is(err, keepersync.ErrBraked); stops != row.stops || err != nil && !stops {
				t.Fatalf("got %v, want a stop: %t", err, row.stops)
			}
			calls, looks, deleted := w.place.Calls(), n+gone, 0 // again at what is to go, to count it
			if !row.stops {
				looks, deleted = looks+gone, gone
			}
			if calls[memory.OpPut] != n-gone || counts.Updated != n-gone {
				t.Errorf("wrote %d, counted %d, want %d", calls[memory.OpPut], counts.Updated, n-gone)
			}
			if calls[memory.OpDelete] != deleted || counts.Deleted != deleted {
				t.Errorf("deleted %d, counted %d, want %d", calls[memory.OpDelete], counts.Deleted, deleted)
			}
			if calls[memory.OpDescribe] != looks {
				t.Errorf("looked %d times, want %d", calls[memory.OpDescribe], looks)
			}
		})
	}
}
