package web_test

import (
	"context"
	"net/http"
	"net/url"
	"strings"
	"testing"

	"github.com/your-org/keeper/models"
	"github.com/your-org/keeper/store"
)

func TestAccountPages(t *testing.T) {
	p := newPeople(t)
	ada := p.visitors["ada"]
	t.Run("NewPerson", func(t *testing.T) {
		made := ada.get("/admin/users/new").form("/admin/users").set("username", "grace").set("email", "grace@example.com").submit()
		oneTime := made.want(http.StatusOK, ".flash-done", "shown this once").text("[data-secret-value]")
		v := p.visitor()
		v.signIn("grace", oneTime).want(http.StatusOK, "h1", "Choose a password")
		if again := ada.get(p.user("grace")); strings.Contains(again.body, oneTime) {
			t.Error("the password is shown again")
		}
	})
	t.Run("Taken", func(t *testing.T) {
		again := ada.get("/admin/users/new").form("/admin/users").set("username", "grace").set("display_name", "Kept").submit()
		if got := again.want(http.StatusConflict, ".summary", "already a user").form("/admin/users").value("display_name"); got != "Kept" {
			t.Errorf("the form lost what was typed: %q", got)
		}
	})
	t.Run("NewService", func(t *testing.T) {
		ada.get("/admin/users/new?kind=service").form("/admin/users").set("username", "builder").submit().want(http.StatusOK, ".flash-done", "can do nothing before")
		ada.get("/admin/users?kind=service").want(http.StatusOK, "tbody", "builder")
		if ada.get("/admin/users?kind=person&q=builder").has("tbody") {
			t.Error("the list is not narrowed")
		}
	})
	t.Run("TwoAdmins", func(t *testing.T) {
		here := p.user("grace") + "/edit"
		mine, theirs := ada.get(here).form(here), ada.get(here).form(here)
		mine.set("display_name", "Mine").submit().want(http.StatusOK, ".flash-done", "saved")
		stale := theirs.set("display_name", "Theirs").submit().want(http.StatusConflict, ".summary", "Somebody else changed it")
		if p.account("grace").DisplayName != "Mine" {
			t.Error("the later one overwrote the other")
		}
		stale.form(here).submit().want(http.StatusOK, ".flash-done", "saved") // having read that
	})
	t.Run("Rights", func(t *testing.T) {
		here := p.user("grace")
		ada.get(here).form(here+"/roles").set("environment", "staging").set("role", "editor").submit().want(http.StatusOK, "#rights", "editor, a role of its own here")
		gone := ada.post(here+"/roles", url.Values{"csrf_token": {tokenOf(ada.get("/"))}, "environment": {"staging"}, "role": {""}})
		gone.want(http.StatusOK, "#rights", "Nothing in any environment")
		ada.post(here+"/roles", url.Values{"csrf_token": {tokenOf(ada.get("/"))}, "environment": {"none"}, "role": {"viewer"}}).want(http.StatusBadRequest, ".summary", "one that there is")
	})
	t.Run("Sessions", func(t *testing.T) {
		v, here := p.as("vic"), p.user("vic")
		list := ada.get(here)
		sessions := list.all(`#sessions form[action$="/revoke"]`)
		if len(sessions) != 2 {
			t.Fatalf("got %d sessions, want 2", len(sessions))
		}
		list.form(attribute(sessions[0], "action")).submit().want(http.StatusOK, ".flash-done", "The session is ended")
		ada.get(here).form(here+"/sessions/revoke-all").submit().want(http.StatusOK, "#sessions", "Not signed in anywhere")
		for _, gone := range []*visitor{v, p.visitors["vic"]} {
			if got := gone.get("/").path(); got != "/sign-in" {
				t.Errorf("a session that was ended gets %s", got)
			}
		}
		list.form(attribute(sessions[1], "action")).submit().want(http.StatusNotFound, ".problem-what", "no such session")
	})
	t.Run("Disable", func(t *testing.T) {
		here := p.user("max")
		ada.get(here+"/disable").want(http.StatusOK, ".warning", "1 session ends at once").form(here+"/disable").submit().want(http.StatusOK, ".page-facts", "disabled")
		if got := p.visitors["max"].get("/").path(); got != "/sign-in" {
			t.Errorf("a disabled user gets %s", got)
		}
		ada.get(here).form(here+"/enable").submit().want(http.StatusOK, ".page-facts", "enabled")
	})
	t.Run("Password", func(t *testing.T) {
		here := p.user("max")
		oneTime := ada.get(here+"/password").form(here+"/password").submit().want(http.StatusOK, ".flash-done", "new password").text("[data-secret-value]")
		p.visitor().signIn("max", oneTime).want(http.StatusOK, "h1", "Choose a password")
		own := p.user("ada")
		ada.get(own+"/password").form(own+"/password").submit().want(http.StatusConflict, ".summary", "on your profile")
	})
	t.Run("Factors", func(t *testing.T) {
		id, here := p.account("aud").ID, p.user("aud")
		must(t, p.store.Write(context.Background(), func(tx *store.Tx) error {
			return tx.CreatePasskey(&models.Passkey{ID: "pk1", UserID: id, Name: "Stick"})
		}))
		ada.get(here).want(http.StatusOK, "main", "1 passkey")
		ada.get(here+"/factors").want(http.StatusOK, ".warning", "1 passkey").form(here+"/factors").submit().want(http.StatusOK, ".flash-done", "gone")
		if ada.get(here).has(`a[href="` + here + `/factors"]`) {
			t.Error("there are factors left")
		}
	})
	t.Run("LastAdmin", func(t *testing.T) {
		here := p.user("ada")
		for _, act := range []string{"/edit", "/disable", "/delete"} {
			form := ada.get(here + act).form(here + act)
			form.set("role", "user").set("confirm", "ada").submit().want(http.StatusConflict, ".summary", "no administrator who can sign in")
		}
		if a := p.account("ada"); a.Disabled || a.Role != models.RoleAdmin {
			t.Errorf("ada is %+v", a.User)
		}
	})
	t.Run("Delete", func(t *testing.T) {
		here := p.fill("/admin/users/{user}")
		form := ada.get(here+"/delete").want(http.StatusOK, ".warning", "1 token is revoked").form(here + "/delete")
		form.set("confirm", "x").submit().want(http.StatusBadRequest, "#f-confirm-error", "must be exactly deployer")
		form.set("confirm", "deployer").submit().want(http.StatusOK, ".flash-done", "deployer is deleted")
		ada.get(here).want(http.StatusNotFound, ".problem-what", "no such user")
	})
}

