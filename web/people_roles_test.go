package web_test

import (
	"context"
	"net/http"
	"net/url"
	"strings"
	"testing"

	"github.com/your-org/keeper/auth"
	"github.com/your-org/keeper/models"
	"github.com/your-org/keeper/templates"
)

// people is a house with somebody of each role, a group and a service account with a token.
type people struct {
	*house
	production models.Environment
	visitors   map[string]*visitor
	group      models.Group
	service    models.User
	token      models.Token
}

func newPeople(t *testing.T) *people {
	t.Helper()
	h := newHouse(t)
	p := &people{house: h, production: h.environment("production"), visitors: map[string]*visitor{}}
	h.environment("staging")
	h.user("ada", models.RoleAdmin, nil)
	h.user("aud", models.RoleAuditor, nil)
	h.user("max", models.RoleUser, map[models.EnvironmentID]models.EnvironmentRole{p.production.ID: models.RoleManager})
	h.user("vic", models.RoleUser, map[models.EnvironmentID]models.EnvironmentRole{p.production.ID: models.RoleViewer})
	h.user("eve", models.RoleUser, nil)
	for _, name := range []string{"ada", "aud", "max", "vic", "eve"} {
		p.visitors[name] = h.as(name)
	}
	ctx, system := context.Background(), p.local("ada")
	var err error
	p.group, err = h.auth.CreateGroup(ctx, system, auth.NewGroup{Name: "Payments"})
	must(t, err)
	p.service, _, err = h.auth.CreateUser(ctx, system, auth.NewUser{Kind: models.UserService, Username: "deployer"})
	must(t, err)
	_, p.token, err = h.auth.CreateTokenFor(ctx, system, "deployer", auth.NewToken{Name: "release"})
	must(t, err)
	return p
}

// local is somebody at the server's own machine, who needs no proof.
func (h *house) local(name string) models.Actor {
	actor := actorOf(h.t, h, name)
	actor.Via = "cli"
	return actor
}

func (h *house) account(name string) auth.Account {
	h.t.Helper()
	a, err := h.auth.Account(context.Background(), h.local("ada"), name)
	must(h.t, err)
	return a
}

func (p *people) user(name string) string { return "/admin/users/" + string(p.account(name).ID) }

// fill puts the identifiers of the house into a route.
func (p *people) fill(path string) string {
	return strings.NewReplacer("{user}", string(p.service.ID), "{group}", string(p.group.ID), "{token}", string(p.token.ID), "{session}", "aa").Replace(path)
}

