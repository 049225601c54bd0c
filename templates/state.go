package templates

import "github.com/your-org/keeper/models"

// State is how one secret stands at one destination, as a person sees it: the sync status,
// sharpened by failures and pauses. Each has a colour, an icon and a word.
type State string

// The states, the worst first.
const (
	StateFailed   State = "failed"   // could not be written, and will be tried again
	StateUnknown  State = "unknown"  // could not be read; left alone
	StateConflict State = "conflict" // both sides changed
	StateForeign  State = "foreign"  // the name is taken by something that is not Keeper's
	StateDrifted  State = "drifted"
	StateMissing  State = "missing"
	StateHeld     State = "held" // would be worked on, but the destination is paused
	StatePending  State = "pending"
	StateOrphaned State = "orphaned" // deleted in Keeper, still to be deleted there
	StateInSync   State = "in_sync"
)

// States are all states, the worst first.
var States = []State{
	StateFailed, StateUnknown, StateConflict, StateForeign, StateDrifted, StateMissing, StateHeld, StatePending, StateOrphaned, StateInSync,
}

type stateLook struct{ word, icon, tone, meaning string }

var stateLooks = map[State]stateLook{
	StateFailed:   {"failed", "x-circle-fill", "red", "The last write did not succeed; it is tried again."},
	StateUnknown:  {"unknown", "question-circle", "grey", "It could not be read, so nothing is done about it."},
	StateConflict: {"conflict", "signpost-split-fill", "purple", "Both sides changed; nothing is overwritten."},
	StateForeign:  {"foreign", "lock-fill", "grey", "The name is taken by something that Keeper does not own; it is left alone."},
	StateDrifted:  {"drifted", "exclamation-triangle-fill", "amber", "The destination's value is not the one Keeper last wrote."},
	StateMissing:  {"missing", "dash-circle-fill", "amber", "It is gone at the destination."},
	StateHeld:     {"held", "pause-circle-fill", "blue", "The destination is paused; nothing is written."},
	StatePending:  {"pending", "clock", "grey", "Keeper has a newer value; it is about to be written."},
	StateOrphaned: {"orphaned", "trash", "grey", "It was deleted in Keeper; the copy there is about to be deleted."},
	StateInSync:   {"in sync", "check-circle-fill", "green", "The destination holds Keeper's current value."},
}

// Word is the state's name for people.
func (s State) Word() string { return s.look().word }

// Icon is the state's icon.
func (s State) Icon() string { return s.look().icon }

// Tone is the state's colour: green, grey, amber, purple, red or blue.
func (s State) Tone() string { return s.look().tone }

// Meaning is the state in one sentence.
func (s State) Meaning() string { return s.look().meaning }

// Bad reports whether a person should look at it.
func (s State) Bad() bool {
	switch s {
	case StateInSync, StatePending, StateOrphaned, StateHeld:
		return false
	default:
		return true
	}
}

func (s State) look() stateLook {
	if look, ok := stateLooks[s]; ok {
		return look
	}
	return stateLooks[StateUnknown]
}

var stateOfStatus = map[models.SyncStatus]State{
	models.StatusUnknown:       StateUnknown,
	models.StatusInSync:        StateInSync,
	models.StatusSourceChanged: StatePending,
	models.StatusDrifted:       StateDrifted,
	models.StatusConflict:      StateConflict,
	models.StatusMissing:       StateMissing,
	models.StatusOrphaned:      StateOrphaned,
	models.StatusForeign:       StateForeign,
}

// StateOf is the state that a person sees. What is unknown, foreign or in conflict stays
// so whatever else is true; a failure outweighs a pause.
func StateOf(s models.SyncState, paused bool) State {
	state, ok := stateOfStatus[s.Status]
	if !ok {
		return StateUnknown
	}
	if state == StateInSync && s.Dirty {
		state = StatePending
	}
	switch {
	case state == StateUnknown, state == StateConflict, state == StateForeign:
		return state
	case s.LastError != "" && s.Attempts > 0: // without attempts it only says what it waits for
		return StateFailed
	case paused && state != StateInSync:
		return StateHeld
	}
	return state
}

// StateCounts says how many secrets are in which state.
type StateCounts map[State]int

// Total is how many there are in all.
func (c StateCounts) Total() int {
	total := 0
	for _, n := range c {
		total += n
	}
	return total
}

// InSync is how many need nothing.
func (c StateCounts) InSync() int { return c[StateInSync] }

// StateCount is one entry of StateCounts.
type StateCount struct {
	State State
	Count int
	Share int // per cent of the total, at least 1 where Count is not 0
}

// Present are the states that occur, the worst first.
func (c StateCounts) Present() []StateCount {
	total := c.Total()
	var present []StateCount
	for _, s := range States {
		if n := c[s]; n > 0 {
			present = append(present, StateCount{s, n, max(1, n*100/total)})
		}
	}
	return present
}
