package app

import "sync"

// feed tells listeners that something moved, without saying what: they look for themselves.
// A listener that is slow misses no move, only how many there were.
type feed struct {
	mu        sync.Mutex
	listeners map[chan struct{}]struct{}
	closed    bool
}

func newFeed() *feed { return &feed{listeners: map[chan struct{}]struct{}{}} }

func (f *feed) tell() {
	f.mu.Lock()
	defer f.mu.Unlock()
	for c := range f.listeners {
		select {
		case c <- struct{}{}:
		default:
		}
	}
}

// Subscribe returns a channel that gets a signal when something moved and is closed when
// Keeper stops, and what ends the subscription.
func (f *feed) Subscribe() (moved <-chan struct{}, end func()) {
	c := make(chan struct{}, 1)
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.closed {
		close(c)
		return c, func() {}
	}
	f.listeners[c] = struct{}{}
	return c, func() {
		f.mu.Lock()
		defer f.mu.Unlock()
		delete(f.listeners, c)
	}
}

// close ends all subscriptions.
func (f *feed) close() {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.closed = true
	for c := range f.listeners {
		close(c)
		delete(f.listeners, c)
	}
}
