package main

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/your-org/keeper/test/ports"
)

// memoryServer keeps values by path, as both sides do, and notes what is wrong with it.
type memoryServer struct {
	mu       sync.Mutex
	values   map[string]string
	writes   int
	repeated int               // writes of the value that stood already
	authors  map[string]string // of each path, who wrote it first
	shared   int               // writes by another than that one
	spoil    func(n int) bool  // whether write n is to fail
}

func (m *memoryServer) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if r.Header.Get("X-Token") != "t" {
		w.WriteHeader(http.StatusUnauthorized)
		return
	}
	if r.Method == http.MethodGet {
		fmt.Fprintf(w, `{"data":{"value":%q}}`, m.values[r.URL.Path])
		return
	}
	var body struct{ Value string }
	if err := json.NewDecoder(r.Body).Decode(&body); err != nil || len(body.Value) != valueSize {
		w.WriteHeader(http.StatusBadRequest)
		return
	}
	m.writes++
	if m.spoil != nil && m.spoil(m.writes) {
		w.WriteHeader(http.StatusServiceUnavailable)
		return
	}
	if m.values[r.URL.Path] == body.Value {
		m.repeated++
	}
	if first, ok := m.authors[r.URL.Path]; ok && first != r.RemoteAddr {
		m.shared++
	}
	m.values[r.URL.Path], m.authors[r.URL.Path] = body.Value, r.RemoteAddr
	fmt.Fprintf(w, `{"version":%d}`, m.writes)
}

func newMemorySide(t *testing.T) (*memoryServer, *side) {
	m := &memoryServer{values: map[string]string{}, authors: map[string]string{}}
	server := httptest.NewServer(m)
	t.Cleanup(server.Close)
	return m, &side{
		name: "memory", address: strings.TrimPrefix(server.URL, "http://"), header: "X-Token: t", method: http.MethodPost,
		before: `{"value":"`, after: `"}`, path: func(secret int) string { return fmt.Sprintf("/%d", secret) },
	}
}

func sets(s *side, n int) []*call {
	calls := make([]*call, n)
	for i := range calls {
		calls[i] = s.set(i, firstValue(i))
	}
	return calls
}

const briefly = 100 * time.Millisecond

func TestLoad(t *testing.T) {
	t.Run("Writes", func(t *testing.T) {
		m, s := newMemorySide(t)
		calls := sets(s, 7)
		got := load(s.address, calls, 3, briefly)
		if got.errors != 0 || got.latencies.n == 0 || got.latencies.n != uint64(m.writes) {
			t.Errorf("got %d calls and %d errors (%v) where the server saw %d", got.latencies.n, got.errors, got.first, m.writes)
		}
		if m.repeated != 0 || m.shared != 0 || len(m.values) != 7 {
			t.Errorf("got %d repeated values, %d writes beside the owner, %d secrets, want 0, 0, 7", m.repeated, m.shared, len(m.values))
		}
		if got.took < briefly || got.took > 20*briefly {
			t.Errorf("took %v", got.took)
		}
		if err := verify(s, 0, calls); err != nil {
			t.Error(err)
		}
		m.values["/4"] = firstValue(4)
		if err := verify(s, 0, calls); err == nil {
			t.Error("a lost write was not noticed")
		}
	})
	t.Run("OneSecret", func(t *testing.T) {
		m, s := newMemorySide(t)
		got := load(s.address, sets(s, 1), 4, briefly)
		if got.errors != 0 || m.repeated != 0 || m.shared == 0 {
			t.Errorf("got %d errors (%v), %d repeated values, %d by others", got.errors, got.first, m.repeated, m.shared)
		}
	})
	t.Run("WrongValue", func(t *testing.T) {
		m, s := newMemorySide(t)
		m.values["/0"] = "another"
		got := load(s.address, []*call{s.get(0, firstValue(0))}, 1, briefly)
		if got.errors == 0 || got.latencies.n != 0 || got.first == nil {
			t.Errorf("got %d errors, %d calls", got.errors, got.latencies.n)
		}
	})
	t.Run("Failures", func(t *testing.T) {
		m, s := newMemorySide(t)
		m.spoil = func(n int) bool { return n == 3 || n == 5 }
		got := load(s.address, sets(s, 1), 1, briefly)
		if got.errors != 2 || got.latencies.n != uint64(m.writes-2) || !strings.Contains(got.first.Error(), "503") {
			t.Errorf("got %d errors (%v), %d calls of %d", got.errors, got.first, got.latencies.n, m.writes)
		}
	})
	t.Run("NobodyListens", func(t *testing.T) {
		port, err := ports.Free()
		if err != nil {
			t.Fatal(err)
		}
		s := &side{address: fmt.Sprintf("127.0.0.1:%d", port), path: func(int) string { return "/" }}
		if got := load(s.address, []*call{s.get(0, "")}, 1, briefly); got.errors == 0 || got.latencies.n != 0 {
			t.Errorf("got %d errors, %d calls", got.errors, got.latencies.n)
		}
	})
}
