package vaulttest

import (
	"fmt"
	"io"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

// call gives the status of one request with the server's token.
func call(t *testing.T, s *Server, method, path, body string) (int, string, error) {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), method, s.URL+"/v1/"+path, strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	req.Header.Set("X-Vault-Token", s.Token)
	client := &http.Client{Transport: &http.Transport{DisableKeepAlives: true}, Timeout: 10 * time.Second}
	resp, err := client.Do(req)
	if err != nil {
		return 0, "", err
	}
	defer resp.Body.Close()
	answer, err := io.ReadAll(resp.Body)
	return resp.StatusCode, string(answer), err
}

func want(t *testing.T, s *Server, status int, method, path, body string) {
	t.Helper()
	if got, answer, err := call(t, s, method, path, body); err != nil || got != status {
		t.Fatalf("%s %s: got %d, %v, want %d: %s", method, path, got, err, status, answer)
	}
}

func TestStartEngine(t *testing.T) {
	s := StartEngine(t, EngineOptions{Token: "t", Mounts: []string{"one", "two"}})
	if diff := cmp.Diff([]string{"one", "two"}, s.Mounts); diff != "" || s.Mount != "one" || s.Token != "t" {
		t.Errorf("got %+v", s)
	}
	want(t, s, 200, "POST", "two/data/a", `{"data":{"k":"v"}}`)
	want(t, s, 404, "GET", "one/data/a", "")
}

func TestFaultsAndCalls(t *testing.T) {
	s := StartEngine(t, EngineOptions{})
	s.Fault(Fault{Kind: Throttle, Method: "POST", Path: s.Mount + "/data/*", Skip: 1, Count: 1, RetryAfter: time.Second},
		Fault{Kind: ResetAfter, Method: "DELETE", Count: 1})
	for _, status := range []int{200, 429, 200} {
		want(t, s, status, "POST", "secret/data/a", `{"data":{}}`)
	}
	if status, _, err := call(t, s, "DELETE", "secret/data/a", ""); err == nil {
		t.Errorf("a lost answer came: %d", status)
	}
	got := s.Calls()
	expected := []Call{
		{Method: "POST", Path: "secret/data/a", Status: 200},
		{Method: "POST", Path: "secret/data/a", Status: 429, Fault: Throttle},
		{Method: "POST", Path: "secret/data/a", Status: 200},
		{Method: "DELETE", Path: "secret/data/a", Status: 204, Fault: ResetAfter},
	}
	if diff := cmp.Diff(expected, got); diff != "" {
		t.Error(diff)
	}

	s.Fault(Fault{Kind: Denied})
	want(t, s, 403, "GET", "secret/metadata/a", "")
	s.ClearFaults()
	want(t, s, 200, "GET", "secret/metadata/a", "")
	s.Reset()
	if calls := s.Calls(); len(calls) != 0 {
		t.Errorf("got %v", calls)
	}
	want(t, s, 404, "GET", "secret/metadata/a", "")
	s.ClearCalls()
	if calls := s.Calls(); len(calls) != 0 {
		t.Errorf("got %v", calls)
	}
}

// TestKinds starts every kind that this package names, so that it cannot differ from what the engine knows.
func TestKinds(t *testing.T) {
	s := StartEngine(t, EngineOptions{})
	for _, kind := range []string{Throttle, Error, Sealed, Denied, TimeoutBefore, TimeoutAfter, Reset, ResetAfter, Slow} {
		s.Fault(Fault{Kind: kind, Delay: time.Millisecond})
	}
}

func TestTokenEnds(t *testing.T) {
	s := StartEngine(t, EngineOptions{TokenTTL: 50 * time.Millisecond})
	for range 500 {
		if status, _, err := call(t, s, "GET", "auth/token/lookup-self", ""); err != nil {
			t.Fatal(err)
		} else if status == 403 {
			return
		}
		time.Sleep(10 * time.Millisecond)
	}
	t.Error("the token did not end")
}

func TestStopAndKill(t *testing.T) {
	for name, end := range map[string]func(*Server){"Stop": (*Server).Stop, "Kill": (*Server).Kill} {
		t.Run(name, func(t *testing.T) {
			s := StartEngine(t, EngineOptions{})
			want(t, s, 200, "GET", "sys/health", "")
			end(s)
			if status, _, err := call(t, s, "GET", "sys/health", ""); err == nil {
				t.Errorf("it still answers: %d", status)
			}
			again := StartEngine(t, EngineOptions{Addr: strings.TrimPrefix(s.URL, "http://")})
			if again.URL != s.URL {
				t.Errorf("got %s, want %s", again.URL, s.URL)
			}
		})
	}
}

func TestParallel(t *testing.T) {
	for i := range 4 {
		t.Run(fmt.Sprint(i), func(t *testing.T) {
			t.Parallel()
			s := StartEngine(t, EngineOptions{})
			want(t, s, 404, "GET", "secret/data/a", "")
			want(t, s, 200, "POST", "secret/data/a", `{"data":{}}`)
		})
	}
}
