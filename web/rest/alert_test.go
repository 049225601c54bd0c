package rest

import (
	"context"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/your-org/keeper/alerts"
	"github.com/your-org/keeper/api"
	"github.com/your-org/keeper/client"
	"github.com/your-org/keeper/models"
	"github.com/your-org/keeper/store"
)

// receiver takes webhooks, or answers with a status.
func receiver(t *testing.T, status *int, bodies *[]string) string {
	t.Helper()
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		*bodies = append(*bodies, string(body))
		w.WriteHeader(*status)
	}))
	t.Cleanup(server.Close)
	return server.URL
}

func alertOperations(t *testing.T, h *house) {
	ctx, c := t.Context(), h.admin
	status, bodies := http.StatusOK, []string{}
	created, err := c.CreateAlertChannel(ctx, api.NewAlertChannel{
		EnvironmentID: api.EnvironmentNamed("production"), Name: "ops", Kind: api.ChannelWebhook, Address: receiver(t, &status, &bodies),
		Kinds: []api.AlertKind{api.AlertDrift},
	})
	must(t, err)
	if !strings.HasPrefix(created.SigningKey.Reveal(), "whsec_") || created.Revision != 1 || !created.Enabled || !cmp.Equal(created.Kinds, []api.AlertKind{api.AlertDrift}) {
		t.Errorf("created: got %+v", created)
	}
	if got, err := c.GetAlertChannel(ctx, created.ID); err != nil || !cmp.Equal(got, created.AlertChannel) {
		t.Errorf("read: got %+v, %v; want %+v", got, err, created.AlertChannel)
	}
	if _, _, text := h.raw(h.token("reads-channels", models.RoleAdmin, nil), "GET", "/api/alert-channels/"+created.ID, ""); strings.Contains(text, "whsec_") || strings.Contains(text, "secret") {
		t.Errorf("the secret is told again: %s", text)
	}
	name, everything := "operations", []api.AlertKind{}
	changed, err := c.UpdateAlertChannel(ctx, created.ID, api.AlertChannelChange{Name: &name, Kinds: &everything}, created.Revision)
	must(t, err)
	if changed.Name != name || len(changed.Kinds) != 0 || changed.Revision != 2 || !changed.SigningKey.IsZero() {
		t.Errorf("changed: got %+v", changed)
	}
	replaced, err := c.UpdateAlertChannel(ctx, created.ID, api.AlertChannelChange{Secret: api.NewValue("")}, 0)
	must(t, err)
	if replaced.SigningKey.IsZero() || replaced.SigningKey.Reveal() == created.SigningKey.Reveal() {
		t.Error("no new key was made")
	}
	if tested, err := c.TestAlertChannel(ctx, created.ID); err != nil || !tested.OK || len(bodies) != 1 {
		t.Errorf("test: got %+v, %v, and %d notices arrived", tested, err, len(bodies))
	}
	toldOperations(t, h, created.ID)

	status = http.StatusTeapot
	if tested, err := c.TestAlertChannel(ctx, created.ID); err != nil || tested.OK || !strings.Contains(tested.Detail, "418") {
		t.Errorf("failed test: got %+v, %v", tested, err)
	}
	if list, err := c.ListAlertChannels(ctx, api.ListAlertChannelsParams{EnvironmentID: "staging"}); err != nil || len(list.Items) != 0 {
		t.Errorf("channels of staging: got %+v, %v", list, err)
	}
	if list, err := c.ListAlertChannels(ctx, api.ListAlertChannelsParams{}); err != nil || len(list.Items) != 1 || list.Items[0].LastError == "" {
		t.Errorf("channels: got %+v, %v", list, err)
	}
	isKind(t, c.DeleteAlertChannel(ctx, created.ID, created.Revision), "stale", "")
	must(t, c.DeleteAlertChannel(ctx, created.ID, replaced.Revision))
	_, err = c.GetAlertChannel(ctx, created.ID)
	isKind(t, err, "not_found", "")
}

// signal says how drift at two destinations stands in production.
func (h *house) signal(holds bool, subjects ...string) {
	h.t.Helper()
	var signals []models.Signal
	for _, subject := range subjects {
		signals = append(signals, models.Signal{
			EnvironmentID: models.EnvironmentID(h.production.ID), Kind: models.AlertDrift, Subject: subject, SubjectName: "copy", Holds: holds,
			Summary: "Drifted.", Secrets: []string{"a"}, Total: 12,
		})
	}
	must(h.t, h.store.Write(context.Background(), func(tx *store.Tx) error { return h.told.Signal(tx, signals...) }))
}

