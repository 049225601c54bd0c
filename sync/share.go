package sync

import (
	"maps"
	"slices"
	"time"
)

// Share makes the limiter one of several, in processes of their own, that use the same
// quotas. From now on a scope that nothing was said of begins with the given part, in (0, 1],
// of its rates, and begun, which holds one, is told of its use. Whoever settles between the
// processes what is whose finds the scope in Used and says its part by SetPart. Called once,
// before the limiter is used.
func (l *Limiter) Share(beginning float64) (begun <-chan struct{}) {
	l.beginning, l.begun = beginning, make(chan struct{}, 1)
	return l.begun
}

// Used lists the scopes in which a token was asked for within a time, or is waited for.
func (l *Limiter) Used(within time.Duration) []string {
	l.mu.Lock()
	defer l.mu.Unlock()
	since := time.Now().Add(-within)
	scopes := map[string]bool{}
	for key, b := range l.buckets {
		if !scopes[key.scope] && b.usedSince(since) {
			scopes[key.scope] = true
		}
	}
	return slices.Sorted(maps.Keys(scopes))
}

// SetPart says which part of a scope's rates is this limiter's, in (0, 1], whether or not
// the scope was used yet. Calls that wait for their turn go by it, too.
func (l *Limiter) SetPart(scope string, part float64) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.parts[scope] = part
	l.settle(scope)
}

// Leave has a scope begin anew with its next use.
func (l *Limiter) Leave(scope string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	delete(l.parts, scope)
	l.settle(scope)
}

// part is what a scope's buckets go by. The lock is held.
func (l *Limiter) part(scope string) (float64, chan<- struct{}) {
	if part, said := l.parts[scope]; said {
		return part, nil
	}
	return l.beginning, l.begun
}

// settle has a scope's buckets go by its part. The lock is held.
func (l *Limiter) settle(scope string) {
	part, begun := l.part(scope)
	for key, b := range l.buckets {
		if key.scope == scope {
			b.take(part, begun)
		}
	}
}

// take makes a part of the rate the bucket's own. What throttling has taken off it stays
// off: a half of the whole becomes a half of the part.
func (b *bucket) take(part float64, begun chan<- struct{}) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.begun = begun
	if part == b.part {
		return
	}
	now := time.Now()
	b.part = part
	b.tokens.SetLimitAt(now, b.rate())
	b.tokens.SetBurstAt(now, b.burst())
	if b.timer != nil && b.timer.Stop() { // else it is about to be set anew
		b.arm(now)
	}
}

// tell says once that the bucket is used. The lock is held.
func (b *bucket) tell() {
	select {
	case b.begun <- struct{}{}:
	default: // nobody wants to know, or somebody is told already
	}
	b.begun = nil
}

func (b *bucket) usedSince(t time.Time) bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	return !b.used.Before(t) || len(b.turns) > 0
}
