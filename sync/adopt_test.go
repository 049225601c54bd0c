package sync_test

import (
	"testing"

	"github.com/your-org/keeper/models"
	keepersync "github.com/your-org/keeper/sync"
)

// adopt intends what stands under a name, as an adoption on record does.
func (w *world) adopt(name string) {
	there, _ := w.place.Get("keeper/" + name)
	w.book.change(name, func(r *row) {
		r.entry.Base, r.entry.Intent = nil, &keepersync.Intent{Hash: hash(string(there.Value))}
	})
}

func TestAdopted(t *testing.T) {
	t.Run("Equal", func(t *testing.T) {
		w := newWorld(t)
		w.place.Edit("keeper/a", []byte("theirs"))
		w.book.put("a", "theirs")
		w.adopt("a")
		w.run(t, false)
		w.check(t)
		if n := w.writes("a"); n != 1 {
			t.Errorf("written %d times, want once, by its owner", n)
		}
		w.settle(t)
	})
	t.Run("KeepersValueCounts", func(t *testing.T) {
		w := newWorld(t)
		w.place.Edit("keeper/a", []byte("theirs"))
		w.book.put("a", "ours")
		w.adopt("a")
		w.run(t, false)
		w.check(t)
		w.settle(t)
	})
	t.Run("ChangedBeforeTheLook", func(t *testing.T) {
		w := newWorld(t)
		w.place.Edit("keeper/a", []byte("theirs"))
		w.book.put("a", "ours")
		w.adopt("a")
		w.place.Edit("keeper/a", []byte("newer"))
		w.run(t, false)
		w.foreign(t, "a", "newer")
	})
	// The value is read and compared, and changes before the mark arrives.
	t.Run("ChangedBeforeTheMark", func(t *testing.T) {
		for _, what := range []string{"ours", "theirs"} {
			w := newWorld(t)
			w.place.Edit("keeper/a", []byte("theirs"))
			w.book.put("a", what)
			w.adopt("a")
			w.tape.before = func(op, _ string) error {
				if op == "mark" {
					w.place.Edit("keeper/a", []byte("newer"))
				}
				return nil
			}
			w.run(t, false)
			w.tape.before = nil
			w.foreign(t, "a", "newer")
			w.run(t, true)
			w.foreign(t, "a", "newer")
		}
	})
	t.Run("Released", func(t *testing.T) {
		w := newWorld(t)
		id := w.book.put("a", "one")
		w.run(t, false)
		mark := keepersync.Mark{Owner: "us", Destination: "dst_1", Secret: id}
		if _, err := w.tape.Unmark(t.Context(), "keeper/a", mark); err != nil {
			t.Fatal(err)
		}
		w.book.change("a", func(r *row) { r.entry.Base, r.entry.Intent = nil, nil })
		w.book.put("a", "two")
		w.run(t, true)
		w.foreign(t, "a", "one")
		w.book.remove("a")
		w.run(t, true)
		if there, ok := w.place.Get("keeper/a"); !ok || there.Remote.Deleted {
			t.Error("what was given back was deleted")
		}
	})
}

// foreign fails where a name is not as its owner left it.
func (w *world) foreign(t *testing.T, name, value string) {
	t.Helper()
	there, _ := w.place.Get("keeper/" + name)
	if string(there.Value) != value || !there.Remote.Mark.Zero() || there.Remote.Deleted {
		t.Errorf("%s holds %q under %+v, want %q without a mark", name, there.Value, there.Remote, value)
	}
	if got := w.book.last(name); got.Status != models.StatusForeign {
		t.Errorf("%s: status %s, want foreign", name, got.Status)
	}
}
