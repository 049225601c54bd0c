package memory

import (
	"context"
	"maps"
	"time"

	"github.com/your-org/keeper/fault"
)

// Op names an operation of the driver.
type Op string

// The operations.
const (
	OpList     Op = "list"
	OpDescribe Op = "describe"
	OpFetch    Op = "fetch"
	OpPut      Op = "put"
	OpMark     Op = "mark"
	OpUnmark   Op = "unmark"
	OpDelete   Op = "delete"
	OpRestore  Op = "restore"
	OpCheck    Op = "check"
	OpTune     Op = "tune"
)

// Fault is a failure to come.
type Fault struct {
	Op    Op            // empty: any
	Name  string        // empty: any; a listing and a check have none
	Delay time.Duration // waits before it acts; the context ends the wait
	Kind  fault.Kind    // what the call fails with; Internal, the zero kind: it does not fail
	Acted bool          // the call is done before it fails: its answer is lost; without Delay
	Cut   int           // List: so many names are yielded before it fails
	Times int           // ends after so many calls; 0: stays until ClearFaults
}

// Inject adds a fault. Where several fit a call, the oldest counts.
func (p *Place) Inject(f Fault) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.faults = append(p.faults, &f)
}

// ClearFaults ends all faults.
func (p *Place) ClearFaults() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.faults = nil
}

// Calls says how often each operation was called since ResetCalls; Fetch counts by name.
func (p *Place) Calls() map[Op]int {
	p.mu.Lock()
	defer p.mu.Unlock()
	return maps.Clone(p.calls)
}

// ResetCalls starts counting anew.
func (p *Place) ResetCalls() {
	p.mu.Lock()
	defer p.mu.Unlock()
	clear(p.calls)
}

// begin counts a call, waits where it is to be slow, and fails where it is to fail before
// it acts. The number is how far a listing comes.
func (p *Place) begin(ctx context.Context, op Op, name string) (int, error) {
	p.mu.Lock()
	p.calls[op]++
	f := p.take(op, name, func(f *Fault) bool { return !f.Acted })
	p.mu.Unlock()
	if err := wait(ctx, f.Delay); err != nil {
		return 0, fault.Wrap(err, fault.Unavailable, "The call ended before the destination answered (%s %s).", op, name)
	}
	return f.Cut, f.err(op, name)
}

// lost fails an operation that was done. The lock is held.
func (p *Place) lost(op Op, name string) error {
	return p.take(op, name, func(f *Fault) bool { return f.Acted }).err(op, name)
}

func (p *Place) take(op Op, name string, fits func(*Fault) bool) Fault {
	for i, f := range p.faults {
		if (f.Op != "" && f.Op != op) || (f.Name != "" && f.Name != name) || !fits(f) {
			continue
		}
		if f.Times == 1 {
			p.faults = append(p.faults[:i:i], p.faults[i+1:]...)
		}
		f.Times = max(f.Times-1, 0)
		return *f
	}
	return Fault{}
}

func (f Fault) err(op Op, name string) error {
	if f.Kind == fault.Internal {
		return nil
	}
	return fault.New(f.Kind, "The destination was made to fail (%s %s).", op, name)
}

func wait(ctx context.Context, d time.Duration) error {
	if d > 0 {
		timer := time.NewTimer(d)
		defer timer.Stop()
		select {
		case <-timer.C:
		case <-ctx.Done():
		}
	}
	return ctx.Err()
}
