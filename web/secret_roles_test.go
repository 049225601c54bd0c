package web_test

import (
	"context"
	"net/http"
	"net/url"
	"strconv"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/your-org/keeper/models"
)

// TestSecretRoles asks for each form of one secret, and sends it, as each role: who may not
// change the secret is offered nothing, and is refused by the form and by what it sends to.
func TestSecretRoles(t *testing.T) {
	h := newHouse(t)
	production, _, s := h.furnish()
	path := "/secrets/" + strconv.FormatInt(int64(s.ID), 10)
	for name, role := range map[string]models.EnvironmentRole{"vic": models.RoleViewer, "rea": models.RoleReader, "edi": models.RoleEditor, "max": models.RoleManager} {
		h.user(name, models.RoleUser, map[models.EnvironmentID]models.EnvironmentRole{production.ID: role})
	}
	h.user("aud", models.RoleAuditor, nil)
	h.user("eve", models.RoleUser, nil)
	forms := map[string]url.Values{ // what is sent, by its path; the form stands there, or at /new
		"/edit":                {"owner": {"Mine"}, "rotate_every_days": {"0"}},
		"/versions":            {"value": {"another value"}},
		"/versions/1/rollback": {},
		"/delete":              {"confirm": {s.Name}},
	}
	for name, want := range map[string]struct {
		page, form int
		acts       bool
	}{
		"vic": {http.StatusOK, http.StatusForbidden, false},
		"rea": {http.StatusOK, http.StatusForbidden, false},
		"aud": {http.StatusOK, http.StatusForbidden, false},
		"eve": {http.StatusNotFound, http.StatusNotFound, false},
		"edi": {http.StatusOK, http.StatusOK, true},
		"max": {http.StatusOK, http.StatusOK, true},
	} {
		t.Run(name, func(t *testing.T) {
			v := h.as(name)
			p := v.get(path).want(want.page, "", "")
			if got := p.has(".page-acts"); got != want.acts {
				t.Errorf("buttons that change the secret are offered: %t", got)
			}
			for _, act := range []string{"/edit", "/versions/new", "/delete"} {
				if got := p.has(`main a[href="` + path + act + `"]`); got != want.acts {
					t.Errorf("%s is offered: %t", act, got)
				}
			}
			if got := v.get(path + "/versions").has(`a[href$="/rollback"]`); got != want.acts {
				t.Errorf("a rollback is offered: %t", got)
			}
			for form, typed := range forms {
				at := path + form
				if form == "/versions" {
					at += "/new"
				}
				if got := v.get(at); got.status != want.form || got.has("main form[action^=\""+path+"\"]") != want.acts {
					t.Errorf("%s answers %d: %s", at, got.status, got.text("main"))
				}
				if want.acts {
					continue
				}
				typed.Set("csrf_token", tokenOf(v.get("/")))
				if got := v.post(path+form, typed); got.status != want.form {
					t.Errorf("what is sent to %s is answered %d: %s", form, got.status, got.text("main"))
				}
			}
		})
	}
	now, _, err := h.secrets.Get(context.Background(), models.System(), s.ID)
	must(t, err)
	if now.Owner != s.Owner || now.CurrentVersion != 2 || now.Deleted() {
		t.Errorf("those who may not have changed it: %s", cmp.Diff(s, now))
	}
	h.as("edi").get(path+"/edit").form(path+"/edit").set("owner", "Editors").submit().want(http.StatusOK, ".facts", "Editors")
}
