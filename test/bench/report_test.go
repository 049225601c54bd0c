package main

import (
	"errors"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

func sample() *report {
	rounds := func(rates ...float64) (list []round) {
		for _, rate := range rates {
			list = append(list, round{rate: rate, p50: time.Millisecond, p99: time.Duration(rate) * time.Microsecond, processor: 40 * time.Microsecond})
		}
		return list
	}
	return &report{
		options: options{seconds: 0.5, rounds: 3, connections: []int{1, 16}},
		machine: machine{cores: 2, cpu: "A CPU", kernel: "Linux 6", load: "0.10", fsyncP50: 300 * time.Microsecond, fsyncP99: time.Millisecond, goVersion: "go1.26", commit: "abc"},
		date:    time.Date(2027, 1, 31, 12, 0, 0, 0, time.UTC),
		sides:   [2]*side{{name: "Keeper", idle: 20 << 20}, {name: "Vault", idle: 80 << 20}},
		peak:    [2]int64{30 << 20, 200 << 20},
		figures: []figure{{operation: "read", connections: 16, rounds: [2][]round{rounds(3000, 1000, 2000), rounds(1000, 900, 4000)}}},
	}
}

func TestReport(t *testing.T) {
	t.Run("Lines", func(t *testing.T) {
		got := sample().render()
		for _, want := range []string{
			"| read | 16 | 2000 | 1.00 | 2.00 | 1000 | 1.00 | 1.00 | 2.00 | 2.00 |\n",
			"| read | 16 | 3000 · 1000 · 2000 | 40 | 1000 · 900 · 4000 | 40 |\n",
			"| Keeper | 20 MB | 30 MB |\n", "| Vault | 80 MB | 200 MB |\n",
			"| machine | 2 cores, A CPU, Linux 6 |\n", "| load before the start | 0.10 |\n", "| fsync of 4 KiB | median 0.30 ms, p99 1.00 ms |\n", "| date | 2027-01-31 |\n",
			"| command | `go run ./test/bench -seconds 0.5 -rounds 3 -connections 1,16` |\n",
		} {
			if !strings.Contains(got, want) {
				t.Errorf("lacks %q:\n%s", want, got)
			}
		}
	})
	t.Run("Failures", func(t *testing.T) {
		r := sample()
		if err := r.failed(); err != nil {
			t.Errorf("got %v, want nil", err)
		}
		cause := errors.New("status 503")
		r.figures[0].rounds[1][2].errors, r.figures[0].rounds[1][2].first = 7, cause
		if err := r.failed(); !errors.Is(err, cause) {
			t.Errorf("got %v, want the cause", err)
		}
		if got, want := r.render(), "| 1000 (7 failed) |"; !strings.Contains(got, want) {
			t.Errorf("lacks %q:\n%s", want, got)
		}
	})
	t.Run("File", func(t *testing.T) {
		path := filepath.Join(t.TempDir(), "out.md")
		if err := sample().save(path); err != nil {
			t.Fatal(err)
		}
		if got, err := os.ReadFile(path); err != nil || string(got) != sample().render() {
			t.Errorf("got %d bytes, %v", len(got), err)
		}
	})
}

func TestParse(t *testing.T) {
	o, err := parse([]string{"-seconds", "0.5", "-rounds", "1", "-connections", "2, 8", "-out", "f"}, io.Discard)
	if err != nil || o.seconds != 0.5 || o.rounds != 1 || o.out != "f" || len(o.connections) != 2 || o.connections[1] != 8 {
		t.Errorf("got %+v, %v", o, err)
	}
	for _, args := range []string{"-connections=0", "-connections=a", "-connections=", "-rounds=0", "-seconds=0", "-seconds=-1", "-only=nothing", "-x"} {
		if _, err := parse([]string{args}, io.Discard); err == nil {
			t.Errorf("%s: no error", args)
		}
	}
}

func TestMachine(t *testing.T) {
	m, err := describe(t.TempDir())
	if err != nil || m.cores < 1 || m.fsyncP50 <= 0 || m.fsyncP99 < m.fsyncP50 || m.cpu == "" || m.load == "" {
		t.Errorf("got %+v, %v", m, err)
	}
	if now, peak := memory(os.Getpid()); now <= 0 || peak < now {
		t.Errorf("got %d and %d bytes", now, peak)
	}
	before := processorTime(os.Getpid())
	for start := time.Now(); time.Since(start) < 100*time.Millisecond; {
	}
	if spent := processorTime(os.Getpid()) - before; spent < 20*time.Millisecond || spent > 10*time.Second {
		t.Errorf("got %v of processor time for 100 ms of work", spent)
	}
}
