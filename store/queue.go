package store

import (
	"context"
	"errors"
	"runtime"
	"sync"
	"sync/atomic"

	"github.com/your-org/keeper/fault"
	"github.com/your-org/keeper/models"
)

// groupSize is how many requests at most share one commit.
const groupSize = 256

var (
	errClosed = fault.New(fault.Unavailable, "The database is closed.").WithHint("Keeper is shutting down; try again in a moment.")
	errExited = errors.New("store: the closure ended its goroutine")
)

// The states of a request: its caller and the writer race for it, and one gets it.
const (
	waiting int32 = iota
	taken
	givenUp
)

// request is one caller's wish: a closure to run or an audit entry to append.
type request struct {
	ctx   context.Context
	do    func(*Tx) error
	entry *models.AuditEntry

	state    atomic.Int32
	err      error
	panicked any // what the closure panicked with
	done     chan struct{}
}

func (r *request) finish(err error) {
	r.err = err
	r.done <- struct{}{}
}

// queue hands requests in groups to one goroutine, which runs work on each group.
type queue struct {
	work func([]*request)

	mu      sync.Mutex
	pending []*request
	closed  bool
	wake    chan struct{} // holds one; a sign that pending is not empty, or closed is set
	ended   chan struct{}
}

func newQueue(work func([]*request)) *queue {
	q := &queue{work: work, wake: make(chan struct{}, 1), ended: make(chan struct{})}
	go q.run()
	return q
}

// do waits until the request is answered, or until ctx ends before its turn came.
func (q *queue) do(ctx context.Context, r *request) error {
	if err := ctx.Err(); err != nil {
		return translate(err, "change")
	}
	r.done = make(chan struct{}, 1)
	if !q.add(r) {
		return errClosed
	}
	select {
	case <-r.done:
	case <-ctx.Done():
		if r.state.CompareAndSwap(waiting, givenUp) {
			return translate(context.Cause(ctx), "change")
		}
		<-r.done
	}
	if r.panicked != nil {
		panic(r.panicked)
	}
	return r.err
}

func (q *queue) add(r *request) bool {
	q.mu.Lock()
	if q.closed {
		q.mu.Unlock()
		return false
	}
	q.pending = append(q.pending, r)
	q.mu.Unlock()
	q.signal()
	return true
}

func (q *queue) signal() {
	select {
	case q.wake <- struct{}{}:
	default:
	}
}

// run works until the queue is closed and empty. A closure that ends the goroutine (as
// testing's FailNow does) has its group answered by work's deferred calls, and another
// goroutine takes over here.
func (q *queue) run() {
	clean := false
	defer func() {
		if clean {
			close(q.ended)
			return
		}
		q.signal()
		go q.run()
	}()
	group := make([]*request, 0, groupSize)
	for range q.wake {
		for last := false; ; {
			// Whoever is about to ask gets to: a flush to the disk costs the same for all of
			// them. Where nobody is, this takes no time.
			runtime.Gosched()
			if group, last = q.take(group[:0]); len(group) == 0 {
				if clean = last; clean {
					return
				}
				break
			}
			q.work(group)
		}
	}
}

// take moves up to groupSize requests whose callers still wait into group. last is true
// where none will come any more.
func (q *queue) take(group []*request) (_ []*request, last bool) {
	q.mu.Lock()
	defer q.mu.Unlock()
	n := 0
	for n < len(q.pending) && len(group) < groupSize {
		if r := q.pending[n]; r.state.CompareAndSwap(waiting, taken) {
			group = append(group, r)
		}
		n++
	}
	rest := copy(q.pending, q.pending[n:])
	clear(q.pending[rest:])
	q.pending = q.pending[:rest]
	return group, q.closed && rest == 0
}

// close refuses further requests, and returns when the last one is answered.
func (q *queue) close() error {
	q.mu.Lock()
	q.closed = true
	q.mu.Unlock()
	q.signal()
	<-q.ended
	return nil
}