// TestAdminRoles asks each page of Admin for each role. For who may not see users there is
// none: the answer is that of a page that does not exist.
func TestAdminRoles(t *testing.T) {
	p := newPeople(t)
	nothing := p.visitors["eve"].get("/admin/nothing")
	for _, route := range templates.Routes {
		if !strings.HasPrefix(route.Path, "/admin/") || route.Path == "/admin/access" || strings.HasPrefix(route.Path, "/admin/providers") {
			continue
		}
		changes := route.Method == http.MethodPost
		writes := changes || strings.HasSuffix(route.Path, "/new") || strings.HasSuffix(route.Path, "/edit") || strings.HasSuffix(route.Path, "/delete") ||
			strings.HasSuffix(route.Path, "/disable") || strings.HasSuffix(route.Path, "/password") || strings.HasSuffix(route.Path, "/factors") || strings.HasSuffix(route.Path, "/rotate")
		ask := func(name string, path string) *page {
			v := p.visitors[name]
			if changes {
				return v.post(path, url.Values{"csrf_token": {tokenOf(v.get("/"))}, "name": {"x"}, "username": {"x"}, "environment": {"production"}, "role": {"viewer"}, "user": {"eve"}, "overlap": {"1"}})
			}
			return v.get(path)
		}
		t.Run(route.Method+route.Path, func(t *testing.T) {
			path := p.fill(route.Path)
			for _, name := range []string{"eve", "vic", "max"} {
				for _, at := range []string{path, strings.Replace(path, string(p.service.ID), "usr_none", 1)} {
					got := ask(name, at)
					if got.status != http.StatusNotFound || got.text(".problem-what") != nothing.text(".problem-what") || got.text(".problem-next") != nothing.text(".problem-next") {
						t.Errorf("%s gets %d from %s: %s", name, got.status, at, got.text("main"))
					}
				}
			}
			want := http.StatusOK
			if writes {
				want = http.StatusForbidden
			}
			if got := ask("aud", path); got.status != want {
				t.Errorf("an auditor gets %d, want %d: %s", got.status, want, got.text("main"))
			}
			if !changes {
				if got := ask("ada", path); got.status != http.StatusOK {
					t.Errorf("an administrator gets %d: %s", got.status, got.text("main"))
				}
			}
		})
	}
	t.Run("Sidebar", func(t *testing.T) {
		for name, want := range map[string]bool{"ada": true, "aud": true, "max": false, "vic": false, "eve": false} {
			if got := p.visitors[name].get("/").has(`a[href="/admin/users"]`); got != want {
				t.Errorf("%s is shown Admin: %t", name, got)
			}
		}
		for name, want := range map[string]bool{"ada": true, "aud": true, "max": true, "vic": false, "eve": false} {
			p := p.visitors[name].get("/")
			if p.has(`a[href="/audit"]`) != want || p.has("#activity") != want {
				t.Errorf("%s is shown the audit log: %t, and of late: %t", name, p.has(`a[href="/audit"]`), p.has("#activity"))
			}
		}
	})
	t.Run("NothingToClick", func(t *testing.T) {
		for _, path := range []string{"/admin/users", p.fill("/admin/users/{user}"), "/admin/groups", p.fill("/admin/groups/{group}"), "/admin/tokens"} {
			if forms := p.visitors["aud"].get(path).all(`main form[method="post"]`); len(forms) != 0 {
				t.Errorf("an auditor is offered %d changes on %s", len(forms), path)
			}
		}
	})
}

// TestProofFirst holds that who needs a proof is asked for it before a form is filled in.
func TestProofFirst(t *testing.T) {
	p := newPeople(t)
	p.age()
	for _, path := range []string{"/admin/users/new", "/admin/groups/new", p.user("eve") + "/edit", p.user("eve") + "/disable", p.user("eve") + "/delete", p.fill("/admin/users/{user}/tokens/new")} {
		form := p.visitors["ada"].get(path)
		if form.path() != "/prove" || form.url.Query().Get("next") != path {
			t.Errorf("%s leads to %s", path, form.url)
		}
	}
	v := p.visitors["ada"]
	here := p.user("eve")
	v.get(here).want(http.StatusOK, ".notice", "Prove it now")
	asked := v.post(here+"/roles", url.Values{"csrf_token": {tokenOf(v.get(here))}, "environment": {"production"}, "role": {"reader"}}, "Referer", p.url+here)
	asked.want(http.StatusForbidden, ".summary [data-prove-aside]", "Prove it in another tab")
	if len(p.account("eve").Grants) != 0 {
		t.Error("the change was made without a proof")
	}
	back := v.get("/prove?next="+here).form("/prove").set("password", password).submit()
	if back.path() != here || back.has(".notice") {
		t.Errorf("the proof leads back to %s", back.url)
	}
	back.form(here+"/roles").set("environment", "production").set("role", "reader").submit().want(http.StatusOK, ".flash-done", "eve is reader in production")
}

