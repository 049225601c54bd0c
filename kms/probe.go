package kms

import (
	"context"
	"errors"
	"sync"
	"time"
)

const (
	// probeInterval is how often a place that failed is asked whether it is back.
	probeInterval = time.Second
	// probeLimit bounds one such question.
	probeLimit = 2 * time.Second
	// placeLife is how long a place that failed is asked after and told of when nobody has
	// used it: its recipients may be none any more.
	placeLife = time.Hour
)

// watch asks places that failed whether they are back, until ctx ends. It sleeps while all
// is well.
func (g *guard) watch(ctx context.Context) {
	for {
		select {
		case <-g.ill:
		case <-ctx.Done():
			return
		}
		for ill := g.doubted(); len(ill) > 0; ill = g.doubted() {
			select {
			case <-time.After(probeInterval):
			case <-ctx.Done():
				return
			}
			var probes sync.WaitGroup
			for _, p := range ill {
				probes.Go(func() { p.probe(ctx) })
			}
			probes.Wait()
		}
	}
}

func (g *guard) doubted() []*place {
	g.mu.Lock()
	defer g.mu.Unlock()
	var ill []*place
	for id, p := range g.places {
		switch {
		case p.doubt() == 0:
		case p.forgotten():
			delete(g.places, id)
		default:
			ill = append(ill, p)
		}
	}
	return ill
}

// probe looks a wrapping key up. Any answer will do, a refusal too: what the key may be used
// for is told by the next call that uses it.
func (p *place) probe(ctx context.Context) {
	if !p.breaker.TryAcquirePermit() {
		return
	}
	ctx, cancel := context.WithTimeout(ctx, probeLimit)
	defer cancel()
	_, err := p.wrapper.Describe(ctx, p.key)
	switch err = inTime(ctx, err); {
	case errors.Is(err, context.Canceled): // this process ends
	case errors.Is(err, ErrUnreachable):
		p.silent(err)
	default:
		p.reached()
		p.back()
	}
}

// back clears what an outage left. A refusal stays until the key is used.
func (p *place) back() {
	p.mu.Lock()
	defer p.mu.Unlock()
	if errors.Is(p.lastError, ErrUnreachable) {
		p.away, p.since, p.lastSuccess = false, time.Time{}, p.guard.now()
	}
}

// forgotten reports whether nobody has used the place for long.
func (p *place) forgotten() bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	return !p.home && time.Since(p.lastUse) >= placeLife
}
