package web_test

import (
	"context"
	"io"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/your-org/keeper/audit"
	"github.com/your-org/keeper/auth"
	"github.com/your-org/keeper/models"
	"github.com/your-org/keeper/secrets"
	"github.com/your-org/keeper/store"
	"github.com/your-org/keeper/templates"
)

// furnish fills a house with something of everything.
func (h *house) furnish() (models.Environment, models.Destination, models.Secret) {
	h.t.Helper()
	production, staging := h.environment("production"), h.environment("staging")
	d := h.destination(production, "aws-main")
	h.destination(staging, "vault-main")
	s := h.secret(production, "payments/stripe/api-key")
	h.secret(staging, "payments/db")
	gone := h.secret(production, "old")
	ctx := context.Background()
	_, err := h.secrets.Delete(ctx, models.System(), gone.ID, 0)
	must(h.t, err)
	next := models.NewPlaintext([]byte(canary + " second"))
	soon := time.Now().Add(48 * time.Hour)
	_, err = h.secrets.Update(ctx, models.System(), s.ID, secrets.Change{Value: &next, Comment: "rotated", ExpiresAt: &soon}, 0)
	must(h.t, err)
	h.inSync(s.ID)
	return production, d, s
}

func TestSignedOut(t *testing.T) {
	h := newHouse(t)
	v := h.visitor().staying()
	filled := strings.NewReplacer("{secret}", "1", "{version}", "1", "{environment}", "production", "{destination}", "dst_1", "{run}", "run_1", "{plan}", "pln_1", "{import}", "imp_1", "{alert}", "alr_1", "{channel}", "chn_1", "{session}", "x", "{token}", "x", "{passkey}", "x", "{user}", "usr_1", "{group}", "grp_1", "{provider}", "okta")
	for _, route := range templates.Routes {
		if strings.HasPrefix(route.Path, "/sign-in") || strings.HasPrefix(route.Path, "/saml/") {
			continue // for those who are not signed in yet
		}
		path := filled.Replace(route.Path)
		t.Run(route.Method+path, func(t *testing.T) {
			p := v.do(route.Method, path, url.Values{})
			location := p.header.Get("Location")
			switch {
			case path == "/sign-out":
				if location != "/sign-in" {
					t.Errorf("got %d to %s", p.status, location)
				}
			case route.Method == http.MethodPost, path == "/events":
				if p.status != http.StatusUnauthorized {
					t.Errorf("got %d", p.status)
				}
			case p.status != http.StatusSeeOther || !strings.HasPrefix(location, "/sign-in"):
				t.Errorf("got %d to %s", p.status, location)
			case path != "/" && location != "/sign-in?next="+url.QueryEscape(path):
				t.Errorf("got %s", location)
			}
		})
	}
}

