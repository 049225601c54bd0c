package web

import (
	"time"

	"github.com/your-org/keeper/auth"
	"github.com/your-org/keeper/destinations"
	"github.com/your-org/keeper/models"
	"github.com/your-org/keeper/templates"
)

// destinationViews is what is known of the destinations that the actor may see, of one
// environment (0: of all).
func (w *Web) destinationViews(r *request, only models.EnvironmentID) ([]templates.DestinationView, error) {
	environments, err := r.allEnvironments()
	if err != nil {
		return nil, err
	}
	all, err := w.Destinations.List(r.Context(), r.actor, only)
	if err != nil || len(all) == 0 {
		return nil, err
	}
	counts, err := w.Destinations.Counts(r.Context(), r.actor)
	if err != nil {
		return nil, err
	}
	held, err := w.Destinations.HoldCounts(r.Context(), r.actor)
	if err != nil {
		return nil, err
	}
	running, _, err := w.Destinations.Runs(r.Context(), r.actor, destinations.RunQuery{Status: models.RunRunning})
	if err != nil {
		return nil, err
	}
	views := make([]templates.DestinationView, len(all))
	for i, d := range all {
		views[i] = templates.DestinationView{
			Destination: d, Environment: environmentIn(environments, d.EnvironmentID), Counts: stateCounts(d, counts), NextAt: w.nextPass(d), Held: held[d.ID],
			MayManage: r.may(auth.ManageDestination, d.EnvironmentID), MaySync: r.may(auth.TriggerSync, d.EnvironmentID),
		}
		for _, run := range running {
			if run.DestinationID == d.ID {
				views[i].Running = &run
			}
		}
	}
	return views, nil
}

func stateCounts(d models.Destination, all []destinations.StateCount) templates.StateCounts {
	counts := templates.StateCounts{}
	for _, c := range all {
		if c.DestinationID != d.ID {
			continue
		}
		state := models.SyncState{Status: c.Status}
		if c.Failing {
			state.LastError, state.Attempts = "failing", 1
		}
		counts[templates.StateOf(state, d.Paused)] += c.N
	}
	return counts
}

// nextPass is when the next full pass begins, nil where that is not known.
func (w *Web) nextPass(d models.Destination) *time.Time {
	if d.Paused || d.LastFullAt == nil {
		return nil
	}
	interval := w.Destinations.Interval
	if d.Interval > 0 {
		interval = time.Duration(d.Interval) * time.Second
	}
	next := d.LastFullAt.Add(interval)
	return &next
}

// total adds up how secrets stand at several destinations.
func total(views []templates.DestinationView) templates.StateCounts {
	sum := templates.StateCounts{}
	for _, v := range views {
		for state, n := range v.Counts {
			sum[state] += n
		}
	}
	return sum
}

// groups sorts destinations by environment; one without any has an empty group.
func groups(environments []models.Environment, views []templates.DestinationView) []templates.SyncGroup {
	all := make([]templates.SyncGroup, len(environments))
	for i, e := range environments {
		all[i].Environment = e
		for _, v := range views {
			if v.Environment.ID == e.ID {
				all[i].Destinations = append(all[i].Destinations, v)
			}
		}
	}
	return all
}

// unsettled are the statuses that a failure or a pause outweighs; see templates.StateOf.
var unsettled = []models.SyncStatus{models.StatusSourceChanged, models.StatusDrifted, models.StatusMissing, models.StatusOrphaned}

// statesIn chooses what StateOf shows as the given state.
func statesIn(s templates.State) destinations.StateFilter {
	yes, no := true, false
	status := map[templates.State]models.SyncStatus{
		templates.StatePending: models.StatusSourceChanged, templates.StateDrifted: models.StatusDrifted,
		templates.StateMissing: models.StatusMissing, templates.StateOrphaned: models.StatusOrphaned,
		templates.StateUnknown: models.StatusUnknown, templates.StateConflict: models.StatusConflict, templates.StateForeign: models.StatusForeign,
	}
	switch s {
	case templates.StateFailed:
		return destinations.StateFilter{Statuses: append([]models.SyncStatus{models.StatusInSync}, unsettled...), Failing: &yes}
	case templates.StateHeld:
		return destinations.StateFilter{Statuses: unsettled, Failing: &no, Paused: &yes}
	case templates.StateInSync:
		return destinations.StateFilter{Statuses: []models.SyncStatus{models.StatusInSync}, Failing: &no}
	case templates.StateUnknown, templates.StateConflict, templates.StateForeign:
		return destinations.StateFilter{Statuses: []models.SyncStatus{status[s]}}
	default:
		return destinations.StateFilter{Statuses: []models.SyncStatus{status[s]}, Failing: &no, Paused: &no}
	}
}
