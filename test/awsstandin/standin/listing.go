package standin

import (
	"cmp"
	"slices"
	"sync"
	"time"
)

// chunk is how many rows a scan takes out of the listing at a time.
const chunk = 512

// listing is the view that ListSecrets reads: rows in the order of creation, as they stood some delay ago.
type listing struct {
	delay time.Duration

	mu      sync.Mutex
	pending []listChange
	rows    []row
	dead    int
}

// row is one secret, or where one was (nil).
type row struct {
	seq    uint64
	secret *secret
}

// listChange is a row that becomes visible once its time is the delay ago.
type listChange struct {
	at time.Time
	row
}

func newListing(delay time.Duration) *listing { return &listing{delay: delay} }

// record notes that a secret has a new state since now; nil says that it is gone.
func (l *listing) record(now time.Time, seq uint64, s *secret) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.pending = append(l.pending, listChange{now, row{seq, s}})
	l.settle(now)
}

// settle applies what is old enough to be seen.
func (l *listing) settle(now time.Time) {
	seen := now.Add(-l.delay)
	n := 0
	for n < len(l.pending) && !l.pending[n].at.After(seen) {
		l.apply(l.pending[n].row)
		l.pending[n] = listChange{}
		n++
	}
	if l.pending = l.pending[n:]; len(l.pending) == 0 {
		l.pending = nil
	}
}

func (l *listing) apply(r row) {
	at, found := l.position(r.seq)
	if !found {
		l.rows = slices.Insert(l.rows, at, r)
		return
	}
	if r.secret == nil && l.rows[at].secret != nil {
		l.dead++
	}
	l.rows[at] = r
	if l.dead > chunk && l.dead > len(l.rows)/2 {
		l.rows = slices.DeleteFunc(l.rows, func(r row) bool { return r.secret == nil })
		l.dead = 0
	}
}

func (l *listing) position(seq uint64) (int, bool) {
	return slices.BinarySearchFunc(l.rows, seq, func(r row, seq uint64) int { return cmp.Compare(r.seq, seq) })
}

// take copies up to a chunk of rows after seq in the given direction, in that direction. Seq 0 is the beginning.
func (l *listing) take(now time.Time, seq uint64, descending bool) []row {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.settle(now)
	at, found := l.position(seq)
	if !descending {
		if found {
			at++
		}
		return slices.Clone(l.rows[at:min(at+chunk, len(l.rows))])
	}
	if seq == 0 {
		at = len(l.rows)
	}
	rows := slices.Clone(l.rows[max(0, at-chunk):at])
	slices.Reverse(rows)
	return rows
}

// page returns up to limit secrets after seq that match, and the seq to go on from: 0 when there are no more.
// The lock is not held while match runs.
func (l *listing) page(now time.Time, seq uint64, descending bool, limit int, match func(*secret) bool) ([]*secret, uint64) {
	seen := now.Add(-l.delay)
	var found []*secret
	for {
		rows := l.take(now, seq, descending)
		for _, r := range rows {
			if r.secret == nil || r.secret.purged(seen) || !match(r.secret) {
				continue
			}
			if len(found) == limit {
				return found, found[limit-1].Seq
			}
			found = append(found, r.secret)
		}
		if len(rows) < chunk {
			return found, 0
		}
		seq = rows[len(rows)-1].seq
	}
}
