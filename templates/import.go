package templates

import (
	"net/url"

	"github.com/your-org/keeper/models"
)

// ImportListPage is GET /destinations/{destination}/imports.
type ImportListPage struct {
	BasePage
	View    DestinationView
	Imports []models.Import
	Pager   Pager
}

func (*ImportListPage) template() string { return "imports/list" }

// Frame stands around the page.
func (p *ImportListPage) Frame() Frame {
	f := destinationFrame(&p.View.Environment, &p.View.Destination, "")
	f.Topics = "sync"
	return f
}

// Adoptable reports whether entries of the destination can be adopted: those that hold several
// secrets cannot.
func (p *ImportListPage) Adoptable() bool { return !p.View.Destination.Config.Shape.Grouped() }

// ImportNewPage is GET /destinations/{destination}/imports/new. ?purpose= is import or adopt.
// Fields: purpose, prefix, split, names (a name map), and the file names_file in its place.
type ImportNewPage struct {
	BasePage
	Environment models.Environment
	Destination models.Destination
	Purpose     models.ImportPurpose
	Form        Form
	Beyond      bool // the actor may look beyond the destination's prefix
}

func (*ImportNewPage) template() string { return "imports/new" }

// Adopts reports whether the page is for adopting.
func (p *ImportNewPage) Adopts() bool { return p.Purpose == models.PurposeAdopt }

// Frame stands around the page.
func (p *ImportNewPage) Frame() Frame {
	title := "New import"
	if p.Adopts() {
		title = "Adopt"
	}
	f := destinationFrame(&p.Environment, &p.Destination, title)
	f.Crumbs = append(f.Crumbs, importsCrumb(p.Destination))
	return f
}

func importsCrumb(d models.Destination) Crumb {
	return Crumb{"Imports", MustPath("/destinations/{destination}/imports", d.ID)}
}

// ImportHead is what all pages of one import show.
type ImportHead struct {
	Import      models.Import
	Destination models.Destination
	Environment models.Environment
	MayApply    bool
}

func (h *ImportHead) frame(title string) Frame {
	f := destinationFrame(&h.Environment, &h.Destination, title)
	f.Nav = NavSync
	f.Crumbs = []Crumb{{"Sync", "/sync"}, {h.Destination.Name, MustPath("/destinations/{destination}", h.Destination.ID)}, importsCrumb(h.Destination)}
	return f
}

// Title is what the import is called.
func (h *ImportHead) Title() string { return importWord(h.Import.Purpose) }

// Adopts reports whether the import looks for what to adopt.
func (h *ImportHead) Adopts() bool { return h.Import.Purpose == models.PurposeAdopt }

// Preview reports whether nothing was done yet.
func (h *ImportHead) Preview() bool { return h.Import.Status == models.ImportPreview }

// Applying reports whether the import was begun and something is left.
func (h *ImportHead) Applying() bool { return h.Import.Status == models.ImportApplying }

// Choosable reports whether there is something to choose.
func (h *ImportHead) Choosable() bool { return h.Preview() && h.MayApply && h.Takeable() > 0 }

// Elsewhere reports whether the names are others than those that Keeper writes there.
func (h *ImportHead) Elsewhere() bool { return h.Import.Prefix != h.Destination.Config.Prefix }

// Takeable is how many items can be taken in all.
func (h *ImportHead) Takeable() int {
	c := h.Import.Counts
	if h.Adopts() {
		return c.Equal + c.Different
	}
	return c.New + c.Equal + c.Different
}

// Done is how many of the items that are to be dealt with have their result.
func (h *ImportHead) Done() int { return h.total() - h.Import.Counts.Left }

// Percent is Done as a share.
func (h *ImportHead) Percent() int { return h.Done() * 100 / max(1, h.total()) }

func (h *ImportHead) total() int {
	c := h.Import.Counts
	return c.New + c.Equal + c.Different
}

// Unchanged is how many items there was nothing to do about in Keeper.
func (h *ImportHead) Unchanged() int {
	c := h.Import.Counts
	return max(0, h.Done()-c.Imported-c.Updated-c.Skipped-c.Failed)
}

// ImportFilter is what the URL of an import's page says.
type ImportFilter struct {
	Status models.ImportItemStatus // of a preview; "": all
	Result models.ImportResult     // of what was begun; "": all
	Query  string
	Not    string // the numbers of the items that are not to be taken, as in 3,7-9
}

