package rest

import (
	"bytes"
	"context"
	"crypto/rand"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/getkin/kin-openapi/openapi3"

	"github.com/your-org/keeper/api"
	"github.com/your-org/keeper/auth"
	"github.com/your-org/keeper/client"
	"github.com/your-org/keeper/idempotency"
	"github.com/your-org/keeper/kms"
	"github.com/your-org/keeper/models"
	"github.com/your-org/keeper/store"
	"github.com/your-org/keeper/store/storetest"
)

// keyed sends a POST with a key.
func (h *house) keyed(token, key, path, body string, headers ...string) (*http.Response, api.Problem, string) {
	h.t.Helper()
	return h.raw(token, http.MethodPost, path, body, append(headers, idempotencyHeader, key)...)
}

// entries are what is on record of an action.
func (h *house) entries(action string) (entries []models.AuditEntry) {
	h.t.Helper()
	must(h.t, h.store.Read(context.Background(), func(tx *store.Tx) (err error) {
		entries, _, err = tx.Audit(store.AuditQuery{Everything: true, Action: action})
		return err
	}))
	return entries
}

// lastEntry is the number of the newest entry of the audit log.
func (h *house) lastEntry() (last int64) {
	h.t.Helper()
	must(h.t, h.store.Read(context.Background(), func(tx *store.Tx) (err error) {
		_, last, err = tx.AuditBounds(nil, nil)
		return err
	}))
	return last
}

// sendTwice sends a POST, and where it was carried out once more: it must be answered alike, or
// with what to do where it was answered with a value. It returns the first answer.
func (h *house) sendTwice(r *http.Request) (*http.Response, error) {
	h.t.Helper()
	r = r.Clone(r.Context())
	r.Header.Set(idempotencyHeader, rand.Text())
	first, err := checked{h}.once(r)
	if err != nil || first.StatusCode >= 300 || r.Header.Get("Authorization") == "" {
		return first, err
	}
	body, err := io.ReadAll(first.Body)
	must(h.t, err)
	first.Body = io.NopCloser(bytes.NewReader(body))
	before := h.lastEntry()
	repeat := r.Clone(r.Context())
	if r.GetBody != nil {
		repeat.Body, err = r.GetBody()
		must(h.t, err)
	}
	second, err := checked{h}.once(repeat)
	must(h.t, err)
	again, err := io.ReadAll(second.Body)
	must(h.t, err)
	replayed := second.StatusCode == first.StatusCode && second.Header.Get(replayedHeader) == "true" && bytes.Equal(again, body)
	withheld := second.StatusCode == http.StatusConflict && bytes.Contains(again, []byte("/problems/"+notKeptKind))
	holds := hasValue(body)
	if replayed == holds || withheld != holds {
		h.t.Errorf("%s: answered %d %s, and then %d %s", r.URL.Path, first.StatusCode, body, second.StatusCode, again)
	}
	if after := h.lastEntry(); after != before {
		h.t.Errorf("%s: the second time something went on record", r.URL.Path)
	}
	return first, nil
}

// hasValue reports whether an answer has one of the fields that hold what is told once.
func hasValue(body []byte) bool {
	var told struct {
		Token    string `json:"token"`
		Password string `json:"one_time_password"`
		Key      string `json:"signing_key"`
	}
	return json.Unmarshal(body, &told) == nil && told.Token+told.Password+told.Key != ""
}

func newSecretBody(name string) string {
	return `{"name":"` + name + `","secret_type":"TEXT","value":"` + canary + `","environment_id":1}`
}

