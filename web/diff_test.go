package web_test

import (
	"context"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"testing"

	"github.com/your-org/keeper/models"
	"github.com/your-org/keeper/secrets"
)

// rewrite gives a secret another value.
func (h *house) rewrite(id models.SecretID, value string) {
	h.t.Helper()
	v := models.NewPlaintext([]byte(value))
	_, err := h.secrets.Update(context.Background(), models.System(), id, secrets.Change{Value: &v}, 0)
	must(h.t, err)
}

func secretPath(s models.Secret) string { return "/secrets/" + strconv.FormatInt(int64(s.ID), 10) }

func TestDiffPage(t *testing.T) {
	h := newHouse(t)
	e := h.environment("production")
	h.user("ada", models.RoleAdmin, nil)
	h.user("vic", models.RoleUser, map[models.EnvironmentID]models.EnvironmentRole{e.ID: models.RoleViewer})
	s := h.secret(e, "payments/key")
	first := canary + " of payments/key"
	h.rewrite(s.ID, "kept\n"+canary+" two\n")
	h.rewrite(s.ID, "kept\n"+canary+" three <b>\n")
	h.rewrite(s.ID, first)
	path, v := secretPath(s), h.as("ada")

	t.Run("Masked", func(t *testing.T) {
		p := v.get(path+"/versions/diff?from=2&to=3").want(http.StatusOK, "#difference", "they differ")
		p.want(http.StatusOK, "main table", "Size")
		if strings.Contains(p.body, canary) {
			t.Error("the page shows a value that nobody asked for")
		}
	})
	t.Run("ByDefault", func(t *testing.T) {
		p := v.get(path + "/versions/diff")
		if f := p.form(path + "/versions/diff"); f.value("from") != "3" || f.value("to") != "4" {
			t.Errorf("%s and %s are compared, want the newest two", f.value("from"), f.value("to"))
		}
	})
	t.Run("Revealed", func(t *testing.T) {
		p := v.get(path + "/versions/diff?from=2&to=3").form(path + "/versions/diff").submit()
		p.want(http.StatusOK, ".diff-removed", canary).want(http.StatusOK, ".diff-removed mark", "wo").want(http.StatusOK, ".diff-added mark", "hree <b>")
		if p.header.Get("Cache-Control") != "no-store" {
			t.Errorf("the values may be kept: %q", p.header.Get("Cache-Control"))
		}
		entries, _, err := h.secrets.Activity(context.Background(), models.System(), s.ID, "", 2)
		must(t, err)
		if entries[0].Version != 3 || entries[1].Version != 2 || entries[0].Action != "secret.reveal" || entries[0].ActorName != "ada" {
			t.Errorf("the reveals are not on record: %+v", entries)
		}
	})
	t.Run("AsAPart", func(t *testing.T) {
		p := v.get(path+"/versions/diff?from=2&to=3").form(path+"/versions/diff").submit("Accept", "text/plain", "HX-Request", "true")
		if strings.Contains(p.body, "<html") || !p.has("#difference .diff") {
			t.Errorf("got %.80s, want the part alone", p.body)
		}
	})
	t.Run("Same", func(t *testing.T) {
		p := v.get(path+"/versions/diff?from=1&to=4").want(http.StatusOK, "#difference", "keyed hashes are equal")
		if p.has("[data-reveal-part]") {
			t.Error("there is nothing to reveal, and it is offered")
		}
	})
	for name, c := range map[string]struct {
		query  string
		status int
		says   string
	}{
		"TheSameVersion": {"from=2&to=2", http.StatusBadRequest, "must be another version"},
		"NoSuchVersion":  {"from=2&to=9", http.StatusNotFound, "no version 9"},
		"NoNumber":       {"from=two&to=x", http.StatusBadRequest, "must be another version"},
	} {
		t.Run(name, func(t *testing.T) {
			v.get(path+"/versions/diff?"+c.query).want(c.status, "#summary", c.says)
		})
	}
	t.Run("OneVersion", func(t *testing.T) {
		one := secretPath(h.secret(e, "payments/one"))
		if p := v.get(one + "/versions"); p.has(`a[href*="/versions/diff"]`) {
			t.Error("one version alone is offered for comparison")
		}
		v.get(one+"/versions/diff").want(http.StatusBadRequest, "#summary", "must be another version")
	})
	t.Run("Viewer", func(t *testing.T) {
		p := h.as("vic").get(path+"/versions/diff?from=2&to=3").want(http.StatusOK, "#difference", "shows names, not values")
		if p.has("[data-reveal-part]") {
			t.Error("a viewer is offered values")
		}
		form := url.Values{"csrf_token": {tokenOf(p)}, "from": {"2"}, "to": {"3"}}
		p.v.post(path+"/versions/diff", form).want(http.StatusForbidden, ".problem", "")
	})
}

func TestAccessTab(t *testing.T) {
	h := newHouse(t)
	e := h.environment("production")
	h.user("ada", models.RoleAdmin, nil)
	h.user("rita", models.RoleUser, map[models.EnvironmentID]models.EnvironmentRole{e.ID: models.RoleReader})
	path := secretPath(h.secret(e, "payments/key")) + "/access"

	t.Run("Manager", func(t *testing.T) {
		p := h.as("ada").get(path).want(http.StatusOK, "#everybody", "rita")
		p.want(http.StatusOK, "#everybody", "reader, a role of its own here")
		if p := h.as("ada").get(path + "?action=secret.write"); strings.Contains(textOf(p.all("#everybody table")[0], ""), "rita") {
			t.Error("a reader is among those who may write")
		}
	})
	t.Run("Reader", func(t *testing.T) {
		p := h.as("rita").get(path).want(http.StatusOK, "#everybody", "shown to managers")
		p.want(http.StatusOK, "main", "It takes the role editor")
		if strings.Contains(textOf(p.all("main")[0], ""), "ada") {
			t.Error("a reader is told who else has access")
		}
	})
}

func TestRotationTimeline(t *testing.T) {
	h := newHouse(t)
	h.user("ada", models.RoleAdmin, nil)
	s := h.secret(h.environment("production"), "payments/key")
	for i := range 6 {
		h.rewrite(s.ID, canary+strconv.Itoa(i))
	}
	v := h.as("ada")
	p := v.get(secretPath(s)).want(http.StatusOK, "#rotation", "Version 7").want(http.StatusOK, "#rotation", "All 7 versions")
	p.want(http.StatusOK, "#rotation", "Set a reminder")
	if n := len(p.all("#rotation li")); n != 5 {
		t.Errorf("%d changes are shown, want 5", n)
	}
	days := 30
	_, err := h.secrets.Update(context.Background(), models.System(), s.ID, secrets.Change{RotateEvery: &days}, 0)
	must(t, err)
	v.get(secretPath(s)).want(http.StatusOK, "#rotation .timeline-ahead", "every 30 days")
}
