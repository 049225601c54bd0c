package alerts_test

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/your-org/keeper/alerts"
	"github.com/your-org/keeper/fault"
	"github.com/your-org/keeper/models"
	"github.com/your-org/keeper/store"
)

func TestChannels(t *testing.T) {
	h, r := newHouse(t, setup{}), newReceiver(t)
	draft := alerts.Draft{Environment: h.env.ID, Name: "ops", Kind: models.ChannelWebhook, Address: r.URL}
	c, _, err := h.CreateChannel(t.Context(), manager, draft)
	if err != nil {
		t.Fatal(err)
	}
	there := h.webhookIn(t, h.other, r)
	t.Run("List", func(t *testing.T) {
		for name, want := range map[string]struct {
			actor models.Actor
			in    models.EnvironmentID
			names []string
		}{
			"Manager": {manager, 0, []string{"ops"}}, "ManagerElsewhere": {manager, h.other.ID, nil}, "Viewer": {viewer, 0, nil},
			"Admin": {admin, 0, []string{"ops", "there"}}, "AdminOfOne": {admin, h.other.ID, []string{"there"}}, "None": {admin, 99, nil},
		} {
			t.Run(name, func(t *testing.T) {
				all, err := h.Channels(t.Context(), want.actor, want.in)
				var names []string
				for _, one := range all {
					names = append(names, one.Name)
				}
				if diff := cmp.Diff(want.names, names); diff != "" || err != nil {
					t.Errorf("%v (-want +got):\n%s", err, diff)
				}
			})
		}
	})
	t.Run("Conflict", func(t *testing.T) {
		_, _, err := h.CreateChannel(t.Context(), manager, draft)
		wantFault(t, err, fault.Conflict)
	})
	t.Run("Stale", func(t *testing.T) {
		name := "night-watch"
		changed, made, err := h.UpdateChannel(t.Context(), manager, c.ID, alerts.ChannelChange{Name: &name}, c.Revision)
		if err != nil || changed.Name != name || made.Len() > 0 {
			t.Fatalf("%+v, %v", changed, err)
		}
		_, _, err = h.UpdateChannel(t.Context(), manager, c.ID, alerts.ChannelChange{Name: &name}, c.Revision)
		wantFault(t, err, fault.Stale)
	})
	t.Run("Invalid", func(t *testing.T) {
		for name, change := range map[string]func(*alerts.Draft){
			"Name":    func(d *alerts.Draft) { d.Name = "No Name" },
			"Kind":    func(d *alerts.Draft) { d.Kind = "pigeon" },
			"Kinds":   func(d *alerts.Draft) { d.Kinds = []models.AlertKind{"weather"} },
			"Address": func(d *alerts.Draft) { d.Address = "http://example.com" },
			"Slack":   func(d *alerts.Draft) { d.Kind = models.ChannelSlack },
			"Email":   func(d *alerts.Draft) { d.Kind, d.Address = models.ChannelEmail, "a@b.example, c@d.example" },
		} {
			t.Run(name, func(t *testing.T) {
				bad := draft
				bad.Name = "bad"
				change(&bad)
				_, _, err := h.CreateChannel(t.Context(), manager, bad)
				wantFault(t, err, fault.Invalid)
			})
		}
	})
	t.Run("Delete", func(t *testing.T) {
		wantFault(t, h.DeleteChannel(t.Context(), manager, there.ID), fault.NotFound)
		if err := h.DeleteChannel(t.Context(), manager, c.ID); err != nil {
			t.Fatal(err)
		}
		_, err := h.Channel(t.Context(), manager, c.ID)
		wantFault(t, err, fault.NotFound)
		if next, err := h.Work(t.Context(), models.Job{Key: string(c.ID)}); next != nil || err != nil {
			t.Errorf("the job of a channel that is gone: %v, %v", next, err)
		}
	})
}

func (h *house) webhookIn(t *testing.T, e models.Environment, r *receiver) models.AlertChannel {
	t.Helper()
	c, _ := h.channel(t, alerts.Draft{Environment: e.ID, Name: "there", Kind: models.ChannelWebhook, Address: r.URL})
	return c
}

