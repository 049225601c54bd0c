package cli

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/your-org/keeper/api"
	"github.com/your-org/keeper/client"
)

func TestProgressLine(t *testing.T) {
	for want, run := range map[string]api.KeyRun{
		"p: re-wrap, waiting to begin": {Kind: api.KeyRewrap, Status: api.KeyRunQueued, Total: 7},
		"p: re-encryption, at work":    {Kind: api.KeyReencrypt, Status: api.KeyRunRunning},
		"p: re-wrap, 1200 of 4000 data keys (30 %), 96/s, 29s left": {
			Kind: api.KeyRewrap, Status: api.KeyRunRunning, Total: 4000, Done: 1200, Rate: 96.4, RemainingSeconds: 29,
		},
		"p: scrub, 3 of 4 values (75 %), 1 failed": {Kind: api.KeyScrub, Status: api.KeyRunRunning, Total: 4, Done: 3, Failed: 1},
	} {
		if got := progressLine("p", run); got != want {
			t.Errorf("got %q, want %q", got, want)
		}
	}
}

func TestMeter(t *testing.T) {
	at := time.Date(2026, 11, 22, 0, 0, 0, 0, time.UTC)
	t.Run("Elsewhere", func(t *testing.T) {
		var b bytes.Buffer
		m := &meter{w: &b}
		for n, text := range []string{"a", "b", "c", "d\x1b]0;x\x07"} {
			m.show(text, at.Add(time.Duration(n)*2*time.Second))
		}
		m.clear()
		if got, want := b.String(), "a\nd\uFFFD]0;x\uFFFD\n"; got != want {
			t.Errorf("got %q, want %q", got, want)
		}
	})
	t.Run("Terminal", func(t *testing.T) {
		var b bytes.Buffer
		m := &meter{w: &b, width: 5}
		m.show("äöüäöü", at)
		m.show("b", at)
		m.clear()
		if got, want := b.String(), "\r\x1b[Käöüä\r\x1b[Kb\r\x1b[K"; got != want {
			t.Errorf("got %q, want %q", got, want)
		}
	})
}

// following is a server that answers one read of a run after the other, the last again and
// again, and a command that follows it.
func following(t *testing.T, answers ...func(http.ResponseWriter)) (*env, *client.Client, *bytes.Buffer) {
	t.Helper()
	var n atomic.Int64
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		answers[min(int(n.Add(1)), len(answers))-1](w)
	}))
	t.Cleanup(server.Close)
	c, err := client.New(server.URL, "kpr_x", client.WithTries(1))
	if err != nil {
		t.Fatal(err)
	}
	var talk bytes.Buffer
	return &env{std: Stdio{Err: &talk}}, c, &talk
}

func answerRun(status api.KeyRunStatus) func(http.ResponseWriter) {
	return func(w http.ResponseWriter) {
		_ = json.NewEncoder(w).Encode(api.KeyRun{ID: "krn_1", Kind: api.KeyRewrap, EnvironmentID: 7, Status: status, Total: 2, Done: 1})
	}
}

func answerStatus(status int) func(http.ResponseWriter) {
	return func(w http.ResponseWriter) { w.WriteHeader(status) }
}

func TestFollow(t *testing.T) {
	queued := func() []api.KeyRun {
		return []api.KeyRun{{ID: "krn_1", Kind: api.KeyRewrap, EnvironmentID: 7, Status: api.KeyRunQueued}}
	}
	names := map[int64]string{7: "production"}
	t.Run("ToTheEnd", func(t *testing.T) {
		e, c, talk := following(t, answerRun(api.KeyRunRunning), answerStatus(http.StatusBadGateway), answerRun(api.KeyRunPartial))
		runs := queued()
		if err := e.follow(t.Context(), c, names, runs); err != nil || runs[0].Status != api.KeyRunPartial {
			t.Errorf("got %v, %+v; want the end, over a server that was away", err, runs[0])
		}
		if diff := cmp.Diff("production: re-wrap, waiting to begin\n", talk.String()); diff != "" {
			t.Errorf("-want +got\n%s", diff)
		}
	})
	t.Run("Interrupted", func(t *testing.T) {
		e, c, talk := following(t, answerRun(api.KeyRunRunning))
		ctx, cancel := context.WithTimeout(t.Context(), 2*pollEvery)
		defer cancel()
		if err := e.follow(ctx, c, names, queued()); !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("got %v", err)
		}
		if !strings.Contains(talk.String(), "goes on without this command. Look again with: keeper kms run krn_1 --follow") {
			t.Errorf("got %q", talk)
		}
	})
	t.Run("Gone", func(t *testing.T) {
		e, c, _ := following(t, answerStatus(http.StatusNotFound))
		var problem *api.Problem
		if err := e.follow(t.Context(), c, names, queued()); !errors.As(err, &problem) || problem.Status != http.StatusNotFound {
			t.Errorf("got %v, want what the server said", err)
		}
	})
}
