package templates

import (
	"bytes"
	"errors"
	"io"
	"reflect"
	"slices"
	"strings"
	"testing"

	"github.com/andybalholm/cascadia"
	"golang.org/x/net/html"
)

// render executes a page and parses what came out.
func render(t *testing.T, page Page) *html.Node {
	t.Helper()
	set, err := New()
	if err != nil {
		t.Fatal(err)
	}
	return renderWith(t, set, page)
}

func renderWith(t *testing.T, set *Set, page Page) *html.Node {
	t.Helper()
	var out bytes.Buffer
	if err := set.Render(&out, page); err != nil {
		t.Fatal(err)
	}
	document, err := html.Parse(&out)
	if err != nil {
		t.Fatal(err)
	}
	return document
}

func all(node *html.Node, selector string) []*html.Node {
	return cascadia.QueryAll(node, cascadia.MustCompile(selector))
}

func attribute(node *html.Node, name string) string {
	for _, a := range node.Attr {
		if a.Key == name {
			return a.Val
		}
	}
	return ""
}

func text(node *html.Node) string {
	if node.Type == html.TextNode {
		return node.Data
	}
	var words strings.Builder
	for child := node.FirstChild; child != nil; child = child.NextSibling {
		words.WriteString(text(child))
	}
	return words.String()
}

func TestEveryPage(t *testing.T) {
	set, err := New()
	if err != nil {
		t.Fatal(err)
	}
	used := map[Route]bool{}
	shown := map[string]bool{}
	for name, page := range samplePages() {
		shown[page.template()] = true
		t.Run(name, func(t *testing.T) {
			document := renderWith(t, set, page)
			checkPolicy(t, document)
			checkForms(t, document)
			checkLabels(t, document)
			checkIDs(t, document)
			checkReferences(t, document)
			checkRoutes(t, document, used)
			if n := len(all(document, "h1")); n != 1 {
				t.Errorf("the page has %d headings of the first order, want 1", n)
			}
			if n := len(all(document, ".btn-primary, .btn-danger")); n > 1 {
				t.Errorf("the page has %d primary buttons, want 1 at most", n)
			}
		})
	}
	for _, page := range pages {
		if !shown[page.template()] {
			t.Errorf("no sample shows %s", page.template())
		}
	}
	used[Route{"GET", "/sync/imports/{import}/apply"}] = true // the form of a preview leads there
	for _, route := range Routes {
		called := strings.HasSuffix(route.Path, "/acs") || strings.HasSuffix(route.Path, "/slo") // by identity providers' pages
		if !used[route] && !called {
			t.Errorf("no page uses %s %s", route.Method, route.Path)
		}
	}
}

// checkPolicy looks for what a strict content security policy would refuse.
func checkPolicy(t *testing.T, document *html.Node) {
	t.Helper()
	for _, node := range all(document, "*") {
		if node.Data == "style" || node.Data == "script" && node.FirstChild != nil {
			t.Errorf("inline <%s>", node.Data)
		}
		for _, a := range node.Attr {
			if a.Key == "style" || strings.HasPrefix(a.Key, "on") || strings.HasPrefix(a.Key, "hx-on") {
				t.Errorf("<%s %s=%q>", node.Data, a.Key, a.Val)
			}
			if strings.Contains(a.Val, "ZgotmplZ") {
				t.Errorf("<%s %s> was refused by html/template", node.Data, a.Key)
			}
		}
	}
}

// abroad reports whether a form goes to an identity provider.
func abroad(form *html.Node) bool {
	return len(all(form, "input[name=SAMLRequest], input[name=SAMLResponse]")) > 0 && strings.HasPrefix(attribute(form, "action"), "https://")
}

func checkForms(t *testing.T, document *html.Node) {
	t.Helper()
	for _, form := range all(document, "form") {
		token := all(form, `input[type=hidden][name=csrf_token]`)
		if abroad(form) {
			if len(token) != 0 {
				t.Errorf("the form to %s takes this session's token to another site", attribute(form, "action"))
			}
			continue
		}
		switch method := attribute(form, "method"); method {
		case "post":
			if len(token) != 1 || attribute(token[0], "value") == "" {
				t.Errorf("form to %s has no token against cross-site requests", attribute(form, "action"))
			}
		case "get":
			if len(token) != 0 {
				t.Errorf("form to %s would put its token into the URL", attribute(form, "action"))
			}
		default:
			t.Errorf("form to %s has method %q", attribute(form, "action"), method)
		}
	}
}

func checkLabels(t *testing.T, document *html.Node) {
	t.Helper()
	labelled := map[string]bool{}
	for _, label := range all(document, "label") {
		if strings.TrimSpace(text(label)) != "" {
			labelled[attribute(label, "for")] = true
		}
	}
	for _, input := range all(document, "input:not([type=hidden]), select, textarea") {
		if id := attribute(input, "id"); id == "" || !labelled[id] {
			t.Errorf("%s %q has no label", input.Data, attribute(input, "name"))
		}
	}
	for _, button := range all(document, "button, a, summary") {
		if strings.TrimSpace(text(button)) == "" && attribute(button, "aria-label") == "" && len(all(button, "img[alt]")) == 0 {
			t.Errorf("<%s %s> has no name", button.Data, attribute(button, "href"))
		}
	}
}

