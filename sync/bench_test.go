package sync_test

import (
	"testing"
	"time"

	keepersync "github.com/your-org/keeper/sync"
	"github.com/your-org/keeper/sync/memory"
)

// BenchmarkNothingToDo is a full pass over 10,000 secrets that are all in sync, without a
// destination's latency: the engine's own cost.
func BenchmarkNothingToDo(b *testing.B) {
	const many = 10_000
	c := &clock{now: noon}
	book := newBook(c.read)
	for _, n := range names(many) {
		book.put(n, "value of "+n)
	}
	d := memory.New(memory.Options{Prefix: "keeper/"})
	o := keepersync.Options{Owner: "us", Destination: "dst_1", Full: true, Now: c.read}
	if _, err := keepersync.Run(b.Context(), d, book, o); err != nil {
		b.Fatal(err)
	}
	c.pass(time.Hour)
	d.Place().ResetCalls()
	b.ReportAllocs()
	for b.Loop() {
		book.outcomes = nil
		counts, err := keepersync.Run(b.Context(), d, book, o)
		if err != nil || counts.InSync != many {
			b.Fatal(counts, err)
		}
	}
	calls := d.Place().Calls()
	b.ReportMetric(float64(calls[memory.OpPut]+calls[memory.OpFetch]+calls[memory.OpDescribe]), "calls-beside-list")
}
