package access

import (
	"net/http"
	"regexp"
	"slices"
	"strings"
	"testing"
)

// matrix is everything of a kind that can be asked, and everybody who asks it.
type matrix struct {
	*world
	kind    string
	forms   string // where to say what is sent
	asked   []string
	callers []*caller
	ask     func(*testing.T, entry, *caller) reply
}

func newWorld(t *testing.T) *world {
	t.Helper()
	h, watch := newHouse(t)
	w := &world{house: h, watch: watch}
	w.here, w.away = h.seed()
	return w
}

func cut(asked string) (method, path string) {
	method, path, _ = strings.Cut(asked, " ")
	return method, path
}

// run asks everything as everybody, and compares with the document.
func (m *matrix) run(t *testing.T) {
	d := readDocument(t)
	m.exec("UPDATE users SET totp_last_step = 0") // the codes of now were used to enrol
	m.remember()
	entries := m.entries(t, d)
	for _, e := range entries {
		t.Run(strings.ReplaceAll(e.asked, "/", "|"), func(t *testing.T) { m.row(t, d, e) })
	}
	if text := m.log.String(); text != "" {
		t.Errorf("something failed on the way:\n%s", text)
	}
}

// entries are the document's lines of what there is to ask. It fails for what has no line,
// and for a line of nothing.
func (m *matrix) entries(t *testing.T, d document) []entry {
	t.Helper()
	lines := map[string]entry{}
	for _, e := range d.entries {
		if lines[e.asked].asked != "" {
			t.Errorf("docs/access.md has two lines of `%s`: remove one", e.asked)
		}
		lines[e.asked] = e
	}
	var entries []entry
	for _, asked := range m.asked {
		e, has := lines[asked]
		if !has {
			t.Errorf("docs/access.md does not say who may ask for the %s `%s`. Add a line to the table under its \"## What each request takes\":\n"+
				"| `%s` | `ACTION` | OF | |\n(the words for OF stand above the table), and what is sent, where it needs a body, to the %s.", m.kind, asked, asked, m.forms)
			continue
		}
		if e.action != machine {
			entries = append(entries, e)
		}
	}
	for _, e := range d.entries {
		if m.ours(e) && !slices.Contains(m.asked, e.asked) {
			t.Errorf("docs/access.md has a line of `%s`, which is no %s: remove it", e.asked, m.kind)
		}
	}
	return entries
}

// ours reports whether a line is of the kind that is asked.
func (m *matrix) ours(e entry) bool {
	method, path := cut(e.asked)
	switch {
	case method == "keeper":
		return m.kind == "command"
	case strings.HasPrefix(path, "/api"):
		return m.kind == "operation"
	default:
		return m.kind == "page"
	}
}

// row asks one thing as everybody: first those who must be refused, who together may change
// nothing, then the others, each in the world as it was seeded.
func (m *matrix) row(t *testing.T, d document, e entry) {
	var others []*caller
	for _, c := range m.callers {
		if d.expected(e, c) == allowed {
			others = append(others, c)
			continue
		}
		m.compare(t, d, e, c)
	}
	if changed := m.changed(); len(changed) > 0 {
		t.Errorf("`%s`: what was refused changed %v", e.asked, changed)
		m.restore()
	}
	for _, c := range others {
		m.compare(t, d, e, c)
		if changed := m.changed(); e.where == ofEach && !d.may(c, e.action, true) && len(changed) > 0 {
			t.Errorf("`%s` as %s changed %v, and leaves nothing out", e.asked, c.name, changed)
		}
		m.restore()
	}
}

func (m *matrix) compare(t *testing.T, d document, e entry, c *caller) {
	t.Helper()
	got, want := m.ask(t, e, c), d.expected(e, c)
	if got.answer != want {
		t.Errorf("`%s` as %s: %s (%d), and docs/access.md says %s: %.300s", e.asked, c.name, got.answer, got.status, want, brief(got.body))
	}
	m.tells(t, d, e, c, got)
	m.lists(t, d, e, c, got)
}

// tells fails where an answer names what the caller may not see, or holds a value that it may
// not reveal.
func (m *matrix) tells(t *testing.T, d document, e entry, c *caller, got reply) {
	t.Helper()
	says := func(word string) bool { return strings.Contains(strings.ToLower(got.body), word) }
	seesPlace := !c.over && d.may(c, "environment.view", true)
	seesAccounts := !c.over && d.may(c, "users.view", false)
	seesPeople := seesAccounts || !c.over && d.may(c, "members.view", true)
	if !seesPlace && says(hiddenName) {
		t.Errorf("`%s` as %s names what is in an environment that is hidden from it: %s", e.asked, c.name, around(got.body, hiddenName))
	}
	if !seesPeople && says(personName) {
		t.Errorf("`%s` as %s names users or groups that are hidden from it: %s", e.asked, c.name, around(got.body, personName))
	}
	if !seesAccounts && says(accountName) {
		t.Errorf("`%s` as %s tells of accounts that are hidden from it: %s", e.asked, c.name, around(got.body, accountName))
	}
	if says(value) && (e.action != "secret.reveal" && !reveals[e.asked] || c.over || !d.may(c, "secret.reveal", true)) {
		t.Errorf("`%s` as %s answers with a value", e.asked, c.name)
	}
}

// lists fails where a list of the API holds what the caller may not see, or leaves out what it
// may.
func (m *matrix) lists(t *testing.T, d document, e entry, c *caller, got reply) {
	t.Helper()
	method, path := cut(e.asked)
	if method != http.MethodGet || e.where != ofEach || !isOperation(e) || got.answer != allowed {
		return
	}
	for _, p := range pathNames {
		if p.start != path+"/" {
			continue
		}
		id := regexp.MustCompile(`"id": ?"?` + regexp.QuoteMeta(m.here.ids[p.thing]) + `["},]`)
		if has, may := id.MatchString(got.body), d.may(c, e.action, true); has != may {
			t.Errorf("`%s` as %s lists the %s: %v, and docs/access.md says %v", e.asked, c.name, p.thing, has, may)
		}
	}
}

// reveals are what is answered without a value to those who may not reveal it.
var reveals = map[string]bool{"GET /api/secrets/{id}": true}

// brief is a body on one line, without its markup's blanks.
func brief(body string) string {
	if _, main, has := strings.Cut(body, "<main"); has {
		body = main
	}
	return strings.Join(strings.Fields(body), " ")
}

func around(body, word string) string {
	i := strings.Index(strings.ToLower(body), word)
	return brief(body[max(0, i-80):min(len(body), i+80)])
}
