package sync

import (
	"fmt"
	gosync "sync"
	"time"

	"golang.org/x/time/rate"

	"github.com/your-org/keeper/models"
)

// Pace is how often the value under one name may change: a few times in quick succession,
// then at a sustained rate. The zero Pace: as often as one likes.
type Pace struct {
	Burst int
	Every time.Duration
}

// Paced is a Driver that knows how long another value under a name has to wait.
type Paced interface {
	Wait(name string) time.Duration
}

// paces remembers how often values were written, by scope and name. It is forgotten when the
// process ends: each start, as each process beside it, allows one burst more.
type paces struct {
	mu    gosync.Mutex
	names map[paceKey]*paced
}

type paceKey struct{ scope, name string }

type paced struct {
	left *rate.Limiter
	last written
}

// written tells a write from its repetition, which makes no other version.
type written struct {
	version  models.VersionNumber
	replaces string
}

// mostPaces bounds how many names are remembered before those that have rested are dropped.
const mostPaces = 4096

// wait is how long a name has to rest.
func (p *paces) wait(key paceKey, pace Pace, now time.Time) time.Duration {
	p.mu.Lock()
	defer p.mu.Unlock()
	n := p.names[key]
	if n == nil || pace.Burst <= 0 {
		return 0
	}
	if tokens := n.left.TokensAt(now); tokens < 1 {
		return time.Duration((1-tokens)*float64(pace.Every)).Round(time.Second) + time.Second
	}
	return 0
}

// note counts a write that went out.
func (p *paces) note(key paceKey, pace Pace, w Write, now time.Time) {
	if pace.Burst <= 0 {
		return
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	n := p.names[key]
	if n == nil {
		p.drop(now)
		n = &paced{left: rate.NewLimiter(rate.Every(pace.Every), pace.Burst)}
		p.names[key] = n
	}
	if this := (written{w.Version, w.Replaces.Version}); n.last != this {
		n.last = this
		n.left.ReserveN(now, 1)
	}
}

// drop forgets names that have rested long enough. The lock is held.
func (p *paces) drop(now time.Time) {
	if len(p.names) < mostPaces {
		return
	}
	for key, n := range p.names {
		if n.left.TokensAt(now) >= float64(n.left.Burst()) {
			delete(p.names, key)
		}
	}
}

// Wait is how long the name has to rest before its value may change again.
func (d *limited) Wait(name string) time.Duration {
	return d.limiter.paces.wait(paceKey{d.quota.Scope, name}, d.quota.Pace, time.Now())
}

// pace leaves values to a later run that would change too soon after others.
func (r *run) pace(page []*work) {
	paced, ok := as[Paced](r.driver)
	if !ok {
		return
	}
	for _, w := range page {
		if writes(w.decision.Action) && w.seen.Remote.Version != "" {
			if wait := paced.Wait(w.entry.RemoteName); wait > 0 {
				w.later = r.Now().Add(wait)
			}
		}
	}
}

// postponed is the outcome for an entry whose value has to wait.
func (r *run) postponed(w *work) Outcome {
	o := r.outcome(w, w.decision.Status, models.ActionNone)
	o.Again = w.later
	o.Why = fmt.Sprintf("The value was changed there several times in a row; the destination keeps too many versions if that goes on, "+
		"so the newest value goes out at %s.", w.later.UTC().Format(time.DateTime+" UTC"))
	return o
}
