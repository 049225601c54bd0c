package web_test

import (
	"testing"
	"time"

	"github.com/go-rod/rod"
	"github.com/go-rod/rod/lib/proto"

	"github.com/your-org/keeper/models"
)

// TestAccessInBrowser grants and refuses as people do: an administrator makes a person and
// gives it a role; the person signs in and sees that and nothing else; the role is taken
// away, and is gone within two seconds.
func TestAccessInBrowser(t *testing.T) {
	h := newHouse(t)
	h.user("ada", models.RoleAdmin, nil)
	h.furnish()
	admin, person := newTab(t, h), newTab(t, h)
	admin.signIn("ada", password)
	eventually(t, "the overview", admin.says("h1", "Overview"))

	admin.click(`.nav-list a[href="/admin/users"]`)
	admin.click(`a.btn-primary[href="/admin/users/new"]`)
	admin.fill("#f-username", "grace")
	admin.click(`form[action="/admin/users"] button`)
	oneTime := admin.text("[data-secret-value]")
	admin.click("a.btn-primary")
	eventually(t, "the account", admin.says("#rights", "Nothing in any environment"))

	person.signIn("grace", oneTime)
	person.fill("#f-current-password", oneTime)
	person.fill("#f-new-password", "four words make passwords")
	person.fill("#f-repeat-password", "four words make passwords")
	person.click(`form[action="/password"] button`)
	eventually(t, "the overview", person.says("h1", "Overview"))
	person.open("/environments")
	eventually(t, "no environment", person.says("#environments", "No environments yet"))
	person.open("/environments/staging")
	eventually(t, "nothing to be there", person.says(".problem-what", "no environment"))
	person.quiet()

	t.Run("Give", func(t *testing.T) {
		must(t, admin.find("#f-environment").Select([]string{`[value="staging"]`}, true, rod.SelectorTypeCSSSector))
		must(t, admin.find("#f-role").Select([]string{`[value="reader"]`}, true, rod.SelectorTypeCSSSector))
		admin.click("#act-give")
		eventually(t, "the role", admin.says("#rights", "reader, a role of its own here"))
		admin.silent("giving a role")

		person.open("/environments")
		eventually(t, "its environment", person.says("#environments", "staging"))
		if person.says("#environments", "production")() {
			t.Error("it sees an environment in which it has no role")
		}
		for _, selector := range []string{`a[href="/admin/users"]`, `a[href="/keys"]`, `a[href="/environments/new"]`} {
			if found, _, err := person.Has(selector); err != nil || found {
				t.Errorf("it is offered %s, %v", selector, err)
			}
		}
		person.open("/secrets")
		eventually(t, "its secrets", person.says("#results", "payments/"))
		person.open("/secrets/new")
		if person.says("main", "Save")() {
			t.Error("a reader is offered to write")
		}
		person.silent("looking around")
	})
	t.Run("Explain", func(t *testing.T) {
		admin.click(`.page-acts a[href^="/admin/access"]`)
		must(t, admin.find("#f-environment-id").Select([]string{`[value="staging"]`}, true, rod.SelectorTypeCSSSector))
		admin.click(`form[action="/admin/access"] button`)
		eventually(t, "the answer", admin.says("#answer", "reader, a role of its own here"))
		admin.click(`#answer a[href^="/admin/users/"]`)
		admin.silent("explaining")
	})
	t.Run("TakeAway", func(t *testing.T) {
		wait, handle := admin.MustHandleDialog()
		go func() { wait(); handle(true, "") }()
		admin.click(`#rights .acts button`)
		start := time.Now()
		eventually(t, "the role to be gone", func() bool {
			person.open("/environments/staging")
			return person.says(".problem-what", "no environment")()
		})
		if took := time.Since(start); took > 2*time.Second {
			t.Errorf("the role was good for %v after it was taken away", took)
		}
		eventually(t, "the page to say so", admin.says("#rights", "Nothing in any environment"))
		person.open("/secrets")
		if person.says("#results", "payments/")() {
			t.Error("it still sees the secrets")
		}
		admin.silent("taking a role away")
	})
	t.Run("Quiet", func(t *testing.T) {
		must(t, admin.SetViewport(&proto.EmulationSetDeviceMetricsOverride{Width: 390, Height: 844, DeviceScaleFactor: 1, Mobile: true}))
		for _, path := range []string{
			"/admin/users", "/admin/users/new", "/admin/groups", "/admin/groups/new", "/admin/tokens", "/admin/access", "/tokens", "/tokens/new", "/tokens/leaked",
			"/environments/staging/members",
		} {
			admin.open(path)
			wide, err := admin.Eval(`() => document.documentElement.scrollWidth`)
			must(t, err)
			if got := wide.Value.Int(); got > 390 {
				t.Errorf("%s is %d px wide on a phone", path, got)
			}
			admin.silent(path)
		}
	})
}

func (b *tab) signIn(name, with string) {
	b.t.Helper()
	b.open("/sign-in")
	b.fill("#f-username", name)
	b.fill("#f-password", with)
	b.click(`form[action="/sign-in"] button`)
}

// quiet forgets what the console has said: of a page that is refused it tells.
func (b *tab) quiet() {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.noise = nil
}
