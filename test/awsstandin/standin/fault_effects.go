package standin

import (
	"net"
	"net/http"
	"time"
)

// hit is what the faults do to one call.
type hit struct {
	slow time.Duration
	kind FaultKind
	wait time.Duration
	// err is the answer instead of a result; nil for kinds that give none.
	err error
}

// suffer does to a call what goes wrong before it acts. The error is the answer; nil lets the call act.
// A fault that gives no answer ends the handler by panicking with http.ErrAbortHandler.
func (s *Server) suffer(w http.ResponseWriter, r *http.Request, h hit) error {
	s.pause(r, h.slow)
	switch h.kind {
	case FaultTimeoutBefore:
		s.hang(r, h.wait)
	case FaultReset:
		reset(w)
	}
	return h.err
}

// answer is the error that a fault answers with, in the service's own words.
func (f *liveFault) answer(c *call) error {
	switch f.Kind {
	case FaultThrottle:
		return throttled(c.service)
	case FaultError500:
		return serverError(c.service, http.StatusInternalServerError)
	case FaultError503:
		return serverError(c.service, http.StatusServiceUnavailable)
	case FaultDenied:
		return deniedCall(c)
	case FaultUndecryptable:
		if c.service == serviceKMS {
			return invalidCiphertext()
		}
		return undecryptable()
	case FaultTruncateList:
		if c.service == serviceKMS {
			return refuse("InvalidMarkerException", "The marker is invalid.")
		}
		return badPageToken()
	}
	return nil
}

func deniedCall(c *call) *apiError {
	e := denied(c.who, c.service+":"+c.operation, c.resource())
	if c.service == serviceSTS {
		e.status, e.code = http.StatusForbidden, "AccessDenied"
	}
	return e
}

var serverErrors = map[string]map[int]string{
	serviceSecrets: {http.StatusInternalServerError: "InternalServiceError", http.StatusServiceUnavailable: "ServiceUnavailableException"},
	serviceKMS:     {http.StatusInternalServerError: "KMSInternalException", http.StatusServiceUnavailable: "DependencyTimeoutException"},
	serviceSTS:     {http.StatusInternalServerError: "InternalFailure", http.StatusServiceUnavailable: "ServiceUnavailable"},
}

func serverError(service string, status int) *apiError {
	return &apiError{status, serverErrors[service][status], "An error occurred on the server side."}
}

// pause waits. When the client or the server goes first, it ends the call without an answer.
func (s *Server) pause(r *http.Request, d time.Duration) {
	if d <= 0 {
		return
	}
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
	case <-s.closing:
		panic(http.ErrAbortHandler)
	case <-r.Context().Done():
		panic(http.ErrAbortHandler)
	}
}

// hang keeps the connection open without an answer for d, or until the client gives up when d is 0, and closes it.
func (s *Server) hang(r *http.Request, d time.Duration) {
	if d > 0 {
		s.pause(r, d)
		panic(http.ErrAbortHandler)
	}
	select {
	case <-s.closing:
	case <-r.Context().Done():
	}
	panic(http.ErrAbortHandler)
}

// reset ends the connection so that the client sees it reset, where the connection is TCP.
func reset(w http.ResponseWriter) {
	conn, _, err := http.NewResponseController(w).Hijack()
	if err == nil {
		if tcp, ok := conn.(*net.TCPConn); ok {
			_ = tcp.SetLinger(0)
		}
		_ = conn.Close()
	}
	panic(http.ErrAbortHandler)
}
