package standin

import (
	"sync/atomic"
	"time"
)

// clock is the machine's clock plus what tests added to it. It dates what is kept and ends recovery windows.
// The skew is apart: it moves only the time that signatures are checked against.
type clock struct {
	offset atomic.Int64
	skew   atomic.Int64
}

func (c *clock) now() time.Time { return time.Now().Add(time.Duration(c.offset.Load())) }

func (c *clock) signing() time.Time { return time.Now().Add(time.Duration(c.skew.Load())) }

// Now is the server's idea of the time, which dates and deadlines follow.
func (s *Server) Now() time.Time { return s.clock.now() }

// Advance moves the server's clock forward by d, so that recovery windows end and keys rotate.
func (s *Server) Advance(d time.Duration) { s.clock.offset.Add(int64(d)) }

// SetClock makes the server's clock read t now; it runs on from there.
func (s *Server) SetClock(t time.Time) { s.clock.offset.Store(int64(time.Until(t))) }

// SetSkew makes the server check request signatures against a clock that is d ahead of the machine's.
// Beyond five minutes AWS refuses a request.
func (s *Server) SetSkew(d time.Duration) { s.clock.skew.Store(int64(d)) }

// ResetClock makes the server's clocks the machine's again.
func (s *Server) ResetClock() {
	s.clock.offset.Store(0)
	s.clock.skew.Store(0)
}
