package templates

import (
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/your-org/keeper/models"
)

// emptying is the page for one of some keys.
func emptying(keys []KeyView, at int, backend string, runs ...KeyRunView) *KeyEmptyPage {
	return &KeyEmptyPage{Key: keys[at], Keys: keys, KeyBackend: backend, Runs: runs, Confirmation: Confirmation{Name: keys[at].Typed()}}
}

func TestKeyMoves(t *testing.T) {
	type move struct {
		Environment string
		To          []string
		Instead     string
	}
	safe := "safe in Zürich"
	local := localKeys()
	for name, c := range map[string]struct {
		page             *KeyEmptyPage
		replaces, renews bool
		want             []move
	}{
		"former in one, wrapping key in others": {emptying(freeKeys(), 1, "kms"), true, false, []move{
			{"production", []string{"the new wrapping key", safe}, "alias/keeper-production"},
			{"staging", []string{"the new wrapping key", safe}, ""},
			{"development", []string{"the new wrapping key"}, ""},
		}},
		"former":                   {emptying(formerKeys(), 1, "kms"), false, false, []move{{"production", []string{"alias/keeper-production", safe}, ""}}},
		"newest version of local":  {emptying(local, 0, "local"), false, true, []move{{"development", []string{"a new version of the local key"}, ""}}},
		"earlier version of local": {emptying(local, 1, "local"), false, false, []move{{"development", []string{"local:5f0c:2"}, ""}}},
	} {
		t.Run(name, func(t *testing.T) {
			var got []move
			for _, m := range c.page.Moves() {
				got = append(got, move{m.Environment.Name, m.To, m.Instead})
			}
			if diff := cmp.Diff(c.want, got); diff != "" {
				t.Error(diff)
			}
			if c.page.Replaces() != c.replaces || c.page.Renews() != c.renews {
				t.Errorf("replaces %t, renews %t", c.page.Replaces(), c.page.Renews())
			}
			if blocks := c.page.Blocks(); len(blocks) != 0 {
				t.Errorf("in the way is %+v", blocks)
			}
		})
	}
}

func TestKeyBlocks(t *testing.T) {
	run := func(kind models.KeyRunKind, status models.KeyRunStatus) KeyRunView {
		return sampleKeyRun("krn_1", kind, status, new(production), time.Minute)
	}
	changed := func(at int, change func(*KeyView)) []KeyView {
		keys := formerKeys()
		change(&keys[at])
		return keys
	}
	away := func(k *KeyView) { k.Problem, k.Hint = "AWS KMS does not answer.", "Check the network." }
	for name, c := range map[string]struct {
		page *KeyEmptyPage
		says []string // each what is in the way, and where it leads
	}{
		"nothing":               {emptying(formerKeys(), 1, "kms"), nil},
		"second key":            {emptying(sampleKeys(), 2, "kms"), []string{"second key", "/environments/production/keys"}},
		"recovery":              {emptying(sampleKeys(), 3, "kms"), []string{"recovery", "/environments/production/keys", "recovery", "/environments/staging/keys"}},
		"second key disabled":   {emptying(sampleKeys(), 1, "kms"), []string{"standby in Ireland, second key of Production, is pending deletion", "/environments/production/keys"}},
		"unknown":               {emptying(changed(1, func(k *KeyView) { k.Uses[0].Role = RoleUnknown }), 1, "kms"), []string{"may be this one", "/environments/production/keys"}},
		"target away":           {emptying(changed(0, away), 1, "kms"), []string{"cannot be looked up now: AWS KMS does not answer.", "/environments/production/keys"}},
		"target known by ARN":   {emptying(changed(0, func(k *KeyView) { away(k); k.Name = sampleARN }), 1, "kms"), nil},
		"target disabled":       {emptying(changed(0, func(k *KeyView) { k.Enabled, k.State = false, "Disabled" }), 1, "kms"), []string{"is disabled: nothing can be wrapped", "/environments/production/keys"}},
		"itself disabled":       {emptying(changed(1, func(k *KeyView) { k.Enabled, k.State = false, "Disabled" }), 1, "kms"), nil},
		"replaced and disabled": {emptying(changed(0, func(k *KeyView) { k.Enabled, k.State = false, "Disabled" }), 0, "kms"), nil},
		"re-encrypting":         {emptying(formerKeys(), 1, "kms", run(models.KeyReencrypt, models.KeyRunRunning)), []string{"Re-encryption of Production is at work.", "/keys/runs/krn_1"}},
		"re-encrypted":          {emptying(formerKeys(), 1, "kms", run(models.KeyReencrypt, models.KeyRunSucceeded)), nil},
		"re-wrapping":           {emptying(formerKeys(), 1, "kms", run(models.KeyRewrap, models.KeyRunRunning)), nil},
		"scrubbing":             {emptying(formerKeys(), 1, "kms", run(models.KeyScrub, models.KeyRunRunning)), nil},
	} {
		t.Run(name, func(t *testing.T) {
			blocks := c.page.Blocks()
			if len(blocks) != len(c.says)/2 {
				t.Fatalf("in the way is %+v", blocks)
			}
			for i, b := range blocks {
				if !strings.Contains(b.Why, c.says[2*i]) || b.URL != c.says[2*i+1] || b.Do == "" || b.Act == "" {
					t.Errorf("got %+v, want %s and %s", b, c.says[2*i], c.says[2*i+1])
				}
			}
		})
	}
	t.Run("goes on", func(t *testing.T) {
		moves := emptying(formerKeys(), 1, "kms", run(models.KeyRewrap, models.KeyRunRunning)).Moves()
		if moves[0].Run == nil {
			t.Error("the re-wrap that is at work is not told of")
		}
	})
}

