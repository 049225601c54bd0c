package web

import (
	"slices"

	"github.com/your-org/keeper/auth"
	"github.com/your-org/keeper/destinations"
	"github.com/your-org/keeper/fault"
	"github.com/your-org/keeper/models"
	"github.com/your-org/keeper/templates"
)

func planURL(id models.PlanID) string { return templates.MustPath("/sync/plans/{plan}", id) }

func (w *Web) listPlans(r *request) error {
	view, err := w.view(r)
	if err != nil {
		return err
	}
	plans, around, err := w.Destinations.Plans(r.Context(), r.actor, destinations.PlanQuery{
		DestinationID: view.Destination.ID, Cursor: r.URL.Query().Get("cursor"), Limit: pageSize,
	})
	if err != nil {
		return err
	}
	page := &templates.PlanListPage{View: view, Plans: plans, Pager: pagerOf(around)}
	return r.show(page, &page.BasePage)
}

func (w *Web) makePlan(r *request) error {
	plan, err := w.Destinations.Plan(r.Context(), r.actor, models.DestinationID(r.param("destination")))
	if err != nil {
		return err
	}
	return r.redirect(planURL(plan.ID))
}

// planHead is what all pages of the plan that the path names show.
func (w *Web) planHead(r *request) (templates.PlanHead, error) {
	plan, err := w.Destinations.FindPlan(r.Context(), r.actor, models.PlanID(r.param("plan")))
	if err != nil {
		return templates.PlanHead{}, err
	}
	d, e, err := w.Destinations.Get(r.Context(), r.actor, plan.DestinationID)
	return templates.PlanHead{
		Plan: plan, Destination: d, Environment: e,
		MayApply: r.may(destinations.Applies(d, plan), e.ID), MayDiscard: r.may(auth.TriggerSync, e.ID),
		Beyond: destinations.OverBrake(d, plan),
	}, err
}

func (w *Web) showPlan(r *request) error {
	head, err := w.planHead(r)
	if err != nil {
		return err
	}
	page := &templates.PlanPage{PlanHead: head}
	if asked := r.URL.Query().Get("action"); slices.Contains(templates.PlanFilters, asked) {
		page.Filter = asked
	}
	query := destinations.PlanItemQuery{Limit: pageSize}
	if page.Filter == templates.PlanProblems {
		query.Problems = true
	} else {
		query.Action = models.SyncAction(page.Filter)
	}
	items, around, err := w.Destinations.PlanItemPage(r.Context(), r.actor, head.Plan.ID, query, r.URL.Query().Get("cursor"))
	if err != nil {
		return err
	}
	page.Items, page.Pager = items, pagerOf(around)
	return r.show(page, &page.BasePage)
}

func (w *Web) askApplyPlan(r *request) error { return w.applyPlanForm(r, nil) }

func (w *Web) applyPlanForm(r *request, err error) error {
	head, headErr := w.planHead(r)
	if headErr == nil {
		headErr = auth.Check(r.actor, destinations.Applies(head.Destination, head.Plan), head.Environment.ID)
	}
	if headErr != nil {
		return headErr
	}
	if !head.Plan.Status.Open() {
		return fault.New(fault.Conflict, "The plan is %s already; nothing was started.", head.Plan.Status).WithHint("Make a new plan.")
	}
	page := &templates.PlanApplyPage{PlanHead: head, Confirmation: templates.Confirmation{Name: head.Destination.Name}}
	if err != nil {
		page.Confirmation.Form.Values = map[string]string{"confirm": r.form().text("confirm")}
		page.Confirmation.Form.Fail(err)
	}
	return r.showRefused(err, page, &page.BasePage)
}

func (w *Web) applyPlan(r *request) error {
	head, err := w.planHead(r)
	if err != nil {
		return err
	}
	f := r.form()
	if head.Away() > 0 {
		if err := confirmed(f, head.Destination.Name); err != nil {
			return err
		}
	}
	run, err := w.Destinations.Apply(r.Context(), r.actor, head.Plan.ID, f.line("digest"))
	if err != nil {
		return err
	}
	return r.done(templates.MustPath("/sync/runs/{run}", run.ID), "The plan is being applied. Where anything has moved since it was made, nothing at all is done.")
}

func (w *Web) discardPlan(r *request) error {
	plan, err := w.Destinations.Discard(r.Context(), r.actor, models.PlanID(r.param("plan")))
	if err != nil {
		return err
	}
	return r.done(planURL(plan.ID), "The plan is discarded.")
}
