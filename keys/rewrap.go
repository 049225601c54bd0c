package keys

import (
	"context"
	"errors"
	"slices"
	"sync"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/your-org/keeper/fault"
	"github.com/your-org/keeper/kms"
	"github.com/your-org/keeper/models"
	"github.com/your-org/keeper/store"
)

// rewrapPage is how many data keys are asked about together: enough that neither the store
// nor the time of an answer bounds the pace. rewrapChunk is how many of them share a
// transaction: few enough that writers of secrets hardly wait for it.
const (
	rewrapPage  = 100
	rewrapChunk = 20
)

// refusals is how many data keys in a row may be refused before a run waits: a key that is
// disabled should not cost a call for each of thousands.
const refusals = 32

// maxMoves is how often in a row a page is looked at again because it changed meanwhile.
const maxMoves = 5

// rewrapPlace is where a re-wrap stands. It is level-triggered: what decides is what is
// wrapped for whom now, and another pass begins until nothing is left to do.
type rewrapPlace struct {
	Generation int64            `json:"generation"` // of the targets that the pass works towards
	Pass       int              `json:"pass"`       // from 1
	After      models.DataKeyID `json:"after,omitempty"`
	Changed    bool             `json:"changed,omitempty"` // the pass changed something
	Unknown    int64            `json:"unknown,omitempty"` // of the pass: could not be wrapped for now
}

type rewrap struct {
	*work
	env     models.Environment
	targets kms.Targets
	place   rewrapPlace
	found   map[string]bool // data keys that are damaged and told of
	proved  proved
	refused int   // in a row
	why     error // the last refusal
}

func (w *work) rewrap(ctx context.Context) (*time.Time, error) {
	r := &rewrap{work: w}
	if err := recall(w.run, &r.place); err != nil {
		return nil, err
	}
	var err error
	if r.found, err = w.foundObjects(ctx); err != nil {
		return nil, err
	}
	for moves := 0; ; {
		rows, err := r.page(ctx)
		if err != nil {
			return nil, err
		}
		if len(rows) == 0 {
			if done, err := r.pass(ctx); err != nil || done {
				return nil, err
			}
			continue
		}
		err = r.handle(ctx, rows)
		if moves++; !fault.Is(err, fault.Stale) {
			moves = 0
		}
		if err != nil && (moves == 0 || moves > maxMoves) {
			return nil, err
		}
	}
}

// page is the next data keys. Where the environment's recipients changed, it is the first
// ones, towards the new targets.
func (r *rewrap) page(ctx context.Context) (rows []store.DataKeyRow, err error) {
	if r.env, err = r.environment(ctx, r.run.EnvironmentID); err != nil {
		return nil, err
	}
	if r.env.KeyGeneration != r.targets.Generation {
		if r.targets, err = r.Envelope.Targets(ctx, r.env); err != nil {
			return nil, err
		}
	}
	if r.place.Pass == 0 || r.place.Generation != r.targets.Generation {
		if err := r.restart(ctx); err != nil {
			return nil, err
		}
	}
	err = r.Store.Read(ctx, func(tx *store.Tx) error {
		rows, err = tx.DataKeysPage(store.DataKeyQuery{Environment: r.env.ID}, r.place.After, rewrapPage)
		return err
	})
	return rows, err
}

// restart begins the first pass towards the targets.
func (r *rewrap) restart(ctx context.Context) error {
	now, err := r.standing(ctx, r.env.ID)
	if err != nil {
		return err
	}
	r.place = rewrapPlace{Generation: r.targets.Generation, Pass: 1}
	return r.commit(ctx, func(_ *store.Tx, run *models.KeyRun) error {
		run.Total, run.Done, run.Failed, run.Remaining = int64(now.total), 0, 0, r.left(now)
		run.ToKey = r.targets.Primary.ID
		return remember(run, r.place)
	})
}

// left counts what still stands under the key that is to be emptied, or under any that is not
// wanted.
func (r *rewrap) left(now standing) int64 {
	n := 0
	for _, u := range now.former(r.targets) {
		if r.run.FromKey == "" || r.fresh() || u.RecipientID == r.run.FromKey {
			n += u.DataKeys
		}
	}
	return int64(n)
}