func TestRepeatedPost(t *testing.T) {
	h := newHouse(t)
	root := h.token("root", models.RoleAdmin, nil)
	first, _, text := h.keyed(root, "k1", "/api/secrets", newSecretBody("one"))
	if first.StatusCode != http.StatusCreated || first.Header.Get(replayedHeader) != "" {
		t.Fatalf("got %d %v: %s", first.StatusCode, first.Header, text)
	}
	t.Run("Same", func(t *testing.T) {
		for range 2 {
			again, _, body := h.keyed(root, "k1", "/api/secrets", newSecretBody("one"))
			if again.StatusCode != http.StatusCreated || body != text || again.Header.Get(replayedHeader) != "true" {
				t.Errorf("got %d %v: %s", again.StatusCode, again.Header, body)
			}
			for _, name := range []string{"Content-Type", "Content-Length", "ETag", "Location", "Cache-Control"} {
				if first.Header.Get(name) == "" || again.Header.Get(name) != first.Header.Get(name) {
					t.Errorf("%s: got %q, want %q", name, again.Header.Get(name), first.Header.Get(name))
				}
			}
		}
		if n := len(h.entries("secret.create")); n != 1 {
			t.Errorf("%d acts are on record", n)
		}
	})
	differs := func(response *http.Response, problem api.Problem, text string) {
		t.Helper()
		if response.StatusCode != http.StatusUnprocessableEntity || problem.Kind() != differsKind {
			t.Errorf("got %d: %s", response.StatusCode, text)
		}
	}
	t.Run("OtherBody", func(*testing.T) { differs(h.keyed(root, "k1", "/api/secrets", newSecretBody("two"))) })
	t.Run("OtherPath", func(*testing.T) { differs(h.keyed(root, "k1", "/api/secrets/1/undelete", newSecretBody("one"))) })
	t.Run("OtherRevision", func(*testing.T) {
		differs(h.keyed(root, "k1", "/api/secrets", newSecretBody("one"), "If-Match", `"1"`))
	})
	t.Run("NoBody", func(t *testing.T) {
		must(t, second(h.admin.DeleteSecret(t.Context(), 1, 0)))
		for _, replayed := range []string{"", "true"} {
			got, _, text := h.keyed(root, "k2", "/api/secrets/1/undelete", "")
			if got.StatusCode != http.StatusOK || got.Header.Get(replayedHeader) != replayed {
				t.Errorf("got %d: %s", got.StatusCode, text)
			}
		}
		if n := len(h.entries("secret.undelete")); n != 1 {
			t.Errorf("%d acts are on record", n)
		}
	})
	t.Run("NoContent", func(t *testing.T) {
		must(t, second(h.admin.CreateUser(t.Context(), api.NewUser{Username: "grace"})))
		grace, err := h.admin.GetUser(t.Context(), "grace")
		must(t, err)
		for _, replayed := range []string{"", "true"} {
			got, _, text := h.keyed(root, "k3", "/api/users/"+grace.ID+"/reset-factors", "")
			if got.StatusCode != http.StatusNoContent || got.Header.Get(replayedHeader) != replayed || text != "" {
				t.Errorf("got %d: %s", got.StatusCode, text)
			}
		}
	})
	t.Run("OtherUser", func(t *testing.T) {
		other := h.token("other", models.RoleAdmin, nil)
		if got, _, text := h.keyed(other, "k1", "/api/secrets", newSecretBody("one")); got.StatusCode != http.StatusConflict || !strings.Contains(text, "/problems/conflict") {
			t.Errorf("got %d: %s", got.StatusCode, text)
		}
	})
	t.Run("NoKey", func(t *testing.T) {
		if got, _, text := h.raw(root, "POST", "/api/secrets", newSecretBody("one")); got.StatusCode != http.StatusConflict {
			t.Errorf("got %d: %s", got.StatusCode, text)
		}
	})
}

