package kms

import (
	"context"
	"errors"
	"sync"
	"time"

	"github.com/your-org/keeper/fault"
	"github.com/your-org/keeper/models"
)

// Status is what the health page tells of encryption.
type Status struct {
	Backend     models.RecipientKind
	Reachable   bool      // the primary's last answer was one; true before the first call
	LastSuccess time.Time // zero: none yet
	LastFailure time.Time // zero: none yet
	LastError   error     // the failure that LastFailure tells of; safe to show
	CachedKeys  int
	// CacheTTL bounds how long after its loading a data key is used without the backend:
	// while the backend is away, each key that is cached reads on for at most this long.
	CacheTTL  time.Duration
	CacheSize int
}

// Status tells how the backend answered last and what is cached.
func (e *Envelope) Status() Status {
	e.health.mu.Lock()
	s := e.health.status
	s.Reachable = !e.health.away
	e.health.mu.Unlock()
	s.Backend = e.primary.Kind()
	s.CachedKeys = e.cache.len()
	s.CacheTTL = max(e.options.CacheTTL, 0)
	s.CacheSize = e.options.CacheSize
	return s
}

// health remembers how the primary answered.
type health struct {
	mu     sync.Mutex
	away   bool
	status Status
}

// note records one answer. A refusal of the input is an answer too: only Unavailable means
// that the backend was away. A caller that went away says nothing about the backend.
func (h *health) note(err error, now time.Time) {
	if errors.Is(err, context.Canceled) {
		return
	}
	h.mu.Lock()
	defer h.mu.Unlock()
	h.away = fault.Is(err, fault.Unavailable)
	if h.away {
		h.status.LastFailure, h.status.LastError = now, err
		return
	}
	h.status.LastSuccess = now
}
