package web_test

import (
	"testing"

	"github.com/go-rod/rod/lib/proto"

	"github.com/your-org/keeper/models"
)

// TestRunsInABrowser looks for the run that failed, tries again what it could not do, and
// sees it end without loading the page anew.
func TestRunsInABrowser(t *testing.T) {
	h := newHouse(t)
	h.user("ada", models.RoleAdmin, nil)
	e := h.environment("production")
	d := h.destination(e, "main")
	h.inSync(h.secret(e, "pay/good").ID)
	failed := h.refusedRun(e, d)
	b := newTab(t, h)
	b.open("/sign-in")
	b.fill("#f-username", "ada")
	b.fill("#f-password", password)
	b.click("form button[type=submit]")
	b.open("/sync/runs")
	must(t, b.find(".filter-bar summary").Click(proto.InputMouseButtonLeft, 1))
	b.fill("#r-secret", "pay/bad")
	b.click(".filter-go button")
	b.find("#runs tbody a[href='/sync/runs/" + string(failed.ID) + "']")
	b.find(".chip[href='/sync/runs']")
	b.open("/sync/runs/" + string(failed.ID) + "?failed=1")
	b.find("#results tbody tr")
	b.click("#act-retry")
	b.find(".flash-done")
	eventually(t, "the page to tell of the end by itself", b.says("#run .page-facts", "succeeded"))
	if !h.holds("production/pay/bad", canary+" of pay/bad") {
		t.Error("it was not written")
	}
	b.silent("the pages of runs")
}