func TestBadKeys(t *testing.T) {
	h := newHouse(t)
	root := h.token("root", models.RoleAdmin, nil)
	handler, err := New(h.deps)
	must(t, err)
	send := func(method, token string, keys ...string) (*http.Response, string) {
		t.Helper()
		r, err := http.NewRequestWithContext(t.Context(), method, h.url+"/api/environments", strings.NewReader(`{"name":"new"}`))
		must(t, err)
		r.Header.Set("Content-Type", "application/json")
		r.Header.Set("Authorization", "Bearer "+token)
		r.Header[idempotencyHeader] = keys
		answer := httptest.NewRecorder()
		handler.ServeHTTP(answer, r)
		return answer.Result(), answer.Body.String()
	}
	for name, bad := range map[string]struct {
		keys []string
		says string
	}{
		"Empty":     {[]string{""}, "must not be empty"},
		"TooLong":   {[]string{strings.Repeat("x", 256)}, "at most 255 characters, and has 256"},
		"Space":     {[]string{"a b"}, "visible ASCII"},
		"Control":   {[]string{"a\x7f"}, "visible ASCII"},
		"NotASCII":  {[]string{"schlüssel"}, "visible ASCII"},
		"Two":       {[]string{"a", "b"}, "there once"},
		"TwoEqual":  {[]string{"a", "a"}, "there once"},
		"FirstGood": {[]string{"a", ""}, "there once"},
	} {
		t.Run(name, func(t *testing.T) {
			got, text := send("POST", root, bad.keys...)
			if got.StatusCode != http.StatusBadRequest || !strings.Contains(text, bad.says) || !strings.Contains(text, `"field":"Idempotency-Key"`) {
				t.Errorf("got %d: %s", got.StatusCode, text)
			}
		})
	}
	t.Run("NoToken", func(t *testing.T) {
		if got, text := send("POST", "kpr_x", ""); got.StatusCode != http.StatusUnauthorized {
			t.Errorf("what the header is, is told to a stranger: %d: %s", got.StatusCode, text)
		}
	})
	t.Run("OtherMethod", func(t *testing.T) {
		if got, text := send("GET", root, ""); got.StatusCode != http.StatusOK {
			t.Errorf("got %d: %s", got.StatusCode, text)
		}
	})
	t.Run("Longest", func(t *testing.T) {
		for _, replayed := range []string{"", "true"} {
			if got, text := send("POST", root, strings.Repeat("~", 255)); got.StatusCode != http.StatusCreated || got.Header.Get(replayedHeader) != replayed {
				t.Errorf("got %d: %s", got.StatusCode, text)
			}
		}
	})
	t.Run("Stranger", func(t *testing.T) { // may end a token that it found, and leaves no row behind
		before := h.keyRows()
		found := h.token("found", models.RoleUser, nil)
		if got, _, text := h.keyed("", "k", openOperation, `{"token":"`+found+`"}`); got.StatusCode != http.StatusNoContent {
			t.Errorf("got %d: %s", got.StatusCode, text)
		}
		if got, _, text := h.keyed("", "k", openOperation, `{"token":"kpr_unknown"}`); got.StatusCode == http.StatusUnprocessableEntity {
			t.Errorf("the key of one stranger is another's: %s", text)
		}
		if after := h.keyRows(); after != before {
			t.Errorf("%d rows came", after-before)
		}
	})
}

// keyRows counts the keys of everybody.
func (h *house) keyRows() (n int64) {
	h.t.Helper()
	must(h.t, h.store.Read(context.Background(), func(tx *store.Tx) error {
		for _, user := range append(h.users(tx), "") {
			more, err := tx.CountKeys(user)
			if err != nil {
				return err
			}
			n += more
		}
		return nil
	}))
	return n
}

func (h *house) users(tx *store.Tx) (ids []models.UserID) {
	h.t.Helper()
	users, err := tx.Users()
	must(h.t, err)
	for _, u := range users {
		ids = append(ids, u.ID)
	}
	return ids
}

