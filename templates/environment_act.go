package templates

import "github.com/your-org/keeper/models"

// EnvironmentDeletePage asks before an environment is deleted, or says what stands in the way.
// Field: confirm, its name.
type EnvironmentDeletePage struct {
	BasePage
	Environment  models.Environment
	Confirmation Confirmation
	Secrets      int // that are not deleted
	Deleted      int // that can be undeleted still
	Destinations []models.Destination
}

func (*EnvironmentDeletePage) template() string { return "environments/delete" }

func (p *EnvironmentDeletePage) confirmation() Confirmation { return p.Confirmation }

// Blocked reports whether something stands in the way.
func (p *EnvironmentDeletePage) Blocked() bool {
	return p.Secrets > 0 || p.Deleted > 0 || len(p.Destinations) > 0
}

// Frame stands around the page.
func (p *EnvironmentDeletePage) Frame() Frame { return destinationsFrame(&p.Environment, "Delete") }

// EnvironmentExportPage is GET /environments/{environment}/export. Fields: prefix, partial.
type EnvironmentExportPage struct {
	BasePage
	Environment models.Environment
	Form        Form
	Secrets     int // that are not deleted
	MaxSecrets  int // of one export
	MaxMiB      int // of its values
}

func (*EnvironmentExportPage) template() string { return "environments/export" }

// Frame stands around the page.
func (p *EnvironmentExportPage) Frame() Frame { return destinationsFrame(&p.Environment, "Export") }
