package audit_test

import (
	"bytes"
	"context"
	"encoding/csv"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/your-org/keeper/audit"
	"github.com/your-org/keeper/fault"
	"github.com/your-org/keeper/models"
	"github.com/your-org/keeper/store"
	"github.com/your-org/keeper/store/storetest"
)

// same is the reader, as it was.
func same(context.Context) (models.Actor, error) { return reader, nil }

// exported is what an export writes, and in how many parts.
func exported(t *testing.T, log *audit.Log, q audit.Query, format audit.Format) (text string, parts int) {
	t.Helper()
	x, err := log.Export(t.Context(), reader, q, format)
	if err != nil {
		t.Fatal(err)
	}
	var out bytes.Buffer
	if err := x.Write(t.Context(), &out, same, func() error { parts++; return nil }); err != nil {
		t.Fatal(err)
	}
	return out.String(), parts
}

// objects are the names of the objects of an export as JSON lines.
func objects(t *testing.T, text string) (names []string) {
	t.Helper()
	for one := range strings.Lines(text) {
		var entry struct{ Object string }
		if err := json.Unmarshal([]byte(one), &entry); err != nil {
			t.Fatalf("%q: %v", one, err)
		}
		names = append(names, entry.Object)
	}
	return names
}

func TestExportHoldsEverything(t *testing.T) {
	log, s := open(t, audit.Access{Everything: true})
	const many = 2345
	var want []string
	entries := make([]models.AuditEntry, many)
	for i := range entries {
		entries[i] = audit.Entry(reader, "test.many")
		entries[i].ObjectName = "object " + strconv.Itoa(i)
		want = append(want, entries[i].ObjectName)
	}
	if err := s.Write(t.Context(), func(tx *store.Tx) error { return tx.AppendAudits(entries) }); err != nil {
		t.Fatal(err)
	}
	text, parts := exported(t, log, audit.Query{Action: "test.many", Cursor: "none", Limit: 1}, audit.JSONLines)
	if diff := cmp.Diff(want, objects(t, text)); diff != "" {
		t.Errorf("entries (-want +got):\n%s", diff)
	}
	if parts != 3 {
		t.Errorf("written in %d parts, want 3", parts)
	}
	t.Run("NothingOfMeanwhile", func(t *testing.T) {
		x, err := log.Export(t.Context(), reader, audit.Query{Action: "test."}, audit.CSV)
		if err != nil {
			t.Fatal(err)
		}
		var out bytes.Buffer
		err = x.Write(t.Context(), &out, same, func() error { return s.Record(t.Context(), audit.Entry(reader, "test.meanwhile")) })
		if err != nil || strings.Contains(out.String(), "test.meanwhile") {
			t.Errorf("%v; what was recorded meanwhile is there: %v", err, strings.Contains(out.String(), "test.meanwhile"))
		}
	})
	t.Run("Stopped", func(t *testing.T) {
		x, err := log.Export(t.Context(), reader, audit.Query{Action: "test.many"}, audit.JSONLines)
		if err != nil {
			t.Fatal(err)
		}
		gone := errors.New("gone")
		if err := x.Write(t.Context(), &bytes.Buffer{}, same, func() error { return gone }); !errors.Is(err, gone) {
			t.Errorf("got %v", err)
		}
	})
	t.Run("StoreGone", func(t *testing.T) {
		x, err := log.Export(t.Context(), reader, audit.Query{Action: "test.many"}, audit.JSONLines)
		if err != nil {
			t.Fatal(err)
		}
		if err := x.Write(t.Context(), &bytes.Buffer{}, same, s.Close); err == nil {
			t.Error("half of an export ended well")
		}
	})
}

