package standin

import (
	"fmt"
	"math/rand/v2"
	"regexp"
	"strings"
	"sync"
	"time"
)

// FaultKind is what goes wrong.
type FaultKind string

// The kinds of fault.
const (
	FaultThrottle FaultKind = "throttle"
	FaultError500 FaultKind = "error500"
	FaultError503 FaultKind = "error503"
	// FaultDenied is an AccessDeniedException. In a batch it strikes the secrets that match, one by one.
	FaultDenied FaultKind = "denied"
	// FaultUndecryptable makes a value or ciphertext fail to decrypt. In a batch it strikes one by one.
	FaultUndecryptable FaultKind = "undecryptable"
	// FaultTimeoutBefore never acts and never answers.
	FaultTimeoutBefore FaultKind = "timeout_before"
	// FaultTimeoutAfter acts, and the answer is lost.
	FaultTimeoutAfter FaultKind = "timeout_after"
	// FaultReset resets the connection without acting.
	FaultReset FaultKind = "reset"
	// FaultSlow delays by Millis, then goes on, to other faults too.
	FaultSlow FaultKind = "slow"
	// FaultTruncateList refuses the token of a listing's next page, so that the listing is cut after a page.
	FaultTruncateList FaultKind = "truncate_list"
)

var faultKinds = map[FaultKind]bool{
	FaultThrottle: true, FaultError500: true, FaultError503: true, FaultDenied: true, FaultUndecryptable: true,
	FaultTimeoutBefore: true, FaultTimeoutAfter: true, FaultReset: true, FaultSlow: true, FaultTruncateList: true,
}

// Fault says which calls go wrong and how. Empty fields match everything.
type Fault struct {
	// Service is "secretsmanager", "kms", "sts" or "*".
	Service string `json:"service"`
	// Operation is an operation's name or "*".
	Operation string `json:"operation"`
	// Region limits the fault to one region.
	Region string `json:"region,omitempty"`
	// Secret is a pattern of secret names; for KMS of key ids, key ARNs and aliases, for STS of role ARNs.
	// "*" stands for any run of characters, "?" for one.
	Secret string    `json:"secret,omitempty"`
	Kind   FaultKind `json:"kind"`
	// Count is how many calls are hit; 0 for all.
	Count int `json:"count,omitempty"`
	// Share is the part of matching calls that is hit, above 0 and up to 1; 0 for all.
	Share float64 `json:"share,omitempty"`
	// Skip is how many matching calls pass before the first is hit.
	Skip int `json:"skip,omitempty"`
	// Millis is how long a slow answer takes, or how long a time-out hangs before its connection is closed;
	// 0 hangs until the client gives up.
	Millis int `json:"ms,omitempty"`
}

func (f Fault) validate() error {
	switch {
	case !faultKinds[f.Kind]:
		return fmt.Errorf("unknown kind of fault %q", f.Kind)
	case f.Share < 0 || f.Share > 1:
		return fmt.Errorf("share %v is not between 0 and 1", f.Share)
	case f.Count < 0 || f.Skip < 0 || f.Millis < 0:
		return fmt.Errorf("count, skip and ms must not be negative")
	case f.Service != "" && f.Service != "*" && operations[f.Service] == nil:
		return fmt.Errorf("unknown service %q", f.Service)
	case f.Kind == FaultSlow && f.Millis == 0:
		return fmt.Errorf("a slow fault needs ms")
	}
	return nil
}

// FaultState is a fault and what it has done.
type FaultState struct {
	Fault
	Matched int `json:"matched"`
	Hits    int `json:"hits"`
}

// faultTable holds the faults in the order in which they were injected.
type faultTable struct {
	mu     sync.Mutex
	random *rand.Rand
	faults []*liveFault
}

type liveFault struct {
	FaultState
	pattern *regexp.Regexp
}

func newFaultTable(seed uint64) *faultTable {
	return &faultTable{random: rand.New(rand.NewPCG(seed, seed))}
}

// Inject adds faults to those that stand. The first that matches a call decides; slow ones add up.
func (s *Server) Inject(faults ...Fault) error {
	live := make([]*liveFault, len(faults))
	for i, f := range faults {
		if err := f.validate(); err != nil {
			return err
		}
		live[i] = &liveFault{FaultState: FaultState{Fault: f}, pattern: globPattern(f.Secret)}
	}
	s.faults.mu.Lock()
	defer s.faults.mu.Unlock()
	s.faults.faults = append(s.faults.faults, live...)
	return nil
}

// ClearFaults removes all faults.
func (s *Server) ClearFaults() {
	s.faults.mu.Lock()
	defer s.faults.mu.Unlock()
	s.faults.faults = nil
}

// Faults returns the faults that stand, with how often each matched and hit.
func (s *Server) Faults() []FaultState {
	s.faults.mu.Lock()
	defer s.faults.mu.Unlock()
	states := make([]FaultState, len(s.faults.faults))
	for i, f := range s.faults.faults {
		states[i] = f.FaultState
	}
	return states
}

func globPattern(glob string) *regexp.Regexp {
	if glob == "" || glob == "*" {
		return nil
	}
	quoted := regexp.QuoteMeta(glob)
	quoted = strings.ReplaceAll(strings.ReplaceAll(quoted, `\*`, `.*`), `\?`, `.`)
	return regexp.MustCompile(`^` + quoted + `$`)
}

// strike finds what happens to a call.
func (t *faultTable) strike(c *call) hit {
	t.mu.Lock()
	defer t.mu.Unlock()
	var struck hit
	for _, f := range t.faults {
		if f.perItem(c) || !f.concerns(c) || !f.fires(t.random) {
			continue
		}
		if f.Kind == FaultSlow {
			struck.slow += f.wait()
			continue
		}
		struck.kind, struck.wait, struck.err = f.Kind, f.wait(), f.answer(c)
		return struck
	}
	return struck
}

// strikeItem finds the refusal, if any, of one secret of a batch.
func (t *faultTable) strikeItem(c *call, id string) error {
	t.mu.Lock()
	defer t.mu.Unlock()
	item := *c
	item.operation, item.names = "GetSecretValue", []string{id}
	for _, f := range t.faults {
		if f.perItem(c) && f.matchesSubject(&item) && f.fires(t.random) {
			return f.answer(&item)
		}
	}
	return nil
}

// fires counts a matching call, and decides whether it is hit.
func (f *liveFault) fires(random *rand.Rand) bool {
	f.Matched++
	switch {
	case f.Matched <= f.Skip, f.Count > 0 && f.Hits >= f.Count:
		return false
	case f.Share > 0 && random.Float64() >= f.Share:
		return false
	}
	f.Hits++
	return true
}

func (f *liveFault) wait() time.Duration { return time.Duration(f.Millis) * time.Millisecond }
