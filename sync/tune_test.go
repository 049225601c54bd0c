package sync_test

import (
	"testing"
	"time"

	"github.com/your-org/keeper/fault"
	"github.com/your-org/keeper/models"
	keepersync "github.com/your-org/keeper/sync"
	"github.com/your-org/keeper/sync/memory"
)

func TestTune(t *testing.T) {
	begin := func(t *testing.T) (*world, func(full bool) models.RunCounts) {
		w := newWorld(t)
		for _, name := range []string{"a", "b", "c"} {
			w.book.put(name, "one")
		}
		d := keepersync.Retry(keepersync.Limit(memory.New(memory.Options{Place: w.place, Prefix: "keeper/"}), keepersync.NewLimiter(1)))
		run := func(full bool) models.RunCounts {
			t.Helper()
			w.clock.pass(time.Hour)
			w.place.ResetCalls()
			counts, err := keepersync.Run(t.Context(), d, w.book, w.options(full))
			if err != nil {
				t.Fatal(err)
			}
			return counts
		}
		run(true)
		return w, run
	}
	t.Run("OnceWhereItDiffers", func(t *testing.T) {
		w, run := begin(t)
		mustBe(t, "made as it should be, tunes", w.place.Calls()[memory.OpTune], 0)
		w.place.ChangeSettings()
		mustBe(t, "in sync", run(true).InSync, 3)
		mustBe(t, "tunes", w.place.Calls()[memory.OpTune], 3)
		mustBe(t, "writes", w.writes("a"), 1)
		mustBe(t, "action", w.book.last("a").Action, models.ActionTune)
		run(true)
		mustBe(t, "outcomes that tell of no more", w.book.last("a").Changed(), false)
		for op, n := range w.place.Calls() {
			if op != memory.OpList && n > 0 {
				t.Errorf("%d calls to %s where nothing differs", n, op)
			}
		}
	})
	t.Run("WithTheNextWrite", func(t *testing.T) {
		w, run := begin(t)
		w.place.ChangeSettings()
		w.book.put("a", "two")
		mustBe(t, "updated", run(false).Updated, 1)
		mustBe(t, "tunes", w.place.Calls()[memory.OpTune], 1)
		mustBe(t, "writes", w.writes("a"), 2)
	})
	t.Run("AFailureIsToldAndTheValueStands", func(t *testing.T) {
		w, run := begin(t)
		w.place.ChangeSettings()
		w.place.Inject(memory.Fault{Op: memory.OpTune, Name: "keeper/b", Kind: fault.Forbidden})
		counts := run(true)
		mustBe(t, "failed", counts.Failed, 1)
		mustBe(t, "action that failed", w.book.last("b").Action, models.ActionTune)
		mustBe(t, "in sync", counts.InSync, 2)
		w.check(t)
		w.place.ClearFaults()
		mustBe(t, "failed", run(false).Failed, 0)
		mustBe(t, "tunes", w.place.Calls()[memory.OpTune], 1)
		mustBe(t, "writes", w.writes("b"), 1)
	})
	t.Run("NotWhatIsNotOurs", func(t *testing.T) {
		w, run := begin(t)
		w.place.Edit("keeper/d", []byte("theirs"))
		w.book.put("d", "ours")
		w.place.ChangeSettings()
		w.place.Remove("keeper/a")
		run(true)
		mustBe(t, "tunes", w.place.Calls()[memory.OpTune], 3) // a comes back and is tuned; d is foreign
	})
}