func TestGroupPages(t *testing.T) {
	p := newPeople(t)
	ada := p.visitors["ada"]
	made := ada.get("/admin/groups/new").form("/admin/groups").set("name", "On call").submit().want(http.StatusOK, ".flash-done", "made")
	here := made.path()
	made.form(here+"/members").set("user", "eve").submit().want(http.StatusOK, "#members", "eve")
	ada.get(here).form(here+"/roles").set("environment", "production").set("role", "reader").submit().want(http.StatusOK, "#roles", "reader")
	ada.get(p.user("eve")).want(http.StatusOK, "#rights", "reader through the group On call")
	p.visitors["eve"].get("/environments/production").want(http.StatusOK, "", "")
	t.Run("Taken", func(t *testing.T) {
		ada.get("/admin/groups/new").form("/admin/groups").set("name", "Payments").submit().want(http.StatusConflict, ".summary", "already a group")
	})
	t.Run("Nobody", func(t *testing.T) {
		ada.get(here).form(here+"/members").set("user", "nobody").submit().want(http.StatusNotFound, ".summary", "none that there is")
		ada.get(here).form(here+"/members").set("user", "").submit().want(http.StatusBadRequest, ".summary", "must be a user name")
	})
	t.Run("TwoAdmins", func(t *testing.T) {
		mine, theirs := ada.get(here+"/edit").form(here+"/edit"), ada.get(here+"/edit").form(here+"/edit")
		mine.set("description", "mine").submit().want(http.StatusOK, ".flash-done", "saved")
		theirs.set("description", "theirs").submit().want(http.StatusConflict, ".summary", "Somebody else changed it")
	})
	t.Run("Remove", func(t *testing.T) {
		ada.get(here).form(here+"/members/remove").submit().want(http.StatusOK, "#members", "Nobody yet")
		p.visitors["eve"].get("/environments/production").want(http.StatusNotFound, "", "")
	})
	t.Run("Delete", func(t *testing.T) {
		ada.get(here+"/delete").want(http.StatusOK, ".warning", "reader in production").form(here+"/delete").set("confirm", "On call").submit().want(http.StatusOK, ".flash-done", "deleted")
		ada.get(here).want(http.StatusNotFound, ".problem-what", "no such group")
	})
	t.Run("Provider", func(t *testing.T) {
		g := models.Group{ID: models.NewGroupID(), ProviderID: "prv_x", Name: "okta", Role: models.RoleUser}
		must(t, p.store.Write(context.Background(), func(tx *store.Tx) error { return tx.CreateGroup(&g) }))
		there := "/admin/groups/" + string(g.ID)
		page := ada.get(there).want(http.StatusOK, "#members", "changed at the identity provider")
		if page.has(`form[action="` + there + `/members"]`) {
			t.Error("its members seem to be changeable")
		}
		form := url.Values{"csrf_token": {tokenOf(page)}, "user": {"eve"}}
		ada.post(there+"/members", form).want(http.StatusConflict, ".summary", "its identity provider names")
	})
}

