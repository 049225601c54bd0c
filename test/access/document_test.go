package access

import (
	"cmp"
	"os"
	"slices"
	"strings"
	"testing"
)

// The words of the table's second column where it names no action.
const (
	everybody = "everybody" // nobody need sign in
	oneself   = "oneself"   // whoever is signed in
	person    = "person"    // whoever is signed in with a browser
	machine   = "machine"   // not asked of a server
)

// The words of the third column: of what the action is asked.
const (
	ofEnvironment = "environment"  // that the thing is in
	hidden        = "hidden"       // the same, and who lacks the action is told that nothing is there
	ofEverything  = "installation" // as a whole
	within        = "within"       // the installation as a whole, and the environment has to be visible
	inside        = "inside"       // the administration of people, which is not there for who may not see it
	ofEach        = "each"         // thing; the answer leaves out what may not be seen
	ofSome        = "some"         // the same, and refused where it would be empty for want of rights
)

var places = []string{ofEnvironment, hidden, ofEverything, within, inside, ofEach, ofSome}

// entry is a line of the table: what is asked, and what it takes.
type entry struct {
	asked  string
	action string
	or     string // an action of the installation that serves instead, where the environment is visible
	where  string
	proof  bool // takes a proof of who one is that is not old
}

// document is what docs/access.md says of who may ask what.
type document struct {
	entries []entry
	gives   map[string][]string // the roles that give an action
}

// columns are those of the table of actions.
var columns = []string{"viewer", "reader", "editor", "manager", "auditor", "admin"}

func readDocument(t *testing.T) document {
	t.Helper()
	text, err := os.ReadFile("../../docs/access.md")
	must(t, err)
	d := document{gives: map[string][]string{}}
	for line := range strings.Lines(string(text)) {
		cells := strings.Split(strings.TrimSpace(line), "|")
		if len(cells) < 3 || cells[0] != "" || !strings.HasPrefix(strings.TrimSpace(cells[1]), "`") {
			continue
		}
		for i := range cells {
			cells[i] = strings.TrimSpace(cells[i])
		}
		first := strings.Trim(cells[1], "`")
		switch cells = cells[2 : len(cells)-1]; {
		case strings.Contains(first, " ") && len(cells) == 3:
			action, or, _ := strings.Cut(strings.ReplaceAll(cells[0], "`", ""), " or ")
			d.entries = append(d.entries, entry{asked: first, action: action, or: or, where: cells[1], proof: cells[2] == "yes"})
		case len(cells) == len(columns):
			for i, role := range columns {
				if cells[i] == "yes" {
					d.gives[first] = append(d.gives[first], role)
				}
			}
		}
	}
	for _, e := range d.entries {
		d.check(t, e)
	}
	return d
}

// check refuses a line that the test would not understand.
func (d document) check(t *testing.T, e entry) {
	t.Helper()
	words := []string{everybody, oneself, person, machine}
	switch known := d.gives[e.action] != nil; {
	case known && !slices.Contains(places, e.where),
		!known && (!slices.Contains(words, e.action) || e.where != ""), e.or != "" && d.gives[e.or] == nil:
		t.Fatalf("docs/access.md: the line of `%s` says %q of %q: name an action of the table above and one of %v; or one of %v and nothing", e.asked, e.action, e.where, places, words)
	}
}

// answer is how something is answered, as far as access goes.
type answer string

const (
	allowed answer = "allowed"
	refused answer = "refused (403)"
	absent  answer = "not there (404)"
	signIn  answer = "sign in (401, or a page: redirect to /sign-in)"
	prove   answer = "prove who you are (redirect to /prove)"
)

// expected is the answer that the document promises a caller.
func (d document) expected(e entry, c *caller) answer {
	switch {
	case unsigned[e.asked]:
		return signIn
	case e.action == everybody && (!c.over || c.token == "" || !isOperation(e)):
		return allowed
	case c.over:
		return signIn // where a token is sent, it has to be a good one
	case e.action == person && c.cookies == nil:
		return refused
	}
	if d.gives[e.action] != nil {
		if got := d.decides(e, c); got != allowed {
			return got
		}
	}
	switch {
	case e.proof && c.stale:
		return prove
	case widens(e) && c.scope != nil && len(c.scope.Actions) > 0:
		return refused
	}
	return allowed
}

