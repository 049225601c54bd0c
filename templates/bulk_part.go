package templates

import (
	"net/url"
	"strconv"
)

// What one page of a preview shows at most, so that it weighs the same whether a hundred secrets
// are chosen or a thousand, and whether one field of each changes or ten.
const (
	bulkShown = 100 // rows
	bulkLines = 120 // changes of fields
)

// BulkPart is what of the rows with one fate stands on this page of a preview.
type BulkPart struct {
	Rows  []BulkRow
	Total int    // of all pages
	At    string // the page on which they begin
}

// Elsewhere is how many stand on other pages.
func (p BulkPart) Elsewhere() int { return p.Total - len(p.Rows) }

// ShownChanging is what this page shows of the secrets that change.
func (p *BulkPage) ShownChanging() BulkPart { return p.part(bulkChanges) }

// ShownRefused is what it shows of those for which it cannot be done.
func (p *BulkPage) ShownRefused() BulkPart { return p.part(bulkRefused) }

// ShownSame is what it shows of those that are so already.
func (p *BulkPage) ShownSame() BulkPart { return p.part(bulkSame) }

// shown is how many rows each page of this preview shows.
func (p *BulkPage) shown() int {
	most := 1
	for i := range p.Rows {
		most = max(most, len(p.Rows[i].Changes))
	}
	return max(1, min(bulkShown, bulkLines/most))
}

// part cuts the rows with one fate to what is shown. The pages go through all rows, by fate.
func (p *BulkPage) part(fate bulkFate) BulkPart {
	shown, before := p.shown(), 0
	for earlier := range fate {
		before += p.count(earlier)
	}
	var part BulkPart
	for i := range p.Rows {
		if p.Rows[i].fate() != fate {
			continue
		}
		if at := before + part.Total; p.From <= at && at < p.From+shown {
			part.Rows = append(part.Rows, p.Rows[i])
		}
		part.Total++
	}
	part.At = p.pageAt(before / shown * shown)
	return part
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
