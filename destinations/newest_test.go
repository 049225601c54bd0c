package destinations_test

import (
	"testing"
	"time"

	"github.com/your-org/keeper/models"
)

// TestNewestOfTwoDestinations has the value changed at two destinations, and the pass come by
// the one first where it was changed earlier: the later change wins everywhere. That Keeper
// took the earlier one only now makes it no newer.
func TestNewestOfTwoDestinations(t *testing.T) {
	h := sqlite(t)
	var both []models.Destination
	for _, name := range []string{"one", "two"} {
		draft := h.draft(name)
		draft.Config.Strategy = models.NewestWins
		d, err := h.Create(t.Context(), admin, draft)
		if err != nil {
			t.Fatal(err)
		}
		both = append(both, d)
	}
	h.put(t, "a", "old")
	for _, d := range both {
		h.work(t, d)
	}
	for i, name := range []string{"one", "two"} {
		at := time.Now().Add(time.Duration(2+2*i) * time.Hour)
		p := h.places.at(name)
		p.SetClock(func() time.Time { return at })
		p.Edit("production/a", []byte("of "+name))
	}
	h.Now = func() time.Time { return time.Now().Add(8 * time.Hour) }
	h.secrets.Now = h.Now
	for range 2 {
		for _, d := range both {
			if _, err := h.Trigger(t.Context(), admin, d.ID); err != nil {
				t.Fatal(err)
			}
			h.work(t, d)
		}
	}
	for _, name := range []string{"one", "two"} {
		if got, _ := h.places.at(name).Get("production/a"); string(got.Value) != "of two" {
			t.Errorf("%s holds %q, want what was changed last", name, got.Value)
		}
	}
}
