package vaulttest

import "testing"

// Server is a running counterpart.
type Server struct {
	URL    string // http://127.0.0.1:port, without a slash at the end
	Token  string
	Mount  string   // a KV v2 mount, without a slash
	Mounts []string // all of them, Mount first

	CASMount         string // core: a KV v2 mount that requires check-and-set
	RoleID, SecretID string // core with AppRole: a role that may use Mount and CASMount only
	Dir              string // core on file or raft: where its data is

	t       testing.TB
	process *process
	engine  bool
}

// ready is the line of JSON by which a counterpart says that a write works.
type ready struct {
	Addr     string   `json:"addr"`
	Token    string   `json:"token"`
	Mount    string   `json:"mount"`
	Mounts   []string `json:"mounts"`
	CASMount string   `json:"cas_mount"`
	RoleID   string   `json:"role_id"`
	SecretID string   `json:"secret_id"`
}

// start builds the module if need be, runs its command, and ends it with the test.
func start(t testing.TB, module string, args ...string) *Server {
	t.Helper()
	running, err := Run(t.Context(), module, args...)
	if err != nil {
		t.Fatal(err)
	}
	process, line := running.process, running.ready
	t.Cleanup(func() {
		err := process.stop()
		if err != nil {
			t.Errorf("vaulttest: %s: %v", module, err)
		}
		if t.Failed() {
			t.Logf("%s said:\n%s", module, process.said())
		}
	})
	return &Server{
		URL: running.URL, Token: line.Token, Mount: line.Mount, Mounts: line.Mounts,
		CASMount: line.CASMount, RoleID: line.RoleID, SecretID: line.SecretID, t: t, process: process,
	}
}

// Stop ends the counterpart in good order; the end of the test does it too.
func (s *Server) Stop() {
	s.t.Helper()
	if err := s.process.stop(); err != nil {
		s.t.Errorf("vaulttest: %v", err)
	}
}

// Kill ends the counterpart at once, as a crash would.
func (s *Server) Kill() {
	s.process.kill()
}
