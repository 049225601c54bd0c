package templates

import (
	"cmp"
	"net/url"
	"strings"
	"time"

	"github.com/your-org/keeper/models"
)

// DestinationView is a destination with what is known of it now.
type DestinationView struct {
	Destination models.Destination
	Environment models.Environment
	Counts      StateCounts
	Running     *models.SyncRun // nil: no run is under way
	NextAt      *time.Time      // of the next full pass; nil: not known, or paused
	Held        int             // differences that wait for a decision
	MayManage   bool            // manager: settings, pause, delete
	MaySync     bool            // editor: start a run
}

// MayRun reports whether the actor may start a run, and it would begin.
func (v DestinationView) MayRun() bool { return v.MaySync && !v.Destination.Paused }

// Braked reports whether the brake stopped the last run: the destination is well, and a
// person has to look at the plan.
func (v DestinationView) Braked() bool { return v.Destination.LastRunStatus == models.RunHeld }

// Unreachable is why the destination as a whole cannot be worked on, or "".
func (v DestinationView) Unreachable() string {
	if v.Braked() {
		return ""
	}
	return v.Destination.LastError
}

// Reach is how a destination as a whole stands.
func (v DestinationView) Reach() Health {
	switch {
	case v.Braked():
		return HealthBraked
	case v.Unreachable() != "":
		return HealthDown
	case v.Destination.LastRunAt == nil:
		return HealthUnknown
	case v.Destination.LastRunStatus == models.RunPartial:
		return HealthDegraded
	}
	return HealthOK
}

// DestinationListPage is GET /environments/{environment}/destinations.
type DestinationListPage struct {
	BasePage
	Environment  models.Environment
	Destinations []DestinationView
	MayManage    bool
	MayKeys      bool // see the environment's keys
	MayMembers   bool // see who has a role
}

func (*DestinationListPage) template() string { return "destinations/list" }

// Frame stands around the page.
func (p *DestinationListPage) Frame() Frame {
	f := destinationsFrame(&p.Environment, "Destinations")
	f.Topics = "sync"
	return f
}

// DestinationFormPage is GET /environments/{environment}/destinations/new and GET
// /destinations/{destination}/edit. A new one is first asked for its kind (?kind=). Fields:
// kind, name, interval_seconds, config.strategy, config.brake_most, config.brake_percent, and by kind config.prefix, config.region, config.endpoint,
// config.role_arn, config.external_id, config.kms_key_id, config.recovery_days,
// config.address, config.namespace, config.mount, config.ca_cert, config.value_key, config.shape, config.name_template, config.bundle_name,
// config.accept_overlap, config.destroy_days, config.write_burst, config.tags (key=value a line), config.replica_regions (one a line),
// config.replica_kms_key_id, config.auth_method, config.auth_path, config.auth_role,
// credentials.access_key_id, credentials.secret_access_key, credentials.session_token,
// credentials.vault_token, credentials.role_id, credentials.secret_id, credentials.jwt. An empty credential
// keeps what is stored; "credentials.clear" = "true" forgets it.
type DestinationFormPage struct {
	BasePage
	Environment    models.Environment
	Destination    *models.Destination    // that is edited; nil: a new one
	Kind           models.DestinationKind // "": not chosen yet
	Form           Form
	HasCredentials bool            // some are stored
	MaySkip        bool            // offer to save though the connection does not work
	Test           *ConnectionTest // of POST …/destinations/test; nil: none was made just now
}

// KindURL is the form of a new destination of a kind; "" asks for the kind.
func (p *DestinationFormPage) KindURL(kind models.DestinationKind) string {
	values := url.Values{}
	if kind != "" {
		values.Set("kind", string(kind))
	}
	if p.Guide != nil {
		values.Set("guide", "true")
	}
	return strings.TrimSuffix(MustPath("/environments/{environment}/destinations/new", p.Environment.Name)+"?"+values.Encode(), "?")
}

// Overlaps reports whether it was accepted that another destination writes the same names.
func (p *DestinationFormPage) Overlaps() bool {
	return p.Destination != nil && p.Destination.Config.AcceptOverlap
}

func (*DestinationFormPage) template() string { return "destinations/form" }

// Frame stands around the page.
func (p *DestinationFormPage) Frame() Frame {
	if p.Destination == nil {
		f := destinationsFrame(&p.Environment, "New destination")
		f.Crumbs = append(f.Crumbs, Crumb{"Destinations", MustPath("/environments/{environment}/destinations", p.Environment.Name)})
		return f
	}
	return destinationFrame(&p.Environment, p.Destination, "Edit")
}

// DestinationPage is GET /destinations/{destination}: health, mapping, states. Block
// "states" is the part that a search replaces.
type DestinationPage struct {
	BasePage
	View   DestinationView
	Filter StateFilter
	Rows   []StateRow
	Pager  Pager
	Test   *ConnectionTest // of POST …/test; nil: none was made just now
}

