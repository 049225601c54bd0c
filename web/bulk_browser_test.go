package web_test

import (
	"fmt"
	"testing"

	"github.com/go-rod/rod/lib/input"
	"github.com/go-rod/rod/lib/proto"

	"github.com/your-org/keeper/models"
)

// TestChooseInBrowser chooses rows with mouse and keyboard, and keeps them over a refresh.
func TestChooseInBrowser(t *testing.T) {
	h := newHouse(t)
	e := h.environment("production")
	h.destination(e, "aws-main")
	h.user("ada", models.RoleAdmin, nil)
	var ids []models.SecretID
	for i := range 6 {
		ids = append(ids, h.secret(e, fmt.Sprintf("team/s%d", i)).ID)
	}
	b := newTab(t, h)
	b.open("/sign-in?next=/secrets")
	b.fill("#f-username", "ada")
	b.fill("#f-password", password)
	b.click(`form[action="/sign-in"] button`)
	press := func(selector string) {
		t.Helper()
		must(t, b.find(selector).Click(proto.InputMouseButtonLeft, 1))
	}
	tick := func(i int) string { return fmt.Sprintf("#tick-%d", ids[i]) }
	disabled := func(want bool) func() bool {
		return func() bool { return b.find(`button[name="act"][value="edit"]`).MustProperty("disabled").Bool() == want }
	}
	eventually(t, "buttons that wait for a choice", disabled(true))

	press(tick(1))
	eventually(t, "one to be counted", b.says("[data-choose-count]", "1 chosen"))
	must(t, b.Keyboard.Press(input.ShiftLeft))
	press(tick(4))
	must(t, b.Keyboard.Release(input.ShiftLeft))
	eventually(t, "the range between to be chosen", b.says("[data-choose-count]", "4 chosen"))
	if !b.find("#tick-page").MustProperty("indeterminate").Bool() {
		t.Error("the box of the page does not say that some are chosen")
	}

	must(t, b.find(tick(4)).Blur())
	h.secret(e, "team/s9") // the list is refreshed under the choice
	eventually(t, "the new secret to show", func() bool { return len(b.MustElements(`#choose tbody tr`)) == 7 })
	eventually(t, "the choice to stand", b.says("[data-choose-count]", "4 chosen"))
	eventually(t, "buttons that work", disabled(false))

	press("#tick-page")
	eventually(t, "all to be chosen", b.says("[data-choose-count]", "7 chosen"))
	b.click(`button[name="act"][value="tag"]`)
	b.fill("#f-tags", "tier=1")
	b.click("#bulk-form button[type=submit]")
	eventually(t, "the preview", b.says("#preview h2", "7 secrets of 7 would change"))
	b.click(`form[method="post"][action="/secrets/bulk"] button[type=submit]`)
	eventually(t, "what was done to be told", b.says(".flash-done", "7 secrets changed"))
	b.silent("choosing")
}