// On is a path with the filter, and a cursor where the page is not the first.
func (f ImportFilter) On(path, cursor string) string {
	return withQuery(path, url.Values{
		"status": {string(f.Status)}, "result": {string(f.Result)}, "q": {f.Query}, "not": {f.Not}, "cursor": {cursor},
	})
}

// Found is the filter with another status, from its first page.
func (f ImportFilter) Found(s models.ImportItemStatus) ImportFilter {
	f.Status = s
	return f
}

// Ended is the filter with another result, from its first page.
func (f ImportFilter) Ended(r models.ImportResult) ImportFilter {
	f.Result = r
	return f
}

// Narrow reports whether the filter leaves something out.
func (f ImportFilter) Narrow() bool { return f.Status != "" || f.Result != "" || f.Query != "" }

// ImportPage is GET /sync/imports/{import}: of a preview, what each entry would become, in a
// form that keeps what is chosen and called; later, how each went. Fields: take (the numbers of
// the items that are chosen, of those in shown), name.NUMBER, q, and go: what to do next.
type ImportPage struct {
	BasePage
	ImportHead
	Filter ImportFilter
	Cursor string // that the page begins after; "": the first
	Rows   []ImportRow
	Shown  string // the numbers of the page's items that can be chosen
	Chosen int    // how many are, on all pages
	Pager  Pager
	Form   Form // what is wrong with what was sent
	GoesOn bool // the page goes on by itself, where scripts run
}

// ImportRow is one item of an import.
type ImportRow struct {
	Item   models.ImportItem
	Name   string // as it stands in its field
	Chosen bool
	Open   bool // can be chosen
	// Elsewhere: it stands where Keeper writes nothing, which the page says once for all.
	Elsewhere bool
}

// Note is what is to be known of the entry alone.
func (r ImportRow) Note() string {
	if r.Elsewhere {
		return ""
	}
	return r.Item.Note
}

// Remark reports whether there is more to say of the item than its columns do.
func (r ImportRow) Remark() bool {
	i := r.Item
	return i.Problem != "" || r.Note() != "" || i.Mended || len(i.Facts.Keys) > 0 || i.Status == models.ItemLeftOut || i.SecretID != 0
}

func (*ImportPage) template() string { return "imports/overview" }

// Frame stands around the page.
func (p *ImportPage) Frame() Frame { return p.frame(p.Title()) }

// ImportApplyPage asks before an import is applied. Fields: not, adopt, side, and confirm, the
// destination's name, where Keeper's side is to count.
type ImportApplyPage struct {
	BasePage
	ImportHead
	Choice       ImportTally
	Not          string
	Confirmation Confirmation
}

// ImportTally is what is chosen of an import.
type ImportTally struct{ New, Equal, Different, Adoptable int }

// All is how many items are chosen.
func (t ImportTally) All() int { return t.New + t.Equal + t.Different }

func (*ImportApplyPage) template() string { return "imports/apply" }

// Frame stands around the page.
func (p *ImportApplyPage) Frame() Frame {
	f := p.frame("Apply")
	f.Crumbs = append(f.Crumbs, Crumb{p.Title(), MustPath("/sync/imports/{import}", p.Import.ID)})
	return f
}

// ReleasePage asks before Keeper takes its hands off a copy.
type ReleasePage struct {
	BasePage
	HoldHead
	Copy models.SyncState
	Form Form // what is wrong with a release that was sent
}

func (*ReleasePage) template() string { return "imports/release" }

// Frame stands around the page.
func (p *ReleasePage) Frame() Frame {
	f := destinationFrame(&p.Environment, &p.Destination, "Release")
	f.Crumbs = append(f.Crumbs, Crumb{p.Secret.Name, MustPath("/secrets/{secret}", p.Secret.ID)})
	return f
}

// Releasable reports whether there is a copy that Keeper could take its hands off.
func Releasable(d models.Destination, s models.SyncState) bool {
	return !d.Config.Shape.Grouped() && s.Status != models.StatusMissing && (s.BaseAt != nil || s.IntentAt != nil)
}

func importWord(p models.ImportPurpose) string {
	if p == models.PurposeAdopt {
		return "Adoption"
	}
	return "Import"
}

func importVerb(p models.ImportPurpose) string {
	if p == models.PurposeAdopt {
		return "Adopt"
	}
	return "Import"
}
