package legacy

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/your-org/keeper/fault"
	"github.com/your-org/keeper/keys"
	"github.com/your-org/keeper/kms"
	"github.com/your-org/keeper/kms/drivertest"
	"github.com/your-org/keeper/models"
	"github.com/your-org/keeper/secrets"
	"github.com/your-org/keeper/store"
	"github.com/your-org/keeper/store/storetest"
)

// house is the real service on a real store, with production and staging.
type house struct {
	t     *testing.T
	store *store.Store
	key   *drivertest.Fake
	*secrets.Service
	admin models.Actor
	keys  *Keyring
}

func newHouse(t *testing.T) *house {
	t.Helper()
	h := &house{t: t, store: storetest.SQLite(t), key: drivertest.NewFake(models.RecipientLocal, "k")}
	h.start()
	h.admin = models.Actor{Kind: models.ActorUser, ID: "usr_admin", UserID: "usr_admin", Name: "ada", Role: models.RoleAdmin, Via: "cli"}
	for _, name := range []string{"production", "staging"} {
		if _, err := h.CreateEnvironment(t.Context(), h.admin, models.Environment{Name: name}); err != nil {
			t.Fatal(err)
		}
	}
	text, err := os.ReadFile("testdata/keys.txt")
	if err != nil {
		t.Fatal(err)
	}
	h.keys = ring(t, string(text))
	return h
}

// start starts the service, again as a next run of the command would.
func (h *house) start() {
	h.t.Helper()
	envelope, err := kms.NewEnvelope(keys.NewRows(h.store), h.key, kms.Options{CacheTTL: kms.NoCache})
	if err != nil {
		h.t.Fatal(err)
	}
	h.t.Cleanup(envelope.Close)
	h.Service = secrets.New(secrets.Deps{Store: h.store, Envelope: envelope, Now: time.Now, DeleteGrace: time.Hour})
}

// run imports rows, those of the fixture where none are given.
func (h *house) run(o Options, rows ...Row) *Report {
	h.t.Helper()
	importer := Importer{Secrets: h.Service, Actor: h.admin, Keys: h.keys, Options: o}
	source := func(yield func(Row, error) bool) {
		for _, row := range rows {
			if !yield(row, nil) {
				return
			}
		}
	}
	if rows == nil {
		file, err := os.Open("testdata/export.json")
		if err != nil {
			h.t.Fatal(err)
		}
		defer file.Close()
		source = Read(file, "export.json")
	}
	report, err := importer.Run(h.t.Context(), source)
	if err != nil {
		h.t.Fatal(err)
	}
	sum := 0
	for _, n := range report.Counts {
		sum += n
	}
	if sum != report.Rows {
		h.t.Errorf("the counts add up to %d of %d rows", sum, report.Rows)
	}
	return report
}

// values are the secrets that stand, as environment/name=value.
func (h *house) values() map[string]string {
	h.t.Helper()
	all, err := h.Environments(h.t.Context(), h.admin)
	if err != nil {
		h.t.Fatal(err)
	}
	values := map[string]string{}
	for _, e := range all {
		x, err := h.Export(h.t.Context(), h.admin, e.ID, secrets.ExportQuery{})
		if err != nil {
			h.t.Fatal(err)
		}
		for _, one := range x.Items {
			values[e.Name+":"+one.Secret.Name] = string(one.Secret.Type) + " " + string(one.Value.Reveal())
		}
	}
	return values
}

// fixture is what the committed export comes to.
var fixture = map[Outcome]int{
	Imported: 4, AlreadyThere: 1, InConflict: 1, WrongKey: 3, Damaged: 3, BadName: 1, BadType: 1, NotValid: 1, NoEnvironment: 1,
}

var fixtureValues = map[string]string{
	"production:payments/db/password": "PASSWORD canary-one",
	"production:payments/api-key":     "API_KEY canary-two",
	"production:config":               `JSON {"canary": "drei ü"}`,
	"staging:note":                    "TEXT canary four\nwith two lines",
}

