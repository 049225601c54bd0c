package templates

import (
	"time"

	"github.com/your-org/keeper/models"
)

// Page is the data of one page. Only the structs of this package are pages: each knows its
// own template, so none can be rendered with another's.
type Page interface {
	template() string // "secrets/list", the file under pages without its ending
	Frame() Frame
	base() *BasePage
}

// BasePage is what every page needs of the request and of who made it. A handler fills it
// the same way for each page.
type BasePage struct {
	Actor        models.Actor         // the zero Actor: nobody is signed in
	Environments []models.Environment // that the actor may see, for the switcher
	Flashes      []Flash
	CSRFToken    string
	Nonce        string // that the scripts and styles of this answer bear, and no other's
	MayViewKeys  bool   // wrapping keys and the runs over them
	MayViewAudit bool   // some of the audit log
	MayViewUsers bool   // accounts, groups and everybody's tokens
	Version      string // of Keeper
	Now          time.Time
	Answers      bool   // the page is the answer to a form: its address opens none, so no part can be fetched anew
	Guide        *Setup // of a first run, where the page was opened within it; nil: it was not
}

func (b *BasePage) base() *BasePage { return b }

// SignedIn reports whether the page is seen by somebody known.
func (b *BasePage) SignedIn() bool { return b.Actor.Kind != "" && b.Actor.Kind != models.ActorNobody }

// Admin reports whether the actor may administer the installation.
func (b *BasePage) Admin() bool { return b.Actor.Role == models.RoleAdmin }

// Frame is what stands around a page's content. Pages derive it from their own data.
type Frame struct {
	Title       string
	Nav         Nav
	Crumbs      []Crumb             // the way here, without the page itself
	Environment *models.Environment // whose colour the page wears; nil: none
	Mono        bool                // the title is a name, set in monospace
	Plain       bool                // no sidebar: sign-in and what goes before it
	Query       string              // what stands in the search field
	Topics      string              // what the page wants to hear of live, space-separated; "": nothing
}

// Nav is a place in the sidebar.
type Nav string

// The places of the sidebar.
const (
	NavNone         Nav = ""
	NavOverview     Nav = "overview"
	NavSecrets      Nav = "secrets"
	NavSync         Nav = "sync"
	NavEnvironments Nav = "environments"
	NavAlerts       Nav = "alerts"
	NavAudit        Nav = "audit"
	NavKeys         Nav = "keys"
	NavAdmin        Nav = "admin"
	NavProfile      Nav = "profile"
)

// Crumb is one step of the way to a page.
type Crumb struct {
	Label string
	URL   string
}

// FlashKind is the tone of a message.
type FlashKind string

// The kinds of messages.
const (
	FlashDone    FlashKind = "done"
	FlashNote    FlashKind = "note"
	FlashWarning FlashKind = "warning"
	FlashFailed  FlashKind = "failed"
)

// Flash is a message about what was just done. Message says what happened and what was
// kept, Hint what to do; neither holds a value.
type Flash struct {
	Kind    FlashKind
	Message string
	Hint    string
}

// Pager leads through a list by keyset. Cursors are opaque; "" means that there is no such page.
type Pager struct {
	Prev  string
	Next  string
	Total int // of all pages; -1: not counted
}
