package e2e

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"net/http/cookiejar"
	"net/url"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/your-org/keeper/api"
	"github.com/your-org/keeper/client"
	"github.com/your-org/keeper/store"
	"github.com/your-org/keeper/test/scenario"
)

// TestRightsOnReplicas runs two servers on one database. What is taken on the first, from a
// session or from a token, is taken on the second within two seconds: its end, its user's, a
// role, a membership, a group's.
func TestRightsOnReplicas(t *testing.T) {
	for _, dialect := range []string{store.MySQL, store.Postgres} {
		t.Run(dialect, func(t *testing.T) {
			p := newPair(t, dialect)
			t.Run("Token", p.takenFromToken)
			t.Run("Session", p.takenFromSession)
			t.Run("Stream", p.endedStream)
		})
	}
}

// pair is two servers on one database, and an administrator's client of the first.
type pair struct {
	first, second *scenario.Keeper
	admin         *client.Client
}

func newPair(t *testing.T, dialect string) *pair {
	t.Helper()
	first := newKeeper(t, dialect)
	first.Env = append(first.Env, "SECRET_KEY="+strings.Repeat("s", 32))
	p := &pair{first: first, second: &scenario.Keeper{Binary: first.Binary, Dir: first.Dir, Env: first.Env, Port: freePort(t), Log: new(said)}}
	for _, k := range []*scenario.Keeper{p.first, p.second} {
		if err := k.Start(t.Context()); err != nil {
			t.Fatalf("%v\nKeeper said:\n%s", err, k.Log)
		}
		t.Cleanup(k.Stop)
	}
	token, err := first.NewToken(t.Context())
	must(t, err)
	p.admin, err = client.New(first.URL, token)
	must(t, err)
	_, err = p.admin.CreateEnvironment(t.Context(), api.NewEnvironment{Name: "production"})
	must(t, err)
	_, err = p.admin.CreateGroup(t.Context(), api.NewGroup{Name: "Readers"})
	must(t, err)
	must(t, p.admin.SetGroupRole(t.Context(), "Readers", "production", "reader"))
	return p
}

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// taken is something that ask answers with good on both servers, until take is done on the first:
// then both answer with gone within two seconds.
func (p *pair) taken(t *testing.T, ask func(*scenario.Keeper) int, good, gone int, take func() error) {
	t.Helper()
	begin := time.Now()
	for range 3 { // so that both have it in memory; what was given a moment ago may take as long as what is taken
		for a, b := ask(p.first), ask(p.second); a != good || b != good; a, b = ask(p.first), ask(p.second) {
			if time.Since(begin) > within {
				t.Fatalf("at first it is answered %d and %d, want %d", a, b, good)
			}
			time.Sleep(20 * time.Millisecond)
		}
	}
	must(t, take())
	stops(t, func() bool { return ask(p.second) == gone && ask(p.first) == gone })
}

func (p *pair) takenFromToken(t *testing.T) {
	ctx := t.Context()
	_, err := p.admin.CreateUser(ctx, api.NewUser{Kind: "service", Username: "robot"})
	must(t, err)
	made, err := p.admin.CreateTokenFor(ctx, "robot", api.NewToken{Name: "works"})
	must(t, err)
	asking := func(text api.Value) func(*scenario.Keeper) int {
		return func(k *scenario.Keeper) int {
			return status(t, http.DefaultClient, http.MethodGet, k.URL+"/api/environments/production", "", "Authorization", "Bearer "+text.Reveal())
		}
	}
	ask := asking(made.Text)
	disable := func(disabled bool) error {
		_, err := p.admin.UpdateUser(ctx, "robot", api.UserChange{Disabled: &disabled}, 0)
		return err
	}
	role := func(role string) error {
		_, err := p.admin.UpdateUser(ctx, "robot", api.UserChange{Role: &role}, 0)
		return err
	}
	t.Run("Membership", func(t *testing.T) {
		must(t, p.admin.SetMember(ctx, "production", "robot", "reader"))
		p.taken(t, ask, http.StatusOK, http.StatusNotFound, func() error { return p.admin.RemoveMember(ctx, "production", "robot") })
	})
	t.Run("Group", func(t *testing.T) {
		must(t, p.admin.AddGroupMember(ctx, "Readers", "robot"))
		p.taken(t, ask, http.StatusOK, http.StatusNotFound, func() error { return p.admin.RemoveGroupMember(ctx, "Readers", "robot") })
	})
	t.Run("GlobalRole", func(t *testing.T) {
		must(t, role("auditor"))
		p.taken(t, ask, http.StatusOK, http.StatusNotFound, func() error { return role("user") })
	})
	must(t, p.admin.SetMember(ctx, "production", "robot", "reader"))
	t.Run("Disabled", func(t *testing.T) {
		p.taken(t, ask, http.StatusOK, http.StatusUnauthorized, func() error { return disable(true) })
		must(t, disable(false))
	})
	t.Run("Rotated", func(t *testing.T) {
		var next api.CreatedToken
		p.taken(t, ask, http.StatusOK, http.StatusUnauthorized, func() (err error) {
			next, err = p.admin.RotateToken(ctx, made.ID, api.TokenRotation{})
			return err
		})
		ask = asking(next.Text)
	})
	t.Run("Deleted", func(t *testing.T) {
		p.taken(t, ask, http.StatusOK, http.StatusUnauthorized, func() error { return p.admin.DeleteUser(ctx, "robot", 0) })
	})
}

// surfer is somebody with a browser that both servers know: cookies know no ports.
type surfer struct {
	t *testing.T
	*http.Client
}

