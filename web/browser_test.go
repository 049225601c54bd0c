package web_test

import (
	"context"
	"maps"
	"os"
	"os/exec"
	"regexp"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/go-rod/rod"
	"github.com/go-rod/rod/lib/input"
	"github.com/go-rod/rod/lib/launcher"
	"github.com/go-rod/rod/lib/launcher/flags"
	"github.com/go-rod/rod/lib/proto"

	"github.com/your-org/keeper/models"
	"github.com/your-org/keeper/test/browser"
)

// chromium starts a browser with an empty profile. Where there is none the test is skipped,
// except where all tests are asked for.
func chromium(t *testing.T) *rod.Browser {
	t.Helper()
	path, err := exec.LookPath("chromium")
	if err != nil {
		if os.Getenv("CI") != "" || os.Getenv("KEEPER_TEST_ALL") != "" {
			t.Fatal("chromium is not installed")
		}
		t.Skip("chromium is not installed: the pages are not tried in a browser (apt-get install chromium)")
	}
	start := launcher.New().Leakless(false).Bin(path).Headless(true).UserDataDir(t.TempDir()).NoSandbox(true)
	for _, flag := range []flags.Flag{"disable-gpu", "disable-quic", "no-first-run", "disable-background-networking", "disable-component-update", "disable-sync"} {
		start.Set(flag)
	}
	at, err := start.Launch()
	must(t, err)
	t.Cleanup(start.Kill)
	connected := rod.New().ControlURL(at)
	must(t, connected.Connect())
	t.Cleanup(func() { _ = connected.Close() })
	return connected
}

// wholeTab bounds all that a test does in one tab, on a machine that does much else.
const wholeTab = 5 * time.Minute

// tab is a page of the browser whose console is listened to.
type tab struct {
	*rod.Page
	t   *testing.T
	url string

	// links is where the pages lead that were come to; nil: they are held to nothing.
	links *browser.Links

	mu    sync.Mutex
	noise []string // errors of scripts, refused resources, violations of the policy
}

// held has a tab hold each page that it comes to to what none may show, as the journeys do.
func (b *tab) held() *tab {
	b.links = &browser.Links{}
	return b
}

// look holds a page of Keeper's, and remembers where it leads.
func (b *tab) look() {
	b.t.Helper()
	if b.links == nil {
		return
	}
	var page browser.Page
	eventually(b.t, "the page to be read", func() bool { // it may just be replaced
		answer, err := b.Eval(browser.PageScript)
		return err == nil && answer.Value.Unmarshal(&page) == nil
	})
	if page.Origin != b.url {
		return
	}
	for _, piece := range page.Raw() {
		b.t.Error(piece)
	}
	b.links.Add(page.Path, page.Links...)
}

// arrived follows all links that were seen, but those of pages that were there until what they
// ask for was done.
func (b *tab) arrived(t *testing.T, done string) {
	t.Helper()
	all, gone := b.links.All(), regexp.MustCompile(done)
	if len(all) < 10 {
		t.Errorf("only %d links were seen", len(all))
	}
	if done != "" {
		maps.DeleteFunc(all, func(to, _ string) bool { return gone.MatchString(to) })
	}
	cookies, err := proto.NetworkGetCookies{Urls: []string{b.url}}.Call(b)
	must(t, err)
	header := ""
	for _, c := range cookies.Cookies {
		header += c.Name + "=" + c.Value + "; "
	}
	broken, err := browser.Broken(t.Context(), b.url, header, all)
	must(t, err)
	for _, one := range broken {
		t.Error(one)
	}
}

func newTab(t *testing.T, h *house) *tab {
	t.Helper()
	page, err := chromium(t).Page(proto.TargetCreateTarget{URL: "about:blank"})
	must(t, err)
	at := &tab{Page: page.Timeout(wholeTab), t: t, url: h.url}
	must(t, proto.LogEnable{}.Call(page))
	hear := func(text string) {
		at.mu.Lock()
		defer at.mu.Unlock()
		at.noise = append(at.noise, text)
	}
	go page.EachEvent(
		func(e *proto.LogEntryAdded) {
			if e.Entry.Level == proto.LogLogEntryLevelError || e.Entry.Level == proto.LogLogEntryLevelWarning {
				hear(e.Entry.Text + " " + e.Entry.URL)
			}
		},
		func(e *proto.RuntimeExceptionThrown) { hear(e.ExceptionDetails.Text) },
		func(e *proto.RuntimeConsoleAPICalled) {
			if e.Type == proto.RuntimeConsoleAPICalledTypeError {
				hear("console.error")
			}
		},
	)()
	return at
}

