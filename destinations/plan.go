package destinations

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"

	"github.com/your-org/keeper/audit"
	"github.com/your-org/keeper/auth"
	"github.com/your-org/keeper/fault"
	"github.com/your-org/keeper/models"
	"github.com/your-org/keeper/store"
	keepersync "github.com/your-org/keeper/sync"
)

// notFinished is the reason of a plan whose making was cut off.
const notFinished = "Its making was cut off."

// Plan saves what a full run over the destination would do now. It changes nothing there.
func (s *Service) Plan(ctx context.Context, actor models.Actor, id models.DestinationID) (models.Plan, error) {
	d, e, err := s.destination(ctx, actor, auth.TriggerSync, id)
	if err != nil {
		return models.Plan{}, err
	}
	if d.Paused {
		return models.Plan{}, fault.New(fault.Conflict, "The destination %s is paused; no plan was made.", d.Name).WithHint("Resume it first.")
	}
	plan := models.Plan{DestinationID: d.ID, EnvironmentID: e.ID, Full: true, CreatedBy: actor.Name}
	if err := s.preview(ctx, d, e, &plan); err != nil {
		return models.Plan{}, err
	}
	plan.Status = models.PlanDraft
	err = s.Store.Write(ctx, func(tx *store.Tx) error {
		if err := tx.UpdatePlan(&plan); err != nil {
			return err
		}
		return tx.AppendAudit(onPlan(actor, "sync.plan", e, d, plan))
	})
	return plan, err
}

// preview stores a plan's items and fills in its counts and digest. The plan stands as one
// that nobody can apply until the caller gives it its status.
func (s *Service) preview(ctx context.Context, d models.Destination, e models.Environment, plan *models.Plan) error {
	driver, err := s.driver(ctx, e, d)
	if err != nil {
		return err
	}
	plan.ID, plan.Status, plan.Reason, plan.CreatedAt = models.NewPlanID(), models.PlanDiscarded, notFinished, s.Now()
	if err := s.Store.Write(ctx, func(tx *store.Tx) error { return tx.CreatePlan(plan) }); err != nil {
		return err
	}
	options := s.options(d)
	options.Full = plan.Full
	listing := &listing{Driver: driver}
	actions := map[models.SyncAction]int{}
	book := (&ledger{service: s, environment: e, destination: d, listing: listing, still: true}).book()
	looked, err := keepersync.Preview(ctx, listing, book, options,
		func(items []keepersync.Item) error {
			rows := make([]models.PlanItem, len(items))
			for i, item := range items {
				rows[i] = planItem(plan.ID, item)
				count(&plan.Counts, item)
				actions[item.Action]++
			}
			return s.Store.Write(ctx, func(tx *store.Tx) error { return tx.AddPlanItems(rows) })
		})
	if err != nil {
		return err
	}
	calls, lasts := keepersync.Estimate(driver, s.QuotaShare, looked, actions)
	plan.Counts.Looked, plan.Counts.Seconds, plan.Counts.Calls = looked, lasts.Seconds(), map[string]int{}
	if groups, ok := book.(*groupLedger); ok {
		if plan.Counts.Values, err = groups.Values(ctx); err != nil {
			return err
		}
	}
	for family, n := range calls {
		plan.Counts.Calls[string(family)] = n
	}
	plan.Reason = ""
	plan.Digest, err = s.items(ctx, plan.ID, func(models.PlanItem) {})
	return err
}

func planItem(id models.PlanID, item keepersync.Item) models.PlanItem {
	approve := item.Approve()
	row := models.PlanItem{
		PlanID: id, SecretID: item.Entry.SecretID, SecretName: item.Entry.Name, RemoteName: item.Entry.RemoteName,
		Status: item.Status, Action: item.Action, Version: approve.Version, RemoteVersion: approve.RemoteVersion, Why: item.Why,
	}
	if item.Problem != nil {
		public := fault.Public(item.Problem)
		row.Problem, row.Hint = public.Message, public.Hint
	}
	return row
}

