package models

import (
	"strings"
	"testing"
	"time"
)

func TestNext(t *testing.T) {
	soon := new(time.Now().Add(time.Minute))
	state := func(status SyncStatus, strategy Strategy) Copy {
		d := Copy{State: SyncState{Status: status, BaseVersion: 3}}
		d.Destination.Config.Strategy = strategy
		return d
	}
	with := func(d Copy, change func(*Copy)) Copy {
		change(&d)
		return d
	}
	hold := &SyncHold{Why: "Both changed; a person decides."}
	ruled := &SyncHold{Ruling: SideRemote, RuledBy: "Ada"}
	for name, c := range map[string]struct {
		state Copy
		want  string
		why   string
	}{
		"in sync":                  {state(StatusInSync, ""), "nothing", "holds Keeper's current value"},
		"changed a moment ago":     {with(state(StatusInSync, ""), func(d *Copy) { d.State.Dirty = true }), "looks again", "changed in Keeper"},
		"newer version":            {state(StatusSourceChanged, ""), "writes the new version", "newer value"},
		"not there yet":            {with(state(StatusSourceChanged, ""), func(d *Copy) { d.State.BaseVersion = 0 }), "writes it", "not at the destination yet"},
		"drifted, zero strategy":   {state(StatusDrifted, ""), "writes its own again", "Keeper's value counts"},
		"drifted, Keeper wins":     {state(StatusDrifted, KeeperWins), "writes its own again", "at the destination, and"},
		"drifted, remote wins":     {state(StatusDrifted, RemoteWins), "takes the destination's value", "destination's value counts"},
		"drifted, newest wins":     {state(StatusDrifted, NewestWins), "takes the destination's value", "changed last"},
		"drifted, manual, new":     {state(StatusDrifted, ManualWins), "asks a person", "a person decides"},
		"conflict, Keeper wins":    {state(StatusConflict, KeeperWins), "writes its own again", "both sides"},
		"conflict, newest wins":    {state(StatusConflict, NewestWins), "lets the newer of the two count", "both sides"},
		"conflict after a delete":  {with(state(StatusConflict, KeeperWins), func(d *Copy) { d.Deleted = true }), "leaves it alone", "did not write"},
		"missing, Keeper wins":     {state(StatusMissing, ""), "writes it again", "gone"},
		"missing, remote wins":     {state(StatusMissing, RemoteWins), "asks a person", "no value there"},
		"deleted":                  {state(StatusOrphaned, ""), "deletes the copy", "deleted in Keeper"},
		"foreign":                  {state(StatusForeign, ""), "leaves it alone", "mark"},
		"unknown":                  {state(StatusUnknown, ""), "looks again", "could not be read"},
		"a status of another time": {state("novel", ""), "looks again", "could not be read"},
		"held":                     {with(state(StatusConflict, ManualWins), func(d *Copy) { d.Hold = hold }), "waits for a person", hold.Why},
		"decided":                  {with(state(StatusConflict, ManualWins), func(d *Copy) { d.Hold = ruled }), "carries out a decision", "Ada decided that the destination's value counts"},
		"paused":                   {with(state(StatusDrifted, ""), func(d *Copy) { d.Destination.Paused = true }), "waits", "paused"},
		"paused and in sync":       {with(state(StatusInSync, ""), func(d *Copy) { d.Destination.Paused = true }), "nothing", "holds Keeper's current value"},
	} {
		t.Run(name, func(t *testing.T) {
			got := c.state.Next()
			if got.Does != c.want || !strings.Contains(got.Why, c.why) || got.Held != (c.state.Hold == hold) || got.At != nil {
				t.Errorf("got %+v", got)
			}
		})
	}
	failed := with(state(StatusSourceChanged, ""), func(d *Copy) { d.State.LastError, d.State.NextTryAt = "refused", soon })
	if got := failed.Next(); got.At != soon {
		t.Errorf("a failure is tried again at %v", got.At)
	}
}

func TestEveryStatusHasANext(t *testing.T) {
	for _, status := range SyncStatuses {
		for _, strategy := range Strategies {
			d := Copy{State: SyncState{Status: status}}
			d.Destination.Config.Strategy = strategy
			if next := d.Next(); next.Does == "" || next.Why == "" {
				t.Errorf("%s with %s: %+v", status, strategy, next)
			}
		}
	}
}
