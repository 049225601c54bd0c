package templates

import (
	"slices"

	"github.com/your-org/keeper/models"
)

// SecretColumn is a column of a list of secrets beside the name. Sort is how the URL orders by
// it; "" where it cannot.
type SecretColumn struct{ Key, Label, Sort string }

// Num reports whether it holds numbers or times, which stand at the right.
func (c SecretColumn) Num() bool {
	switch c.Key {
	case "version", "expires", "created", "updated", "changed":
		return true
	default:
		return false
	}
}

// SecretColumns are the columns to choose from, in the order that they stand in.
var SecretColumns = []SecretColumn{
	{"type", "Type", "type"},
	{"environment", "Environment", ""},
	{"copies", "Synced to", ""},
	{"owner", "Owner", ""},
	{"tags", "Tags", ""},
	{"version", "Version", ""},
	{"expires", "Expires", "expires"},
	{"created", "Created", "created"},
	{"updated", "Updated", "updated"},
	{"changed", "Changed", "changed"},
}

// UsualColumns are those that show where nobody chose.
var UsualColumns = []string{"type", "environment", "copies", "changed"}

// SecretListPage is GET /secrets. Block "results" is the part that a search replaces.
type SecretListPage struct {
	BasePage
	Filter      SecretFilter
	Environment *models.Environment // that the filter names; nil: all
	Rows        []SecretRow
	Tags        []string // known tag keys, to filter by
	Columns     []string // keys of SecretColumns that show
	Pager       Pager
	MayCreate   bool
	MayChange   bool // some of them, many at once
	Empty       bool // there is no secret at all, whatever the filter
}

func (*SecretListPage) template() string { return "secrets/list" }

// Frame stands around the page.
func (p *SecretListPage) Frame() Frame {
	return Frame{Title: "Secrets", Nav: NavSecrets, Environment: p.Environment, Topics: "sync secrets"}
}

// Shown are the columns that show. Within one environment its column says nothing.
func (p *SecretListPage) Shown() []SecretColumn {
	return slices.DeleteFunc(slices.Clone(SecretColumns), func(c SecretColumn) bool {
		return !p.Chosen(c.Key) || c.Key == "environment" && p.Environment != nil
	})
}

// Chosen reports whether a column was chosen.
func (p *SecretListPage) Chosen(key string) bool { return slices.Contains(p.Columns, key) }

// More reports whether there are other pages than this one.
func (p *SecretListPage) More() bool { return p.Pager.Prev != "" || p.Pager.Next != "" }

// SecretCell is one row's part of a column.
type SecretCell struct {
	*SecretListPage
	Column string
	Row    SecretRow
}

// Cell is a row's part of a column.
func (p *SecretListPage) Cell(c SecretColumn, row SecretRow) SecretCell {
	return SecretCell{p, c.Key, row}
}