func TestImport(t *testing.T) {
	h := newHouse(t)
	dry := h.run(Options{DryRun: true})
	if diff := cmp.Diff(fixture, dry.Counts); diff != "" {
		t.Errorf("dry run: -want +got\n%s", diff)
	}
	if values := h.values(); len(values) != 0 {
		t.Fatalf("a dry run wrote %d secrets", len(values))
	}
	report := h.run(Options{Source: "export.json"})
	if diff := cmp.Diff(fixture, report.Counts); diff != "" {
		t.Errorf("run: -want +got\n%s", diff)
	}
	if diff := cmp.Diff(fixtureValues, h.values()); diff != "" {
		t.Errorf("values: -want +got\n%s", diff)
	}
	if diff := cmp.Diff(dry.Problems, report.Problems); diff != "" {
		t.Errorf("problems: -dry run +run\n%s", diff)
	}
	again := h.run(Options{})
	want := map[Outcome]int{AlreadyThere: 5}
	for outcome, n := range fixture {
		if !outcome.Fine() {
			want[outcome] = n
		}
	}
	if diff := cmp.Diff(want, again.Counts); diff != "" {
		t.Errorf("again: -want +got\n%s", diff)
	}
	text, err := json.Marshal([]*Report{dry, report, again})
	if err != nil || strings.Contains(string(text), "canary") {
		t.Errorf("the report holds a value, or %v", err)
	}
}

func TestVersionsSayWhereTheyCameFrom(t *testing.T) {
	h := newHouse(t)
	h.run(Options{Source: "export.json"})
	e, err := h.FindEnvironment(t.Context(), h.admin, "production")
	if err != nil {
		t.Fatal(err)
	}
	s, err := h.FindSecret(t.Context(), h.admin, e, "payments/db/password")
	if err != nil || s.Description != "of the database" {
		t.Fatalf("description %q, %v", s.Description, err)
	}
	versions, err := h.Versions(t.Context(), h.admin, s.ID, 0, 10)
	if err != nil || len(versions) != 1 {
		t.Fatal(len(versions), err)
	}
	want := "Brought over from the older Keeper (Fernet), export.json, row 1, created 2021-03-04 05:06:07"
	if versions[0].Comment != want || versions[0].CreatedBy != "ada" {
		t.Errorf("comment %q by %s", versions[0].Comment, versions[0].CreatedBy)
	}
	entries, _, err := h.Activity(t.Context(), h.admin, s.ID, "", 10)
	if err != nil || len(entries) != 1 || entries[0].Action != "secret.create" {
		t.Errorf("on record %+v, %v", entries, err)
	}
}

func (h *house) row(name, kind, value string) Row {
	h.t.Helper()
	return Row{Place: "row 1", Name: name, Environment: "production", Type: kind, Token: sealed(h.t, specKey, value)}
}

