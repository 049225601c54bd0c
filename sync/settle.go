package sync

import (
	"bytes"
	"cmp"
	"context"

	"github.com/your-org/keeper/fault"
	"github.com/your-org/keeper/models"
)

// settle acts on one entry until its state needs no further action, and sends the outcome.
// It sends none where the run is being ended: the entry stays as it is for the next run.
// The error is the ledger's.
func (r *run) settle(ctx context.Context, w *work, outcomes chan<- Outcome) error {
	for range maxRounds {
		if ctx.Err() != nil {
			return nil
		}
		if acts(w.decision.Action) && (r.unplanned(w) || r.uncounted(w)) {
			outcomes <- r.stopped(w)
			return nil
		}
		outcome, err := r.step(ctx, w)
		switch {
		case err != nil:
			return err
		case outcome != nil && (ctx.Err() == nil || outcome.Err == nil || outcome.Base != nil):
			outcomes <- r.tuned(ctx, w, *outcome)
			return nil
		}
	}
	switch {
	case ctx.Err() != nil:
	case acts(w.decision.Action):
		outcomes <- r.fail(w, "brought in line", cmp.Or(w.clash, error(fault.New(fault.Conflict, "It kept changing at the destination."))))
	default:
		outcomes <- r.tuned(ctx, w, r.conclude(w))
	}
	return nil
}

// uncounted reports whether more would be lost by now than the brake, or the plan, knows of: somebody
// was at the entry since it was looked at.
func (r *run) uncounted(w *work) bool {
	return (r.braked() || r.Approved != nil) && w.decision.Loses(w.entry, w.seen) > w.counted
}

// unplanned reports whether what is to be done by now is not what was agreed to. What was restored
// may be brought up to date.
func (r *run) unplanned(w *work) bool {
	if r.Approved == nil {
		return false
	}
	agreed := r.Approved[w.entry.SecretID].Action
	return w.decision.Action != agreed && (agreed != models.ActionRestore || !writes(w.decision.Action))
}

// movedOn reports whether an entry is not as it was agreed to any more, and tells its outcome then: what
// was agreed to is not done, nor anything else.
func (r *run) movedOn(w *work, outcomes chan<- Outcome) bool {
	if r.approved(w) {
		w.counted = w.decision.Loses(w.entry, w.seen)
		return false
	}
	if w.unfit != nil || !acts(w.decision.Action) {
		outcomes <- r.conclude(w)
		return true
	}
	outcomes <- r.stale(w)
	return true
}

// stopped is the outcome for what asks for more than the plan speaks of, or than the brake counted:
// the next run sees to that. What the plan speaks of and was not done is told as such.
func (r *run) stopped(w *work) Outcome {
	if r.Approved != nil && w.done != r.Approved[w.entry.SecretID].Action {
		return r.stale(w)
	}
	o := r.outcome(w, w.decision.Status, cmp.Or(w.done, models.ActionNone))
	o.Again = r.Now()
	return o
}

// stale is the outcome for what was agreed to and is not done, for it would be something else by now.
func (r *run) stale(w *work) Outcome {
	o := r.outcome(w, w.decision.Status, models.ActionNone)
	o.Err = explain(w.entry, "dealt with", fault.New(fault.Stale, "It moved, in Keeper or at the destination, as the plan was carried out; it was left alone.").
		WithHint("Make a new plan."))
	return o
}

// step does what was decided. The outcome is nil where the destination must be looked at
// again, which step has then done.
func (r *run) step(ctx context.Context, w *work) (*Outcome, error) {
	remote := w.seen.Remote
	var err error
	var doing string
	switch w.decision.Action {
	case models.ActionCreate, models.ActionUpdate, models.ActionRepair:
		return r.put(ctx, w)
	case models.ActionTake:
		return r.take(ctx, w)
	case models.ActionMark:
		doing = "marked as Keeper's"
		err = r.mark(ctx, w)
	case models.ActionRestore:
		doing = "restored"
		if err := r.announce(ctx, w); err != nil {
			return nil, err
		}
		_, err = r.driver.Restore(ctx, remote)
	case models.ActionDelete:
		doing = "deleted"
		if err := r.announce(ctx, w); err != nil {
			return nil, err
		}
		_, err = r.driver.Delete(ctx, remote)
	default:
		return new(r.conclude(w)), nil
	}
	if moved(err) {
		return r.overtaken(ctx, w, doing, err)
	}
	if err != nil {
		return new(r.fail(w, doing, err)), nil
	}
	w.succeed()
	switch w.decision.Action {
	case models.ActionDelete:
		return new(r.deleted(w)), nil
	case models.ActionRestore:
		r.lookAgain(ctx, w)
		r.broughtBack(w, remote.Version)
	default:
		r.lookAgain(ctx, w)
	}
	return nil, nil
}