// TestEveryPage walks all that an administrator can reach by links.
func TestEveryPage(t *testing.T) {
	h := newHouse(t)
	h.user("ada", models.RoleAdmin, nil)
	production, d, s := h.furnish()
	v := h.as("ada")
	queue, seen := []string{"/", "/secrets?state=failed", "/audit?environment=production"}, map[string]bool{}
	for len(queue) > 0 {
		path := queue[0]
		queue = queue[1:]
		if seen[path] {
			continue
		}
		seen[path] = true
		p := v.get(path)
		if p.status != http.StatusOK {
			t.Errorf("%s answers %d: %s", path, p.status, p.text("main"))
			continue
		}
		if path == "/docs" {
			continue // the API's reference, which is public and may be kept; web/rest walks it
		}
		if p.header.Get("Cache-Control") != "no-store" {
			t.Errorf("%s may be kept: %q", path, p.header.Get("Cache-Control"))
		}
		for _, n := range p.all("a[href]") {
			to, _, _ := strings.Cut(attribute(n, "href"), "#")
			// Filters multiply; one parameter each shows that all of them work.
			if strings.HasPrefix(to, "/") && strings.Count(to, "=") <= 1 && !seen[to] {
				queue = append(queue, to)
			}
		}
		for _, n := range p.all("link[href], script[src], img[src]") {
			asset := attribute(n, "href") + attribute(n, "src")
			if !seen[asset] {
				seen[asset] = true
				if a := v.get(asset); a.status != http.StatusOK {
					t.Errorf("%s needs %s, which answers %d", path, asset, a.status)
				}
			}
		}
	}
	id := strconv.FormatInt(int64(s.ID), 10)
	for _, path := range []string{
		"/", "/secrets", "/secrets/new", "/secrets/deleted", "/secrets/" + id, "/secrets/" + id + "/edit", "/secrets/" + id + "/versions",
		"/secrets/" + id + "/versions/new", "/secrets/" + id + "/versions/1/rollback", "/secrets/" + id + "/activity", "/secrets/" + id + "/delete",
		"/environments", "/environments/new", "/environments/" + production.Name, "/environments/production/edit", "/environments/production/delete", "/environments/production/export", "/environments/production/destinations",
		"/environments/production/destinations/new", "/environments/production/destinations/new?kind=vault_kv_v2",
		"/destinations/" + string(d.ID), "/destinations/" + string(d.ID) + "/runs", "/destinations/" + string(d.ID) + "/plans", "/destinations/" + string(d.ID) + "/holds", "/destinations/" + string(d.ID) + "/edit",
		"/destinations/" + string(d.ID) + "/delete", "/sync", "/keys", "/keys/rewrap?key=k", "/audit", "/profile", "/tokens", "/tokens/new", "/password",
	} {
		if !seen[path] {
			t.Errorf("no link leads to %s", path)
		}
	}
	if !slices.ContainsFunc(sortedKeys(seen), func(path string) bool { return strings.HasPrefix(path, "/sync/runs/") }) {
		t.Error("no link leads to a run")
	}
}

func sortedKeys(m map[string]bool) []string {
	var keys []string
	for k := range m {
		keys = append(keys, k)
	}
	slices.Sort(keys)
	return keys
}

func TestDashboard(t *testing.T) {
	h := newHouse(t)
	h.user("ada", models.RoleAdmin, nil)
	h.user("eve", models.RoleUser, nil)
	t.Run("FirstRun", func(t *testing.T) {
		h.as("ada").get("/").want(http.StatusOK, ".setup", "0 of 4 done")
	})
	h.furnish()
	t.Run("Furnished", func(t *testing.T) {
		p := h.as("ada").get("/")
		p.want(http.StatusOK, "#stats", "Secrets 2")
		p.want(http.StatusOK, "#stats", "Changed in 24 h 2")
		p.want(http.StatusOK, "#glance", "aws-main")
		p.want(http.StatusOK, "#attention", "expires")
		p.want(http.StatusOK, "#health", "Database")
		p.want(http.StatusOK, "#health", "Recipients of hidden-name")
		p.want(http.StatusOK, "#activity", "payments/stripe/api-key")
		if p.has(".setup") {
			t.Error("the first run is over")
		}
	})
	t.Run("Nobody's", func(t *testing.T) {
		h.sick.Store(true)
		p := h.as("eve").get("/")
		p.want(http.StatusOK, "#health", "An administrator is told why.")
		for _, hidden := range []string{"production", "aws-main", "stripe", "hidden-name"} {
			if strings.Contains(p.body, hidden) {
				t.Errorf("somebody without a role is told of %s", hidden)
			}
		}
	})
}

