package templates

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/your-org/keeper/models"
)

func TestStateOf(t *testing.T) {
	for _, test := range []struct {
		name   string
		sync   models.SyncState
		paused bool
		want   State
	}{
		{"InSync", models.SyncState{Status: models.StatusInSync}, false, StateInSync},
		{"InSyncWhilePaused", models.SyncState{Status: models.StatusInSync}, true, StateInSync},
		{"ChangedSince", models.SyncState{Status: models.StatusInSync, Dirty: true}, false, StatePending},
		{"ChangedWhilePaused", models.SyncState{Status: models.StatusInSync, Dirty: true}, true, StateHeld},
		{"Pending", models.SyncState{Status: models.StatusSourceChanged}, false, StatePending},
		{"Failed", models.SyncState{Status: models.StatusSourceChanged, LastError: "denied", Attempts: 1}, false, StateFailed},
		{"FailedThenPaused", models.SyncState{Status: models.StatusSourceChanged, LastError: "denied", Attempts: 2}, true, StateFailed},
		{"WaitsForItsTime", models.SyncState{Status: models.StatusSourceChanged, LastError: "goes out at noon"}, false, StatePending},
		{"WaitsForAPerson", models.SyncState{Status: models.StatusDrifted, LastError: "a person decides"}, false, StateDrifted},
		{"Drifted", models.SyncState{Status: models.StatusDrifted}, false, StateDrifted},
		{"DriftedWhilePaused", models.SyncState{Status: models.StatusDrifted}, true, StateHeld},
		{"Missing", models.SyncState{Status: models.StatusMissing}, false, StateMissing},
		{"Orphaned", models.SyncState{Status: models.StatusOrphaned}, false, StateOrphaned},
		{"UnknownStaysUnknown", models.SyncState{Status: models.StatusUnknown, LastError: "timeout"}, true, StateUnknown},
		{"ForeignStaysForeign", models.SyncState{Status: models.StatusForeign}, true, StateForeign},
		{"ConflictStaysConflict", models.SyncState{Status: models.StatusConflict}, true, StateConflict},
		{"NeverHeardOf", models.SyncState{Status: "odd"}, false, StateUnknown},
	} {
		t.Run(test.name, func(t *testing.T) {
			if got := StateOf(test.sync, test.paused); got != test.want {
				t.Errorf("got %s, want %s", got, test.want)
			}
		})
	}
}

func TestEveryStateHasALook(t *testing.T) {
	words := map[string]State{}
	for _, s := range States {
		if s.Word() == "" || s.Icon() == "" || s.Tone() == "" || s.Meaning() == "" {
			t.Errorf("%s lacks a word, icon, tone or meaning", s)
		}
		if other, taken := words[s.Word()]; taken {
			t.Errorf("%s and %s have the same word", s, other)
		}
		words[s.Word()] = s
		if _, err := icon(s.Icon()); err != nil {
			t.Error(err)
		}
	}
	if len(States) != len(stateLooks) {
		t.Errorf("%d states, %d looks", len(States), len(stateLooks))
	}
	for _, status := range models.SyncStatuses {
		if _, known := stateOfStatus[status]; !known {
			t.Errorf("the sync status %s has no state", status)
		}
	}
}

func TestStateCounts(t *testing.T) {
	counts := StateCounts{StateInSync: 995, StateDrifted: 1, StateFailed: 4, StateHeld: 0}
	want := []StateCount{{StateFailed, 4, 1}, {StateDrifted, 1, 1}, {StateInSync, 995, 99}}
	if diff := cmp.Diff(want, counts.Present()); diff != "" {
		t.Error(diff)
	}
	if got := counts.InSync(); got != 995 {
		t.Errorf("in sync: got %d, want 995", got)
	}
}
