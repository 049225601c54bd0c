package journeys

import (
	"maps"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/your-org/keeper/test/browser"
)

// person is somebody at a browser. Each page that they come to is held to what none may show.
type person struct {
	*browser.Tab
	t     *testing.T // of the journey that is being made
	who   *browser.Browser
	url   string
	links browser.Links
	may   string // what the console may say in this journey: a refusal that belongs to it
}

func newPerson(t *testing.T, w ground, b *browser.Browser) *person {
	t.Helper()
	who, err := b.Person()
	must(t, err)
	tab, err := who.Tab(w.URL)
	must(t, err)
	_, err = tab.EvalOnNewDocument(`window.confirm = () => true`)
	must(t, err)
	must(t, tab.Look(browser.Desktop))
	return &person{Tab: tab, t: t, who: who, url: w.URL}
}

// in has a person make a journey.
func (p *person) in(t *testing.T) *person {
	p.t, p.may = t, ""
	return p
}

func (p *person) open(path string) {
	p.t.Helper()
	must(p.t, p.Open(path))
	p.look()
}

func (p *person) signIn(name, password string) {
	p.t.Helper()
	must(p.t, p.SignIn(name, password))
	p.look()
}

func (p *person) at() (path string) {
	p.t.Helper()
	must(p.t, p.Ask(&path, `() => location.pathname`))
	return path
}

func (p *person) fill(selector, text string) {
	p.t.Helper()
	must(p.t, p.Fill(selector, text))
}

// press presses what can be seen and pressed, once it is there.
func (p *person) press(selector string) {
	p.t.Helper()
	p.until("press "+selector, `(selector) => {
		const found = [...document.querySelectorAll(selector)].find((e) => e.checkVisibility() && !e.disabled);
		found?.click();
		return found !== undefined;
	}`, selector)
}

// follow presses what leads to another page, and looks at that.
func (p *person) follow(selector string) {
	p.t.Helper()
	must(p.t, p.Ask(new(bool), `() => (window.left = true)`))
	p.press(selector)
	must(p.t, p.Tab.Until("the page behind "+selector, `() => !window.left && document.readyState === "complete"`))
	p.look()
}

// sees waits until a part of the page says some words.
func (p *person) sees(selector, words string) {
	p.t.Helper()
	p.until(selector+" to say "+words, `(selector, words) => document.querySelector(selector)?.innerText.includes(words) ?? false`, selector, words)
}

// saysNot waits until a part of the page does not say some words.
func (p *person) saysNot(selector, words string) {
	p.t.Helper()
	p.until(selector+" not to say "+words, `(selector, words) => !(document.querySelector(selector)?.innerText ?? words).includes(words)`, selector, words)
}

func (p *person) until(what, says string, arguments ...any) {
	p.t.Helper()
	for end := time.Now().Add(patience); time.Now().Before(end); time.Sleep(20 * time.Millisecond) {
		var yes bool
		if err := p.Ask(&yes, says, arguments...); err == nil && yes { // a page that is being replaced answers with errors
			return
		}
	}
	var text string
	_ = p.Ask(&text, `() => location.pathname + ": " + document.querySelector("main").innerText`)
	p.t.Fatalf("waited in vain to %s at %s", what, text)
}

// look holds the page to what none may show, and remembers where it leads.
func (p *person) look() {
	p.t.Helper()
	var page browser.Page
	must(p.t, p.Ask(&page, browser.PageScript))
	for _, piece := range page.Raw() {
		p.t.Error(piece)
	}
	p.links.Add(page.Path, page.Links...)
	p.silent(page.Path)
}

// silent fails for what the console has said.
func (p *person) silent(where string) {
	p.t.Helper()
	for _, line := range p.Noise() {
		if p.may == "" || !strings.Contains(line, p.may) {
			p.t.Errorf("%s: the console complains: %s", where, line)
		}
	}
}

// done are pages that are there until what they ask for is done, which the journeys do.
var done = regexp.MustCompile(`^/sync/plans/[^/]+/apply$|^/keys/runs/[^/]+/cancel$|^/destinations/[^/]+/holds/\d+$`)

// arrived follows all links that were seen, as who has seen them.
func (p *person) arrived(t *testing.T) {
	links := p.links.All()
	if len(links) < 20 {
		t.Errorf("only %d links were seen", len(links))
	}
	maps.DeleteFunc(links, func(to, _ string) bool { return done.MatchString(to) })
	broken, err := p.who.Broken(t.Context(), p.url, links)
	must(t, err)
	for _, one := range broken {
		t.Error(one)
	}
}
