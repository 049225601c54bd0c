package keys

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/your-org/keeper/fault"
	"github.com/your-org/keeper/models"
	"github.com/your-org/keeper/store"
)

var errAgain = errors.New("keys: the recipients changed at the end")

// pass ends a pass over the environment's data keys: with the run's end where nothing is left
// to do, else with another pass.
func (r *rewrap) pass(ctx context.Context) (done bool, err error) {
	if r.place.Unknown > 0 {
		why := r.why
		if err := r.again(ctx); err != nil {
			return false, err
		}
		if why == nil { // the refusal was met before a restart
			return false, nil
		}
		return false, why
	}
	now, err := r.standing(ctx, r.env.ID)
	if err != nil {
		return false, err
	}
	open := len(now.former(r.targets)) + now.missing(r.targets)
	if open > 0 && (r.place.Changed || r.place.Pass == 1) {
		return false, r.again(ctx)
	}
	if open > 0 && len(r.found) == 0 {
		if err := r.again(ctx); err != nil {
			return false, err
		}
		return false, fault.New(fault.Unavailable, "%d wrapped keys of %s are still owed; they are made as soon as they can be.", open, r.env.Name)
	}
	if err := r.conclude(ctx, open); !errors.Is(err, errAgain) {
		return true, err
	}
	return false, nil
}

// again begins another pass.
func (r *rewrap) again(ctx context.Context) error {
	place := rewrapPlace{Generation: r.place.Generation, Pass: r.place.Pass + 1}
	err := r.commit(ctx, func(_ *store.Tx, run *models.KeyRun) error { return remember(run, place) })
	if err == nil {
		r.place = place
	}
	return err
}

// conclude ends the run and says what may be done with the key that was to be emptied. A run
// whose recipients changed in the last instant goes on.
func (r *rewrap) conclude(ctx context.Context, open int) error {
	status, message, hint := models.KeyRunSucceeded, "", "Every data key stands under the current keys."
	remaining := int64(0)
	switch {
	case r.fresh():
		hint = fmt.Sprintf("Every data key was wrapped anew under %s.", r.run.ToKey)
	case r.run.FromKey != "":
		e, err := r.emptied(ctx, r.run.FromKey)
		if err != nil {
			return err
		}
		remaining, hint = e.remaining, e.report(r.run.FromKey)
	}
	if len(r.found) > 0 || open > 0 {
		status = models.KeyRunPartial
		message = fmt.Sprintf("%d data keys could not be wrapped and stand as they stood; the findings name them.", len(r.found))
	}
	return r.end(ctx, r.env, status, message, hint, func(tx *store.Tx, run *models.KeyRun) error {
		run.Remaining = remaining
		err := tx.HoldKeyGeneration(r.env.ID, r.targets.Generation)
		if fault.Is(err, fault.Stale) {
			return errAgain
		}
		return err
	})
}

// emptiness is what of all environments still keeps a key from being disabled.
type emptiness struct {
	remaining int64    // data keys under it, over all environments
	where     []string // "12 data keys of staging"
	named     []string // environments that name it as their own key, or as a recipient
	unknown   []string // environments whose keys could not be looked up
}

func (e emptiness) empty() bool { return e.remaining == 0 && len(e.named) == 0 && len(e.unknown) == 0 }

// report says it to a person.
func (e emptiness) report(key string) string {
	if e.empty() {
		return fmt.Sprintf("Nothing stands under %s any more; it may be disabled.", key)
	}
	var why []string
	if e.remaining > 0 {
		why = append(why, strings.Join(e.where, ", ")+" still stand under it")
	}
	if len(e.named) > 0 {
		why = append(why, "it is still a key of "+strings.Join(e.named, ", "))
	}
	if len(e.unknown) > 0 {
		why = append(why, "the keys of "+strings.Join(e.unknown, ", ")+" could not be looked up")
	}
	return fmt.Sprintf("Do not disable %s: %s.", key, strings.Join(why, "; "))
}

// emptied looks at all environments for what stands under a key, or will.
func (s *Service) emptied(ctx context.Context, key string) (e emptiness, err error) {
	environments, err := s.environments(ctx, 0)
	if err != nil {
		return e, err
	}
	wants, err := s.wants(ctx, environments)
	if err != nil {
		return e, err
	}
	var usage []store.KeyUsage
	err = s.Store.Read(ctx, func(tx *store.Tx) error {
		usage, err = tx.KeyUsage(0)
		return err
	})
	for _, env := range environments {
		e.look(env, wants[env.ID], usage, key)
	}
	return e, err
}

func (e *emptiness) look(env models.Environment, wants []want, usage []store.KeyUsage, key string) {
	for _, u := range usage {
		if u.EnvironmentID == env.ID && u.RecipientID == key {
			e.remaining += int64(u.DataKeys)
			e.where = append(e.where, fmt.Sprintf("%d data keys of %s", u.DataKeys, env.Name))
		}
	}
	switch {
	case slices.ContainsFunc(wants, func(w want) bool { return w.ID == key }):
		e.named = append(e.named, env.Name)
	case slices.ContainsFunc(wants, func(w want) bool { return !w.sure() }):
		e.unknown = append(e.unknown, env.Name)
	}
}
