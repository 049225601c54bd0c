package main

import (
	"context"
	"errors"
	"io"
	"net"
	"net/http"
	"strconv"
	"time"
)

const (
	defaultSlow = time.Second
	defaultHold = time.Minute
)

// inject makes a call go wrong.
func (e *Engine) inject(fault Fault, w *statusWriter, r *http.Request) {
	switch fault.Kind {
	case faultThrottle:
		if fault.RetryAfter > 0 {
			w.Header().Set("Retry-After", strconv.Itoa(fault.RetryAfter))
		}
		respondError(w, http.StatusTooManyRequests, errors.New("rate limit quota exceeded"))
	case faultError:
		respondError(w, http.StatusInternalServerError, errors.New("internal error"))
	case faultSealed:
		if vaultPath(r) == healthPath {
			respondHealth(w, true)
			return
		}
		respondError(w, http.StatusServiceUnavailable, errors.New("Vault is sealed")) //nolint:staticcheck // Vault's own words
	case faultDenied:
		respondError(w, http.StatusForbidden, errDenied)
	case faultSlow:
		e.hold(r, fault.delay(defaultSlow))
		e.answer(w, r)
	case faultTimeoutBefore:
		drain(r)
		e.hold(r, fault.delay(defaultHold))
		resetConnection(w)
	case faultTimeoutAfter:
		e.answerNobody(w, r)
		e.hold(r, fault.delay(defaultHold))
		resetConnection(w)
	case faultReset:
		drain(r)
		resetConnection(w)
	case faultResetAfter:
		e.answerNobody(w, r)
		resetConnection(w)
	}
}

func (f *Fault) delay(otherwise time.Duration) time.Duration {
	if f.DelayMS == 0 {
		return otherwise
	}
	return time.Duration(f.DelayMS) * time.Millisecond
}

// hold waits until the delay is over, the client has given up, or the engine stops. The client's going is noticed
// only once the body has been read.
func (e *Engine) hold(r *http.Request, delay time.Duration) {
	timer := time.NewTimer(delay)
	defer timer.Stop()
	select {
	case <-timer.C:
	case <-r.Context().Done():
	case <-e.released:
	}
}

// answerNobody carries the call out to its end, even if the client goes, and drops the answer but for its status.
func (e *Engine) answerNobody(w *statusWriter, r *http.Request) {
	lost := &statusWriter{ResponseWriter: nobody{}, record: w.record}
	e.answer(lost, r.WithContext(context.WithoutCancel(r.Context())))
}

type nobody struct{}

func (nobody) Header() http.Header         { return http.Header{} }
func (nobody) Write(b []byte) (int, error) { return len(b), nil }
func (nobody) WriteHeader(int)             {}

func drain(r *http.Request) {
	_, _ = io.Copy(io.Discard, r.Body) // what cannot be read need not be
}

// resetConnection ends the connection by a TCP reset, with no answer.
func resetConnection(w http.ResponseWriter) {
	conn, _, err := http.NewResponseController(w).Hijack()
	if err != nil {
		panic(http.ErrAbortHandler)
	}
	if tcp, ok := conn.(*net.TCPConn); ok {
		_ = tcp.SetLinger(0) // without it the close is a plain one, which ends the call just as well
	}
	_ = conn.Close()
}
