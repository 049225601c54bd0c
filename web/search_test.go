package web_test

import (
	"slices"
	"strings"
	"testing"

	"github.com/go-rod/rod/lib/input"
	"github.com/go-rod/rod/lib/proto"

	"github.com/your-org/keeper/auth"
	"github.com/your-org/keeper/models"
)

// found are the labels of what a page, or the palette's part of it, lists under its titles.
func (p *page) found() map[string][]string {
	groups := map[string][]string{}
	title := ""
	for _, n := range p.all(`main .panel-head h2, .palette-title, .found-label`) {
		words := strings.Join(strings.Fields(textOf(n, "")), " ")
		if !strings.Contains(attribute(n, "class"), "found-label") {
			title = words
			continue
		}
		groups[title] = append(groups[title], words)
	}
	return groups
}

// asks is what an expression on the page says, "" while the page is being replaced.
func (b *tab) asks(expression string) string {
	got, err := b.Eval("() => String(" + expression + ")")
	if err != nil {
		return ""
	}
	return got.Value.Str()
}

func TestSearch(t *testing.T) {
	h := newHouse(t)
	h.user("ada", models.RoleAdmin, nil)
	production, d, s := h.furnish()
	h.user("vic", models.RoleUser, map[models.EnvironmentID]models.EnvironmentRole{production.ID: models.RoleViewer})
	h.user("nobody", models.RoleUser, nil)
	_, err := h.auth.CreateGroup(t.Context(), actorOf(t, h, "ada"), auth.NewGroup{Name: "payments people"})
	must(t, err)
	run := h.pass(d)
	ada, vic, nobody := h.as("ada"), h.as("vic"), h.as("nobody")

	t.Run("Everything", func(t *testing.T) {
		got := ada.get("/search?q=payments").found()
		if names := got["Secrets"]; !slices.Equal(names, []string{"payments/db", s.Name}) {
			t.Errorf("secrets: %v", names)
		}
		if names := got["Groups"]; !slices.Equal(names, []string{"payments people"}) {
			t.Errorf("groups: %v", names)
		}
		got = ada.get("/search?q=ada").found()
		if !slices.Contains(got["People"], "ada") {
			t.Errorf("people: %v", got)
		}
		got = ada.get("/search?q=production").found()
		if !slices.Contains(got["Environments"], "production") || !slices.Contains(got["Go to"], "Secrets in production") {
			t.Errorf("environments: %v", got)
		}
		got = ada.get("/search?q=AWS").found()
		if !slices.Equal(got["Destinations"], []string{"aws-main"}) || !slices.Contains(got["Runs"], "Run at aws-main") {
			t.Errorf("destinations and runs: %v", got)
		}
		p := ada.get("/search?q=" + string(run.ID))
		if links := p.all(`a.found[href="/sync/runs/` + string(run.ID) + `"]`); len(links) != 1 {
			t.Errorf("a run by its id: %v", p.found())
		}
	})
	t.Run("Actions", func(t *testing.T) {
		if got := ada.get("/search?q=create+sec").found()["Go to"]; len(got) == 0 || got[0] != "New secret" {
			t.Errorf("got %v", got)
		}
		everywhere := ada.get("/search", "HX-Request", "true").found()["Go to"]
		if !slices.Contains(everywhere, "Accounts") || !slices.Contains(everywhere, "New environment") {
			t.Errorf("without words an administrator is offered %v", everywhere)
		}
	})
	t.Run("Unseen", func(t *testing.T) {
		for _, query := range []string{"", "staging", "db", "vault-main", "ada", "people", "payments", "new", "admin", "keys"} {
			for name, v := range map[string]*visitor{"vic": vic, "nobody": nobody} {
				p := v.get("/search?q="+query, "HX-Request", "true")
				for _, hidden := range []string{"staging", "payments/db", "vault-main", "/admin/users", "/admin/groups", "/keys", "/secrets/new", "/audit"} {
					if strings.Contains(p.body, hidden) {
						t.Errorf("%q tells %s of %s", query, name, hidden)
					}
				}
			}
		}
		if got := vic.get("/search?q=stripe").found()["Secrets"]; !slices.Equal(got, []string{s.Name}) {
			t.Errorf("what the viewer may see: %v", got)
		}
		if got := nobody.get("/search?q=stripe").found(); len(got) != 0 {
			t.Errorf("nobody finds %v", got)
		}
	})
	t.Run("Nothing", func(t *testing.T) {
		p := ada.get("/search?q=zzz")
		if p.status != 200 || len(p.found()) != 0 || len(p.all(`main a[href="/secrets?q=zzz"]`)) != 1 {
			t.Errorf("%d %s", p.status, p.text("main"))
		}
		if p := ada.get("/search?q=zzz", "HX-Request", "true"); strings.TrimSpace(p.body) != "" {
			t.Errorf("the palette gets %q", p.body)
		}
		if p := ada.get("/search?q=" + strings.Repeat("%C3%A4", 5000)); p.status != 200 || len(p.body) > 30_000 {
			t.Errorf("a long query: %d, %d bytes", p.status, len(p.body))
		}
	})
	t.Run("Link", func(t *testing.T) {
		p := ada.get("/search?q=stripe+production")
		if links := p.all(`a.found[href="/secrets/1"]`); len(links) != 1 {
			t.Errorf("%v", p.found())
		}
	})
}

