package web_test

import (
	"context"
	"strconv"
	"strings"
	"testing"

	"github.com/go-rod/rod/lib/proto"

	"github.com/your-org/keeper/destinations"
	"github.com/your-org/keeper/models"
)

// TestDecisionsInBrowser finds a difference that waits, looks at both sides, decides by
// hand, and then has a plan carried out, as a person does.
func TestDecisionsInBrowser(t *testing.T) {
	h := newHouse(t)
	h.user("ada", models.RoleAdmin, nil)
	e := h.environment("production")
	d, err := h.dests.Create(context.Background(), models.System(), destinations.Draft{
		Environment: e.ID, Name: "main", Kind: models.DestinationVault, Config: models.DestinationConfig{Address: "http://127.0.0.1:1", Mount: "secret"},
	})
	must(t, err)
	s := h.secret(e, "payments/db/password")
	h.inSync(s.ID)
	h.pass(d)
	there, remote := "/destinations/"+string(d.ID), "production/payments/db/password"
	b := newTab(t, h)
	b.open("/sign-in")
	b.fill("#f-username", "ada")
	b.fill("#f-password", password)
	b.click(`form[action="/sign-in"] button`)
	eventually(t, "the overview", b.says("h1", "Overview"))

	t.Run("Strategy", func(t *testing.T) {
		b.open(there + "/edit")
		must(t, b.find(`label[for="f-strategy-manual"]`).Click(proto.InputMouseButtonLeft, 1))
		b.click(`form[action="` + there + `/edit"] button[type="submit"]`)
		eventually(t, "the strategy", b.says("#mapping", "A person decides"))
		b.silent("choosing a strategy")
	})
	t.Run("Decide", func(t *testing.T) {
		h.place.Edit(remote, []byte(canary+" of theirs"))
		if run := h.pass(d); run.Counts.Held != 1 {
			t.Fatalf("run %+v", run)
		}
		b.open("/")
		eventually(t, "the overview to tell", b.says("#attention", "1 difference at main"))
		b.click(`#attention a[href="` + there + `/holds"]`)
		b.click(`#holds .acts a`)
		eventually(t, "the verdict", b.says("#verdict", "are not equal"))
		for i, want := range []string{canary + " of payments/db/password", canary + " of theirs"} {
			side := ".side:nth-child(" + strconv.Itoa(i+1) + ") "
			must(t, b.find(side+"[data-reveal-button]").Click(proto.InputMouseButtonLeft, 1))
			eventually(t, "the value", b.says(side+"[data-secret-value]", want))
			eventually(t, "the countdown", b.says(side+"[data-secret-note]", "hides in"))
		}
		b.click("#act-remote")
		eventually(t, "the secret's page", b.says(".flash-done", "becomes a new version in Keeper"))
		eventually(t, "the page to tell that it is in sync", b.says("#synced", "nothing"))
		taken, err := h.secrets.Reveal(context.Background(), models.System(), s.ID, 2)
		if err != nil || string(taken.Value.Reveal()) != canary+" of theirs" {
			t.Errorf("version 2 is another value, or %v", err)
		}
		b.silent("deciding")
	})
	t.Run("Plan", func(t *testing.T) {
		h.place.Purge(remote)
		b.open(there + "/edit")
		must(t, b.find(`label[for="f-strategy-keeper_wins"]`).Click(proto.InputMouseButtonLeft, 1))
		b.click(`form[action="` + there + `/edit"] button[type="submit"]`)
		b.click("#act-plan")
		eventually(t, "the plan", b.says("tbody", "write again"))
		b.click("#act-apply")
		eventually(t, "the question", b.says(".notice", "Apply this plan to main"))
		b.click(`form[action$="/apply"] button[type="submit"]`)
		eventually(t, "the run to end", b.says("#run", "succeeded"))
		if !h.holds(remote, canary+" of theirs") {
			t.Error("the copy is not back")
		}
		b.click("#run .flash-note a")
		eventually(t, "the plan to be applied", b.says("#plan", "applied"))
		b.silent("applying a plan")
	})
	t.Run("Overwrite", func(t *testing.T) {
		h.place.Edit(remote, []byte("theirs again"))
		b.open(there)
		b.click("#act-plan")
		eventually(t, "the plan", b.says("tbody", "overwrite"))
		b.click("#act-apply")
		button := b.find(`form[action$="/apply"] button[type="submit"]`)
		if disabled, err := button.Property("disabled"); err != nil || !disabled.Bool() {
			t.Error("a plan that takes a value away can be applied without its destination's name")
		}
		b.fill("#f-confirm", "main")
		b.click(`form[action$="/apply"] button[type="submit"]`)
		eventually(t, "the run to end", b.says("#run", "succeeded"))
		if !strings.Contains(b.text("#run"), "repaired") {
			t.Errorf("the run says %q", b.text("#run"))
		}
		b.silent("overwriting")
	})
}
