package alerts_test

import (
	"testing"

	"github.com/your-org/keeper/alerts"
	"github.com/your-org/keeper/fault"
	"github.com/your-org/keeper/models"
	"github.com/your-org/keeper/store"
	"github.com/your-org/keeper/store/storetest"
)

// TestInstallationAlerts: what tells of accounts and providers is for those who may see them,
// though it is kept with an environment that others see, and goes through that environment's own
// channels to nobody.
func TestInstallationAlerts(t *testing.T) {
	auditor := actor("aud", models.RoleAuditor, "")
	narrow := admin
	narrow.Kind, narrow.Scope = models.ActorToken, &models.TokenScope{Environments: []models.EnvironmentID{1}}
	for _, dialect := range storetest.Dialects {
		t.Run(dialect, func(t *testing.T) {
			h, own, all := newHouse(t, setup{dialect: dialect}), newReceiver(t), newReceiver(t)
			its := h.webhook(t, own)
			whole, key := h.channel(t, alerts.Draft{Kind: models.ChannelWebhook, Name: "all", Address: all.URL + "/hook", Everywhere: true})
			all.key = string(key.Reveal())
			h.write(t, func(tx *store.Tx) error {
				for _, kind := range models.InstallationAlerts {
					one := models.Signal{Kind: kind, Subject: "s", SubjectName: "ada", Summary: "ada signed in.", Hint: "Find out why.", Holds: true}
					if err := h.SignalEverywhere(tx, one); err != nil {
						return err
					}
				}
				return nil
			})
			h.signal(t, h.drift(true))
			h.deliver(t, its)
			h.deliver(t, whole)
			if n, m := len(own.requests()), len(all.requests()); n != 1 || m != 1+len(models.InstallationAlerts) {
				t.Errorf("%d messages went to the environment's own channel and %d to that of all", n, m)
			}
			told, _, err := h.Alerts(t.Context(), admin, alerts.Query{Kind: models.AlertBreakGlass})
			if err != nil || len(told) != 1 {
				t.Fatalf("%d, %v", len(told), err)
			}
			for _, c := range []struct {
				actor models.Actor
				sees  int
			}{{admin, 4}, {auditor, 4}, {manager, 1}, {viewer, 1}, {narrow, 1}, {nobody, 0}} {
				found, _, err := h.Alerts(t.Context(), c.actor, alerts.Query{})
				if err != nil || len(found) != c.sees {
					t.Errorf("%s sees %d alerts, %v", c.actor.Name, len(found), err)
				}
				for _, kind := range models.InstallationAlerts {
					if found, _, err := h.Alerts(t.Context(), c.actor, alerts.Query{Kind: kind}); err != nil || (len(found) == 1) != (c.sees == 4) {
						t.Errorf("%s sees %d of %s, %v", c.actor.Name, len(found), kind, err)
					}
				}
				_, err = h.Alert(t.Context(), c.actor, told[0].ID)
				if c.sees == 4 != (err == nil) || err != nil && !fault.Is(err, fault.NotFound) {
					t.Errorf("%s asks for it: %v", c.actor.Name, err)
				}
				_, missing := h.Alert(t.Context(), c.actor, "alr_none")
				if err != nil && err.Error() != missing.Error() {
					t.Errorf("%s tells %q from %q", c.actor.Name, err, missing)
				}
				if _, err := h.Notices(t.Context(), c.actor, told[0].ID); c.sees != 4 && !fault.Is(err, fault.NotFound) {
					t.Errorf("%s asks for its notices: %v", c.actor.Name, err)
				}
			}
		})
	}
}
