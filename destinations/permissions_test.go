package destinations_test

import (
	"testing"

	"github.com/your-org/keeper/destinations"
	"github.com/your-org/keeper/fault"
	"github.com/your-org/keeper/models"
	"github.com/your-org/keeper/store"
	"github.com/your-org/keeper/sync/memory"
)

func TestEachPermission(t *testing.T) {
	h := sqlite(t)
	d := h.destination(t, "one")
	recorded := func() models.AuditEntry {
		t.Helper()
		var entries []models.AuditEntry
		err := h.store.Read(t.Context(), func(tx *store.Tx) (err error) {
			entries, _, err = tx.Audit(store.AuditQuery{Everything: true, Action: "destination.test", Limit: 1})
			return err
		})
		if err != nil || len(entries) != 1 {
			t.Fatalf("%d entries, %v", len(entries), err)
		}
		return entries[0]
	}

	tried, err := h.TestEach(t.Context(), admin, d.ID)
	if err != nil || len(tried) < 5 {
		t.Fatalf("%d permissions, %v", len(tried), err)
	}
	for _, one := range tried {
		if !one.OK {
			t.Errorf("%s: %v", one.Permission, one.Err)
		}
	}
	if got := recorded(); got.Outcome != models.OutcomeAllowed {
		t.Errorf("recorded as %s", got.Outcome)
	}

	h.places.at(d.Config.Mount).Inject(memory.Fault{Op: memory.OpMark, Kind: fault.Forbidden})
	tried, err = h.TestEach(t.Context(), admin, d.ID)
	if err != nil {
		t.Fatal(err)
	}
	for _, one := range tried {
		if one.OK == (one.Permission == string(memory.OpMark)) {
			t.Errorf("%s: OK is %t, %v", one.Permission, one.OK, one.Err)
		}
	}
	if got := recorded(); got.Outcome != models.OutcomeFailed || got.Detail["missing"] != string(memory.OpMark) {
		t.Errorf("recorded as %s, %v", got.Outcome, got.Detail)
	}

	draft := destinations.Draft{Environment: d.EnvironmentID, Name: "two", Kind: d.Kind, Config: d.Config}
	t.Run("Draft", func(t *testing.T) {
		tried, err := h.TestDraft(t.Context(), admin, draft)
		if err != nil || len(tried) < 5 {
			t.Fatalf("%d permissions, %v", len(tried), err)
		}
		if got := recorded(); got.ObjectName != "two" || got.ObjectID != "" || got.Outcome != models.OutcomeFailed {
			t.Errorf("recorded as %s about %s %q", got.Outcome, got.ObjectID, got.ObjectName)
		}
		if all, err := h.List(t.Context(), admin, d.EnvironmentID); err != nil || len(all) != 1 {
			t.Errorf("%d destinations, %v", len(all), err)
		}
	})
	t.Run("DraftInvalid", func(t *testing.T) {
		draft.Name = "Not A Name"
		if _, err := h.TestDraft(t.Context(), admin, draft); !fault.Is(err, fault.Invalid) {
			t.Errorf("got %v", err)
		}
	})
}
