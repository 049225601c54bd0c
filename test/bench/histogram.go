package main

import (
	"math/bits"
	"time"
)

// Latencies are counted in 64 steps per power of two, so that a quantile is at most 1.6 %
// above the truth, up to 2^37 ns (more than two minutes).
const (
	stepBits = 6
	steps    = 1 << stepBits
	maxBits  = 37
	buckets  = (maxBits - stepBits + 1) * steps
)

// histogram counts latencies without allocating. The zero value is empty.
type histogram struct {
	counts [buckets]uint64
	n      uint64
}

func (h *histogram) record(d time.Duration) {
	h.counts[bucketOf(d)]++
	h.n++
}

func (h *histogram) add(other *histogram) {
	for i, n := range other.counts {
		h.counts[i] += n
	}
	h.n += other.n
}

// quantile is the latency that the share q (0 to 1) of the calls did not exceed, rounded up
// to the end of its step; 0 where there were no calls.
func (h *histogram) quantile(q float64) time.Duration {
	if h.n == 0 {
		return 0
	}
	rank := min(uint64(q*float64(h.n)), h.n-1)
	for i, n := range h.counts {
		if rank < n {
			return endOf(i)
		}
		rank -= n
	}
	return endOf(buckets - 1)
}

func bucketOf(d time.Duration) int {
	v := uint64(max(d, 0))
	if v < steps {
		return int(v)
	}
	shift := bits.Len64(v) - stepBits - 1
	return min((shift+1)<<stepBits+int(v>>shift)-steps, buckets-1)
}

// endOf is the largest latency of a bucket.
func endOf(bucket int) time.Duration {
	if bucket < steps {
		return time.Duration(bucket)
	}
	shift := bucket>>stepBits - 1
	return time.Duration((bucket&(steps-1)+steps+1)<<shift - 1)
}