func toldOperations(t *testing.T, h *house, channel string) {
	ctx, c := t.Context(), h.admin
	h.signal(true, "dst_one", "dst_two")
	h.signal(false, "dst_one")
	limit := 1
	all, err := client.Collect(c.Alerts(ctx, api.ListAlertsParams{Kind: api.AlertDrift, EnvironmentID: "production", Limit: &limit}))
	must(t, err)
	open, err := c.ListAlerts(ctx, api.ListAlertsParams{Open: true, Kind: api.AlertDrift})
	must(t, err)
	over, err := c.ListAlerts(ctx, api.ListAlertsParams{Subject: "dst_one"})
	must(t, err)
	if len(open.Items) != 1 || len(over.Items) != 1 || len(all) < 2 {
		t.Fatalf("got %d open, %d of dst_one, %d in all", len(open.Items), len(over.Items), len(all))
	}
	one, ended := open.Items[0], over.Items[0]
	if one.Subject != "dst_two" || one.SecretsTotal != 12 || !cmp.Equal(one.Secrets, []string{"a"}) || !one.ResolvedAt.IsZero() || ended.ResolvedAt.IsZero() {
		t.Errorf("got %+v and %+v", one, ended)
	}
	if got, err := c.GetAlert(ctx, one.ID); err != nil || !cmp.Equal(got, one) {
		t.Errorf("read: got %+v, %v; want %+v", got, err, one)
	}
	_, err = h.told.Work(ctx, models.Job{Kind: alerts.JobKind, Key: channel})
	must(t, err)
	notices, err := c.ListNotices(ctx, ended.ID)
	must(t, err)
	var occasions []string
	for _, n := range notices.Items {
		if n.ChannelID != channel || n.Status != "delivered" || n.Attempts != 1 || n.DeliveredAt.IsZero() || !n.NextTryAt.IsZero() {
			t.Errorf("notice: got %+v", n)
		}
		occasions = append(occasions, n.Occasion)
	}
	if diff := cmp.Diff([]string{"opened", "recovered"}, occasions); diff != "" {
		t.Errorf("occasions: -want +got\n%s", diff)
	}
	if other, err := c.ListAlerts(ctx, api.ListAlertsParams{EnvironmentID: "staging"}); err != nil || len(other.Items) != 0 {
		t.Errorf("alerts of staging: got %+v, %v", other, err)
	}
}

