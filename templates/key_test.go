package templates

import (
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/your-org/keeper/models"
)

func TestKeyNeeds(t *testing.T) {
	well := HealthItem{Health: HealthOK}
	key := func(change func(*KeyView)) []KeyView {
		k := KeyView{Kind: models.RecipientKMS, Name: "alias/a", ID: sampleARN, Enabled: true, State: "Enabled", Uses: []KeyUse{{Environment: production, Role: RolePrimary, DataKeys: 3}}}
		change(&k)
		return []KeyView{k}
	}
	spare := func(d *models.KeyDrill) []KeyView {
		return key(func(k *KeyView) { k.Uses[0].Role, k.Uses[0].Drill = RoleRecovery, d })
	}
	running := sampleKeyRun("krn_1", models.KeyRewrap, models.KeyRunRunning, new(production), time.Minute)
	failed := sampleKeyRun("krn_2", models.KeyRewrap, models.KeyRunFailed, new(production), time.Hour)
	again := sampleKeyRun("krn_3", models.KeyRewrap, models.KeyRunSucceeded, new(production), time.Minute)
	scrub := sampleKeyRun("krn_4", models.KeyScrub, models.KeyRunPartial, nil, time.Hour)
	damaged := scrub
	damaged.Damaged = true
	former := key(func(k *KeyView) { k.Uses[0].Role = RoleFormer })
	for name, c := range map[string]struct {
		health HealthItem
		keys   []KeyView
		scrub  *KeyRunView
		runs   []KeyRunView
		want   []string // the words, the worst first
	}{
		"well":                {well, key(func(*KeyView) {}), nil, nil, nil},
		"away":                {HealthItem{Health: HealthDown}, key(func(k *KeyView) { k.Problem = "away" }), nil, nil, []string{"not reachable"}},
		"not found":           {well, key(func(k *KeyView) { k.Problem = "gone" }), nil, nil, []string{"not known now"}},
		"disabled":            {well, key(func(k *KeyView) { k.Enabled, k.State = false, "Disabled" }), nil, nil, []string{"disabled"}},
		"pending deletion":    {well, key(func(k *KeyView) { k.Enabled, k.State = false, "PendingDeletion" }), nil, nil, []string{"pending deletion"}},
		"disabled and empty":  {well, key(func(k *KeyView) { k.Enabled, k.Uses = false, nil }), nil, nil, nil},
		"former":              {well, former, nil, nil, []string{"former key in use"}},
		"former, worked on":   {well, former, nil, []KeyRunView{running}, nil},
		"perhaps former":      {well, key(func(k *KeyView) { k.Uses[0].Role = RoleUnknown }), nil, nil, nil},
		"owed":                {well, key(func(k *KeyView) { k.Uses[0].Missing = 1 }), nil, nil, []string{"wraps owed"}},
		"never proved":        {well, spare(nil), nil, nil, []string{"never proved"}},
		"proved of late":      {well, spare(sampleDrill(89*sampleDay, "")), nil, nil, nil},
		"proved long ago":     {well, spare(sampleDrill(91*sampleDay, "")), nil, nil, []string{"proof is old"}},
		"drill failed":        {well, spare(sampleDrill(time.Hour, "does not open")), nil, nil, []string{"drill failed"}},
		"scrub found":         {well, nil, &damaged, nil, []string{"damaged"}},
		"scrub saw not all":   {well, nil, &scrub, nil, []string{"not all looked at"}},
		"run failed":          {well, nil, nil, []KeyRunView{failed}, []string{"failed"}},
		"run made up for":     {well, nil, nil, []KeyRunView{again, failed}, nil},
		"the worst is first":  {well, append(former, spare(sampleDrill(time.Hour, "no"))...), nil, nil, []string{"drill failed", "former key in use"}},
		"nothing is known of": {HealthItem{Health: HealthUnknown}, nil, nil, nil, nil},
	} {
		t.Run(name, func(t *testing.T) {
			var got []string
			for _, need := range KeyNeeds(sampleNow, c.health, c.keys, c.scrub, c.runs) {
				got = append(got, need.Look().Word)
			}
			if diff := cmp.Diff(c.want, got); diff != "" {
				t.Error(diff)
			}
		})
	}
}

func TestRecoveryOf(t *testing.T) {
	keys := sampleKeys()
	for _, c := range []struct {
		environment models.Environment
		word        string
		spares      int
	}{{production, "never proved", 2}, {staging, "drill failed", 1}, {development, "one key only", 0}} {
		r := RecoveryOf(c.environment, keys)
		if got := r.Look(sampleNow).Word; got != c.word || r.Spares != c.spares {
			t.Errorf("%s: got %s with %d spares, want %s with %d", c.environment.Name, got, r.Spares, c.word, c.spares)
		}
	}
	keys[3].Uses[0].Drill = sampleDrill(time.Hour, "")
	r := RecoveryOf(production, keys)
	if r.ProvedAt == nil || !r.ProvedAt.Equal(ago(120*sampleDay)) || r.Look(sampleNow).Word != "proof is old" {
		t.Errorf("the oldest proof counts; got %+v", r)
	}
}