// States are the states to filter by: those that occur, and the one that is chosen.
func (p *DestinationPage) States() []StateCount {
	present := p.View.Counts.Present()
	chosen := State(p.Filter.State)
	if chosen != "" && p.View.Counts[chosen] == 0 {
		present = append(present, StateCount{State: chosen})
	}
	return present
}

// SharedCause is why many copies of a page stand badly, which is said once above them.
type SharedCause struct {
	Why, Hint string
	Count     int  // rows of the page
	Whole     bool // it is why the whole destination cannot be worked on
}

// shared is how many rows have a cause said above them.
const shared = 3

// Cause is the one that most rows share; nil where none is shared by several.
func (p *DestinationPage) Cause() *SharedCause {
	var best *SharedCause
	found := map[string]*SharedCause{}
	for _, row := range p.Rows {
		if !row.State().Bad() || row.Sync.LastError == "" || row.Hold != nil {
			continue
		}
		why := row.Cause()
		if found[why] == nil {
			found[why] = &SharedCause{Why: why, Hint: row.Sync.LastHint, Whole: why == p.View.Unreachable()}
		}
		one := found[why]
		if one.Count++; best == nil || one.Count > best.Count {
			best = one
		}
	}
	if best == nil || best.Count < shared && !best.Whole {
		return nil
	}
	return best
}

// Explains reports whether a row needs no words of its own.
func (c *SharedCause) Explains(row StateRow) bool {
	return c != nil && row.Hold == nil && row.Sync.LastError != "" && row.Cause() == c.Why
}

// StateRow is how one secret stands at the page's destination.
type StateRow struct {
	SecretID   models.SecretID
	SecretName string
	DestinationState
}

// ConnectionTest is what a test of a connection found.
type ConnectionTest struct {
	OK      bool
	Message string // what happened
	Hint    string // what to do
	Quote   string // the backend's own words, safe to show; ""
	Took    time.Duration
	At      time.Time
	Tried   []Permission // one by one; none: nothing could be tried
}

// Permission is one that the destination's credentials need, as a test found it.
type Permission struct {
	Name     string // as the destination calls it
	OK       bool
	Optional bool   // syncing works without it as the destination is set up now
	Detail   string // why not
	Hint     string // what to grant
}

// Look is how a permission shows.
func (p Permission) Look() Look {
	switch {
	case p.OK:
		return Look{"allowed", "check-circle-fill", "green"}
	case p.Optional:
		return Look{"not allowed, optional", "dash-circle-fill", "grey"}
	default:
		return Look{"not allowed", "x-circle-fill", "red"}
	}
}

func (*DestinationPage) template() string { return "destinations/overview" }

// Frame stands around the page.
func (p *DestinationPage) Frame() Frame {
	f := destinationFrame(&p.View.Environment, &p.View.Destination, "")
	f.Topics = "sync"
	return f
}

// DestinationRunsPage is GET /destinations/{destination}/runs.
type DestinationRunsPage struct {
	BasePage
	RunHistory
	View DestinationView
}

func (*DestinationRunsPage) template() string { return "destinations/runs" }

// Frame stands around the page.
func (p *DestinationRunsPage) Frame() Frame {
	f := destinationFrame(&p.View.Environment, &p.View.Destination, "")
	f.Topics = "sync"
	return f
}

// DestinationDeletePage asks before a destination is forgotten. Field: confirm, its name.
type DestinationDeletePage struct {
	BasePage
	Environment  models.Environment
	Destination  models.Destination
	Confirmation Confirmation
	Copies       int // secrets that stay there
}

func (*DestinationDeletePage) template() string { return "destinations/delete" }

// Frame stands around the page.
func (p *DestinationDeletePage) Frame() Frame {
	return destinationFrame(&p.Environment, &p.Destination, "Delete")
}

func destinationsFrame(e *models.Environment, title string) Frame {
	return Frame{
		Title: title, Nav: NavEnvironments, Environment: e,
		Crumbs: []Crumb{{"Environments", "/environments"}, {e.DisplayName, environmentURL(e)}},
	}
}

func destinationFrame(e *models.Environment, d *models.Destination, tab string) Frame {
	f := destinationsFrame(e, d.Name)
	f.Mono = true
	f.Crumbs = append(f.Crumbs, Crumb{"Destinations", MustPath("/environments/{environment}/destinations", e.Name)})
	if tab != "" {
		f.Crumbs = append(f.Crumbs, Crumb{d.Name, MustPath("/destinations/{destination}", d.ID)})
		f.Title, f.Mono = tab, false
	}
	return f
}

// interval is the time between two full passes.
func interval(d models.Destination) time.Duration {
	return time.Duration(cmp.Or(d.Interval, models.DefaultInterval)) * time.Second
}
