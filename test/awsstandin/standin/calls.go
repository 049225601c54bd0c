package standin

import (
	"sync"
	"time"
)

// CallCount counts the calls of one operation since the start or the last reset.
type CallCount struct {
	// Count is every call with a good envelope, answered in whatever way.
	Count int `json:"count"`
	// Throttled is how many of them went over a quota.
	Throttled int `json:"throttled"`
	// PeakPerSecond is the most calls within one second of the clock.
	PeakPerSecond int `json:"peak_per_second"`
}

// callLog counts calls by "service.Operation".
type callLog struct {
	mu  sync.Mutex
	ops map[string]*opCount
}

type opCount struct {
	CallCount
	second   int64
	inSecond int
}

func newCallLog() *callLog { return &callLog{ops: make(map[string]*opCount)} }

func (c *call) name() string { return c.service + "." + c.operation }

func (l *callLog) note(c *call) {
	second := time.Now().Unix()
	l.mu.Lock()
	defer l.mu.Unlock()
	op := l.op(c)
	op.Count++
	if op.second != second {
		op.second, op.inSecond = second, 0
	}
	op.inSecond++
	op.PeakPerSecond = max(op.PeakPerSecond, op.inSecond)
}

func (l *callLog) noteThrottle(c *call) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.op(c).Throttled++
}

// op is the operation's count. The lock is held.
func (l *callLog) op(c *call) *opCount {
	op := l.ops[c.name()]
	if op == nil {
		op = &opCount{}
		l.ops[c.name()] = op
	}
	return op
}

func (l *callLog) reset() {
	l.mu.Lock()
	defer l.mu.Unlock()
	clear(l.ops)
}

// Calls returns the counts by "service.Operation", such as "secretsmanager.PutSecretValue" or "kms.Decrypt".
func (s *Server) Calls() map[string]CallCount {
	s.calls.mu.Lock()
	defer s.calls.mu.Unlock()
	counts := make(map[string]CallCount, len(s.calls.ops))
	for name, op := range s.calls.ops {
		counts[name] = op.CallCount
	}
	return counts
}

// CallsOf returns how often one operation was called: CallsOf("kms", "Decrypt").
func (s *Server) CallsOf(service, operation string) int {
	return s.Calls()[service+"."+operation].Count
}

// ResetCalls begins all counts anew.
func (s *Server) ResetCalls() { s.calls.reset() }
