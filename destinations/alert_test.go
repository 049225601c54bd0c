package destinations_test

import (
	"log/slog"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/your-org/keeper/alerts"
	"github.com/your-org/keeper/destinations"
	"github.com/your-org/keeper/fault"
	"github.com/your-org/keeper/models"
	"github.com/your-org/keeper/store"
	"github.com/your-org/keeper/sync/memory"
)

// alerted gives a house somebody who listens.
func alerted(t *testing.T) (*house, *alerts.Service) {
	t.Helper()
	h := sqlite(t)
	service := alerts.New(alerts.Deps{Store: h.store, Now: time.Now, Log: slog.New(slog.DiscardHandler), Wake: func() {}})
	h.Alert = service.Signal
	return h, service
}

// wantOpen holds which alerts are open, and returns them by kind.
func wantOpen(t *testing.T, s *alerts.Service, want ...models.AlertKind) map[models.AlertKind]models.Alert {
	t.Helper()
	open, _, err := s.Alerts(t.Context(), admin, alerts.Query{Open: true})
	if err != nil {
		t.Fatal(err)
	}
	byKind := map[models.AlertKind]models.Alert{}
	var got []models.AlertKind
	for _, a := range open {
		byKind[a.Kind] = a
		got = append(got, a.Kind)
	}
	slices.Sort(got)
	slices.Sort(want)
	if diff := cmp.Diff(want, got); diff != "" {
		t.Fatalf("open alerts (-want +got):\n%s", diff)
	}
	return byKind
}

func TestAlertFailing(t *testing.T) {
	h, told := alerted(t)
	d := h.destination(t, "one")
	h.put(t, "a", "secret value")
	h.work(t, d)
	wantOpen(t, told)
	place := h.places.at("one")
	place.Inject(memory.Fault{Op: memory.OpList, Kind: fault.Unavailable})
	fail := func() {
		if _, err := h.Trigger(t.Context(), admin, d.ID); err != nil {
			t.Fatal(err)
		}
		if _, err := h.Work(t.Context(), models.Job{Key: string(d.ID)}); err == nil {
			t.Fatal("the run went through")
		}
	}
	fail()
	fail()
	a := wantOpen(t, told, models.AlertDestinationFailing)[models.AlertDestinationFailing]
	if a.Count != 2 || a.Subject != string(d.ID) || a.SubjectName != "one" || !strings.Contains(a.Summary, "failed") {
		t.Errorf("alert %+v", a)
	}
	place.ClearFaults()
	h.work(t, d)
	wantOpen(t, told)
}

func TestAlertDrift(t *testing.T) {
	h, told := alerted(t)
	d := h.destination(t, "one")
	for _, name := range []string{"a", "b", "c"} {
		h.put(t, name, "ours of "+name)
	}
	h.work(t, d)
	place := h.places.at("one")
	place.Edit("production/b", []byte("theirs"))
	place.Remove("production/c")
	h.full(t, d)
	a := wantOpen(t, told, models.AlertDrift)[models.AlertDrift]
	if !slices.Equal(a.Secrets, []string{"b", "c"}) || a.Total != 2 || !strings.Contains(a.Hint, "written its own values again") {
		t.Errorf("alert %+v", a)
	}
	if strings.Contains(a.Summary+a.Hint, "theirs") || strings.Contains(a.Summary+a.Hint, "ours") {
		t.Error("the alert tells a value")
	}
	h.put(t, "d", "new")
	h.work(t, d) // looks at what changed alone, and can say nothing of the others
	wantOpen(t, told, models.AlertDrift)
	place.Inject(memory.Fault{Op: memory.OpFetch, Name: "production/a", Kind: fault.Unavailable})
	place.Edit("production/a", []byte("unread"))
	h.full(t, d) // a stays unknown: nobody can say that the drift is over
	wantOpen(t, told, models.AlertDrift)
	place.ClearFaults()
	h.full(t, d)
	if a := wantOpen(t, told, models.AlertDrift)[models.AlertDrift]; !slices.Equal(a.Secrets, []string{"a"}) || a.Count != 2 {
		t.Errorf("alert %+v", a)
	}
	h.full(t, d)
	wantOpen(t, told)
}

func TestAlertTakenIsNoDrift(t *testing.T) {
	h, told := alerted(t)
	d := h.with(t, "one", strategy(models.RemoteWins))
	h.put(t, "a", "ours")
	h.work(t, d)
	h.places.at("one").Edit("production/a", []byte("theirs"))
	if run := h.full(t, d); run.Counts.Taken != 1 {
		t.Fatalf("run %+v", run)
	}
	wantOpen(t, told)
}

