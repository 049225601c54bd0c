package templates

import (
	"slices"
	"time"

	"github.com/your-org/keeper/models"
)

// SecretRights say what the actor may do with a secret.
type SecretRights struct {
	Reveal bool // reader
	Write  bool // editor: new versions, metadata, delete and undelete
}

// SecretRow is one secret in a list.
type SecretRow struct {
	Secret      models.Secret
	Environment models.Environment
	States      []DestinationState
}

// DestinationState is how one secret stands at one destination.
type DestinationState struct {
	Destination models.Destination
	Sync        models.SyncState
	Hold        *models.SyncHold // that waits for a person; nil: none, or not asked for
	Deleted     bool             // in Keeper
	MayRelease  bool             // there is a copy, and the actor may have Keeper let go of it
}

// State is the state that a person sees.
func (d DestinationState) State() State { return StateOf(d.Sync, d.Destination.Paused) }

// DeletedSecretsPage is GET /secrets/deleted: what can still be undeleted.
type DeletedSecretsPage struct {
	BasePage
	Filter      SecretFilter // query and environment only
	Environment *models.Environment
	Rows        []DeletedSecret
	Pager       Pager
}

// DeletedSecret is one secret that can be undeleted until Secret.PurgeAfter.
type DeletedSecret struct {
	Secret      models.Secret
	Environment models.Environment
	MayUndelete bool
}

// MayChange reports whether any of the rows can be undeleted.
func (p *DeletedSecretsPage) MayChange() bool {
	return slices.ContainsFunc(p.Rows, func(r DeletedSecret) bool { return r.MayUndelete })
}

// More reports whether there are other pages than this one.
func (p *DeletedSecretsPage) More() bool { return p.Pager.Prev != "" || p.Pager.Next != "" }

func (*DeletedSecretsPage) template() string { return "secrets/deleted" }

// Frame stands around the page.
func (p *DeletedSecretsPage) Frame() Frame {
	return Frame{
		Title: "Deleted", Nav: NavSecrets, Environment: p.Environment,
		Crumbs: []Crumb{{"Secrets", secretsURL(p.Environment)}},
	}
}

// SecretNewPage is GET /secrets/new, and POST /secrets refused. Fields: environment_id,
// name, secret_type, value, comment, description, owner, tags (key=value a line),
// expires_at (a date), rotate_every_days.
type SecretNewPage struct {
	BasePage
	Form     Form
	Writable []models.Environment // where the actor may write
}

func (*SecretNewPage) template() string { return "secrets/new" }

// Frame stands around the page.
func (p *SecretNewPage) Frame() Frame {
	return Frame{Title: "New secret", Nav: NavSecrets, Crumbs: []Crumb{{"Secrets", "/secrets"}}}
}

// SecretHead is what all pages of one secret show above their tab.
type SecretHead struct {
	Secret      models.Secret
	Environment models.Environment
	Rights      SecretRights
}

// NextVersion is the number that a new version gets.
func (h *SecretHead) NextVersion() models.VersionNumber { return h.Secret.CurrentVersion + 1 }

// VersionCount is how many versions there are.
func (h *SecretHead) VersionCount() int { return int(h.Secret.CurrentVersion) }

func (h *SecretHead) frame(tab string) Frame {
	crumbs := []Crumb{{"Secrets", "/secrets"}, {h.Environment.DisplayName, secretsURL(&h.Environment)}}
	title, mono := h.Secret.Name, true
	if tab != "" {
		crumbs = append(crumbs, Crumb{h.Secret.Name, MustPath("/secrets/{secret}", h.Secret.ID)})
		title, mono = tab, false
	}
	return Frame{Title: title, Mono: mono, Nav: NavSecrets, Environment: &h.Environment, Crumbs: crumbs}
}

// SecretPage is GET /secrets/{secret}: facts, the masked value, where it is synced.
type SecretPage struct {
	BasePage
	SecretHead
	Version models.SecretVersion   // the current one; its ciphertext is not needed
	Newest  []models.SecretVersion // newest first; one more than Rotation shows, where there are so many
	States  []DestinationState
	Recent  []models.AuditEntry // the newest few; nil: the actor may not see them
}

func (*SecretPage) template() string { return "secrets/overview" }

// Frame stands around the page.
func (p *SecretPage) Frame() Frame {
	f := p.frame("")
	f.Topics = "sync"
	return f
}

// RotationSteps is how many versions the timeline of a secret's page shows.
const RotationSteps = 5

// RotationStep is one change of a secret's value.
type RotationStep struct {
	Version models.SecretVersion
	Served  time.Duration // how long the value before it had been current; 0: there was none
	Late    bool          // longer than today's reminder asks for
}

