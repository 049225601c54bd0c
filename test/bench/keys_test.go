package main

import (
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"
	"time"
)

// TestMeasureKeys runs every figure of keys in sizes too small to be figures: what is wanted
// is that all of it is measured and right.
func TestMeasureKeys(t *testing.T) {
	t.Chdir("../..")
	binary, err := buildKeeper(t.Context(), t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	reads, err := measureReads(t.Context(), t.TempDir(), binary, 1, 200)
	if err != nil {
		t.Fatal(err)
	}
	rewrap, err := measureRewrap(t.Context(), t.TempDir(), binary, rewrapCase{versions: 1280, uses: 32, rate: 200}, briefly)
	if err != nil {
		t.Fatal(err)
	}
	if len(reads) != 3 || len(rewrap) != 2 { // of so short a re-wrap no p99 is told
		t.Fatalf("got %d and %d figures, want 3 and 2", len(reads), len(rewrap))
	}
	for _, f := range append(reads, rewrap...) {
		if f.what == "" || f.bound == "" || f.measured == "" {
			t.Errorf("a figure says nothing: %+v", f)
		}
	}
	// Calls are counted, not timed, so they hold on any machine.
	for _, f := range []figureOfKeys{reads[2], rewrap[0]} {
		if !f.met {
			t.Errorf("%s: %s, want at most %s", f.what, f.measured, f.bound)
		}
	}
}

func TestSteady(t *testing.T) {
	newLoad := func(t *testing.T, answer http.HandlerFunc) *steady {
		server := httptest.NewServer(answer)
		t.Cleanup(server.Close)
		s := &side{address: strings.TrimPrefix(server.URL, "http://"), header: "X-Token: t", path: func(int) string { return "/" }}
		load := &steady{address: s.address}
		for i := range load.calls {
			load.calls[i] = []*call{newCall(s, http.MethodGet, "/", "", "", `"value":"`)}
		}
		return load
	}
	const value = `{"value":"x"}`
	t.Run("Rate", func(t *testing.T) {
		var n atomic.Int64
		load := newLoad(t, func(w http.ResponseWriter, _ *http.Request) { n.Add(1); _, _ = w.Write([]byte(value)) })
		got := load.during(t.Context(), 500*time.Millisecond)
		if err := load.failed(); err != nil || got.calls() == 0 || int64(got.calls()) > n.Load() || n.Load() > steadyRate {
			t.Errorf("%d latencies of %d calls in half a second at %d a second, %v", got.calls(), n.Load(), steadyRate, err)
		}
	})
	t.Run("Waiting", func(t *testing.T) {
		// One answer holds the connection up; the calls that were due meanwhile count from when
		// they were due.
		var n atomic.Int64
		load := newLoad(t, func(w http.ResponseWriter, _ *http.Request) {
			if n.Add(1) <= steadyConnections {
				time.Sleep(300 * time.Millisecond)
			}
			_, _ = w.Write([]byte(value))
		})
		got := load.during(t.Context(), 400*time.Millisecond)
		if q := got[0].quantile(0.5); q < 50*time.Millisecond {
			t.Errorf("the median is %v: what waited is left out", q)
		}
	})
	t.Run("Failure", func(t *testing.T) {
		load := newLoad(t, func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusServiceUnavailable) })
		load.during(t.Context(), briefly)
		if err := load.failed(); err == nil {
			t.Error("failed calls were not noticed")
		}
	})
}

func TestSavePart(t *testing.T) {
	path := filepath.Join(t.TempDir(), "benchmarks.md")
	for _, step := range []struct{ heading, text, want string }{
		{keysHeading, keysHeading + "a\n", keysHeading + "a\n"},
		{"", "# First\n", "# First\n" + keysHeading + "a\n"},
		{keysHeading, keysHeading + "b\n", "# First\n" + keysHeading + "b\n"},
		{"", "# Second\n", "# Second\n" + keysHeading + "b\n"},
	} {
		if err := savePart(path, step.heading, step.text); err != nil {
			t.Fatal(err)
		}
		if got, err := os.ReadFile(path); err != nil || string(got) != step.want {
			t.Fatalf("got %q, %v, want %q", got, err, step.want)
		}
	}
}

func TestRenderKeys(t *testing.T) {
	got := renderKeys([]figureOfKeys{
		{what: "one", bound: "2 KMS calls", measured: "1 KMS call", met: true}, {what: "two", bound: "3 s", measured: "4 s"},
	}, sample().machine, options{seconds: 5, rounds: 3, versions: 1000}, sample().date)
	for _, want := range []string{
		keysHeading, "| one | 2 KMS calls | 1 KMS call | held |\n", "| two | 3 s | 4 s | **missed** |\n",
		"`go run ./test/bench -keys -seconds 5 -rounds 3 -versions 1000`",
	} {
		if !strings.Contains(got, want) {
			t.Errorf("lacks %q:\n%s", want, got)
		}
	}
}
