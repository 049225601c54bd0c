package app

import (
	"bufio"
	"context"
	"errors"
	"io"
	"net"
	"net/http"
	"os"
	"reflect"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"
)

// soon are the limits of a server whose patience a test can wait for.
var soon = limits{
	header: 300 * time.Millisecond, read: 600 * time.Millisecond, write: 600 * time.Millisecond, idle: 300 * time.Millisecond,
	headerBytes: 4096, perConnection: 5, streams: 10,
}

// serveSoon starts a server with those limits, and gives its address.
func serveSoon(t *testing.T) string {
	t.Helper()
	mux := http.NewServeMux()
	mux.HandleFunc("/", func(w http.ResponseWriter, r *http.Request) {
		_, _ = io.Copy(io.Discard, r.Body)
		_, _ = io.WriteString(w, "ok")
	})
	mux.HandleFunc("/endless", func(w http.ResponseWriter, _ *http.Request) {
		for block := make([]byte, 1<<20); ; {
			if _, err := w.Write(block); err != nil {
				return
			}
		}
	})
	mux.HandleFunc("/events", func(w http.ResponseWriter, r *http.Request) { // as web's stream does
		c := http.NewResponseController(w)
		_ = c.SetReadDeadline(time.Time{})
		for range 6 {
			_ = c.SetWriteDeadline(time.Now().Add(time.Second))
			if _, err := io.WriteString(w, "data: x\n\n"); err != nil {
				return
			}
			_ = c.Flush()
			select {
			case <-r.Context().Done():
				return
			case <-time.After(250 * time.Millisecond):
			}
		}
	})
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	must(t, err)
	server := newServer(context.Background(), mux, soon)
	served := make(chan error, 1)
	go func() { served <- server.Serve(listener) }()
	t.Cleanup(func() { _ = server.Close(); <-served })
	return listener.Addr().String()
}

// TestSlowloris holds connections open in the ways that cost a server most, and waits for it
// to give each up.
func TestSlowloris(t *testing.T) {
	address := serveSoon(t)
	for name, say := range map[string]struct {
		first, then string // then is said again and again
		read        bool
	}{
		"Nothing":        {"", "", true},
		"HalfALine":      {"GET / HT", "", true},
		"HeaderByHeader": {"GET / HTTP/1.1\r\nHost: localhost\r\n", "X-A: b\r\n", true},
		"ByteByByte":     {"GET / HTTP/1.1\r\nHost: ", "a", true},
		"BodyByByte":     {"POST / HTTP/1.1\r\nHost: localhost\r\nContent-Length: 100000\r\n\r\n", "a", true},
		"EndlessChunks":  {"POST / HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: chunked\r\n\r\n", "1\r\na\r\n", true},
		"IdleAfterwards": {"GET / HTTP/1.1\r\nHost: localhost\r\n\r\n", "", true},
		"NeverReads":     {"GET /endless HTTP/1.1\r\nHost: localhost\r\n\r\n", "", false},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			conn, err := net.Dial("tcp", address)
			must(t, err)
			defer conn.Close()
			ended := make(chan struct{})
			go func() {
				defer close(ended)
				if say.read {
					_, _ = io.Copy(io.Discard, conn)
					return
				}
				time.Sleep(2 * time.Second) // and then all is taken that was sent until the end
				_, _ = io.Copy(io.Discard, conn)
			}()
			_, _ = io.WriteString(conn, say.first)
			for until := time.After(15 * time.Second); ; {
				select {
				case <-ended:
					return
				case <-until:
					t.Fatal("the server holds the connection still")
				case <-time.After(50 * time.Millisecond):
					_, _ = io.WriteString(conn, say.then) // fails where the server has ended it
				}
			}
		})
	}
	t.Run("EventsGoOn", func(t *testing.T) {
		t.Parallel()
		answer, err := http.Get("http://" + address + "/events")
		must(t, err)
		defer answer.Body.Close()
		body, err := io.ReadAll(answer.Body)
		if got := strings.Count(string(body), "data: x"); err != nil || got != 6 {
			t.Errorf("%d of 6 events came: %v", got, err)
		}
	})
}

