package vaulttest

import (
	"bytes"
	"cmp"
	"context"
	"encoding/json"
	"io"
	"net/http"
	"strconv"
	"testing"
	"time"
)

// EngineOptions say how the engine starts; the zero value is one mount named secret.
type EngineOptions struct {
	Addr     string        // host:port; empty: a free port on 127.0.0.1
	Token    string        // empty: root
	TokenTTL time.Duration // the token ends after this unless renewed; 0: never
	Mounts   []string      // empty: secret
	Seed     uint64        // for faults that hit a share of the calls; 0: 1
}

// StartEngine runs the real KV v2 engine on empty in-memory storage, for as long as the test lasts.
func StartEngine(t testing.TB, options EngineOptions) *Server {
	t.Helper()
	args := []string{"-addr", cmp.Or(options.Addr, "127.0.0.1:0"), "-token", cmp.Or(options.Token, "root")}
	if options.TokenTTL > 0 {
		args = append(args, "-token-ttl", options.TokenTTL.String())
	}
	if options.Seed > 0 {
		args = append(args, "-seed", strconv.FormatUint(options.Seed, 10))
	}
	for _, mount := range options.Mounts {
		args = append(args, "-mount", mount)
	}
	server := start(t, "vaultengine", args...)
	server.engine = true
	return server
}

// The kinds of Fault.
const (
	Throttle      = "throttle"       // 429
	Error         = "error"          // 500
	Sealed        = "sealed"         // 503; sys/health says so too
	Denied        = "denied"         // 403
	TimeoutBefore = "timeout_before" // nothing is done, no answer comes
	TimeoutAfter  = "timeout_after"  // the call is carried out, its answer never comes
	Reset         = "reset"          // nothing is done, the connection is reset
	ResetAfter    = "reset_after"    // the call is carried out, the connection is reset
	Slow          = "slow"           // the answer comes late
)

// Fault is a rule by which calls to the engine go wrong.
type Fault struct {
	Kind       string        // one of the constants
	Method     string        // GET, LIST, POST (also for PUT), PATCH, DELETE; empty: any
	Path       string        // below /v1/, such as secret/data/app/*; * stands for any run of characters; empty: any
	Skip       int           // this many matching calls pass first
	Count      int           // it ends after so many hits; 0: no end
	Share      float64       // it hits this share of the matching calls; 0: all
	Delay      time.Duration // Slow: the delay, 0 for 1 s; time-outs: how long the call is held, 0 for 60 s
	RetryAfter time.Duration // Throttle: the Retry-After header, in whole seconds; 0: none
}

// MarshalJSON gives the form that the engine takes.
func (f Fault) MarshalJSON() ([]byte, error) {
	return json.Marshal(map[string]any{
		"kind": f.Kind, "method": f.Method, "path": f.Path, "skip": f.Skip, "count": f.Count, "share": f.Share,
		"delay_ms": f.Delay.Milliseconds(), "retry_after": int(f.RetryAfter.Seconds()),
	})
}

// Call is one request below /v1/ as the engine saw it.
type Call struct {
	Method    string `json:"method"` // as in Fault
	Path      string `json:"path"`
	Namespace string `json:"namespace"`
	Fault     string `json:"fault"`  // the kind of fault that hit it, if any
	Status    int    `json:"status"` // what was answered, or would have been had the answer not been lost; 0: nothing was done
}

// Fault adds rules; the first that hits a call decides.
func (s *Server) Fault(faults ...Fault) {
	s.t.Helper()
	body, err := json.Marshal(faults)
	if err != nil {
		s.t.Fatalf("vaulttest: %v", err)
	}
	s.admin(http.MethodPost, "/_engine/faults", body)
}

// ClearFaults removes all rules.
func (s *Server) ClearFaults() {
	s.t.Helper()
	s.admin(http.MethodDelete, "/_engine/faults", nil)
}

// Calls gives the calls since the start, the last Reset or the last ClearCalls, in order of arrival.
func (s *Server) Calls() []Call {
	s.t.Helper()
	var answer struct {
		Calls []Call `json:"calls"`
	}
	if err := json.Unmarshal(s.admin(http.MethodGet, "/_engine/calls", nil), &answer); err != nil {
		s.t.Fatalf("vaulttest: %v", err)
	}
	return answer.Calls
}

// ClearCalls forgets the calls.
func (s *Server) ClearCalls() {
	s.t.Helper()
	s.admin(http.MethodDelete, "/_engine/calls", nil)
}

// Reset removes faults and calls, and everything in the mounts.
func (s *Server) Reset() {
	s.t.Helper()
	s.admin(http.MethodPost, "/_engine/reset?data=true", nil)
}

// admin calls the engine's own endpoints; the core has none.
func (s *Server) admin(method, path string, body []byte) []byte {
	s.t.Helper()
	if !s.engine {
		s.t.Fatal("vaulttest: only the engine has faults and calls")
	}
	// The test's own context has ended by the time of its cleanups, which may well want to look at the calls.
	req, err := http.NewRequestWithContext(context.Background(), method, s.URL+path, bytes.NewReader(body))
	if err != nil {
		s.t.Fatalf("vaulttest: %v", err)
	}
	client := &http.Client{Transport: &http.Transport{DisableKeepAlives: true}, Timeout: 10 * time.Second}
	resp, err := client.Do(req)
	if err != nil {
		s.t.Fatalf("vaulttest: %v", err)
	}
	defer resp.Body.Close()
	answer, err := io.ReadAll(resp.Body)
	if err != nil {
		s.t.Fatalf("vaulttest: %v", err)
	}
	if resp.StatusCode/100 != 2 {
		s.t.Fatalf("vaulttest: %s %s: %s %s", method, path, resp.Status, answer)
	}
	return answer
}
