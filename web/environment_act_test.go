package web_test

import (
	"context"
	"encoding/json"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"testing"

	"github.com/your-org/keeper/fault"
	"github.com/your-org/keeper/kms/drivertest"
	"github.com/your-org/keeper/models"
	"github.com/your-org/keeper/secrets"
)

func TestDeleteEnvironmentPage(t *testing.T) {
	p := newPeople(t)
	const overview, here = "/environments/production", "/environments/production/delete"
	for name, want := range map[string]int{"ada": 200, "max": 200, "aud": 403, "vic": 403, "eve": 404} {
		v := p.visitors[name]
		v.get(here).want(want, "", "")
		if want != 200 {
			v.post(here, url.Values{"csrf_token": {tokenOf(v.get("/"))}, "confirm": {"production"}}).want(want, "", "")
		}
		if at := v.get(overview); at.status == 200 && at.has(`a[href="`+here+`"]`) != (want == 200) {
			t.Errorf("%s is offered to delete: %t", name, want != 200)
		}
	}
	max := p.visitors["max"]
	empty := max.get(here).form(here)
	s := p.secret(p.production, "payments/key")
	d := p.destination(p.production, "main")
	t.Run("InTheWay", func(t *testing.T) {
		at := max.get(here).want(http.StatusOK, "#in-the-way", "1 secret")
		for _, to := range []string{"/secrets?environment=production", "/destinations/" + string(d.ID) + "/delete"} {
			if !at.has(`#in-the-way a[href="` + to + `"]`) {
				t.Errorf("no link leads to %s", to)
			}
		}
		if at.has(`form[action="` + here + `"]`) {
			t.Error("what cannot be deleted is asked for")
		}
		empty.set("confirm", "production").submit().want(http.StatusConflict, "#summary", "still has secrets")
	})
	must(t, p.dests.Delete(context.Background(), p.local("ada"), d.ID))
	t.Run("Deleted", func(t *testing.T) {
		_, err := p.secrets.Delete(context.Background(), models.System(), s.ID, 0)
		must(t, err)
		max.get(here).want(http.StatusOK, `#in-the-way a[href="/secrets/deleted?environment=production"]`, "1 deleted secret")
	})
	t.Run("Empty", func(t *testing.T) {
		const here = "/environments/staging/delete"
		ada := p.visitors["ada"]
		form := ada.get(here).form(here)
		form.set("confirm", "production").submit().want(http.StatusBadRequest, "#f-confirm-error", "must be exactly staging")
		form.set("confirm", "staging").submit().want(http.StatusOK, ".flash-done", "staging is deleted")
		ada.get("/environments/staging").want(http.StatusNotFound, "", "")
		if got := p.entries("environment.delete"); len(got) != 1 || got[0].ActorName != "ada" {
			t.Errorf("on record: %+v", got)
		}
	})
}

// exportFile is what the file of an export holds.
type exportFile struct {
	Items   []struct{ Name, Value string }
	Unknown []struct{ Name, Problem string }
}

func (p *page) file(status int) (file exportFile) {
	p.v.t.Helper()
	p.want(status, "", "")
	must(p.v.t, json.Unmarshal([]byte(p.body), &file))
	return file
}

// reveals are the entries of values shown that ended so.
func (h *house) reveals(o models.Outcome) []models.AuditEntry {
	return slices.DeleteFunc(h.entries("secret.reveal"), func(e models.AuditEntry) bool { return e.Outcome != o })
}

