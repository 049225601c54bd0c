package templates

import (
	"net/url"

	"github.com/your-org/keeper/models"
)

// ActionChoice is an action that can be asked about or named in a token's scope.
type ActionChoice struct {
	Name          string // as auth spells it
	InEnvironment bool
}

// Word is the action for people.
func (a ActionChoice) Word() string { return ActionWord(a.Name) }

//nolint:gosec // words, no credentials
var rightWords = map[string]string{
	"environment.view": "See the environment", "environment.manage": "Change the environment's settings", "environment.create": "Make environments",
	"secret.view": "See names and facts of secrets", "secret.reveal": "See values", "secret.write": "Write secrets", "secret.delete": "Delete secrets",
	"destination.view": "See destinations", "destination.manage": "Connect and change destinations", "sync.trigger": "Start a sync",
	"environment.audit": "Read the environment's audit log", "alerts.view": "See alerts", "alerts.manage": "Change alert channels",
	"members.view": "See who has access", "members.manage": "Give and take roles",
	"audit.view": "Read the whole audit log", "users.view": "See users, groups and tokens", "users.manage": "Change users, groups and roles",
	"credentials.lend": "Lend Keeper's own credentials", "keys.view": "See wrapping keys", "keys.manage": "Change wrapping keys",
	"alerts.everywhere": "Change alert channels of all environments", "tokens.view": "See one's own tokens", "tokens.own": "Make and end one's own tokens",
}

// ActionWord is an action for people; one that has no words yet is named as auth does.
func ActionWord(name string) string {
	if w, ok := rightWords[name]; ok {
		return w
	}
	return name
}

// AccessQuestion is what was asked, by the names in its tags in the URL.
type AccessQuestion struct {
	Who         string // who: a user's name or id, or a token's id; "": everybody who may
	Action      string // action
	Environment string // environment: its name; "" for an action that concerns none
}

// ParseAccessQuestion reads the question from a URL's query.
func ParseAccessQuestion(q url.Values) AccessQuestion {
	return AccessQuestion{Who: q.Get("who"), Action: q.Get("action"), Environment: q.Get("environment")}
}

// Asked reports whether there is a question.
func (q AccessQuestion) Asked() bool { return q.Action != "" }

// Page is another page of the answer.
func (q AccessQuestion) Page(cursor string) string {
	return withQuery("/admin/access", url.Values{"who": {q.Who}, "action": {q.Action}, "environment": {q.Environment}, "cursor": {cursor}})
}

// AccessAnswer is why somebody may, or may not.
type AccessAnswer struct {
	User    models.User
	Token   *models.Token // nil: the user itself
	Allowed bool
	Through []SourceView
	Against []string
	Notes   []string
}

// Look is the verdict.
func (a AccessAnswer) Look() Look {
	if a.Allowed {
		return Look{"allowed", "check-circle-fill", "green"}
	}
	return Look{"not allowed", "x-circle-fill", "red"}
}

// AccessHolder is somebody who may do what was asked about.
type AccessHolder struct {
	User    models.User
	Through []SourceView
}

// AccessSource is a source with or without a link to its group.
type AccessSource struct {
	SourceView
	Linked bool
}

// AccessPage is GET /admin/access.
type AccessPage struct {
	BasePage
	Question    AccessQuestion
	Actions     []ActionChoice
	Environment *models.Environment // that was asked about; nil: none
	Answer      *AccessAnswer       // about one
	Holders     []AccessHolder      // about everybody
	Everybody   bool                // was asked about
	Pager       Pager
	Form        Form // what is wrong with the question
}

func (*AccessPage) template() string { return "accounts/access" }

// Frame stands around the page. Whoever may not see users asks about itself or its
// environments, and knows no Admin.
func (p *AccessPage) Frame() Frame {
	if p.MayViewUsers {
		return adminFrame("Access")
	}
	return Frame{Title: "Access", Nav: NavEnvironments}
}