// TestSmuggling sends requests whose end can be read in two ways, with another one where the
// other reading has the body: that must never reach a handler.
func TestSmuggling(t *testing.T) {
	const hidden = "GET /hidden HTTP/1.1\r\nHost: localhost\r\n\r\n"
	var mu sync.Mutex
	reached := map[string]int{}
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	must(t, err)
	server := newServer(context.Background(), http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		_, _ = io.Copy(io.Discard, r.Body)
		mu.Lock()
		defer mu.Unlock()
		reached[r.URL.Path]++
	}), soon)
	served := make(chan error, 1)
	go func() { served <- server.Serve(listener) }()
	t.Cleanup(func() { _ = server.Close(); <-served })

	head := "POST /open HTTP/1.1\r\nHost: localhost\r\n"
	chunks := "0\r\n\r\n"
	for name, sent := range map[string]string{
		"LengthAndChunks":    head + "Content-Length: " + strconv.Itoa(len(chunks+hidden)) + "\r\nTransfer-Encoding: chunked\r\n\r\n" + chunks + hidden,
		"ChunksAndLength":    head + "Transfer-Encoding: chunked\r\nContent-Length: " + strconv.Itoa(len(chunks+hidden)) + "\r\n\r\n" + chunks + hidden,
		"TwoLengths":         head + "Content-Length: 0\r\nContent-Length: " + strconv.Itoa(len(hidden)) + "\r\n\r\n" + hidden,
		"ListOfLengths":      head + "Content-Length: 0, " + strconv.Itoa(len(hidden)) + "\r\n\r\n" + hidden,
		"SignedLength":       head + "Content-Length: +0\r\n\r\n" + hidden,
		"NoNumber":           head + "Content-Length: 0x0\r\n\r\n" + hidden,
		"BlankBeforeColon":   head + "Content-Length : " + strconv.Itoa(len(hidden)) + "\r\n\r\n" + hidden,
		"OddChunks":          head + "Transfer-Encoding: xchunked\r\n\r\n" + chunks + hidden,
		"ChunkedTwice":       head + "Transfer-Encoding: chunked\r\nTransfer-Encoding: identity\r\n\r\n" + chunks + hidden,
		"VerticalTab":        head + "Transfer-Encoding: \x0bchunked\r\n\r\n" + chunks + hidden,
		"HiddenInAName":      head + "X-A\x00: b\r\n\r\n" + hidden,
		"LongChunkSize":      head + "Transfer-Encoding: chunked\r\n\r\n10000000000000000\r\n" + hidden,
		"SignedChunkSize":    head + "Transfer-Encoding: chunked\r\n\r\n-1\r\n" + hidden,
		"ChunkWithoutItsEnd": head + "Transfer-Encoding: chunked\r\n\r\n1\r\naX" + hidden,
		"TwoHosts":           "POST /open HTTP/1.1\r\nHost: localhost\r\nHost: evil.example\r\n\r\n" + hidden,
		"NoHost":             "POST /open HTTP/1.1\r\n\r\n" + hidden,
		"AbsoluteInAPath":    "GET /hidden HTTP/1.1 HTTP/1.1\r\nHost: localhost\r\n\r\n",
	} {
		t.Run(name, func(t *testing.T) {
			conn, err := net.Dial("tcp", listener.Addr().String())
			must(t, err)
			defer conn.Close()
			_, err = io.WriteString(conn, sent)
			must(t, err)
			must(t, conn.SetReadDeadline(time.Now().Add(10*time.Second)))
			_, err = io.Copy(io.Discard, conn) // until the server has closed
			if errors.Is(err, os.ErrDeadlineExceeded) {
				t.Error("the connection stays open")
			}
			mu.Lock()
			defer mu.Unlock()
			if reached["/hidden"] > 0 {
				t.Error("the hidden request was answered")
			}
			clear(reached)
		})
	}
	t.Run("WouldShow", func(t *testing.T) {
		conn, err := net.Dial("tcp", listener.Addr().String())
		must(t, err)
		defer conn.Close()
		_, err = io.WriteString(conn, head+"Content-Length: 0\r\n\r\n"+hidden)
		must(t, err)
		must(t, conn.SetReadDeadline(time.Now().Add(10*time.Second)))
		_, _ = io.Copy(io.Discard, conn)
		mu.Lock()
		defer mu.Unlock()
		if reached["/open"] != 1 || reached["/hidden"] != 1 {
			t.Errorf("two requests one after the other reach %v", reached)
		}
	})
}

// TestConnectionLimits holds the size of headers and the requests of one connection.
func TestConnectionLimits(t *testing.T) {
	address := serveSoon(t)
	t.Run("Headers", func(t *testing.T) {
		request, err := http.NewRequest(http.MethodGet, "http://"+address, nil)
		must(t, err)
		request.Header.Set("X-Large", strings.Repeat("a", 16<<10))
		answer, err := http.DefaultClient.Do(request)
		must(t, err)
		defer answer.Body.Close()
		if answer.StatusCode != http.StatusRequestHeaderFieldsTooLarge {
			t.Errorf("got %d", answer.StatusCode)
		}
	})
	t.Run("Requests", func(t *testing.T) {
		conn, err := net.Dial("tcp", address)
		must(t, err)
		defer conn.Close()
		answers := bufio.NewReader(conn)
		answered := 0
		for range 10 {
			if _, err := io.WriteString(conn, "GET / HTTP/1.1\r\nHost: localhost\r\n\r\n"); err != nil {
				break
			}
			must(t, conn.SetReadDeadline(time.Now().Add(10*time.Second)))
			answer, err := http.ReadResponse(answers, nil)
			if errors.Is(err, os.ErrDeadlineExceeded) {
				t.Fatal("no answer, and no end")
			}
			if err != nil {
				break
			}
			_, _ = io.Copy(io.Discard, answer.Body)
			answered++
		}
		if answered != int(soon.perConnection) {
			t.Errorf("the connection ended after %d requests", answered)
		}
	})
	t.Run("AllAreSet", func(t *testing.T) {
		v := reflect.ValueOf(serving)
		for i := range v.NumField() {
			if v.Field(i).IsZero() {
				t.Errorf("%s is not bounded", v.Type().Field(i).Name)
			}
		}
	})
}
