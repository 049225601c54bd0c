package templates

import (
	"time"

	"github.com/your-org/keeper/models"
)

// ActivityLine is an entry of the audit log, or the newest of several that tell of runs over one
// destination which ended alike.
type ActivityLine struct {
	models.AuditEntry
	Runs  int       // that it stands for; 0: it tells of no run
	Since time.Time // when the oldest of these ended
	More  bool      // there may be older ones
}

// Status is how the runs ended.
func (l *ActivityLine) Status() models.RunStatus { return models.RunStatus(l.Detail["status"]) }

// Activity makes up to most lines of entries, the newest first. Runs over one destination share
// a line up to the one that ended otherwise; whole says that no entry is older than these.
func Activity(entries []models.AuditEntry, most int, whole bool) []ActivityLine {
	type place struct {
		environment models.EnvironmentID
		name        string
	}
	var lines []ActivityLine
	last := map[place]int{} // the line of a destination's runs that an older one may join
	for _, e := range entries {
		if e.Action != "sync.run" {
			if len(lines) < most {
				lines = append(lines, ActivityLine{AuditEntry: e})
			}
			continue
		}
		at := place{e.EnvironmentID, e.ObjectName}
		i, open := last[at]
		switch one := (ActivityLine{AuditEntry: e, Runs: 1, Since: e.At}); {
		case open && i < len(lines) && lines[i].Outcome == e.Outcome && lines[i].Status() == one.Status():
			lines[i].Runs++
			lines[i].Since = e.At
		case len(lines) < most:
			last[at] = len(lines)
			lines = append(lines, one)
		default:
			last[at] = len(lines) // ended otherwise, and has no room: nothing joins any more
		}
	}
	for _, i := range last {
		if i < len(lines) {
			lines[i].More = !whole && lines[i].Runs > 1
		}
	}
	return lines
}

// activityOf are lines of entries as they stand.
func activityOf(entries []models.AuditEntry) []ActivityLine {
	lines := make([]ActivityLine, len(entries))
	for i, e := range entries {
		lines[i].AuditEntry = e
	}
	return lines
}