func TestKeyRunReport(t *testing.T) {
	run := func(status models.KeyRunStatus, change func(*models.KeyRun)) KeyRunView {
		v := sampleKeyRun("krn_1", models.KeyRewrap, status, new(production), time.Hour)
		change(&v.Run)
		return v
	}
	for name, c := range map[string]struct {
		view KeyRunView
		tone FlashKind
		says string
	}{
		"emptied":   {run(models.KeyRunSucceeded, func(r *models.KeyRun) { r.Hint = "Nothing stands under k any more; it may be disabled." }), FlashDone, "may be disabled"},
		"not empty": {run(models.KeyRunSucceeded, func(r *models.KeyRun) { r.Hint, r.Remaining = "Do not disable k.", 3 }), FlashWarning, "Do not disable"},
		"wordless":  {run(models.KeyRunSucceeded, func(*models.KeyRun) {}), FlashDone, "exactly those"},
		"partial":   {run(models.KeyRunPartial, func(r *models.KeyRun) { r.Error = "2 data keys could not be wrapped." }), FlashWarning, "could not be wrapped"},
		"failed":    {run(models.KeyRunFailed, func(r *models.KeyRun) { r.Error = "refused" }), FlashFailed, "What was done stays"},
		"cancelled": {run(models.KeyRunCancelled, func(*models.KeyRun) {}), FlashNote, "cancelled"},
	} {
		t.Run(name, func(t *testing.T) {
			report := c.view.Report()
			if report == nil || report.Tone != c.tone || !strings.Contains(report.Message, c.says) {
				t.Errorf("got %+v", report)
			}
		})
	}
	if report := run(models.KeyRunRunning, func(*models.KeyRun) {}).Report(); report != nil {
		t.Errorf("a run that goes on reports %+v", report)
	}
}

func TestKeyPages(t *testing.T) {
	pages := samplePages()
	t.Run("Progress", func(t *testing.T) {
		bar := all(render(t, pages["key run running"]), "progress[aria-label]")
		if len(bar) != 1 || attribute(bar[0], "value") != "30" || attribute(bar[0], "max") != "100" || attribute(bar[0], "aria-label") != "Re-wrap of Production" {
			t.Errorf("the bar of progress does not tell how far it is: %d", len(bar))
		}
	})
	t.Run("WithoutATotal", func(t *testing.T) {
		if bar := all(render(t, pages["key run waiting"]), "progress"); len(bar) != 1 || attribute(bar[0], "value") != "" {
			t.Error("a run whose whole is not known shows a share of it")
		}
	})
	t.Run("Findings", func(t *testing.T) {
		links := all(render(t, pages["key run with findings"]), `#findings a[href="/secrets/1/versions"]`)
		if len(links) != 1 || text(links[0]) != "payments/stripe/api-key, version 3" {
			t.Errorf("a damaged version leads nowhere: %d", len(links))
		}
	})
	t.Run("Unknown", func(t *testing.T) {
		rows := all(render(t, pages["keys away"]), ".keys-table tbody")
		if row := text(rows[len(rows)-1]); !strings.Contains(row, "not known") || strings.Contains(row, "0") {
			t.Errorf("what is not known of a key is told as none: %s", row)
		}
	})
	t.Run("NotForManagers", func(t *testing.T) {
		document := render(t, pages["environment keys to a manager"])
		if n := len(all(document, "#environment-keys a.btn, .page-acts")); n != 0 {
			t.Errorf("%d acts are offered to who may only look", n)
		}
	})
	t.Run("Sidebar", func(t *testing.T) {
		page := pages["keys"].(*KeysPage)
		if len(all(render(t, page), `.nav-list a[href="/keys"][aria-current]`)) != 1 {
			t.Error("the sidebar does not lead to the keys")
		}
		page.MayViewKeys = false
		if len(all(render(t, page), `.nav-list a[href="/keys"]`)) != 0 {
			t.Error("the sidebar leads to the keys whoever looks at it")
		}
	})
}

func TestBriefKey(t *testing.T) {
	for name, want := range map[string]string{
		sampleARN: "123456789012:key/1a2b3c4d-0000-4444-8888-99aabbccddee", "alias/keeper": "alias/keeper", sampleAge: "age1ql3z7hjy54pw3hyww5ay…n9aqmcac8p",
		"local:5f0c:1": "local:5f0c:1", "": "", "age1short": "age1short", strings.Repeat("é", 100): strings.Repeat("é", 24) + "…" + strings.Repeat("é", 10),
	} {
		if got := briefKey(name); got != want {
			t.Errorf("%s: got %s, want %s", name, got, want)
		}
	}
}
