package sync

import (
	"context"
	"iter"
	"slices"
	gosync "sync"
	"time"

	"golang.org/x/time/rate"

	"github.com/your-org/keeper/fault"
)

// Family is a group of calls that a destination counts against one quota.
type Family string

// The families of calls.
const (
	FamilyList     Family = "list"
	FamilyDescribe Family = "describe"
	FamilyGet      Family = "get"
	FamilyBatchGet Family = "batch_get"
	FamilyCreate   Family = "create"
	FamilyPut      Family = "put"
	FamilyDelete   Family = "delete"
	FamilyRestore  Family = "restore"
	FamilyTag      Family = "tag"
)

// Quota is what a destination publishes of its limits.
type Quota struct {
	Scope     string             // what shares the quota: "aws/123456789012/eu-central-1"
	Rates     map[Family]float64 // calls per second; a family that is not named is not limited
	PageSize  int                // names per page of a listing; 0: one page
	BatchSize int                // values per batch_get; 0: Fetch makes a get for each name
	Pace      Pace               // of one name's values
}

// Quoted is what a Driver implements beside where its destination publishes quotas.
type Quoted interface{ Quota() Quota }

const (
	defaultShare  = 0.8
	burstTime     = 100 * time.Millisecond // how much of a second's calls may go out at once
	slowestPart   = 1.0 / 32               // of the rate that throttling can bring a bucket down to
	recoveryTime  = 5 * time.Second        // without throttling, until a slowed bucket grows
	recoveryStep  = 1.5
	throttleGrace = time.Second // answers to calls that went out together slow a bucket once
)

// Accounted is a Driver that can ask in whose account it works. Scope then replaces the
// quota's, so that all who work there share its quota under whatever credentials.
type Accounted interface {
	// Scope asks at most once in a while, and is the quota's own where it gets no answer.
	Scope(ctx context.Context) string
}

// Limiter holds the buckets of all destinations of the process, one per scope and family,
// so that destinations in one account share its quota, each in its turn. With other
// processes it shares as Share says.
type Limiter struct {
	share     float64
	paces     paces
	beginning float64       // the part of a scope that nothing was said of
	begun     chan struct{} // nil: nobody is told of such a scope

	mu      gosync.Mutex
	buckets map[bucketKey]*bucket
	parts   map[string]float64 // by scope, what was said
}

type bucketKey struct {
	scope  string
	family Family
}

// NewLimiter makes a limiter that uses a share of each published rate, in (0, 1]; anything
// else means 0.8.
func NewLimiter(share float64) *Limiter {
	if !(share > 0 && share <= 1) {
		share = defaultShare
	}
	return &Limiter{
		share: share, paces: paces{names: map[paceKey]*paced{}}, beginning: 1,
		buckets: map[bucketKey]*bucket{}, parts: map[string]float64{},
	}
}

// bucket of a family, or nil where it is not limited.
func (l *Limiter) bucket(ctx context.Context, d *limited, family Family) *bucket {
	published, ok := d.quota.Rates[family]
	if !ok || published <= 0 {
		return nil
	}
	key := bucketKey{d.scope(ctx), family}
	l.mu.Lock()
	defer l.mu.Unlock()
	b := l.buckets[key]
	if b == nil {
		part, begun := l.part(key.scope)
		b = newBucket(rate.Limit(published*l.share), part, begun)
		l.buckets[key] = b
	}
	return b
}

// Limit keeps a driver below its destination's quotas. A driver that publishes none is
// returned as it is. It stands below Retry, so that each attempt is counted.
func Limit(d Driver, l *Limiter) Driver {
	quoted, ok := as[Quoted](d)
	if !ok {
		return d
	}
	return &limited{Driver: d, limiter: l, quota: quoted.Quota()}
}

type limited struct {
	Driver
	limiter *Limiter
	quota   Quota
}

// scope is what shares the quota.
func (d *limited) scope(ctx context.Context) string {
	if accounted, ok := as[Accounted](d.Driver); ok {
		return accounted.Scope(ctx)
	}
	return d.quota.Scope
}