func TestTokenPages(t *testing.T) {
	p := newPeople(t)
	ada := p.visitors["ada"]
	scoped := func(form *sheet) *sheet {
		form.values["actions"], form.values["networks"] = []string{"secret.reveal"}, []string{"192.0.2.0/24\r\n2001:db8::1"}
		return form.set("name", "scoped")
	}
	t.Run("Own", func(t *testing.T) {
		vic := p.visitors["vic"]
		made := scoped(vic.get("/tokens/new").form("/tokens")).submit().want(http.StatusOK, ".flash-done", "scoped is ready")
		text := made.text("[data-secret-value]")
		vic.get("/tokens").want(http.StatusOK, "tbody", "only secret.reveal").want(http.StatusOK, "tbody", "from 192.0.2.0/24, 2001:db8::1/128")
		wrong := scoped(vic.get("/tokens/new").form("/tokens"))
		wrong.set("networks", "home").submit().want(http.StatusBadRequest, "#f-networks-error", "192.0.2.0/24")
		rotate := attribute(vic.get("/tokens").all(`a[href$="/rotate"]`)[0], "href")
		rotated := vic.get(rotate).want(http.StatusOK, ".facts", "only secret.reveal").form(rotate).set("overlap", "1").submit()
		if next := rotated.want(http.StatusOK, ".flash-done", "The old one ends in").text("[data-secret-value]"); next == text || !strings.HasPrefix(next, "kpr_") {
			t.Errorf("rotating gave %q", next)
		}
		vic.get(rotate).form(rotate).submit().want(http.StatusConflict, ".summary", "rotated already")
		vic.get(strings.Replace(rotate, "tok_", "tok_x", 1)).want(http.StatusNotFound, ".problem-what", "no such token")
		p.visitors["eve"].get(rotate).want(http.StatusNotFound, ".problem-what", "no such token")
	})
	t.Run("Leaked", func(t *testing.T) {
		text := scoped(ada.get("/tokens/new").form("/tokens")).submit().text("[data-secret-value]")
		paste := func(given string) *page {
			return p.visitors["eve"].get("/tokens/leaked").form("/tokens/leaked").set("token", given).submit()
		}
		wrong := paste(text+"x").want(http.StatusNotFound, ".summary", "No token of this installation")
		if strings.Contains(wrong.body, text) {
			t.Error("what was pasted is shown again")
		}
		paste(" "+text+"\n").want(http.StatusOK, ".flash-done", "revoked")
		ada.get("/tokens").want(http.StatusOK, "tbody", "revoked")
	})
	t.Run("Service", func(t *testing.T) {
		here := p.fill("/admin/users/{user}")
		made := scoped(ada.get(here+"/tokens/new").form(here+"/tokens")).submit().want(http.StatusOK, ".flash-done", "scoped is ready")
		if back := attribute(made.all("a.btn-primary")[0], "href"); back != here {
			t.Errorf("leads back to %s", back)
		}
		rotate := p.fill("/admin/users/{user}/tokens/{token}/rotate")
		ada.get(rotate).form(rotate).submit().want(http.StatusOK, ".flash-done", "release is ready")
		ada.get("/admin/tokens").want(http.StatusOK, "tbody", "deployer")
		revoke := "/tokens/" + string(p.token.ID) + "/revoke"
		if got := ada.get(here).form(revoke).submit().want(http.StatusOK, "#tokens", "revoked"); got.path() != here {
			t.Errorf("revoking leads to %s", got.path())
		}
		ada.get(p.user("eve")+"/tokens/new").want(http.StatusNotFound, "", "") // people make their own
	})
}
