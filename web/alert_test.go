package web_test

import (
	"context"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/your-org/keeper/models"
)

// receiver takes notices until it is closed for them, and counts those that it took.
type receiver struct {
	url    string
	closed atomic.Bool
	taken  atomic.Int64
}

func newReceiver(t *testing.T) *receiver {
	t.Helper()
	r := &receiver{}
	server := httptest.NewServer(http.HandlerFunc(func(out http.ResponseWriter, in *http.Request) {
		if r.closed.Load() || in.Header.Get("webhook-signature") == "" && !strings.HasPrefix(in.URL.Path, "/services/") {
			out.WriteHeader(http.StatusServiceUnavailable)
			return
		}
		r.taken.Add(1)
	}))
	t.Cleanup(server.Close)
	r.url = server.URL
	return r
}

func TestChannels(t *testing.T) {
	h := newHouse(t)
	e := h.environment("production")
	h.staff(e)
	h.user("ada", models.RoleAdmin, nil)
	there := newReceiver(t)
	const list = "/alerts/channels"
	manager, editor := h.as(string(models.RoleManager)), h.as(string(models.RoleEditor))

	manager.get(list).want(http.StatusOK, ".empty", "No channel yet")
	manager.get(list+"/new").want(http.StatusOK, ".choices", "Webhook")
	form := manager.get(list + "/new?kind=webhook").form(list)
	if _, has := form.values["everywhere"]; has || manager.get(list+"/new?kind=webhook").has("#f-everywhere") {
		t.Error("a manager of one environment is offered to hear of all")
	}
	form.set("name", "On Call").set("address", there.url).submit().want(http.StatusBadRequest, "#f-name-error", "lower-case")
	form.set("name", "oncall").set("secret", canary).submit().want(http.StatusBadRequest, ".summary", "").form(list)
	form.set("secret", "").values.Add("kinds", string(models.AlertHeld))
	made := form.submit().want(http.StatusOK, "pre", "whsec_")
	if made.header.Get("Cache-Control") != "no-store" {
		t.Error("the page with the key may be kept")
	}
	key := made.text("pre")
	form.submit().want(http.StatusConflict, ".summary", "already has a channel named oncall")

	p := manager.get(list).want(http.StatusOK, "#channels tbody", "Waits for a decision")
	if strings.Contains(p.body, key) {
		t.Error("the key is shown again")
	}
	all, err := h.alerts.Channels(context.Background(), models.System(), e.ID)
	must(t, err)
	at := list + "/" + string(all[0].ID)
	t.Run("Test", func(t *testing.T) {
		manager.get(list).form(at+"/test").submit().want(http.StatusOK, ".flash-done", "The test of oncall arrived")
		there.closed.Store(true)
		manager.get(list).form(at+"/test").submit().want(http.StatusOK, ".flash-failed", "did not arrive")
		there.closed.Store(false)
		if there.taken.Load() != 1 {
			t.Errorf("%d notices arrived, want 1", there.taken.Load())
		}
	})
	t.Run("Change", func(t *testing.T) {
		edit := manager.get(at + "/edit").form(at + "/edit")
		if edit.value("address") != there.url || edit.value("secret") != "" || edit.value("enabled") != "true" {
			t.Errorf("the form says %v", edit.values)
		}
		edit.values.Del("kinds")
		edit.values.Del("enabled")
		edit.submit().want(http.StatusOK, ".flash-done", "is changed")
		manager.get(list).want(http.StatusOK, "#channels tbody", "off")
		edit.submit().want(http.StatusConflict, ".summary", "Somebody else changed it")
		edit = manager.get(at+"/edit").form(at+"/edit").set("enabled", "true").set("new_key", "true")
		edit.set("secret", canary).submit().want(http.StatusBadRequest, ".summary", "goes with no key of your own")
		if anew := edit.set("secret", "").submit().want(http.StatusOK, "pre", "whsec_").text("pre"); anew == key {
			t.Error("the new key is the old one")
		}
		if c, err := h.alerts.Channel(context.Background(), models.System(), all[0].ID); err != nil || !c.Enabled || len(c.Kinds) != 0 || c.Everywhere {
			t.Errorf("got %+v, %v", c, err)
		}
	})
	t.Run("Slack", func(t *testing.T) {
		hook := there.url + "/services/" + canary
		form := h.as("ada").get(list+"/new?kind=slack").form(list).set("name", "team")
		form.set("secret", "").submit().want(http.StatusBadRequest, "#f-secret-error", "URL of Slack")
		form.set("secret", hook).set("everywhere", "true").submit().want(http.StatusOK, ".flash-done", "is made")
		p := h.as("ada").get(list).want(http.StatusOK, "#channels tbody", "in all environments")
		p.want(http.StatusOK, "#channels tbody", there.url)
	})
	t.Run("Mail", func(t *testing.T) {
		manager.get(list+"/new?kind=email").form(list).set("name", "mail").set("address", "ops@example.com").submit().want(http.StatusBadRequest, ".summary", "no mail server")
	})
	t.Run("Editor", func(t *testing.T) {
		p := editor.get("/alerts").want(http.StatusOK, "h1", "Alerts")
		if p.has("a[href='/alerts/channels']") {
			t.Error("an editor is led to the channels")
		}
		editor.get(list+"/new?kind=webhook").want(http.StatusForbidden, "", "")
		for _, act := range []string{"/edit", "/test", "/delete"} {
			editor.post(at+act, url.Values{"csrf_token": {tokenOf(p)}}).want(http.StatusForbidden, "", "")
		}
		h.user("eve", models.RoleUser, nil)
		h.as("eve").get(at+"/edit").want(http.StatusNotFound, "", "")
	})
	t.Run("Delete", func(t *testing.T) {
		ask := manager.get(at + "/delete").form(at + "/delete")
		ask.set("confirm", "x").submit().want(http.StatusBadRequest, "#f-confirm-error", "oncall")
		ask.set("confirm", "oncall").submit().want(http.StatusOK, ".flash-done", "is removed")
		manager.get(at+"/edit").want(http.StatusNotFound, "", "")
	})
}