// TestRefusedIsTriedAgain sends requests that were refused once more, when nothing is in the
// way any longer.
func TestRefusedIsTriedAgain(t *testing.T) {
	h := newHouse(t)
	root := h.token("root", models.RoleAdmin, nil)
	eve := h.token("eve", models.RoleUser, map[int64]models.EnvironmentRole{1: models.RoleViewer})
	wants := func(token, body string, status int) {
		t.Helper()
		got, _, text := h.keyed(token, "k-"+body[:20], "/api/secrets", body)
		if got.StatusCode != status || got.Header.Get(replayedHeader) != "" {
			t.Errorf("got %d %q, want %d: %s", got.StatusCode, got.Header.Get(replayedHeader), status, text)
		}
	}
	t.Run("Forbidden", func(*testing.T) {
		wants(eve, newSecretBody("eves"), http.StatusForbidden)
		h.role("eve", models.RoleEditor)
		time.Sleep(1100 * time.Millisecond) // for as long a role is remembered
		wants(eve, newSecretBody("eves"), http.StatusCreated)
	})
	t.Run("NotFound", func(*testing.T) {
		body := strings.Replace(newSecretBody("later"), `:1}`, `:"later"}`, 1)
		wants(root, body, http.StatusNotFound)
		must(t, second(h.admin.CreateEnvironment(t.Context(), api.NewEnvironment{Name: "later"})))
		wants(root, body, http.StatusCreated)
	})
	t.Run("Invalid", func(*testing.T) { // and the key is free for another body
		wants(root, `{"name":"same-key-20-chars","secret_type":"TEXT","environment_id":1}`, http.StatusBadRequest)
		wants(root, `{"name":"same-key-20-chars"}`, http.StatusBadRequest)
	})
	t.Run("Unavailable", func(*testing.T) {
		body := strings.Replace(newSecretBody("away"), `:1}`, `:2}`, 1) // the first of its environment: it takes a new data key
		h.key.Refuse()
		wants(root, body, http.StatusServiceUnavailable)
		h.key.Mend()
		wants(root, body, http.StatusCreated)
	})
	t.Run("TooLarge", func(t *testing.T) {
		if got, _, text := h.keyed(root, "large", "/api/secrets", `{"value":"`+strings.Repeat("x", 1<<20)+`"}`); got.StatusCode != http.StatusRequestEntityTooLarge {
			t.Errorf("got %d: %s", got.StatusCode, text)
		}
	})
}

// role gives a user a role in production.
func (h *house) role(name string, role models.EnvironmentRole) {
	h.t.Helper()
	must(h.t, h.store.Write(context.Background(), func(tx *store.Tx) error {
		u, err := tx.UserByName(name)
		if err != nil {
			return err
		}
		return tx.SetMembership(models.Membership{UserID: u.ID, EnvironmentID: models.EnvironmentID(h.production.ID), Role: role, CreatedAt: time.Now()})
	}))
}

// TestRightsBeforeARepeat takes rights away between a request and its repeat.
func TestRightsBeforeARepeat(t *testing.T) {
	h := newHouse(t)
	eve := h.token("eve", models.RoleUser, map[int64]models.EnvironmentRole{1: models.RoleEditor})
	wants := func(status int, replayed string) string {
		t.Helper()
		got, _, text := h.keyed(eve, "k", "/api/secrets", newSecretBody("eves"))
		if got.StatusCode != status || got.Header.Get(replayedHeader) != replayed {
			t.Errorf("got %d %q, want %d: %s", got.StatusCode, got.Header.Get(replayedHeader), status, text)
		}
		return text
	}
	wants(http.StatusCreated, "")
	wants(http.StatusCreated, "true")
	h.role("eve", models.RoleViewer) // at once: what is remembered of a token does not count here
	if text := wants(http.StatusForbidden, ""); strings.Contains(text, "eves") {
		t.Errorf("the refusal tells the answer: %s", text)
	}
	if refused := h.entries("request.repeat"); len(refused) != 1 || refused[0].Outcome != models.OutcomeRefused || refused[0].ActorName != "eve (test)" {
		t.Errorf("on record: %+v", refused)
	}
	h.role("eve", models.RoleManager)
	wants(http.StatusCreated, "true")
	disabled := true
	must(t, second(h.admin.UpdateUser(t.Context(), "eve", api.UserChange{Disabled: &disabled}, 0)))
	wants(http.StatusUnauthorized, "")
	if n := len(h.entries("secret.create")); n != 1 {
		t.Errorf("%d acts are on record", n)
	}
}

