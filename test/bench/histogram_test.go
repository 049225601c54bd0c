package main

import (
	"math/rand/v2"
	"slices"
	"testing"
	"time"
)

func TestHistogram(t *testing.T) {
	t.Run("Empty", func(t *testing.T) {
		if got := new(histogram).quantile(0.99); got != 0 {
			t.Errorf("got %v, want 0", got)
		}
	})
	t.Run("Quantiles", func(t *testing.T) {
		random := rand.New(rand.NewPCG(1, 2))
		var all []time.Duration
		halves := [2]histogram{}
		for i := range 100_000 {
			d := time.Duration(random.ExpFloat64() * float64(300*time.Microsecond))
			all = append(all, d)
			halves[i%2].record(d)
		}
		halves[0].add(&halves[1])
		slices.Sort(all)
		for _, q := range []float64{0, 0.01, 0.5, 0.9, 0.99, 0.999, 1} {
			want := all[min(int(q*float64(len(all))), len(all)-1)]
			if got := halves[0].quantile(q); got < want || float64(got) > float64(want)*1.016+1 {
				t.Errorf("quantile %v: got %v, want %v or up to 1.6 %% more", q, got, want)
			}
		}
	})
	t.Run("Buckets", func(t *testing.T) {
		for bucket := range buckets - 1 {
			if end := endOf(bucket); bucketOf(end) != bucket || bucketOf(end+1) != bucket+1 {
				t.Fatalf("bucket %d ends at %d, which is in %d, and what follows in %d", bucket, end, bucketOf(end), bucketOf(end+1))
			}
		}
		if got := bucketOf(time.Hour); got != buckets-1 {
			t.Errorf("got bucket %d for what is beyond all, want the last, %d", got, buckets-1)
		}
	})
	t.Run("NoAllocation", func(t *testing.T) {
		var h histogram
		if n := testing.AllocsPerRun(100, func() { h.record(time.Millisecond) }); n != 0 {
			t.Errorf("got %v allocations", n)
		}
	})
}