// Rotation is the newest changes of the value, newest first.
func (p *SecretPage) Rotation() []RotationStep {
	var steps []RotationStep
	for i, v := range p.Newest[:min(len(p.Newest), RotationSteps)] {
		step := RotationStep{Version: v}
		if i+1 < len(p.Newest) {
			before := p.Newest[i+1].CreatedAt
			step.Served = v.CreatedAt.Sub(before)
			step.Late = p.Secret.RotateEvery > 0 && v.CreatedAt.After(before.AddDate(0, 0, p.Secret.RotateEvery))
		}
		steps = append(steps, step)
	}
	return steps
}

// Overdue reports whether the reminder to rotate is past.
func (p *SecretPage) Overdue() bool {
	due := p.Secret.RotationDueAt()
	return due != nil && due.Before(p.Now)
}

// Expired reports whether the value is past the day that its owner gave it.
func (p *SecretPage) Expired() bool {
	return p.Secret.ExpiresAt != nil && p.Secret.ExpiresAt.Before(p.Now)
}

// SecretVersionsPage is GET /secrets/{secret}/versions.
type SecretVersionsPage struct {
	BasePage
	SecretHead
	Versions []models.SecretVersion // newest first; ciphertexts are not needed
	Pager    Pager
}

func (*SecretVersionsPage) template() string { return "secrets/versions" }

// DiffURL compares a version with the current one, and the current one with the one before it.
func (p *SecretVersionsPage) DiffURL(n models.VersionNumber) (string, error) {
	return diffURL(p.Secret.ID, min(n, p.Secret.CurrentVersion-1), p.Secret.CurrentVersion)
}

// Frame stands around the page.
func (p *SecretVersionsPage) Frame() Frame { return p.frame("") }

// SecretActivityPage is GET /secrets/{secret}/activity.
type SecretActivityPage struct {
	BasePage
	SecretHead
	Entries []models.AuditEntry
	Pager   Pager
}

func (*SecretActivityPage) template() string { return "secrets/activity" }

// Frame stands around the page.
func (p *SecretActivityPage) Frame() Frame { return p.frame("") }

// SecretRevealPage answers POST …/reveal for a browser without JavaScript; with it, the
// value comes as text/plain and this page is not used. The handler calls Plaintext.Reveal
// itself, after the entry of the reveal is written. Send it with Cache-Control: no-store.
type SecretRevealPage struct {
	BasePage
	SecretHead
	Number models.VersionNumber
	Value  string
}

func (*SecretRevealPage) template() string { return "secrets/reveal" }

// Frame stands around the page.
func (p *SecretRevealPage) Frame() Frame { return p.frame("Value") }

// SecretEditPage is GET /secrets/{secret}/edit: all but the value. Fields: description,
// owner, tags, expires_at, rotate_every_days.
type SecretEditPage struct {
	BasePage
	SecretHead
	Form Form
}

func (*SecretEditPage) template() string { return "secrets/edit" }

// Frame stands around the page.
func (p *SecretEditPage) Frame() Frame { return p.frame("Edit") }

// SecretVersionNewPage is GET /secrets/{secret}/versions/new. Fields: value, comment.
type SecretVersionNewPage struct {
	BasePage
	SecretHead
	Form Form
}

func (*SecretVersionNewPage) template() string { return "secrets/version-new" }

// Frame stands around the page.
func (p *SecretVersionNewPage) Frame() Frame { return p.frame("New version") }

// SecretRollbackPage asks before GET …/rollback becomes POST. Field: comment.
type SecretRollbackPage struct {
	BasePage
	SecretHead
	Form   Form
	Target models.SecretVersion
}

func (*SecretRollbackPage) template() string { return "secrets/rollback" }

// Frame stands around the page.
func (p *SecretRollbackPage) Frame() Frame { return p.frame("Roll back") }

// SecretDeletePage asks before a secret is deleted. Field: confirm, the secret's name.
type SecretDeletePage struct {
	BasePage
	SecretHead
	Confirmation Confirmation
	Destinations []models.Destination // that hold a copy
	PurgeAfter   time.Time            // until when it can be undeleted, if deleted now
}

func (*SecretDeletePage) template() string { return "secrets/delete" }

// Frame stands around the page.
func (p *SecretDeletePage) Frame() Frame { return p.frame("Delete") }

// secretsURL is the list of an environment's secrets; nil: of all.
func secretsURL(e *models.Environment) string {
	if e == nil {
		return "/secrets"
	}
	return SecretFilter{Environment: e.Name}.URL()
}