// TestOutcomes holds that a dry run says what the run then does.
func TestOutcomes(t *testing.T) {
	for name, c := range map[string]struct {
		options Options
		rows    func(*house) []Row
		want    []Outcome // of the last run
		value   string    // of production:a afterwards
	}{
		"as text, a type that is none": {
			Options{AsText: true}, func(h *house) []Row { return []Row{h.row("a", "TOKEN", "v")} }, []Outcome{Imported}, "TEXT v",
		},
		"as text, a value that is not valid": {
			Options{AsText: true}, func(h *house) []Row { return []Row{h.row("a", "JSON", "{")} }, []Outcome{Imported}, "TEXT {",
		},
		"as text, no text": {
			Options{AsText: true}, func(h *house) []Row { return []Row{h.row("a", "TEXT", "\xff")} }, []Outcome{NotValid}, "",
		},
		"too large": {
			Options{AsText: true}, func(h *house) []Row { return []Row{h.row("a", "TEXT", strings.Repeat("v", 65_537))} }, []Outcome{TooLarge}, "",
		},
		"the largest": {
			Options{}, func(h *house) []Row { return []Row{h.row("a", "TEXT", strings.Repeat("v", 65_536))} }, []Outcome{Imported}, "TEXT " + strings.Repeat("v", 65_536),
		},
		"an empty value": {
			Options{}, func(h *house) []Row { return []Row{h.row("a", "TEXT", "")} }, []Outcome{NotValid}, "",
		},
		"a type with a dash": {
			Options{}, func(h *house) []Row { return []Row{h.row("a", "api-key", "v")} }, []Outcome{Imported}, "API_KEY v",
		},
		"a description too long": {
			Options{}, func(h *house) []Row {
				row := h.row("a", "TEXT", "v")
				row.Description = strings.Repeat("d", 2049)
				return []Row{row}
			}, []Outcome{NotValid}, "",
		},
		"another environment": {
			Options{Environment: "staging"}, func(h *house) []Row { return []Row{h.row("a", "TEXT", "v")} }, []Outcome{LeftOut}, "",
		},
		"no environment": {
			Options{}, func(h *house) []Row {
				row := h.row("a", "TEXT", "v")
				row.Environment = ""
				return []Row{row}
			}, []Outcome{NoEnvironment}, "",
		},
		"the environment that was said": {
			Options{Environment: "production"}, func(h *house) []Row {
				row := h.row("a", "TEXT", "v")
				row.Environment = ""
				return []Row{row}
			}, []Outcome{Imported}, "TEXT v",
		},
		"an environment by number": { // would be another one than the older Keeper's
			Options{}, func(h *house) []Row {
				row := h.row("a", "TEXT", "v")
				row.Environment = "1"
				return []Row{row}
			}, []Outcome{NoEnvironment}, "",
		},
		"an environment that cannot be made": {
			Options{CreateEnvironments: true}, func(h *house) []Row {
				row := h.row("a", "TEXT", "v")
				row.Environment = "not a slug"
				return []Row{row}
			}, []Outcome{NoEnvironment}, "",
		},
		"other value, left alone": {
			Options{}, func(h *house) []Row { return []Row{h.row("a", "TEXT", "v"), h.row("a", "TEXT", "w")} }, []Outcome{Imported, InConflict}, "TEXT v",
		},
		"other value, as version": {
			Options{NewVersions: true}, func(h *house) []Row {
				return []Row{h.row("a", "TEXT", "v"), h.row("a", "TEXT", "w"), h.row("a", "TEXT", "w")}
			}, []Outcome{Imported, NewVersion, AlreadyThere}, "TEXT w",
		},
		"other value, not of the standing type": {
			Options{NewVersions: true}, func(h *house) []Row { return []Row{h.row("a", "JSON", "{}"), h.row("a", "TEXT", "w")} }, []Outcome{Imported, NotValid}, "JSON {}",
		},
	} {
		t.Run(name, func(t *testing.T) {
			h := newHouse(t)
			h.keys = ring(t, specKey)
			for _, dry := range []bool{true, false} {
				var got []Outcome
				c.options.DryRun = dry
				c.options.Each = func(r Result) { got = append(got, r.Outcome) }
				report := h.run(c.options, c.rows(h)...)
				if diff := cmp.Diff(c.want, got); diff != "" {
					t.Errorf("dry run %t: -want +got\n%s\n%+v", dry, diff, report.Problems)
				}
			}
			if got := h.values()["production:a"]; got != c.value {
				t.Errorf("it holds %.20q, want %.20q", got, c.value)
			}
		})
	}
}

// TestAnOlderValueDoesNotComeBack: run again with new versions, what was changed since stays.
func TestAnOlderValueDoesNotComeBack(t *testing.T) {
	h := newHouse(t)
	h.keys = ring(t, specKey)
	rows := []Row{h.row("a", "TEXT", "v"), h.row("a", "TEXT", "w")}
	h.run(Options{NewVersions: true}, rows...)
	for _, dry := range []bool{true, false} {
		if report := h.run(Options{NewVersions: true, DryRun: dry}, rows...); report.Counts[AlreadyThere] != 2 {
			t.Errorf("dry run %t: %v", dry, report.Counts)
		}
	}
	if got := h.values()["production:a"]; got != "TEXT w" {
		t.Errorf("it holds %q", got)
	}
}

