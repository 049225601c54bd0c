package templates

import (
	"net/url"
	"time"

	"github.com/your-org/keeper/models"
)

// ReceiptView is what a receipt says.
type ReceiptView struct {
	Run                    models.RunID
	Plan                   models.PlanID
	Engine, Installation   string
	Started, Ended         time.Time
	ListingAge             time.Duration // how old what was listed may have been; 0: it was as of then
	Proven                 ProvenView
	Signed                 bool // the signature was checked and is this installation's
	DestinationThen        string
	Environment, PublicKey string
}

// ProvenView is what a look found.
type ProvenView struct {
	Wanted, There             int // names
	WantedRoot, ThereRoot     string
	Equal, Exceptions         int
	ByVersion, ByValue, ByOwn int // of Equal: how that was seen
	Named                     []ReceiptException
	// Part are names, some of them, that it is about where these are not all; Names is how many.
	Part  []string
	Names int // 0: it is about all
}

// About is how many names it is about: those of Keeper's that it looked at, where it is about all.
func (p ProvenView) About() int { return max(p.Names, p.Equal+p.Exceptions) }

// Untold is how many names it is about that it does not list.
func (p ProvenView) Untold() int { return p.Names - len(p.Part) }

// Whole reports whether all was equal.
func (p ProvenView) Whole() bool { return p.Exceptions == 0 && p.WantedRoot == p.ThereRoot }

// Unnamed is how many exceptions the receipt counts without their names.
func (p ProvenView) Unnamed() int { return p.Exceptions - len(p.Named) }

// ReceiptException is one name that was not equal.
type ReceiptException struct {
	Name   string
	Status models.SyncStatus
	Why    string
}

// State is the state that a person sees.
func (e ReceiptException) State() State { return StateOf(models.SyncState{Status: e.Status}, false) }

// ReadAgainView is how the destination stands now beside a receipt.
type ReadAgainView struct {
	At          time.Time
	Matches     bool
	Now         ProvenView
	Differences []ReceiptException
	Differ      int
}

// Unnamed is how many differences are counted without their names.
func (v ReadAgainView) Unnamed() int { return v.Differ - len(v.Differences) }

// ReceiptListPage is GET /destinations/{destination}/receipts.
type ReceiptListPage struct {
	BasePage
	View     DestinationView
	About    string // one of the below; "": either
	Receipts []ReceiptView
	Pager    Pager
}

// What listed receipts are about.
const (
	AboutAll     = "all"     // everything at the destination
	AboutChanges = "changes" // what changed
)

// URL is the list about something, at a place.
func (p *ReceiptListPage) URL(about, cursor string) (string, error) {
	return query("/destinations/"+url.PathEscape(string(p.View.Destination.ID))+"/receipts", "about", about, "cursor", cursor)
}

func (*ReceiptListPage) template() string { return "receipts/list" }

// Frame stands around the page.
func (p *ReceiptListPage) Frame() Frame {
	f := destinationFrame(&p.View.Environment, &p.View.Destination, "")
	f.Topics = "sync"
	return f
}

// ReceiptPage is GET /sync/runs/{run}/receipt, and the answer of POST …/receipt/verify, which
// fills Again or Refused.
type ReceiptPage struct {
	BasePage
	RunView
	Receipt      ReceiptView
	Again        *ReadAgainView
	Refused      *Flash // why it could not be checked
	MayReadAgain bool
}

func (*ReceiptPage) template() string { return "receipts/overview" }

// Frame stands around the page.
func (p *ReceiptPage) Frame() Frame {
	f := destinationFrame(&p.Environment, &p.Destination, "Receipt")
	f.Crumbs = append(f.Crumbs, Crumb{"Receipts", MustPath("/destinations/{destination}/receipts", p.Destination.ID)})
	return f
}

// ReceiptVerifyPage is GET /sync/receipts/verify, and the answer of its POST, which fills Receipt
// where the text is signed. Fields: text, read_again.
type ReceiptVerifyPage struct {
	BasePage
	Form    Form
	Receipt *ReceiptView
	Again   *ReadAgainView
	Refused *Flash // why the destination could not be read again
}

func (*ReceiptVerifyPage) template() string { return "receipts/verify" }

// Frame stands around the page.
func (p *ReceiptVerifyPage) Frame() Frame {
	return Frame{Title: "Check a receipt", Nav: NavSync, Crumbs: []Crumb{{"Sync", "/sync"}}}
}