// broughtBack has the value that Keeper has just restored count as what it put there. The ledger
// is told before anything else goes out: a later run could not tell it from what somebody else
// brought back.
func (r *run) broughtBack(w *work, version string) {
	if w.seen.Hash == nil || w.seen.Remote.Version != version || w.entry.Base.known() {
		return // not read, changed since, or known
	}
	w.entry.Base = &Base{Hash: w.seen.Hash, RemoteVersion: version, At: r.Now()}
	w.intended = false
	w.decision = r.rules.Decide(w.entry, w.seen, r.Now())
}

// mark puts Keeper's mark on the value that was compared. One that took its place at the same
// moment is not Keeper's: the mark comes off again.
func (r *run) mark(ctx context.Context, w *work) error {
	name, mark := w.entry.RemoteName, r.rules.Mark(w.entry)
	marked, err := r.driver.Mark(ctx, name, mark)
	if err != nil || marked.Version == w.seen.Remote.Version {
		return err
	}
	if _, err := r.driver.Unmark(ctx, name, mark); err != nil {
		return err
	}
	return fault.New(fault.Conflict, "The value of %s changed at the destination while Keeper marked it.", name)
}

// announce has the ledger know of what goes out, where it does not know of it over what was seen.
func (r *run) announce(ctx context.Context, w *work) error {
	if w.intended && w.over == w.seen.Remote.Version {
		return nil
	}
	return r.intend(ctx, []*work{w})
}

// put writes the desired value over exactly what was seen.
func (r *run) put(ctx context.Context, w *work) (*Outcome, error) {
	if err := r.announce(ctx, w); err != nil {
		return nil, err
	}
	value, err := r.open(ctx, w.entry)
	if err != nil {
		w.decision.Status = models.StatusUnknown
		return new(r.fail(w, "opened in Keeper", err)), nil
	}
	defer value.Zero()
	const doing = "written"
	remote, err := r.driver.Put(ctx, Write{
		Name: w.entry.RemoteName, Value: value, Type: w.entry.Type, Version: w.entry.Desired.Version,
		Replaces: w.seen.Remote, Mark: r.rules.Mark(w.entry),
	})
	switch {
	case err == nil:
		w.succeed()
		w.seen.Remote.Untuned = remote.Untuned
		o := r.inSync(w, remote.Version)
		o.Left = Left{w.entry.Desired.Hash, ByWrite}
		return &o, nil
	case fault.Is(err, fault.Conflict) && remote.Exists():
		return r.overtook(ctx, w, err), nil
	case moved(err):
		return r.overtaken(ctx, w, doing, err)
	default:
		return new(r.fail(w, doing, err)), nil
	}
}

// take brings the destination's value into Keeper. What is taken is what was decided about:
// a value that changed since is looked at again.
func (r *run) take(ctx context.Context, w *work) (*Outcome, error) {
	const doing = "taken from the destination"
	name := w.entry.RemoteName
	answer, ok := r.driver.Fetch(ctx, []string{name})[name]
	defer answer.Value.Zero()
	err := answer.Err
	if !ok {
		err = fault.New(fault.Internal, "The destination's driver gave no answer for %s.", name)
	}
	if err != nil && !fault.Is(err, fault.NotFound) {
		w.decision.Status = models.StatusUnknown
		return new(r.fail(w, doing, err)), nil
	}
	if err != nil || answer.Version != w.seen.Remote.Version {
		return r.overtaken(ctx, w, doing, fault.New(fault.Conflict, "The value at the destination changed while Keeper took it."))
	}
	desired, err := r.ledger.Take(ctx, w.entry, answer.Value, w.seen.Remote)
	if err != nil {
		return new(r.fail(w, doing, err)), nil
	}
	w.succeed()
	w.entry.Desired = &desired
	o := r.inSync(w, answer.Version)
	o.Left = Left{desired.Hash, ByValue}
	return &o, nil
}

// overtook tells of a write of Keeper's that went over somebody else's. Where Keeper's
// stands it is the new base, and people are told, for what it replaced was never seen.
func (r *run) overtook(ctx context.Context, w *work, err error) *Outcome {
	w.succeed()
	w.lost = max(1, w.lost) // for the brakes of the runs to come
	r.lookAgain(ctx, w)
	if w.decision.Status != models.StatusInSync {
		return new(r.fail(w, "kept", err))
	}
	o := r.inSync(w, w.seen.Remote.Version)
	o.Found, o.Err = models.StatusConflict, explain(w.entry, "written without a clash", err)
	return &o
}

// open is the desired value, proved to be the one that the entry speaks of.
func (r *run) open(ctx context.Context, e Entry) (models.Plaintext, error) {
	value, err := r.ledger.Open(ctx, e)
	if err != nil {
		return value, err
	}
	hash, err := r.ledger.Hash(ctx, e, value)
	if err == nil && !bytes.Equal(hash, e.Desired.Hash) {
		err = fault.New(fault.Internal, "The stored value of %s is not the one that its version names.", e.Name)
	}
	if err != nil {
		value.Zero()
	}
	return value, err
}

// moved reports whether the destination is no longer as it was seen.
func moved(err error) bool { return fault.Is(err, fault.Conflict) || fault.Is(err, fault.NotFound) }

