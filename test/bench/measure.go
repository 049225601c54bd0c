package main

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"
)

// valueSize is the length of a value in bytes.
const valueSize = 200

// firstValue is what a secret holds at first; it ends in what tells it from the others.
func firstValue(secret int) string {
	tail := fmt.Sprintf("-%08d", secret)
	return strings.Repeat("0", valueSize-len(tail)) + tail
}

// figure is one line of the report: an operation at a number of connections.
type figure struct {
	operation   string
	connections int
	rounds      [2][]round // of Keeper, of Vault
}

// round is what one round of a side came to.
type round struct {
	rate      float64 // calls per second
	p50, p99  time.Duration
	processor time.Duration // of the server, per call
	errors    int
	first     error
}

// workload is an operation, ready to be sent to both sides.
type workload struct {
	operation   string
	connections int
	calls       [2][]*call
	// verify reads back what was written; nil where the operation does not tell who wrote last.
	verify func(side int) error
}

// measure runs every figure's rounds, the sides taking turns.
func measure(ctx context.Context, o options, sides ...*side) ([]figure, error) {
	spread := max(64, slices.Max(o.connections))
	for _, s := range sides {
		for secret := range 2*spread + 1 {
			if err := s.create(ctx, secret, firstValue(secret)); err != nil {
				return nil, fmt.Errorf("%s: writing the first values: %w", s.name, err)
			}
		}
		time.Sleep(time.Second) // what starting left to do is done
		s.idle, _ = memory(s.pid)
	}
	var figures []figure
	for _, w := range workloads(o, spread, sides) {
		f := figure{operation: w.operation, connections: w.connections}
		for n := -1; n < o.rounds; n++ {
			for i, s := range sides {
				if err := ctx.Err(); err != nil {
					return nil, err
				}
				if n < 0 { // warm-up
					load(s.address, w.calls[i], w.connections, warmUp(o))
					continue
				}
				one := measureRound(s, w.calls[i], w.connections, time.Duration(o.seconds*float64(time.Second)))
				say("%s, %d connections, %s: %.0f/s, p99 %v, %d errors", w.operation, w.connections, s.name, one.rate, one.p99.Round(10*time.Microsecond), one.errors)
				f.rounds[i] = append(f.rounds[i], one)
				if w.verify == nil || one.errors > 0 {
					continue
				}
				if err := w.verify(i); err != nil {
					return nil, fmt.Errorf("%s: what was written is not what is read: %w", s.name, err)
				}
			}
		}
		figures = append(figures, f)
	}
	return figures, nil
}

func warmUp(o options) time.Duration { return time.Duration(o.seconds * float64(time.Second) / 5) }

func measureRound(s *side, calls []*call, connections int, length time.Duration) round {
	before := processorTime(s.pid)
	r := load(s.address, calls, connections, length)
	spent := processorTime(s.pid) - before
	one := round{
		rate: r.rate(), p50: r.latencies.quantile(0.5), p99: r.latencies.quantile(0.99), errors: r.errors, first: r.first,
	}
	if r.latencies.n > 0 {
		one.processor = spent / time.Duration(r.latencies.n)
	}
	return one
}

// workloads are the operations: reads of secrets 0 … spread-1, writes of the next spread
// secrets, each by one connection alone, and at the highest number of connections writes of
// the last one by all.
func workloads(o options, spread int, sides []*side) []workload {
	read, write, one := workload{operation: "read"}, workload{operation: "write"}, workload{operation: "write, all the same secret"}
	for i, s := range sides {
		for secret := range spread {
			read.calls[i] = append(read.calls[i], s.get(secret, firstValue(secret)))
			write.calls[i] = append(write.calls[i], s.set(spread+secret, firstValue(spread+secret)))
		}
		one.calls[i] = []*call{s.set(2*spread, firstValue(2*spread))}
	}
	write.verify = func(i int) error { return verify(sides[i], spread, write.calls[i]) }
	var list []workload
	for _, w := range []workload{read, write} {
		for _, n := range o.connections {
			w.connections = n
			list = append(list, w)
		}
	}
	one.connections = slices.Max(o.connections)
	return append(list, one)
}

// verify reads each secret that was written, from first on, and wants the value that was
// acknowledged last.
func verify(s *side, first int, written []*call) error {
	c, err := dial(s.address)
	if err != nil {
		return err
	}
	defer c.close()
	for i, w := range written {
		if err := c.do(s.get(first+i, string(w.value))); err != nil {
			return err
		}
	}
	return nil
}
