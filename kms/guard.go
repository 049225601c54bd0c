package kms

import (
	"context"
	"errors"
	"strings"
	"sync"
	"time"

	"github.com/failsafe-go/failsafe-go/circuitbreaker"

	"github.com/your-org/keeper/fault"
	"github.com/your-org/keeper/models"
)

// breakerThreshold is how many calls in a row must stay without answer before a place is not
// asked any more: more than a connection that was reset by chance, and few enough that an
// outage costs few callers their patience.
const breakerThreshold = 3

// guard knows how the places where wrapping keys are have answered the calls that users wait
// for, and asks those that failed whether they are back. Long works go past it.
type guard struct {
	now func() time.Time
	ill chan struct{} // has the prober look

	mu     sync.Mutex
	places map[placeID]*place
}

// placeID is what fails together: a region of a backend.
type placeID struct {
	kind models.RecipientKind
	name string
}

func newGuard(now func() time.Time) *guard {
	return &guard{now: now, ill: make(chan struct{}, 1), places: map[placeID]*place{}}
}

// place is one region of one backend. Its breaker is closed while calls go through; once
// open it is closed again by a probe alone, so that no user's call is the one that tries.
type place struct {
	id      placeID
	guard   *guard
	wrapper Wrapper
	breaker circuitbreaker.CircuitBreaker[any]

	mu          sync.Mutex
	key         string // a wrapping key that is there, to be looked up by the probe
	home        bool   // where primary wrapping keys are
	failures    int    // calls in a row that stayed without answer
	away        bool   // the last call found no answer, or a refusal
	since       time.Time
	lastSuccess time.Time
	lastFailure time.Time
	lastError   error
	silence     error     // the last error that is ErrUnreachable
	lastAnswer  time.Time // by the runtime's clock, as the breaker's; lastUse too
	lastUse     time.Time
}

// at is the place of a wrapping key.
func (g *guard) at(wrapper Wrapper, key string) *place {
	id := placeID{wrapper.Kind(), placeOf(wrapper, key)}
	g.mu.Lock()
	defer g.mu.Unlock()
	p, ok := g.places[id]
	if !ok {
		p = &place{
			id: id, guard: g, wrapper: wrapper, key: key,
			breaker: circuitbreaker.NewBuilder[any]().WithFailureThreshold(breakerThreshold).
				WithSuccessThreshold(1).WithDelay(probeInterval / 2).Build(),
		}
		g.places[id] = p
	}
	p.used()
	return p
}

func (p *place) used() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.lastUse = time.Now()
}

// placeOf is where a wrapping key is: what its backend says, else the region of its ARN,
// else the key itself. Only KMS has places.
func placeOf(wrapper Wrapper, key string) string {
	if wrapper.Kind() != models.RecipientKMS {
		return ""
	}
	if placed, ok := wrapper.(Placed); ok {
		return placed.Place(key)
	}
	if region, _, ok := regionAndAccount(key); ok {
		return region
	}
	return key
}

// regionAndAccount are those of an ARN.
func regionAndAccount(name string) (region, account string, ok bool) {
	parts := strings.SplitN(name, ":", 6)
	if len(parts) != 6 || parts[0] != "arn" {
		return "", "", false
	}
	return parts[3], parts[4], true
}

// doubt orders places by how likely they answer: 0 as far as known, 1 after a failure,
// 2 where they are not asked.
func (p *place) doubt() int {
	if !p.breaker.IsClosed() {
		return 2
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	return min(p.failures, 1)
}

// admit refuses a call at once while the breaker is open.
func (p *place) admit() error {
	if p.breaker.IsClosed() {
		return nil
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.silence // there is one: it opened the breaker
}

// answered records how a call ended that began at a time. A refusal of the key or of the
// input is an answer. An end that this process made itself says nothing, and silence that
// began before the last answer is over.
func (p *place) answered(began time.Time, err error) {
	if errors.Is(err, context.Canceled) {
		return
	}
	if errors.Is(err, ErrUnreachable) {
		if !p.answeredSince(began) {
			p.silent(err)
		}
		return
	}
	p.reached()
	p.mu.Lock()
	defer p.mu.Unlock()
	if fault.Is(err, fault.Unavailable) {
		p.failed(err)
		return
	}
	p.away, p.since, p.lastSuccess = false, time.Time{}, p.guard.now()
}

func (p *place) answeredSince(t time.Time) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.lastAnswer.After(t)
}

// reached closes the breaker: whatever was said, it was said.
func (p *place) reached() {
	if p.breaker.IsClosed() {
		p.breaker.RecordSuccess()
	} else {
		p.breaker.Close()
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	p.failures, p.lastAnswer = 0, time.Now()
}

// silent records that there was no answer.
func (p *place) silent(err error) {
	p.mu.Lock()
	p.failures++
	p.silence = err
	p.failed(err)
	p.mu.Unlock()
	p.breaker.RecordFailure() // after the error is there for those whom it refuses
	select {
	case p.guard.ill <- struct{}{}:
	default:
	}
}

// failed is called with p.mu held.
func (p *place) failed(err error) {
	now := p.guard.now()
	if !p.away {
		p.since = now
	}
	p.away, p.lastFailure, p.lastError = true, now, err
}

// suspect puts a place that is slow behind the others until it answers.
func (p *place) suspect() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.failures = max(p.failures, 1)
}

// inTime adds ErrUnreachable to the error of a call that ran out of its time.
func inTime(ctx context.Context, err error) error {
	if err == nil || !errors.Is(ctx.Err(), context.DeadlineExceeded) || errors.Is(err, ErrUnreachable) {
		return err
	}
	said := fault.Public(err)
	return fault.Wrap(errors.Join(ErrUnreachable, err), fault.Unavailable, "%s", said.Message).WithHint("%s", said.Hint)
}
