package templates

import (
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/your-org/keeper/models"
)

// SignInProvider is a button of the sign-in page.
type SignInProvider struct{ Name, Label string }

// OnwardPage is what a browser sees on its way to another page or to an identity provider. It
// goes on by itself; the link is for browsers that do not. With Fields it is a form to be sent.
type OnwardPage struct {
	BasePage
	Title, Text string
	To          string
	Fields      []OnwardField
}

// OnwardField is a hidden field.
type OnwardField struct{ Name, Value string }

func (*OnwardPage) template() string { return "providers/onward" }

// Frame stands around the page.
func (p *OnwardPage) Frame() Frame { return Frame{Title: p.Title, Plain: true} }

// ProviderView is an identity provider as its page and the list show it.
type ProviderView struct {
	models.Provider
	EntityID, ACSURL, SLOURL, MetadataURL, SignInURL string

	TheirEntityID string
	Logout        bool
	FetchedAt     *time.Time
	Problem       string
	Ours, Theirs  []CertificateView
}

// CertificateView is a certificate of either side.
type CertificateView struct {
	Fingerprint, Subject string
	NotAfter             time.Time
	Signs                bool
}

// Short is the beginning of the fingerprint.
func (c CertificateView) Short() string { return c.Fingerprint[:min(16, len(c.Fingerprint))] }

// Ending reports whether a certificate ends within a month.
func (c CertificateView) Ending(now time.Time) bool { return c.NotAfter.Sub(now) < 30*24*time.Hour }

// ProviderListPage is GET /admin/providers.
type ProviderListPage struct {
	BasePage
	Providers []ProviderView
	MayManage bool
}

func (*ProviderListPage) template() string { return "providers/list" }

// Frame stands around the page.
func (p *ProviderListPage) Frame() Frame { return adminFrame("Identity providers") }

var providerCrumbs = []Crumb{{"Identity providers", "/admin/providers"}}

func crumbsTo(name string) []Crumb {
	return []Crumb{providerCrumbs[0], {name, MustPath("/admin/providers/{provider}", name)}}
}

// ProviderFormPage is GET /admin/providers/new and GET /admin/providers/{provider}/edit. Fields:
// name (of a new one), those of models.ProviderConfig as the API spells them, metadata (XML).
type ProviderFormPage struct {
	BasePage
	Form Form
	Name string // that is edited; "": a new one
}

func (*ProviderFormPage) template() string { return "providers/form" }

// Frame stands around the page.
func (p *ProviderFormPage) Frame() Frame {
	if p.Name == "" {
		return adminFrame("New identity provider", providerCrumbs...)
	}
	return adminFrame("Edit", crumbsTo(p.Name)...)
}

// ProviderGroup is a group that a provider's names are mapped to.
type ProviderGroup struct {
	models.Group
	Roles []GroupRoleView
}

// ProviderIdentity is a person whom a provider knows.
type ProviderIdentity struct {
	models.Identity
	Username, DisplayName string
}

// ProviderPage is GET /admin/providers/{provider}; ?q= is part of a name of the people whom it
// knows. Fields of its forms: group, role; user, name_id.
type ProviderPage struct {
	BasePage
	Provider   ProviderView
	Groups     []ProviderGroup
	Query      string
	Identities []ProviderIdentity
	Pager      Pager // of the people
	MayManage  bool
	NeedProof  bool
	Form       Form
}

func (*ProviderPage) template() string { return "providers/show" }

// Frame stands around the page.
func (p *ProviderPage) Frame() Frame { return adminFrame(p.Provider.Label(), providerCrumbs...) }

// People is another page of the people whom the provider knows, at their list.
func (p *ProviderPage) People(cursor string) (string, error) {
	path, err := Path("/admin/providers/{provider}", p.Provider.Name)
	return withQuery(path, url.Values{"q": {p.Query}, "cursor": {cursor}}) + "#people", err
}

// ProviderDeletePage is GET /admin/providers/{provider}/delete. Fields: confirm.
type ProviderDeletePage struct {
	BasePage
	Confirmation
	Label string
}

func (*ProviderDeletePage) template() string { return "providers/delete" }

func (p *ProviderDeletePage) confirmation() Confirmation { return p.Confirmation }

// Frame stands around the page.
func (p *ProviderDeletePage) Frame() Frame { return adminFrame("Delete", crumbsTo(p.Name)...) }

// DoctorFinding is one thing that is wrong with a response.
type DoctorFinding struct{ Reason, Detail, Mend string }

// DoctorSignature is what is known of a signature.
type DoctorSignature struct {
	Of                                string
	Present, Valid, Trusted           bool
	Algorithm, Digest, By, ByNotAfter string
}

// Doctor is what was found in a response.
type Doctor struct {
	Accepted   bool
	Live       bool // of a test sign-in
	Findings   []DoctorFinding
	Notes      []string
	Signatures []DoctorSignature
	Encryption string
	Facts      []DoctorFact
	Outlook    *OutlookView
}

// DoctorFact is something that the response says.
type DoctorFact struct{ Name, Value string }

// OutlookView is what a person would get.
type OutlookView struct {
	Allowed         bool
	Reason, Mend    string
	Username        string
	Creates         bool
	Mapped          []string
	Unmapped        []string
	Role            models.GlobalRole
	Roles           []GroupRoleView
	GivesEverything bool
}

// DoctorPage is GET /admin/providers/{provider}/doctor. Fields: response; name_id, username,
// groups (one a line).
type DoctorPage struct {
	BasePage
	Provider string
	Label    string
	Form     Form
	Found    *Doctor
	Outlook  *OutlookView // of the dry run
	Alone    bool         // the answer to a test sign-in, which arrives without a session
}

func (*DoctorPage) template() string { return "providers/doctor" }

// Frame stands around the page.
func (p *DoctorPage) Frame() Frame {
	f := adminFrame("SAML doctor", crumbsTo(p.Provider)...)
	f.Plain = p.Alone
	return f
}

// SortRoles puts roles in the order of their environments' names.
func SortRoles(roles []GroupRoleView) {
	slices.SortFunc(roles, func(a, b GroupRoleView) int { return strings.Compare(a.Environment.Name, b.Environment.Name) })
}