func TestKeyTyped(t *testing.T) {
	for want, key := range map[string]KeyView{
		"alias/keeper":           {Kind: models.RecipientKMS, ID: sampleARN, Aliases: []string{"alias/keeper"}},
		"99aabbccddee":           {Kind: models.RecipientKMS, ID: sampleARN},
		"sfn9aqmcac8p":           {Kind: models.RecipientRecovery, Name: sampleAge, ID: sampleAge},
		"local:5f0c9a1e77b20d3a": {Kind: models.RecipientLocal, ID: "local:5f0c9a1e77b20d3a"},
		"k":                      {ID: "k"},
	} {
		if got := key.Typed(); got != want {
			t.Errorf("%s is typed as %s, want %s", key.Full(), got, want)
		}
	}
}

func TestKeyCanEmpty(t *testing.T) {
	use := func(role KeyRole, keys int) KeyView {
		return KeyView{ID: "k", Uses: []KeyUse{{Environment: production, Role: role, DataKeys: keys}}}
	}
	for name, c := range map[string]struct {
		key  KeyView
		want bool
	}{
		"wrapping key": {use(RolePrimary, 1), true}, "former": {use(RoleFormer, 1), true}, "not known": {use(RoleUnknown, 1), true},
		"second": {use(RoleSecond, 1), false}, "recovery": {use(RoleRecovery, 1), false}, "empty": {use(RolePrimary, 0), false},
		"without an id": {KeyView{Uses: use(RoleFormer, 1).Uses}, false}, "unused": {KeyView{ID: "k", CanClose: true}, false},
	} {
		if got := c.key.CanEmpty(); got != c.want {
			t.Errorf("%s: got %t", name, got)
		}
	}
}

func TestKeyEmptyPage(t *testing.T) {
	pages := samplePages()
	t.Run("Offered", func(t *testing.T) {
		links := all(render(t, pages["keys"]), `.keys-table a[href^="/keys/rewrap?key="]`)
		if len(links) != 2 || text(links[1]) != "Empty… alias/keeper" {
			t.Errorf("%d keys are offered to be emptied", len(links))
		}
		page := pages["keys"].(*KeysPage)
		page.MayManage = false
		if n := len(all(render(t, page), `a[href^="/keys/rewrap"]`)); n != 0 {
			t.Errorf("%d are offered to who may only look", n)
		}
	})
	t.Run("Preview", func(t *testing.T) {
		document := render(t, pages["key to empty"])
		if rows := all(document, "#moves tbody tr"); len(rows) != 3 || !strings.Contains(text(rows[0]), "in place of alias/keeper-production") {
			t.Errorf("%d rows: %s", len(rows), text(rows[0]))
		}
		if seen := all(document, `input[name="seen"]`); len(seen) != 1 || attribute(seen[0], "value") != "production former, staging primary, development primary" {
			t.Error("what was seen is not sent back")
		}
		if len(all(document, "#f-to-key[required]")) != 1 || len(all(document, "#f-confirm[required]")) != 1 {
			t.Error("the new key or the confirmation is not asked for")
		}
	})
	t.Run("InTheWay", func(t *testing.T) {
		document := render(t, pages["key to empty, in the way"])
		if n := len(all(document, "#in-the-way li a")); n != 2 || len(all(document, "main form[action]")) != 0 {
			t.Errorf("%d things are in the way, and a form is there", n)
		}
	})
	t.Run("Former", func(t *testing.T) {
		if document := render(t, pages["key to empty, former"]); len(all(document, "#f-to-key")) != 0 || len(all(document, "#f-confirm")) != 1 {
			t.Error("a new wrapping key is asked for where none is needed")
		}
	})
}
