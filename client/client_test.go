package client

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/your-org/keeper/api"
)

const token = "kpr_canary-token"

// serve starts a server and a client of it that notes its waits instead of waiting.
func serve(t *testing.T, handler http.HandlerFunc) (*Client, *[]time.Duration) {
	t.Helper()
	server := httptest.NewServer(handler)
	t.Cleanup(server.Close)
	c, err := New(server.URL+"/", token, WithUserAgent("test/1"))
	if err != nil {
		t.Fatal(err)
	}
	var waits []time.Duration
	c.sleep = func(ctx context.Context, d time.Duration) error {
		waits = append(waits, d)
		return ctx.Err()
	}
	return c, &waits
}

func TestNew(t *testing.T) {
	for _, bad := range []string{"", "keeper.example.com", "ftp://a", "https://u:p@a", "https://a?x=1", "https://a#f", "https://%zz"} {
		if _, err := New(bad, token); err == nil {
			t.Errorf("the address %q was accepted", bad)
		}
	}
	if _, err := New("https://a", ""); err == nil {
		t.Error("no token was accepted")
	}
	c, err := New("https://a", token)
	if err != nil {
		t.Fatal(err)
	}
	if text := fmt.Sprintf("%v %+v %#v", *c, c, c); strings.Contains(text, token) {
		t.Errorf("the client prints its token: %s", text)
	}
}

func TestRequest(t *testing.T) {
	var got *http.Request
	var body []byte
	c, _ := serve(t, func(w http.ResponseWriter, r *http.Request) {
		got = r
		body, _ = io.ReadAll(r.Body)
		fmt.Fprint(w, `{"id":7,"revision":4}`)
	})
	t.Run("Change", func(t *testing.T) {
		secret, err := c.UpdateSecret(t.Context(), 7, api.SecretChange{Value: api.NewValue("<v>")}, 3)
		if err != nil || secret.Revision != 4 {
			t.Fatalf("got %+v, %v", secret, err)
		}
		want := []string{"PATCH", "/api/secrets/7", `"3"`, "Bearer " + token, "application/json", "test/1", "{\"value\":\"<v>\"}\n"}
		h := got.Header
		if diff := cmp.Diff(want, []string{got.Method, got.RequestURI, h.Get("If-Match"), h.Get("Authorization"), h.Get("Content-Type"), h.Get("User-Agent"), string(body)}); diff != "" {
			t.Errorf("-want +got\n%s", diff)
		}
	})
	t.Run("Query", func(t *testing.T) {
		limit := 20
		_, err := c.ListSecrets(t.Context(), api.ListSecretsParams{
			EnvironmentID: []string{"a", "2"}, Search: "x y&z", Deleted: true, Limit: &limit, SyncStatus: api.StatusDrifted,
			ExpiringBefore: time.Date(2027, 1, 2, 3, 4, 5, 0, time.FixedZone("", 3600)),
		})
		if err != nil {
			t.Fatal(err)
		}
		want := "deleted=true&environment_id=a&environment_id=2&expiring_before=2027-01-02T02%3A04%3A05Z&limit=20&search=x+y%26z&sync_status=drifted"
		if got.URL.RawQuery != want {
			t.Errorf("got %s, want %s", got.URL.RawQuery, want)
		}
	})
	t.Run("OneSegment", func(t *testing.T) {
		if err := c.DeleteDestination(t.Context(), "a/../b?c", 0); err != nil {
			t.Fatal(err)
		}
		if want := "/api/destinations/a%2F..%2Fb%3Fc"; got.RequestURI != want {
			t.Errorf("got %s, want %s", got.RequestURI, want)
		}
	})
	t.Run("NotUTF8", func(t *testing.T) {
		got = nil
		_, err := c.ReplaceSecret(t.Context(), 7, api.ReplaceSecret{Value: api.NewValue("canary\xff")}, 0)
		if err == nil || got != nil || strings.Contains(err.Error(), "canary") {
			t.Errorf("got %v, sent %v; want an error that quotes nothing, and nothing sent", err, got)
		}
	})
}

func TestProblem(t *testing.T) {
	c, _ := serve(t, func(w http.ResponseWriter, r *http.Request) {
		switch r.URL.Path {
		case "/api/me":
			w.Header().Set("Content-Type", "application/problem+json; charset=utf-8")
			w.WriteHeader(http.StatusPreconditionFailed)
			fmt.Fprint(w, `{"type":"/problems/stale","title":"T","status":412,"detail":"It changed.","hint":"Read it again."}`)
		case "/api/tokens":
			w.WriteHeader(http.StatusBadGateway)
			fmt.Fprint(w, "<html>")
		default:
			fmt.Fprint(w, `<html>canary`)
		}
	})
	var problem *api.Problem
	if _, err := c.GetMe(t.Context()); !errors.As(err, &problem) || problem.Kind() != "stale" || problem.Status != 412 ||
		err.Error() != "It changed. Read it again." {
		t.Errorf("got %v", err)
	}
	if _, err := c.ListTokens(t.Context()); !errors.As(err, &problem) || problem.Status != 502 || problem.Kind() != "" {
		t.Errorf("got %v", err)
	}
	if _, err := c.GetRun(t.Context(), "a"); err == nil || strings.Contains(err.Error(), "canary") {
		t.Errorf("got %v; want an error that quotes nothing", err)
	}
}

