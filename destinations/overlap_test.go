package destinations_test

import (
	"context"
	"strings"
	"sync"
	"testing"

	"github.com/your-org/keeper/destinations"
	"github.com/your-org/keeper/fault"
	"github.com/your-org/keeper/models"
	"github.com/your-org/keeper/store"
	"github.com/your-org/keeper/store/storetest"
)

// offline is a destination that is saved without a call.
func (h *house) offline(name string, kind models.DestinationKind, c models.DestinationConfig) (models.Destination, error) {
	return h.Create(context.Background(), admin, destinations.Draft{
		Environment: h.env.ID, Name: name, Kind: kind, Config: c, SkipCheck: true,
		Credentials: models.DestinationCredentials{VaultToken: plain("t"), AccessKeyID: plain("a"), SecretAccessKey: plain("s")},
	})
}

func TestOverlap(t *testing.T) {
	vault := func(set func(*models.DestinationConfig)) models.DestinationConfig {
		c := models.DestinationConfig{Address: "https://vault.example.com", Mount: "secret", Prefix: "apps/"}
		set(&c)
		return c
	}
	aws := func(set func(*models.DestinationConfig)) models.DestinationConfig {
		c := models.DestinationConfig{Region: "eu-central-1", Prefix: "apps/"}
		set(&c)
		return c
	}
	same := func(*models.DestinationConfig) {}
	role := func(account string) func(*models.DestinationConfig) {
		return func(c *models.DestinationConfig) { c.RoleARN = "arn:aws:iam::" + account + ":role/keeper" }
	}
	for name, c := range map[string]struct {
		one, two models.DestinationConfig
		overlap  bool
	}{
		"Same":               {vault(same), vault(same), true},
		"SpeltOtherwise":     {vault(same), vault(func(c *models.DestinationConfig) { c.Address, c.Mount = "https://VAULT.example.com:443/", "secret/" }), true},
		"Within":             {vault(same), vault(func(c *models.DestinationConfig) { c.Prefix = "apps/a/" }), true},
		"Around":             {vault(same), vault(func(c *models.DestinationConfig) { c.Prefix = "ap" }), true},
		"NoPrefix":           {vault(same), vault(func(c *models.DestinationConfig) { c.Prefix, c.NoPrefix = "", true }), true},
		"Beside":             {vault(same), vault(func(c *models.DestinationConfig) { c.Prefix = "apps2/" }), false},
		"AnotherMount":       {vault(same), vault(func(c *models.DestinationConfig) { c.Mount = "other" }), false},
		"AnotherNamespace":   {vault(same), vault(func(c *models.DestinationConfig) { c.Namespace = "team" }), false},
		"NamespaceInMount":   {vault(func(c *models.DestinationConfig) { c.Namespace = "team/" }), vault(func(c *models.DestinationConfig) { c.Mount = "team/secret" }), true},
		"NamespacesInTwo":    {vault(func(c *models.DestinationConfig) { c.Namespace, c.Mount = "a/b", "c" }), vault(func(c *models.DestinationConfig) { c.Namespace, c.Mount = "a", "b/c" }), true},
		"FullyQualified":     {vault(same), vault(func(c *models.DestinationConfig) { c.Address = "https://vault.example.com." }), true},
		"OneIPv6":            {vault(func(c *models.DestinationConfig) { c.Address = "https://[2001:db8::1]" }), vault(func(c *models.DestinationConfig) { c.Address = "https://[2001:DB8:0:0::1]" }), true},
		"AWSOwnEndpoint":     {aws(same), aws(func(c *models.DestinationConfig) { c.Endpoint = "https://secretsmanager.eu-central-1.amazonaws.com" }), true},
		"AnotherAddress":     {vault(same), vault(func(c *models.DestinationConfig) { c.Address = "https://vault.example.com:8200" }), false},
		"Accepted":           {vault(same), vault(func(c *models.DestinationConfig) { c.AcceptOverlap = true }), false},
		"ByTemplate":         {vault(func(c *models.DestinationConfig) { c.NameTemplate = "a/{name}" }), vault(func(c *models.DestinationConfig) { c.NameTemplate = "b/{name}" }), false},
		"TemplatesThatMeet":  {vault(func(c *models.DestinationConfig) { c.NameTemplate = "{tag:t}/{name}" }), vault(func(c *models.DestinationConfig) { c.NameTemplate = "b/{name}" }), true},
		"ABundle":            {vault(same), vault(func(c *models.DestinationConfig) { c.Shape, c.BundleName = models.ShapeBundle, "all" }), true},
		"AWS":                {aws(same), aws(same), true},
		"AnotherRegion":      {aws(same), aws(func(c *models.DestinationConfig) { c.Region = "us-east-1" }), false},
		"AnotherEndpoint":    {aws(same), aws(func(c *models.DestinationConfig) { c.Endpoint = "http://127.0.0.1:1" }), false},
		"TwoAccounts":        {aws(role("111122223333")), aws(role("444455556666")), false},
		"OneAccountTwoRoles": {aws(role("111122223333")), aws(func(c *models.DestinationConfig) { c.RoleARN = "arn:aws:iam::111122223333:role/other" }), true},
		"AccountNotKnown":    {aws(role("111122223333")), aws(same), true},
	} {
		t.Run(name, func(t *testing.T) {
			h := sqlite(t)
			kind := models.DestinationVault
			if c.one.Region != "" {
				kind = models.DestinationAWS
			}
			if _, err := h.offline("one", kind, c.one); err != nil {
				t.Fatal(err)
			}
			_, err := h.offline("two", kind, c.two)
			if c.overlap {
				wantFault(t, err, fault.Conflict)
				if public := fault.Public(err); !strings.Contains(public.Message, "one of production") || !strings.Contains(public.Hint, "accept_overlap") {
					t.Errorf("told as %q, %q", public.Message, public.Hint)
				}
			} else if err != nil {
				t.Error(err)
			}
		})
	}
}