// TestValuesAreToldOnce sends again what is answered with a value.
func TestValuesAreToldOnce(t *testing.T) {
	options := storetest.Options(t, store.SQLite)
	h := newHouseOn(t, storetest.OpenWith(t, options))
	root := h.token("root", models.RoleAdmin, nil)
	must(t, second(h.admin.CreateUser(t.Context(), api.NewUser{Username: "grace"})))
	must(t, second(h.admin.CreateUser(t.Context(), api.NewUser{Kind: "service", Username: "robot"})))
	var values []string
	for name, c := range map[string]struct{ path, body, field, location, action string }{
		"Token":    {"/api/tokens", `{"name":"t"}`, "token", "/api/tokens/", "token.create"},
		"TokenFor": {"/api/users/robot/tokens", `{"name":"t"}`, "token", "/api/tokens/", "token.create"},
		"User":     {"/api/users", `{"username":"lin"}`, "one_time_password", "/api/users/", "user.create"},
		"Password": {"/api/users/grace/password", "", "one_time_password", "", "user.password_reset"},
		"Channel": {
			"/api/alert-channels", `{"environment_id":1,"name":"n","kind":"webhook","address":"https://hooks.example.com/x"}`,
			"signing_key", "/api/alert-channels/", "channel.create",
		},
	} {
		t.Run(name, func(t *testing.T) {
			before := len(h.entries(c.action))
			first, _, text := h.keyed(root, "k-"+name, c.path, c.body)
			var told map[string]any
			must(t, json.Unmarshal([]byte(text), &told))
			value, _ := told[c.field].(string)
			if first.StatusCode >= 300 || value == "" {
				t.Fatalf("got %d: %s", first.StatusCode, text)
			}
			values = append(values, value)
			for range 2 {
				again, problem, text := h.keyed(root, "k-"+name, c.path, c.body)
				if again.StatusCode != http.StatusConflict || problem.Kind() != notKeptKind || strings.Contains(text, value) ||
					!strings.HasPrefix(again.Header.Get("Location"), c.location) || again.Header.Get("Location") != first.Header.Get("Location") ||
					!strings.Contains(problem.Hint, c.location) || problem.Hint == "" || again.Header.Get(replayedHeader) != "" {
					t.Errorf("got %d %v: %s", again.StatusCode, again.Header, text)
				}
			}
			if n := len(h.entries(c.action)) - before; n != 1 {
				t.Errorf("%d acts are on record", n)
			}
		})
	}
	t.Run("NoValue", func(t *testing.T) { // the same operation, with an answer that may be told again
		for _, replayed := range []string{"", "true"} {
			if got, _, text := h.keyed(root, "k-service", "/api/users", `{"kind":"service","username":"bot"}`); got.StatusCode != http.StatusCreated || got.Header.Get(replayedHeader) != replayed {
				t.Errorf("got %d: %s", got.StatusCode, text)
			}
		}
	})
	t.Run("AtRest", func(t *testing.T) {
		if got, _, text := h.keyed(root, "canary-key", "/api/secrets", newSecretBody("planted")); got.StatusCode != http.StatusCreated {
			t.Fatalf("got %d: %s", got.StatusCode, text)
		}
		absent(t, options.Path, append(values, canary, "canary-key"))
	})
}

// absent fails where one of the texts is in a file of the database, which is looked through
// byte for byte.
func absent(t *testing.T, path string, texts []string) {
	t.Helper()
	files, err := filepath.Glob(path + "*")
	must(t, err)
	var all []byte
	for _, file := range files {
		text, err := os.ReadFile(file)
		must(t, err)
		all = append(all, text...)
	}
	if !bytes.Contains(all, []byte("planted")) || !bytes.Contains(all, []byte("idempotency_keys")) || len(texts) < 3 {
		t.Fatal("these are not the files that were written to")
	}
	for _, text := range texts {
		if bytes.Contains(all, []byte(text)) {
			t.Errorf("the database holds %q", text)
		}
	}
}

// clock is a time that a test sets.
type clock struct {
	mu    sync.Mutex
	ahead time.Duration
}

func (c *clock) now() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	return time.Now().Add(c.ahead)
}

func (c *clock) pass(d time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.ahead += d
}

// serveWith is another server of the house, whose keys live by the clock.
func (h *house) serveWith(c *clock) {
	h.t.Helper()
	d := h.deps
	d.Idempotency = idempotency.New(idempotency.Deps{Store: h.store, Auth: h.auth, Box: kms.NewBox(bytes.Repeat([]byte{5}, 32)), Now: c.now})
	handler, err := New(d)
	must(h.t, err)
	server := httptest.NewServer(handler)
	h.t.Cleanup(server.Close)
	h.url = server.URL
}

