package web

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/your-org/keeper/destinations"
	"github.com/your-org/keeper/keys"
	"github.com/your-org/keeper/models"
	"github.com/your-org/keeper/telemetry"
)

// lookback is how many of the newest entries and runs a look compares. More than that
// between two looks means that everything moved.
const lookback = 100

// sighting is what the last look saw.
type sighting struct {
	entries map[int64]bool // of the audit log
	runs    map[models.RunID]models.SyncRun
	keyRuns map[models.KeyRunID]models.KeyRun
	health  string
}

// changes tells what moved since the last look. The audit log has an entry for each change
// on whichever replica, written with it, so it serves as the list of changes; the progress
// of a run stands in the run. Entries are compared as a set: on a busy database an entry
// can come to light after one with a higher number.
func (w *Web) changes(ctx context.Context, seen *sighting) ([]change, error) {
	entries, err := w.Audit.Recent(ctx, models.System(), lookback)
	if err != nil {
		return nil, err
	}
	runs, _, err := w.Destinations.Runs(ctx, models.System(), destinations.RunQuery{Limit: lookback})
	if err != nil {
		return nil, err
	}
	keyRuns, _, err := w.Keys.Runs(ctx, models.System(), keys.RunQuery{Limit: lookback})
	if err != nil {
		return nil, err
	}
	health := healthPrint(w.Health(ctx))
	moved := slices.Concat(w.newEntries(entries, seen), w.movedRuns(runs, seen), w.movedKeyRuns(keyRuns, seen))
	if seen.health != "" && seen.health != health {
		moved = append(moved, change{topic: "health"})
	}
	seen.health = health
	return moved, nil
}

func (w *Web) newEntries(entries []models.AuditEntry, seen *sighting) []change {
	before, since := seen.entries, w.Now().Add(-liveMemory)
	seen.entries = make(map[int64]bool, len(entries))
	var moved []change
	known := 0
	for _, e := range entries {
		seen.entries[e.ID] = true
		switch {
		case before[e.ID]:
			known++
		case before != nil || e.At.After(since): // the first look goes back as far as pages may need
			moved = append(moved, topicsOf(e)...)
		}
	}
	if before != nil && known == 0 && len(entries) == lookback {
		return []change{{topic: "secrets"}, {topic: "sync"}, {topic: recheckTopic}}
	}
	return moved
}

// peopleNouns are of what may end a session, or change what its person may see.
var peopleNouns = []string{"user", "group", "members", "factor", "provider"}

func topicsOf(e models.AuditEntry) []change {
	noun, _, _ := strings.Cut(e.Action, ".")
	switch {
	case e.Action == "session.end", slices.Contains(peopleNouns, noun):
		return []change{{topic: recheckTopic}}
	case e.Action == "secret.reveal":
		return []change{{"secrets", e.EnvironmentID}}
	case noun == "environment":
		return []change{{"secrets", e.EnvironmentID}, {"sync", e.EnvironmentID}, {"keys", e.EnvironmentID}}
	case noun == "secret", noun == "destination", noun == "sync":
		return []change{{"secrets", e.EnvironmentID}, {"sync", e.EnvironmentID}}
	case noun == "keys":
		return []change{{"keys", e.EnvironmentID}}
	default:
		return nil
	}
}

func (w *Web) movedRuns(runs []models.SyncRun, seen *sighting) []change {
	before, since := seen.runs, w.Now().Add(-liveMemory)
	seen.runs = make(map[models.RunID]models.SyncRun, len(runs))
	var moved []change
	for _, run := range runs {
		seen.runs[run.ID] = run
		last, known := before[run.ID]
		if known && last.Status == run.Status && last.Counts == run.Counts {
			continue
		}
		if before == nil && run.FinishedAt != nil && run.FinishedAt.Before(since) {
			continue
		}
		moved = append(moved, change{"sync", run.EnvironmentID}, change{"run:" + string(run.ID), run.EnvironmentID})
	}
	return moved
}

func (w *Web) movedKeyRuns(runs []keys.Progress, seen *sighting) []change {
	before, since := seen.keyRuns, w.Now().Add(-liveMemory)
	seen.keyRuns = make(map[models.KeyRunID]models.KeyRun, len(runs))
	var moved []change
	for _, p := range runs {
		run := p.KeyRun
		seen.keyRuns[run.ID] = run
		last, known := before[run.ID]
		if known && last.Status == run.Status && last.UpdatedAt.Equal(run.UpdatedAt) && last.Done == run.Done && last.Error == run.Error {
			continue
		}
		if before == nil && run.FinishedAt != nil && run.FinishedAt.Before(since) {
			continue
		}
		moved = append(moved, change{"keys", run.EnvironmentID}, change{"keyrun:" + string(run.ID), run.EnvironmentID})
	}
	return moved
}

// healthPrint is the health without what changes by itself.
func healthPrint(h telemetry.Health) string {
	var print strings.Builder
	for _, c := range h.Components {
		fmt.Fprintf(&print, "%s=%t\n", c.Name, c.OK)
	}
	return print.String()
}
