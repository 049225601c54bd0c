package web

import (
	"context"
	"slices"
	"strings"
	"time"

	"github.com/your-org/keeper/auth"
	"github.com/your-org/keeper/destinations"
	"github.com/your-org/keeper/fault"
	"github.com/your-org/keeper/models"
	"github.com/your-org/keeper/telemetry"
	"github.com/your-org/keeper/templates"
)

// What the overview shows at most, and how far it looks ahead.
const (
	overviewRows    = 8
	overviewEntries = 10
	overviewDepth   = 200 // entries among which these are found, where runs are told together
	overviewLooks   = 24  // states of destinations whose copies are looked at
	overviewCopies  = 50  // of each of them
	lookAhead       = 14 * 24 * time.Hour
)

func (w *Web) dashboard(r *request) error {
	page := &templates.DashboardPage{}
	views, err := w.destinationViews(r, 0)
	if err != nil {
		return err
	}
	for _, fill := range []func(*request, *templates.DashboardPage, []templates.DestinationView) error{
		w.fillCounts, w.fillTroubles, w.fillDecisions, w.fillDue, w.fillActivity, w.fillSetup, w.fillEncryption, w.fillCharts,
	} {
		if err := fill(r, page, views); err != nil {
			return err
		}
	}
	page.Health = w.healthItems(r, views)
	return r.show(page, &page.BasePage)
}

func (w *Web) fillCounts(r *request, page *templates.DashboardPage, views []templates.DestinationView) error {
	environments, err := r.allEnvironments()
	if err != nil {
		return err
	}
	held, err := w.Secrets.Counts(r.Context(), r.actor)
	if err != nil {
		return err
	}
	counts := templates.DashboardCounts{Environments: len(environments), Destinations: len(views), Copies: total(views)}
	for _, c := range held {
		counts.Secrets += c.Active
	}
	counts.Changed, err = w.Secrets.ChangedSince(r.Context(), r.actor, w.Now().Add(-24*time.Hour))
	if err != nil {
		return err
	}
	writable, err := r.inEnvironments(auth.WriteSecret)
	page.Counts, page.Grid, page.MayCreate = counts, groups(environments, views), len(writable) > 0
	return err
}

// fillTroubles finds what a person should look at, the worst first, by cause.
func (w *Web) fillTroubles(r *request, page *templates.DashboardPage, views []templates.DestinationView) error {
	page.Outages = templates.Outages(views)
	looks := 0
	for _, state := range templates.States {
		if !state.Bad() {
			continue
		}
		for _, v := range views {
			n := v.Counts[state]
			page.TroubleTotal += n
			if n == 0 || len(page.Troubles) >= overviewRows || looks >= overviewLooks {
				continue
			}
			looks++
			found, err := w.troubles(r, v, state, n)
			if err != nil {
				return err
			}
			for _, t := range found {
				if !templates.Explain(page.Outages, t) && len(page.Troubles) < overviewRows {
					page.Troubles = append(page.Troubles, t)
				}
			}
		}
	}
	return nil
}

// troubles are the causes for which n copies stand in a state at a destination.
func (w *Web) troubles(r *request, v templates.DestinationView, state templates.State, n int) ([]templates.Trouble, error) {
	query := destinations.StateQuery{StateFilter: statesIn(state), DestinationID: v.Destination.ID, Limit: overviewCopies}
	states, _, err := w.Destinations.States(r.Context(), r.actor, query)
	rows := make([]templates.StateRow, len(states))
	for i, s := range states {
		rows[i] = templates.StateRow{SecretID: s.SecretID, SecretName: s.SecretName, DestinationState: templates.DestinationState{Destination: v.Destination, Sync: s.SyncState}}
	}
	return templates.Troubles(v, state, n, rows), err
}

// fillDecisions finds what waits for a person's decision: held plans and differences.
func (w *Web) fillDecisions(r *request, page *templates.DashboardPage, views []templates.DestinationView) error {
	plans, _, err := w.Destinations.Plans(r.Context(), r.actor, destinations.PlanQuery{Status: models.PlanHeld, Limit: overviewRows})
	if err != nil {
		return err
	}
	for _, v := range views {
		if v.Held > 0 {
			page.Undecided = append(page.Undecided, v)
		}
		for _, plan := range plans {
			if plan.DestinationID == v.Destination.ID {
				page.Braked = append(page.Braked, templates.PlanHead{Plan: plan, Destination: v.Destination, Environment: v.Environment})
			}
		}
	}
	return nil
}

// fillDue finds values that should be changed soon, the most urgent first.
func (w *Web) fillDue(r *request, page *templates.DashboardPage, _ []templates.DestinationView) error {
	environments, err := r.allEnvironments()
	if err != nil {
		return err
	}
	now := w.Now()
	due, err := w.Secrets.Due(r.Context(), r.actor, now.Add(lookAhead), 200)
	if err != nil {
		return err
	}
	for _, s := range due {
		one := templates.DueSecret{Secret: s, Environment: environmentIn(environments, s.EnvironmentID)}
		if at := s.RotationDueAt(); at != nil {
			one.At, one.Why = *at, "rotation due"
		}
		if at := s.ExpiresAt; at != nil && (one.Why == "" || at.Before(one.At)) {
			one.At, one.Why = *at, "expires"
			if !at.After(now) {
				one.Why = "expired"
			}
		}
		page.Due = append(page.Due, one)
	}
	slices.SortFunc(page.Due, func(a, b templates.DueSecret) int { return a.At.Compare(b.At) })
	page.Due = page.Due[:min(len(page.Due), overviewRows)]
	return nil
}

