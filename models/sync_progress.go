package models

import "time"

// RunProgress says how far a run has come, and what it set out to do.
type RunProgress struct {
	Done    int     // secrets looked at
	Total   int     // secrets to be looked at; 0: not known yet
	Writes  int     // changes that were to be made when it began, as far as Keeper could tell
	Seconds float64 // that those and the looks take at least under the destination's quota; 0: it publishes none
}

// RunPace is how fast a run goes, and how long it still takes.
type RunPace struct {
	Done, Total int
	Rate        float64       // secrets a second; 0: too early to say
	Remaining   time.Duration // 0: not known
}

// Pace is how fast the run has gone until now. What remains is the longest of three: by the
// secrets that are left, by the writes that are left, and by what the quota lets through.
func (r *SyncRun) Pace(now time.Time) RunPace {
	p := RunPace{Done: max(r.Progress.Done, r.Counts.Checked)}
	p.Total = max(r.Progress.Total, p.Done)
	if r.Status == RunQueued {
		return p
	}
	if r.FinishedAt != nil {
		now = *r.FinishedAt
	}
	elapsed := now.Sub(r.StartedAt)
	if elapsed >= time.Second {
		p.Rate = float64(p.Done) / elapsed.Seconds()
	}
	if r.FinishedAt != nil || p.Done >= p.Total {
		return p
	}
	n := r.Counts
	written := n.Created + n.Updated + n.Repaired + n.Deleted + n.Restored + n.Taken
	p.Remaining = max(span(elapsed, p.Done, p.Total), span(elapsed, written, r.Progress.Writes))
	left := 1 - share(p.Done, p.Total)
	if r.Progress.Writes > 0 {
		left = 1 - share(written, r.Progress.Writes)
	}
	p.Remaining = max(p.Remaining, time.Duration(left*r.Progress.Seconds*float64(time.Second)))
	return p
}

// span is how long what is left of a whole takes if it goes on as it went; 0 where that
// cannot be said yet.
func span(elapsed time.Duration, done, whole int) time.Duration {
	if elapsed < time.Second || done <= 0 || done >= whole {
		return 0
	}
	return time.Duration(float64(elapsed) * float64(whole-done) / float64(done))
}

func share(done, whole int) float64 { return min(1, float64(done)/float64(max(whole, 1))) }
