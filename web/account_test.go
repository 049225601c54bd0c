package web_test

import (
	"context"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/your-org/keeper/auth"
	"github.com/your-org/keeper/models"
	"github.com/your-org/keeper/store"
)

func TestSignIn(t *testing.T) {
	h := newHouse(t)
	h.user("ada", models.RoleAdmin, nil)
	t.Run("OK", func(t *testing.T) {
		v := h.visitor()
		before := v.get("/sign-in")
		visit := v.cookie("keeper-visit")
		after := before.form("/sign-in").set("username", "ada").set("password", password).submit()
		after.want(http.StatusOK, "h1", "Overview")
		if v.cookie("keeper") == "" || v.cookie("keeper") == visit {
			t.Error("signing in did not give a new identifier")
		}
		if v.cookie("keeper-visit") != "" {
			t.Error("the visit's cookie outlived it")
		}
	})
	t.Run("NewIdentifier", func(t *testing.T) {
		v := h.as("ada")
		old := v.cookie("keeper")
		page := v.get("/")
		// The sign-in page of another tab, sent while signed in: the token is the session's.
		v.post("/sign-in", url.Values{"username": {"ada"}, "password": {password}, "csrf_token": {tokenOf(page)}})
		if v.cookie("keeper") == old || v.cookie("keeper") == "" {
			t.Error("signing in again kept the identifier")
		}
		stale := h.visitor().staying()
		if p := stale.get("/", "Cookie", "keeper="+old); p.status != http.StatusSeeOther {
			t.Errorf("the old session still gets %d", p.status)
		}
	})
	t.Run("Wrong", func(t *testing.T) {
		p := h.visitor().signIn("ada", "wrong").want(http.StatusUnauthorized, ".summary", "wrong")
		form := p.form("/sign-in")
		if form.value("username") != "ada" || form.value("password") != "" {
			t.Errorf("the form keeps %v", form.values)
		}
	})
	t.Run("Throttled", func(t *testing.T) {
		v := h.visitor()
		for range 10 {
			v.signIn("nobody", "wrong")
		}
		v.signIn("nobody", "wrong").want(http.StatusTooManyRequests, ".summary", "Too many sign-ins")
	})
	t.Run("NoToken", func(t *testing.T) {
		p := h.visitor().post("/sign-in", url.Values{"username": {"ada"}, "password": {password}})
		p.want(http.StatusForbidden, ".summary", "nothing was done")
		if p.v.cookie("keeper") != "" {
			t.Error("a form without a token signed in")
		}
		p.form("/sign-in").set("password", password).submit().want(http.StatusOK, "h1", "Overview")
	})
	t.Run("OtherSite", func(t *testing.T) {
		p := h.visitor().post("/sign-in", nil, "Origin", "https://evil.example")
		p.want(http.StatusForbidden, "body", "another site")
	})
}

func tokenOf(p *page) string { return attribute(p.all(`meta[name="csrf-token"]`)[0], "content") }

func TestNext(t *testing.T) {
	h := newHouse(t)
	h.user("ada", models.RoleAdmin, nil)
	cases := map[string]string{
		"/secrets?type=JSON": "/secrets?type=JSON", "/profile": "/profile",
		"https://evil.example": "/", "//evil.example": "/", "///evil.example": "/", `/\evil.example`: "/", "/\t/evil.example": "/", "javascript:alert(1)": "/",
		"evil": "/", "": "/", "/sign-out": "/", "http:/evil.example": "/",
	}
	for next, want := range cases {
		t.Run(next, func(t *testing.T) {
			v := h.visitor()
			form := v.get("/sign-in?next=" + url.QueryEscape(next)).form("/sign-in")
			form.set("username", "ada").set("password", password).set("next", next)
			form.p.v = v.staying()
			if got := form.submit().header.Get("Location"); got != want {
				t.Errorf("got %q, want %q", got, want)
			}
		})
	}
}

