package main

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"sync"

	"github.com/ryanuber/go-glob"
)

// The kinds of fault.
const (
	faultThrottle      = "throttle"       // 429
	faultError         = "error"          // 500
	faultSealed        = "sealed"         // 503; sys/health says that Vault is sealed
	faultDenied        = "denied"         // 403
	faultTimeoutBefore = "timeout_before" // nothing is done, no answer comes
	faultTimeoutAfter  = "timeout_after"  // the call is carried out, its answer never comes
	faultReset         = "reset"          // nothing is done, the connection is reset
	faultResetAfter    = "reset_after"    // the call is carried out, the connection is reset
	faultSlow          = "slow"           // the answer comes late
)

var faultKinds = []string{
	faultThrottle, faultError, faultSealed, faultDenied, faultTimeoutBefore, faultTimeoutAfter,
	faultReset, faultResetAfter, faultSlow,
}

// faultMethods are the methods as calls are counted: PUT is POST there.
var faultMethods = []string{"", "GET", "LIST", "POST", "PATCH", "DELETE", "HEAD"}

// Fault is a rule: which calls go wrong, how, and how often.
type Fault struct {
	Kind       string  `json:"kind"`
	Method     string  `json:"method,omitempty"`      // GET, LIST, POST (PUT counts as POST), PATCH, DELETE; empty: any
	Path       string  `json:"path,omitempty"`        // below /v1/; * stands for any run of characters; empty: any
	Skip       int     `json:"skip,omitempty"`        // this many matching calls pass first
	Count      int     `json:"count,omitempty"`       // it hits so many calls and then ends; 0: no end
	Share      float64 `json:"share,omitempty"`       // it hits this share of the matching calls; 0: all
	DelayMS    int     `json:"delay_ms,omitempty"`    // slow: the delay (default 1000); time-outs: how long the call is held (default 60000)
	RetryAfter int     `json:"retry_after,omitempty"` // throttle: seconds in the Retry-After header; 0: no header
	Hits       int     `json:"hits"`                  // calls hit so far; read only
}

func (f *Fault) validate() error {
	switch {
	case !slices.Contains(faultKinds, f.Kind):
		return fmt.Errorf("kind is one of %s", strings.Join(faultKinds, ", "))
	case !slices.Contains(faultMethods, f.Method):
		return fmt.Errorf("method is one of%s, or empty for any; PUT is POST", strings.Join(faultMethods, " "))
	case f.Share < 0 || f.Share > 1:
		return errors.New("share is from 0 to 1")
	case f.Skip < 0 || f.Count < 0 || f.DelayMS < 0 || f.RetryAfter < 0:
		return errors.New("skip, count, delay_ms and retry_after are not negative")
	case f.Hits != 0:
		return errors.New("hits cannot be set")
	}
	return nil
}

func (f *Fault) concerns(method, path string) bool {
	return (f.Method == "" || f.Method == method) &&
		(f.Path == "" || glob.Glob(f.Path, path)) &&
		(f.Count == 0 || f.Hits < f.Count)
}

// faults holds the rules in force, oldest first; the first that hits a call decides.
type faults struct {
	seed  uint64
	mu    sync.Mutex
	rules []*Fault
	rand  *rand.Rand
}

func newFaults(seed uint64) *faults {
	f := &faults{seed: seed}
	f.clear()
	return f
}

func (f *faults) add(rules []Fault) {
	f.mu.Lock()
	defer f.mu.Unlock()
	for _, rule := range rules {
		f.rules = append(f.rules, &rule)
	}
}

// clear removes all rules and starts the random numbers again from the seed.
func (f *faults) clear() {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.rules = nil
	f.rand = rand.New(rand.NewPCG(f.seed, f.seed))
}

func (f *faults) list() []Fault {
	f.mu.Lock()
	defer f.mu.Unlock()
	list := []Fault{}
	for _, rule := range f.rules {
		list = append(list, *rule)
	}
	return list
}

// match says which fault hits a call, and counts it.
func (f *faults) match(method, path string) (Fault, bool) {
	f.mu.Lock()
	defer f.mu.Unlock()
	for _, rule := range f.rules {
		if !rule.concerns(method, path) {
			continue
		}
		if rule.Skip > 0 {
			rule.Skip--
			continue
		}
		if rule.Share > 0 && f.rand.Float64() >= rule.Share {
			continue
		}
		rule.Hits++
		return *rule, true
	}
	return Fault{}, false
}
