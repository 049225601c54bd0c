package main

import (
	"bytes"
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"testing"
	"time"

	"github.com/hashicorp/vault/api"
)

// site is an engine behind a listener, with a client that does not retry.
type site struct {
	*testing.T
	url    string
	client *api.Client
}

func newSite(t *testing.T, options Options) *site {
	t.Helper()
	if options.Token == "" {
		options.Token = "root"
	}
	if options.Mounts == nil {
		options.Mounts = []string{"secret"}
	}
	engine, err := New(t.Context(), options)
	if err != nil {
		t.Fatal(err)
	}
	server := httptest.NewServer(engine.Handler())
	t.Cleanup(func() {
		engine.Release()
		server.Close()
		engine.Close()
	})
	config := api.DefaultConfig()
	config.Address, config.MaxRetries, config.Timeout = server.URL, 0, 5*time.Second
	client, err := api.NewClient(config)
	if err != nil {
		t.Fatal(err)
	}
	client.SetToken("root")
	return &site{T: t, url: server.URL, client: client}
}

// answer is what a call gave, its body decoded.
type answer struct {
	status int
	header http.Header
	body   map[string]any
}

// data walks into the body; a missing step gives nil.
func (a answer) at(path ...string) any {
	var here any = a.body
	for _, step := range path {
		inner, _ := here.(map[string]any)
		here = inner[step]
	}
	return here
}

// call sends one request with the token root and a JSON body, unless body is empty.
func (s *site) call(method, path, body string, header ...string) answer {
	s.Helper()
	got, err := s.try(method, path, body, header...)
	if err != nil {
		s.Fatalf("%s %s: %v", method, path, err)
	}
	return got
}

func (s *site) try(method, path, body string, header ...string) (answer, error) {
	req, err := http.NewRequestWithContext(s.Context(), method, s.url+path, bytes.NewReader([]byte(body)))
	if err != nil {
		return answer{}, err
	}
	req.Header.Set("X-Vault-Token", "root")
	for i := 0; i+1 < len(header); i += 2 {
		req.Header.Set(header[i], header[i+1])
	}
	// A connection of its own: Go's transport repeats a call by itself when a kept connection is reset.
	client := &http.Client{Transport: &http.Transport{DisableKeepAlives: true}, Timeout: 5 * time.Second}
	resp, err := client.Do(req)
	if err != nil {
		return answer{}, err
	}
	defer resp.Body.Close()
	raw, err := io.ReadAll(resp.Body)
	if err != nil {
		return answer{}, err
	}
	got := answer{status: resp.StatusCode, header: resp.Header}
	if len(raw) > 0 {
		if err := json.Unmarshal(raw, &got.body); err != nil {
			// The engine's own lists are no objects; tests read them by another way.
			got.body = nil
		}
	}
	return got, nil
}

// want fails the test unless the status is the one wanted.
func (s *site) want(status int, got answer) answer {
	s.Helper()
	if got.status != status {
		s.Fatalf("got status %d, want %d: %v", got.status, status, got.body)
	}
	return got
}
