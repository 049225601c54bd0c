package main

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"net"
	"net/http"
	"sync"
	"time"
)

// call is one HTTP request, rendered once, and what its answer must be.
type call struct {
	request []byte
	// value is the part of the request that holds a value; it is made new before each
	// sending. Nil for a read.
	value []byte
	// want must be in the answer's body.
	want []byte
}

const callTimeout = 30 * time.Second

// newCall renders a request. The value, where there is one, is the last of its kind in the
// body.
func newCall(s *side, method, path, body, value, want string) *call {
	text := fmt.Sprintf("%s %s HTTP/1.1\r\nHost: %s\r\n%s\r\n", method, path, s.address, s.header)
	if body != "" {
		text += fmt.Sprintf("Content-Type: application/json\r\nContent-Length: %d\r\n", len(body))
	}
	c := &call{request: []byte(text + "\r\n" + body), want: []byte(want)}
	if value != "" {
		c.value = within(c.request, []byte(value))
	}
	return c
}

// within is the part of the request that is the value.
func within(request, value []byte) []byte {
	at := bytes.LastIndex(request, value)
	return request[at : at+len(value)]
}

// renew counts the value's first digits up, so that it differs from the one before.
func (c *call) renew() {
	for i := range c.value {
		if c.value[i]++; c.value[i] <= '9' {
			return
		}
		c.value[i] = '0'
	}
}

// result is what one round came to.
type result struct {
	latencies histogram
	took      time.Duration
	errors    int
	first     error // the first of them
}

func (r *result) rate() float64 { return float64(r.latencies.n) / r.took.Seconds() }

// load sends calls over a number of connections for a time, each connection one call after
// the other. Every call belongs to one connection, which takes its own in turn; where there
// are fewer calls than connections, several connections send the same one.
func load(address string, calls []*call, connections int, length time.Duration) *result {
	results := make([]result, connections)
	start := time.Now()
	var wait sync.WaitGroup
	for i := range connections {
		wait.Go(func() { results[i].run(address, share(calls, i, connections), start.Add(length)) })
	}
	wait.Wait()
	total := &result{took: time.Since(start)}
	for i := range results {
		total.latencies.add(&results[i].latencies)
		total.errors += results[i].errors
		if total.first == nil {
			total.first = results[i].first
		}
	}
	return total
}

// share is the calls of connection i of n. A call that connections share is copied, since
// each of them renews its own.
func share(calls []*call, i, n int) []*call {
	if len(calls) < n {
		one := *calls[i%len(calls)]
		one.request = bytes.Clone(one.request)
		if one.value != nil {
			one.value = within(one.request, one.value)
			copy(one.value[len(one.value)-8:], fmt.Sprintf("%08d", i)) // no two write the same
		}
		return []*call{&one}
	}
	var own []*call
	for ; i < len(calls); i += n {
		own = append(own, calls[i])
	}
	return own
}

// run sends the calls until the end. After a failure it goes on with a new connection.
func (r *result) run(address string, calls []*call, end time.Time) {
	var c *connection
	defer func() { c.close() }()
	for i := 0; ; i++ {
		if !time.Now().Before(end) {
			return
		}
		var err error
		if c == nil {
			c, err = dial(address)
		}
		var took time.Duration
		if err == nil {
			took, err = c.timed(calls[i%len(calls)])
		}
		if err == nil {
			r.latencies.record(took)
			continue
		}
		c.close()
		c = nil
		r.errors++
		if r.first == nil {
			r.first = err
		}
	}
}

// connection is a client's side of a kept-alive HTTP/1.1 connection. It is as lean as it can
// be, since it shares the processor with what is measured.
type connection struct {
	net.Conn
	reader *bufio.Reader
	body   bytes.Buffer
}

func dial(address string) (*connection, error) {
	conn, err := net.DialTimeout("tcp", address, callTimeout)
	if err != nil {
		return nil, err
	}
	return &connection{Conn: conn, reader: bufio.NewReader(conn)}, nil
}

func (c *connection) close() {
	if c != nil {
		_ = c.Conn.Close() // nothing is under way
	}
}

// timed is do, and how long it took.
func (c *connection) timed(one *call) (time.Duration, error) {
	start := time.Now()
	err := c.do(one)
	return time.Since(start), err
}

// do sends one call, with a new value where it has one, and checks its answer.
func (c *connection) do(one *call) error {
	one.renew()
	if err := c.SetDeadline(time.Now().Add(callTimeout)); err != nil {
		return err
	}
	if _, err := c.Write(one.request); err != nil {
		return err
	}
	answer, err := http.ReadResponse(c.reader, nil)
	if err != nil {
		return err
	}
	c.body.Reset()
	_, err = c.body.ReadFrom(answer.Body)
	if err := errors.Join(err, answer.Body.Close()); err != nil {
		return err
	}
	switch {
	case answer.StatusCode != http.StatusOK:
		return fmt.Errorf("status %d: %.300s", answer.StatusCode, c.body.Bytes())
	case !bytes.Contains(c.body.Bytes(), one.want):
		return errors.New("the answer lacks what it must hold")
	}
	return nil
}