// TestExportLooksAgain sees that an export ends, on record, once its reader may not see all of it.
func TestExportLooksAgain(t *testing.T) {
	one := []models.EnvironmentID{1}
	over := fault.New(fault.Unauthenticated, "over")
	for name, c := range map[string]struct {
		began, then audit.Access
		still       error
		query       audit.Query
		want        fault.Kind
		refused     bool
	}{
		"the same":             {began: audit.Access{Environments: one}, then: audit.Access{Environments: one}},
		"more":                 {began: audit.Access{Environments: one}, then: audit.Access{Everything: true}},
		"no role any more":     {began: audit.Access{Environments: one}, then: audit.Access{}, want: fault.Forbidden, refused: true},
		"another environment":  {began: audit.Access{Environments: one}, then: audit.Access{Environments: []models.EnvironmentID{2}}, want: fault.Forbidden, refused: true},
		"no auditor any more":  {began: audit.Access{Everything: true}, then: audit.Access{Environments: one}, want: fault.Forbidden, refused: true},
		"what is asked stands": {began: audit.Access{Everything: true}, then: audit.Access{Environments: one}, query: audit.Query{Environments: one}},
		"signed out":           {began: audit.Access{Everything: true}, then: audit.Access{Everything: true}, still: over, want: fault.Unauthenticated, refused: true},
		"nobody can tell":      {began: audit.Access{Everything: true}, then: audit.Access{Everything: true}, still: fault.New(fault.Unavailable, "away"), want: fault.Unavailable},
	} {
		t.Run(name, func(t *testing.T) {
			s := storetest.SQLite(t)
			access := c.began
			log := audit.NewLog(s, func(context.Context, models.Actor) (audit.Access, error) { return access, nil })
			entries := make([]models.AuditEntry, 1500)
			for i := range entries {
				entries[i] = audit.OnEnvironment(reader, "test.many", models.Environment{ID: 1})
			}
			if err := s.Write(t.Context(), func(tx *store.Tx) error { return tx.AppendAudits(entries) }); err != nil {
				t.Fatal(err)
			}
			c.query.Action = "test.many"
			x, err := log.Export(t.Context(), reader, c.query, audit.JSONLines)
			if err != nil {
				t.Fatal(err)
			}
			var out bytes.Buffer
			still := func(context.Context) (models.Actor, error) { return reader, c.still }
			err = x.Write(t.Context(), &out, still, func() error { access = c.then; return nil })
			want := 1500
			if c.want != fault.Internal {
				want = 1000
			}
			if n := strings.Count(out.String(), "\n"); n != want || (err == nil) != (want == 1500) || err != nil && !fault.Is(err, c.want) {
				t.Errorf("%d entries, %v", n, err)
			}
			recorded := 0
			err = s.Read(t.Context(), func(tx *store.Tx) error {
				found, _, err := tx.Audit(store.AuditQuery{Everything: true, Action: "audit.export", Outcome: models.OutcomeRefused})
				for _, e := range found {
					recorded++
					if e.Detail["broken_off_after"] != "1000" || e.ActorID != reader.ID {
						t.Errorf("on record: %+v", e)
					}
				}
				return err
			})
			if err != nil || (recorded == 1) != c.refused {
				t.Errorf("%d refusals are on record, %v", recorded, err)
			}
		})
	}
}

// TestExportIsNarrowed sees that an export holds what the list shows its reader, and no more.
func TestExportIsNarrowed(t *testing.T) {
	ids := func(ids ...models.EnvironmentID) []models.EnvironmentID { return ids }
	for name, c := range map[string]struct {
		access audit.Access
		query  audit.Query
		want   []string
	}{
		"an auditor":              {audit.Access{Everything: true}, audit.Query{}, []string{"", "one", "two", "gone"}},
		"a manager":               {audit.Access{Environments: ids(1)}, audit.Query{Everything: true, Global: true}, []string{"one"}},
		"a manager asks for both": {audit.Access{Environments: ids(1)}, audit.Query{Environments: ids(1, 2)}, []string{"one"}},
		"a manager asks another":  {audit.Access{Environments: ids(1)}, audit.Query{Environments: ids(2)}, nil},
		"a filter":                {audit.Access{Everything: true}, audit.Query{Object: "TW"}, []string{"two"}},
	} {
		t.Run(name, func(t *testing.T) {
			log, _ := open(t, c.access)
			c.query.Action = "test.did"
			text, _ := exported(t, log, c.query, audit.JSONLines)
			if diff := cmp.Diff(c.want, objects(t, text)); diff != "" {
				t.Errorf("entries (-want +got):\n%s", diff)
			}
		})
	}
}