// TestAnswerThatCannotBeKept breaks the storing of answers, as a crash between an act and its
// answer does.
func TestAnswerThatCannotBeKept(t *testing.T) {
	options := storetest.Options(t, store.SQLite)
	h := newHouseOn(t, storetest.OpenWith(t, options))
	var c clock
	h.serveWith(&c)
	root := h.token("root", models.RoleAdmin, nil)
	breakAnswers(t, options.Path)
	send := func() (*http.Response, api.Problem, string) {
		t.Helper()
		return h.keyed(root, "k", "/api/tokens", `{"name":"broken"}`)
	}
	if got, _, text := send(); got.StatusCode != http.StatusCreated || !strings.Contains(text, auth.TokenPrefix) {
		t.Fatalf("got %d, want the answer, which is true: %s", got.StatusCode, text)
	}
	if !strings.Contains(h.log.String(), "was not kept") {
		t.Errorf("the log does not say so: %s", h.log)
	}
	if got, problem, text := send(); got.StatusCode != http.StatusConflict || problem.Kind() != runningKind || got.Header.Get("Retry-After") != "1" {
		t.Errorf("got %d: %s", got.StatusCode, text)
	}
	c.pass(time.Minute)
	got, problem, text := send()
	if got.StatusCode != http.StatusConflict || problem.Kind() != notKeptKind || !strings.Contains(problem.Detail, "cut off") || problem.Hint == "" {
		t.Errorf("got %d: %s", got.StatusCode, text)
	}
	tokens, err := client.Collect(h.admin.AllTokens(t.Context(), api.ListAllTokensParams{}))
	must(t, err)
	n := 0
	for _, one := range tokens {
		if one.Name == "broken" {
			n++
		}
	}
	if n != 1 {
		t.Errorf("%d tokens were made", n)
	}
}

// breakAnswers has the database refuse every answer.
func breakAnswers(t *testing.T, path string) {
	t.Helper()
	db, err := sql.Open("sqlite", path)
	must(t, err)
	defer func() { must(t, db.Close()) }()
	_, err = db.ExecContext(t.Context(), `CREATE TRIGGER no_answers BEFORE UPDATE OF answer ON idempotency_keys
		WHEN NEW.answer IS NOT NULL BEGIN SELECT RAISE(ABORT, 'no'); END`)
	must(t, err)
}

// stub has a handler of the test's own in place of the operations, behind the middleware.
func (h *house) stub(c *clock, handle http.HandlerFunc) func(key string) *httptest.ResponseRecorder {
	h.t.Helper()
	s := &server{Deps: h.deps}
	s.Idempotency = idempotency.New(idempotency.Deps{Store: h.store, Auth: h.auth, Box: kms.NewBox(bytes.Repeat([]byte{5}, 32)), Now: c.now})
	h.token("stub", models.RoleAdmin, nil)
	var actor models.Actor
	must(h.t, h.store.Read(context.Background(), func(tx *store.Tx) error {
		u, err := tx.UserByName("stub")
		actor = models.Actor{Kind: models.ActorUser, ID: string(u.ID), UserID: u.ID, Role: u.Role, ProvenAt: time.Now()}
		return err
	}))
	handler := s.repeatable(handle)
	return func(key string) *httptest.ResponseRecorder {
		r := httptest.NewRequestWithContext(withActor(h.t.Context(), actor), http.MethodPost, "/api/things", strings.NewReader(`{}`))
		r.Header.Set(idempotencyHeader, key)
		answer := httptest.NewRecorder()
		handler.ServeHTTP(answer, r)
		return answer
	}
}

func TestWhichAnswersAreKept(t *testing.T) {
	h := newHouse(t)
	ran, status := 0, 0
	send := h.stub(&clock{}, func(w http.ResponseWriter, _ *http.Request) {
		ran++
		write(w, status, "application/json", api.Count{Count: ran})
	})
	for _, one := range []struct {
		status int
		kept   bool
	}{
		{200, true},
		{201, true},
		{202, true},
		{400, false},
		{401, false},
		{403, false},
		{404, false},
		{409, false},
		{412, false},
		{429, false},
		{500, false},
		{503, false},
	} {
		t.Run(fmt.Sprint(one.status), func(t *testing.T) {
			ran, status = 0, one.status
			first, again := send(fmt.Sprint("k", status)), send(fmt.Sprint("k", status))
			if first.Code != status || again.Code != status || (ran == 1) != one.kept || (first.Body.String() == again.Body.String()) != one.kept {
				t.Errorf("ran %d times, answered %d %q and %d %q", ran, first.Code, first.Body, again.Code, again.Body)
			}
		})
	}
}

