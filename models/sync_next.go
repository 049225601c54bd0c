package models

import "time"

// Next is what Keeper does next about one copy, and why, in words for people.
type Next struct {
	Does string
	Why  string
	Held bool       // a person decides
	At   *time.Time // not before; nil: with the next pass
}

// Copy is one secret at one destination, with all that decides what becomes of it.
type Copy struct {
	Destination Destination
	State       SyncState
	Hold        *SyncHold // that waits for a person; nil: none, or not asked for
	Deleted     bool      // in Keeper
}

// Next is what Keeper does next about the copy.
func (c Copy) Next() Next {
	state := c.State.Status
	switch {
	case c.Hold != nil && c.Hold.Ruling != "":
		return Next{Does: "carries out a decision", Why: c.Hold.RuledBy + " decided that " + c.Hold.Ruling.Word() + " counts."}
	case c.Hold != nil:
		return Next{Does: "waits for a person", Why: c.Hold.Why, Held: true}
	case c.Destination.Paused && (state != StatusInSync || c.State.Dirty):
		return Next{Does: "waits", Why: "The destination is paused; nothing is read or written there."}
	}
	next := nextOf(c.State, c.Destination.Config.Strategy)
	if c.Deleted && state == StatusConflict {
		next = Next{Does: "leaves it alone", Why: "The secret is deleted in Keeper, but the copy is a value that Keeper did not write."}
	}
	if c.State.LastError != "" {
		next.At = c.State.NextTryAt
	}
	return next
}

func nextOf(s SyncState, strategy Strategy) Next {
	switch s.Status {
	case StatusInSync:
		if s.Dirty {
			return Next{Does: "looks again", Why: "The secret changed in Keeper since the last look."}
		}
		return Next{Does: "nothing", Why: "The destination holds Keeper's current value."}
	case StatusSourceChanged:
		if s.BaseVersion == 0 {
			return Next{Does: "writes it", Why: "It is not at the destination yet."}
		}
		return Next{Does: "writes the new version", Why: "Keeper has a newer value."}
	case StatusOrphaned:
		return Next{Does: "deletes the copy", Why: "The secret is deleted in Keeper, and the copy is one that Keeper wrote."}
	case StatusForeign:
		return Next{Does: "leaves it alone", Why: "The name is taken by something without this secret's mark."}
	case StatusMissing:
		if strategy == "" || strategy == KeeperWins {
			return Next{Does: "writes it again", Why: "It is gone at the destination, and " + strategyWhy(strategy)}
		}
		return Next{Does: "asks a person", Why: "It is gone at the destination, and there is no value there that could count."}
	case StatusDrifted, StatusConflict:
		return settles(s.Status, strategy)
	default:
		return Next{Does: "looks again", Why: "It could not be read, so nothing is done about it."}
	}
}

// settles is how a strategy ends a difference.
func settles(status SyncStatus, strategy Strategy) Next {
	next := Next{Why: "The value was changed at the destination, and " + strategyWhy(strategy)}
	if status == StatusConflict {
		next.Why = "The value was changed on both sides, and " + strategyWhy(strategy)
	}
	switch strategy {
	case RemoteWins:
		next.Does = "takes the destination's value"
	case NewestWins:
		next.Does = "takes the destination's value"
		if status == StatusConflict {
			next.Does = "lets the newer of the two count"
		}
	case ManualWins:
		next.Does = "asks a person"
	default:
		next.Does = "writes its own again"
	}
	return next
}

func strategyWhy(s Strategy) string {
	switch s {
	case RemoteWins:
		return "the destination's value counts here."
	case NewestWins:
		return "what was changed last counts here."
	case ManualWins:
		return "a person decides here."
	default:
		return "Keeper's value counts here."
	}
}
