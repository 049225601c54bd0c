package web_test

import (
	"context"
	"fmt"
	"testing"

	"github.com/go-rod/rod/lib/proto"

	"github.com/your-org/keeper/destinations"
	"github.com/your-org/keeper/models"
	"github.com/your-org/keeper/store"
)

// TestImportInBrowser imports what a destination holds, adopts what stands under the name of
// a secret, and releases it again, as a person does.
func TestImportInBrowser(t *testing.T) {
	h := newHouse(t)
	h.user("ada", models.RoleAdmin, nil)
	e := h.environment("production")
	d, err := h.dests.Create(context.Background(), models.System(), destinations.Draft{
		Environment: e.ID, Name: "main", Kind: models.DestinationVault, Config: models.DestinationConfig{Address: "http://127.0.0.1:1", Mount: "secret"},
	})
	must(t, err)
	h.theirs(map[string]string{
		"old/db": canary + " db", "old/mail": canary + " mail", "old/left": canary + " left",
		"production/reports/key": canary + " theirs",
	})
	reports := h.secret(e, "reports/key")
	h.pass(d)
	there := "/destinations/" + string(d.ID)
	b := newTab(t, h)
	b.open("/sign-in")
	b.fill("#f-username", "ada")
	b.fill("#f-password", password)
	b.click(`form[action="/sign-in"] button`)
	eventually(t, "the overview", b.says("h1", "Overview"))

	t.Run("Import", func(t *testing.T) {
		b.open(there)
		b.click(`.tabs a[href="` + there + `/imports"]`)
		b.click("#act-import")
		b.fill("#f-prefix", "old/")
		b.click(`form[action="` + there + `/imports"] button[type="submit"]`)
		eventually(t, "the preview", b.says(".choice-count", "3 of 3 chosen"))
		must(t, b.find(`input[name="take"][value="2"]`).Click(proto.InputMouseButtonLeft, 1)) // old/left
		b.fill("#i-name-1", "payments/db")
		b.click("#act-go")
		eventually(t, "the comparison with the new name", b.says(".flash-done", "looked again"))
		eventually(t, "what was chosen", b.says(".choice-count", "2 of 3 chosen"))
		b.click("#act-go")
		eventually(t, "the question", b.says(".notice", "2 secrets would be made"))
		b.click("#act-apply")
		eventually(t, "the results", b.says(".stats", "Imported"))
		for name, want := range map[string]string{"payments/db": canary + " db", "mail": canary + " mail", "left": ""} {
			if got := h.value(e, name); got != want {
				t.Errorf("%s is %q, want %q", name, got, want)
			}
		}
		b.silent("importing")
	})
	t.Run("GoesOn", func(t *testing.T) {
		i, err := h.dests.PreviewImport(context.Background(), models.System(), d.ID, destinations.ImportDraft{Prefix: new("old/l")})
		must(t, err)
		must(t, h.store.Write(context.Background(), func(tx *store.Tx) error {
			i.Status = models.ImportApplying
			return tx.UpdateImport(&i)
		}))
		b.open("/sync/imports/" + string(i.ID) + "?on=1")
		eventually(t, "the page to have gone on by itself", b.says(".page-facts", "done"))
		b.silent("going on")
	})
	t.Run("Adopt", func(t *testing.T) {
		b.open(there + "/imports")
		b.click("#act-adopt")
		b.click(`form[action="` + there + `/imports"] button[type="submit"]`)
		eventually(t, "the comparison", b.says("tbody", "different"))
		b.click("#act-go")
		must(t, b.find(`label[for="f-side-keeper"]`).Click(proto.InputMouseButtonLeft, 1))
		b.fill("#f-confirm", "main")
		b.click("#act-apply")
		eventually(t, "the results", b.says("tbody", "adopted"))
		h.inSync(reports.ID)
		if !h.holds("production/reports/key", canary+" of reports/key") {
			t.Error("Keeper's value is not there")
		}
		b.silent("adopting")
	})
	t.Run("Release", func(t *testing.T) {
		b.open(fmt.Sprintf("/secrets/%d", reports.ID))
		b.click("#synced .act-release")
		eventually(t, "the question", b.says(".warning", "leaves the name alone"))
		b.click("#act-release")
		eventually(t, "the secret's page", b.says(".flash-done", "no longer Keeper's"))
		eventually(t, "the state", b.says("#synced", "foreign"))
		if item, _ := h.place.Get("production/reports/key"); !item.Remote.Mark.Zero() {
			t.Error("the mark is still there")
		}
		b.silent("releasing")
	})
}
