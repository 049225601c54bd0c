package pages

import (
	_ "embed"
	"errors"
	"net/http"
	"os"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/go-rod/rod/lib/input"
	"golang.org/x/sync/errgroup"

	"github.com/your-org/keeper/app"
	"github.com/your-org/keeper/templates"
	"github.com/your-org/keeper/test/browser"
)

//go:embed testdata/walk.js
var script string

// walkers is how many pages are walked at once.
const walkers = 2

// TestWalk opens every page as people do who see, hear, zoom or type: light and dark, on a
// desktop and on a phone, at 400 %, and with the keyboard alone.
func TestWalk(t *testing.T) {
	b := start(t)
	w := newWorld(t)
	first := newTab(t, w, b)
	must(t, first.SignIn(app.FirstUser, password))
	links := &links{from: map[string]string{}}
	todo := make(chan string)
	go func() {
		defer close(todo)
		for _, path := range paths(w) {
			if wanted(path) {
				todo <- path
			}
		}
	}()
	var tabs errgroup.Group
	for range walkers {
		tab := newTab(t, w, b)
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
	t.Run("SignedOut", func(t *testing.T) { walk(t, newTab(t, w, stranger), "/sign-in?next=/secrets", links) })
	t.Run("SecondStep", func(t *testing.T) { secondStep(t, w, stranger, links) })
	t.Run("Links", func(t *testing.T) { links.follow(t, w, b) })
}

// wanted chooses pages by a part of their path, for who mends one: KEEPER_PAGES=/keys.
func wanted(path string) bool { return strings.Contains(path, os.Getenv("KEEPER_PAGES")) }

func start(t *testing.T) *browser.Browser {
	t.Helper()
	b, err := browser.Start()
	if errors.Is(err, browser.ErrMissing) && os.Getenv("CI") == "" && os.Getenv("KEEPER_TEST_ALL") == "" {
		t.Skipf("the pages are not walked: %v", err)
	}
	must(t, err)
	t.Cleanup(func() { must(t, b.Close()) })
	return b
}

func newTab(t *testing.T, w *world, b *browser.Browser) *browser.Tab {
	t.Helper()
	tab, err := b.Tab(w.url)
	must(t, err)
	must(t, tab.WithAxe())
	_, err = tab.EvalOnNewDocument(script)
	must(t, err)
	return tab
}

// secondStep walks the page that follows the password of somebody with an authenticator app.
func secondStep(t *testing.T, w *world, b *browser.Browser, links *links) {
	tab := newTab(t, w, b)
	must(t, tab.SignIn("halfway", w.ids["halfway"]))
	var at string
	must(t, tab.Ask(&at, `() => location.pathname`))
	if at != "/sign-in/step" {
		t.Fatalf("after the password stands %s", at)
	}
	walk(t, tab, at, links)
}

// walk opens a page and looks at it in each way.
func walk(t *testing.T, tab *browser.Tab, path string, links *links) {
	must(t, tab.Look(browser.Desktop))
	must(t, tab.Open(path))
	var found struct{ To, Broken []string }
	must(t, tab.Ask(&found, `() => keeperWalk.links()`))
	links.add(path, found.To)
	for _, one := range found.Broken {
		t.Errorf("%s", one)
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
	must(t, tab.Press(input.Tab, stops+1))
	var wrong []string
	must(t, tab.Ask(&wrong, `() => keeperWalk.end()`))
	for _, one := range wrong {
		t.Errorf("with the keyboard: %s", one)
	}
}

// links are what pages lead to, and a page that does.
type links struct {
	mu   sync.Mutex
	from map[string]string
}

func (l *links) add(page string, to []string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	for _, one := range to {
		if l.from[one] == "" {
			l.from[one] = page
		}
	}
}

// follow asks for everything that pages lead to, as who walked them.
func (l *links) follow(t *testing.T, w *world, b *browser.Browser) {
	cookies, err := b.Cookies()
	must(t, err)
	client := &http.Client{CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
	for to, from := range l.from {
		if action, posted := strings.CutPrefix(to, "POST "); posted {
			if !posts(action) {
				t.Errorf("%s posts to %s, which is no route", from, action)
			}
			continue
		}
		request, err := http.NewRequestWithContext(t.Context(), http.MethodGet, w.url+to, nil)
		must(t, err)
		request.Header.Set("Cookie", cookies)
		answer, err := client.Do(request)
		must(t, err)
		_ = answer.Body.Close()
		if answer.StatusCode >= http.StatusBadRequest {
			t.Errorf("%s leads to %s, which answers %s", from, to, answer.Status)
		}
	}
	if len(l.from) < 20 && os.Getenv("KEEPER_PAGES") == "" {
		t.Errorf("only %d links were found", len(l.from))
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
