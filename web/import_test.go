package web_test

import (
	"bytes"
	"context"
	"fmt"
	"mime/multipart"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"testing"

	"github.com/your-org/keeper/fault"
	"github.com/your-org/keeper/models"
	"github.com/your-org/keeper/store"
	"github.com/your-org/keeper/sync/memory"
)

// theirs puts values at the counterpart that Keeper did not write.
func (h *house) theirs(values map[string]string) {
	h.t.Helper()
	for name, value := range values {
		h.place.Edit(name, []byte(value))
	}
}

func (h *house) value(e models.Environment, name string) string {
	h.t.Helper()
	s, err := h.secrets.FindSecret(context.Background(), models.System(), e, name)
	if fault.Is(err, fault.NotFound) {
		return ""
	}
	must(h.t, err)
	revealed, err := h.secrets.Reveal(context.Background(), models.System(), s.ID, s.CurrentVersion)
	must(h.t, err)
	return string(revealed.Value.Reveal())
}

// preview makes one in the browser.
func (v *visitor) preview(d models.Destination, set map[string]string) *page {
	v.t.Helper()
	there := "/destinations/" + string(d.ID) + "/imports"
	sheet := v.get(there + "/new").form(there)
	for name, value := range set {
		sheet.set(name, value)
	}
	p := sheet.submit().want(http.StatusOK, ".page-facts", "to be looked at")
	if !strings.HasPrefix(p.path(), "/sync/imports/") {
		v.t.Fatalf("got %s", p.path())
	}
	return p
}

// row is what the preview says about a name there.
func (p *page) row(name string) string {
	p.v.t.Helper()
	for _, row := range p.all("tbody tr:not(.row-why)") {
		if text := strings.Join(strings.Fields(textOf(row, " ")), " "); strings.Contains(text, name) {
			return text
		}
	}
	p.v.t.Fatalf("%s is not listed: %s", name, p.text("tbody"))
	return ""
}