func TestExportIsOnRecord(t *testing.T) {
	recorded := func(t *testing.T, s *store.Store) models.AuditEntry {
		t.Helper()
		var found []models.AuditEntry
		if err := s.Read(t.Context(), func(tx *store.Tx) (err error) {
			found, _, err = tx.Audit(store.AuditQuery{Everything: true, Action: "audit.export"})
			return err
		}); err != nil || len(found) != 1 {
			t.Fatalf("%d exports are on record, %v", len(found), err)
		}
		return found[0]
	}
	since := time.Date(2026, 11, 1, 0, 0, 0, 0, time.UTC)
	asked := audit.Query{Search: "typed-by-mistake", Outcome: models.OutcomeRefused, Since: &since, Environments: []models.EnvironmentID{1}}
	t.Run("Allowed", func(t *testing.T) {
		log, s := open(t, audit.Access{Everything: true})
		if _, err := log.Export(t.Context(), reader, asked, audit.CSV); err != nil { // nothing is written yet
			t.Fatal(err)
		}
		e := recorded(t, s)
		want := map[string]string{"format": "csv", "outcome": "refused", "since": "2026-11-01T00:00:00Z", "narrowed_by": "search", "environment_id": "1"}
		if diff := cmp.Diff(want, e.Detail); diff != "" || e.Outcome != models.OutcomeAllowed || e.ActorName != "ada" || e.Address != reader.Address {
			t.Errorf("entry %+v (-want +got):\n%s", e, diff)
		}
	})
	t.Run("Refused", func(t *testing.T) {
		log, s := open(t, audit.Access{})
		if _, err := log.Export(t.Context(), reader, asked, audit.CSV); !fault.Is(err, fault.Forbidden) {
			t.Errorf("got %v", err)
		}
		if e := recorded(t, s); e.Outcome != models.OutcomeRefused {
			t.Errorf("on record as %s", e.Outcome)
		}
	})
	t.Run("NotRecordedNotExported", func(t *testing.T) {
		log, s := open(t, audit.Access{Everything: true})
		if err := s.Close(); err != nil {
			t.Fatal(err)
		}
		if _, err := log.Export(t.Context(), reader, asked, audit.CSV); !fault.Is(err, fault.Unavailable) {
			t.Errorf("got %v", err)
		}
	})
	t.Run("NoSuchFormat", func(t *testing.T) {
		log, _ := open(t, audit.Access{Everything: true})
		if _, err := log.Export(t.Context(), reader, asked, "xlsx"); !fault.Is(err, fault.Invalid) {
			t.Errorf("got %v", err)
		}
	})
}

