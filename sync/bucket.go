package sync

import (
	"context"
	"math"
	gosync "sync"
	"time"

	"golang.org/x/time/rate"

	"github.com/your-org/keeper/fault"
)

// bucket is one family's tokens. Throttling halves its rate; quiet lets it grow back. Who
// waits for a token gets it in turn: one call of each destination after the other, however
// many calls each has waiting.
type bucket struct {
	full   rate.Limit // of all processes together
	tokens *rate.Limiter

	mu      gosync.Mutex
	part    float64         // of full that is this process's
	slowed  float64         // what throttling has left of that; 1: all
	cutAt   time.Time       // when the rate was halved last
	grownAt time.Time       // when that was changed last
	used    time.Time       // when a token was asked for last
	begun   chan<- struct{} // told of the next use; nil: nobody is
	turns   []*turn         // the next first; none is empty
	timer   *time.Timer
}

// turn is what one destination has waiting, the oldest first.
type turn struct {
	who     *limited
	waiting []chan struct{} // closed when the call may go out
}

func newBucket(full rate.Limit, part float64, begun chan<- struct{}) *bucket {
	b := &bucket{full: full, part: part, slowed: 1, begun: begun}
	b.tokens = rate.NewLimiter(b.rate(), b.burst())
	return b
}

func (b *bucket) rate() rate.Limit { return b.full * rate.Limit(b.part*b.slowed) }

func (b *bucket) burst() int {
	return max(1, int(math.Floor(float64(b.full)*b.part*burstTime.Seconds())))
}

// wait waits for a token for a call of a destination.
func (b *bucket) wait(ctx context.Context, who *limited) error {
	if b == nil {
		return nil
	}
	if ctx.Err() != nil {
		return ended(ctx)
	}
	mine := b.queue(who)
	if mine == nil {
		return nil
	}
	select {
	case <-mine:
		return nil
	case <-ctx.Done():
		b.leave(who, mine)
		return ended(ctx)
	}
}

func ended(ctx context.Context) error {
	return fault.Wrap(ctx.Err(), fault.Unavailable, "The call ended while it waited for the destination's quota.").
		WithHint("Keeper tries again by itself.")
}

// queue takes a token, or else a place in the destination's line.
func (b *bucket) queue(who *limited) chan struct{} {
	b.mu.Lock()
	defer b.mu.Unlock()
	now := time.Now()
	b.used = now
	b.tell()
	b.recover(now)
	if len(b.turns) == 0 && b.tokens.AllowN(now, 1) {
		return nil
	}
	mine := make(chan struct{})
	for _, t := range b.turns {
		if t.who == who {
			t.waiting = append(t.waiting, mine)
			return mine
		}
	}
	b.turns = append(b.turns, &turn{who, []chan struct{}{mine}})
	if b.timer == nil {
		b.arm(now)
	}
	return mine
}

// arm has the next call let go when there is a token. The lock is held.
func (b *bucket) arm(now time.Time) {
	if len(b.turns) == 0 {
		b.timer = nil
		return
	}
	next := b.tokens.ReserveN(now, 1)
	delay := next.DelayFrom(now)
	next.CancelAt(now)
	b.timer = time.AfterFunc(delay, b.serve)
}

// serve lets calls go while there are tokens, each destination's oldest in turn.
func (b *bucket) serve() {
	b.mu.Lock()
	defer b.mu.Unlock()
	now := time.Now()
	for len(b.turns) > 0 && b.tokens.AllowN(now, 1) {
		first := b.turns[0]
		close(first.waiting[0])
		first.waiting = first.waiting[1:]
		b.turns = b.turns[1:]
		if len(first.waiting) > 0 {
			b.turns = append(b.turns, first)
		}
	}
	b.arm(now)
}

// leave gives a place up. A token that came at the same moment is lost.
func (b *bucket) leave(who *limited, mine chan struct{}) {
	b.mu.Lock()
	defer b.mu.Unlock()
	for i, t := range b.turns {
		if t.who != who {
			continue
		}
		for j, waiting := range t.waiting {
			if waiting == mine {
				t.waiting = append(t.waiting[:j:j], t.waiting[j+1:]...)
				break
			}
		}
		if len(t.waiting) == 0 {
			b.turns = append(b.turns[:i:i], b.turns[i+1:]...)
		}
		return
	}
}

func (b *bucket) learn(err error) {
	if b != nil && fault.Is(err, fault.Throttled) {
		b.slow(time.Now())
	}
}

func (b *bucket) slow(now time.Time) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if now.Sub(b.cutAt) < throttleGrace {
		return
	}
	b.cutAt, b.grownAt = now, now
	b.slowed = max(b.slowed/2, slowestPart)
	b.tokens.SetLimitAt(now, b.rate())
}

// recover lets a slowed rate grow. The lock is held.
func (b *bucket) recover(now time.Time) {
	if b.slowed >= 1 || now.Sub(b.grownAt) < recoveryTime {
		return
	}
	b.grownAt = now
	b.slowed = min(b.slowed*recoveryStep, 1)
	b.tokens.SetLimitAt(now, b.rate())
}