// widening are operations that give somebody what they have not: a token whose scope names
// actions gives nobody more than it may do itself.
var widening = map[string]bool{
	"POST /api/users/{user}/password": true, "POST /api/users/{user}/reset-factors": true, "PUT /api/groups/{group}/members/{member}": true,
	"keeper groups add": true,
}

func widens(e entry) bool {
	provider := strings.Contains(e.asked, " /api/providers") || strings.HasPrefix(e.asked, "keeper providers ") && e.asked != "keeper providers map"
	return widening[e.asked] || provider && e.action == "users.manage"
}

// unsigned are what an identity provider has to have signed. Nothing that is sent here is,
// whoever sends it; web's own tests send what counts.
var unsigned = map[string]bool{"POST /saml/{provider}/acs": true, "GET /saml/{provider}/slo": true, "POST /saml/{provider}/slo": true}

// listed are commands that find what they are about in a list of what may be seen, and the
// action that the list takes.
var listed = map[string]string{
	"keeper sync adopt": "destination.view", "keeper sync import": "destination.view", "keeper sync release": "destination.view",
	"keeper sync pause": "destination.view", "keeper sync plan": "destination.view", "keeper sync resolve": "destination.view",
	"keeper sync resume": "destination.view", "keeper sync run": "destination.view", "keeper sync test": "destination.view",
}

func isOperation(e entry) bool { return strings.Contains(e.asked, " /api") }

func (d document) decides(e entry, c *caller) answer {
	sees := d.may(c, cmp.Or(listed[e.asked], "environment.view"), true)
	if e.or != "" && sees && d.may(c, e.or, false) {
		return allowed
	}
	switch e.where {
	case ofEach:
		return allowed
	case ofSome:
		elsewhere := c.away != "" && slices.Contains(d.gives[e.action], string(c.away)) ||
			c.bound && slices.Contains(d.gives[e.action], string(c.role)) // a token of the other environment has its part there
		if d.may(c, e.action, true) || d.may(c, e.action, false) || elsewhere {
			return allowed
		}
	case inside:
		if !d.may(c, "users.view", false) {
			return absent
		}
		fallthrough
	case ofEverything:
		if d.may(c, e.action, false) {
			return allowed
		}
	case within:
		if sees && d.may(c, e.action, false) {
			return allowed
		}
	case ofEnvironment, hidden:
		if d.may(c, e.action, true) {
			return allowed
		}
	}
	if e.where == hidden || !sees && (e.where == ofEnvironment || e.where == within) {
		return absent
	}
	return refused
}

// may reports whether the table of actions gives a caller an action: in the environment that
// is asked about, or where it concerns none.
func (d document) may(c *caller, action string, environment bool) bool {
	roles := []string{string(c.role)}
	if environment {
		roles = append(roles, string(c.here))
	} else if c.role == "user" && len(d.gives[action]) == len(columns) {
		roles = append(roles, "viewer") // what every role gives, everybody has
	}
	return slices.ContainsFunc(roles, func(role string) bool { return slices.Contains(d.gives[action], role) }) && reaches(c, action, environment)
}

// reaches reports whether the scope of a caller's token lets an action through.
func reaches(c *caller, action string, environment bool) bool {
	if c.scope == nil {
		return true
	}
	_, last, _ := strings.Cut(action, ".")
	if c.scope.ReadOnly && !slices.Contains([]string{"view", "reveal", "audit"}, last) {
		return false
	}
	if len(c.scope.Environments) > 0 && (!environment || c.bound) {
		return false
	}
	return len(c.scope.Actions) == 0 || slices.Contains(needed[c.scope.Actions[0]], action)
}

// needed are what a token may do whose scope names an action.
var needed = map[string][]string{
	"secret.reveal": {"secret.reveal", "secret.view", "environment.view"},
	"users.manage":  {"users.manage", "users.view"},
}