// overtaken looks again after somebody else was faster. What Keeper wrote itself it goes on
// with; a value that appeared meanwhile may be a newer one from another Keeper, so it is
// left to the next run, which reads the entry anew.
func (r *run) overtaken(ctx context.Context, w *work, doing string, err error) (*Outcome, error) {
	w.clash = err
	r.lookAgain(ctx, w)
	if acts(w.decision.Action) && (w.decision.Status == models.StatusDrifted || w.decision.Status == models.StatusConflict) {
		return new(r.fail(w, doing, err)), nil
	}
	return nil, nil
}

// succeed notes what was done. A mark is no more than the way to what is done next.
func (w *work) succeed() {
	if w.done == "" || w.done == models.ActionMark {
		w.done, w.why = w.decision.Action, w.decision.Why
	}
	if w.decision.Action != models.ActionMark {
		w.lost = max(w.lost, w.decision.Loses(w.entry, w.seen))
	}
}

// conclude is the outcome where nothing is to be done, or nothing more.
func (r *run) conclude(w *work) Outcome {
	d := w.decision
	switch {
	case w.unfit != nil && w.entry.Desired == nil:
		return r.deleted(w) // it can never have been written
	case w.unfit != nil:
		w.decision = unwritable(w.unfit)
		return r.fail(w, "written", w.unfit)
	case d.Status == models.StatusUnknown:
		return r.fail(w, "looked at", w.seen.Err)
	case d.Status == models.StatusForeign && w.entry.Released:
		return r.fail(w, "written", fault.New(fault.Conflict, "%s", d.Why).WithHint("Adopt it again to have Keeper look after it."))
	case d.Status == models.StatusForeign:
		return r.fail(w, "written", fault.New(fault.Conflict, "%s", d.Why).
			WithHint("Rename the secret here, or remove what is there if nobody needs it."))
	case d.Action == models.ActionHold:
		return r.outcome(w, d.Status, d.Action)
	case d.Action == models.ActionRefuse:
		return r.fail(w, "deleted", fault.New(fault.Conflict, "%s", d.Why).
			WithHint("Delete it at the destination, or undelete the secret here."))
	case w.entry.Desired == nil:
		return r.deleted(w)
	default:
		return r.inSync(w, w.seen.Remote.Version)
	}
}

// unwritable decides about what there is nothing to look at for.
func unwritable(err error) Decision {
	d := Decision{Status: models.StatusSourceChanged, Action: models.ActionRefuse, Why: fault.Public(err).Message}
	if !fault.Is(err, fault.Invalid) {
		d.Status, d.Action = models.StatusUnknown, models.ActionNone
	}
	return d
}

func (r *run) outcome(w *work, status models.SyncStatus, action models.SyncAction) Outcome {
	return Outcome{
		Entry: w.entry, Found: cmp.Or(w.found, status), Status: status, Action: action,
		Seen: w.seen, Left: r.left(w), Lost: w.lost, Why: cmp.Or(w.why, w.decision.Why), At: r.Now(),
	}
}

func (r *run) inSync(w *work, remoteVersion string) Outcome {
	o := r.outcome(w, models.StatusInSync, cmp.Or(w.done, models.ActionNone))
	o.Base = w.entry.after(remoteVersion, o.At)
	return o
}

func (r *run) deleted(w *work) Outcome {
	o := r.outcome(w, models.StatusInSync, cmp.Or(w.done, models.ActionNone))
	o.Forget, o.Left = true, Left{}
	return o
}

func (r *run) fail(w *work, doing string, err error) Outcome {
	o := r.outcome(w, w.decision.Status, w.decision.Action)
	o.Why, o.Err = w.decision.Why, explain(w.entry, doing, err)
	if !acts(w.decision.Action) {
		return o
	}
	o.Left = Left{}
	if w.decision.Status != models.StatusUnknown { // what was sent and failed may have been done all the same
		o.Lost = max(w.lost, w.decision.Loses(w.entry, w.seen))
	}
	return o
}

// explain names secret and operation and says what to do. The driver's own words are kept
// where they may be shown.
func explain(e Entry, doing string, err error) error {
	kind := fault.KindOf(err)
	if kind == fault.Internal {
		return fault.Wrap(err, kind, "%s could not be %s, because of an error inside Keeper.", e.Name, doing).
			WithHint("Keeper's log has the cause.")
	}
	public := fault.Public(err)
	return fault.Wrap(err, kind, "%s could not be %s: %s", e.Name, doing, public.Message).WithHint("%s", cmp.Or(public.Hint, cure(kind)))
}

func cure(kind fault.Kind) string {
	switch kind {
	case fault.Forbidden, fault.Unauthenticated:
		return "Give Keeper's credentials for the destination the missing permission; Keeper then goes on by itself."
	case fault.Invalid:
		return "Change the secret's name or value so that the destination takes it."
	case fault.Conflict, fault.NotFound, fault.Stale:
		return "Keeper looks again in the next run."
	default:
		return "Keeper tries again by itself; where it stays, see whether the destination can be reached."
	}
}
