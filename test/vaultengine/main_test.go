package main

import (
	"bufio"
	"context"
	"encoding/json"
	"io"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

func TestRun(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	out, stdout := io.Pipe()
	ended := make(chan error, 1)
	go func() {
		ended <- run(ctx, []string{"-addr", "127.0.0.1:0", "-token", "t", "-mount", "a", "-mount", "b"}, nil, stdout, io.Discard)
	}()
	line, err := bufio.NewReader(out).ReadBytes('\n')
	if err != nil {
		t.Fatal(err)
	}
	var ready Ready
	if err := json.Unmarshal(line, &ready); err != nil {
		t.Fatal(err)
	}
	want := Ready{Addr: ready.Addr, Token: "t", Mount: "a", Mounts: []string{"a", "b"}}
	if diff := cmp.Diff(want, ready); diff != "" {
		t.Error(diff)
	}
	s := &site{T: t, url: ready.Addr}
	s.want(200, s.call("POST", "/v1/b/data/x", `{"data":{}}`, "X-Vault-Token", "t"))

	// A held call does not hold up the end.
	s.want(200, s.call("POST", faultsPath, `{"kind":"timeout_before"}`))
	held := make(chan struct{})
	go func() {
		defer close(held)
		resp, err := http.Get(ready.Addr + "/v1/sys/health")
		if err == nil {
			resp.Body.Close()
			t.Error("the held call was answered")
		}
	}()
	for s.calls().Total < 2 {
		time.Sleep(time.Millisecond)
	}
	cancel()
	select {
	case err := <-ended:
		if err != nil {
			t.Error(err)
		}
	case <-time.After(4 * time.Second):
		t.Error("did not end")
	}
	<-held
}

func TestRunEndsWithStdin(t *testing.T) {
	stdin, holder := io.Pipe()
	ended := make(chan error, 1)
	go func() {
		ended <- run(t.Context(), []string{"-addr", "127.0.0.1:0", "-end-with-stdin"}, stdin, io.Discard, io.Discard)
	}()
	select {
	case err := <-ended:
		t.Fatalf("ended before stdin: %v", err)
	case <-time.After(50 * time.Millisecond):
	}
	holder.Close()
	if err := <-ended; err != nil {
		t.Error(err)
	}
}

func TestRunRefuses(t *testing.T) {
	for name, args := range map[string][]string{
		"UnknownFlag": {"-nothing"},
		"BadAddress":  {"-addr", "127.0.0.1:notaport"},
		"MountTwice":  {"-mount", "a", "-mount", "a"},
	} {
		t.Run(name, func(t *testing.T) {
			var stdout strings.Builder
			if err := run(t.Context(), args, nil, &stdout, io.Discard); err == nil {
				t.Error("no error")
			}
			if stdout.Len() > 0 {
				t.Errorf("said that it was ready: %s", &stdout)
			}
		})
	}
}
