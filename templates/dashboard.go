package templates

import (
	"time"

	"github.com/your-org/keeper/models"
)

// Health is how a thing that Keeper stands on is.
type Health string

// The healths.
const (
	HealthOK       Health = "ok"
	HealthDegraded Health = "degraded" // works in part, or from a cache
	HealthDown     Health = "down"
	HealthUnknown  Health = "unknown"
	HealthBraked   Health = "braked" // well, but the brake stopped the last run
)

// HealthItem is one thing on the health list.
type HealthItem struct {
	Name      string // "Database", "Key management", a destination's name
	Health    Health
	Detail    string // "SQLite, 1.2 ms"
	Hint      string // what to do, where it is not well
	CheckedAt time.Time
}

// DashboardPage is GET /.
type DashboardPage struct {
	BasePage
	Outages      []Outage          // why Keeper cannot work on destinations
	Troubles     []Trouble         // the first few, worst first, without those that come from an outage
	TroubleTotal int               // of all secrets × destinations
	Braked       []PlanHead        // plans that the brake holds, newest first
	Undecided    []DestinationView // where differences wait for a decision
	Due          []DueSecret       // expired or due for rotation, soonest first
	Counts       DashboardCounts
	Health       []HealthItem
	Grid         []SyncGroup
	Drift        map[models.DestinationID]Spark // over the days of the charts
	Charts       Charts
	Activity     []ActivityLine
	Encryption   *Encryption // nil: the actor may not see the keys
	MayCreate    bool        // secrets, in some environment
	Setup        *Setup      // what is still to be done on a first run; nil: all is, or it is hidden
	SetupHidden  bool        // it is not over, and not shown
}

// Encryption is how the keys stand, in short.
type Encryption struct {
	Needs      []KeyNeed   // the first few, worst first
	More       int         // needs that are not among them
	Scrub      *KeyRunView // the last one; nil: never
	Recoveries []Recovery  // an environment each
	Running    []KeyRunView
	Problem    string // why the keys could not be looked at; "" where they were
}

// DashboardCounts are of what the actor may see.
type DashboardCounts struct {
	Secrets      int
	Environments int
	Destinations int
	Copies       StateCounts // secrets × destinations
	Changed      int         // secrets that stand and got a value in the last 24 h
	Revealed     int64       // values shown or fetched since midnight UTC, as far as they are counted; -1: not yet
}

// DueSecret is a secret whose value should be changed.
type DueSecret struct {
	Secret      models.Secret
	Environment models.Environment
	At          time.Time
	Why         string // "expires", "certificate expires", "rotation due"
}

func (*DashboardPage) template() string { return "dashboard/overview" }

// Frame stands around the page.
func (p *DashboardPage) Frame() Frame {
	return Frame{Title: "Overview", Nav: NavOverview, Topics: "sync secrets health keys"}
}

// Calm reports whether nothing needs a person.
func (p *DashboardPage) Calm() bool {
	return p.TroubleTotal == 0 && len(p.Outages) == 0 && len(p.Braked) == 0 && len(p.Undecided) == 0 && len(p.Due) == 0 && len(p.Backend()) == 0 && len(p.KeyNeeds()) == 0
}

// TroublesShown is how many copies the list accounts for.
func (p *DashboardPage) TroublesShown() int {
	shown := 0
	for _, t := range p.Troubles {
		shown += t.Count
	}
	for _, o := range p.Outages {
		shown += o.Copies
	}
	return shown
}

// Backend is what is to be said of the backend of all keys, as far as the actor may know. It
// stands first: what it cannot do is behind much of the rest.
func (p *DashboardPage) Backend() []KeyNeed { return p.keyNeeds(true) }

// KeyNeeds are what else about keys needs a person.
func (p *DashboardPage) KeyNeeds() []KeyNeed { return p.keyNeeds(false) }

func (p *DashboardPage) keyNeeds(backend bool) []KeyNeed {
	if p.Encryption == nil {
		return nil
	}
	var needs []KeyNeed
	for _, n := range p.Encryption.Needs {
		if n.backend == backend {
			needs = append(needs, n)
		}
	}
	return needs
}