func TestAlertHeld(t *testing.T) {
	h, told := alerted(t)
	d := h.with(t, "one", strategy(models.ManualWins))
	s := h.put(t, "a", "ours")
	h.work(t, d)
	h.places.at("one").Edit("production/a", []byte("theirs"))
	h.full(t, d)
	if a := wantOpen(t, told, models.AlertHeld)[models.AlertHeld]; !slices.Equal(a.Secrets, []string{"a"}) ||
		a.Summary != "1 secret differs between Keeper and one and waits for a person to decide." {
		t.Errorf("alert %+v", a)
	}
	hold, err := h.Hold(t.Context(), admin, d.ID, s.ID)
	if err != nil {
		t.Fatal(err)
	}
	ruling := destinations.Ruling{
		Destination: d.ID, Secret: s.ID, Side: models.SideKeeper, Version: hold.Version, RemoteVersion: hold.RemoteVersion,
	}
	if err := h.Rule(t.Context(), admin, ruling); err != nil {
		t.Fatal(err)
	}
	h.work(t, d)
	wantOpen(t, told)
}

func TestAlertBraked(t *testing.T) {
	for name, ends := range map[string]func(*testing.T, *house, models.Destination, models.Plan){
		"Applied": func(t *testing.T, h *house, _ models.Destination, p models.Plan) {
			if _, err := h.Apply(t.Context(), admin, p.ID, p.Digest); err != nil {
				t.Fatal(err)
			}
		},
		"OverByItself": func(t *testing.T, h *house, d models.Destination, _ models.Plan) {
			for _, name := range []string{"a", "b", "c"} {
				h.places.at("one").Edit("production/"+name, []byte("ours of "+name))
			}
			if _, err := h.Trigger(t.Context(), admin, d.ID); err != nil {
				t.Fatal(err)
			}
		},
	} {
		t.Run(name, func(t *testing.T) {
			h, told := alerted(t)
			d := h.with(t, "one", func(c *models.DestinationConfig) { c.BrakeMost = new(2) })
			for _, name := range []string{"a", "b", "c"} {
				h.put(t, name, "ours of "+name)
			}
			h.work(t, d)
			for _, name := range []string{"a", "b", "c"} {
				h.places.at("one").Edit("production/"+name, []byte("theirs"))
			}
			if run := h.full(t, d); run.Status != models.RunHeld {
				t.Fatalf("run %+v", run)
			}
			wantOpen(t, told, models.AlertBraked)
			h.put(t, "d", "new")
			h.work(t, d) // a pass over what changed says nothing of the plan that is held
			wantOpen(t, told, models.AlertBraked)
			var held models.Plan
			if err := h.store.Read(t.Context(), func(tx *store.Tx) (err error) { held, err = tx.HeldPlan(d.ID); return err }); err != nil {
				t.Fatal(err)
			}
			ends(t, h, d, held)
			h.work(t, d)
			wantOpen(t, told)
		})
	}
}

func TestAlertSecretsFailing(t *testing.T) {
	h, told := alerted(t)
	d := h.destination(t, "one")
	h.put(t, "good", "v")
	h.put(t, "bad", "v")
	place := h.places.at("one")
	place.Inject(memory.Fault{Op: memory.OpPut, Name: "production/bad", Kind: fault.Forbidden})
	h.work(t, d)
	h.full(t, d)
	wantOpen(t, told)
	h.full(t, d)
	if a := wantOpen(t, told, models.AlertSecretsFailing)[models.AlertSecretsFailing]; !slices.Equal(a.Secrets, []string{"bad"}) || a.Total != 1 {
		t.Errorf("alert %+v", a)
	}
	place.ClearFaults()
	h.full(t, d)
	wantOpen(t, told)
}

// TestAlertEndsWithItsDestination holds that nobody is reminded of what is no more.
func TestAlertEndsWithItsDestination(t *testing.T) {
	h, told := alerted(t)
	d := h.destination(t, "one")
	h.places.at("one").Inject(memory.Fault{Op: memory.OpList, Kind: fault.Unavailable})
	if _, err := h.Work(t.Context(), models.Job{Key: string(d.ID)}); err == nil {
		t.Fatal("the run went through")
	}
	wantOpen(t, told, models.AlertDestinationFailing)
	if err := h.Delete(t.Context(), admin, d.ID); err != nil {
		t.Fatal(err)
	}
	wantOpen(t, told)
}
