package templates

import (
	"net/url"
	"strconv"
)

// What one page of a preview shows at most, so that it weighs the same whether a hundred secrets
// are chosen or a thousand, and whether one field of each changes or ten.
const (
	bulkShown = 100 // rows
	bulkLines = 200 // changes of fields
)

// BulkPart is what of the rows with one fate stands on this page of a preview.
type BulkPart struct {
	Rows  []BulkRow
	Total int    // of all pages
	At    string // the page on which they begin
}

// Elsewhere is how many stand on other pages.
func (p BulkPart) Elsewhere() int { return p.Total - len(p.Rows) }

// ShownChanging is what of Changing this page shows.
func (p *BulkPage) ShownChanging() BulkPart { return p.part(p.Changing(), 0) }

// ShownRefused is what of Refused this page shows.
func (p *BulkPage) ShownRefused() BulkPart { return p.part(p.Refused(), len(p.Changing())) }

// ShownSame is what of Same this page shows.
func (p *BulkPage) ShownSame() BulkPart { return p.part(p.Same(), len(p.Rows)-len(p.Same())) }

// shown is how many rows each page of this preview shows.
func (p *BulkPage) shown() int {
	most := 1
	for _, r := range p.Rows {
		most = max(most, len(r.Changes))
	}
	return max(1, min(bulkShown, bulkLines/most))
}

// part cuts rows, of which so many others stand before, to what is shown. All pages go through
// those that change, those that are left alone and those that are so already, in this order.
func (p *BulkPage) part(rows []BulkRow, before int) BulkPart {
	shown := p.shown()
	low, high := min(max(p.From-before, 0), len(rows)), min(max(p.From+shown-before, 0), len(rows))
	return BulkPart{Rows: rows[low:high], Total: len(rows), At: p.pageAt(before / shown * shown)}
}

// First is the number of the first row that is shown, from 1.
func (p *BulkPage) First() int { return p.From + 1 }

// Last is the number of the last row that is shown.
func (p *BulkPage) Last() int { return min(p.From+p.shown(), len(p.Rows)) }

// Paged reports whether the preview has more than one page.
func (p *BulkPage) Paged() bool { return len(p.Rows) > p.shown() }

// Before is the page before this one; "": this is the first.
func (p *BulkPage) Before() string {
	if p.From == 0 {
		return ""
	}
	return p.pageAt(p.From - p.shown())
}

// After is the page after this one; "": this is the last.
func (p *BulkPage) After() string {
	if p.Last() == len(p.Rows) {
		return ""
	}
	return p.pageAt(p.From + p.shown())
}

// Open turns to the page that holds a row; one that is not there is on the first.
func (p *BulkPage) Open(row int) {
	p.From = 0
	if 0 <= row && row < len(p.Rows) {
		p.From = row / p.shown() * p.shown()
	}
}

// pageAt is the same preview from another row on.
func (p *BulkPage) pageAt(from int) string {
	values := url.Values{}
	for _, o := range append(p.Choice(), p.Typed()...) {
		values.Set(o.Label, o.Value)
	}
	if from > 0 {
		values.Set("from", strconv.Itoa(from))
	}
	return withQuery("/secrets/bulk", values) + "#preview"
}
