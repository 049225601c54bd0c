package destinations_test

import (
	"context"
	"slices"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/your-org/keeper/destinations"
	"github.com/your-org/keeper/fault"
	"github.com/your-org/keeper/models"
	"github.com/your-org/keeper/secrets"
	"github.com/your-org/keeper/store"
	"github.com/your-org/keeper/store/storetest"
)

func objects(s models.Strategy) func(*models.DestinationConfig) {
	return func(c *models.DestinationConfig) { c.Shape, c.Strategy = models.ShapeObject, s }
}

func (h *house) make(t *testing.T, n secrets.NewSecret) models.Secret {
	t.Helper()
	n.Environment = h.env.ID
	s, err := h.secrets.Create(t.Context(), admin, n)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func (h *house) json(t *testing.T, name, value string) models.Secret {
	t.Helper()
	return h.make(t, secrets.NewSecret{Name: name, Type: models.JSON, Value: plain(value)})
}

// count counts the values that are opened for the sync from now on.
func (h *house) count() *atomic.Int64 {
	var n atomic.Int64
	open := h.Service.OpenVersion
	h.Service.OpenVersion = func(ctx context.Context, e models.Environment, v models.SecretVersion) (models.Plaintext, error) {
		n.Add(1)
		return open(ctx, e, v)
	}
	return &n
}

func (h *house) stands(t *testing.T, mount, name, want string) {
	t.Helper()
	if got, _ := h.places.at(mount).Get(name); got.Remote.Deleted || string(got.Value) != want {
		t.Errorf("%s holds %q, want %q", name, got.Value, want)
	}
}

func (h *house) written(mount, name string) int {
	got, _ := h.places.at(mount).Get(name)
	return got.Writes
}

// TestObjects has whole entries written, compared and repaired, without opening what did not
// change.
func TestObjects(t *testing.T) {
	for _, dialect := range storetest.Dialects {
		for name, kept := range map[string]bool{"HashesKept": true, "HashesOfBefore": false} {
			t.Run(dialect+name, func(t *testing.T) {
				h := newHouse(t, storetest.Open(t, dialect))
				if kept {
					h.secrets.EntryHash = destinations.EntryHash
				}
				testObjects(t, h, kept)
			})
		}
	}
}

func testObjects(t *testing.T, h *house, kept bool) {
	d := h.with(t, "vault", objects(""))
	object := h.json(t, "object", `{ "user": "u", "n": 1.0, "in": {"b": 1, "a": 2} }`)
	h.json(t, "list", `[1, 2]`)
	h.put(t, "text", "v")
	opened := h.count()
	if run := h.full(t, d); run.Counts.Created != 3 || run.Status != models.RunSucceeded {
		t.Fatalf("run %+v", run)
	}
	h.stands(t, "vault", "production/object", `{"in":{"a":2,"b":1},"n":1,"user":"u"}`)
	h.stands(t, "vault", "production/list", `{"value":"[1, 2]"}`)
	h.stands(t, "vault", "production/text", `{"value":"v"}`)
	if n, want := opened.Load(), map[bool]int64{true: 3, false: 5}[kept]; n != want {
		t.Errorf("%d values were opened to write three, want %d", n, want)
	}

	opened.Store(0)
	h.places.at("vault").Edit("production/object", []byte("{\"user\" :\"u\",\n \"in\":{\"b\":1,\"a\":2}, \"n\":1.0}"))
	h.update(t, object, `{"n":1.0,"in":{"a":2,"b":1},"user":"\u0075"}`)
	if run := h.full(t, d); run.Counts.InSync != 3 || run.Status != models.RunSucceeded {
		t.Errorf("white space, order and escapes: run %+v", run)
	}
	if n := opened.Load(); kept && n != 0 {
		t.Errorf("%d values were opened with nothing to do", n)
	}
	if n := h.written("vault", "production/object"); n != 2 { // the first, and the stranger's
		t.Errorf("%d writes of the object", n)
	}
	opened.Store(0)
	if run := h.full(t, d); run.Counts.InSync != 3 || opened.Load() != 0 {
		t.Errorf("nothing to do: %d opened, run %+v", opened.Load(), run)
	}

	for _, entry := range []string{
		`{"in":{"a":2,"b":1},"n":1.5,"user":"u"}`, `{"in":{"a":2,"b":1},"n":"1.0","user":"u"}`, `{"in":{"a":2,"b":1},"user":"u"}`,
		`{"in":{"a":2,"b":1},"n":1.0,"user":"u","more":null}`, `{"in":{"a":2,"b":1},"n":1.0,"USER":"u"}`, `{}`, `{"value":"x"}`,
	} {
		h.places.at("vault").Edit("production/object", []byte(entry))
		if run := h.full(t, d); run.Counts.Repaired != 1 || run.Counts.InSync != 2 {
			t.Errorf("%s: run %+v", entry, run)
		}
		h.stands(t, "vault", "production/object", `{"in":{"a":2,"b":1},"n":1,"user":"u"}`)
	}
	h.places.at("vault").Edit("production/text", []byte(`{"value":"v","more":"x"}`))
	if run := h.full(t, d); run.Counts.Repaired != 1 {
		t.Errorf("another key beside a text: run %+v", run)
	}
	h.stands(t, "vault", "production/text", `{"value":"v"}`)
}

func TestObjectsTaken(t *testing.T) {
	h := sqlite(t)
	d := h.with(t, "vault", objects(models.RemoteWins))
	object, list, text := h.json(t, "object", `{"a":1}`), h.json(t, "list", `[1]`), h.put(t, "text", "v")
	h.work(t, d)
	place := h.places.at("vault")
	place.Edit("production/object", []byte(`{"b": 2, "a": 1}`))
	place.Edit("production/list", []byte(`{"value": "[1,2]"}`))
	place.Edit("production/text", []byte(`{"value": "w"}`))
	if run := h.full(t, d); run.Counts.Taken != 3 || run.Status != models.RunSucceeded {
		t.Fatalf("run %+v", run)
	}
	for _, c := range []struct {
		secret models.Secret
		want   string
	}{{object, `{"a":1,"b":2}`}, {list, `[1,2]`}, {text, "w"}} {
		if got, number := h.value(t, c.secret); got != c.want || number != 2 {
			t.Errorf("%s is %q in version %d, want %q", c.secret.Name, got, number, c.want)
		}
	}
	if run := h.full(t, d); run.Counts.InSync != 3 || h.written("vault", "production/object") != 2 {
		t.Errorf("after taking: run %+v", run)
	}
}

// TestOtherKeysAreHeld has what a secret cannot take wait for a person, and lose nothing.
func TestOtherKeysAreHeld(t *testing.T) {
	h := sqlite(t)
	d := h.with(t, "vault", objects(models.RemoteWins))
	s := h.put(t, "text", "v")
	h.work(t, d)
	h.places.at("vault").Edit("production/text", []byte(`{"value":"w","more":"x"}`))
	for range 2 {
		if run := h.full(t, d); run.Counts.Held != 1 || run.Counts.Failed != 0 {
			t.Fatalf("run %+v", run)
		}
	}
	h.stands(t, "vault", "production/text", `{"value":"w","more":"x"}`)
	reveals := func(entry, want string) {
		t.Helper()
		h.places.at("vault").Edit("production/text", []byte(entry))
		if got, err := h.RevealRemote(t.Context(), admin, d.ID, s.ID); err != nil || string(got.Reveal()) != want {
			t.Errorf("%s is revealed as %q, %v", entry, got.Reveal(), err)
		}
	}
	reveals(`{"value":"w"}`, "w")
	reveals(`{"value":"w","more":"x"}`, `{"value":"w","more":"x"}`)
	h.full(t, d)
	hold, err := h.Hold(t.Context(), admin, d.ID, s.ID)
	if err != nil || !strings.Contains(hold.Why, "value alone") {
		t.Fatalf("hold %+v, %v", hold, err)
	}
	err = h.Rule(t.Context(), admin, destinations.Ruling{
		Destination: d.ID, Secret: s.ID, Side: models.SideKeeper, Version: hold.Version, RemoteVersion: hold.RemoteVersion,
	})
	if err != nil {
		t.Fatal(err)
	}
	h.work(t, d)
	h.stands(t, "vault", "production/text", `{"value":"v"}`)
}

func TestObjectThatIsNone(t *testing.T) {
	h := sqlite(t)
	d := h.with(t, "vault", objects(""))
	s := h.json(t, "twice", `{"a":1,"a":2}`)
	opened := h.count()
	run := h.full(t, d)
	state := h.state(t, s, d)
	if run.Counts.Failed != 1 || state.Status != models.StatusSourceChanged || !strings.Contains(state.LastError, "key twice") || state.LastHint == "" {
		t.Fatalf("run %+v, state %+v", run, state)
	}
	plan, err := h.Plan(t.Context(), admin, d.ID)
	if err != nil || plan.Counts.Problems != 1 {
		t.Errorf("plan %+v, %v", plan, err)
	}
	if opened.Load() != 1 {
		t.Errorf("opened %d times", opened.Load())
	}
}

// TestUnreadableObject holds that a version which cannot be opened is unknown, and that what
// stands at the destination stays, whatever the strategy.
func TestUnreadableObject(t *testing.T) {
	for _, strategy := range models.Strategies {
		t.Run(string(strategy), func(t *testing.T) {
			h := sqlite(t)
			d := h.with(t, "vault", objects(strategy))
			s := h.json(t, "object", `{"a":1}`)
			h.work(t, d)
			h.places.at("vault").Edit("production/object", []byte(`{"a":2}`))
			h.update(t, s, `{"a":3}`)
			h.Service.OpenVersion = func(context.Context, models.Environment, models.SecretVersion) (models.Plaintext, error) {
				return models.Plaintext{}, fault.New(fault.Unavailable, "The KMS is away.")
			}
			if run := h.full(t, d); run.Counts.Unknown != 1 || run.Counts.Checked != 1 {
				t.Errorf("run %+v", run)
			}
			h.stands(t, "vault", "production/object", `{"a":2}`)
			if state := h.state(t, s, d); state.Status != models.StatusUnknown || !strings.Contains(state.LastError, "The KMS is away.") {
				t.Errorf("state %+v", state)
			}
			if _, number := h.value(t, s); number != 2 {
				t.Errorf("version %d", number)
			}
		})
	}
}

func templated(text string) func(*models.DestinationConfig) {
	return func(c *models.DestinationConfig) { c.NameTemplate = text }
}

func TestNamesFromATemplate(t *testing.T) {
	for _, dialect := range storetest.Dialects {
		t.Run(dialect, func(t *testing.T) {
			h := newHouse(t, storetest.Open(t, dialect))
			d := h.with(t, "vault", templated("{tag:team}/{type}/{name}"))
			tagged := func(name string, tags map[string]string) models.Secret {
				return h.make(t, secrets.NewSecret{Name: name, Type: models.APIKey, Value: plain("v"), Tags: tags})
			}
			good := tagged("db", map[string]string{"team": "core"})
			bare := tagged("bare", nil)
			bad := tagged("bad", map[string]string{"team": "a b"})
			plan, err := h.Plan(t.Context(), admin, d.ID)
			if err != nil || plan.Counts.Creates != 1 || plan.Counts.Problems != 2 {
				t.Errorf("plan %+v, %v", plan.Counts, err)
			}
			if run := h.full(t, d); run.Counts.Created != 1 || run.Counts.Failed != 2 || run.Status != models.RunPartial {
				t.Fatalf("run %+v", run)
			}
			h.stands(t, "vault", "production/core/api_key/db", "v")
			for secret, want := range map[*models.Secret]string{&bare: "no tag team", &bad: "name_template"} {
				if state := h.state(t, *secret, d); !strings.Contains(state.LastError, secret.Name) || !strings.Contains(state.LastError, want) || state.LastHint == "" {
					t.Errorf("%s: %q, %q", secret.Name, state.LastError, state.LastHint)
				}
			}
			for _, s := range []models.Secret{good, bare, bad} {
				tags := map[string]string{"team": "other"}
				if _, err := h.secrets.Update(t.Context(), admin, s.ID, secrets.Change{Tags: &tags}, 0); err != nil {
					t.Fatal(err)
				}
			}
			if run := h.full(t, d); run.Counts.Created != 2 || run.Counts.InSync != 1 {
				t.Errorf("with tags: run %+v", run)
			}
			want := []string{"production/core/api_key/db", "production/other/api_key/bad", "production/other/api_key/bare"}
			if got := h.places.at("vault").Names(); !slices.Equal(got, want) {
				t.Errorf("names %v, want %v: the first stays what it was", got, want)
			}
			config := h.reload(t, d).Config
			config.NameTemplate = "new-{name}"
			if _, err := h.Update(t.Context(), admin, d.ID, destinations.Change{Config: &config}, 0); err != nil {
				t.Fatal(err)
			}
			h.put(t, "late", "v")
			h.full(t, d)
			if got := h.places.at("vault").Names(); !slices.Equal(got, append(want[:1:1], "production/new-late", want[1], want[2])) {
				t.Errorf("after another template the names are %v", got)
			}
		})
	}
}

// TestTwoSecretsOfOneName has the older secret keep the name, in plans and in runs.
func TestTwoSecretsOfOneName(t *testing.T) {
	h := sqlite(t)
	d := h.with(t, "vault", templated("{tag:team}-{name}"))
	one := h.make(t, secrets.NewSecret{Name: "b-c", Type: models.Text, Value: plain("one"), Tags: map[string]string{"team": "a"}})
	two := h.make(t, secrets.NewSecret{Name: "c", Type: models.Text, Value: plain("two"), Tags: map[string]string{"team": "a-b"}})
	check := func(t *testing.T, problem string) {
		t.Helper()
		if !strings.Contains(problem, "production/a-b-c") || !strings.Contains(problem, one.Name) {
			t.Errorf("the problem is told as %q", problem)
		}
	}
	for _, when := range []string{"before", "after"} {
		plan, err := h.Plan(t.Context(), admin, d.ID)
		if err != nil || plan.Counts.Problems != 1 {
			t.Fatalf("%s: plan %+v, %v", when, plan.Counts, err)
		}
		items, err := h.PlanItems(t.Context(), admin, plan.ID, store.PlanItemQuery{After: one.ID, Limit: 10})
		if err != nil || len(items) != 1 || items[0].SecretID != two.ID {
			t.Fatalf("%s: items %+v, %v", when, items, err)
		}
		check(t, items[0].Problem)
		run := h.full(t, d)
		if run.Counts.Failed != 1 || run.Counts.Created+run.Counts.InSync != 1 {
			t.Errorf("%s: run %+v", when, run)
		}
		check(t, h.state(t, two, d).LastError)
		h.stands(t, "vault", "production/a-b-c", "one")
	}
}
