package web

import (
	"github.com/your-org/keeper/auth"
	"github.com/your-org/keeper/destinations"
	"github.com/your-org/keeper/fault"
	"github.com/your-org/keeper/models"
	"github.com/your-org/keeper/templates"
)

// destination is the one that the path names.
func (w *Web) destination(r *request) (models.Destination, models.Environment, error) {
	return w.Destinations.Get(r.Context(), r.actor, models.DestinationID(r.param("destination")))
}

// destinationFor is destination for who may do an action with it.
func (w *Web) destinationFor(r *request, action auth.Action) (models.Destination, models.Environment, error) {
	d, e, err := w.destination(r)
	if err == nil {
		err = auth.Check(r.actor, action, e.ID)
	}
	return d, e, err
}

func destinationURL(id models.DestinationID) string {
	return templates.MustPath("/destinations/{destination}", id)
}

func (w *Web) listDestinations(r *request) error {
	e, err := w.environment(r)
	if err != nil {
		return err
	}
	page := &templates.DestinationListPage{
		Environment: e, MayManage: r.may(auth.ManageDestination, e.ID), MayKeys: r.mayKeys(e.ID), MayMembers: r.may(auth.ViewMembers, e.ID),
	}
	if page.Destinations, err = w.destinationViews(r, e.ID); err != nil {
		return err
	}
	return r.show(page, &page.BasePage)
}

// view is what is known of the destination that the path names.
func (w *Web) view(r *request) (templates.DestinationView, error) {
	d, e, err := w.destination(r)
	if err != nil {
		return templates.DestinationView{}, err
	}
	views, err := w.destinationViews(r, e.ID)
	for _, v := range views {
		if v.Destination.ID == d.ID {
			return v, err
		}
	}
	return templates.DestinationView{Destination: d, Environment: e}, err
}

func (w *Web) showDestination(r *request) error { return w.destinationPage(r, nil) }

func (w *Web) destinationPage(r *request, test *templates.ConnectionTest) error {
	view, err := w.view(r)
	if err != nil {
		return err
	}
	page := &templates.DestinationPage{View: view, Filter: templates.ParseStateFilter(r.URL.Query()), Test: test}
	query := destinations.StateQuery{
		DestinationID: view.Destination.ID, Search: page.Filter.Query, Cursor: r.URL.Query().Get("cursor"), Limit: pageSize,
	}
	if page.Filter.State != "" {
		query.StateFilter = statesIn(templates.State(page.Filter.State))
	}
	states, around, err := w.Destinations.States(r.Context(), r.actor, query)
	if err != nil {
		return err
	}
	page.Pager = pagerOf(around)
	there := make([]templates.DestinationState, len(states))
	for i, s := range states {
		there[i] = templates.DestinationState{Destination: view.Destination, Sync: s.SyncState, Deleted: s.Deleted, MayRelease: view.MayManage && templates.Releasable(view.Destination, s.SyncState)}
	}
	if err := w.withHolds(r, there); err != nil {
		return err
	}
	for i, s := range states {
		page.Rows = append(page.Rows, templates.StateRow{SecretID: s.SecretID, SecretName: s.SecretName, DestinationState: there[i]})
	}
	return r.show(page, &page.BasePage)
}

// testDestination tries the connection and tells what it found on the destination's page.
func (w *Web) testDestination(r *request) error {
	d, _, err := w.destinationFor(r, auth.ManageDestination)
	if err != nil {
		return err
	}
	start := w.Now()
	tried, result := w.Destinations.TestEach(r.Context(), r.actor, d.ID)
	test := connectionTest(tried)
	test.Took, test.At = w.Now().Sub(start), start
	if result != nil {
		w.logFailure(r.Request, result)
		public := fault.Public(result)
		test.OK, test.Message, test.Hint = false, public.Message, public.Hint
	}
	return w.destinationPage(r, test)
}

// connectionTest tells what the trying of permissions found.
func connectionTest(tried []destinations.Tried) *templates.ConnectionTest {
	test := &templates.ConnectionTest{OK: true}
	missing, optional := 0, 0
	for _, t := range tried {
		p := templates.Permission{Name: t.Permission, OK: t.OK, Optional: t.Optional}
		if t.Err != nil {
			public := fault.Public(t.Err)
			p.Detail, p.Hint = public.Message, public.Hint
		}
		switch {
		case !p.OK && p.Optional:
			optional++
		case !p.OK:
			missing++
		}
		test.Tried = append(test.Tried, p)
	}
	switch {
	case missing > 0:
		test.OK, test.Message, test.Hint = false, "The connection does not do all that syncing needs.", "Grant what is not allowed below, then test again."
	case optional > 0:
		test.Message = "The connection works; something optional is not allowed."
	default:
		test.Message = "The connection works: everything that syncing needs is allowed."
	}
	return test
}

func (w *Web) pauseDestination(r *request) error {
	return w.setPaused(r, true, "The destination is paused: nothing is written there until it is resumed.")
}

func (w *Web) resumeDestination(r *request) error {
	return w.setPaused(r, false, "The destination is resumed. What waited is written within seconds.")
}

func (w *Web) setPaused(r *request, paused bool, message string) error {
	id := models.DestinationID(r.param("destination"))
	if _, err := w.Destinations.Update(r.Context(), r.actor, id, destinations.Change{Paused: &paused}, 0); err != nil {
		return err
	}
	return r.done(destinationURL(id), message)
}

func (w *Web) askDeleteDestination(r *request) error { return w.deleteDestinationForm(r, nil) }

func (w *Web) deleteDestinationForm(r *request, err error) error {
	if _, _, err := w.destinationFor(r, auth.ManageDestination); err != nil {
		return err
	}
	view, viewErr := w.view(r)
	if viewErr != nil {
		return viewErr
	}
	page := &templates.DestinationDeletePage{
		Environment: view.Environment, Destination: view.Destination, Copies: view.Counts.Total(),
		Confirmation: templates.Confirmation{Name: view.Destination.Name},
	}
	if err != nil {
		page.Confirmation.Form = r.refill(err, 0, "confirm")
	}
	return r.showRefused(err, page, &page.BasePage)
}

func (w *Web) deleteDestination(r *request) error {
	d, e, err := w.destination(r)
	if err != nil {
		return err
	}
	if err := confirmed(r.form(), d.Name); err != nil {
		return err
	}
	if err := w.Destinations.Delete(r.Context(), r.actor, d.ID); err != nil {
		return err
	}
	return r.done(templates.MustPath("/environments/{environment}/destinations", e.Name), "The destination is removed. The copies there stay as they are.")
}
