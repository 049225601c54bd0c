package templates

import (
	"strings"

	"github.com/your-org/keeper/models"
)

// The views hand a partial what it needs of its page beside its own data.
type (
	// Tab is one tab of a page; each is a URL.
	Tab struct {
		Label  string
		URL    string
		Active bool
	}
	// SecretTabs are the tabs of one secret.
	SecretTabs struct {
		Secret models.SecretID
		Active string
	}
	// DestinationTabs are the tabs of one destination.
	DestinationTabs struct {
		View   DestinationView
		Active string
	}
	// EnvironmentTabs are the tabs of one environment; Keys and Members for those who may see
	// them.
	EnvironmentTabs struct {
		Name, Active  string
		Keys, Members bool
	}
	// KeyRunsView is a table of runs over keys.
	KeyRunsView struct {
		Base *BasePage
		Runs []KeyRunView
	}
	// KeyRunCard is one run over keys.
	KeyRunCard struct {
		Base *BasePage
		KeyRunView
	}
	// KeyNeedsView is what of keys a person should look at.
	KeyNeedsView struct {
		Base  *BasePage
		Needs []KeyNeed
	}
	// EncryptionView is how the keys stand.
	EncryptionView struct {
		Base *BasePage
		*Encryption
	}
	// ConfirmField is the field into which a name is typed before a dangerous act.
	ConfirmField struct {
		Confirmation
		Focus bool
	}
	// PagerView is a pager with the URLs of its neighbours.
	PagerView struct {
		Pager
		PrevURL, NextURL string
	}
	// Empty is what stands where there is nothing yet.
	Empty struct{ Icon, Title, Text string }
	// HiddenView is a value that is not shown, and where it is revealed.
	HiddenView struct {
		CSRFToken string
		Reveal    string // where it is posted to
	}
	// SyncedView is the table of a secret's destinations.
	SyncedView struct {
		Base   *BasePage
		States []DestinationState
	}
	// EntriesView is a list of audit entries.
	EntriesView struct {
		Base    *BasePage
		Entries []ActivityLine
	}
	// RunHistoryView is a history of runs.
	RunHistoryView struct {
		Base *BasePage
		RunHistory
	}
	// RunsView is a table of runs; Where adds the destination.
	RunsView struct {
		Base  *BasePage
		Runs  []RunView
		Where bool
	}
	// CardView is one destination.
	CardView struct {
		Base *BasePage
		DestinationView
	}
	// DestinationsView is a table of destinations.
	DestinationsView struct {
		Base  *BasePage
		Views []DestinationView
	}
	// ConfirmView is the question before a dangerous act.
	ConfirmView struct {
		Confirmation
		CSRFToken, Button, Action, Cancel string
	}
)

// All are the tabs.
func (t EnvironmentTabs) All() ([]Tab, error) {
	all := []Tab{{Label: "Overview"}, {Label: "Destinations"}}
	if t.Keys {
		all = append(all, Tab{Label: "Keys"})
	}
	if t.Members {
		all = append(all, Tab{Label: "Members"})
	}
	for i := range all {
		name, pattern := strings.ToLower(all[i].Label), "/environments/{environment}"
		if i > 0 {
			pattern += "/" + name
		}
		url, err := Path(pattern, t.Name)
		if err != nil {
			return nil, err
		}
		all[i].URL, all[i].Active = url, t.Active == name
	}
	return all, nil
}

// All are the tabs. That of what waits for a decision says how much does.
func (t DestinationTabs) All() ([]Tab, error) {
	waiting := "To decide"
	if t.View.Held > 0 {
		waiting += " " + count(t.View.Held)
	}
	all := []Tab{{"Secrets", "", t.Active == "secrets"}, {"Runs", "/runs", t.Active == "runs"}, {"Receipts", "/receipts", t.Active == "receipts"}, {"Plans", "/plans", t.Active == "plans"}, {waiting, "/holds", t.Active == "holds"}}
	if t.View.MayManage {
		all = append(all, Tab{"Imports", "/imports", t.Active == "imports"})
	}
	for i := range all {
		url, err := Path("/destinations/{destination}"+all[i].URL, t.View.Destination.ID)
		if err != nil {
			return nil, err
		}
		all[i].URL = url
	}
	return all, nil
}

type confirmPage interface {
	Page
	confirmation() Confirmation
}

func (p *SecretDeletePage) confirmation() Confirmation      { return p.Confirmation }
func (p *DestinationDeletePage) confirmation() Confirmation { return p.Confirmation }
func (p *ChannelDeletePage) confirmation() Confirmation     { return p.Confirmation }
func (p *ReencryptPage) confirmation() Confirmation         { return p.Confirmation }

func confirmView(p confirmPage, button, action, cancel string) ConfirmView {
	return ConfirmView{p.confirmation(), p.base().CSRFToken, button, action, cancel}
}

// NameParts is a secret's name cut before its last segment.
type NameParts struct{ Dir, Leaf string }

func nameParts(name string) NameParts {
	cut := strings.LastIndexByte(name, '/') + 1
	return NameParts{name[:cut], name[cut:]}
}

// tagFilter is a tag as SecretFilter spells it.
func tagFilter(key, value string) string {
	if value == "" {
		return key
	}
	return key + "=" + value
}

// RunCount is one thing that a run did, and how often.
type RunCount struct {
	Count int
	Word  string
	Tone  string // "" where nothing is to be said about it
}

// runChanges are what a run did and could not do; what it left as it was is not among them.
func runChanges(c models.RunCounts) []RunCount {
	all := []RunCount{
		{c.Failed, "failed", "red"},
		{c.Unknown, "unknown", ""},
		{c.Foreign, "foreign", ""},
		{c.Held, "to decide", "blue"},
		{c.Created, "created", ""},
		{c.Updated, "updated", ""},
		{c.Repaired, "repaired", "amber"},
		{c.Deleted, "deleted", ""},
		{c.Restored, "restored", ""},
		{c.Taken, "taken into Keeper", "amber"},
	}
	var done []RunCount
	for _, one := range all {
		if one.Count > 0 {
			done = append(done, one)
		}
	}
	return done
}

// objectURL is the page of what an audit entry is about, or "" where there is none.
func objectURL(e models.AuditEntry) string {
	patterns := map[string]string{
		"secret": "/secrets/{secret}", "destination": "/destinations/{destination}", "run": "/sync/runs/{run}",
	}
	pattern, id := patterns[e.ObjectKind], e.ObjectID
	if e.ObjectKind == "environment" {
		pattern, id = "/environments/{environment}", e.EnvironmentName
	}
	if pattern == "" || id == "" {
		return ""
	}
	url, err := Path(pattern, id)
	if err != nil {
		return "" // an entry of another version of Keeper
	}
	return url
}
