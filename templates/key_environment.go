package templates

import (
	"time"

	"github.com/your-org/keeper/models"
)

func environmentKeysURL(e *models.Environment) string {
	return MustPath("/environments/{environment}/keys", e.Name)
}

// environmentKeysFrame stands around a page below an environment's keys.
func environmentKeysFrame(e *models.Environment, title string) Frame {
	return Frame{
		Title: title, Nav: NavEnvironments, Environment: e,
		Crumbs: []Crumb{{"Environments", "/environments"}, {e.DisplayName, environmentURL(e)}, {"Keys", environmentKeysURL(e)}},
	}
}

// EnvironmentKeysPage is GET /environments/{environment}/keys.
type EnvironmentKeysPage struct {
	BasePage
	Environment models.Environment
	Keys        []KeyView // each with the use of this environment alone, the wrapping key first
	Runs        []KeyRunView
	KeyBackend  string // "local" or "kms": what an empty kms_key_alias means
	MayManage   bool   // keys: an administrator
	MayRuns     bool   // may look at runs
	MayMembers  bool   // see who has a role
}

func (*EnvironmentKeysPage) template() string { return "keys/environment" }

// Frame stands around the page.
func (p *EnvironmentKeysPage) Frame() Frame {
	return Frame{
		Title: p.Environment.DisplayName, Nav: NavEnvironments, Environment: &p.Environment,
		Crumbs: []Crumb{{"Environments", "/environments"}}, Topics: "keys health",
	}
}

// RecipientRow is one wrapping key as this environment knows it.
type RecipientRow struct {
	KeyView
	KeyUse
}

// Title is the key as this environment knows it.
func (r RecipientRow) Title() string { return useTitle(r.KeyView, r.KeyUse) }

// Total is how many data keys should be wrapped for it.
func (r RecipientRow) Total() int { return r.KeyUse.DataKeys + r.KeyUse.Missing }

// Owed is how many of them are not.
func (r RecipientRow) Owed() int { return r.KeyUse.Missing }

// Wrapped is how many of them are.
func (r RecipientRow) Wrapped() int { return r.KeyUse.DataKeys }

// Removable reports whether it is a recipient that was added and can be taken away.
func (r RecipientRow) Removable() bool { return r.Role.Spare() }

// Named is what the recipient was added as.
func (r RecipientRow) Named() string {
	if r.Name != "" {
		return r.Name
	}
	return r.ID
}

// Rows are the recipients.
func (p *EnvironmentKeysPage) Rows() []RecipientRow { return recipientRows(p.Environment.ID, p.Keys) }

func recipientRows(e models.EnvironmentID, keys []KeyView) []RecipientRow {
	var rows []RecipientRow
	for _, k := range keys {
		for _, u := range k.Uses {
			if u.Environment.ID == e {
				rows = append(rows, RecipientRow{k, u})
			}
		}
	}
	return rows
}

// Recovery is how the environment stands on the day that its wrapping key is lost.
func (p *EnvironmentKeysPage) Recovery() Recovery { return RecoveryOf(p.Environment, p.Keys) }

// Needs is what a person should look at.
func (p *EnvironmentKeysPage) Needs() []KeyNeed {
	return KeyNeeds(p.Now, HealthItem{}, p.Keys, nil, p.Runs)
}

// RecipientNewPage is GET /environments/{environment}/keys/recipients/new?kind=….
// Fields: kind, key, label.
type RecipientNewPage struct {
	BasePage
	Environment models.Environment
	Kind        models.RecipientKind // kms or recovery
	Form        Form
}

func (*RecipientNewPage) template() string { return "keys/recipient-new" }

// Frame stands around the page.
func (p *RecipientNewPage) Frame() Frame {
	title := "Add a second KMS key"
	if p.Kind == models.RecipientRecovery {
		title = "Add a recovery recipient"
	}
	return environmentKeysFrame(&p.Environment, title)
}

// RecipientRemovePage is GET /environments/{environment}/keys/recipients/remove?kind=…&key=….
type RecipientRemovePage struct {
	BasePage
	Environment models.Environment
	Recipient   RecipientRow
	Spares      int // how many there are beside the wrapping key, this one among them
	Confirmation
}

func (*RecipientRemovePage) template() string { return "keys/recipient-remove" }

// Frame stands around the page.
func (p *RecipientRemovePage) Frame() Frame {
	return environmentKeysFrame(&p.Environment, "Remove a recipient")
}

// RewrapPage is GET /environments/{environment}/keys/rewrap. Fields: to_key, confirm (where
// the wrapping key changes).
type RewrapPage struct {
	BasePage
	Environment models.Environment
	Keys        []KeyView
	KeyBackend  string
	Confirmation
}

func (*RewrapPage) template() string { return "keys/rewrap" }

// Frame stands around the page.
func (p *RewrapPage) Frame() Frame { return environmentKeysFrame(&p.Environment, "Re-wrap") }

// Primary is the wrapping key of now; nil where none is known.
func (p *RewrapPage) Primary() *RecipientRow {
	for _, row := range recipientRows(p.Environment.ID, p.Keys) {
		if row.Role == RolePrimary {
			return &row
		}
	}
	return nil
}

// ReencryptPage is GET /environments/{environment}/keys/reencrypt.
type ReencryptPage struct {
	BasePage
	Environment models.Environment
	Versions    int
	Confirmation
}

func (*ReencryptPage) template() string { return "keys/reencrypt" }

// Frame stands around the page.
func (p *ReencryptPage) Frame() Frame { return environmentKeysFrame(&p.Environment, "Re-encrypt") }

// DrillView is how one recipient did in a drill.
type DrillView struct {
	Kind    models.RecipientKind
	ID      string
	Label   string
	OK      bool
	Offline bool // its holder has to answer; see the command
	Error   string
	Hint    string
}

// Title is the recipient as a person knows it.
func (d DrillView) Title() string {
	if d.Label != "" {
		return d.Label
	}
	return briefKey(d.ID)
}

// Look is how the result shows.
func (d DrillView) Look() Look {
	switch {
	case d.OK:
		return Look{"opened alone", "check-circle-fill", "green"}
	case d.Offline:
		return Look{"needs its holder", "person", "blue"}
	default:
		return Look{"did not open", "x-circle-fill", "red"}
	}
}

// DrillPage is the answer to POST /environments/{environment}/keys/drill.
type DrillPage struct {
	BasePage
	Environment models.Environment
	Results     []DrillView
	At          time.Time
}

func (*DrillPage) template() string { return "keys/drill" }

// Frame stands around the page.
func (p *DrillPage) Frame() Frame { return environmentKeysFrame(&p.Environment, "Drill") }

// Offline reports whether somebody has to answer with an identity that Keeper does not have.
func (p *DrillPage) Offline() bool {
	for _, d := range p.Results {
		if d.Offline && !d.OK {
			return true
		}
	}
	return false
}