// TestViewer holds what a role does not allow to be neither offered nor done.
func TestViewer(t *testing.T) {
	h := newHouse(t)
	production, d, s := h.furnish()
	h.user("ada", models.RoleAdmin, nil)
	h.user("vic", models.RoleUser, map[models.EnvironmentID]models.EnvironmentRole{production.ID: models.RoleViewer})
	h.user("eve", models.RoleUser, nil)
	secret, destination := "/secrets/"+strconv.FormatInt(int64(s.ID), 10), "/destinations/"+string(d.ID)
	viewer, nobody := h.as("vic"), h.as("eve")
	p := viewer.get(secret).want(http.StatusOK, "main", "Your role shows names, not values")
	for _, selector := range []string{"[data-reveal]", `a[href$="/edit"]`, `a[href$="/delete"]`, `a[href$="/versions/new"]`} {
		if p.has(selector) {
			t.Errorf("a viewer is offered %s", selector)
		}
	}
	if p := viewer.get(destination); p.has(".page-acts form") {
		t.Error("a viewer is offered acts on a destination")
	}
	for _, path := range []string{
		secret + "/edit", secret + "/delete", secret + "/versions/new", secret + "/versions/1/rollback", destination + "/edit", destination + "/delete",
		"/environments/production/edit", "/environments/production/destinations/new", "/environments/new", "/audit",
	} {
		viewer.get(path).want(http.StatusForbidden, ".problem", "")
	}
	changes := []string{
		secret + "/edit", secret + "/delete", secret + "/undelete", secret + "/versions", secret + "/versions/1/reveal", secret + "/versions/1/rollback",
		destination + "/test", destination + "/sync", destination + "/pause", destination + "/resume", destination + "/edit", destination + "/delete",
		"/environments/production/edit", "/environments/production/delete", "/environments/production/export", "/environments/production/destinations",
	}
	for _, path := range changes {
		t.Run(path, func(t *testing.T) {
			for v, want := range map[*visitor]int{viewer: http.StatusForbidden, nobody: http.StatusNotFound} {
				form := url.Values{"csrf_token": {tokenOf(v.get("/"))}, "confirm": {s.Name}, "name": {d.Name}, "value": {"x"}}
				if strings.HasSuffix(path, "destinations/"+string(d.ID)+"/delete") {
					form.Set("confirm", d.Name)
				}
				if p := v.post(path, form); p.status != want {
					t.Errorf("got %d, want %d: %s", p.status, want, p.text("main"))
				}
			}
		})
	}
	nobody.get(secret).want(http.StatusNotFound, ".problem-what", "no such secret")
	nobody.get("/environments/production").want(http.StatusNotFound, "", "")
	refused, _, err := audit.NewLog(h.store, h.secrets.AuditAccess).List(context.Background(), models.System(), audit.Query{Outcome: models.OutcomeRefused})
	must(t, err)
	if len(refused) < len(changes) {
		t.Errorf("%d refusals are on record, want %d at least", len(refused), len(changes))
	}
	got, _, err := h.secrets.Get(context.Background(), models.System(), s.ID)
	must(t, err)
	if got.Revision != 2 || got.Deleted() {
		t.Errorf("the secret was changed: %+v", got)
	}
}

func TestHostileNames(t *testing.T) {
	h := newHouse(t)
	h.user("ada", models.RoleAdmin, nil)
	production := h.environment("production")
	const hostile = `"><script>alert(1)</script><img src=x onerror=alert(1)>{{.}}`
	v := h.as("ada")
	form := v.get("/secrets/new?environment=production").form("/secrets")
	form.set("name", "a").set("value", canary).set("description", hostile).set("owner", hostile).set("tags", "key="+hostile)
	p := form.submit().want(http.StatusOK, ".facts", hostile)
	s := p.path()
	v.get("/environments/production/edit").form("/environments/production/edit").
		set("display_name", hostile).set("description", hostile).submit()
	_, _, err := h.auth.CreateToken(context.Background(), actorOf(t, h, "ada"), auth.NewToken{Name: hostile})
	must(t, err)
	h.visitor().signIn(hostile, "x")
	for _, path := range []string{
		"/", "/secrets", s, s + "/edit", s + "/activity", "/environments", "/environments/" + production.Name, "/tokens", "/audit", "/sync",
		"/secrets?q=" + url.QueryEscape(hostile), "/secrets?tag=" + url.QueryEscape(hostile), "/audit?actor=" + url.QueryEscape(hostile),
		"/secrets?environment=" + url.QueryEscape(hostile), "/sign-in?next=" + url.QueryEscape("/"+hostile), "/" + url.PathEscape(hostile),
	} {
		p := v.get(path)
		if p.has("script:not([src])") || p.has("[onerror]") || p.has(`img[src="x"]`) {
			t.Errorf("%s lets a name become markup", path)
		}
	}
}

