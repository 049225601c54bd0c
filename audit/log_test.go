package audit_test

import (
	"context"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/your-org/keeper/audit"
	"github.com/your-org/keeper/fault"
	"github.com/your-org/keeper/models"
	"github.com/your-org/keeper/store"
	"github.com/your-org/keeper/store/storetest"
)

var reader = models.Actor{Kind: models.ActorUser, ID: "usr_1", Name: "ada", Via: "web", Address: "192.0.2.1", RequestID: "req_1"}

// open is a log with an entry of each of three environments, the third of which is gone, and
// one of none.
func open(t *testing.T, access audit.Access) (*audit.Log, *store.Store) {
	t.Helper()
	s := storetest.SQLite(t)
	for _, name := range []string{"", "one", "two", "gone"} {
		entry := audit.Entry(reader, "test.did")
		if name != "" {
			id := models.EnvironmentID(slices.Index([]string{"", "one", "two", "gone"}, name))
			entry = audit.OnEnvironment(reader, "test.did", models.Environment{ID: id, Name: name})
		}
		if err := s.Record(t.Context(), entry); err != nil {
			t.Fatal(err)
		}
	}
	return audit.NewLog(s, func(context.Context, models.Actor) (audit.Access, error) { return access, nil }), s
}

// TestNarrowing is the table of who sees which entries.
func TestNarrowing(t *testing.T) {
	ids := func(ids ...models.EnvironmentID) []models.EnvironmentID { return ids }
	for name, c := range map[string]struct {
		access audit.Access
		query  audit.Query
		want   []string
	}{
		"an auditor":                       {audit.Access{Everything: true}, audit.Query{}, []string{"", "gone", "one", "two"}},
		"an auditor asks for one":          {audit.Access{Everything: true}, audit.Query{Environments: ids(1)}, []string{"one"}},
		"an auditor asks for a gone one":   {audit.Access{Everything: true}, audit.Query{Environments: ids(3)}, []string{"gone"}},
		"a manager":                        {audit.Access{Environments: ids(1)}, audit.Query{}, []string{"one"}},
		"a manager asks for hers":          {audit.Access{Environments: ids(1)}, audit.Query{Environments: ids(1)}, []string{"one"}},
		"a manager asks for both":          {audit.Access{Environments: ids(1)}, audit.Query{Environments: ids(1, 2)}, []string{"one"}},
		"a manager asks for another":       {audit.Access{Environments: ids(1)}, audit.Query{Environments: ids(2)}, nil},
		"a manager asks for everything":    {audit.Access{Environments: ids(1)}, audit.Query{Everything: true, Global: true}, []string{"one"}},
		"a manager asks for all by name":   {audit.Access{Environments: ids(1)}, audit.Query{Everything: true, Global: true, Environments: ids(1, 2)}, []string{"one"}},
		"a manager asks for environment 0": {audit.Access{Environments: ids(1)}, audit.Query{Environments: ids(0)}, nil},
		"global alone":                     {audit.Access{Global: true}, audit.Query{}, []string{""}},
	} {
		t.Run(name, func(t *testing.T) {
			log, _ := open(t, c.access)
			c.query.Action = "test.did"
			entries, _, err := log.List(t.Context(), reader, c.query)
			if err != nil {
				t.Fatal(err)
			}
			var got []string
			for _, e := range entries {
				got = append(got, e.EnvironmentName)
			}
			slices.Sort(got)
			if diff := cmp.Diff(c.want, got); diff != "" {
				t.Errorf("entries (-want +got):\n%s", diff)
			}
		})
	}
}

func newest(t *testing.T, s *store.Store) (entries []models.AuditEntry) {
	t.Helper()
	err := s.Read(t.Context(), func(tx *store.Tx) (err error) {
		entries, _, err = tx.Audit(store.AuditQuery{Everything: true, Action: "audit.read"})
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return entries
}

func TestReadingIsOnRecord(t *testing.T) {
	t.Run("Allowed", func(t *testing.T) {
		log, s := open(t, audit.Access{Everything: true})
		_, around, err := log.List(t.Context(), reader, audit.Query{Limit: 2})
		if err != nil || around.Next == "" {
			t.Fatal(around, err)
		}
		if _, _, err := log.List(t.Context(), reader, audit.Query{Limit: 2, Cursor: around.Next}); err != nil {
			t.Fatal(err)
		}
		entries := newest(t, s)
		if len(entries) != 2 {
			t.Fatalf("%d reads are on record, want both pages", len(entries))
		}
		if e := entries[0]; e.Outcome != models.OutcomeAllowed || e.ActorName != "ada" || e.Address != reader.Address || e.RequestID != "req_1" {
			t.Errorf("entry %+v", e)
		}
	})
	t.Run("Refused", func(t *testing.T) {
		log, s := open(t, audit.Access{})
		entries, _, err := log.List(t.Context(), reader, audit.Query{Everything: true, Environments: []models.EnvironmentID{1}})
		if !fault.Is(err, fault.Forbidden) || len(entries) != 0 {
			t.Errorf("%d entries, %v", len(entries), err)
		}
		if got := newest(t, s); len(got) != 1 || got[0].Outcome != models.OutcomeRefused {
			t.Errorf("on record %+v, want the refusal", got)
		}
	})
	t.Run("NotRecordedNotRead", func(t *testing.T) {
		log, s := open(t, audit.Access{Everything: true})
		if err := s.Close(); err != nil {
			t.Fatal(err)
		}
		if entries, _, err := log.List(t.Context(), reader, audit.Query{}); !fault.Is(err, fault.Unavailable) || entries != nil {
			t.Errorf("%d entries, %v", len(entries), err)
		}
	})
}

func TestRecent(t *testing.T) {
	for name, c := range map[string]struct {
		access audit.Access
		want   int
	}{"nothing": {audit.Access{}, 0}, "one": {audit.Access{Environments: []models.EnvironmentID{2}}, 1}, "all": {audit.Access{Everything: true}, 4}} {
		t.Run(name, func(t *testing.T) {
			log, _ := open(t, c.access)
			if got, err := log.Recent(t.Context(), reader, 10); err != nil || len(got) != c.want {
				t.Errorf("%d entries, %v; want %d", len(got), err, c.want)
			}
		})
	}
}

func TestEnded(t *testing.T) {
	for kind, want := range map[fault.Kind]models.Outcome{
		fault.Forbidden: models.OutcomeRefused, fault.Unauthenticated: models.OutcomeRefused, fault.NotFound: models.OutcomeRefused,
		fault.Invalid: models.OutcomeFailed, fault.Unavailable: models.OutcomeFailed, fault.Internal: models.OutcomeFailed,
	} {
		if got := audit.Ended(models.AuditEntry{}, fault.New(kind, "x")).Outcome; got != want {
			t.Errorf("%v is %s, want %s", kind, got, want)
		}
	}
	if got := audit.Ended(models.AuditEntry{Outcome: models.OutcomeFailed}, nil).Outcome; got != models.OutcomeAllowed {
		t.Errorf("no error is %s", got)
	}
}
