package jobs

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"runtime/debug"
	"sync"
	"time"

	"github.com/your-org/keeper/fault"
	"github.com/your-org/keeper/models"
	"github.com/your-org/keeper/store"
)

var errLeaseLost = errors.New("jobs: the lease was lost")

// finishTime is how long giving a job back may take when the program is stopping.
const finishTime = 10 * time.Second

// attempt is one claimed job in the hands of one worker.
type attempt struct {
	r       *Runner
	job     models.Job
	token   string
	handler Handler
}

// run does the job under its lease and writes down how it ended.
func (a *attempt) run(ctx context.Context) {
	working, cancel := context.WithCancelCause(ctx)
	ended := make(chan struct{})
	var extending sync.WaitGroup
	extending.Go(func() { a.extend(working, cancel, ended) })
	next, err := a.protected(working)
	close(ended)
	extending.Wait()
	lost := errors.Is(context.Cause(working), errLeaseLost)
	cancel(nil)
	if lost {
		a.log(ctx, slog.LevelWarn, "a job's lease was lost; another worker takes it over", nil)
		return
	}
	a.finish(ctx, next, err)
}

// finish gives the lease back. It does so even when the program is stopping.
func (a *attempt) finish(ctx context.Context, next *time.Time, failure error) {
	stopping := ctx.Err() != nil
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), finishTime)
	defer cancel()
	err := a.r.store.Write(ctx, func(tx *store.Tx) error {
		switch {
		case failure == nil:
			return tx.CompleteJob(a.job.ID, a.token, a.job.Generation, next)
		case stopping:
			return tx.ReleaseJob(a.job.ID, a.token)
		default:
			retry := a.r.options.Now().Add(backoff(a.job.Attempts))
			return tx.FailJob(a.job.ID, a.token, a.job.Generation, fault.Public(failure).Error(), retry)
		}
	})
	if failure != nil && !stopping {
		a.log(ctx, slog.LevelWarn, "a job failed and will be tried again", failure)
	}
	if err != nil {
		a.log(ctx, slog.LevelWarn, "a job could not be given back; it comes back when its lease runs out", err)
	}
}

// extend keeps the lease until ended is closed. It ends the work where the lease is lost, or
// could not be kept in time, since then somebody else may be at it.
func (a *attempt) extend(ctx context.Context, cancel context.CancelCauseFunc, ended <-chan struct{}) {
	lease := a.r.options.Lease
	ticker := time.NewTicker(lease / 3)
	defer ticker.Stop()
	kept := time.Now()
	for {
		select {
		case <-ended:
			return
		case <-ticker.C:
		}
		began := time.Now()
		// Also while the program stops: the handler may need some time to return.
		patience, stop := context.WithTimeout(context.WithoutCancel(ctx), lease/3)
		err := a.r.store.Write(patience, func(tx *store.Tx) error {
			return tx.ExtendLease(a.job.ID, a.token, a.r.options.Now().Add(lease))
		})
		stop()
		switch {
		case err == nil:
			kept = began
		case fault.Is(err, fault.Conflict), time.Since(kept) > lease*2/3:
			cancel(errLeaseLost)
			return
		}
	}
}

// protected runs the handler and makes a failure of a panic.
func (a *attempt) protected(ctx context.Context) (next *time.Time, err error) {
	defer func() {
		if value := recover(); value != nil {
			next, err = nil, fmt.Errorf("jobs: the handler of %s panicked: %v\n%s", a.job.Kind, value, debug.Stack())
		}
	}()
	return a.handler(ctx, a.job)
}

func (a *attempt) log(ctx context.Context, level slog.Level, message string, err error) {
	attrs := []slog.Attr{slog.String("kind", a.job.Kind), slog.String("key", a.job.Key), slog.Int("failures", a.job.Attempts)}
	if err != nil {
		attrs = append(attrs, slog.Any("error", err))
	}
	a.r.options.Log.LogAttrs(ctx, level, message, attrs...)
}