func actorOf(t testing.TB, h *house, name string) models.Actor {
	t.Helper()
	actor, err := h.auth.Local(context.Background(), name)
	must(t, err)
	return actor
}

func TestProblems(t *testing.T) {
	h := newHouse(t)
	h.user("ada", models.RoleAdmin, nil)
	h.environment("production")
	v := h.as("ada")
	for path, status := range map[string]int{
		"/nowhere": 404, "/secrets/99": 404, "/secrets/x": 404, "/secrets/-1": 404, "/secrets/1/versions/x/rollback": 404,
		"/environments/none": 404, "/destinations/none": 404, "/sync/runs/none": 404, "/secrets?environment=none": 404,
		"/secrets?cursor=none": 400, "/audit?from=yesterday": 400, "/audit?environment=none": 404,
	} {
		p := v.get(path).want(status, "main", "")
		if !p.has(".problem-id code") || p.header.Get("X-Request-Id") != p.text(".problem-id code") {
			t.Errorf("%s does not name the request", path)
		}
	}
	t.Run("Method", func(t *testing.T) {
		v.do(http.MethodDelete, "/secrets", nil).want(400, ".problem", "requests of this kind")
	})
	t.Run("TooLarge", func(t *testing.T) {
		p := v.post("/secrets", url.Values{"value": {strings.Repeat("x", 1<<20)}}, "X-CSRF-Token", tokenOf(v.get("/")))
		p.want(http.StatusRequestEntityTooLarge, ".summary", "65,536")
	})
	t.Run("Broken", func(t *testing.T) {
		r, err := http.NewRequest(http.MethodPost, h.url+"/secrets", strings.NewReader("value="+canary+"%zz"))
		must(t, err)
		r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
		answer, err := v.client.Do(r)
		must(t, err)
		defer answer.Body.Close()
		if answer.StatusCode != http.StatusBadRequest || strings.Contains(h.log.String(), canary) {
			t.Errorf("got %d, or the log quotes the form", answer.StatusCode)
		}
	})
	t.Run("Away", func(t *testing.T) {
		must(t, h.store.Close())
		p := v.get("/")
		if p.status < 500 || !strings.Contains(p.body, "Keeper") && !strings.Contains(p.body, "again") {
			t.Errorf("got %d %s", p.status, p.body)
		}
	})
}

// TestAuditExportSignedOut sees that an export ends with the session that it was asked in.
func TestAuditExportSignedOut(t *testing.T) {
	h := newHouse(t)
	h.user("ada", models.RoleAdmin, nil)
	entries := make([]models.AuditEntry, 30_000)
	for i := range entries {
		entries[i] = models.AuditEntry{ActorKind: models.ActorSystem, ActorName: "system", Action: "test.many", Outcome: models.OutcomeAllowed, Detail: map[string]string{"filling": strings.Repeat("x", 500)}}
	}
	must(t, h.store.Write(t.Context(), func(tx *store.Tx) error { return tx.AppendAudits(entries) }))
	v := h.as("ada")
	answer, err := v.client.Get(h.url + "/audit/export?format=jsonl")
	must(t, err)
	defer answer.Body.Close()
	_, err = io.ReadFull(answer.Body, make([]byte, 64<<10))
	must(t, err)
	v.get("/profile").form("/sign-out").submit()
	if n, err := io.Copy(io.Discard, answer.Body); err == nil {
		t.Errorf("the session ended, and an export of %d bytes more ended well", n)
	}
	eventually(t, "the log to tell of it", func() bool {
		return strings.Contains(h.log.String(), `"route":"/audit/export"`) && strings.Contains(h.log.String(), `"cut_off":true`)
	})
}