func TestCookie(t *testing.T) {
	for publicURL, want := range map[string][]string{
		"":                       {"keeper=", "HttpOnly", "SameSite=Lax", "Path=/"},
		"https://keeper.example": {"__Host-keeper=", "HttpOnly", "SameSite=Lax", "Path=/", "Secure"},
	} {
		t.Run(publicURL, func(t *testing.T) {
			h := newHouseWith(t, houseOptions{publicURL: publicURL})
			h.user("ada", models.RoleAdmin, nil)
			v := h.visitor().staying()
			first := v.get("/sign-in")
			visit := first.header.Get("Set-Cookie")
			visit, _, _ = strings.Cut(visit, ";")
			form := first.form("/sign-in").set("username", "ada").set("password", password)
			p := form.submit("Cookie", visit)
			var got string
			for _, c := range p.header.Values("Set-Cookie") {
				if strings.HasPrefix(c, want[0]) {
					got = c
				}
			}
			for _, part := range want {
				if !strings.Contains(got, part) {
					t.Errorf("got %q in %q, want %s", got, p.header.Values("Set-Cookie"), part)
				}
			}
			if publicURL == "" && strings.Contains(got, "Secure") || strings.Contains(got, "Domain") {
				t.Errorf("got %q", got)
			}
			if secure := p.header.Get("Strict-Transport-Security") != ""; secure != (publicURL != "") {
				t.Errorf("Strict-Transport-Security is there: %t", secure)
			}
		})
	}
}

func TestSignOut(t *testing.T) {
	h := newHouse(t)
	h.user("ada", models.RoleAdmin, nil)
	v := h.as("ada")
	id := v.cookie("keeper")
	v.get("/").form("/sign-out").submit().want(http.StatusOK, "h1", "Sign in")
	if v.cookie("keeper") != "" {
		t.Error("the cookie is still there")
	}
	if p := h.visitor().staying().get("/", "Cookie", "keeper="+id); p.status != http.StatusSeeOther {
		t.Errorf("the session still gets %d", p.status)
	}
	v.post("/sign-out", nil).want(http.StatusOK, "h1", "Sign in") // again, with nothing to end
}

func TestMustChangePassword(t *testing.T) {
	h := newHouse(t)
	oneTime, err := h.auth.Bootstrap(context.Background(), "admin", "")
	must(t, err)
	v := h.visitor()
	v.signIn("admin", oneTime).want(http.StatusOK, "h1", "Choose a password")
	for _, path := range []string{"/", "/secrets", "/tokens", "/profile"} {
		if got := v.get(path).path(); got != "/password" {
			t.Errorf("%s leads to %s", path, got)
		}
	}
	if got := v.post("/environments", url.Values{"name": {"x"}, "csrf_token": {tokenOf(v.get("/password"))}}).path(); got != "/password" {
		t.Errorf("a change leads to %s", got)
	}
	change := func(current, next, repeat string) *page {
		return v.get("/password").form("/password").
			set("current_password", current).set("new_password", next).set("repeat_password", repeat).submit()
	}
	change("wrong", "a long new password", "a long new password").want(http.StatusBadRequest, "#f-current-password-error", "not right")
	change(oneTime, "short", "short").want(http.StatusBadRequest, "#f-new-password-error", "at least 12")
	change(oneTime, "a long new password", "another").want(http.StatusBadRequest, "#f-repeat-password-error", "same")
	change(oneTime, "a long new password", "a long new password").want(http.StatusOK, ".flash-done", "Your password is changed")
	v.get("/secrets").want(http.StatusOK, "h1", "Secrets")
}

// TestOneTimePasswordEnded signs in with one that nobody changed in time, and holds what the
// pages say of it.
func TestOneTimePasswordEnded(t *testing.T) {
	h := newHouse(t)
	h.user("root", models.RoleAdmin, nil)
	admin := h.as("root")
	u, oneTime, err := h.auth.CreateUser(context.Background(), models.System(), auth.NewUser{Username: "grace"})
	must(t, err)
	admin.get("/admin/users/"+string(u.ID)).want(http.StatusOK, "main", "one-time, not changed yet; ends in")
	late := h.visitor()
	late.signIn("grace", oneTime).want(http.StatusOK, "h1", "Choose a password")
	past := time.Now().Add(-time.Minute)
	u = h.userNamed("grace")
	u.PasswordExpiresAt = &past
	must(t, h.store.Write(context.Background(), func(tx *store.Tx) error { return tx.UpdateUser(&u) }))
	h.visitor().signIn("grace", oneTime).want(http.StatusUnauthorized, ".summary", "This one-time password has ended")
	h.visitor().signIn("grace", "another").want(http.StatusUnauthorized, ".summary", "The user name or the password is wrong")
	form := late.get("/password").form("/password")
	form.set("current_password", oneTime).set("new_password", "a long new password").set("repeat_password", "a long new password")
	form.submit().want(http.StatusUnauthorized, ".summary", "Ask an administrator for a new one")
	admin.get("/admin/users/"+string(u.ID)).want(http.StatusOK, "main", "one-time, not changed yet; ended")
	if got := h.userNamed("grace"); !got.MustChangePassword || got.PasswordHash != u.PasswordHash {
		t.Errorf("the password was changed: %+v", got)
	}
}

