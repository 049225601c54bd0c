package pages

import (
	_ "embed"
	"maps"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/go-rod/rod/lib/input"
	"github.com/pquerna/otp/totp"
	"golang.org/x/sync/errgroup"

	"github.com/your-org/keeper/app"
	"github.com/your-org/keeper/templates"
	"github.com/your-org/keeper/test/browser"
	"github.com/your-org/keeper/test/scenes"
	"github.com/your-org/keeper/test/world"
)

//go:embed testdata/walk.js
var script string

// walkers is how many pages are walked at once.
const walkers = 2

// arrival bounds the wait for what an answer shows.
const arrival = 20 * time.Second

// TestWalk opens every page as people do who see, hear, zoom or type: light and dark, on a
// desktop and on a phone, at 400 %, and with the keyboard alone. Pages that are answers stand
// after what they answer.
func TestWalk(t *testing.T) {
	b := browser.For(t)
	w := &walk{house: newHouse(t), links: &browser.Links{}, templates: map[string]bool{}}
	first := w.tab(t, b)
	must(t, first.SignIn(app.FirstUser, world.Password))
	todo := make(chan visit)
	go func() {
		defer close(todo)
		for _, v := range w.visits() {
			if wanted(v.name) {
				todo <- v
			}
		}
	}()
	var tabs errgroup.Group
	for range walkers {
		tab := w.tab(t, b)
		tabs.Go(func() error {
			for v := range todo {
				t.Run(v.name, func(t *testing.T) { v.walk(t, tab) })
			}
			return nil
		})
	}
	must(t, tabs.Wait())
	stranger, err := b.Person()
	must(t, err)
	t.Run("SignedOut", func(t *testing.T) { w.page(t, w.tab(t, stranger), "/sign-in?next=/secrets") })
	t.Run("SecondStep", func(t *testing.T) { w.secondStep(t, stranger) })
	t.Run("Links", func(t *testing.T) { arrive(t, w.house, b, w.links.All()) })
	if os.Getenv("KEEPER_PAGES") == "" {
		t.Run("Templates", w.whole)
	}
}

// walk is what is learnt of a house's pages on the way.
type walk struct {
	*house
	links *browser.Links

	mu        sync.Mutex
	templates map[string]bool // that were seen
}

// visit is one page, and how it is walked.
type visit struct {
	name string
	walk func(*testing.T, *browser.Tab)
}

func (w *walk) visits() []visit {
	var all []visit
	for _, path := range paths(w.house) {
		all = append(all, visit{path, func(t *testing.T, tab *browser.Tab) { w.page(t, tab, path) }})
	}
	for _, a := range answered {
		all = append(all, visit{"Answer/" + a.name, func(t *testing.T, tab *browser.Tab) { a.walk(t, w, tab) }})
	}
	return all
}

// wanted chooses pages by a part of their path, for who mends one: KEEPER_PAGES=/keys.
func wanted(path string) bool { return strings.Contains(path, os.Getenv("KEEPER_PAGES")) }

func (w *walk) tab(t *testing.T, b *browser.Browser) *browser.Tab {
	t.Helper()
	tab, err := b.Tab(w.URL)
	must(t, err)
	must(t, tab.WithAxe())
	_, err = tab.EvalOnNewDocument(script)
	must(t, err)
	return tab
}

// secondStep walks the page that follows the password of somebody with an authenticator app,
// and the recovery codes that only such a person can make.
func (w *walk) secondStep(t *testing.T, b *browser.Browser) {
	tab := w.tab(t, b)
	must(t, tab.SignIn("halfway", w.ids["halfway"]))
	var at string
	must(t, tab.Ask(&at, `() => location.pathname`))
	if at != "/sign-in/step" {
		t.Fatalf("after the password stands %s", at)
	}
	w.page(t, tab, at)
	code, err := totp.GenerateCode(w.ids["halfway-app"], time.Now().Add(30*time.Second)) // the present one was used
	must(t, err)
	for _, a := range []answer{
		{name: "Password", at: at, does: scenes.Fill("form[action='/sign-in/step']", "#f-code", code), title: "Choose a password", shows: "#f-new-password"},
		{name: "RecoveryCodes", at: "/profile/factors", does: scenes.Fill("form[action='/profile/recovery-codes']"), title: "Recovery codes", shows: "[data-codes]"},
	} {
		if !t.Run(a.name, func(t *testing.T) { a.walk(t, w, tab) }) {
			return
		}
		if a.name == "Password" {
			own := "amber lantern harbour 7"
			_, err := tab.Eval(scenes.Fill("form[action='/password']", "#f-current-password", w.ids["halfway"], "#f-new-password", own, "#f-repeat-password", own))
			must(t, err)
			must(t, tab.Until("the page after the password", `() => location.pathname !== "/password" && document.readyState === "complete"`))
		}
	}
}

