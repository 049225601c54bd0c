package kms

import (
	"cmp"
	"slices"
	"time"

	"github.com/your-org/keeper/models"
)

// Status is what the health page tells of encryption.
type Status struct {
	Backend models.RecipientKind
	// Reachable is whether the last answer of each place of primary wrapping keys was one, and
	// no refusal; true before the first call. The next four tell of those places together.
	Reachable   bool
	LastSuccess time.Time // zero: none yet
	LastFailure time.Time // zero: none yet
	LastError   error     // the failure that LastFailure tells of; safe to show
	CachedKeys  int
	// CacheTTL bounds how long after its loading a data key is used without the backend.
	CacheTTL time.Duration
	// CacheGrace is how much longer it is used while the backend cannot be reached.
	CacheGrace time.Duration
	CacheSize  int
	// StaleKeys is how many data keys are used past CacheTTL, as their backends cannot be
	// reached.
	StaleKeys int
	Places    []PlaceStatus // by kind and place
}

// Bound is how long after its loading a data key is used at most, as its backend is now: then
// what it seals cannot be read. A refusal ends the grace, which silence alone has.
func (s Status) Bound() time.Duration {
	if s.Refused() {
		return s.CacheTTL
	}
	return s.CacheTTL + s.CacheGrace
}

// Refused reports whether primary wrapping keys do not work, and none of them is merely out of
// reach: all those that do not were refused.
func (s Status) Refused() bool {
	silent := slices.ContainsFunc(s.Places, func(p PlaceStatus) bool { return p.Home && !p.Reachable })
	return !s.Reachable && !silent
}

// PlaceStatus is how one place of wrapping keys answered the calls that users wait for.
type PlaceStatus struct {
	Kind  models.RecipientKind
	Place string // a region, or the key where its backend knows no regions; may be empty
	Home  bool   // primary wrapping keys are there
	// Reachable is whether the last call was answered, be it by a refusal.
	Reachable bool
	Refused   bool // the last answer was that the key may not be used
	// Cut is whether it is not asked any more until a probe is answered.
	Cut         bool
	AwaySince   time.Time // of the first failure since the last success; zero: not away
	LastSuccess time.Time // zero: none yet
	LastFailure time.Time // zero: none yet
	LastError   error     // safe to show; nil: none yet
}

// Status tells how the backends answered last and what is cached.
func (e *Envelope) Status() Status {
	s := Status{
		Backend: e.primary.Kind(), Reachable: true, CacheTTL: max(e.options.CacheTTL, 0), CacheGrace: e.options.grace(),
		CacheSize: e.options.CacheSize, Places: e.guard.status(),
	}
	s.CachedKeys, s.StaleKeys = e.cache.count()
	for _, p := range s.Places {
		if !p.Home {
			continue
		}
		s.Reachable = s.Reachable && p.Reachable && !p.Refused
		if p.LastSuccess.After(s.LastSuccess) {
			s.LastSuccess = p.LastSuccess
		}
		if p.LastFailure.After(s.LastFailure) {
			s.LastFailure, s.LastError = p.LastFailure, p.LastError
		}
	}
	return s
}

func (g *guard) status() []PlaceStatus {
	g.mu.Lock()
	defer g.mu.Unlock()
	var all []PlaceStatus
	for _, p := range g.places {
		all = append(all, p.status())
	}
	slices.SortFunc(all, func(a, b PlaceStatus) int { return cmp.Or(cmp.Compare(a.Kind, b.Kind), cmp.Compare(a.Place, b.Place)) })
	return all
}

func (p *place) status() PlaceStatus {
	p.mu.Lock()
	defer p.mu.Unlock()
	silent := p.away && p.failures > 0
	return PlaceStatus{
		Kind: p.id.kind, Place: p.id.name, Home: p.home, Reachable: !silent, Refused: p.away && !silent,
		Cut: !p.breaker.IsClosed(), AwaySince: p.since,
		LastSuccess: p.lastSuccess, LastFailure: p.lastFailure, LastError: p.lastError,
	}
}
