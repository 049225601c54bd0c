package web_test

import (
	"context"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/your-org/keeper/models"
	"github.com/your-org/keeper/secrets"
)

// TestJourney goes the way of a secret by forms alone.
func TestJourney(t *testing.T) {
	h := newHouse(t)
	h.user("ada", models.RoleAdmin, nil)
	h.destination(h.environment("production"), "aws-main")
	v := h.as("ada")
	const value = canary + "\nsecond line\n  third & <last>"

	form := v.get("/secrets/new?environment=production").form("/secrets")
	form.set("name", "payments/key").set("secret_type", "TEXT").set("comment", "first").set("tags", "team=payments\r\nlive")
	form.set("value", strings.ReplaceAll(value, "\n", "\r\n")).set("expires_at", "2030-01-02").set("rotate_every_days", "90")
	created := form.submit().want(http.StatusOK, "h1", "payments/key").want(http.StatusOK, ".flash-done", "is written")
	created.want(http.StatusOK, ".facts", "live")
	path := created.path()
	id, err := strconv.ParseInt(strings.TrimPrefix(path, "/secrets/"), 10, 64)
	must(t, err)

	reveal := func(version string) string {
		t.Helper()
		p := v.get(path+"/versions").form(path+"/versions/"+version+"/reveal").submit("Accept", "text/plain")
		if p.header.Get("Cache-Control") != "no-store" || !strings.HasPrefix(p.header.Get("Content-Type"), "text/plain") {
			t.Errorf("a value is answered with %v", p.header)
		}
		return p.body
	}
	t.Run("Reveal", func(t *testing.T) {
		if got := reveal("1"); got != value {
			t.Errorf("got %q, want %q", got, value)
		}
		p := v.get(path).form(path + "/versions/1/reveal").submit()
		if got := textOf(p.all("pre[data-shown]")[0], ""); got != value {
			t.Errorf("the page shows %q, want %q", got, value)
		}
		v.get(path+"/activity").want(http.StatusOK, ".entries", "revealed")
	})
	t.Run("Edit", func(t *testing.T) {
		form := v.get(path + "/edit").form(path + "/edit")
		if got := form.value("tags"); got != "live=\nteam=payments" {
			t.Errorf("tags stand as %q", got)
		}
		if got := form.value("expires_at"); got != "2030-01-02" {
			t.Errorf("the expiry stands as %q", got)
		}
		form.set("description", "What it is for").set("expires_at", "").set("tags", "team=checkout").submit().
			want(http.StatusOK, ".facts", "What it is for")
		got, _, err := h.secrets.Get(context.Background(), models.System(), models.SecretID(id))
		must(t, err)
		if got.ExpiresAt != nil || got.Tags["team"] != "checkout" || len(got.Tags) != 1 || got.RotateEvery != 90 {
			t.Errorf("got %+v", got)
		}
	})
	t.Run("KeepsTheHour", func(t *testing.T) {
		hour := time.Date(2031, 2, 3, 15, 4, 0, 0, time.UTC)
		_, err := h.secrets.Update(context.Background(), models.System(), models.SecretID(id), secrets.Change{ExpiresAt: &hour}, 0)
		must(t, err)
		v.get(path+"/edit").form(path+"/edit").set("owner", "Payments").submit().want(http.StatusOK, ".facts", "Payments")
		got, _, err := h.secrets.Get(context.Background(), models.System(), models.SecretID(id))
		must(t, err)
		if got.ExpiresAt == nil || !got.ExpiresAt.Equal(hour) {
			t.Errorf("a date that was not touched became %v", got.ExpiresAt)
		}
	})
	t.Run("Version", func(t *testing.T) {
		add := func(value string) *page {
			return v.get(path+"/versions/new").form(path+"/versions").set("value", value).set("comment", "rotated").submit()
		}
		add(canary+" two").want(http.StatusOK, ".flash-done", "Version 2 is written")
		add(canary+" two").want(http.StatusOK, ".flash-done", "no new version")
		if got := reveal("2"); got != canary+" two" {
			t.Errorf("got %q", got)
		}
	})
	t.Run("Rollback", func(t *testing.T) {
		v.get(path+"/versions/1/rollback").form(path+"/versions/1/rollback").set("comment", "broke checkout").submit().
			want(http.StatusOK, ".flash-done", "Version 3 has the value of version 1 again")
		if got := reveal("3"); got != value {
			t.Errorf("got %q", got)
		}
		v.get(path+"/versions").want(http.StatusOK, "tbody", "value of version 1 brought back")
		v.get(path+"/versions/9/rollback").want(http.StatusNotFound, ".problem-what", "no version 9")
	})
	t.Run("Delete", func(t *testing.T) {
		form := v.get(path + "/delete").form(path + "/delete")
		wrong := form.set("confirm", "payments").submit().want(http.StatusBadRequest, "#f-confirm-error", "payments/key")
		wrong.form(path+"/delete").set("confirm", "payments/key").submit().want(http.StatusOK, ".flash-done", "it can be undeleted")
		if p := v.get(path); p.has("[data-reveal]") {
			t.Error("the value of a deleted secret is offered")
		}
		v.get(path+"/edit").want(http.StatusConflict, ".problem", "Undelete it first")
		if strings.Contains(v.get("/secrets").text("#results"), "payments/key") {
			t.Error("a deleted secret is in the list")
		}
		v.get("/secrets/deleted").form(path+"/undelete").submit().want(http.StatusOK, ".flash-done", "is back")
		if got := reveal("3"); got != value {
			t.Errorf("got %q", got)
		}
	})
	h.inSync(models.SecretID(id))
	v.get(path).want(http.StatusOK, "#synced", "in sync")
	if e, ok := h.place.Get("production/payments/key"); !ok || string(e.Value) != value {
		t.Errorf("the copy is %q, there: %t", e.Value, ok)
	}
	if strings.Contains(h.log.String(), canary) || strings.Contains(h.log.String(), "payments/key") {
		t.Error("the log holds a value or a name")
	}
}