func count(c *models.PlanCounts, item keepersync.Item) {
	if item.Problem != nil {
		c.Problems++
		return
	}
	c.Lost += item.Loses(item.Entry, item.Seen)
	if item.TakesAway() && !item.Deletes() && item.Action != models.ActionTake {
		c.Overwrites++
	}
	for action, n := range map[models.SyncAction]*int{
		models.ActionCreate: &c.Creates, models.ActionUpdate: &c.Updates, models.ActionRepair: &c.Repairs, models.ActionRestore: &c.Restores,
		models.ActionDelete: &c.Deletes, models.ActionTake: &c.Takes, models.ActionMark: &c.Marks, models.ActionTune: &c.Tunes, models.ActionHold: &c.Held, models.ActionRefuse: &c.Refused,
	} {
		if item.Action == action {
			*n++
		}
	}
}

// items hands over a plan's, by secret, and returns the digest over them: each as a line of
// JSON.
func (s *Service) items(ctx context.Context, id models.PlanID, each func(models.PlanItem)) (digest string, err error) {
	hash := sha256.New()
	lines := json.NewEncoder(hash)
	for after := models.SecretID(0); ; {
		var items []models.PlanItem
		err := s.Store.Read(ctx, func(tx *store.Tx) (err error) {
			items, err = tx.PlanItems(id, store.PlanItemQuery{After: after, Limit: 1000})
			return err
		})
		if err != nil {
			return "", err
		}
		if len(items) == 0 {
			return hex.EncodeToString(hash.Sum(nil)), nil
		}
		for _, item := range items {
			item.PlanID = "" // two plans that would do the same have the same digest
			if err := lines.Encode(item); err != nil {
				return "", err
			}
			each(item)
		}
		after = items[len(items)-1].SecretID
	}
}

// Apply asks for a run that does exactly what the plan says, and refuses where anything has
// moved since. What takes more away than the brake allows, managers alone apply. The digest, where given, is that of the plan that the caller has seen.
func (s *Service) Apply(ctx context.Context, actor models.Actor, id models.PlanID, digest string) (models.SyncRun, error) {
	plan, d, e, err := s.plan(ctx, actor, auth.TriggerSync, id)
	if err != nil {
		return models.SyncRun{}, err
	}
	if d, e, err = s.destination(ctx, actor, Applies(d, plan), d.ID); err != nil {
		return models.SyncRun{}, err
	}
	if d.Paused {
		return models.SyncRun{}, fault.New(fault.Conflict, "The destination %s is paused; nothing was started.", d.Name).WithHint("Resume it first.")
	}
	if digest != "" && digest != plan.Digest {
		return models.SyncRun{}, fault.New(fault.Stale, "That is not the plan that Keeper keeps under this id; nothing was started.").WithHint("Make a new plan.")
	}
	run := asked(actor, d)
	run.Full, run.StartedAt, run.PlanID = true, s.Now(), id
	err = s.Store.Write(ctx, func(tx *store.Tx) error {
		if err := s.enqueue(tx, d.ID); err != nil {
			return err
		}
		if plan, err = tx.LockPlan(id); err != nil {
			return err
		}
		if !plan.Status.Open() {
			return fault.New(fault.Conflict, "The plan is %s already; nothing was started.", plan.Status).WithHint("Make a new plan.")
		}
		now := s.Now()
		plan.Status, plan.DecidedAt, plan.DecidedBy, plan.RunID = models.PlanApplying, &now, actor.Name, run.ID
		if err := tx.UpdatePlan(&plan); err != nil {
			return err
		}
		if err := tx.CreateRun(&run); err != nil {
			return err
		}
		return tx.AppendAudit(onPlan(actor, "sync.apply", e, d, plan))
	})
	if err != nil {
		return models.SyncRun{}, err
	}
	s.Wake()
	return run, nil
}

