package idempotency

import "fmt"

// Why is what stands in the way of a request whose key was used before.
type Why int

// What stands in the way.
const (
	Running Why = iota + 1 // the first attempt is at work
	Reused                 // the key was sent with another request
	CutOff                 // the first attempt did something, and ended before its answer was kept
	Told                   // it was done, and its answer, which held a value, was not kept
	Large                  // it was done, and its answer was too large to be kept
)

// Refusal is that an earlier attempt with the key stands in the way: nothing was done now.
type Refusal struct {
	Why      Why
	Location string // of what the earlier one made; "": none is known
}

// Error is for logs.
func (r *Refusal) Error() string { return fmt.Sprintf("idempotency: refused, reason %d", r.Why) }