func TestAuditPage(t *testing.T) {
	h := newHouse(t)
	production, _, s := h.furnish()
	h.user("ada", models.RoleAdmin, nil)
	h.user("max", models.RoleUser, map[models.EnvironmentID]models.EnvironmentRole{production.ID: models.RoleManager})
	v := h.as("ada")
	today := time.Now().UTC().Format(time.DateOnly)
	for query, want := range map[string][2]string{
		"environment=production&action=secret.":   {s.Name, "payments/db"},
		"environment=staging":                     {"payments/db", s.Name},
		"object=stripe&action=secret.create":      {s.Name, "payments/db"},
		"outcome=refused":                         {"No entry matches", s.Name},
		"actor=system&object=STRIPE":              {s.Name, "payments/db"},
		"actor=nobody":                            {"No entry matches", s.Name},
		"q=STRIPE&action=secret.create":           {s.Name, "payments/db"},
		"action=secret.create&from=" + today:      {s.Name, "destination"},
		"from=2020-01-01&until=2020-01-02":        {"No entry matches", s.Name},
		"action=secret.create&until=" + today:     {s.Name, "reveal"},
		"action=secret.create&outcome=allowed":    {s.Name, "reveal"},
		"action=session.create&environment=":      {"ada", s.Name},
		"action=session.create&actor=somebodyels": {"No entry matches", s.Name},
	} {
		t.Run(query, func(t *testing.T) {
			p := v.get("/audit?"+query).want(http.StatusOK, ".panel", want[0])
			if strings.Contains(p.text(".panel"), want[1]) {
				t.Errorf("%s is there too: %s", want[1], p.text(".panel"))
			}
		})
	}
	t.Run("Chips", func(t *testing.T) {
		p := v.get("/audit?q=stripe&action=secret.create&outcome=allowed").want(http.StatusOK, ".filter-bar", "secret.create")
		if got := len(p.all(".chip")); got != 2 || len(p.all(`.filter-bar a[href="/audit"]`)) != 1 {
			t.Errorf("%d chips: %s", got, p.text(".filter-bar"))
		}
		p = v.get(attribute(p.all(".chip")[0], "href"))
		if len(p.all(".chip")) != 1 || len(p.all(`input[name=q][value=stripe]`)) == 0 {
			t.Errorf("after one was taken away: %s", p.text(".filter-bar"))
		}
	})
	t.Run("Export", func(t *testing.T) {
		p := v.get("/audit?object=stripe&action=secret.create")
		for _, a := range p.all(`a[download]`) {
			file := v.get(attribute(a, "href"))
			if file.status != http.StatusOK || strings.Count(strings.TrimSpace(file.body), "secret.create") != 1 || strings.Contains(file.body, "payments/db") {
				t.Errorf("%s gives %d %s", attribute(a, "href"), file.status, file.body)
			}
			if !strings.HasPrefix(file.header.Get("Content-Disposition"), "attachment; filename=\"keeper-audit-") || file.header.Get("Cache-Control") != "no-store" {
				t.Errorf("%s has %v", attribute(a, "href"), file.header)
			}
		}
		if got := h.audited("audit.export"); len(got) != 2 {
			t.Errorf("on record: %v", got)
		}
		for query, status := range map[string]int{"": 400, "?format=xlsx": 400, "?format=csv&from=x": 400, "?format=csv&environment=none": 404} {
			if p := v.get("/audit/export" + query); p.status != status {
				t.Errorf("%s: %d, want %d", query, p.status, status)
			}
		}
		h.user("nobody", models.RoleUser, nil)
		if p := h.as("nobody").get("/audit/export?format=csv"); p.status != http.StatusForbidden {
			t.Errorf("somebody without a role gets %d", p.status)
		}
		file := h.as("max").get("/audit/export?format=jsonl")
		if file.status != http.StatusOK || strings.Contains(file.body, "payments/db") || strings.Contains(file.body, "session") || !strings.Contains(file.body, s.Name) {
			t.Errorf("a manager gets %d %s", file.status, file.body)
		}
	})
	t.Run("Manager", func(t *testing.T) {
		p := h.as("max").get("/audit").want(http.StatusOK, ".panel", s.Name)
		if strings.Contains(p.body, "payments/db") || strings.Contains(p.text(".panel"), "session") {
			t.Error("a manager sees more than the environment's entries")
		}
	})
}