func TestImport(t *testing.T) {
	h := newHouse(t)
	e := h.environment("production")
	h.staff(e)
	d := h.destination(e, "main")
	same, other := h.secret(e, "legacy/same"), h.secret(e, "legacy/other")
	h.inSync(same.ID)
	h.inSync(other.ID)
	h.theirs(map[string]string{
		"old/db pass": canary + " db", "old/object": `{"user":"` + canary + `"}`, "old/legacy/same": canary + " of legacy/same",
		"old/legacy/other": canary + " other", "old/empty": "", "old/out": canary + " out", "old/key": canary + " key",
	})
	manager := h.as(string(models.RoleManager))
	p := manager.preview(d, map[string]string{"prefix": "old/", "names": "name there,secret\nold/out,\nold/nowhere,x\n"})
	p.want(http.StatusOK, ".flash-warning", "old/nowhere")
	for name, want := range map[string]string{"old/db": "new", "old/object": "JSON", "old/legacy/same": "equal", "old/legacy/other": "different", "old/empty": "problem", "old/out": "left out"} {
		if row := p.row(name); !strings.Contains(row, want) {
			t.Errorf("%s: %q, want %q", name, row, want)
		}
	}
	p.want(http.StatusOK, ".stats", "New 3")
	p.want(http.StatusOK, ".choice-count", "5 of 5 chosen")
	p.want(http.StatusOK, "tbody", "Keeper mended it")
	number := func(p *page, name string) string {
		t.Helper()
		for _, row := range p.all("tbody tr") {
			if strings.Contains(textOf(row, ""), name) {
				for _, input := range p.all("input[name^='name.']") {
					if input.Parent.Parent == row {
						return strings.TrimPrefix(attribute(input, "name"), "name.")
					}
				}
			}
		}
		t.Fatalf("%s has no field", name)
		return ""
	}

	t.Run("Filter", func(t *testing.T) {
		found := p.form(p.path()).set("go", "found:new").submit()
		if n := len(found.all("tbody td.tick")); n != 3 || found.url.Query().Get("status") != "new" {
			t.Errorf("%d are listed at %s", n, found.url)
		}
		found = p.form(p.path()).set("q", "LEGACY").submit()
		if n := len(found.all("tbody td.tick")); n != 2 || found.url.Query().Get("q") != "LEGACY" {
			t.Errorf("%d are listed at %s", n, found.url)
		}
		manager.get(p.path()+"?status=odd").want(http.StatusOK, ".empty", "Nothing like that")
		manager.get(p.path()+"?not=9-1").want(http.StatusBadRequest, ".problem", "nothing was done")
	})
	t.Run("Choose", func(t *testing.T) {
		form := p.form(p.path())
		form.values["take"] = form.values["take"][1:] // "old/db pass" is unticked
		kept := form.set("go", "found:equal").submit().want(http.StatusOK, ".choice-count", "4 of 5 chosen")
		kept.form(p.path()).set("go", "apply").submit().want(http.StatusOK, ".notice", "Take 4 entries")
		none := kept.form(p.path()).set("go", "none").submit().want(http.StatusOK, ".choice-count", "0 of 5 chosen")
		none.form(p.path()).set("go", "apply").submit().want(http.StatusBadRequest, ".problem", "Nothing is chosen")
		none.form(p.path()).set("go", "all").submit().want(http.StatusOK, ".choice-count", "5 of 5 chosen")
	})
	t.Run("Rename", func(t *testing.T) {
		form := p.form(p.path())
		form.values["take"] = form.values["take"][1:]
		form.set("name."+number(p, "old/key"), "legacy/other").set("name."+number(p, "old/out"), "taken/after/all")
		again := form.set("go", "apply").submit().want(http.StatusOK, ".flash-done", "looked again")
		if again.path() == p.path() {
			t.Error("the preview itself was changed")
		}
		if row := again.row("old/key"); !strings.Contains(row, "problem") {
			t.Errorf("two names for one secret: %q", row)
		}
		if row := again.row("old/out"); !strings.Contains(row, "new") || !strings.Contains(again.text("tbody"), "mended") {
			t.Errorf("named after all: %q", row)
		}
		if row := again.all("tbody tr:first-child input[name=take][checked]"); len(row) != 0 {
			t.Error("what was unticked is ticked again")
		}
	})
	t.Run("RenameRefused", func(t *testing.T) {
		h.place.Inject(memory.Fault{Op: memory.OpList, Kind: fault.Unavailable})
		defer h.place.ClearFaults()
		form := p.form(p.path())
		form.values["take"] = form.values["take"][1:]
		field := "name." + number(p, "old/key")
		back := form.set(field, "typed/name").set("go", "compare").submit()
		back.want(http.StatusServiceUnavailable, ".summary", "")
		if got := back.form(p.path()).value(field); got != "typed/name" {
			t.Errorf("what was typed has become %q", got)
		}
		back.want(http.StatusServiceUnavailable, ".choice-count", "4 of 5 chosen")
	})
	t.Run("NameMap", func(t *testing.T) {
		file := manager.get(p.path() + "/names")
		if file.header.Get("Content-Type") != "text/csv; charset=utf-8" || !strings.Contains(file.body, "old/db pass,db-pass\n") || !strings.Contains(file.body, "old/out,\n") {
			t.Errorf("got %s", file.body)
		}
	})
	t.Run("Apply", func(t *testing.T) {
		h.place.Edit("old/key", []byte(canary+" moved"))
		ask := p.form(p.path()).set("go", "apply").submit()
		ask.want(http.StatusOK, ".notice", "3 secrets would be made")
		form := ask.form(p.path()+"/apply").set("side", "keeper")
		form.submit().want(http.StatusBadRequest, "#f-confirm-error, #summary", "main")
		form.set("confirm", "main").submit().want(http.StatusBadRequest, ".summary", "only where the entries are adopted")
		done := form.set("side", "remote").submit().want(http.StatusOK, ".page-facts", "done")
		done.want(http.StatusOK, ".stats", "Imported 2")
		done.want(http.StatusOK, ".stats", "New versions 1")
		done.want(http.StatusOK, "#results", "changed since the preview")
		for name, want := range map[string]string{"db-pass": canary + " db", "object": `{"user":"` + canary + `"}`, "legacy/other": canary + " other", "key": "", "out": ""} {
			if got := h.value(e, name); got != want {
				t.Errorf("%s is %q, want %q", name, got, want)
			}
		}
		skipped := manager.get(p.path()+"?result=skipped").want(http.StatusOK, "tbody", "old/key")
		if n := len(skipped.all("tbody th")); n != 1 {
			t.Errorf("%d are skipped: %s", n, skipped.text("tbody"))
		}
		form.submit().want(http.StatusConflict, ".summary", "applied already")
		manager.get(p.path()+"/apply").want(http.StatusConflict, ".problem", "begun already")
		manager.post(p.path(), url.Values{"csrf_token": {tokenOf(done)}}).want(http.StatusConflict, ".summary", "begun already")
	})
	t.Run("List", func(t *testing.T) {
		list := manager.get("/destinations/"+string(d.ID)+"/imports").want(http.StatusOK, "#imports tbody", "2 imported, 1 new version, 1 unchanged")
		if len(list.all("tbody tr")) != 2 {
			t.Errorf("the list says %s", list.text("tbody"))
		}
	})
}