// TestAccess holds who may do what, and that refusals are on record.
func TestAccess(t *testing.T) {
	h, r := newHouse(t, setup{}), newReceiver(t)
	c := h.webhook(t, r)
	h.signal(t, h.drift(true))
	open, _, err := h.Alerts(t.Context(), admin, alerts.Query{Open: true})
	if err != nil || len(open) != 1 {
		t.Fatal(open, err)
	}
	acts := map[string]func(models.Actor) error{
		"Create": func(a models.Actor) error {
			made, _, err := h.CreateChannel(t.Context(), a, alerts.Draft{Environment: h.env.ID, Name: "x-" + a.Name, Kind: models.ChannelWebhook, Address: r.URL})
			if err == nil && made.CreatedBy != a.Name {
				t.Errorf("created by %q", made.CreatedBy)
			}
			return err
		},
		"Find": func(a models.Actor) error { _, err := h.Channel(t.Context(), a, c.ID); return err },
		"Update": func(a models.Actor) error {
			_, _, err := h.UpdateChannel(t.Context(), a, c.ID, alerts.ChannelChange{}, 0)
			return err
		},
		"Test":    func(a models.Actor) error { return h.TestChannel(t.Context(), a, c.ID) },
		"Notices": func(a models.Actor) error { _, err := h.Notices(t.Context(), a, open[0].ID); return err },
		"Alert":   func(a models.Actor) error { _, err := h.Alert(t.Context(), a, open[0].ID); return err },
	}
	for name, act := range acts {
		t.Run(name, func(t *testing.T) {
			for _, may := range []models.Actor{admin, manager} {
				if err := act(may); err != nil {
					t.Errorf("%s: %v", may.Name, err)
				}
			}
			wantFault(t, act(nobody), fault.NotFound)
			if err := act(viewer); name == "Alert" && err != nil || name != "Alert" && !fault.Is(err, fault.Forbidden) {
				t.Errorf("a viewer: %v", err)
			}
		})
	}
	if all, _, err := h.Alerts(t.Context(), nobody, alerts.Query{}); len(all) > 0 || err != nil {
		t.Errorf("nobody sees %v, %v", all, err)
	}
	t.Run("Everywhere", func(t *testing.T) {
		_, _, err := h.CreateChannel(t.Context(), manager, alerts.Draft{Environment: h.env.ID, Everywhere: true, Name: "all", Kind: models.ChannelWebhook, Address: r.URL})
		wantFault(t, err, fault.Forbidden)
		_, _, err = h.UpdateChannel(t.Context(), manager, c.ID, alerts.ChannelChange{Everywhere: new(true)}, 0)
		wantFault(t, err, fault.Forbidden)
		if _, _, err = h.UpdateChannel(t.Context(), admin, c.ID, alerts.ChannelChange{Everywhere: new(true)}, 0); err != nil {
			t.Fatal(err)
		}
		elsewhere := r.URL + "/elsewhere"
		_, _, err = h.UpdateChannel(t.Context(), manager, c.ID, alerts.ChannelChange{Address: &elsewhere, Everywhere: new(false)}, 0)
		wantFault(t, err, fault.Forbidden)
		wantFault(t, h.DeleteChannel(t.Context(), manager, c.ID), fault.Forbidden)
	})
	seen := map[string]bool{}
	err = h.store.Read(t.Context(), func(tx *store.Tx) error {
		entries, _, err := tx.Audit(store.AuditQuery{Everything: true})
		for _, e := range entries {
			seen[e.Action+" "+string(e.Outcome)] = true
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{
		"channel.create allowed", "channel.update allowed", "channel.test allowed", "alerts.manage refused", "alerts.view refused", "alerts.everywhere refused",
	} {
		if !seen[want] {
			t.Errorf("%s is not on record", want)
		}
	}
}

// TestMoved holds that a channel's secret opens only for its own channel and address.
func TestMoved(t *testing.T) {
	h, r := newHouse(t, setup{}), newReceiver(t)
	c := h.webhook(t, r)
	moved := c
	moved.Address = r.URL + "/thief"
	h.write(t, func(tx *store.Tx) error { return tx.UpdateAlertChannel(&moved, 0) })
	if err := h.TestChannel(t.Context(), manager, c.ID); err == nil || len(r.requests()) > 0 {
		t.Errorf("a secret went where it does not belong: %v", err)
	}
}