func checkIDs(t *testing.T, document *html.Node) {
	t.Helper()
	seen := map[string]bool{}
	for _, node := range all(document, "[id]") {
		id := attribute(node, "id")
		if seen[id] {
			t.Errorf("id %q occurs twice", id)
		}
		seen[id] = true
	}
}

func checkReferences(t *testing.T, document *html.Node) {
	t.Helper()
	for _, name := range []string{"aria-describedby", "aria-labelledby", "aria-controls", "for"} {
		for _, node := range all(document, "["+name+"]") {
			for id := range strings.FieldsSeq(attribute(node, name)) {
				if len(all(document, `[id="`+id+`"]`)) == 0 {
					t.Errorf("<%s %s=%q> points nowhere", node.Data, name, id)
				}
			}
		}
	}
	for _, link := range all(document, `a[href^="#"]`) {
		if id := attribute(link, "href")[1:]; len(all(document, `[id="`+id+`"]`)) == 0 {
			t.Errorf("link to #%s points nowhere", id)
		}
	}
	for _, part := range all(document, "[data-live]") {
		if attribute(part, "id") == "" {
			t.Errorf("live part %q has no id to be replaced by", attribute(part, "data-live"))
		}
	}
}

func checkRoutes(t *testing.T, document *html.Node, used map[Route]bool) {
	t.Helper()
	check := func(method, url string) {
		if strings.HasPrefix(url, "#") || strings.HasPrefix(url, "/static/") || url == "/docs" { // the API's reference, which is no page of ours
			return
		}
		path, _, _ := strings.Cut(url, "?")
		route, ok := match(method, path)
		if !ok {
			t.Errorf("%s %s is not in Routes", method, url)
		}
		used[route] = true
	}
	for _, node := range all(document, "[href]") {
		check("GET", attribute(node, "href"))
	}
	for _, node := range all(document, "[hx-get]") {
		check("GET", attribute(node, "hx-get"))
	}
	for _, node := range all(document, "[formaction]") {
		check("POST", attribute(node, "formaction"))
	}
	for _, node := range all(document, "[hx-post]") {
		check("POST", attribute(node, "hx-post"))
	}
	for _, node := range all(document, "[data-passkey-begin]") {
		check("POST", attribute(node, "data-passkey-begin"))
	}
	for _, node := range all(document, "[data-events]") {
		check("GET", attribute(node, "data-events"))
	}
	for _, node := range all(document, "form") {
		if abroad(node) {
			continue
		}
		check(strings.ToUpper(attribute(node, "method")), attribute(node, "action"))
	}
}

// match finds the route of a path; a literal segment goes before a parameter.
func match(method, path string) (Route, bool) {
	var found []Route
	for _, route := range Routes {
		if route.Method == method && fits(strings.Split(route.Path, "/"), strings.Split(path, "/")) {
			found = append(found, route)
		}
	}
	if len(found) == 0 {
		return Route{}, false
	}
	return slices.MinFunc(found, func(a, b Route) int { return strings.Count(a.Path, "{") - strings.Count(b.Path, "{") }), true
}

func fits(pattern, path []string) bool {
	return slices.EqualFunc(pattern, path, func(want, got string) bool {
		return want == got || strings.HasPrefix(want, "{") && got != ""
	})
}

func TestPagesListIsComplete(t *testing.T) {
	seen := map[reflect.Type]bool{}
	for _, page := range pages {
		if seen[reflect.TypeOf(page)] {
			t.Errorf("%T is listed twice", page)
		}
		seen[reflect.TypeOf(page)] = true
	}
	for name, page := range samplePages() {
		if !seen[reflect.TypeOf(page)] {
			t.Errorf("%s: %T is not in the list of pages", name, page)
		}
	}
}

func TestEveryPageParses(t *testing.T) {
	set, err := New()
	if err != nil {
		t.Fatal(err)
	}
	for name, parse := range set.pages {
		if _, err := parse(); err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestRenderWritesNothingWhenItFails(t *testing.T) {
	set, err := New()
	if err != nil {
		t.Fatal(err)
	}
	page := samplePages()["secret"].(*SecretPage)
	page.States[0].Destination.ID = "" // no URL can be made of it
	var out bytes.Buffer
	if err := set.Render(&out, page); err == nil {
		t.Fatal("the page rendered")
	}
	if out.Len() != 0 {
		t.Errorf("%d bytes were written before the failure", out.Len())
	}
}

func TestRenderPartial(t *testing.T) {
	set, err := New()
	if err != nil {
		t.Fatal(err)
	}
	page := samplePages()["secrets"]
	t.Run("OK", func(t *testing.T) {
		var out bytes.Buffer
		if err := set.RenderPartial(&out, page, "results"); err != nil {
			t.Fatal(err)
		}
		if !strings.Contains(out.String(), `id="results"`) || strings.Contains(out.String(), "<html") {
			t.Errorf("the block is not the list alone: %.80s", out.String())
		}
	})
	t.Run("NoSuchBlock", func(t *testing.T) {
		if err := set.RenderPartial(io.Discard, page, "nothing"); err == nil {
			t.Error("a block that does not exist rendered")
		}
	})
	t.Run("WriterFails", func(t *testing.T) {
		broken := errors.New("broken pipe")
		if err := set.RenderPartial(failingWriter{broken}, page, "results"); !errors.Is(err, broken) {
			t.Errorf("got %v, want the writer's error", err)
		}
	})
}

type failingWriter struct{ err error }

func (w failingWriter) Write([]byte) (int, error) { return 0, w.err }
