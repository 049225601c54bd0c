// Package templates is what people see: typed page data, the HTML that it becomes, and the
// words that go with it. It knows nothing of requests; package web fills the structs.
package templates

import (
	"bytes"
	"embed"
	"fmt"
	"html/template"
	"io"
	"io/fs"
	"strings"
	"sync"
)

//go:embed layout partials pages reference
var files embed.FS

// pages are all page structs. A Set has a template for each, and knows of no other.
var pages = []Page{
	(*SignInPage)(nil), (*StepPage)(nil), (*ProvePage)(nil), (*PasswordPage)(nil), (*FactorsPage)(nil), (*TOTPPage)(nil), (*RecoveryCodesPage)(nil), (*ProfilePage)(nil), (*DashboardPage)(nil), (*SearchPage)(nil),
	(*SecretListPage)(nil), (*BulkPage)(nil), (*DeletedSecretsPage)(nil), (*SecretNewPage)(nil), (*SecretPage)(nil), (*SecretVersionsPage)(nil), (*SecretDiffPage)(nil), (*SecretAccessPage)(nil),
	(*SecretActivityPage)(nil), (*SecretRevealPage)(nil), (*SecretEditPage)(nil), (*SecretVersionNewPage)(nil),
	(*SecretRollbackPage)(nil), (*SecretDeletePage)(nil),
	(*EnvironmentListPage)(nil), (*EnvironmentFormPage)(nil), (*EnvironmentPage)(nil), (*EnvironmentDeletePage)(nil), (*EnvironmentExportPage)(nil),
	(*DestinationListPage)(nil), (*DestinationFormPage)(nil), (*DestinationPage)(nil), (*DestinationRunsPage)(nil), (*DestinationDeletePage)(nil),
	(*SyncPage)(nil), (*RunHistoryPage)(nil), (*RunPage)(nil), (*ReceiptListPage)(nil), (*ReceiptPage)(nil), (*ReceiptVerifyPage)(nil),
	(*AlertListPage)(nil), (*AlertPage)(nil), (*ChannelListPage)(nil), (*ChannelFormPage)(nil), (*ChannelKeyPage)(nil), (*ChannelDeletePage)(nil), (*AuditPage)(nil),
	(*PlanListPage)(nil), (*PlanPage)(nil), (*PlanApplyPage)(nil), (*ImportListPage)(nil), (*ImportNewPage)(nil), (*ImportPage)(nil), (*ImportApplyPage)(nil), (*ReleasePage)(nil), (*HoldListPage)(nil), (*HoldPage)(nil), (*HoldRevealPage)(nil),
	(*KeysPage)(nil), (*KeyTestPage)(nil), (*KeyEmptyPage)(nil), (*KeyRunsPage)(nil), (*KeyRunPage)(nil), (*KeyRunCancelPage)(nil),
	(*EnvironmentKeysPage)(nil), (*RecipientNewPage)(nil), (*RecipientRemovePage)(nil), (*RewrapPage)(nil), (*ReencryptPage)(nil), (*DrillPage)(nil),
	(*TokenListPage)(nil), (*TokenNewPage)(nil), (*TokenRotatePage)(nil), (*TokenCreatedPage)(nil), (*LeakedTokenPage)(nil), (*AllTokensPage)(nil),
	(*AccountListPage)(nil), (*AccountFormPage)(nil), (*AccountPage)(nil), (*OneTimePasswordPage)(nil), (*AccountAskPage)(nil), (*AccountDeletePage)(nil),
	(*GroupListPage)(nil), (*GroupFormPage)(nil), (*GroupPage)(nil), (*GroupDeletePage)(nil), (*MembersPage)(nil), (*AccessPage)(nil),
	(*OnwardPage)(nil), (*ProviderListPage)(nil), (*ProviderFormPage)(nil), (*ProviderPage)(nil), (*ProviderDeletePage)(nil), (*DoctorPage)(nil),
	(*ProblemPage)(nil),
}

// Set is every page's template, parsed when it is first shown: each has layout and partials of its
// own, and all of them would take more memory than the rest of a server. It is safe for
// concurrent use.
type Set struct {
	pages map[string]parser
}

// parser parses a page's template, once.
type parser func() (*template.Template, error)

// New parses layout and partials. A page without a file and a file without a page are errors.
func New() (*Set, error) {
	shared, err := template.New("").Option("missingkey=error").Funcs(functions).ParseFS(files, "layout/*.html", "partials/*.html")
	if err != nil {
		return nil, fmt.Errorf("parse layout and partials: %w", err)
	}
	set := &Set{pages: make(map[string]parser, len(pages))}
	for _, page := range pages {
		name := page.template()
		if _, err := fs.Stat(files, file(name)); err != nil {
			return nil, fmt.Errorf("find page %s: %w", name, err)
		}
		set.pages[name] = sync.OnceValues(func() (*template.Template, error) { return parsePage(shared, name) })
	}
	return set, set.checkOrphans()
}

// file is where the template of a page is.
func file(name string) string { return "pages/" + name + ".html" }

func parsePage(shared *template.Template, name string) (*template.Template, error) {
	clone, err := shared.Clone()
	if err != nil {
		return nil, fmt.Errorf("clone the layout for %s: %w", name, err)
	}
	parsed, err := clone.ParseFS(files, file(name))
	if err != nil {
		return nil, fmt.Errorf("parse page %s: %w", name, err)
	}
	if parsed.Lookup("content") == nil {
		return nil, fmt.Errorf("page %s defines no content", name)
	}
	return parsed, nil
}

func (s *Set) checkOrphans() error {
	return fs.WalkDir(files, "pages", func(path string, entry fs.DirEntry, err error) error {
		if err != nil || entry.IsDir() {
			return err
		}
		name := strings.TrimSuffix(strings.TrimPrefix(path, "pages/"), ".html")
		if s.pages[name] == nil {
			return fmt.Errorf("no page uses %s", path)
		}
		return nil
	})
}

// Render writes the whole page. Nothing is written where the template fails.
func (s *Set) Render(w io.Writer, page Page) error {
	layout := "app"
	if page.Frame().Plain {
		layout = "plain"
	}
	return s.RenderPartial(w, page, layout)
}

// RenderPartial writes one block of the page's template, for a request that replaces only
// that part. Nothing is written where the template fails.
func (s *Set) RenderPartial(w io.Writer, page Page, block string) error {
	parse := s.pages[page.template()]
	if parse == nil {
		return fmt.Errorf("templates: page %s is not in the list of pages", page.template())
	}
	parsed, err := parse()
	if err != nil {
		return err
	}
	var buffer bytes.Buffer
	if err := parsed.ExecuteTemplate(&buffer, block, page); err != nil {
		return fmt.Errorf("render %s of %s: %w", block, page.template(), err)
	}
	_, err = buffer.WriteTo(w)
	return err
}