// open goes to a path and waits until the page stands.
func (b *tab) open(path string) {
	b.t.Helper()
	must(b.t, b.Navigate(b.url+path))
	b.loaded()
	b.look()
}

// loaded waits until all of the page is there. (Rod's own WaitLoad fails when the page
// finishes while it is asked.)
func (b *tab) loaded() {
	b.t.Helper()
	eventually(b.t, "the page to load", func() bool {
		state, err := b.Eval(`() => document.readyState`)
		return err == nil && state.Value.Str() == "complete"
	})
}

// find waits for an element. A page that is just being replaced answers with errors.
func (b *tab) find(selector string) (element *rod.Element) {
	b.t.Helper()
	eventually(b.t, selector, func() (found bool) {
		var err error
		found, element, err = b.Has(selector)
		return found && err == nil
	})
	return element
}

func (b *tab) fill(selector, text string) {
	b.t.Helper()
	element := b.find(selector)
	must(b.t, element.SelectAllText())
	must(b.t, element.Input(text))
}

// click clicks what leads to another page, and waits for it.
func (b *tab) click(selector string) {
	b.t.Helper()
	wait := b.WaitNavigation(proto.PageLifecycleEventNameLoad)
	must(b.t, b.find(selector).Click(proto.InputMouseButtonLeft, 1))
	wait()
	b.look()
}

func (b *tab) text(selector string) (text string) {
	b.t.Helper()
	eventually(b.t, "the text of "+selector, func() bool {
		var err error
		text, err = b.find(selector).Text()
		return err == nil
	})
	return text
}

func (b *tab) says(selector, words string) func() bool {
	return func() bool {
		found, element, err := b.Has(selector)
		if err != nil || !found {
			return false
		}
		text, err := element.Text()
		return err == nil && strings.Contains(text, words)
	}
}

// silent fails if the console has said anything since the last call.
func (b *tab) silent(where string) {
	b.t.Helper()
	b.mu.Lock()
	defer b.mu.Unlock()
	for _, line := range b.noise {
		b.t.Errorf("%s: the browser complains: %s", where, line)
	}
	b.noise = nil
}