// Unwrap gives as the driver below.
func (d *limited) Unwrap() Driver { return d.Driver }

// call waits for a token of the family, calls, and learns from the answer.
func call[T any](ctx context.Context, d *limited, family Family, do func() (T, error)) (T, error) {
	b := d.limiter.bucket(ctx, d, family)
	if err := b.wait(ctx, d); err != nil {
		var zero T
		return zero, err
	}
	got, err := do()
	b.learn(err)
	return got, err
}

// List takes a token for each page of the listing, before the page is asked for.
func (d *limited) List(ctx context.Context) iter.Seq2[Remote, error] {
	return func(yield func(Remote, error) bool) {
		b := d.limiter.bucket(ctx, d, FamilyList)
		if err := b.wait(ctx, d); err != nil {
			yield(Remote{}, err)
			return
		}
		listed := 0
		for r, err := range d.Driver.List(ctx) {
			b.learn(err)
			if !yield(r, err) || err != nil {
				return
			}
			if listed++; d.quota.PageSize <= 0 || listed%d.quota.PageSize != 0 {
				continue
			}
			if err := b.wait(ctx, d); err != nil {
				yield(Remote{}, err)
				return
			}
		}
	}
}

// Describe waits for the quota of describing.
func (d *limited) Describe(ctx context.Context, name string) (Remote, error) {
	return call(ctx, d, FamilyDescribe, func() (Remote, error) { return d.Driver.Describe(ctx, name) })
}

// Fetch asks for one batch after the other, each with a token of its own.
func (d *limited) Fetch(ctx context.Context, names []string) map[string]Fetched {
	family := FamilyBatchGet
	if d.quota.BatchSize <= 0 {
		family = FamilyGet
	}
	b := d.limiter.bucket(ctx, d, family)
	all := make(map[string]Fetched, len(names))
	for batch := range slices.Chunk(names, max(d.quota.BatchSize, 1)) {
		if err := b.wait(ctx, d); err != nil {
			for _, name := range batch {
				all[name] = Fetched{Err: err}
			}
			continue
		}
		for name, f := range d.Driver.Fetch(ctx, batch) {
			b.learn(f.Err)
			all[name] = f
		}
	}
	return all
}

// Put waits for the quota of creating or of changing, whichever it will be.
func (d *limited) Put(ctx context.Context, w Write) (Remote, error) {
	family := FamilyCreate
	if w.Replaces.Exists() {
		family = FamilyPut
	}
	return call(ctx, d, family, func() (Remote, error) {
		r, err := d.Driver.Put(ctx, w)
		if err == nil || fault.Is(err, fault.Unavailable) || r.Exists() { // it went out, or may have
			d.limiter.paces.note(paceKey{d.quota.Scope, w.Name}, d.quota.Pace, w, time.Now())
		}
		return r, err
	})
}

// Mark waits for the quota of tagging.
func (d *limited) Mark(ctx context.Context, name string, mark Mark) (Remote, error) {
	return call(ctx, d, FamilyTag, func() (Remote, error) { return d.Driver.Mark(ctx, name, mark) })
}

// Unmark waits for the quota of tagging.
func (d *limited) Unmark(ctx context.Context, name string, mark Mark) (Remote, error) {
	return call(ctx, d, FamilyTag, func() (Remote, error) { return d.Driver.Unmark(ctx, name, mark) })
}

// Delete waits for the quota of deleting.
func (d *limited) Delete(ctx context.Context, r Remote) (Remote, error) {
	return call(ctx, d, FamilyDelete, func() (Remote, error) { return d.Driver.Delete(ctx, r) })
}

// Restore waits for the quota of restoring.
func (d *limited) Restore(ctx context.Context, r Remote) (Remote, error) {
	return call(ctx, d, FamilyRestore, func() (Remote, error) { return d.Driver.Restore(ctx, r) })
}