func TestAnswersByHand(t *testing.T) {
	h := newHouse(t)
	var handle http.HandlerFunc
	var c clock
	send := h.stub(&c, func(w http.ResponseWriter, r *http.Request) { handle(w, r) })
	kindOf := func(answer *httptest.ResponseRecorder) string {
		var problem api.Problem
		if err := json.Unmarshal(answer.Body.Bytes(), &problem); err != nil {
			return answer.Body.String()
		}
		return problem.Kind()
	}
	t.Run("Unvouched", func(t *testing.T) { // what did not go through write may hold anything
		handle = func(w http.ResponseWriter, _ *http.Request) { _, _ = w.Write([]byte("by hand")) }
		if first := send("hand"); first.Code != 200 || first.Body.String() != "by hand" {
			t.Errorf("got %d %s", first.Code, first.Body)
		}
		if again := send("hand"); again.Code != 409 || kindOf(again) != notKeptKind {
			t.Errorf("got %d %s", again.Code, again.Body)
		}
	})
	t.Run("Silent", func(t *testing.T) {
		handle = func(http.ResponseWriter, *http.Request) {}
		if first, again := send("silent"), send("silent"); first.Code != 200 || again.Code != 200 || again.Header().Get(replayedHeader) != "true" {
			t.Errorf("got %d and %d", first.Code, again.Code)
		}
	})
	t.Run("Large", func(t *testing.T) {
		handle = func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Location", "/api/things/7")
			write(w, 201, "application/json", strings.Repeat("x", idempotency.MaxAnswer))
		}
		if first := send("large"); first.Code != 201 || first.Body.Len() < idempotency.MaxAnswer {
			t.Errorf("got %d with %d bytes", first.Code, first.Body.Len())
		}
		if again := send("large"); again.Code != 409 || kindOf(again) != notKeptKind || again.Header().Get("Location") != "/api/things/7" || !strings.Contains(again.Body.String(), "too large") {
			t.Errorf("got %d %s", again.Code, again.Body)
		}
	})
	t.Run("Panic", func(t *testing.T) {
		handle = func(http.ResponseWriter, *http.Request) { panic("no") }
		func() {
			defer func() { _ = recover() }()
			send("panic")
		}()
		handle = func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusNoContent) }
		if again := send("panic"); again.Code != http.StatusNoContent {
			t.Errorf("got %d %s", again.Code, again.Body)
		}
	})
	t.Run("APartAndThenAFailure", func(t *testing.T) {
		handle = func(w http.ResponseWriter, r *http.Request) {
			must(t, h.store.Write(r.Context(), func(tx *store.Tx) error {
				return tx.AppendAudit(models.AuditEntry{Action: "thing.create", Outcome: models.OutcomeAllowed})
			}))
			w.WriteHeader(http.StatusServiceUnavailable)
		}
		if first := send("part"); first.Code != 503 {
			t.Errorf("got %d", first.Code)
		}
		if again := send("part"); again.Code != 409 || kindOf(again) != notKeptKind || len(h.entries("thing.create")) != 1 {
			t.Errorf("got %d %s", again.Code, again.Body)
		}
	})
	t.Run("AtOnce", func(t *testing.T) {
		begun, goOn := make(chan struct{}), make(chan struct{})
		handle = func(w http.ResponseWriter, _ *http.Request) {
			close(begun)
			<-goOn
			write(w, 200, "application/json", api.Count{Count: 7})
		}
		first := make(chan *httptest.ResponseRecorder)
		go func() { first <- send("slow") }()
		<-begun
		if second := send("slow"); second.Code != 409 || kindOf(second) != runningKind || second.Header().Get("Retry-After") != "1" {
			t.Errorf("got %d %s", second.Code, second.Body)
		}
		close(goOn)
		if one := <-first; one.Code != 200 {
			t.Errorf("got %d %s", one.Code, one.Body)
		}
		if third := send("slow"); third.Code != 200 || third.Header().Get(replayedHeader) != "true" {
			t.Errorf("got %d %s", third.Code, third.Body)
		}
	})
}