func TestAlerts(t *testing.T) {
	h := newHouse(t)
	e := h.environment("production")
	h.staff(e)
	there := newReceiver(t)
	manager, viewer := h.as(string(models.RoleManager)), h.as(string(models.RoleViewer))
	manager.get("/alerts/channels/new?kind=webhook").form("/alerts/channels").set("name", "oncall").set("address", there.url).submit().want(http.StatusOK, "pre", "whsec_")
	viewer.get("/alerts").want(http.StatusOK, ".empty", "Nothing has to be told")

	d := h.destinationWith(e, "main", models.DestinationConfig{Strategy: models.ManualWins})
	s := h.secret(e, "a")
	h.inSync(s.ID)
	h.place.Edit("production/a", []byte(canary+" of somebody else"))
	h.pass(d)
	p := viewer.get("/alerts").want(http.StatusOK, "#alerts tbody", "Waits for a decision main")
	path := attribute(p.all("#alerts tbody th a")[0], "href")
	viewer.get("/alerts?kind=braked").want(http.StatusOK, ".empty", "No alert is like that")
	viewer.get("/alerts?environment=production&kind=held").want(http.StatusOK, "#alerts tbody", "main")
	viewer.get("/alerts?environment=nowhere").want(http.StatusNotFound, "", "")
	viewer.get(path).want(http.StatusOK, "#act-subject", "main")
	if viewer.get(path).has("#told-title") {
		t.Error("who hears of it is shown to a viewer")
	}
	eventually(t, "the notice to arrive", func() bool { return strings.Contains(manager.get(path).text("#alert tbody"), "arrived") })
	manager.get(path).want(http.StatusOK, "#alert tbody", "oncall it began")

	h.user("eve", models.RoleUser, nil)
	h.as("eve").get(path).want(http.StatusNotFound, "", "")
	h.as("eve").get("/alerts").want(http.StatusOK, ".empty", "Nothing has to be told")
}