// ways are how each page is looked at.
var ways = []way{
	{"desktop", browser.Desktop, false}, {"dark desktop", browser.DesktopDark, true}, {"phone", browser.Phone, true}, {"dark phone", browser.PhoneDark, true},
}

type way struct {
	name string
	look browser.Look
	open bool // with what is folded away
}

// page opens a page and looks at it in each way.
func (w *walk) page(t *testing.T, tab *browser.Tab, path string) {
	must(t, tab.Look(browser.Desktop))
	must(t, tab.Open(path))
	w.read(t, tab, path)
	seen := map[string]bool{}
	for _, way := range ways {
		w.look(t, tab, way, path, seen)
	}
	wide(t, tab)
	must(t, tab.Look(browser.Desktop))
	must(t, tab.Open(path))
	typed(t, tab)
	may := ""
	if slices.Contains(beside, path) {
		may = "the server responded with a status of 404"
	}
	silent(t, tab, may)
}

// read notes what a page is and where it leads, and fails for what is cut off.
func (w *walk) read(t *testing.T, tab *browser.Tab, path string) {
	t.Helper()
	var found struct {
		To, Broken, Cut []string
		Template        string
	}
	must(t, tab.Ask(&found, `() => ({ ...keeperWalk.links(), cut: keeperWalk.cut(), template: document.querySelector("main")?.dataset.page ?? "" })`))
	w.links.Add(path, found.To...)
	for _, one := range found.Broken {
		t.Errorf("%s", one)
	}
	for _, one := range found.Cut {
		t.Errorf("as it opens %s", one)
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	w.templates[found.Template] = true
}

// look has axe look at a page in one way.
func (w *walk) look(t *testing.T, tab *browser.Tab, way way, path string, seen map[string]bool) {
	t.Helper()
	must(t, tab.Look(way.look))
	if way.open {
		must(t, tab.Ask(new(bool), `(all) => keeperWalk.open(all)`, path == "/profile"))
	}
	axe(t, tab, way.name, seen)
}

// wide fails for a page that scrolls sideways where it is magnified.
func wide(t *testing.T, tab *browser.Tab) {
	t.Helper()
	must(t, tab.Look(browser.Zoomed))
	var wide []string
	must(t, tab.Ask(&wide, `() => keeperWalk.wide()`))
	if len(wide) > 0 {
		t.Errorf("scrolls sideways at 400 %%: %s", strings.Join(wide, "\n\t"))
	}
}

// silent fails for what the console has said, other than what it may.
func silent(t *testing.T, tab *browser.Tab, may string) {
	t.Helper()
	for _, line := range tab.Noise() {
		if may == "" || !strings.Contains(line, may) {
			t.Errorf("the console complains: %s", line)
		}
	}
}

// whole fails for a template that no page had which was walked.
func (w *walk) whole(t *testing.T) {
	for _, name := range templateFiles(t) {
		if w.templates[name] == (unopened[name] != "") {
			t.Errorf("templates/pages/%s.html: seen %t, kept apart %q: say in test/pages how it is walked", name, w.templates[name], unopened[name])
		}
	}
}

// templateFiles are the templates of pages, by their names: secrets/list.
func templateFiles(t *testing.T) (names []string) {
	t.Helper()
	all, err := filepath.Glob("../../templates/pages/*/*.html")
	must(t, err)
	if len(all) == 0 {
		t.Fatal("there are no templates")
	}
	for _, file := range all {
		names = append(names, strings.TrimSuffix(filepath.Base(filepath.Dir(file))+"/"+filepath.Base(file), ".html"))
	}
	return names
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