// TestTwoServersRace sends one request to two servers on one database at once, on each database.
func TestTwoServersRace(t *testing.T) {
	for _, dialect := range storetest.Dialects {
		t.Run(dialect, func(t *testing.T) {
			h := newHouseOn(t, storetest.Open(t, dialect))
			root := h.token("root", models.RoleAdmin, nil)
			urls := []string{h.url}
			h.serveWith(&clock{}) // which knows of the first by the database alone
			urls = append(urls, h.url)
			for round := range 5 {
				var mu sync.Mutex
				counts := map[string]int{}
				var all sync.WaitGroup
				for i := range 8 {
					all.Go(func() {
						kind := race(t, urls[i%2], root, fmt.Sprint("race-", round))
						mu.Lock()
						defer mu.Unlock()
						counts[kind]++
					})
				}
				all.Wait()
				if counts["made"] != 1 || counts["made"]+counts[runningKind]+counts[notKeptKind] != 8 {
					t.Errorf("round %d: %v", round, counts)
				}
			}
			if n := len(h.entries("token.create")); n != 5+2 { // and those of ada and root
				t.Errorf("%d tokens were made", n)
			}
		})
	}
}

// race makes a token, and tells how that was answered.
func race(t *testing.T, url, token, key string) string {
	r, err := http.NewRequestWithContext(t.Context(), http.MethodPost, url+"/api/tokens", strings.NewReader(`{"name":"race"}`))
	if err != nil {
		t.Error(err)
		return ""
	}
	r.Header = http.Header{"Authorization": {"Bearer " + token}, "Content-Type": {"application/json"}, idempotencyHeader: {key}}
	answer, err := http.DefaultClient.Do(r)
	if err != nil {
		t.Error(err)
		return ""
	}
	defer answer.Body.Close()
	if answer.StatusCode == http.StatusCreated {
		return "made"
	}
	var problem api.Problem
	if err := json.NewDecoder(answer.Body).Decode(&problem); err != nil {
		t.Error(err)
	}
	return problem.Kind()
}

// TestEveryPostTakesAKey holds the document to it.
func TestEveryPostTakesAKey(t *testing.T) {
	document, err := specification()
	must(t, err)
	posts := 0
	for path, item := range document.Paths.Map() {
		for method, operation := range item.Operations() {
			takes := operation.Parameters.GetByInAndName(openapi3.ParameterInHeader, idempotencyHeader) != nil
			if takes != (method == http.MethodPost) {
				t.Errorf("%s %s: that it takes a key is %t", method, path, takes)
			}
			if method != http.MethodPost {
				continue
			}
			posts++
			for status, shared := range map[int]string{409: "Conflict", 422: "RequestDiffers"} {
				if answer := operation.Responses.Status(status); answer == nil || answer.Ref != "#/components/responses/"+shared {
					t.Errorf("%s %s does not tell of %d by the shared component", method, path, status)
				}
			}
			for status, answer := range operation.Responses.Map() {
				for kind := range answer.Value.Content {
					if kind != "application/json" && kind != "application/problem+json" {
						t.Errorf("%s %s answers %s with %s, which is not kept", method, path, status, kind)
					}
				}
			}
		}
	}
	if posts < 40 {
		t.Errorf("only %d operations were looked at", posts)
	}
}

// TestNotAgain sees that each refusal says what to do.
func TestNotAgain(t *testing.T) {
	for why := idempotency.Running; why <= idempotency.Large; why++ {
		var only *refusal
		if !errors.As(notAgain(&idempotency.Refusal{Why: why}), &only) || only.hint == "" || refusalLooks[only.kind].status == 0 {
			t.Errorf("reason %d: got %+v", why, only)
		}
	}
}
