package main

import (
	"context"
	"fmt"
	"log/slog"
	"net/http/httptest"
	"path/filepath"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/your-org/keeper/app"
	"github.com/your-org/keeper/auth"
	"github.com/your-org/keeper/config"
)

// openKeeper serves Keeper from this process, so that profiles show its inside:
//
//	go test ./test/bench -run - -bench Keeper -cpuprofile cpu.prof
func openKeeper(t testing.TB) *side {
	t.Helper()
	dir := t.TempDir()
	c, err := config.Load(map[string]string{
		"DATABASE_URL": "sqlite:///" + filepath.Join(dir, "keeper.db"), "KEEPER_MASTER_KEY_FILE": filepath.Join(dir, "keeper.key"),
		"KEEPER_ADMIN_PASSWORD": "keeper-bench-password",
	}, nil)
	if err != nil {
		t.Fatal(err)
	}
	a, err := app.New(t.Context(), c, app.Options{Log: slog.New(slog.DiscardHandler), Server: true})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := a.Close(); err != nil {
			t.Error(err)
		}
	})
	server := httptest.NewServer(a.Handler)
	t.Cleanup(server.Close)
	actor, err := a.Auth.Local(t.Context(), app.FirstUser)
	if err != nil {
		t.Fatal(err)
	}
	token, _, err := a.Auth.CreateToken(t.Context(), actor, auth.NewToken{Name: "bench"})
	if err != nil {
		t.Fatal(err)
	}
	s, err := newKeeperSide(t.Context(), server.URL, token)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// TestMeasureKeeper runs every figure against Keeper itself, in rounds too short to be
// figures: what is wanted is that all of it is right.
func TestMeasureKeeper(t *testing.T) {
	s := openKeeper(t)
	figures, err := measure(t.Context(), options{seconds: 0.1, rounds: 1, connections: []int{1, 8}}, s)
	if err != nil {
		t.Fatal(err)
	}
	if len(figures) != 5 {
		t.Fatalf("got %d figures, want 5", len(figures))
	}
	for _, f := range figures {
		for _, one := range f.rounds[0] {
			if one.errors > 0 || one.rate == 0 {
				t.Errorf("%s, %d connections: %.0f/s, %d errors (%v)", f.operation, f.connections, one.rate, one.errors, one.first)
			}
		}
	}
}

func BenchmarkKeeper(b *testing.B) {
	s := openKeeper(b)
	const spread = 64
	reads, writes := make([]*call, spread), make([]*call, spread)
	for i := range spread {
		for _, secret := range []int{2 * i, 2*i + 1} {
			if err := s.create(context.Background(), secret, firstValue(secret)); err != nil {
				b.Fatal(err)
			}
		}
		reads[i], writes[i] = s.get(2*i, firstValue(2*i)), s.set(2*i+1, firstValue(2*i+1))
	}
	for _, op := range []struct {
		name  string
		calls []*call
	}{{"Read", reads}, {"Write", writes}} {
		for _, connections := range []int{1, 16, 64} {
			b.Run(fmt.Sprintf("%s/%d", op.name, connections), func(b *testing.B) { benchmark(b, s, op.calls, connections) })
		}
	}
}

// benchmark sends b.N calls over a number of connections.
func benchmark(b *testing.B, s *side, calls []*call, connections int) {
	dialled := make([]*connection, connections)
	for i := range dialled {
		var err error
		if dialled[i], err = dial(s.address); err != nil {
			b.Fatal(err)
		}
		defer dialled[i].close()
	}
	latencies := make([]histogram, connections)
	var sent atomic.Int64
	var wait sync.WaitGroup
	b.ReportAllocs()
	b.ResetTimer()
	for i, c := range dialled {
		own := share(calls, i, connections)
		wait.Go(func() {
			for n := 0; sent.Add(1) <= int64(b.N); n++ {
				took, err := c.timed(own[n%len(own)])
				if err != nil {
					b.Error(err)
					return
				}
				latencies[i].record(took)
			}
		})
	}
	wait.Wait()
	b.StopTimer()
	for i := 1; i < connections; i++ {
		latencies[0].add(&latencies[i])
	}
	b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "calls/s")
	b.ReportMetric(float64(latencies[0].quantile(0.99))/1e6, "p99-ms")
}
