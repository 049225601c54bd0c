package sync

import (
	"time"

	"github.com/your-org/keeper/models"
)

// Guarded is what a Driver implements beside where the destination itself refuses a Put over any
// version but the one that it replaces. What the brake has just seen to be Keeper's own, as Keeper
// left it, is then not looked at a second time before a newer value goes out.
type Guarded interface{ Guarded() }

const (
	// glimpseTime is how old such a look may be. Whoever takes the mark off in between, or deletes
	// the value, has it written over as if the write had come first.
	glimpseTime = 10 * time.Second
	// mostGlimpses bounds what is kept of them: at a thousand writes a second, more would be
	// too old before its turn.
	mostGlimpses = 10_000
)

type glimpse struct {
	version string    // at the destination
	at      time.Time // before it was asked for
}

// remember keeps, among seen, what a look that began at a time showed of entries that get a newer
// value and lose nothing. What a later look does not confirm is forgotten.
func (r *run) remember(seen map[models.SecretID]glimpse, items []Item, began time.Time) {
	if _, guarded := as[Guarded](r.driver); !guarded || r.listing != nil {
		return
	}
	for _, item := range items {
		delete(seen, item.Entry.SecretID)
		there := item.Seen.Remote
		asLeft := item.Entry.Base.known() && there.Version == item.Entry.Base.RemoteVersion && !there.Deleted && !there.Untuned
		if item.Action == models.ActionUpdate && asLeft && len(seen) < mostGlimpses {
			seen[item.Entry.SecretID] = glimpse{there.Version, began}
		}
	}
}

// glimpsed is what the brake has just seen of an entry, once; else nothing, to be confirmed.
func (r *run) glimpsed(e Entry) Observed {
	g, ok := r.glimpses[e.SecretID]
	delete(r.glimpses, e.SecretID)
	if !ok || !e.Base.known() || e.Base.RemoteVersion != g.version || r.Now().Sub(g.at) > glimpseTime {
		return Observed{Listed: true}
	}
	return Observed{Remote: Remote{Name: e.RemoteName, Version: g.version, Mark: r.rules.Mark(e)}}
}
