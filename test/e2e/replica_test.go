package e2e

import (
	"context"
	"io"
	"net/http"
	"net/http/cookiejar"
	"net/url"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/your-org/keeper/store"
	"github.com/your-org/keeper/test/scenario"
)

// within is how soon what was revoked on one replica must have stopped on all.
const within = 2 * time.Second

// TestRevocationOnReplicas runs two servers on one database, uses a token and a session on
// both, ends them on the first, and waits for the second to refuse them.
func TestRevocationOnReplicas(t *testing.T) {
	for _, dialect := range []string{store.MySQL, store.Postgres} {
		t.Run(dialect, func(t *testing.T) {
			first := newKeeper(t, dialect)
			first.Env = append(first.Env, "SECRET_KEY="+strings.Repeat("s", 32))
			second := &scenario.Keeper{Binary: first.Binary, Dir: first.Dir, Env: first.Env, Port: freePort(t), Log: new(said)}
			for _, k := range []*scenario.Keeper{first, second} {
				if err := k.Start(t.Context()); err != nil {
					t.Fatalf("%v\nKeeper said:\n%s", err, k.Log)
				}
				t.Cleanup(k.Stop)
			}
			t.Run("Token", func(t *testing.T) { revokedToken(t, first, second) })
			t.Run("Session", func(t *testing.T) { endedSession(t, first, second) })
		})
	}
}

func revokedToken(t *testing.T, first, second *scenario.Keeper) {
	text, err := first.NewToken(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	ask := func(k *scenario.Keeper) int {
		t.Helper()
		return status(t, http.DefaultClient, http.MethodGet, k.URL+"/api/environments", "", "Authorization", "Bearer "+text)
	}
	for range 3 { // so that both have it in memory
		if a, b := ask(first), ask(second); a != http.StatusOK || b != http.StatusOK {
			t.Fatalf("the token is answered %d and %d", a, b)
		}
	}
	if got := status(t, http.DefaultClient, http.MethodPost, first.URL+"/api/tokens/revoke", `{"token":"`+text+`"}`, "Content-Type", "application/json"); got >= 300 {
		t.Fatalf("revoking is answered %d", got)
	}
	stops(t, func() bool { return ask(second) == http.StatusUnauthorized && ask(first) == http.StatusUnauthorized })
}

func endedSession(t *testing.T, first, second *scenario.Keeper) {
	jar, _ := cookiejar.New(nil)
	browser := &http.Client{Jar: jar, CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
	form := func(path string) string {
		t.Helper()
		answer, err := browser.Get(first.URL + path)
		if err != nil {
			t.Fatal(err)
		}
		defer answer.Body.Close()
		body, err := io.ReadAll(answer.Body)
		if err != nil {
			t.Fatal(err)
		}
		found := regexp.MustCompile(`name="csrf_token" value="([^"]+)"`).FindSubmatch(body)
		if found == nil {
			t.Fatalf("%s (%d) has no form", path, answer.StatusCode)
		}
		return string(found[1])
	}
	send := func(path string, values url.Values) {
		t.Helper()
		values.Set("csrf_token", form("/sign-in"))
		if got := status(t, browser, http.MethodPost, first.URL+path, values.Encode(), "Content-Type", "application/x-www-form-urlencoded"); got != http.StatusSeeOther {
			t.Fatalf("%s is answered %d", path, got)
		}
	}
	send("/sign-in", url.Values{"username": {"admin"}, "password": {"a-password-for-tests"}})
	// Cookies know no ports: the browser's session holds on both.
	who := func(k *scenario.Keeper) int { return status(t, browser, http.MethodGet, k.URL+"/profile", "") }
	for range 3 {
		if a, b := who(first), who(second); a != http.StatusOK || b != http.StatusOK {
			t.Fatalf("the session is answered %d and %d", a, b)
		}
	}
	// The session is ended with its cookie kept, as whoever stole it has it still.
	at, err := url.Parse(first.URL)
	if err != nil {
		t.Fatal(err)
	}
	stolen := jar.Cookies(at)
	token := form("/profile")
	ended := stream(t, browser, second.URL+"/events?topics=sync")
	if got := status(t, browser, http.MethodPost, first.URL+"/sign-out", url.Values{"csrf_token": {token}}.Encode(), "Content-Type", "application/x-www-form-urlencoded"); got != http.StatusSeeOther {
		t.Fatalf("signing out is answered %d", got)
	}
	jar.SetCookies(at, stolen)
	select { // an answer that was under way ends, too
	case <-ended:
	case <-time.After(within):
		t.Errorf("the page on the other server is still told of changes after %s", within)
	}
	stops(t, func() bool { return who(second) == http.StatusSeeOther && who(first) == http.StatusSeeOther })
}

// stream opens live events, and closes the channel when the server ends them.
func stream(t *testing.T, browser *http.Client, target string) <-chan struct{} {
	t.Helper()
	r, err := http.NewRequestWithContext(t.Context(), http.MethodGet, target, http.NoBody)
	if err != nil {
		t.Fatal(err)
	}
	answer, err := browser.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	first := make([]byte, 1)
	if _, err := answer.Body.Read(first); err != nil || answer.StatusCode != http.StatusOK {
		t.Fatalf("live events are answered %d: %v", answer.StatusCode, err)
	}
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		defer answer.Body.Close()
		_, _ = io.Copy(io.Discard, answer.Body)
	}()
	return ended
}

// stops waits until what was ended is refused, which must be soon, and stays so.
func stops(t *testing.T, refused func() bool) {
	t.Helper()
	begin := time.Now()
	for !refused() {
		if time.Since(begin) > within {
			t.Fatalf("it still works after %s", time.Since(begin))
		}
		time.Sleep(20 * time.Millisecond)
	}
	t.Logf("refused by both after %s", time.Since(begin).Round(time.Millisecond))
	for range 20 {
		if !refused() {
			t.Fatal("it works again")
		}
		time.Sleep(50 * time.Millisecond)
	}
}

func status(t *testing.T, browser *http.Client, method, target, body string, headers ...string) int {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
	defer cancel()
	r, err := http.NewRequestWithContext(ctx, method, target, strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	for i := 0; i+1 < len(headers); i += 2 {
		r.Header.Set(headers[i], headers[i+1])
	}
	answer, err := browser.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	defer answer.Body.Close()
	_, _ = io.Copy(io.Discard, answer.Body)
	return answer.StatusCode
}