func (w *Web) fillActivity(r *request, page *templates.DashboardPage, _ []templates.DestinationView) error {
	mayRead, err := w.mayReadAudit(r)
	if err != nil || !mayRead {
		return err
	}
	for _, limit := range []int{overviewEntries, overviewDepth} {
		entries, err := w.Audit.Recent(r.Context(), r.actor, limit)
		if err != nil {
			return err
		}
		whole := len(entries) < limit
		if page.Activity = templates.Activity(entries, overviewEntries, whole); whole || len(page.Activity) == overviewEntries {
			break
		}
	}
	return nil
}

// fillEncryption tells how the keys stand. Where they cannot be looked at now, the rest of
// the overview stands all the same.
func (w *Web) fillEncryption(r *request, page *templates.DashboardPage, _ []templates.DestinationView) error {
	if !r.may(auth.ViewKeys, auth.Global) {
		return nil
	}
	environments, err := r.allEnvironments()
	if err != nil {
		return err
	}
	e := &templates.Encryption{}
	page.Encryption = e
	if e.Scrub, err = w.lastScrub(r); err != nil {
		return err
	}
	runs, err := w.keyRuns(r, 0, recentKeyRuns)
	if err != nil {
		return err
	}
	for _, run := range runs {
		if !run.Run.Status.Ended() {
			e.Running = append(e.Running, run)
		}
	}
	backend := w.keyHealth(r)
	views, err := w.overviewReport(r, runs)
	if err != nil {
		w.logFailure(r.Request, err)
		e.Problem = fault.Public(err).Error()
	}
	e.Needs = templates.KeyNeeds(w.Now(), backend, views, e.Scrub, runs)
	if e.More = len(e.Needs) - overviewRows; e.More > 0 {
		e.Needs = e.Needs[:overviewRows]
	}
	e.More = max(e.More, 0)
	if err != nil {
		return nil // how environments stand is not known either
	}
	for _, one := range environments {
		e.Recoveries = append(e.Recoveries, templates.RecoveryOf(one, views))
	}
	return nil
}

// overviewReport is the report on all keys, if it comes in time. What takes longer is a key
// backend: the database answers at once, or nothing of the overview stands.
func (w *Web) overviewReport(r *request, runs []templates.KeyRunView) ([]templates.KeyView, error) {
	ctx, cancel := context.WithTimeout(r.Context(), overviewReportTime)
	defer cancel()
	views, err := w.keyReport(ctx, r, auth.Global, runs, overviewReportAge)
	if err != nil && ctx.Err() != nil && r.Context().Err() == nil {
		err = fault.Wrap(err, fault.Unavailable, "The key backend did not answer within %d seconds, so the state of its keys is not known.", overviewReportTime/time.Second).
			WithHint("It is asked again by itself.")
	}
	return views, err
}

// healthItems is the health of what all share, and of the destinations that the actor may see.
// Keys, recipients and identity providers carry names that only those see who look after them.
func (w *Web) healthItems(r *request, views []templates.DestinationView) []templates.HealthItem {
	now := w.Now()
	var items []templates.HealthItem
	for _, c := range w.Health(r.Context()).Components {
		if strings.HasPrefix(c.Name, "destination") {
			continue // they are told below to those who may see them
		}
		item := healthItem(c, now)
		if !r.may(auth.ViewKeys, auth.Global) {
			if !slices.Contains(foundations, c.Name) {
				continue
			}
			item.Detail = plainly(item.Health)
		}
		items = append(items, item)
	}
	for _, v := range views {
		items = append(items, destinationHealth(v))
	}
	return items
}

// plainly says how something is without naming any key or place.
func plainly(h templates.Health) string {
	if h == templates.HealthOK {
		return "answers"
	}
	return "An administrator is told why."
}

// foundations are what does not answer where it is not well; the rest is worth a look.
var foundations = []string{"database", "encryption"}

func healthItem(c telemetry.Component, now time.Time) templates.HealthItem {
	item := templates.HealthItem{Name: strings.ToUpper(c.Name[:1]) + c.Name[1:], Health: templates.HealthOK, Detail: c.Detail, CheckedAt: now}
	switch {
	case c.OK:
	case slices.Contains(foundations, c.Name):
		item.Health = templates.HealthDown
	default:
		item.Health = templates.HealthDegraded
	}
	return item
}

func destinationHealth(v templates.DestinationView) templates.HealthItem {
	d := v.Destination
	item := templates.HealthItem{Name: v.Environment.DisplayName + ": " + d.Name, Health: v.Reach()}
	if d.LastRunAt != nil {
		item.CheckedAt, item.Detail = *d.LastRunAt, "The last run "+string(d.LastRunStatus)+"."
	}
	switch {
	case d.LastRunStatus == models.RunPartial:
		item.Detail = "The last run could not do all of its work."
	case d.Paused:
		item.Detail = "It is paused."
	}
	if d.LastError != "" {
		item.Detail = d.LastError
	}
	return item
}
