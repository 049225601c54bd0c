package alerts_test

import (
	"fmt"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/your-org/keeper/alerts"
	"github.com/your-org/keeper/models"
	"github.com/your-org/keeper/store"
	"github.com/your-org/keeper/store/storetest"
)

// TestConditions is a condition's life, on each database: told once when it begins, again
// after a day, and once when it is over.
func TestConditions(t *testing.T) {
	for _, dialect := range storetest.Dialects {
		t.Run(dialect, func(t *testing.T) {
			h, r := newHouse(t, setup{dialect: dialect}), newReceiver(t)
			c := h.webhook(t, r)
			step := func(what string, want ...string) {
				t.Helper()
				h.deliver(t, c)
				if diff := cmp.Diff(want, r.types(t)); diff != "" {
					t.Fatalf("%s (-want +got):\n%s", what, diff)
				}
			}
			remind := func() {
				t.Helper()
				if next, err := h.Remind(t.Context(), models.Job{}); err != nil || next == nil {
					t.Fatal(next, err)
				}
			}
			h.signal(t, h.drift(false))
			step("nothing ever held")
			h.signal(t, h.drift(true))
			step("it begins", "alert.opened")
			h.signal(t, h.drift(true))
			h.signal(t, h.drift(true))
			remind()
			step("it lasts", "alert.opened")
			h.clock.move(24*time.Hour - time.Minute)
			remind()
			step("almost a day", "alert.opened")
			h.clock.move(2 * time.Minute)
			remind()
			remind()
			step("a day", "alert.opened", "alert.reminder")
			h.signal(t, h.drift(false))
			h.signal(t, h.drift(false))
			step("it is over", "alert.opened", "alert.reminder", "alert.recovered")
			h.clock.move(48 * time.Hour)
			remind()
			step("it stays over", "alert.opened", "alert.reminder", "alert.recovered")
			h.signal(t, h.drift(true))
			step("it begins again", "alert.opened", "alert.reminder", "alert.recovered", "alert.opened")

			all, _, err := h.Alerts(t.Context(), viewer, alerts.Query{})
			if err != nil || len(all) != 2 || all[0].ResolvedAt != nil || all[1].ResolvedAt == nil || all[1].Count != 3 {
				t.Errorf("alerts %+v, %v", all, err)
			}
			over := r.requests()[2].decode(t).Data
			if over.State != "resolved" || over.Count != 3 || over.Link != "https://keeper.example.com/destinations/dst_1" {
				t.Errorf("the last message says %+v", over)
			}
		})
	}
}

// TestWhoIsTold holds which channels tell of which alerts.
func TestWhoIsTold(t *testing.T) {
	h, r := newHouse(t, setup{}), newReceiver(t)
	channel := func(name string, env models.EnvironmentID, d alerts.Draft) models.AlertChannel {
		d.Name, d.Environment, d.Kind, d.Address = name, env, models.ChannelWebhook, r.URL+"/"+name
		c, _ := h.channel(t, d)
		return c
	}
	off := channel("off", h.env.ID, alerts.Draft{})
	if _, _, err := h.UpdateChannel(t.Context(), manager, off.ID, alerts.ChannelChange{Enabled: new(bool)}, 0); err != nil {
		t.Fatal(err)
	}
	all := []models.AlertChannel{
		off, channel("here", h.env.ID, alerts.Draft{}),
		channel("drift", h.env.ID, alerts.Draft{Kinds: []models.AlertKind{models.AlertHeld, models.AlertDrift}}),
		channel("held", h.env.ID, alerts.Draft{Kinds: []models.AlertKind{models.AlertHeld}}),
		channel("there", h.other.ID, alerts.Draft{}),
		channel("everywhere", h.other.ID, alerts.Draft{Everywhere: true}),
	}
	h.signal(t, h.drift(true))
	late := channel("late", h.env.ID, alerts.Draft{})
	h.signal(t, h.drift(false))
	for _, c := range append(all, late) {
		h.deliver(t, c)
	}
	got := map[string]int{}
	for _, one := range r.requests() {
		got[one.path]++
	}
	if diff := cmp.Diff(map[string]int{"/here": 2, "/drift": 2, "/everywhere": 2}, got); diff != "" {
		t.Errorf("messages by channel (-want +got):\n%s", diff)
	}
}