// TestOverlapWithWhatOneMayNotSee: nothing tells a destination that is hidden from one that is not
// there, whatever is tried, and in its own log it is on record.
func TestOverlapWithWhatOneMayNotSee(t *testing.T) {
	h := sqlite(t)
	hidden := h.destination(t, "shared")
	other, err := h.secrets.CreateEnvironment(t.Context(), admin, models.Environment{Name: "staging"})
	if err != nil {
		t.Fatal(err)
	}
	manager := models.Actor{
		Kind: models.ActorUser, ID: "usr_m", UserID: "usr_m", Name: "mia", Role: models.RoleUser, Via: "test",
		Roles: map[models.EnvironmentID]models.EnvironmentRole{other.ID: models.RoleManager},
	}
	bound := admin
	bound.Kind, bound.Scope = models.ActorToken, &models.TokenScope{Environments: []models.EnvironmentID{other.ID}}
	entries := func(action string, in models.EnvironmentID) (found []models.AuditEntry) {
		t.Helper()
		if err := h.store.Read(t.Context(), func(tx *store.Tx) (err error) {
			found, _, err = tx.Audit(store.AuditQuery{Environments: []models.EnvironmentID{in}, Action: action})
			return err
		}); err != nil {
			t.Fatal(err)
		}
		return found
	}
	for i, c := range []struct {
		actor  models.Actor
		mount  string
		prefix string
		accept bool
		meets  bool
	}{
		{manager, "shared", "production/", false, true},
		{manager, "shared", "p", false, true},
		{manager, "shared", "q", false, false},
		{manager, "shared", "production/", true, true},
		{manager, "elsewhere", "production/", false, false},
		{bound, "shared", "production/", false, true},
	} {
		before := len(entries("destination.overlap", h.env.ID))
		d, err := h.Create(t.Context(), c.actor, destinations.Draft{
			Environment: other.ID, Name: "mine", Kind: models.DestinationMemory,
			Config: models.DestinationConfig{Mount: c.mount, Prefix: c.prefix, AcceptOverlap: c.accept}, SkipCheck: true,
		})
		if err != nil {
			t.Fatalf("%d: %v", i, err)
		}
		for _, e := range entries("", other.ID) {
			if e.Detail["accepted"] != "" || e.Action == "destination.overlap" {
				t.Errorf("%d: the log that the actor may read says %+v", i, e)
			}
		}
		told := entries("destination.overlap", h.env.ID)
		if (len(told) > before) != c.meets || c.meets && (told[0].ObjectID != string(hidden.ID) || told[0].ActorName != c.actor.Name || len(told[0].Detail) > 0) {
			t.Errorf("%d: on record there is %+v", i, told)
		}
		if err := h.Delete(t.Context(), c.actor, d.ID); err != nil {
			t.Fatal(err)
		}
	}
	manager.Roles[h.env.ID] = models.RoleViewer
	_, err = h.Create(t.Context(), manager, destinations.Draft{
		Environment: other.ID, Name: "mine", Kind: models.DestinationMemory,
		Config: models.DestinationConfig{Mount: "shared", Prefix: "production/"}, SkipCheck: true,
	})
	wantFault(t, err, fault.Conflict)
}