// Applies is what somebody must be allowed to do who applies the plan of the destination.
func Applies(d models.Destination, plan models.Plan) auth.Action {
	if plan.Status == models.PlanHeld || OverBrake(d, plan) {
		return auth.ManageDestination
	}
	return auth.TriggerSync
}

// OverBrake reports whether the brake would hold a run that did what the plan says: it makes no
// difference to who may let it go that somebody asked for the plan.
func OverBrake(d models.Destination, plan models.Plan) bool {
	most, percent := d.Config.Brake()
	c := plan.Counts
	return keepersync.Brake{Most: most, Percent: percent}.Trips(max(c.Lost, c.Deletes+c.Overwrites+c.Takes), max(c.Values, c.Looked))
}

// approved is what a run that applies a plan may do, if the plan still is what it was.
func (s *Service) approved(ctx context.Context, id models.PlanID) (map[models.SecretID]keepersync.Approval, error) {
	var plan models.Plan
	err := s.Store.Read(ctx, func(tx *store.Tx) (err error) {
		plan, err = tx.Plan(id)
		return err
	})
	if err != nil {
		return nil, err
	}
	approved := map[models.SecretID]keepersync.Approval{}
	digest, err := s.items(ctx, id, func(item models.PlanItem) {
		if item.Problem == "" && item.Action != models.ActionHold && item.Action != models.ActionRefuse {
			approved[item.SecretID] = keepersync.Approval{Action: item.Action, Version: item.Version, RemoteVersion: item.RemoteVersion}
		}
	})
	if err != nil {
		return nil, err
	}
	if digest != plan.Digest {
		return nil, fault.New(fault.Stale, "The plan's rows are not those that it was made with; nothing was done.").WithHint("Make a new plan.")
	}
	return approved, nil
}

// hold saves the plan of a run that the brake stopped. Where the one that is held already
// says the same, it serves.
func (s *Service) hold(ctx context.Context, d models.Destination, e models.Environment, run *models.SyncRun, stopped error) error {
	plan := models.Plan{DestinationID: d.ID, EnvironmentID: e.ID, Full: run.Full, CreatedBy: "system", RunID: run.ID}
	if err := s.preview(ctx, d, e, &plan); err != nil {
		return err
	}
	plan.Status, plan.Reason = models.PlanHeld, fault.Public(stopped).Message
	return s.Store.Write(ctx, func(tx *store.Tx) error {
		held, err := tx.HeldPlan(d.ID)
		if err == nil && held.Digest == plan.Digest {
			run.PlanID = held.ID
			return tx.DeletePlan(plan.ID) // else each pass would leave all its items again
		}
		if err != nil && !fault.Is(err, fault.NotFound) {
			return err
		}
		run.PlanID = plan.ID
		if err := tx.UpdatePlan(&plan); err != nil {
			return err
		}
		if err := tx.DiscardHeldPlans(d.ID, plan.ID); err != nil {
			return err
		}
		return tx.AppendAudit(onPlan(models.System(), "sync.hold", e, d, plan))
	})
}

// closePlan writes how the run that applied a plan ended.
func closePlan(tx *store.Tx, run models.SyncRun, runErr error) error {
	if run.PlanID == "" || run.Status == models.RunHeld {
		return nil
	}
	plan, err := tx.LockPlan(run.PlanID)
	if fault.Is(err, fault.NotFound) {
		return nil
	}
	if err != nil || plan.Status != models.PlanApplying {
		return err
	}
	plan.Status = models.PlanApplied
	if runErr != nil {
		plan.Status, plan.Reason = models.PlanRefused, fault.Public(runErr).Message
	}
	return tx.UpdatePlan(&plan)
}

