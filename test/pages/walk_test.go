package pages

import (
	_ "embed"
	"maps"
	"net/http"
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/go-rod/rod/lib/input"
	"golang.org/x/sync/errgroup"

	"github.com/your-org/keeper/app"
	"github.com/your-org/keeper/templates"
	"github.com/your-org/keeper/test/browser"
	"github.com/your-org/keeper/test/world"
)

//go:embed testdata/walk.js
var script string

// walkers is how many pages are walked at once.
const walkers = 2

// TestWalk opens every page as people do who see, hear, zoom or type: light and dark, on a
// desktop and on a phone, at 400 %, and with the keyboard alone.
func TestWalk(t *testing.T) {
	b := browser.For(t)
	h := newHouse(t)
	first := newTab(t, h, b)
	must(t, first.SignIn(app.FirstUser, world.Password))
	links := &browser.Links{}
	todo := make(chan string)
	go func() {
		defer close(todo)
		for _, path := range paths(h) {
			if wanted(path) {
				todo <- path
			}
		}
	}()
	var tabs errgroup.Group
	for range walkers {
		tab := newTab(t, h, b)
		tabs.Go(func() error {
			for path := range todo {
				t.Run(path, func(t *testing.T) { walk(t, tab, path, links) })
			}
			return nil
		})
	}
	must(t, tabs.Wait())
	stranger, err := b.Person()
	must(t, err)
	t.Run("SignedOut", func(t *testing.T) { walk(t, newTab(t, h, stranger), "/sign-in?next=/secrets", links) })
	t.Run("SecondStep", func(t *testing.T) { secondStep(t, h, stranger, links) })
	t.Run("Links", func(t *testing.T) { arrive(t, h, b, links.All()) })
}

// wanted chooses pages by a part of their path, for who mends one: KEEPER_PAGES=/keys.
func wanted(path string) bool { return strings.Contains(path, os.Getenv("KEEPER_PAGES")) }

func newTab(t *testing.T, h *house, b *browser.Browser) *browser.Tab {
	t.Helper()
	tab, err := b.Tab(h.URL)
	must(t, err)
	must(t, tab.WithAxe())
	_, err = tab.EvalOnNewDocument(script)
	must(t, err)
	return tab
}

// secondStep walks the page that follows the password of somebody with an authenticator app.
func secondStep(t *testing.T, h *house, b *browser.Browser, links *browser.Links) {
	tab := newTab(t, h, b)
	must(t, tab.SignIn("halfway", h.ids["halfway"]))
	var at string
	must(t, tab.Ask(&at, `() => location.pathname`))
	if at != "/sign-in/step" {
		t.Fatalf("after the password stands %s", at)
	}
	walk(t, tab, at, links)
}

// walk opens a page and looks at it in each way.
func walk(t *testing.T, tab *browser.Tab, path string, links *browser.Links) {
	must(t, tab.Look(browser.Desktop))
	must(t, tab.Open(path))
	var found struct{ To, Broken []string }
	must(t, tab.Ask(&found, `() => keeperWalk.links()`))
	links.Add(path, found.To...)
	for _, one := range found.Broken {
		t.Errorf("%s", one)
	}
	var cut []string
	must(t, tab.Ask(&cut, `() => keeperWalk.cut()`))
	for _, one := range cut {
		t.Errorf("on a desktop %s", one)
	}
	seen := map[string]bool{}
	for _, v := range []struct {
		name string
		look browser.Look
		open bool // with what is folded away
	}{{"desktop", browser.Desktop, false}, {"dark desktop", browser.DesktopDark, true}, {"phone", browser.Phone, true}, {"dark phone", browser.PhoneDark, true}} {
		must(t, tab.Look(v.look))
		if v.open {
			must(t, tab.Ask(new(bool), `(all) => keeperWalk.open(all)`, path == "/profile"))
		}
		axe(t, tab, v.name, seen)
	}
	must(t, tab.Look(browser.Zoomed))
	var wide []string
	must(t, tab.Ask(&wide, `() => keeperWalk.wide()`))
	if len(wide) > 0 {
		t.Errorf("scrolls sideways at 400 %%: %s", strings.Join(wide, "\n\t"))
	}
	must(t, tab.Look(browser.Desktop))
	must(t, tab.Open(path))
	typed(t, tab)
	status := slices.Contains(beside, path)
	for _, line := range tab.Noise() {
		if !status || !strings.Contains(line, "the server responded with a status of 404") {
			t.Errorf("the console complains: %s", line)
		}
	}
}

// axe fails for what is serious or critical, each once for a page.
func axe(t *testing.T, tab *browser.Tab, look string, seen map[string]bool) {
	t.Helper()
	violations, err := tab.Violations()
	must(t, err)
	for _, v := range violations {
		text := v.String()
		if (v.Impact == "serious" || v.Impact == "critical") && !seen[text] {
			seen[text] = true
			t.Errorf("%s: %s", look, text)
		}
	}
}

// typed goes through a page with Tab.
func typed(t *testing.T, tab *browser.Tab) {
	t.Helper()
	var stops int
	must(t, tab.Ask(&stops, `() => keeperWalk.begin()`))
	must(t, tab.Press(input.Tab, stops+3)) // two may come to nothing
	var wrong []string
	must(t, tab.Ask(&wrong, `() => keeperWalk.end()`))
	for _, one := range wrong {
		t.Errorf("with the keyboard: %s", one)
	}
}

// arrive asks for everything that pages lead to, as who walked them. What a form posts to has
// to be a route.
func arrive(t *testing.T, h *house, b *browser.Browser, links map[string]string) {
	if len(links) < 20 && os.Getenv("KEEPER_PAGES") == "" {
		t.Errorf("only %d links were found", len(links))
	}
	maps.DeleteFunc(links, func(to, from string) bool {
		action, posted := strings.CutPrefix(to, "POST ")
		if posted && !posts(action) {
			t.Errorf("%s posts to %s, which is no route", from, action)
		}
		return posted
	})
	broken, err := b.Broken(t.Context(), h.URL, links)
	must(t, err)
	for _, one := range broken {
		t.Error(one)
	}
}

// posts reports whether a form may be sent to a path.
func posts(path string) bool {
	parts := strings.Split(path, "/")
	return slices.ContainsFunc(templates.Routes, func(r templates.Route) bool {
		pattern := strings.Split(r.Path, "/")
		return r.Method == http.MethodPost && slices.EqualFunc(pattern, parts, func(a, b string) bool { return a == b || strings.HasPrefix(a, "{") })
	})
}