func TestImportRoles(t *testing.T) {
	h := newHouse(t)
	e := h.environment("production")
	h.staff(e)
	h.user("eve", models.RoleUser, nil)
	d := h.destination(e, "main")
	s := h.secret(e, "a")
	h.inSync(s.ID)
	h.theirs(map[string]string{"production/x": canary})
	made := h.as(string(models.RoleManager)).preview(d, nil)
	there, copies := "/destinations/"+string(d.ID), fmt.Sprintf("/destinations/%s/copies/%d/release", d.ID, s.ID)
	for name, want := range map[string]int{string(models.RoleEditor): http.StatusForbidden, string(models.RoleViewer): http.StatusForbidden, "eve": http.StatusNotFound} {
		t.Run(name, func(t *testing.T) {
			v := h.as(name)
			for _, path := range []string{there, "/secrets/" + strconv.Itoa(int(s.ID))} {
				if p := v.get(path); p.has(`.act-release, a[href$="/imports"]`) {
					t.Errorf("%s offers what is refused", path)
				}
			}
			for _, path := range []string{there + "/imports", there + "/imports/new", made.path(), made.path() + "/names", made.path() + "/apply", copies} {
				v.get(path).want(want, ".problem", "")
			}
			token := tokenOf(v.get("/"))
			for _, path := range []string{there + "/imports", made.path(), made.path() + "/apply", copies} {
				v.post(path, url.Values{"csrf_token": {token}}).want(want, ".problem", "")
			}
		})
	}
	if h.value(e, "x") != "" {
		t.Error("something was imported")
	}
	if item, _ := h.place.Get("production/a"); item.Remote.Mark.Zero() {
		t.Error("something was released")
	}
}

