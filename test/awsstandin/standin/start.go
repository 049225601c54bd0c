package standin

import (
	"net"
	"net/http"
	"testing"
	"time"
)

// Start serves a new Server on a loopback port of its own until the test ends.
func Start(t testing.TB, opts Options) *Server {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatalf("listening for the AWS stand-in: %v", err)
	}
	s := New(opts)
	s.URL = "http://" + listener.Addr().String()
	server := &http.Server{Handler: s, ReadHeaderTimeout: 10 * time.Second}
	done := make(chan struct{})
	go func() {
		defer close(done)
		_ = server.Serve(listener)
	}()
	t.Cleanup(func() {
		s.Close()
		_ = server.Close()
		<-done
	})
	return s
}
