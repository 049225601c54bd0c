package web_test

import (
	"net/http"
	"testing"
	"time"

	"github.com/your-org/keeper/models"
	"github.com/your-org/keeper/sync/memory"
)

// TestEmptyPages holds that a page without anything on it leads on those who may go on, and
// offers the others nothing that they would be refused.
func TestEmptyPages(t *testing.T) {
	h := newHouse(t)
	e := h.environment("production")
	h.staff(e)
	h.user("root", models.RoleAdmin, nil)
	h.user("nobody", models.RoleUser, nil)
	h.place.Inject(memory.Fault{Op: memory.OpList, Delay: time.Hour}) // the first pass would leave a receipt
	d := h.destination(e, "main")
	here := "/destinations/" + string(d.ID)
	visitors := map[string]*visitor{}
	as := func(name string) *visitor {
		if visitors[name] == nil {
			visitors[name] = h.as(name)
		}
		return visitors[name]
	}
	for path, one := range map[string]struct{ act, who, other string }{
		here:               {`.empty-act a[href="/secrets?environment=production"]`, "viewer", ""},
		here + "/plans":    {`form.empty-act[action="` + here + `/plans"]`, "editor", "reader"},
		here + "/receipts": {`form.empty-act[action="` + here + `/sync"]`, "editor", "reader"},
		"/alerts":          {`.empty-act a[href="/alerts/channels"]`, "manager", "editor"},
		"/tokens":          {`.empty-act a[href="/docs"]`, "nobody", ""},
		"/admin/tokens":    {`.empty-act a[href="/admin/users?kind=service"]`, "root", ""},
	} {
		t.Run(path, func(t *testing.T) {
			if !as(one.who).get(path).want(http.StatusOK, ".panel", "").has(one.act) {
				t.Errorf("%s is led nowhere", one.who)
			}
			if one.other != "" && as(one.other).get(path).want(http.StatusOK, ".empty", "").has(one.act) {
				t.Errorf("%s is offered what it may not do", one.other)
			}
		})
	}
	t.Run("Paused", func(t *testing.T) {
		as("manager").get(here).form(here+"/pause").submit().want(http.StatusOK, ".page-facts", "paused")
		for _, path := range []string{here + "/plans", here + "/receipts"} {
			if as("editor").get(path).want(http.StatusOK, ".empty", "").has("form.empty-act") {
				t.Errorf("%s offers what a pause refuses", path)
			}
		}
	})
	t.Run("Act", func(t *testing.T) {
		as("manager").get(here).form(here + "/resume").submit()
		h.place.ClearFaults()
		as("editor").get(here+"/plans").form(here+"/plans").submit().want(http.StatusOK, "main", "Nothing to do")
	})
	t.Run("NoEnvironment", func(t *testing.T) {
		as("nobody").get("/environments").want(http.StatusOK, ".empty", "once you have a role in it")
	})
}
