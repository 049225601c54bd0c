package web_test

import (
	"io"
	"net/http"
	"net/http/cookiejar"
	"net/url"
	"strings"
	"testing"

	"github.com/andybalholm/cascadia"
	"golang.org/x/net/html"
)

// visitor is a browser as far as these tests need one: it keeps cookies, follows links and
// sends forms as they stand on a page.
type visitor struct {
	h      *house
	t      testing.TB
	client *http.Client
}

func (h *house) visitor() *visitor {
	jar, _ := cookiejar.New(nil)
	return &visitor{h: h, t: h.t, client: &http.Client{Jar: jar}}
}

// as is a visitor who has signed in.
func (h *house) as(name string) *visitor {
	h.t.Helper()
	v := h.visitor()
	if p := v.signIn(name, password); p.path() != "/" {
		h.t.Fatalf("signing in as %s ended at %s with %d: %s", name, p.path(), p.status, p.text("main"))
	}
	return v
}

func (v *visitor) signIn(name, with string) *page {
	v.t.Helper()
	return v.get("/sign-in").form("/sign-in").set("username", name).set("password", with).submit()
}

// page is an answer, parsed.
type page struct {
	v      *visitor
	status int
	url    *url.URL
	header http.Header
	body   string
	root   *html.Node
}

func (v *visitor) get(path string, headers ...string) *page {
	v.t.Helper()
	return v.do(http.MethodGet, path, nil, headers...)
}

func (v *visitor) post(path string, form url.Values, headers ...string) *page {
	v.t.Helper()
	return v.do(http.MethodPost, path, form, headers...)
}

// do sends a request; headers are name, value, name, value.
func (v *visitor) do(method, path string, form url.Values, headers ...string) *page {
	v.t.Helper()
	target := path
	if !strings.HasPrefix(path, "http") {
		target = v.h.url + path
	}
	r, err := http.NewRequest(method, target, strings.NewReader(form.Encode()))
	must(v.t, err)
	if form != nil {
		r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	}
	for i := 0; i+1 < len(headers); i += 2 {
		r.Header.Set(headers[i], headers[i+1])
	}
	answer, err := v.client.Do(r)
	must(v.t, err)
	defer answer.Body.Close()
	body, err := io.ReadAll(answer.Body)
	must(v.t, err)
	p := &page{v: v, status: answer.StatusCode, url: answer.Request.URL, header: answer.Header, body: string(body)}
	if p.root, err = html.Parse(strings.NewReader(p.body)); err != nil {
		v.t.Fatal(err)
	}
	reveals := method == http.MethodPost && (strings.HasSuffix(p.url.Path, "/reveal") || strings.HasSuffix(p.url.Path, "/versions/diff") || strings.HasSuffix(p.url.Path, "/export"))
	if strings.Contains(p.body, canary) && !reveals {
		v.t.Errorf("%s %s answered with a value", method, path)
	}
	for _, name := range []string{"Content-Security-Policy", "X-Content-Type-Options", "X-Frame-Options", "Referrer-Policy", "X-Request-Id"} {
		if p.header.Get(name) == "" {
			v.t.Errorf("%s %s answered without %s", method, path, name)
		}
	}
	return p
}

// staying makes the visitor look at redirects and not follow them.
func (v *visitor) staying() *visitor {
	client := *v.client
	client.CheckRedirect = func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }
	return &visitor{h: v.h, t: v.t, client: &client}
}

func (v *visitor) cookie(name string) string {
	at, err := url.Parse(v.h.url)
	must(v.t, err)
	for _, c := range v.client.Jar.Cookies(at) {
		if c.Name == name {
			return c.Value
		}
	}
	return ""
}

func (p *page) path() string { return p.url.Path }

func (p *page) all(selector string) []*html.Node {
	p.v.t.Helper()
	compiled, err := cascadia.ParseGroup(selector)
	must(p.v.t, err)
	return cascadia.QueryAll(p.root, compiled)
}

func (p *page) has(selector string) bool { return len(p.all(selector)) > 0 }

// text is what the elements say, blanks squeezed.
func (p *page) text(selector string) string {
	var b strings.Builder
	for _, n := range p.all(selector) {
		b.WriteString(textOf(n, " "))
	}
	return strings.Join(strings.Fields(b.String()), " ")
}

// textOf is an element's text, with a separator between its parts.
func textOf(n *html.Node, between string) string {
	if n.Type == html.TextNode {
		return n.Data
	}
	var b strings.Builder
	for c := n.FirstChild; c != nil; c = c.NextSibling {
		b.WriteString(textOf(c, between) + between)
	}
	return b.String()
}

func attribute(n *html.Node, name string) string {
	for _, a := range n.Attr {
		if a.Key == name {
			return a.Val
		}
	}
	return ""
}

// want fails unless the page has the status and the selected part says the words.
func (p *page) want(status int, selector, words string) *page {
	p.v.t.Helper()
	if p.status != status {
		p.v.t.Fatalf("%s: got status %d, want %d: %s", p.url.Path, p.status, status, p.text("main"))
	}
	if selector != "" && !strings.Contains(p.text(selector), words) {
		p.v.t.Fatalf("%s: %s says %q, want %q in it", p.url.Path, selector, p.text(selector), words)
	}
	return p
}

// sheet is a form as it stands on a page.
type sheet struct {
	p      *page
	action string
	values url.Values
}

// form finds the form that posts to a path.
func (p *page) form(action string) *sheet {
	p.v.t.Helper()
	for _, n := range p.all("form") {
		if attribute(n, "method") == "post" && attribute(n, "action") == action {
			return p.sheet(n)
		}
	}
	p.v.t.Fatalf("%s (%d) has no form for %s: %s", p.url.Path, p.status, action, p.text("main"))
	return nil
}

func (p *page) sheet(n *html.Node) *sheet {
	s := &sheet{p: p, action: attribute(n, "action"), values: url.Values{}}
	for _, field := range cascadia.QueryAll(n, cascadia.MustCompile("input[name], textarea[name], select[name]")) {
		name, kind := attribute(field, "name"), attribute(field, "type")
		switch {
		case field.Data == "textarea":
			// The parser has dropped the first line end, as browsers do.
			s.values.Set(name, textOf(field, ""))
		case field.Data == "select":
			for i, option := range cascadia.QueryAll(field, cascadia.MustCompile("option")) {
				if cascadia.MustCompile("[selected]").Match(option) || i == 0 {
					s.values.Set(name, attribute(option, "value"))
				}
			}
		case kind == "checkbox" || kind == "radio":
			if cascadia.MustCompile("[checked]").Match(field) {
				s.values.Add(name, attribute(field, "value"))
			}
		default:
			s.values.Set(name, attribute(field, "value"))
		}
	}
	return s
}

func (s *sheet) set(name, value string) *sheet {
	s.p.v.t.Helper()
	s.values.Set(name, value)
	return s
}

func (s *sheet) value(name string) string { return s.values.Get(name) }

func (s *sheet) submit(headers ...string) *page {
	s.p.v.t.Helper()
	return s.p.v.post(s.action, s.values, headers...)
}
