package web_test

import (
	"net/http"
	"strconv"
	"strings"
	"testing"

	"github.com/your-org/keeper/models"
)

// TestGuide goes from nothing to a first synced secret without a script, leaves the guide on
// the way, hides it and comes back.
func TestGuide(t *testing.T) {
	h := newHouse(t)
	h.user("ada", models.RoleAdmin, nil)
	v := h.as("ada")
	v.get("/").want(http.StatusOK, "#setup .next", "Create an environment")
	if v.get("/environments/new").has("#guide") {
		t.Error("the guide shows where nobody asked for it")
	}

	at := v.get("/environments/new?guide=true").want(http.StatusOK, "#guide [aria-current=step]", "Create an environment")
	refused := at.form("/environments").set("name", "Bad Name").submit().want(http.StatusBadRequest, "#guide", "")
	at = refused.form("/environments").set("name", "production").set("display_name", "Production").submit()
	at.want(http.StatusOK, "#guide [aria-current=step]", "Connect a destination")
	at.want(http.StatusOK, ".flash-done", "environment is created")
	if !at.has(`.choice[href*="guide=true"]`) {
		t.Error("choosing a kind leaves the guide")
	}

	v.get("/").want(http.StatusOK, "#setup", "1 of 4 done")
	v.get("/").form("/guide/hide").submit().want(http.StatusOK, ".flash-done", "is hidden")
	if v.get("/").has("#setup") {
		t.Error("the guide is not hidden")
	}
	again := v.get("/?guide=true").want(http.StatusOK, "#setup .next", "Connect a destination")
	if !v.get("/").has(`.quick a[href="/?guide=true"]`) || !again.has("#setup-go") {
		t.Error("nothing leads back into the guide")
	}

	list := "/environments/production/destinations"
	at = v.get(list+"/new?guide=true&kind=vault_kv_v2").form(list).set("name", "vault").set("config.mount", "secret").set("config.address", "http://127.0.0.1:1").
		set("credentials.vault_token", canary).submit()
	at.want(http.StatusOK, "#guide [aria-current=step]", "Write a secret")
	at = at.form("/secrets").set("name", "first").set("secret_type", "TEXT").set("value", canary).submit()
	at.want(http.StatusOK, "h1", "first")
	id, err := strconv.ParseInt(strings.TrimPrefix(at.path(), "/secrets/"), 10, 64)
	must(t, err)
	h.inSync(models.SecretID(id))
	v.get(at.path()+"?guide=true").want(http.StatusOK, "#guide", "The first secret is synced")
	if p := v.get("/?guide=true"); p.has("#setup") || p.has(`.quick a[href="/?guide=true"]`) {
		t.Error("the first run is over")
	}
}
