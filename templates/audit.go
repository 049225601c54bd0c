package templates

import "github.com/your-org/keeper/models"

// AuditPage is GET /audit.
type AuditPage struct {
	BasePage
	Filter  AuditFilter
	Entries []models.AuditEntry
	Actions []string // known, to filter by
	Pager   Pager
}

func (*AuditPage) template() string { return "audit/list" }

// Frame stands around the page.
func (p *AuditPage) Frame() Frame { return Frame{Title: "Audit", Nav: NavAudit} }
