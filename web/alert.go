package web

import (
	"github.com/your-org/keeper/alerts"
	"github.com/your-org/keeper/auth"
	"github.com/your-org/keeper/fault"
	"github.com/your-org/keeper/models"
	"github.com/your-org/keeper/templates"
)

func (w *Web) listAlerts(r *request) error {
	environments, err := r.allEnvironments()
	if err != nil {
		return err
	}
	managed, err := r.inEnvironments(auth.ManageAlerts)
	if err != nil {
		return err
	}
	page := &templates.AlertListPage{Filter: templates.ParseAlertFilter(r.URL.Query()), MayManage: len(managed) > 0}
	query := alerts.Query{Kind: page.Filter.Kind, Open: !page.Filter.All, Cursor: r.URL.Query().Get("cursor"), Limit: pageSize}
	if name := page.Filter.Environment; name != "" {
		e, err := w.Secrets.FindEnvironment(r.Context(), r.actor, name)
		if err != nil {
			return err
		}
		query.Environments = []models.EnvironmentID{e.ID}
	}
	found, around, err := w.Alerts.Alerts(r.Context(), r.actor, query)
	if err != nil {
		return err
	}
	page.Pager = pagerOf(around)
	for _, a := range found {
		page.Alerts = append(page.Alerts, alertView(a, environments))
	}
	return r.show(page, &page.BasePage)
}

func alertView(a models.Alert, environments []models.Environment) templates.AlertView {
	view := templates.AlertView{Alert: a}
	for i := range environments {
		if environments[i].ID == a.EnvironmentID {
			view.Environment = &environments[i]
		}
	}
	return view
}

// showAlert shows an alert, and what was told of it to those who manage its channels.
func (w *Web) showAlert(r *request) error {
	environments, err := r.allEnvironments()
	if err != nil {
		return err
	}
	found, err := w.Alerts.Alert(r.Context(), r.actor, models.AlertID(r.param("alert")))
	if err != nil {
		return err
	}
	page := &templates.AlertPage{AlertView: alertView(found, environments), Told: r.may(auth.ManageAlerts, found.EnvironmentID)}
	if !page.Told {
		return r.show(page, &page.BasePage)
	}
	notices, err := w.Alerts.Notices(r.Context(), r.actor, found.ID)
	if err != nil {
		return err
	}
	channels, err := w.Alerts.Channels(r.Context(), r.actor, 0)
	if err != nil {
		return err
	}
	for _, n := range notices {
		view := templates.NoticeView{Notice: n}
		for _, c := range channels {
			if c.ID == n.ChannelID {
				view.Channel = c.Name
			}
		}
		page.Notices = append(page.Notices, view)
	}
	return r.show(page, &page.BasePage)
}

func (w *Web) listChannels(r *request) error { return w.channelsPage(r, nil) }

func (w *Web) channelsPage(r *request, test *templates.ConnectionTest) error {
	environments, err := r.inEnvironments(auth.ManageAlerts)
	if err != nil {
		return err
	}
	channels, err := w.Alerts.Channels(r.Context(), r.actor, 0)
	if err != nil {
		return err
	}
	page := &templates.ChannelListPage{Test: test, MayManage: len(environments) > 0}
	for _, c := range channels {
		page.Channels = append(page.Channels, templates.ChannelView{Channel: c, Environment: environmentIn(environments, c.EnvironmentID)})
	}
	return r.show(page, &page.BasePage)
}

// testChannel sends a test notice and tells how it went. That it does not arrive is the
// answer, and no failure of the page.
func (w *Web) testChannel(r *request) error {
	c, err := w.channel(r)
	if err != nil {
		return err
	}
	start := w.Now()
	failure := w.Alerts.TestChannel(r.Context(), r.actor, c.ID)
	if fault.Is(failure, fault.Internal) {
		return failure
	}
	test := &templates.ConnectionTest{OK: failure == nil, Message: "The test of " + c.Name + " arrived.", Took: w.Now().Sub(start), At: start}
	if failure != nil {
		public := fault.Public(failure)
		test.Message, test.Hint = "The test of "+c.Name+" did not arrive. "+public.Message, public.Hint
	}
	return w.channelsPage(r, test)
}
