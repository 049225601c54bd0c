package templates

import (
	"time"

	"github.com/your-org/keeper/models"
)

// SyncPage is GET /sync: all destinations that the actor may see, and the newest runs.
type SyncPage struct {
	BasePage
	Groups  []SyncGroup
	Runs    []RunView
	MaySync bool // some destination at least: POST /sync starts all that the actor may
}

// SyncGroup is one environment with its destinations.
type SyncGroup struct {
	Environment  models.Environment
	Destinations []DestinationView
}

func (*SyncPage) template() string { return "sync/overview" }

// Frame stands around the page.
func (p *SyncPage) Frame() Frame { return Frame{Title: "Sync", Nav: NavSync, Topics: "sync"} }

// Destinations is how many there are in all groups.
func (p *SyncPage) Destinations() int {
	n := 0
	for _, g := range p.Groups {
		n += len(g.Destinations)
	}
	return n
}

// Pausable is how many destinations the actor may pause that are not.
func (p *SyncPage) Pausable() int { return p.managed(false) }

// Resumable is how many destinations the actor may resume that are paused.
func (p *SyncPage) Resumable() int { return p.managed(true) }

func (p *SyncPage) managed(paused bool) int {
	n := 0
	for _, g := range p.Groups {
		for _, v := range g.Destinations {
			if v.MayManage && v.Destination.Paused == paused {
				n++
			}
		}
	}
	return n
}

// RunView is one run with where it ran.
type RunView struct {
	Run         models.SyncRun
	Destination models.Destination
	Environment models.Environment
}

// RunPage is GET /sync/runs/{run}. While it runs, the page follows it.
type RunPage struct {
	BasePage
	RunView
	Total   int // secrets that the run has to look at; 0: not known yet
	Results []models.SyncResult
	Pager   Pager
	MaySync bool
}

func (*RunPage) template() string { return "sync/run" }

// Frame stands around the page.
func (p *RunPage) Frame() Frame {
	f := destinationFrame(&p.Environment, &p.Destination, "Run")
	f.Nav, f.Topics = NavSync, "run:"+string(p.Run.ID)
	f.Crumbs = []Crumb{{"Sync", "/sync"}, {p.Destination.Name, MustPath("/destinations/{destination}", p.Destination.ID)}}
	return f
}

// Progress is how far a run has come.
type Progress struct {
	Done, Total int
	Percent     int     // 0 where Total is not known
	Rate        float64 // secrets per second; 0: too early to say
	Left        time.Duration
}

// Progress is how far the run has come at the page's Now.
func (p *RunPage) Progress() Progress {
	progress := Progress{Done: p.Run.Counts.Checked, Total: max(p.Total, p.Run.Counts.Checked)}
	if p.Total > 0 {
		progress.Percent = min(100, progress.Done*100/progress.Total)
	}
	elapsed := p.Now.Sub(p.Run.StartedAt).Seconds()
	if elapsed >= 1 && progress.Done > 0 {
		progress.Rate = float64(progress.Done) / elapsed
		if p.Total > 0 {
			progress.Left = time.Duration(float64(progress.Total-progress.Done) / progress.Rate * float64(time.Second))
		}
	}
	return progress
}