// TestAlertRefusals sends what must be refused, and asks as those who may not.
func TestAlertRefusals(t *testing.T) {
	h := newHouse(t)
	ctx := t.Context()
	draft := api.NewAlertChannel{
		EnvironmentID: api.EnvironmentNamed("production"), Name: "ops", Kind: api.ChannelWebhook, Address: "https://ops.example.com/keeper",
	}
	channel, err := h.admin.CreateAlertChannel(ctx, draft)
	must(t, err)
	h.signal(true, "dst_one")
	list, err := h.admin.ListAlerts(ctx, api.ListAlertsParams{})
	must(t, err)
	alert := list.Items[0].ID
	t.Run("Viewer", func(t *testing.T) {
		viewer := h.as("vera", models.RoleViewer)
		if seen, err := viewer.ListAlerts(ctx, api.ListAlertsParams{}); err != nil || len(seen.Items) != 1 {
			t.Errorf("got %+v, %v; want the alert", seen, err)
		}
		_, err := viewer.CreateAlertChannel(ctx, draft)
		isKind(t, err, "forbidden", "")
		_, err = viewer.GetAlertChannel(ctx, channel.ID)
		isKind(t, err, "forbidden", "")
		_, err = viewer.TestAlertChannel(ctx, channel.ID)
		isKind(t, err, "forbidden", "")
		_, err = viewer.ListNotices(ctx, alert)
		isKind(t, err, "forbidden", "")
		isKind(t, viewer.DeleteAlertChannel(ctx, channel.ID, 0), "forbidden", "")
		if seen, err := viewer.ListAlertChannels(ctx, api.ListAlertChannelsParams{}); err != nil || len(seen.Items) != 0 {
			t.Errorf("got %+v, %v; want no channel", seen, err)
		}
	})
	t.Run("Stranger", func(t *testing.T) {
		stranger := h.client(h.token("stranger", models.RoleUser, map[int64]models.EnvironmentRole{h.staging.ID: models.RoleManager}))
		for name, err := range map[string]error{
			"alert":   second(stranger.GetAlert(ctx, alert)),
			"notices": second(stranger.ListNotices(ctx, alert)),
			"channel": second(stranger.GetAlertChannel(ctx, channel.ID)),
			"change":  second(stranger.UpdateAlertChannel(ctx, channel.ID, api.AlertChannelChange{}, 0)),
			"stale":   second(stranger.UpdateAlertChannel(ctx, channel.ID, api.AlertChannelChange{}, 77)),
			"test":    second(stranger.TestAlertChannel(ctx, channel.ID)),
			"create":  second(stranger.CreateAlertChannel(ctx, draft)),
			"delete":  stranger.DeleteAlertChannel(ctx, channel.ID, 0),
		} {
			t.Run(name, func(t *testing.T) { isKind(t, err, "not_found", "") })
		}
		if seen, err := stranger.ListAlerts(ctx, api.ListAlertsParams{}); err != nil || len(seen.Items) != 0 {
			t.Errorf("got %+v, %v; want no alert", seen, err)
		}
	})
	t.Run("Everywhere", func(t *testing.T) {
		everywhere := draft
		everywhere.Everywhere, everywhere.Name = true, "all"
		_, err := h.as("max", models.RoleManager).CreateAlertChannel(ctx, everywhere)
		isKind(t, err, "forbidden", "")
	})
	token := h.token("root", models.RoleAdmin, nil)
	for name, bad := range map[string]struct{ method, path, body, kind, field string }{
		"Kind":         {"GET", "/api/alerts?kind=x", "", "invalid", "kind"},
		"Open":         {"GET", "/api/alerts?open=perhaps", "", "invalid", "open"},
		"Cursor":       {"GET", "/api/alerts?cursor=x", "", "invalid", "cursor"},
		"Limit":        {"GET", "/api/alerts?limit=0", "", "invalid", "limit"},
		"Environment":  {"GET", "/api/alerts?environment_id=moon", "", "not_found", ""},
		"UnknownAlert": {"GET", "/api/alerts/alt_x", "", "not_found", ""},
		"ChannelKind":  {"POST", "/api/alert-channels", `{"environment_id":1,"name":"x","kind":"pigeon","address":"y"}`, "invalid", "kind"},
		"NoTLS":        {"POST", "/api/alert-channels", `{"environment_id":1,"name":"x","kind":"webhook","address":"http://ops.example.com"}`, "invalid", "address"},
		"BadSecret":    {"POST", "/api/alert-channels", `{"environment_id":1,"name":"x","kind":"webhook","address":"https://a.example.com","secret":"` + canary + `"}`, "invalid", "secret"},
		"SlackURL":     {"POST", "/api/alert-channels", `{"environment_id":1,"name":"x","kind":"slack","secret":"ftp://` + canary + `"}`, "invalid", "secret"},
		"NumberSecret": {"PATCH", "/api/alert-channels/" + channel.ID, `{"secret":5150}`, "invalid", "secret"},
		"WhatKinds":    {"PATCH", "/api/alert-channels/" + channel.ID, `{"kinds":["weather"]}`, "invalid", "kinds"},
		"OtherKind":    {"PATCH", "/api/alert-channels/" + channel.ID, `{"kind":"email"}`, "invalid", "kind"},
		"NameTaken":    {"POST", "/api/alert-channels", `{"environment_id":1,"name":"ops","kind":"webhook","address":"https://a.example.com"}`, "conflict", ""},
	} {
		t.Run(name, func(t *testing.T) {
			_, problem, body := h.raw(token, bad.method, bad.path, bad.body)
			if problem.Kind() != bad.kind || bad.field != "" && (len(problem.Errors) == 0 || problem.Errors[0].Field != bad.field) {
				t.Errorf("got %s", body)
			}
			if strings.Contains(body, "5150") {
				t.Errorf("the problem quotes the body: %s", body)
			}
		})
	}
}
