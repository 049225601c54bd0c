package models

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

func TestPace(t *testing.T) {
	began := time.Date(2026, 11, 22, 12, 0, 0, 0, time.UTC)
	at := func(d time.Duration) *time.Time { t := began.Add(d); return &t }
	for name, c := range map[string]struct {
		run  SyncRun
		now  time.Duration
		want RunPace
	}{
		"Queued":         {SyncRun{Status: RunQueued}, time.Minute, RunPace{}},
		"NothingKnown":   {SyncRun{Status: RunRunning}, 10 * time.Second, RunPace{}},
		"BySecrets":      {SyncRun{Progress: RunProgress{Done: 20, Total: 100}}, 10 * time.Second, RunPace{20, 100, 2, 40 * time.Second}},
		"TooEarlyToSay":  {SyncRun{Progress: RunProgress{Done: 20, Total: 100}}, time.Second / 2, RunPace{Done: 20, Total: 100}},
		"OldRunOfBefore": {SyncRun{Counts: RunCounts{Checked: 30}, FinishedAt: at(10 * time.Second)}, time.Hour, RunPace{30, 30, 3, 0}},
		"Finished":       {SyncRun{Progress: RunProgress{Done: 30, Total: 90}, FinishedAt: at(10 * time.Second)}, time.Hour, RunPace{30, 90, 3, 0}},
		"QuotaAtTheBegin": {
			SyncRun{Progress: RunProgress{Total: 100, Writes: 100, Seconds: 50}}, 0, RunPace{0, 100, 0, 50 * time.Second},
		},
		"QuotaOfWhatIsLeft": {
			SyncRun{Progress: RunProgress{Done: 90, Total: 100, Writes: 20, Seconds: 50}, Counts: RunCounts{Created: 10}},
			10 * time.Second,
			RunPace{90, 100, 9, 25 * time.Second},
		},
		"WritesComeLast": {
			SyncRun{Progress: RunProgress{Done: 99, Total: 100, Writes: 20}, Counts: RunCounts{Updated: 5}},
			10 * time.Second,
			RunPace{99, 100, 9.9, 30 * time.Second},
		},
		"MoreWritesThanThought": {
			SyncRun{Progress: RunProgress{Done: 50, Total: 100, Writes: 1, Seconds: 500}, Counts: RunCounts{Repaired: 9}},
			10 * time.Second,
			RunPace{50, 100, 5, 10 * time.Second},
		},
		"QuotaOfLooks": {SyncRun{Progress: RunProgress{Done: 50, Total: 100, Seconds: 60}}, 10 * time.Second, RunPace{50, 100, 5, 30 * time.Second}},
	} {
		t.Run(name, func(t *testing.T) {
			c.run.StartedAt = began
			if diff := cmp.Diff(c.want, c.run.Pace(began.Add(c.now))); diff != "" {
				t.Errorf("-want +got:\n%s", diff)
			}
		})
	}
}
