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

// during sends the load for a time.
func (s *steady) during(length time.Duration) *histogram {
	stop := make(chan struct{})
	timer := time.AfterFunc(length, func() { close(stop) })
	defer timer.Stop()
	return s.until(stop)
}

// until sends the load until stop is closed.
func (s *steady) until(stop <-chan struct{}) *histogram {
	var latencies [steadyConnections]histogram
	var wait sync.WaitGroup
	for i := range steadyConnections {
		wait.Go(func() { s.errors[i] = errors.Join(s.errors[i], s.connection(i, &latencies[i], stop)) })
	}
	wait.Wait()
	for i := 1; i < steadyConnections; i++ {
		latencies[0].add(&latencies[i])
	}
	return &latencies[0]
}

// connection sends one connection's share, evenly spread over time.
func (s *steady) connection(i int, latencies *histogram, stop <-chan struct{}) error {
	c, err := dial(s.address)
	if err != nil {
		return err
	}
	defer c.close()
	const every = time.Second * steadyConnections / steadyRate
	due := time.Now().Add(every * time.Duration(i) / steadyConnections)
	for n := 0; ; n++ {
		select {
		case <-stop:
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
