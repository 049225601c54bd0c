package sync

import (
	"context"

	"github.com/your-org/keeper/fault"
	"github.com/your-org/keeper/models"
)

// tune has a driver bring in line what stands beside a value, through the wrappers around it.
func tune(ctx context.Context, d Driver, name string) (Remote, error) {
	if tuner, ok := as[Tuner](d); ok {
		return tuner.Tune(ctx, name)
	}
	return Remote{}, fault.New(fault.Internal, "The destination's driver keeps nothing beside %s.", name)
}

// Tune retries.
func (d *retrying) Tune(ctx context.Context, name string) (Remote, error) {
	return try(ctx, func() (Remote, error) { return tune(ctx, d.Driver, name) })
}

// Tune is told of.
func (d *watched) Tune(ctx context.Context, name string) (Remote, error) {
	return watch(d, "tune", func() (Remote, error) { return tune(ctx, d.Driver, name) })
}

// Tune waits for the quota of changing and for that of tagging, of which it may need both.
func (d *limited) Tune(ctx context.Context, name string) (Remote, error) {
	return call(ctx, d, FamilyPut, func() (Remote, error) {
		return call(ctx, d, FamilyTag, func() (Remote, error) { return tune(ctx, d.Driver, name) })
	})
}

const tuneWhy = "What stands beside the value there is brought in line with the destination's settings."

// offTune reports whether nothing is to be done but to bring in line what stands beside the value.
func (w *work) offTune() bool {
	return w.unfit == nil && w.seen.Err == nil && w.seen.Remote.Untuned && w.decision.Status == models.StatusInSync && w.decision.Action == models.ActionNone &&
		w.entry.Desired != nil
}

// mayTune reports whether what stands beside the value may be brought in line: a plan that is applied says so.
func (r *run) mayTune(w *work) bool {
	return r.Approved == nil || r.Approved[w.entry.SecretID].Action == models.ActionTune
}

// tuned brings in line what stands beside a value that is in sync. A failure is told and
// tried again, and takes nothing away from what is known of the value. Where nothing else was
// done, it is what the run did.
func (r *run) tuned(ctx context.Context, w *work, o Outcome) Outcome {
	if o.Status != models.StatusInSync || o.Err != nil || o.Forget || !w.seen.Remote.Untuned || !r.mayTune(w) {
		return o
	}
	if o.Action == models.ActionNone {
		o.Action, o.Why = models.ActionTune, tuneWhy
	}
	_, err := tune(ctx, r.driver, w.entry.RemoteName)
	if err != nil && ctx.Err() == nil {
		o.Err = explain(w.entry, "given the destination's settings", err)
	}
	return o
}
