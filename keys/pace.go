package keys

import (
	"cmp"
	"context"
	"sync"
	"time"

	"golang.org/x/time/rate"

	"github.com/your-org/keeper/models"
)

// pace is how fast the long works of this process may go together.
type pace struct{ limiter *rate.Limiter }

// defaultRate is for a service that was given none, in a test.
const defaultRate = 1000

// newPace allows so many a second. What was not used for a tenth of a second, while a page
// was being stored, may be caught up with.
func newPace(perSecond int) *pace {
	perSecond = cmp.Or(max(perSecond, 0), defaultRate)
	return &pace{rate.NewLimiter(rate.Limit(perSecond), max(1, perSecond/10))}
}

// wait returns when one more may begin.
func (p *pace) wait(ctx context.Context) error { return p.limiter.Wait(ctx) }

// spent counts what turned out to cost more than the one that was waited for: those that
// come later wait for it.
func (p *pace) spent(n int) {
	for ; n > 0; n -= p.limiter.Burst() {
		p.limiter.ReserveN(time.Now(), min(n, p.limiter.Burst()))
	}
}

// workers are enough that answers which take 40 ms do not bound the pace.
func (p *pace) workers() int { return min(max(4, int(p.limiter.Limit()/25)), 128) }

// meters know how fast the runs of this process go, over the last minute.
type meters struct {
	mu   sync.Mutex
	runs map[models.KeyRunID][]sample
}

type sample struct {
	at   time.Time
	done int64
}

const meterWindow = time.Minute

// note takes down how far a run has come; an ended one is forgotten.
func (m *meters) note(run models.KeyRun) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if run.Status.Ended() {
		delete(m.runs, run.ID)
		return
	}
	if m.runs == nil {
		m.runs = map[models.KeyRunID][]sample{}
	}
	samples := m.runs[run.ID]
	if n := len(samples); n > 1 && run.UpdatedAt.Sub(samples[n-2].at) < time.Second {
		samples = samples[:n-1] // one a second is enough
	}
	samples = append(samples, sample{run.UpdatedAt, run.Done})
	for len(samples) > 2 && run.UpdatedAt.Sub(samples[0].at) > meterWindow {
		samples = samples[1:]
	}
	m.runs[run.ID] = samples
}

// rate is how many a second a run does: over the last minute where this process is at it,
// else since it started.
func (m *meters) rate(run models.KeyRun) float64 {
	m.mu.Lock()
	defer m.mu.Unlock()
	from := sample{}
	if run.StartedAt != nil {
		from.at = *run.StartedAt
	}
	if samples := m.runs[run.ID]; len(samples) > 1 {
		from = samples[0]
	}
	took := run.UpdatedAt.Sub(from.at).Seconds()
	if run.StartedAt == nil || took <= 0 || run.Done <= from.done {
		return 0
	}
	return float64(run.Done-from.done) / took
}

// teller tells listeners that a run moved, a few times a second at most.
type teller struct {
	mu   sync.Mutex
	last time.Time
}

const tellEvery = 250 * time.Millisecond

func (t *teller) due(now time.Time) bool {
	t.mu.Lock()
	defer t.mu.Unlock()
	if d := now.Sub(t.last); d >= 0 && d < tellEvery {
		return false
	}
	t.last = now
	return true
}