func TestExportPage(t *testing.T) {
	p := newPeople(t)
	const overview, here = "/environments/production", "/environments/production/export"
	for _, name := range []string{"payments/a", "payments/b", "web/c"} {
		p.secret(p.production, name)
	}
	p.house.user("rae", models.RoleUser, map[models.EnvironmentID]models.EnvironmentRole{p.production.ID: models.RoleReader})
	p.visitors["rae"] = p.as("rae")
	for name, want := range map[string]int{"ada": 200, "max": 200, "rae": 200, "aud": 403, "vic": 403, "eve": 404} {
		v := p.visitors[name]
		v.get(here).want(want, "", "")
		if want != 200 {
			if got := v.post(here, url.Values{"csrf_token": {tokenOf(v.get("/"))}}).want(want, "", ""); strings.Contains(got.body, canary) {
				t.Errorf("%s gets values", name)
			}
		}
		if at := v.get(overview); at.status == 200 && at.has("#act-export") != (want == 200) {
			t.Errorf("%s is offered to export: %t", name, want != 200)
		}
	}
	if n := len(p.reveals(models.OutcomeRefused)); n != 2 { // whoever may see the environment
		t.Errorf("%d refusals are on record, want 2", n)
	}
	form := p.visitors["rae"].get(here).want(http.StatusOK, ".warning", "on record as revealed by you").form(here)
	t.Run("File", func(t *testing.T) {
		at := form.submit()
		file := at.file(http.StatusOK)
		if len(file.Items) != 3 || file.Items[2].Name != "web/c" || file.Items[2].Value != canary+" of web/c" {
			t.Errorf("the file has %d values", len(file.Items))
		}
		if at.header.Get("Cache-Control") != "no-store" || !strings.HasPrefix(at.header.Get("Content-Disposition"), `attachment; filename="production-`) || at.header.Get("Content-Type") != "application/json" {
			t.Errorf("the answer has %v", at.header)
		}
		if got := p.reveals(models.OutcomeAllowed); len(got) != 3 || got[0].ActorName != "rae" || got[0].Detail["by"] != "export" {
			t.Errorf("on record: %d reveals", len(got))
		}
	})
	t.Run("Prefix", func(t *testing.T) {
		if file := form.set("prefix", "payments/").submit().file(http.StatusOK); len(file.Items) != 2 {
			t.Errorf("the file has %d values, want 2", len(file.Items))
		}
		again := form.set("prefix", "a b").submit().want(http.StatusBadRequest, "#f-prefix-error", "what names may hold")
		if again.form(here).value("prefix") != "a b" {
			t.Error("what was typed is lost")
		}
		form.set("prefix", "")
	})
	t.Run("Partial", func(t *testing.T) {
		p.secrets.Envelope.Forget(p.production.ID)
		p.key.Fail(drivertest.OpUnwrap, fault.New(fault.Unavailable, "The key is away."))
		defer p.key.Fail(drivertest.OpUnwrap, nil)
		form.submit().want(http.StatusServiceUnavailable, "#summary", "nothing was exported")
		if file := form.set("partial", "true").submit().file(http.StatusOK); len(file.Items) != 0 || len(file.Unknown) != 3 || file.Unknown[0].Problem == "" {
			t.Errorf("the file has %+v", file.Unknown)
		}
	})
	t.Run("Protected", func(t *testing.T) {
		yes := true
		_, err := p.secrets.UpdateEnvironment(context.Background(), p.local("ada"), p.production.ID, secrets.EnvironmentChange{Protected: &yes}, 0)
		must(t, err)
		v := p.visitors["rae"]
		v.get(overview).want(http.StatusOK, "#protected", "protected")
		form := v.get(here).form(here)
		p.age()
		if got := v.get(here); got.path() != "/prove" || got.url.Query().Get("next") != here {
			t.Errorf("the page leads to %s", got.url)
		}
		before := len(p.reveals(models.OutcomeAllowed))
		got := form.submit().want(http.StatusForbidden, "#summary [data-prove-aside]", "Prove it in another tab")
		if strings.Contains(got.body, canary) || len(p.reveals(models.OutcomeAllowed)) != before {
			t.Error("a value is shown without a proof, or on record as shown")
		}
		v.get("/prove?next="+here).form("/prove").set("password", password).submit().want(http.StatusOK, "h1", "Export")
	})
}
