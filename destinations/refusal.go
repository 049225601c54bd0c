package destinations

import (
	"strings"
	"sync"
	"time"

	"github.com/your-org/keeper/models"
	keepersync "github.com/your-org/keeper/sync"
)

// refusedMost bounds how long failures wait for each other, and mostCauses how many causes of one
// pass are told apart.
const (
	refusedMost = 5 * time.Minute
	mostCauses  = 16
)

// refusals are the causes for which entries failed in a pass. A destination that refuses them all
// is tried again for all of them together, ever more seldom: with a time of its own for each, a
// thousand of them would have it tried without an end.
type refusals struct {
	mu     sync.Mutex
	causes map[string]*refusal
}

// refusal is one cause.
type refusal struct {
	first    models.SecretID
	others   bool // failed for it too
	attempts int  // that the one had failed before which failed most often
}

// see keeps in mind why an entry failed, as its state says.
func (r *refusals) see(o keepersync.Outcome, failed models.SyncState) {
	if r == nil {
		return
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	why := cause(failed)
	known := r.causes[why]
	switch {
	case known == nil && len(r.causes) == mostCauses:
		return
	case known == nil && r.causes == nil:
		r.causes = map[string]*refusal{}
		fallthrough
	case known == nil:
		known = &refusal{first: o.Entry.SecretID}
		r.causes[why] = known
	}
	known.others = known.others || known.first != o.Entry.SecretID
	known.attempts = max(known.attempts, o.Entry.Attempts)
}

// of is why the pass saw others fail for the cause of a state; nil where none did.
func (r *refusals) of(state models.SyncState) *refusal {
	if r == nil {
		return nil
	}
	id := state.SecretID
	if state.GroupID != 0 {
		id = state.GroupID.SecretID()
	}
	found := r.causes[cause(state)]
	if found == nil || !found.others && found.first == id {
		return nil
	}
	return found
}

// cause is why an entry failed, and the cure, without the names of what it happened to.
func cause(failed models.SyncState) string {
	message := failed.LastError
	if _, rest, named := strings.Cut(message, " could not be "); named {
		message = rest
		if _, reason, told := strings.Cut(rest, ": "); told {
			message = reason
		}
	}
	if failed.RemoteName != "" {
		message = strings.ReplaceAll(message, failed.RemoteName, "it")
	}
	return message + "\n" + failed.LastHint
}

// pause is how long what failed for the same cause waits: half of it by chance.
func (s *Service) pause(r *refusal) time.Duration {
	most := min(refusedMost, 2*retryFirst<<min(r.attempts, 10))
	return most/2 + s.Jitter(most/2)
}
