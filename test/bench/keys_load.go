package main

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"sync"
	"time"

	"github.com/your-org/keeper/api"
)

// A steady load: so many calls a second in all, whatever the answers take, over so many
// connections; one call in eight writes.
const (
	steadyRate        = 400
	steadyConnections = 16
	steadySecrets     = 64
	steadyWrites      = 8
)

// steady sends calls at set times. A latency counts from when the call should have been sent,
// so that waiting behind a slow one is not left out.
type steady struct {
	address string
	calls   [steadyConnections][]*call
	errors  [steadyConnections]error
}

// steadyCalls prepares the load on some of an environment's secrets.
func (b *keyBench) steadyCalls(ctx context.Context, e api.Environment) (*steady, error) {
	list, err := b.client.ListSecrets(ctx, api.ListSecretsParams{EnvironmentID: []string{e.Name}, Limit: new(steadySecrets)})
	if err != nil {
		return nil, err
	}
	if len(list.Items) < steadySecrets {
		return nil, errors.New("there are too few secrets for the load")
	}
	s := &side{
		address: strings.TrimPrefix(b.keeper.URL, "http://"), header: "Authorization: Bearer " + b.token, method: http.MethodPatch,
		before: `{"value":"`, after: `"}`, path: func(i int) string { return fmt.Sprintf("/api/secrets/%d", list.Items[i].ID) },
	}
	load := &steady{address: s.address}
	for i := range steadySecrets {
		one := s.set(i, firstValue(i))
		if i%steadyWrites != 0 {
			one = newCall(s, http.MethodGet, s.path(i), "", "", `"value":"`)
		}
		load.calls[i%steadyConnections] = append(load.calls[i%steadyConnections], one)
	}
	return load, nil
}

// stretches are the latencies of one stretch of time after the other.
type stretches []*histogram

// sliceLength is long enough for a p99 and short enough that what else the machine does for a
// moment spoils few.
const sliceLength = 5 * time.Second

// p99 is the median of the slices' own, and calls how many all of them hold.
func (s stretches) p99() time.Duration {
	var whole []round
	for _, one := range s {
		if len(s) == 1 || one.n > s[0].n/2 { // the last may be a short one
			whole = append(whole, round{p99: one.quantile(0.99)})
		}
	}
	return middle(whole, func(r round) time.Duration { return r.p99 })
}

func (s stretches) calls() (n uint64) {
	for _, one := range s {
		n += one.n
	}
	return n
}

// during sends the load for a time.
func (s *steady) during(ctx context.Context, length time.Duration) stretches {
	ctx, cancel := context.WithTimeout(ctx, length)
	defer cancel()
	return s.until(ctx)
}

// until sends the load until the context ends.
func (s *steady) until(ctx context.Context) (all stretches) {
	for len(all) == 0 || ctx.Err() == nil {
		all = append(all, s.slice(ctx))
	}
	return all
}

func (s *steady) slice(ctx context.Context) *histogram {
	ctx, cancel := context.WithTimeout(ctx, sliceLength)
	defer cancel()
	var latencies [steadyConnections]histogram
	var wait sync.WaitGroup
	for i := range steadyConnections {
		wait.Go(func() { s.errors[i] = errors.Join(s.errors[i], s.connection(ctx, i, &latencies[i])) })
	}
	wait.Wait()
	for i := 1; i < steadyConnections; i++ {
		latencies[0].add(&latencies[i])
	}
	return &latencies[0]
}

// connection sends one connection's share, evenly spread over time.
func (s *steady) connection(ctx context.Context, i int, latencies *histogram) error {
	c, err := dial(s.address)
	if err != nil {
		return err
	}
	defer c.close()
	const every = time.Second * steadyConnections / steadyRate
	due := time.Now().Add(every * time.Duration(i) / steadyConnections)
	for n := 0; ; n++ {
		select {
		case <-ctx.Done():
			return nil
		case <-time.After(time.Until(due)):
		}
		if err := c.do(s.calls[i][n%len(s.calls[i])]); err != nil {
			return err
		}
		latencies.record(time.Since(due))
		due = due.Add(every)
	}
}

func (s *steady) failed() error { return errors.Join(s.errors[:]...) }