// Discard ends a plan that nobody wants.
func (s *Service) Discard(ctx context.Context, actor models.Actor, id models.PlanID) (models.Plan, error) {
	plan, d, e, err := s.plan(ctx, actor, auth.TriggerSync, id)
	if err != nil {
		return plan, err
	}
	err = s.Store.Write(ctx, func(tx *store.Tx) error {
		if plan, err = tx.LockPlan(id); err != nil {
			return err
		}
		if !plan.Status.Open() {
			return fault.New(fault.Conflict, "The plan is %s already; nothing was changed.", plan.Status)
		}
		now := s.Now()
		plan.Status, plan.DecidedAt, plan.DecidedBy = models.PlanDiscarded, &now, actor.Name
		if err := tx.UpdatePlan(&plan); err != nil {
			return err
		}
		return tx.AppendAudit(onPlan(actor, "sync.discard", e, d, plan))
	})
	return plan, err
}

// plan loads a plan on whose destination the actor may do the action.
func (s *Service) plan(ctx context.Context, actor models.Actor, action auth.Action, id models.PlanID) (models.Plan, models.Destination, models.Environment, error) {
	var plan models.Plan
	err := s.Store.Read(ctx, func(tx *store.Tx) (err error) {
		plan, err = tx.Plan(id)
		return err
	})
	var d models.Destination
	var e models.Environment
	if err == nil {
		d, e, err = s.destination(ctx, actor, action, plan.DestinationID)
	}
	if fault.Is(err, fault.NotFound) {
		return models.Plan{}, d, e, fault.New(fault.NotFound, "There is no such plan, or it is too long ago.").WithHint("Make a new plan.")
	}
	return plan, d, e, err
}

// PlanQuery chooses plans; its environments are narrowed to those that the actor may see.
type PlanQuery = store.PlanQuery

// Plans lists plans, newest first, and the cursors of the pages around them.
func (s *Service) Plans(ctx context.Context, actor models.Actor, q PlanQuery) (plans []models.Plan, around Around, err error) {
	if q.Environments, err = s.narrow(ctx, actor, auth.ViewDestination, q.Environments); err != nil {
		return nil, around, err
	}
	err = s.Store.Read(ctx, func(tx *store.Tx) error {
		plans, around, err = tx.Plans(q)
		return err
	})
	return plans, around, err
}

// FindPlan finds a plan that the actor may see.
func (s *Service) FindPlan(ctx context.Context, actor models.Actor, id models.PlanID) (models.Plan, error) {
	plan, _, _, err := s.plan(ctx, actor, auth.ViewDestination, id)
	return plan, err
}

// maySeeItems is nil where the actor may see a plan and the names of the secrets in it.
func (s *Service) maySeeItems(ctx context.Context, actor models.Actor, id models.PlanID) error {
	plan, err := s.FindPlan(ctx, actor, id)
	if err == nil {
		_, _, err = s.named(ctx, actor, auth.ViewDestination, plan.DestinationID)
	}
	return err
}

// PlanItemQuery chooses items of a plan.
type PlanItemQuery = store.PlanItemQuery

// PlanItems lists a plan's items by secret.
func (s *Service) PlanItems(ctx context.Context, actor models.Actor, id models.PlanID, q PlanItemQuery) ([]models.PlanItem, error) {
	if err := s.maySeeItems(ctx, actor, id); err != nil {
		return nil, err
	}
	var items []models.PlanItem
	err := s.Store.Read(ctx, func(tx *store.Tx) (err error) {
		items, err = tx.PlanItems(id, q)
		return err
	})
	return items, err
}

// PlanItemPage is a page of a plan's items by secret, with the cursors of those around it.
func (s *Service) PlanItemPage(ctx context.Context, actor models.Actor, id models.PlanID, q PlanItemQuery, cursor string) (items []models.PlanItem, around store.Around, err error) {
	if err := s.maySeeItems(ctx, actor, id); err != nil {
		return nil, around, err
	}
	err = s.Store.Read(ctx, func(tx *store.Tx) error {
		items, around, err = tx.PlanItemPage(id, q, cursor)
		return err
	})
	return items, around, err
}

func onPlan(actor models.Actor, action string, e models.Environment, d models.Destination, plan models.Plan) models.AuditEntry {
	entry := audit.OnDestination(actor, action, e, d)
	entry.Detail = map[string]string{"plan": string(plan.ID), "digest": plan.Digest}
	return entry
}