func TestMemberPages(t *testing.T) {
	p := newPeople(t)
	const here = "/environments/production/members"
	for name, want := range map[string]int{"ada": 200, "aud": 200, "max": 200, "vic": 403, "eve": 404} {
		if got := p.visitors[name].get(here); got.status != want {
			t.Errorf("%s gets %d, want %d", name, got.status, want)
		}
		if want != 200 {
			got := p.visitors[name].post(here, url.Values{"csrf_token": {tokenOf(p.visitors[name].get("/"))}, "user": {"eve"}, "role": {"manager"}})
			if got.status != want {
				t.Errorf("%s changes members: %d, want %d", name, got.status, want)
			}
		}
	}
	max := p.visitors["max"]
	t.Run("Give", func(t *testing.T) {
		max.get(here).form(here).submit() // the form of the first row: changes nothing
		give := p.giving(max, here, "eve", "reader").want(http.StatusOK, ".flash-done", "eve is reader in production")
		if give.has(`a[href^="/admin/users/"]`) {
			t.Error("a manager is shown links to accounts")
		}
		p.giving(max, here, "eve", "").want(http.StatusOK, ".flash-done", "eve has no role of its own in production any more")
	})
	t.Run("Nobody", func(t *testing.T) {
		again := p.giving(max, here, "nobody", "reader").want(http.StatusNotFound, ".summary", "none that there is")
		if got := attribute(again.all("#f-user")[0], "value"); got != "nobody" {
			t.Errorf("the form lost what was typed: %q", got)
		}
	})
	t.Run("Role", func(t *testing.T) {
		p.giving(max, here, "eve", "owner").want(http.StatusBadRequest, ".summary", "viewer, reader, editor or manager")
	})
	t.Run("OneselfAway", func(t *testing.T) {
		if got := p.giving(max, here, "max", "viewer").want(http.StatusOK, ".flash-done", "max is viewer"); got.path() != "/environments" {
			t.Errorf("ended at %s", got.path())
		}
		max.get(here).want(http.StatusForbidden, "", "")
	})
}

func (p *people) giving(v *visitor, here, user, role string) *page {
	return v.post(here, url.Values{"csrf_token": {tokenOf(v.get("/"))}, "user": {user}, "role": {role}})
}

func TestAccessPage(t *testing.T) {
	p := newPeople(t)
	ask := func(name, who, action, environment string) *page {
		return p.visitors[name].get("/admin/access?" + url.Values{"who": {who}, "action": {action}, "environment": {environment}}.Encode())
	}
	ask("ada", "max", "secret.reveal", "production").want(http.StatusOK, "#answer", "manager, a role of its own here")
	ask("ada", "vic", "secret.reveal", "production").want(http.StatusOK, "#answer", "It takes the role reader")
	ask("ada", string(p.token.ID), "secret.view", "production").want(http.StatusOK, "#answer", "deployer by the token release")
	ask("ada", "", "secret.reveal", "production").want(http.StatusOK, "#answer tbody", "max")
	ask("max", "", "secret.reveal", "production").want(http.StatusOK, "#answer tbody", "ada")
	ask("eve", "", "users.manage", "").want(http.StatusOK, "#answer", "not allowed") // about itself
	ask("ada", "", "made.up", "").want(http.StatusBadRequest, ".summary", "docs/access.md")
	t.Run("Strangers", func(t *testing.T) {
		there, nobody := ask("vic", "max", "secret.reveal", "production"), ask("vic", "nobody", "secret.reveal", "production")
		if there.status != http.StatusNotFound || there.status != nobody.status || there.text(".summary") != nobody.text(".summary") {
			t.Errorf("who is there: %d %q; who is not: %d %q", there.status, there.text(".summary"), nobody.status, nobody.text(".summary"))
		}
		hidden, none := ask("eve", "", "secret.view", "production"), ask("eve", "", "secret.view", "nowhere")
		if hidden.status != http.StatusNotFound || hidden.text(".summary") == "" || strings.ReplaceAll(hidden.text(".summary"), "production", "nowhere") != none.text(".summary") {
			t.Errorf("an environment that is hidden: %d %q; one that is not there: %d %q", hidden.status, hidden.text(".summary"), none.status, none.text(".summary"))
		}
	})
	t.Run("Words", func(t *testing.T) {
		for _, action := range auth.Actions() {
			if templates.ActionWord(string(action)) == string(action) {
				t.Errorf("%s has no words for people", action)
			}
		}
	})
}
