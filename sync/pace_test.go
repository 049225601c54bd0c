package sync_test

import (
	"strconv"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/your-org/keeper/fault"
	"github.com/your-org/keeper/models"
	keepersync "github.com/your-org/keeper/sync"
	"github.com/your-org/keeper/sync/memory"
)

// strict is a place that takes a few values of a name in a row, then one in ten minutes.
type strict struct{ *memory.Driver }

func (strict) Quota() keepersync.Quota {
	return keepersync.Quota{Scope: "s", Pace: keepersync.Pace{Burst: 3, Every: 10 * time.Minute}}
}

func TestPace(t *testing.T) {
	// The world's clock is the bubble's, as the limiter's is.
	begin := func(t *testing.T) (w *world, run func(full bool) models.RunCounts) {
		w = newWorld(t)
		w.clock.now = time.Now()
		d := keepersync.Retry(keepersync.Limit(strict{memory.New(memory.Options{Place: w.place, Prefix: "keeper/"})}, keepersync.NewLimiter(1)))
		return w, func(full bool) models.RunCounts {
			t.Helper()
			w.clock.pass(time.Since(w.clock.read()))
			counts, err := keepersync.Run(t.Context(), d, w.book, w.options(full))
			if err != nil {
				t.Fatal(err)
			}
			return counts
		}
	}
	// hurry writes values 1 to n of a secret, a run each.
	hurry := func(w *world, run func(bool) models.RunCounts, n int) {
		for i := range n {
			w.book.put("a", strconv.Itoa(i+1))
			run(false)
		}
	}

	t.Run("ABurstThenTheNewest", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			w, run := begin(t)
			hurry(w, run, 8) // the first creates
			mustBe(t, "values written", w.writes("a"), 3)
			last := w.book.outcomes[len(w.book.outcomes)-1]
			mustBe(t, "status", last.Status, models.StatusSourceChanged)
			if last.Err != nil || !strings.Contains(last.Why, "goes out at") || time.Until(last.Again) > 10*time.Minute+time.Second {
				t.Errorf("the outcome is %v, again at %v: %s", last.Err, last.Again, last.Why)
			}
			time.Sleep(time.Until(last.Again) - 5*time.Second)
			run(true)
			mustBe(t, "values written before its time", w.writes("a"), 3)
			time.Sleep(5 * time.Second)
			run(false)
			mustBe(t, "values written", w.writes("a"), 4)
			w.check(t) // it is the newest
		})
	})

	t.Run("AtTheSustainedRate", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			w, run := begin(t)
			for i := range 6 * 60 { // a change a minute for six hours
				w.book.put("a", strconv.Itoa(i))
				run(false)
				time.Sleep(time.Minute)
			}
			if n := w.writes("a"); n < 36 || n > 3+36 {
				t.Errorf("%d values in six hours", n)
			}
		})
	})

	t.Run("OthersDoNotWait", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			w, run := begin(t)
			hurry(w, run, 8)
			w.book.put("b", "one")
			mustBe(t, "created", run(false).Created, 1)
			w.book.put("b", "two")
			mustBe(t, "updated", run(false).Updated, 1)
		})
	})

	t.Run("DeletingDoesNotWait", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			w, run := begin(t)
			hurry(w, run, 8)
			w.book.remove("a")
			mustBe(t, "deleted", run(false).Deleted, 1)
		})
	})

	t.Run("ARepetitionCountsOnce", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			w, run := begin(t)
			hurry(w, run, 1)
			w.book.put("a", "two")
			w.place.Inject(memory.Fault{Op: memory.OpPut, Kind: fault.Unavailable, Acted: true, Times: 3})
			run(false)
			w.book.put("a", "three")
			run(false)
			mustBe(t, "values written", w.writes("a"), 3)
		})
	})
}