func TestRetry(t *testing.T) {
	calls, status, after := 0, 503, "2"
	var keys []string
	c, waits := serve(t, func(w http.ResponseWriter, r *http.Request) {
		keys = append(keys, r.Header.Get("Idempotency-Key"))
		if calls++; calls < 3 {
			w.Header().Set("Retry-After", after)
			w.WriteHeader(status)
			return
		}
		fmt.Fprint(w, `{"items":[]}`)
	})
	reset := func(s int, a string) { calls, status, after, keys, *waits = 0, s, a, nil, nil }
	t.Run("AsLongAsItSays", func(t *testing.T) {
		_, err := c.ListEnvironments(t.Context())
		if diff := cmp.Diff([]time.Duration{2 * time.Second, 2 * time.Second}, *waits); err != nil || calls != 3 || diff != "" {
			t.Errorf("got %v after %d calls, %s", err, calls, diff)
		}
	})
	t.Run("Bounded", func(t *testing.T) {
		reset(429, "86400")
		if _, err := c.ListEnvironments(t.Context()); err != nil || (*waits)[0] != maxWait {
			t.Errorf("got %v, waits %v", err, *waits)
		}
		reset(429, "")
		if _, err := c.ListEnvironments(t.Context()); err != nil || (*waits)[0] <= 0 || (*waits)[1] > time.Second {
			t.Errorf("got %v, waits %v", err, *waits)
		}
	})
	t.Run("NotWhatIsNotIdempotent", func(t *testing.T) {
		reset(503, "0")
		if _, err := c.UpdateSecret(t.Context(), 7, api.SecretChange{}, 0); err == nil || calls != 1 || keys[0] != "" {
			t.Errorf("got %v after %d calls with keys %q", err, calls, keys)
		}
	})
	t.Run("PostUnderOneKey", func(t *testing.T) {
		for _, s := range []int{503, 429, 409} {
			reset(s, "0")
			if _, err := c.CreateEnvironment(t.Context(), api.NewEnvironment{Name: "a"}); err != nil || calls != 3 {
				t.Errorf("%d: got %v after %d calls", s, err, calls)
			}
			if keys[0] == "" || keys[1] != keys[0] || keys[2] != keys[0] {
				t.Errorf("%d: got the keys %q, want one", s, keys)
			}
		}
		first := keys[0]
		reset(503, "0")
		if _, err := c.CreateEnvironment(t.Context(), api.NewEnvironment{Name: "b"}); err != nil || keys[0] == first {
			t.Errorf("got %v, and the key of the call before: %t", err, keys[0] == first)
		}
	})
	t.Run("ConflictIsAnAnswer", func(t *testing.T) {
		reset(409, "")
		if _, err := c.CreateEnvironment(t.Context(), api.NewEnvironment{Name: "a"}); err == nil || calls != 1 {
			t.Errorf("got %v after %d calls", err, calls)
		}
	})
	t.Run("NotOtherFailures", func(t *testing.T) {
		reset(500, "0")
		if _, err := c.ListEnvironments(t.Context()); err == nil || calls != 1 {
			t.Errorf("got %v after %d calls", err, calls)
		}
	})
	t.Run("GivesUp", func(t *testing.T) {
		reset(503, "0")
		calls = -100
		var problem *api.Problem
		if _, err := c.ListEnvironments(t.Context()); !errors.As(err, &problem) || problem.Status != 503 || calls != -96 {
			t.Errorf("got %v after %d calls", err, calls+100)
		}
	})
	t.Run("EndsWithItsContext", func(t *testing.T) {
		reset(503, "0")
		ctx, cancel := context.WithCancel(t.Context())
		c.sleep = func(ctx context.Context, _ time.Duration) error {
			cancel()
			return sleep(ctx, time.Hour)
		}
		if _, err := c.ListEnvironments(ctx); !errors.Is(err, context.Canceled) || calls != 1 {
			t.Errorf("got %v after %d calls", err, calls)
		}
	})
}

func TestRedirect(t *testing.T) {
	reached := ""
	other := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) { reached = r.Header.Get("Authorization") + "!" }))
	defer other.Close()
	target := other.URL
	c, _ := serve(t, func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/here" {
			fmt.Fprint(w, `{"items":[]}`)
			return
		}
		http.Redirect(w, r, target, http.StatusTemporaryRedirect)
	})
	if _, err := c.ListEnvironments(t.Context()); err == nil || reached != "" {
		t.Errorf("to another host: got %v, which was sent %q", err, reached)
	}
	target = "/here"
	if _, err := c.ListEnvironments(t.Context()); err != nil {
		t.Errorf("within the server: %v", err)
	}
	if _, err := c.CreateEnvironment(t.Context(), api.NewEnvironment{Name: "a"}); err == nil {
		t.Error("a write followed a redirect")
	}
}

func TestIterate(t *testing.T) {
	pages := map[string][]int{"": {1, 2}, "b": {3}, "c": {}, "d": {4}}
	after := map[string]string{"": "b", "b": "c", "c": "d"}
	fetched := 0
	list := Iterate(func(cursor string) ([]int, string, error) {
		fetched++
		return pages[cursor], after[cursor], nil
	})
	if all, err := Collect(list); err != nil || !cmp.Equal(all, []int{1, 2, 3, 4}) {
		t.Errorf("got %v, %v", all, err)
	}
	fetched = 0
	for range list {
		break
	}
	if fetched != 1 {
		t.Errorf("%d pages were fetched for one item", fetched)
	}
	broken := Iterate(func(cursor string) ([]int, string, error) {
		if cursor == "" {
			return []int{1}, "b", nil
		}
		return nil, "", io.ErrUnexpectedEOF
	})
	if all, err := Collect(broken); !errors.Is(err, io.ErrUnexpectedEOF) || !cmp.Equal(all, []int{1}) {
		t.Errorf("got %v, %v", all, err)
	}
}