func TestImportForm(t *testing.T) {
	h := newHouse(t)
	e := h.environment("production")
	h.staff(e)
	d := h.destination(e, "main")
	h.theirs(map[string]string{"production/x": canary, "production/y": canary})
	manager := h.as(string(models.RoleManager))
	there := "/destinations/" + string(d.ID) + "/imports"
	t.Run("BadMap", func(t *testing.T) {
		back := manager.get(there+"/new").form(there).set("names", "a,b\nc\n").set("prefix", "kept/").submit()
		back.want(http.StatusBadRequest, "#f-names-error", "Line 2")
		if form := back.form(there); form.value("prefix") != "kept/" || form.value("names") != "a,b\nc\n" {
			t.Errorf("what was typed has become %v", form.values)
		}
	})
	t.Run("BadPrefix", func(t *testing.T) {
		manager.get(there+"/new").form(there).set("prefix", "no names/").submit().want(http.StatusBadRequest, "#f-prefix-error", "")
	})
	t.Run("File", func(t *testing.T) {
		upload := func(path string, names int) *http.Response {
			t.Helper()
			var body bytes.Buffer
			parts := multipart.NewWriter(&body)
			for name, value := range manager.get(there + "/new").form(there).values {
				must(t, parts.WriteField(name, value[0]))
			}
			file, err := parts.CreateFormFile("names_file", "names.csv")
			must(t, err)
			text := "production/y,from/the/file\n"
			for i := range names - 1 {
				text += fmt.Sprintf("production/none/of/them/is/at/the/destination/%d,none/of/them/is/at/the/destination/%d\n", i, i)
			}
			_, err = file.Write([]byte(text))
			must(t, err)
			must(t, parts.Close())
			r, err := http.NewRequest(http.MethodPost, h.url+path, &body)
			must(t, err)
			r.Header.Set("Content-Type", parts.FormDataContentType())
			answer, err := manager.client.Do(r)
			must(t, err)
			must(t, answer.Body.Close())
			return answer
		}
		made := upload(there, 5000) // longer than any other form may be
		if made.StatusCode != http.StatusOK {
			t.Fatalf("got %d", made.StatusCode)
		}
		p := manager.get(made.Request.URL.Path).want(http.StatusOK, ".stats", "New 2")
		if !p.has(`input[value="from/the/file"]`) {
			t.Errorf("the name map was not taken: %s", p.text("tbody"))
		}
		if again := upload(there, 5001); again.StatusCode != http.StatusBadRequest {
			t.Errorf("more names than an import has: got %d", again.StatusCode)
		}
		if other := upload("/sync", 10); other.StatusCode != http.StatusForbidden && other.StatusCode != http.StatusConflict {
			t.Errorf("another form takes a file: got %d", other.StatusCode)
		}
	})
	t.Run("Grouped", func(t *testing.T) {
		grouped := h.destinationWith(h.environment("other"), "grouped", models.DestinationConfig{Shape: models.ShapeFolder})
		h.user("ada", models.RoleAdmin, nil)
		admin := h.as("ada")
		list := admin.get("/destinations/" + string(grouped.ID) + "/imports")
		if list.has("#act-adopt") || !list.has("#act-import") {
			t.Error("grouped entries are offered to be adopted, or not to be imported")
		}
		admin.get("/destinations/"+string(grouped.ID)+"/imports/new?purpose=adopt").want(http.StatusBadRequest, ".problem", "several secrets")
	})
	t.Run("Hostile", func(t *testing.T) {
		const hostile = `production/"><script>alert(1)</script>`
		h.theirs(map[string]string{hostile: canary})
		p := manager.preview(d, nil).want(http.StatusOK, "tbody", hostile)
		for _, script := range p.all("script") {
			if attribute(script, "src") == "" {
				t.Error("a name became a script")
			}
		}
	})
}

// TestLongImport goes through an import of many pages, which takes several steps.
func TestLongImport(t *testing.T) {
	h := newHouse(t)
	e := h.environment("production")
	h.staff(e)
	d := h.destination(e, "main")
	const n = 120
	for i := range n {
		h.theirs(map[string]string{fmt.Sprintf("production/s%03d", i): fmt.Sprintf("%s %d", canary, i)})
	}
	manager := h.as(string(models.RoleManager))
	p := manager.preview(d, nil)
	path, seen := p.path(), map[string]bool{}
	for pages := 0; ; pages++ {
		form := p.form(path)
		for _, take := range form.values["take"] {
			seen[take] = true
		}
		form.values["take"] = form.values["take"][1:] // the first of each page
		next := p.all(`button[name="go"][value^="page:"]`)
		if pages > 0 { // the first button leads back
			back := form.set("go", attribute(next[0], "value")).submit()
			if shown := back.form(path).values["take"]; !seen[shown[len(shown)-1]] {
				t.Errorf("page %d leads back to %v", pages, shown)
			}
			next = next[1:]
		}
		if len(next) == 0 {
			p = form.set("go", "apply").submit()
			break
		}
		p = form.set("go", attribute(next[0], "value")).submit()
		if pages > 3 {
			t.Fatal("the pages do not end")
		}
	}
	if len(seen) != n {
		t.Errorf("%d items on all pages", len(seen))
	}
	p.want(http.StatusOK, ".notice", "117 secrets would be made")
	// It was begun, and cut off before it had done anything.
	must(t, h.store.Write(context.Background(), func(tx *store.Tx) error {
		id := models.ImportID(strings.TrimPrefix(path, "/sync/imports/"))
		i, err := tx.LockImport(id)
		if err != nil {
			return err
		}
		i.Status = models.ImportApplying
		return tx.UpdateImport(&i)
	}))
	waiting := manager.get(path).want(http.StatusOK, "#progress", "0 done, 120 left")
	if waiting.has("[data-goes-on]") {
		t.Error("the page goes on though nobody asked it to")
	}
	if on := manager.get(path + "?on=1"); !on.has("form[data-goes-on] button") || !on.has("#act-wait") {
		t.Error("the page does not go on, or cannot be stopped")
	}
	t.Run("Away", func(t *testing.T) {
		h.place.Inject(memory.Fault{Op: memory.OpDescribe, Kind: fault.Unavailable, Times: 1})
		defer h.place.ClearFaults()
		done := waiting.form(path+"/apply").submit().want(http.StatusOK, ".page-facts", "done")
		done.want(http.StatusOK, ".stats", "Imported 119")
		done.want(http.StatusOK, ".stats", "Failed 1")
	})
	if n := len(manager.get(path + "?result=failed").all("tbody th")); n != 1 {
		t.Errorf("%d failed", n)
	}
}

