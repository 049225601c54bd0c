package web

import (
	"context"
	"maps"
	"slices"
	"sync"
	"time"

	"github.com/your-org/keeper/auth"
	"github.com/your-org/keeper/fault"
	"github.com/your-org/keeper/models"
)

// How live pages are kept: this process's own changes are looked for at once, but not more
// often than the pause; those of other replicas on the tick, which is so short that a session
// which was ended there hears nothing any more after two seconds.
const (
	livePause = 200 * time.Millisecond
	liveTick  = 1500 * time.Millisecond
	// liveMemory is how long a change is remembered for pages that were rendered before it
	// and listen only after it.
	liveMemory = 10 * time.Second
	// Each open page holds a connection: so many may one person's hold, and all together in this
	// process.
	mostOwnPages  = 50
	mostOpenPages = 5000
)

// errTooManyPages leaves a page without events; it tries again by itself.
var errTooManyPages = fault.New(fault.Throttled, "Too many pages are open at once for all of them to be live.").
	WithHint("Close some of them; this one tries again by itself.")

// change is that something of a topic moved, in an environment (0: for all to hear).
type change struct {
	topic       string
	environment models.EnvironmentID
}

// recheckTopic is heard by all listeners: some session has ended, or some rights have changed,
// perhaps theirs.
const recheckTopic = "session"

// live tells open pages of what to fetch anew. While anybody listens, one goroutine looks
// for changes; it ends with the last listener.
type live struct {
	subscribe func() (moved <-chan struct{}, end func())
	look      func(context.Context, *sighting) ([]change, error)

	mu        sync.Mutex
	most      int // listeners at once
	listeners map[*listener]struct{}
	open      map[models.UserID]int // listeners of each person
	recent    map[change]time.Time  // when each was told last
	cancel    context.CancelFunc    // ends the goroutine that runs
	ended     chan struct{}         // closed when that goroutine has ended
	stopped   chan struct{}         // closed when Keeper stops
	stop      func()                // closes it, once
}

func newLive(subscribe func() (<-chan struct{}, func()), look func(context.Context, *sighting) ([]change, error)) *live {
	stopped := make(chan struct{})
	return &live{
		subscribe: subscribe, look: look, most: mostOpenPages, listeners: map[*listener]struct{}{}, open: map[models.UserID]int{}, recent: map[change]time.Time{},
		stopped: stopped, stop: sync.OnceFunc(func() { close(stopped) }),
	}
}

// listener is one open page.
type listener struct {
	topics  map[string]bool
	wake    chan struct{} // gets a signal when something is pending
	actor   models.Actor
	pending map[string]bool
}

// join begins to listen for topics on behalf of an actor. Throttled where too many do.
func (l *live) join(actor models.Actor, topics []string) (*listener, error) {
	one := &listener{topics: map[string]bool{recheckTopic: true}, wake: make(chan struct{}, 1), actor: actor, pending: map[string]bool{}}
	for _, topic := range topics {
		one.topics[topic] = true
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	if len(l.listeners) >= l.most || l.open[actor.UserID] >= mostOwnPages {
		return nil, errTooManyPages
	}
	l.open[actor.UserID]++
	l.listeners[one] = struct{}{}
	for c, at := range l.recent {
		if time.Since(at) < liveMemory && c.topic != recheckTopic {
			one.hear(c)
		}
	}
	if len(l.listeners) == 1 {
		ctx, cancel := context.WithCancel(context.Background())
		l.cancel, l.ended = cancel, make(chan struct{})
		go l.run(ctx, l.ended)
	}
	return one, nil
}

// leave ends listening; the last one out waits for the goroutine.
func (l *live) leave(one *listener) {
	l.mu.Lock()
	delete(l.listeners, one)
	if l.open[one.actor.UserID]--; l.open[one.actor.UserID] == 0 {
		delete(l.open, one.actor.UserID)
	}
	last, ended := len(l.listeners) == 0, l.ended
	if last {
		l.cancel()
	}
	l.mu.Unlock()
	if last {
		<-ended
	}
}

// hear notes a change that the page is about and that its actor may know of.
func (one *listener) hear(c change) {
	if !one.topics[c.topic] || c.environment != auth.Global && !auth.Can(one.actor, auth.ViewEnvironment, c.environment) {
		return
	}
	one.pending[c.topic] = true
	select {
	case one.wake <- struct{}{}:
	default:
	}
}

// take gives what is pending, sorted.
func (l *live) take(one *listener) []string {
	l.mu.Lock()
	defer l.mu.Unlock()
	topics := slices.Sorted(maps.Keys(one.pending))
	clear(one.pending)
	return topics
}

// rename lets a listener hear what its actor may hear now.
func (l *live) rename(one *listener, actor models.Actor) {
	l.mu.Lock()
	defer l.mu.Unlock()
	one.actor = actor
}

// recheck has all listeners look whether their sessions still stand.
func (l *live) recheck() { l.tell([]change{{topic: recheckTopic}}) }

func (l *live) tell(changes []change) {
	l.mu.Lock()
	defer l.mu.Unlock()
	now := time.Now()
	maps.DeleteFunc(l.recent, func(_ change, at time.Time) bool { return now.Sub(at) >= liveMemory })
	for _, c := range changes {
		l.recent[c] = now
		for one := range l.listeners {
			one.hear(c)
		}
	}
}

// run looks for changes until ctx ends or Keeper stops. A look that fails is made again on
// the next tick; what it missed is still new then.
func (l *live) run(ctx context.Context, ended chan<- struct{}) {
	defer close(ended)
	moved, end := l.subscribe()
	defer end()
	ticker := time.NewTicker(liveTick)
	defer ticker.Stop()
	seen := &sighting{}
	for {
		if changes, err := l.look(ctx, seen); err == nil {
			l.tell(changes)
		}
		select {
		case <-ctx.Done():
			return
		case _, open := <-moved:
			if !open {
				l.stop()
				return
			}
			if !pause(ctx, livePause) {
				return
			}
		case <-ticker.C:
		}
	}
}

func pause(ctx context.Context, d time.Duration) bool {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return true
	case <-ctx.Done():
		return false
	}
}