func newSurfer(t *testing.T) *surfer {
	jar, _ := cookiejar.New(nil)
	return &surfer{t, &http.Client{Jar: jar, CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}}
}

var formToken = regexp.MustCompile(`name="csrf_token" value="([^"]+)"`)

// send fills in the form of a page and sends it.
func (s *surfer) send(k *scenario.Keeper, page, to string, values url.Values) {
	s.t.Helper()
	answer, err := s.Get(k.URL + page)
	must(s.t, err)
	defer answer.Body.Close()
	body, err := io.ReadAll(answer.Body)
	must(s.t, err)
	found := formToken.FindSubmatch(body)
	if found == nil {
		s.t.Fatalf("%s (%d) has no form", page, answer.StatusCode)
	}
	values.Set("csrf_token", string(found[1]))
	if got := status(s.t, s.Client, http.MethodPost, k.URL+to, values.Encode(), "Content-Type", "application/x-www-form-urlencoded"); got != http.StatusSeeOther {
		s.t.Fatalf("%s is answered %d", to, got)
	}
}

func (s *surfer) signIn(k *scenario.Keeper, name, password string) {
	s.t.Helper()
	s.send(k, "/sign-in", "/sign-in", url.Values{"username": {name}, "password": {password}})
}

func (s *surfer) sees(path string) func(*scenario.Keeper) int {
	return func(k *scenario.Keeper) int { return status(s.t, s.Client, http.MethodGet, k.URL+path, "") }
}

// person makes somebody who has chosen a password, and a browser that is signed in.
func (p *pair) person(t *testing.T, name string) (s *surfer, password string) {
	t.Helper()
	made, err := p.admin.CreateUser(t.Context(), api.NewUser{Username: name})
	must(t, err)
	password = "violet harbour lantern " + name[:1]
	s = newSurfer(t)
	s.signIn(p.first, name, made.Password.Reveal())
	s.send(p.first, "/password", "/password", url.Values{
		"current_password": {made.Password.Reveal()}, "new_password": {password}, "repeat_password": {password},
	})
	return s, password
}

func (p *pair) takenFromSession(t *testing.T) {
	ctx := t.Context()
	s, password := p.person(t, "grace")
	update := func(change api.UserChange) error {
		_, err := p.admin.UpdateUser(ctx, "grace", change, 0)
		return err
	}
	admin, user, on, off := "admin", "user", true, false
	t.Run("Membership", func(t *testing.T) {
		must(t, p.admin.SetMember(ctx, "production", "grace", "manager"))
		p.taken(t, s.sees("/environments/production"), http.StatusOK, http.StatusNotFound, func() error { return p.admin.RemoveMember(ctx, "production", "grace") })
	})
	t.Run("Group", func(t *testing.T) {
		must(t, p.admin.AddGroupMember(ctx, "Readers", "grace"))
		p.taken(t, s.sees("/environments/production"), http.StatusOK, http.StatusNotFound, func() error { return p.admin.RemoveGroupMember(ctx, "Readers", "grace") })
	})
	t.Run("GlobalRole", func(t *testing.T) {
		must(t, update(api.UserChange{Role: &admin}))
		p.taken(t, s.sees("/admin/users"), http.StatusOK, http.StatusNotFound, func() error { return update(api.UserChange{Role: &user}) })
	})
	t.Run("EndedByAnAdministrator", func(t *testing.T) {
		p.taken(t, s.sees("/profile"), http.StatusOK, http.StatusSeeOther, func() error {
			n, err := p.admin.RevokeSessions(ctx, "grace")
			if err == nil && n == 0 {
				err = fmt.Errorf("there was no session to end")
			}
			return err
		})
	})
	s.signIn(p.second, "grace", password)
	t.Run("Disabled", func(t *testing.T) {
		p.taken(t, s.sees("/profile"), http.StatusOK, http.StatusSeeOther, func() error { return update(api.UserChange{Disabled: &on}) })
		must(t, update(api.UserChange{Disabled: &off}))
		if a, b := s.sees("/profile")(p.first), s.sees("/profile")(p.second); a != http.StatusSeeOther || b != http.StatusSeeOther {
			t.Errorf("enabled again, the session is answered %d and %d", a, b)
		}
	})
	s.signIn(p.first, "grace", password)
	t.Run("PasswordReset", func(t *testing.T) {
		p.taken(t, s.sees("/profile"), http.StatusOK, http.StatusSeeOther, func() error {
			_, err := p.admin.ResetPassword(ctx, "grace")
			return err
		})
	})
}

// endedStream has a page of the second server listen for changes while its session is ended on
// the first.
func (p *pair) endedStream(t *testing.T) {
	s, _ := p.person(t, "nina")
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	r, err := http.NewRequestWithContext(ctx, http.MethodGet, p.second.URL+"/events?topics=secrets", http.NoBody)
	must(t, err)
	answer, err := s.Do(r)
	must(t, err)
	defer answer.Body.Close()
	if answer.StatusCode != http.StatusOK {
		t.Fatalf("the stream is answered %d", answer.StatusCode)
	}
	time.Sleep(3 * time.Second) // it stands, past what it catches up with
	begin := time.Now()
	_, err = p.admin.RevokeSessions(ctx, "nina")
	must(t, err)
	if _, err := io.Copy(io.Discard, answer.Body); err != nil {
		t.Fatalf("the stream goes on: %v", err)
	}
	if took := time.Since(begin); took > within {
		t.Errorf("the stream goes on for %s", took)
	}
}