func TestAdoptAndRelease(t *testing.T) {
	h := newHouse(t)
	e := h.environment("production")
	h.staff(e)
	d := h.destination(e, "main")
	h.theirs(map[string]string{"production/equal": canary + " of equal", "production/differs": canary + " theirs", "production/alone": canary})
	equal, differs := h.secret(e, "equal"), h.secret(e, "differs")
	h.pass(d)
	manager := h.as(string(models.RoleManager))
	there := "/destinations/" + string(d.ID)
	p := manager.get(there+"/imports/new?purpose=adopt").form(there+"/imports").submit().want(http.StatusOK, ".stats", "Different 1")
	if p.has(`input[name^="name."]`) || len(p.all("input[name=take]")) != 2 {
		t.Errorf("the page lets choose %d, or change names", len(p.all("input[name=take]")))
	}
	form := p.form(p.path()).set("go", "apply").submit().want(http.StatusOK, ".notice", "look after 2 entries").form(p.path() + "/apply")
	form.set("side", "keeper").set("confirm", "wrong").submit().want(http.StatusBadRequest, "#f-confirm-error", "main")
	form.set("confirm", "main").submit().want(http.StatusOK, ".stats", "Adopted 2")
	h.inSync(equal.ID)
	h.inSync(differs.ID)
	if !h.holds("production/differs", canary+" of differs") || !h.holds("production/alone", canary) {
		t.Error("Keeper's value is not there, or somebody else's is gone")
	}
	secret := "/secrets/" + strconv.Itoa(int(equal.ID))
	release := fmt.Sprintf("%s/copies/%d/release", there, equal.ID)
	for _, path := range []string{there, secret} {
		if p := manager.get(path); !p.has(`a[href="` + release + `"]`) {
			t.Errorf("%s has no way to release", path)
		}
	}
	ask := manager.get(release).want(http.StatusOK, ".warning", "leaves the name alone")
	t.Run("Away", func(t *testing.T) {
		h.place.Inject(memory.Fault{Op: memory.OpUnmark, Kind: fault.Unavailable})
		defer h.place.ClearFaults()
		ask.form(release).submit().want(http.StatusServiceUnavailable, ".summary", "still is Keeper's")
	})
	eventually(t, "the destination to be at rest", func() bool {
		return ask.form(release).submit().status == http.StatusOK
	})
	if item, _ := h.place.Get("production/equal"); !item.Remote.Mark.Zero() {
		t.Error("the mark is still there")
	}
	after := manager.get(secret).want(http.StatusOK, "#synced", "foreign")
	if after.has(".act-release") {
		t.Error("what was released can be released")
	}
	manager.get(release).want(http.StatusNotFound, ".problem", "no copy")
}