// TestFormats writes what hostile names could break, and reads it back.
func TestFormats(t *testing.T) {
	log, s := open(t, audit.Access{Everything: true})
	hostile := []string{
		"=cmd|' /C calc'!A1", "+1", "-1", "@SUM(A1)", "\t=1", "\r=1", "  =1", "\uff1d1", "a,b", "a\"b", "two\nlines", "<b>&", "plain", "",
		"x;=1", "x\n +1", "x\t\"=1", "x;y",
	}
	for i, name := range hostile {
		e := audit.Entry(reader, "test.hostile")
		e.ObjectName, e.ActorName, e.Version = name, fmt.Sprint(i), models.VersionNumber(i)
		e.Detail = map[string]string{"why": name}
		if err := s.Record(t.Context(), e); err != nil {
			t.Fatal(err)
		}
	}
	q := audit.Query{Action: "test.hostile"}
	t.Run("JSONLines", func(t *testing.T) {
		text, _ := exported(t, log, q, audit.JSONLines)
		if diff := cmp.Diff(hostile, objects(t, text)); diff != "" {
			t.Errorf("names (-want +got):\n%s", diff)
		}
	})
	t.Run("CSV", func(t *testing.T) {
		text, _ := exported(t, log, q, audit.CSV)
		rows, err := csv.NewReader(strings.NewReader(text)).ReadAll()
		if err != nil || len(rows) != len(hostile)+1 {
			t.Fatalf("%d rows, %v", len(rows), err)
		}
		column := slices.Index(rows[0], "object")
		parted := map[string]string{ // where spreadsheets part cells at more than commas
			"\t=1": "'\t'=1", "\r=1": "'\r'=1", "x;=1": "x;'=1", "x\n +1": "x\n '+1", "x\t\"=1": "x\t\"'=1",
		}
		for i, row := range rows[1:] {
			want := hostile[i]
			if inside, ok := parted[want]; ok {
				want = inside
			} else if i < 8 {
				want = "'" + want
			}
			if got := row[column]; got != strings.ReplaceAll(want, "\r\n", "\n") {
				t.Errorf("%q is written as %q", hostile[i], got)
			}
			for _, cell := range row {
				if cell != "" && strings.ContainsRune("=+-@\t\r", rune(cell[0])) {
					t.Errorf("%q is a formula", cell)
				}
			}
		}
		if got := rows[4][slices.Index(rows[0], "detail")]; got != `{"why":"@SUM(A1)"}` {
			t.Errorf("the detail is %s", got)
		}
	})
	t.Run("Empty", func(t *testing.T) {
		none := audit.Query{Action: "test.none"}
		if text, _ := exported(t, log, none, audit.CSV); !strings.HasPrefix(text, "id,seq,at,") || strings.Count(text, "\n") != 1 {
			t.Errorf("got %q, want the heading", text)
		}
		if text, _ := exported(t, log, none, audit.JSONLines); text != "" {
			t.Errorf("got %q", text)
		}
	})
}

// BenchmarkExport is the time that one entry of a log takes to be exported, for somebody who
// sees everything and for the manager of two of three environments.
func BenchmarkExport(b *testing.B) {
	for name, access := range map[string]audit.Access{"all": {Everything: true}, "two": {Environments: []models.EnvironmentID{1, 2}}} {
		b.Run(name, func(b *testing.B) { benchmarkExport(b, access) })
	}
}

func benchmarkExport(b *testing.B, access audit.Access) {
	s := storetest.SQLite(b)
	const size = 300_000
	for done := 0; done < size; done += 5000 {
		entries := make([]models.AuditEntry, 5000)
		for i := range entries {
			entries[i] = audit.OnEnvironment(reader, "secret.reveal", models.Environment{ID: models.EnvironmentID(i%3 + 1), Name: "e"})
		}
		if err := s.Write(b.Context(), func(tx *store.Tx) error { return tx.AppendAudits(entries) }); err != nil {
			b.Fatal(err)
		}
	}
	log := audit.NewLog(s, func(context.Context, models.Actor) (audit.Access, error) { return access, nil })
	b.ReportAllocs()
	for b.Loop() {
		x, err := log.Export(b.Context(), reader, audit.Query{}, audit.CSV)
		if err != nil {
			b.Fatal(err)
		}
		var size counter
		if err := x.Write(b.Context(), &size, same, func() error { return nil }); err != nil {
			b.Fatal(err)
		}
		b.ReportMetric(float64(size), "bytes")
	}
}

type counter int

func (c *counter) Write(p []byte) (int, error) { *c += counter(len(p)); return len(p), nil }