// TestRefusedForms holds that a form that was refused keeps what was typed, shows what is
// wrong at the field, and changes nothing.
func TestRefusedForms(t *testing.T) {
	h := newHouse(t)
	h.user("ada", models.RoleAdmin, nil)
	e := h.environment("production")
	s := h.secret(e, "taken")
	v := h.as("ada")
	cases := map[string]struct {
		set    url.Values
		status int
		errors string // selector
		words  string
	}{
		"Name":     {url.Values{"name": {"no blanks"}}, 400, "#f-name-error", ""},
		"NoName":   {url.Values{"name": {""}}, 400, "#f-name-error", ""},
		"Taken":    {url.Values{"name": {"taken"}}, 409, ".summary", "already has a secret named taken"},
		"Type":     {url.Values{"secret_type": {"NONE"}}, 400, ".summary", "Type"},
		"JSON":     {url.Values{"secret_type": {"JSON"}, "value": {"{"}}, 400, "#f-value-error", ""},
		"TooLong":  {url.Values{"value": {strings.Repeat("x", models.MaxValueSize+1)}}, 400, "#f-value-error", ""},
		"Expiry":   {url.Values{"expires_at": {"soon"}}, 400, "#f-expires-at-error", "must be a date"},
		"Rotation": {url.Values{"rotate_every_days": {"often"}}, 400, "#f-rotate-every-days-error", "whole number"},
		"Tags":     {url.Values{"tags": {"a=1\na=2"}}, 400, "#f-tags-error", "twice"},
		"Nowhere":  {url.Values{"environment_id": {"99"}}, 404, ".summary", "no environment 99"},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			form := v.get("/secrets/new?environment=production").form("/secrets")
			form.set("name", "new/one").set("secret_type", "TEXT").set("value", "typed value").set("description", "typed\r\ntext")
			for field, value := range c.set {
				form.set(field, value[0])
			}
			p := form.submit().want(c.status, c.errors, c.words)
			kept := p.form("/secrets")
			if kept.value("value") != form.value("value") || kept.value("description") != "typed\ntext" || kept.value("name") != form.value("name") {
				t.Errorf("the form lost what was typed: %.200v", kept.values)
			}
			if p.header.Get("Cache-Control") != "no-store" {
				t.Error("what was typed may be kept by the browser")
			}
		})
	}
	t.Run("Stale", func(t *testing.T) {
		path := "/secrets/" + strconv.FormatInt(int64(s.ID), 10)
		form := v.get(path+"/edit").form(path+"/edit").set("owner", "Mine")
		theirs := "Theirs"
		_, err := h.secrets.Update(context.Background(), models.System(), s.ID, secrets.Change{Owner: &theirs}, 0)
		must(t, err)
		p := form.submit().want(http.StatusConflict, ".summary", "Somebody else changed it")
		again := p.form(path + "/edit")
		if again.value("owner") != "Mine" {
			t.Errorf("the form lost what was typed: %v", again.values)
		}
		got, _, err := h.secrets.Get(context.Background(), models.System(), s.ID)
		must(t, err)
		if got.Owner != theirs {
			t.Errorf("a stale form wrote %q", got.Owner)
		}
		again.submit().want(http.StatusOK, ".facts", "Mine")
	})
	page, err := h.secrets.List(context.Background(), models.System(), secrets.Query{})
	must(t, err)
	if len(page.Secrets) != 1 {
		t.Errorf("refused forms left %d secrets", len(page.Secrets)-1)
	}
}

