package templates

import "github.com/your-org/keeper/models"

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