func TestMessage(t *testing.T) {
	h, r := newHouse(t, setup{}), newReceiver(t)
	c := h.webhook(t, r)
	many := h.drift(true)
	many.Secrets, many.Total = nil, 25
	for i := range 25 {
		many.Secrets = append(many.Secrets, fmt.Sprintf("team/secret-%d", i))
	}
	h.signal(t, many)
	h.deliver(t, c)
	got := r.requests()[0].decode(t).Data
	if len(got.Secrets) != models.MaxAlertSecrets || got.Total != 25 {
		t.Errorf("it names %d of %d secrets", len(got.Secrets), got.Total)
	}
	if got.Kind != "drift" || got.State != "open" || got.Environment != "production" || got.Subject != "dst_1" || got.Summary != "Two copies were changed." {
		t.Errorf("it says %+v", got)
	}
}

// TestQuiet holds that what is told of a thing ends with it, and nobody hears of that.
func TestQuiet(t *testing.T) {
	h, r := newHouse(t, setup{}), newReceiver(t)
	c := h.webhook(t, r)
	h.signal(t, h.drift(true))
	gone := h.drift(false)
	gone.Quiet = true
	h.signal(t, gone)
	h.deliver(t, c)
	if diff := cmp.Diff([]string{"alert.opened"}, r.types(t)); diff != "" {
		t.Error(diff)
	}
	if open, _, err := h.Alerts(t.Context(), admin, alerts.Query{Open: true}); err != nil || len(open) > 0 {
		t.Errorf("open: %v, %v", open, err)
	}
}

func TestSweep(t *testing.T) {
	h, r := newHouse(t, setup{}), newReceiver(t)
	c := h.webhook(t, r)
	h.signal(t, h.drift(true))
	h.signal(t, h.drift(false))
	h.deliver(t, c)
	held := h.drift(true)
	held.Kind = models.AlertHeld
	h.signal(t, held)
	left := func() int {
		t.Helper()
		if err := h.Sweep(t.Context()); err != nil {
			t.Fatal(err)
		}
		all, _, err := h.Alerts(t.Context(), admin, alerts.Query{})
		if err != nil {
			t.Fatal(err)
		}
		return len(all)
	}
	h.clock.move(89 * 24 * time.Hour)
	if n := left(); n != 2 {
		t.Errorf("%d alerts are left, want 2", n)
	}
	h.clock.move(2 * 24 * time.Hour)
	if n := left(); n != 1 {
		t.Errorf("%d alerts are left, want the open one", n)
	}
}

// TestTogether holds that a notice is left in the transaction of what was seen: with it, or
// not at all.
func TestTogether(t *testing.T) {
	h, r := newHouse(t, setup{}), newReceiver(t)
	c := h.webhook(t, r)
	failed := fmt.Errorf("something else failed")
	err := h.store.Write(t.Context(), func(tx *store.Tx) error {
		if err := h.Signal(tx, h.drift(true)); err != nil {
			return err
		}
		return failed
	})
	if err == nil {
		t.Fatal("it was written")
	}
	h.deliver(t, c)
	if len(r.requests()) > 0 || len(h.notices(t)) > 0 {
		t.Error("people are told of what was not kept")
	}
}

// TestSignalEverywhere tells of what concerns no environment, each time, through a channel
// that tells of all.
func TestSignalEverywhere(t *testing.T) {
	for _, dialect := range storetest.Dialects {
		t.Run(dialect, func(t *testing.T) {
			h, r := newHouse(t, setup{dialect: dialect}), newReceiver(t)
			signIn := func(session string) {
				t.Helper()
				one := models.Signal{Kind: models.AlertBreakGlass, Subject: session, SubjectName: "ada", Summary: "ada signed in.", Hint: "Find out why."}
				begins, over := one, one
				begins.Holds, over.Quiet = true, true
				h.write(t, func(tx *store.Tx) error { return h.SignalEverywhere(tx, begins, over) })
			}
			signIn("s0") // nobody to tell: it is no failure
			c, key := h.channel(t, alerts.Draft{Kind: models.ChannelWebhook, Address: r.URL + "/hook", Everywhere: true})
			r.key = string(key.Reveal())
			signIn("s1")
			signIn("s2")
			h.deliver(t, c)
			if diff := cmp.Diff([]string{"alert.opened", "alert.opened"}, r.types(t)); diff != "" {
				t.Errorf("told (-want +got):\n%s", diff)
			}
		})
	}
}