// TestPalette goes through the palette by keyboard alone.
func TestPalette(t *testing.T) {
	h := newHouse(t)
	h.user("ada", models.RoleAdmin, nil)
	h.furnish()
	b := newTab(t, h)
	b.signIn("ada", password)
	press := func(keys ...input.Key) { must(t, b.Keyboard.Type(keys...)) }
	ask := func() {
		must(t, b.Keyboard.Press(input.ControlLeft))
		press(input.KeyK)
		must(t, b.Keyboard.Release(input.ControlLeft))
		eventually(t, "the palette", func() bool { return b.asks(`!!document.querySelector("#palette[open]")`) == "true" })
	}
	chosen := func(label string) func() bool {
		return func() bool {
			return b.asks(`document.getElementById(document.querySelector(".palette-query").getAttribute("aria-activedescendant"))?.querySelector(".found-label").textContent ?? ""`) == label
		}
	}
	t.Run("Open", func(t *testing.T) {
		b.open("/")
		ask()
		eventually(t, "places", b.says("#palette-options", "New secret"))
		press([]input.Key("stripe")...)
		eventually(t, "the secret to be chosen", chosen("payments/stripe/api-key"))
		if got := b.asks(`document.querySelector(".palette-query").getAttribute("aria-expanded")`); got != "true" {
			t.Errorf("aria-expanded is %s", got)
		}
		eventually(t, "the count", b.says(".palette-note", "found"))
		press(input.Enter)
		eventually(t, "the secret's page", func() bool { return b.asks(`location.pathname`) == "/secrets/1" })
		b.silent("opening")
	})
	t.Run("Choose", func(t *testing.T) {
		b.open("/sync")
		ask()
		press([]input.Key("payments")...)
		eventually(t, "the first", chosen("payments/db"))
		press(input.ArrowDown)
		eventually(t, "the second", chosen("payments/stripe/api-key"))
		press(input.ArrowUp)
		eventually(t, "the first again", chosen("payments/db"))
		press(input.ArrowUp)
		eventually(t, "round to the last", func() bool { return !chosen("payments/db")() })
		press(input.Escape)
		eventually(t, "the palette to close", func() bool { return b.asks(`!!document.querySelector("#palette[open]")`) == "false" })
		b.silent("choosing")
	})
	t.Run("Nothing", func(t *testing.T) {
		ask()
		press([]input.Key("zzz")...)
		eventually(t, "that nothing is found", b.says(".palette-note", "Nothing that you may see is named so"))
		press(input.Enter)
		eventually(t, "the page of results", func() bool { return b.asks(`location.pathname + location.search`) == "/search?q=zzz" })
		b.silent("nothing")
	})
	t.Run("Click", func(t *testing.T) {
		b.open("/environments")
		must(t, b.find("#jump").Click(proto.InputMouseButtonLeft, 1))
		press([]input.Key("audit")...)
		eventually(t, "the page", chosen("Audit log"))
		must(t, b.find(`#palette [aria-selected="true"]`).Click(proto.InputMouseButtonLeft, 1))
		eventually(t, "the log", func() bool { return b.asks(`location.pathname`) == "/audit" })
		b.silent("clicking")
	})
	t.Run("Away", func(t *testing.T) {
		b.open("/environments")
		ask()
		must(t, proto.NetworkEnable{}.Call(b))
		must(t, proto.NetworkEmulateNetworkConditions{Offline: true, Latency: 0, DownloadThroughput: -1, UploadThroughput: -1}.Call(b))
		press([]input.Key("au")...)
		eventually(t, "that it did not answer", b.says(".palette-note", "did not answer"))
		must(t, proto.NetworkEmulateNetworkConditions{Latency: 0, DownloadThroughput: -1, UploadThroughput: -1}.Call(b))
		press([]input.Key("dit")...)
		eventually(t, "it to go on", chosen("Audit log"))
	})
}
