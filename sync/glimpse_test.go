package sync_test

import (
	"context"
	"iter"
	"testing"
	"time"

	keepersync "github.com/your-org/keeper/sync"
	"github.com/your-org/keeper/sync/memory"
)

// TestGlimpses has more values change in Keeper than the brake lets pass without a look: what it saw
// is not asked for again before the write, unless that was a while ago; and what stands at the
// destination by then is compared all the same.
func TestGlimpses(t *testing.T) {
	const n = 20
	for _, row := range []struct {
		name    string
		between func(*world) // the brake's look and the writes
		looks   int
		theirs  string
	}{
		{"AtOnce", func(*world) {}, n, ""},
		{"AWhileLater", func(w *world) { w.clock.pass(11 * time.Second) }, 2 * n, ""},
		{"WrittenMeanwhile", func(w *world) { w.place.Edit("keeper/"+names(n)[3], []byte("theirs")) }, n + 1, "theirs"},
		{"MarkTakenOffMeanwhile", func(w *world) { w.place.Unmark("keeper/" + names(n)[3]) }, n + 1, "value"},
	} {
		t.Run(row.name, func(t *testing.T) {
			w := newWorld(t)
			for _, name := range names(n) {
				w.book.put(name, "value")
			}
			w.run(t, true)
			w.clock.pass(time.Hour)
			for _, name := range names(n) {
				w.book.put(name, "newer")
			}
			passes := 0
			w.book.failWith(func(call string, _ keepersync.Entry) error {
				if call == "entries" {
					passes++
				}
				if passes == 3 { // after the brake counted, and looked
					w.book.failWith(nil)
					row.between(w)
				}
				return nil
			})
			options := w.options(false)
			options.Brake = keepersync.Brake{Most: 15}
			w.place.ResetCalls()
			if _, err := keepersync.Run(t.Context(), w.tape.Driver, w.book, options); err != nil {
				t.Fatal(err)
			}
			if got := w.place.Calls()[memory.OpDescribe]; got != row.looks {
				t.Errorf("looked %d times, want %d", got, row.looks)
			}
			for i, name := range names(n) {
				want := "newer"
				if i == 3 && row.theirs != "" {
					want = row.theirs
				}
				if there, _ := w.place.Get("keeper/" + name); string(there.Value) != want {
					t.Errorf("%s holds %q", name, there.Value)
				}
			}
		})
	}
}

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

func TestBrakeOnWhatComesAgain(t *testing.T) {
	const n = 20
	setUp := func(t *testing.T) *world {
		w := newWorld(t)
		for _, name := range names(n) {
			w.book.put(name, "value")
		}
		w.run(t, true)
		w.clock.pass(time.Hour)
		w.place.ResetCalls()
		return w
	}
	run := func(t *testing.T, w *world, most int) error {
		options := w.options(false)
		options.Brake = keepersync.Brake{Most: most}
		_, err := keepersync.Run(t.Context(), w.tape.Driver, &repeating{book: w.book, clock: w.clock}, options)
		return err
	}
	t.Run("IsLookedAtAgain", func(t *testing.T) {
		w := setUp(t)
		for _, name := range names(n) {
			w.book.put(name, "newer")
		}
		if err := run(t, w, 15); err != nil {
			t.Fatal(err)
		}
		if got := w.place.Calls()[memory.OpDescribe]; got != 7*n {
			t.Errorf("looked %d times at %d copies, want 7 times at each", got, n)
		}
	})
	t.Run("CountsOnce", func(t *testing.T) {
		w := setUp(t)
		for i, name := range names(n) {
			if i < 5 {
				w.book.remove(name)
			} else {
				w.book.put(name, "newer")
			}
		}
		if err := run(t, w, 6); err != nil {
			t.Errorf("5 deletions where 6 are let pass: %v", err)
		}
		if got := w.place.Calls()[memory.OpDelete]; got != 5 {
			t.Errorf("%d copies were deleted, want 5", got)
		}
	})
}