func TestEnvironmentsAreMade(t *testing.T) {
	h := newHouse(t)
	for _, dry := range []bool{true, false} {
		report := h.run(Options{CreateEnvironments: true, DryRun: dry})
		if diff := cmp.Diff([]string{"attic"}, report.Environments); diff != "" || report.Counts[NoEnvironment] != 0 || report.Counts[Imported] != 5 {
			t.Errorf("dry run %t: %v, made %v", dry, report.Counts, report.Environments)
		}
		_, err := h.FindEnvironment(t.Context(), h.admin, "attic")
		if dry != fault.Is(err, fault.NotFound) {
			t.Errorf("dry run %t: %v", dry, err)
		}
	}
	if got := h.values()["attic:nowhere"]; got != "TEXT canary-attic" {
		t.Errorf("it holds %q", got)
	}
}

func TestADeletedSecretIsLeftAlone(t *testing.T) {
	h := newHouse(t)
	h.run(Options{})
	e, err := h.FindEnvironment(t.Context(), h.admin, "production")
	if err != nil {
		t.Fatal(err)
	}
	s, err := h.FindSecret(t.Context(), h.admin, e, "config")
	if err != nil {
		t.Fatal(err)
	}
	if _, err := h.Delete(t.Context(), h.admin, s.ID, 0); err != nil {
		t.Fatal(err)
	}
	report := h.run(Options{NewVersions: true})
	for _, p := range report.Problems {
		if p.Name == "config" && (p.Outcome != InConflict || !strings.Contains(p.Reason, "undelete")) {
			t.Errorf("got %+v", p)
		}
	}
	if report.Counts[InConflict] != 1 {
		t.Errorf("counts %v", report.Counts)
	}
}

// TestTheKeyAway reports every row as failed and writes nothing; the next run brings them.
func TestTheKeyAway(t *testing.T) {
	h := newHouse(t)
	h.key.CutOff()
	report := h.run(Options{})
	if report.Counts[Failed] != 6 || report.Counts[Imported] != 0 {
		t.Errorf("counts %v", report.Counts)
	}
	h.key.Mend()
	h.start()
	if report = h.run(Options{}); report.Counts[Imported] != 4 {
		t.Errorf("counts %v", report.Counts)
	}
}

// TestWhatDoesNotOpenAgainDoesNotCount: written, but not proved.
func TestWhatDoesNotOpenAgainDoesNotCount(t *testing.T) {
	h := newHouse(t)
	h.key.Fail(drivertest.OpUnwrap, fault.New(fault.Unavailable, "The key is away."))
	h.keys = ring(t, specKey)
	report := h.run(Options{}, h.row("a", "TEXT", "v"))
	if report.Counts[Failed] != 1 || report.Complete() {
		t.Errorf("counts %v", report.Counts)
	}
}

func TestACutFileIsToldOf(t *testing.T) {
	h := newHouse(t)
	h.keys = ring(t, specKey)
	importer := Importer{Secrets: h.Service, Actor: h.admin, Keys: h.keys}
	file := fmt.Sprintf(`[{"name":"a","environment":"production","secret_type":"TEXT","ciphertext":%q},{"na`, sealed(t, specKey, "v"))
	report, err := importer.Run(t.Context(), Read(strings.NewReader(file), ""))
	if err != nil || report.Rows != 1 || report.Counts[Imported] != 1 || report.Cut == "" || report.Complete() {
		t.Errorf("report %+v, %v", report, err)
	}
}

func TestInterrupted(t *testing.T) {
	h := newHouse(t)
	h.keys = ring(t, specKey)
	ctx, cancel := context.WithCancel(t.Context())
	importer := Importer{Secrets: h.Service, Actor: h.admin, Keys: h.keys, Options: Options{Each: func(Result) { cancel() }}}
	rows := []Row{h.row("a", "TEXT", "v"), h.row("b", "TEXT", "v")}
	report, err := importer.Run(ctx, func(yield func(Row, error) bool) {
		for _, row := range rows {
			if !yield(row, nil) {
				return
			}
		}
	})
	if !errors.Is(err, context.Canceled) || report.Rows != 1 {
		t.Errorf("%d rows, %v", report.Rows, err)
	}
}