func TestToken(t *testing.T) {
	h := newHouse(t)
	h.user("ada", models.RoleAdmin, nil)
	h.user("bob", models.RoleAdmin, nil)
	v, other := h.as("ada"), h.as("bob")
	typed := func(token string) url.Values {
		return url.Values{"name": {"production"}, "display_name": {"Typed before"}, "csrf_token": {token}}
	}
	for name, token := range map[string]string{"Missing": "", "Wrong": "x", "OfAnother": tokenOf(other.get("/"))} {
		t.Run(name, func(t *testing.T) {
			p := v.post("/environments", typed(token)).want(http.StatusForbidden, ".summary", "another sign-in")
			if got := p.form("/environments").value("display_name"); got != "Typed before" {
				t.Errorf("the form lost what was typed: %q", got)
			}
		})
	}
	t.Run("NoForm", func(t *testing.T) {
		v.post("/sync", url.Values{}).want(http.StatusForbidden, ".problem-what", "nothing was done")
	})
	if e, err := h.secrets.Environments(context.Background(), models.System()); err != nil || len(e) != 0 {
		t.Errorf("got %v, %v", e, err)
	}
	t.Run("Header", func(t *testing.T) {
		p := v.post("/environments", url.Values{"name": {"production"}}, "X-CSRF-Token", tokenOf(v.get("/")))
		p.want(http.StatusOK, ".flash-done", "created")
	})
	t.Run("Again", func(t *testing.T) {
		// The form that was refused carries a good token: sending it again works.
		form := v.post("/environments", url.Values{"name": {"staging"}, "csrf_token": {"stale"}}).form("/environments")
		form.submit().want(http.StatusOK, ".flash-done", "created")
	})
}

func TestFlashOnce(t *testing.T) {
	h := newHouse(t)
	h.user("ada", models.RoleAdmin, nil)
	v := h.as("ada")
	stay := v.staying()
	form := v.get("/environments/new").form("/environments").set("name", "production")
	form.p.v = stay
	to := form.submit().header.Get("Location")
	if p := v.get(to, "Keeper-Background", "1"); p.has(".flash") {
		t.Error("a fetch in the background took the message")
	}
	v.get(to).want(http.StatusOK, ".flash-done", "created")
	if p := v.get(to); p.has(".flash") {
		t.Errorf("the message shows again: %s", p.text(".flash"))
	}
}

func TestProfile(t *testing.T) {
	h := newHouse(t)
	e := h.environment("production")
	h.user("ada", models.RoleUser, map[models.EnvironmentID]models.EnvironmentRole{e.ID: models.RoleReader})
	one, two, three := h.as("ada"), h.as("ada"), h.as("ada")
	p := one.get("/profile").want(http.StatusOK, "main", "reader")
	if n := len(p.all("tbody tr")); n != 3 {
		t.Fatalf("got %d sessions, want 3", n)
	}
	var action string
	for _, f := range p.all(`form[action$="/revoke"]`) {
		action = attribute(f, "action")
	}
	p.form(action).submit().want(http.StatusOK, ".flash-done", "ended")
	one.get("/profile").form("/profile/sessions/revoke-others").submit().want(http.StatusOK, ".flash-done", "ended")
	for _, gone := range []*visitor{two, three} {
		if got := gone.get("/").path(); got != "/sign-in" {
			t.Errorf("a session that was ended gets %s", got)
		}
	}
	one.get("/").want(http.StatusOK, "", "")
}

// TestIdle holds that a page that is left open does not keep its session from ending.
func TestIdle(t *testing.T) {
	h := newHouse(t)
	h.user("ada", models.RoleAdmin, nil)
	v := h.as("ada")
	age := func() time.Time {
		var seen time.Time
		must(t, h.store.Write(context.Background(), func(tx *store.Tx) error {
			users, err := tx.Users()
			if err != nil {
				return err
			}
			all, err := tx.SessionsOfUser(users[0].ID)
			if err != nil {
				return err
			}
			seen = all[0].LastSeenAt
			return tx.TouchSession(all[0].Hash, time.Now().Add(-30*time.Minute))
		}))
		return seen
	}
	age()
	v.get("/", "Keeper-Background", "1").want(http.StatusOK, "", "")
	if since := time.Since(age()); since < 29*time.Minute {
		t.Errorf("a fetch in the background counts as use: %v", since)
	}
	v.get("/")
	if since := time.Since(age()); since > time.Minute {
		t.Errorf("opening a page does not count as use: %v", since)
	}
}