func TestSecretList(t *testing.T) {
	h := newHouse(t)
	h.user("ada", models.RoleAdmin, nil)
	_, _, s := h.furnish()
	v := h.as("ada")
	rows := func(p *page) string { return p.text("#results tbody th") }
	for query, want := range map[string]string{
		"":                         "payments/ db payments/ stripe/ api-key",
		"q=STRIPE":                 "payments/stripe/ api-key",
		"environment=staging":      "payments/ db",
		"type=TEXT&sort=-name":     "payments/stripe/ api-key payments/ db",
		"sort=-changed":            "payments/stripe/ api-key payments/ db",
		"type=JSON":                "",
		"state=in_sync&q=stripe":   "payments/stripe/ api-key",
		"state=failed":             "",
		"state=held":               "",
		"tag=team":                 "payments/ db payments/stripe/ api-key",
		"tag=team%3Dpayments&q=db": "payments/ db",
		"tag=team%3Dother":         "",
	} {
		t.Run(query, func(t *testing.T) {
			squeezed := strings.NewReplacer(" ", "")
			if got := squeezed.Replace(rows(v.get("/secrets?" + query))); got != squeezed.Replace(want) {
				t.Errorf("got %q, want %q", got, want)
			}
		})
	}
	t.Run("Partial", func(t *testing.T) {
		p := v.get("/secrets?q=stripe", "HX-Request", "true").want(http.StatusOK, "#results", "api-key")
		if p.has("nav.sidebar") || !strings.Contains(p.header.Get("Vary"), "HX-Request") {
			t.Error("a part of the page came with its frame")
		}
	})
	t.Run("Pages", func(t *testing.T) {
		e := h.environment("many")
		for i := range 60 {
			h.secret(e, "s"+strconv.Itoa(100+i))
		}
		first := v.get("/secrets?environment=many")
		if n := len(first.all("#results tbody tr")); n != 50 {
			t.Fatalf("got %d rows", n)
		}
		second := v.get(attribute(first.all(`.pager a[rel="next"]`)[0], "href"))
		if n := len(second.all("#results tbody tr")); n != 10 || second.has(`.pager a[rel="next"]`) {
			t.Errorf("got %d rows on the last page", n)
		}
	})
	t.Run("Failing", func(t *testing.T) {
		must(t, h.store.Write(context.Background(), failingCopy(s.ID)))
		v.get("/secrets?state=failed").want(http.StatusOK, "#results tbody", "api-key")
		v.get("/").want(http.StatusOK, "#attention", "refused by the far side")
		if got := rows(v.get("/secrets?state=in_sync&q=stripe")); got != "" {
			t.Errorf("in sync too: %s", got)
		}
	})
}