// fresh reports whether the data keys are wrapped anew under the key that they stand under.
func (r *rewrap) fresh() bool { return r.run.FromKey != "" && r.run.FromKey == r.run.ToKey }

// wrapped is what became of one data key.
type wrapped struct {
	kms.Rewrapped
	err   error
	right bool // nothing was to do
}

// handle wraps a page of data keys and stores it.
func (r *rewrap) handle(ctx context.Context, rows []store.DataKeyRow) error {
	results := make([]wrapped, len(rows))
	group, calling := errgroup.WithContext(ctx)
	group.SetLimit(r.pace.workers())
	for i, row := range rows {
		group.Go(func() error {
			results[i] = r.one(calling, row)
			if errors.Is(results[i].err, kms.ErrUnreachable) || calling.Err() != nil {
				return results[i].err // the backend is away: no use in asking on
			}
			return nil
		})
	}
	stop := group.Wait()
	if ctx.Err() != nil {
		return ctx.Err()
	}
	for from := 0; from < len(rows); from += rewrapChunk {
		to := min(from+rewrapChunk, len(rows))
		if err := r.store(ctx, rows[from:to], results[from:to], stop != nil); err != nil {
			return err
		}
	}
	if stop == nil && r.refused >= refusals {
		r.refused, stop = 0, r.why
	}
	return stop
}

func (r *rewrap) one(ctx context.Context, row store.DataKeyRow) wrapped {
	fresh := r.fresh() && r.older(row)
	if !fresh && exactly(row.Wrapped, r.targets) {
		return wrapped{right: true}
	}
	prove := crosses(row, r.targets)
	made, err := r.rewrapOne(ctx, r.env, row, r.targets, kms.RewrapOptions{Fresh: fresh, Prove: prove})
	if err == nil && !prove && len(made.Remove) > 0 {
		if err = r.opensOnce(ctx, row, made); err != nil {
			made.Remove = nil
		}
	}
	return wrapped{Rewrapped: made, err: err}
}

// proved are the recipients whose wraps were seen to open since the work was taken up.
type proved struct {
	sync.Mutex
	recipients map[string]bool
}

// opensOnce opens one new wrapped key of each recipient before the first old one goes for it:
// a key may let Keeper wrap and not open.
func (r *rewrap) opensOnce(ctx context.Context, row store.DataKeyRow, made kms.Rewrapped) error {
	r.proved.Lock()
	defer r.proved.Unlock()
	key := row.Key
	if len(key.Check) == 0 {
		key.Check = made.Check
	}
	for _, w := range r.openable(made.Add) {
		if r.proved.recipients[w.RecipientID] {
			continue
		}
		if _, err := r.openBy(ctx, r.env, key, w, &r.calls); err != nil {
			return err
		}
		if r.proved.recipients == nil {
			r.proved.recipients = map[string]bool{}
		}
		r.proved.recipients[w.RecipientID] = true
	}
	return nil
}

// rewrapOne wraps one data key at the pace of the long works, where KMS has a part in it.
func (w *work) rewrapOne(
	ctx context.Context, e models.Environment, row store.DataKeyRow, want kms.Targets, o kms.RewrapOptions,
) (kms.Rewrapped, error) {
	abroad := slices.ContainsFunc(want.All(), func(t kms.Target) bool { return t.Kind == models.RecipientKMS }) ||
		slices.ContainsFunc(row.Wrapped, func(w models.WrappedKey) bool { return w.RecipientKind == models.RecipientKMS })
	if abroad {
		if err := w.pace.wait(ctx); err != nil {
			return kms.Rewrapped{}, err
		}
	}
	made, err := w.Envelope.Rewrap(ctx, e, row.Key, row.Wrapped, want, o)
	w.calls.Add(int64(made.Calls))
	if abroad {
		w.pace.spent(made.Calls - 1)
	}
	return made, err
}