func TestOverlapByAChange(t *testing.T) {
	h := sqlite(t)
	a := h.with(t, "a", func(c *models.DestinationConfig) { c.Mount, c.NameTemplate = "m", "a/{name}" })
	b := h.with(t, "b", func(c *models.DestinationConfig) { c.Mount, c.NameTemplate = "m", "b/{name}" })
	config := b.Config
	config.NameTemplate = "{name}"
	_, err := h.Update(t.Context(), admin, b.ID, destinations.Change{Config: &config}, 0)
	wantFault(t, err, fault.Conflict)
	config.AcceptOverlap = true
	if b, err = h.Update(t.Context(), admin, b.ID, destinations.Change{Config: &config}, 0); err != nil {
		t.Fatal(err)
	}
	config = b.Config
	config.AcceptOverlap, config.Strategy = false, models.ManualWins
	if b, err = h.Update(t.Context(), admin, b.ID, destinations.Change{Config: &config}, 0); err != nil || !b.Config.AcceptOverlap {
		t.Errorf("a change of something else: %v, %+v", err, b.Config)
	}
	config = a.Config
	config.Strategy = models.ManualWins
	if _, err := h.Update(t.Context(), admin, a.ID, destinations.Change{Config: &config}, 0); err != nil {
		t.Errorf("the other's change of something else: %v", err)
	}
}

// TestOverlapAtOnce has many destinations of one place saved at the same moment.
func TestOverlapAtOnce(t *testing.T) {
	for _, dialect := range storetest.Dialects {
		t.Run(dialect, func(t *testing.T) {
			h := newHouse(t, storetest.Open(t, dialect))
			var saving sync.WaitGroup
			errs := make([]error, 8)
			for i := range errs {
				saving.Go(func() {
					draft := h.draft("d" + string(rune('a'+i)))
					draft.Config.Mount = "one"
					_, errs[i] = h.Create(t.Context(), admin, draft)
				})
			}
			saving.Wait()
			saved := 0
			for _, err := range errs {
				if err == nil {
					saved++
				} else {
					wantFault(t, err, fault.Conflict)
				}
			}
			if saved != 1 {
				t.Errorf("%d were saved", saved)
			}
		})
	}
}

func TestShapeStays(t *testing.T) {
	h := sqlite(t)
	d := h.with(t, "vault", objects(""))
	for _, shape := range []models.Shape{models.ShapeValue, models.ShapeFolder} {
		config := d.Config
		config.Shape = shape
		_, err := h.Update(t.Context(), admin, d.ID, destinations.Change{Config: &config}, 0)
		wantFault(t, err, fault.Invalid)
	}
	config := d.Config
	config.Shape = ""
	changed, err := h.Update(t.Context(), admin, d.ID, destinations.Change{Config: &config}, 0)
	if err != nil || changed.Config.Shape != models.ShapeObject {
		t.Errorf("left out: %v, %+v", err, changed.Config)
	}
	plain := h.destination(t, "plain")
	config = plain.Config
	config.Shape = models.ShapeValue
	if _, err := h.Update(t.Context(), admin, plain.ID, destinations.Change{Config: &config}, 0); err != nil {
		t.Errorf("the same, named: %v", err)
	}
}
