// Package jobs does durable work: rows that say what is due, leases that say who is at it.
// A job is done at least once, by one worker at a time over all replicas; what it is about is
// known only to its handler, which must bear being run again.
package jobs

import (
	"context"
	"log/slog"
	"math/rand/v2"
	"sync"
	"time"

	"github.com/your-org/keeper/models"
	"github.com/your-org/keeper/store"
)

// Handler does one job. A nil error completes it: it is due again at next, or when it is
// asked for where next is nil. An error tries again later. The context ends when the program
// stops or the lease is lost; then somebody else may do the job, and the handler must return.
type Handler func(ctx context.Context, job models.Job) (next *time.Time, err error)

// Options of a Runner; the zero value of each field is what it says.
type Options struct {
	Poll    time.Duration // between looks for due jobs; 0: 1 s
	Lease   time.Duration // how long a dead worker's job stays untouched; 0: 30 s
	Workers int           // jobs at a time in this process; 0: 4

	Now func() time.Time // nil: time.Now
	Log *slog.Logger     // nil: slog.Default()
}

// Runner finds due jobs and runs their handlers.
type Runner struct {
	store    *store.Store
	options  Options
	handlers map[string]Handler
	kinds    []string

	wake    chan struct{} // holds one
	slots   chan struct{} // one per job at work
	working sync.WaitGroup
}

// New makes a runner. Register the handlers, then call Run.
func New(s *store.Store, options Options) *Runner {
	if options.Poll <= 0 {
		options.Poll = time.Second
	}
	if options.Lease <= 0 {
		options.Lease = 30 * time.Second
	}
	if options.Workers <= 0 {
		options.Workers = 4
	}
	if options.Now == nil {
		options.Now = time.Now
	}
	if options.Log == nil {
		options.Log = slog.Default()
	}
	return &Runner{
		store: s, options: options, handlers: map[string]Handler{},
		wake: make(chan struct{}, 1), slots: make(chan struct{}, options.Workers),
	}
}

// Handle registers what does the jobs of a kind; before Run, and once per kind.
func (r *Runner) Handle(kind string, handler Handler) {
	if r.handlers[kind] != nil {
		panic("jobs: two handlers for kind " + kind)
	}
	r.handlers[kind] = handler
	r.kinds = append(r.kinds, kind)
}

// Wake has due jobs looked for at once, after a commit of this process that made some. It
// never blocks.
func (r *Runner) Wake() {
	select {
	case r.wake <- struct{}{}:
	default:
	}
}

// Run works until ctx ends, then waits for the handlers and gives their leases back.
func (r *Runner) Run(ctx context.Context) error {
	defer r.Wait()
	ticker := time.NewTicker(r.options.Poll)
	defer ticker.Stop()
	for {
		if _, err := r.Tick(ctx); err != nil && ctx.Err() == nil {
			r.options.Log.LogAttrs(ctx, slog.LevelWarn, "due jobs could not be looked for", slog.Any("error", err))
		}
		select {
		case <-ctx.Done():
			return nil
		case <-ticker.C:
		case <-r.wake:
		}
	}
}

// Wait returns when no handler is at work any more.
func (r *Runner) Wait() { r.working.Wait() }

// Tick claims as many due jobs as there are free workers, starts their handlers, and says how
// many. It does not wait for them.
func (r *Runner) Tick(ctx context.Context) (int, error) {
	free := r.reserve()
	jobs, token, err := r.claim(ctx, free)
	r.release(free - len(jobs))
	for _, job := range jobs {
		r.working.Go(func() {
			// Where all workers were busy, more may be waiting.
			defer r.Wake()
			defer r.release(1)
			(&attempt{r: r, job: job, token: token, handler: r.handlers[job.Kind]}).run(ctx)
		})
	}
	return len(jobs), err
}

// reserve takes all workers that are free.
func (r *Runner) reserve() int {
	for n := 0; ; n++ {
		select {
		case r.slots <- struct{}{}:
		default:
			return n
		}
	}
}

func (r *Runner) release(n int) {
	for range n {
		<-r.slots
	}
}

func (r *Runner) claim(ctx context.Context, limit int) (jobs []models.Job, token string, err error) {
	if limit == 0 || len(r.kinds) == 0 || ctx.Err() != nil {
		return nil, "", nil
	}
	now := r.options.Now()
	due := false
	err = r.store.Read(ctx, func(tx *store.Tx) error {
		due, err = tx.JobsDue(r.kinds, now)
		return err
	})
	if err != nil || !due {
		return nil, "", err
	}
	token = models.NewID("lse")
	err = r.store.Write(ctx, func(tx *store.Tx) error {
		jobs, err = tx.Claim(r.kinds, now, r.options.Lease, token, limit)
		return err
	})
	if err != nil {
		return nil, "", err // what a failed commit leased after all comes back when the lease runs out
	}
	return jobs, token, nil
}

// maxBackoff bounds the time between two tries of a job that fails.
const maxBackoff = 5 * time.Minute

// backoff is how long to wait after so many failures in a row: anything up to a bound that
// doubles, so that jobs which failed together do not come back together.
func backoff(failures int) time.Duration {
	bound := maxBackoff
	if failures < 9 { // 2^9 s are more than maxBackoff
		bound = min(bound, time.Second<<failures)
	}
	return rand.N(bound)
}