// exactly reports whether wrapped keys are those of the targets and no others.
func exactly(rows []models.WrappedKey, want kms.Targets) bool {
	for _, t := range want.All() {
		if !slices.ContainsFunc(rows, func(w models.WrappedKey) bool { return w.RecipientKind == t.Kind && w.RecipientID == t.ID }) {
			return false
		}
	}
	return !slices.ContainsFunc(rows, func(w models.WrappedKey) bool { return !wanted(want, w.RecipientKind, w.RecipientID) })
}

// crosses reports whether a data key comes from a kind of keys that none of the targets is of:
// its new wraps are opened again before the old ones go.
func crosses(row store.DataKeyRow, want kms.Targets) bool {
	return slices.ContainsFunc(row.Wrapped, func(w models.WrappedKey) bool {
		return !slices.ContainsFunc(want.All(), func(t kms.Target) bool { return t.Kind == w.RecipientKind })
	})
}

// older reports whether a wrapped key that can be made anew was made before the run was asked
// for.
func (r *rewrap) older(row store.DataKeyRow) bool {
	return slices.ContainsFunc(row.Wrapped, func(w models.WrappedKey) bool {
		return w.RecipientKind != models.RecipientRecovery && w.CreatedAt.Before(r.run.CreatedAt)
	})
}

// store keeps what was made of a part of a page. A page that was not gone through is looked at again;
// what of it was done is found done.
func (r *rewrap) store(ctx context.Context, rows []store.DataKeyRow, results []wrapped, stopped bool) error {
	place := r.place
	var done, failed, emptied int64
	var findings []models.KeyFinding
	for i, result := range results {
		switch err := result.err; {
		case err == nil && result.right:
			done += first(r.place.Pass == 1)
		case err == nil:
			r.refused = 0
			place.Changed = place.Changed || len(result.Add)+len(result.Remove) > 0
			done++
			emptied += first(slices.ContainsFunc(result.Remove, func(w models.WrappedKey) bool {
				return r.run.FromKey == "" || w.RecipientID == r.run.FromKey
			}))
		case !damaged(err):
			r.refused, r.why = r.refused+1, err
			place.Unknown, place.Changed = place.Unknown+1, place.Changed || len(result.Add) > 0
		case !r.found[string(rows[i].Key.ID)]:
			findings = append(findings, r.finding(r.env, "data key", string(rows[i].Key.ID), rows[i].Key.ID, err))
			done, failed = done+1, failed+1
		}
	}
	if stopped {
		done, failed, findings, place = 0, 0, nil, r.place
	} else {
		place.After = rows[len(rows)-1].Key.ID
	}
	err := r.commit(ctx, func(tx *store.Tx, run *models.KeyRun) error {
		// What was made for those of before is not stored once they have changed.
		if err := tx.HoldKeyGeneration(r.env.ID, r.targets.Generation); err != nil {
			return err
		}
		for i, result := range results {
			if len(result.Add)+len(result.Remove)+len(result.Check) == 0 {
				continue // what was made before an error is kept: Remove is empty then
			}
			if err := tx.ReplaceWrapped(rows[i].Key.ID, result.Add, result.Remove, result.Check); err != nil {
				return moved(err)
			}
		}
		run.Done, run.Failed = run.Done+done, run.Failed+failed
		run.Remaining = max(0, run.Remaining-emptied)
		if err := remember(run, place); err != nil {
			return err
		}
		return tx.AddKeyFindings(findings)
	})
	if err != nil {
		return err
	}
	r.place = place
	for _, f := range findings {
		r.found[f.Object] = true
	}
	return nil
}

// moved makes one kind of all the ways in which a data key changed while it was worked on.
func moved(err error) error {
	if fault.Is(err, fault.NotFound) || fault.Is(err, fault.Conflict) {
		return fault.Wrap(err, fault.Stale, "A data key was changed at the same time.")
	}
	return err
}

func first(is bool) int64 {
	if is {
		return 1
	}
	return 0
}

// damaged reports whether an error says that something was changed or lost, so that waiting
// does not mend it.
func damaged(err error) bool {
	return errors.Is(err, kms.ErrDamaged) || fault.Is(err, fault.Invalid)
}