func TestBrowser(t *testing.T) {
	h := newHouse(t)
	h.user("ada", models.RoleAdmin, nil)
	production, d, s := h.furnish()
	b := newTab(t, h)

	b.open("/sign-in")
	b.fill("#f-username", "ada")
	b.fill("#f-password", password)
	b.click(`form[action="/sign-in"] button`)
	eventually(t, "the overview", b.says("h1", "Overview"))
	b.silent("signing in")

	t.Run("Create", func(t *testing.T) {
		b.open("/secrets/new?environment=production")
		b.fill("#f-name", "typed/in-browser")
		b.fill("#f-value", canary+" in browser")
		must(t, b.find("#f-secret-type").Select([]string{"Text"}, true, rod.SelectorTypeText))
		b.click(`form[action="/secrets"] button[type="submit"]`)
		eventually(t, "the new secret's page", b.says("h1", "typed/in-browser"))
		// The copy is written after the page was: the page finds out by itself.
		eventually(t, "the page to tell of the copy", b.says("#synced", "in sync"))
		b.silent("creating")
	})
	t.Run("Reveal", func(t *testing.T) {
		must(t, b.find("[data-reveal-button]").Click(proto.InputMouseButtonLeft, 1))
		eventually(t, "the value", b.says("[data-secret-value]", canary+" in browser"))
		eventually(t, "the countdown", b.says("[data-secret-note]", "hides in 2"))
		must(t, b.find("[data-reveal-button]").Click(proto.InputMouseButtonLeft, 1))
		eventually(t, "the value to hide", func() bool { return !strings.Contains(b.text("[data-secret-value]"), canary) })
		b.hidesByItself(t)
		b.silent("revealing")
	})
	t.Run("Live", func(t *testing.T) {
		b.open("/destinations/" + string(d.ID))
		eventually(t, "the live line", b.says("#live", "live"))
		marked(t, b)
		h.secret(production, "written/elsewhere")
		eventually(t, "the new secret", b.says("#results", "elsewhere"))
		eventually(t, "its copy", func() bool { return strings.Count(b.text("#results tbody"), "in sync") == 3 })
		unmoved(t, b)
		b.silent("live")
	})
	t.Run("Dark", func(t *testing.T) {
		b.open("/")
		must(t, b.find(".user-menu summary").Click(proto.InputMouseButtonLeft, 1))
		must(t, b.find(`[data-theme-choice="dark"]`).Click(proto.InputMouseButtonLeft, 1))
		if b.root(t, "bsTheme") != "dark" {
			t.Errorf("the colours are %s", b.root(t, "bsTheme"))
		}
		b.open("/secrets")
		if b.root(t, "bsTheme") != "dark" {
			t.Error("the choice is not kept")
		}
		b.silent("dark")
	})
	t.Run("Search", func(t *testing.T) {
		b.open("/secrets")
		marked(t, b)
		must(t, b.find("#q").Focus())
		must(t, b.Keyboard.Type([]input.Key("stripe")...))
		eventually(t, "the search", func() bool {
			text := b.text("#results")
			return strings.Contains(text, "api-key") && !strings.Contains(text, "payments/db")
		})
		unmoved(t, b)
		b.silent("searching")
	})
	t.Run("Quiet", func(t *testing.T) {
		secret, destination := "/secrets/"+strconv.FormatInt(int64(s.ID), 10), "/destinations/"+string(d.ID)
		for _, path := range []string{
			"/", "/secrets", "/secrets/new", "/secrets/deleted", secret, secret + "/edit", secret + "/versions", secret + "/versions/new",
			secret + "/versions/1/rollback", secret + "/activity", secret + "/delete", "/environments", "/environments/new",
			"/environments/production", "/environments/production/edit", "/environments/production/destinations",
			"/environments/production/destinations/new", "/environments/production/destinations/new?kind=aws_secrets_manager",
			destination, destination + "/runs", destination + "/edit", destination + "/delete", "/sync", "/audit", "/profile", "/tokens", "/tokens/new",
			"/password", "/docs",
		} {
			b.open(path)
			must(t, b.WaitIdle(5*time.Second))
			b.silent(path)
		}
	})
	t.Run("Ended", func(t *testing.T) {
		b.open("/sync")
		eventually(t, "the live line", b.says("#live", "live"))
		actor := actorOf(t, h, "ada")
		all, err := h.auth.Sessions(context.Background(), actor)
		must(t, err)
		for _, one := range all {
			must(t, h.auth.RevokeSession(context.Background(), actor, one.Hash))
		}
		eventually(t, "the page to say that it is not live", b.says("#live", "not live"))
	})
}

// hidesByItself reveals on a page whose seconds are short, and waits for the countdown.
func (b *tab) hidesByItself(t *testing.T) {
	t.Helper()
	restore, err := b.EvalOnNewDocument(`const real = setInterval; window.setInterval = (f, ms) => real(f, ms / 20)`)
	must(t, err)
	must(t, b.Reload())
	b.loaded()
	must(t, b.find("[data-reveal-button]").Click(proto.InputMouseButtonLeft, 1))
	eventually(t, "the value", b.says("[data-secret-value]", canary))
	start := time.Now()
	eventually(t, "the value to hide", func() bool { return !strings.Contains(b.text("[data-secret-value]"), canary) })
	if shown := time.Since(start); shown < time.Second {
		t.Errorf("the value was shown for %v short seconds only", shown*20)
	}
	must(t, restore())
}

// marked leaves a mark on the document that a reload would take away.
func marked(t *testing.T, b *tab) {
	t.Helper()
	_, err := b.Eval(`() => { document.documentElement.dataset.mark = "here" }`)
	must(t, err)
}

func unmoved(t *testing.T, b *tab) {
	t.Helper()
	if b.root(t, "mark") != "here" {
		t.Error("the page was loaded anew")
	}
}

// root is a data attribute of the document's root.
func (b *tab) root(t *testing.T, name string) string {
	t.Helper()
	value, err := b.Eval(`name => document.documentElement.dataset[name] ?? ""`, name)
	must(t, err)
	return value.Value.Str()
}
