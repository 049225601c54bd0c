package web_test

import (
	"context"
	"fmt"
	"net/http"
	"strconv"
	"strings"
	"testing"

	"github.com/your-org/keeper/destinations"
	"github.com/your-org/keeper/fault"
	"github.com/your-org/keeper/models"
	"github.com/your-org/keeper/store"
	"github.com/your-org/keeper/sync/memory"
)

// pass makes a full pass over a destination and waits for its end.
func (h *house) pass(d models.Destination) models.SyncRun {
	h.t.Helper()
	run, err := h.dests.Trigger(context.Background(), models.System(), d.ID)
	must(h.t, err)
	return h.ended(run.ID)
}

func (h *house) ended(id models.RunID) (run models.SyncRun) {
	h.t.Helper()
	eventually(h.t, "the run to end", func() bool {
		var err error
		run, err = h.dests.Run(context.Background(), models.System(), id)
		must(h.t, err)
		return run.FinishedAt != nil
	})
	return run
}

// staff makes a user of each role in an environment, named as the role.
func (h *house) staff(e models.Environment) {
	h.t.Helper()
	for _, role := range []models.EnvironmentRole{models.RoleViewer, models.RoleReader, models.RoleEditor, models.RoleManager} {
		h.user(string(role), models.RoleUser, map[models.EnvironmentID]models.EnvironmentRole{e.ID: role})
	}
}

func (h *house) holds(name, value string) bool {
	item, there := h.place.Get(name)
	return there && string(item.Value) == value
}

func TestPlan(t *testing.T) {
	h := newHouse(t)
	e := h.environment("production")
	h.staff(e)
	d := h.destination(e, "main")
	a, b := h.secret(e, "a"), h.secret(e, "b")
	h.inSync(a.ID)
	h.inSync(b.ID)
	// A plan is about what is not done yet, so no write succeeds here.
	for _, op := range []memory.Op{memory.OpPut, memory.OpDelete} {
		h.place.Inject(memory.Fault{Op: op, Kind: fault.Unavailable})
	}
	h.place.Edit("production/a", []byte(canary+" of somebody else"))
	_, err := h.secrets.Delete(context.Background(), models.System(), b.ID, 0)
	must(t, err)
	h.secret(e, "c")
	there := "/destinations/" + string(d.ID)
	editor, viewer := h.as(string(models.RoleEditor)), h.as(string(models.RoleViewer))

	plan := editor.get(there).form(there+"/plans").submit().want(http.StatusOK, ".page-facts", "to be looked at")
	if !strings.HasPrefix(plan.path(), "/sync/plans/") {
		t.Fatalf("got %s", plan.path())
	}
	for selector, words := range map[string]string{
		".stats": "Overwrite 1", "tbody": "overwrite", "nav.state-filter": "delete 1", "aside": "Expected time",
	} {
		plan.want(http.StatusOK, selector, words)
	}
	if n := len(plan.all("tbody th")); n != 3 {
		t.Errorf("%d secrets are listed: %s", n, plan.text("tbody"))
	}
	t.Run("Filter", func(t *testing.T) {
		for action, want := range map[string]int{"delete": 1, "repair": 1, "create": 1, "restore": 0, "problem": 0, "no such action": 3} {
			if n := len(editor.get(plan.path() + "?action=" + strings.ReplaceAll(action, " ", "+")).all("tbody th")); n != want {
				t.Errorf("%s: %d secrets are listed, want %d", action, n, want)
			}
		}
	})
	t.Run("Viewer", func(t *testing.T) {
		p := viewer.get(plan.path()).want(http.StatusOK, "tbody", "overwrite")
		if p.has("#act-apply, #act-discard") {
			t.Error("a viewer is offered what a viewer may not do")
		}
		viewer.get(plan.path()+"/apply").want(http.StatusForbidden, "", "")
		for _, path := range []string{plan.path() + "/apply", plan.path() + "/discard", there + "/plans"} {
			viewer.post(path, map[string][]string{"csrf_token": {tokenOf(p)}}).want(http.StatusForbidden, "", "")
		}
	})
	t.Run("Stranger", func(t *testing.T) {
		h.user("eve", models.RoleUser, nil)
		h.as("eve").get(plan.path()).want(http.StatusNotFound, "", "")
	})
	ask := editor.get(plan.path()+"/apply").want(http.StatusOK, ".warning", "1 value would be deleted at main")
	ask.want(http.StatusOK, ".warning", "1 value that Keeper did not write")
	form := ask.form(plan.path() + "/apply")
	t.Run("NotNamed", func(t *testing.T) {
		form.set("confirm", "other").submit().want(http.StatusBadRequest, "#f-confirm-error", "main")
	})
	form.set("confirm", "main")
	t.Run("Paused", func(t *testing.T) {
		pause := func(paused bool) {
			_, err := h.dests.Update(context.Background(), models.System(), d.ID, destinations.Change{Paused: &paused}, 0)
			must(t, err)
		}
		pause(true)
		defer pause(false)
		form.submit().want(http.StatusConflict, ".summary", "paused")
		p := editor.get(there)
		if !p.has("#act-plan[disabled]") {
			t.Error("a paused destination can be planned")
		}
		editor.post(there+"/plans", map[string][]string{"csrf_token": {tokenOf(p)}}).want(http.StatusConflict, ".problem", "no plan was made")
	})
	t.Run("AnotherPlan", func(t *testing.T) {
		digest := form.value("digest")
		form.set("digest", "0000").submit().want(http.StatusConflict, ".summary", "not the plan")
		form.set("digest", digest)
	})
	t.Run("Discard", func(t *testing.T) {
		other := editor.get(there).form(there + "/plans").submit()
		done := other.form(other.path()+"/discard").submit().want(http.StatusOK, ".page-facts", "discarded")
		done.want(http.StatusOK, "#plan", "Nothing of it was done")
		editor.get(other.path()+"/apply").want(http.StatusConflict, ".problem", "discarded already")
	})
	t.Run("List", func(t *testing.T) {
		viewer.get(there+"/plans").want(http.StatusOK, "#plans tbody", "discarded")
		viewer.get(there+"/plans").want(http.StatusOK, "#plans tbody", "1 to overwrite, 1 to delete, 1 to create")
	})
	if !h.holds("production/a", canary+" of somebody else") {
		t.Fatal("something was written before a plan was applied")
	}
}

func TestApplyPlan(t *testing.T) {
	h := newHouse(t)
	e := h.environment("production")
	h.staff(e)
	d := h.destination(e, "main")
	s := h.secret(e, "a")
	h.inSync(s.ID)
	h.pass(d)
	h.place.Edit("production/a", []byte("theirs"))
	there := "/destinations/" + string(d.ID)
	editor := h.as(string(models.RoleEditor))
	apply := func(between func()) (plan, run string) {
		t.Helper()
		plan = editor.get(there).form(there+"/plans").submit().want(http.StatusOK, "tbody", "overwrite").path()
		between()
		answer := editor.get(plan+"/apply").form(plan+"/apply").set("confirm", "main").submit()
		if !strings.HasPrefix(answer.path(), "/sync/runs/") {
			t.Fatalf("got %d at %s: %s", answer.status, answer.path(), answer.text("main"))
		}
		h.ended(models.RunID(strings.TrimPrefix(answer.path(), "/sync/runs/")))
		return plan, answer.path()
	}
	t.Run("Moved", func(t *testing.T) {
		plan, run := apply(func() { h.place.Edit("production/a", []byte("theirs again")) })
		eventually(t, "the plan to be refused", func() bool { return strings.Contains(editor.get(plan).text(".page-facts"), "refused") })
		editor.get(plan).want(http.StatusOK, "#plan .flash-failed", "nothing of it was done")
		editor.get(run).want(http.StatusOK, ".flash-note", "carries out a plan").
			want(http.StatusOK, ".flash-failed", "could not be carried out").want(http.StatusOK, "#results", "Nothing was done")
		if !h.holds("production/a", "theirs again") {
			t.Error("something was written")
		}
	})
	t.Run("OK", func(t *testing.T) {
		plan, _ := apply(func() {})
		eventually(t, "the plan to be applied", func() bool { return strings.Contains(editor.get(plan).text(".page-facts"), "applied") })
		if h.holds("production/a", "theirs again") {
			t.Error("nothing was written")
		}
	})
}

func TestHeldPlan(t *testing.T) {
	h := newHouse(t)
	e := h.environment("production")
	h.staff(e)
	d := h.destinationWith(e, "main", models.DestinationConfig{BrakeMost: new(1), BrakePercent: new(0)})
	var secrets []models.Secret
	for i := range 3 {
		secrets = append(secrets, h.secret(e, "s"+strconv.Itoa(i)))
	}
	for _, s := range secrets {
		h.inSync(s.ID)
	}
	for i := range secrets {
		h.place.Edit("production/s"+strconv.Itoa(i), []byte("theirs"))
	}
	run := h.pass(d)
	if run.Status != models.RunHeld || run.PlanID == "" {
		t.Fatalf("run %+v", run)
	}
	plan := "/sync/plans/" + string(run.PlanID)
	editor, manager := h.as(string(models.RoleEditor)), h.as(string(models.RoleManager))
	overview := editor.get("/").want(http.StatusOK, "#attention", "Plan for main")
	for _, p := range []*page{overview, editor.get("/sync"), editor.get("/destinations/" + string(d.ID))} {
		if strings.Contains(p.text("main"), "not reachable") || !strings.Contains(p.text("main"), "held by the brake") {
			t.Errorf("%s takes the brake for a failure: %s", p.path(), p.text("main"))
		}
	}
	editor.get("/sync/runs/"+string(run.ID)).want(http.StatusOK, ".flash-warning", "Look at its plan")
	editor.get(plan).want(http.StatusOK, ".flash-warning", "no more than 1 of the values")
	if p := editor.get(plan); p.has("#act-apply") || !p.has("#act-discard") {
		t.Error("an editor is offered to apply a held plan, or not to discard it")
	}
	editor.get(plan+"/apply").want(http.StatusForbidden, "", "")
	form := manager.get(plan + "/apply").form(plan + "/apply")
	done := form.set("confirm", "main").submit()
	if !strings.HasPrefix(done.path(), "/sync/runs/") {
		t.Fatalf("got %d at %s: %s", done.status, done.path(), done.text("main"))
	}
	if ended := h.ended(models.RunID(strings.TrimPrefix(done.path(), "/sync/runs/"))); ended.Counts.Repaired != 3 {
		t.Errorf("run %+v", ended)
	}
	eventually(t, "the plan to be closed", func() bool { return strings.Contains(manager.get(plan).text(".page-facts"), "applied") })
	manager.get(plan).want(http.StatusOK, "#act-run", "Its run")
	if text := manager.get("/").text("#attention"); strings.Contains(text, "Plan for main") {
		t.Errorf("the overview still says %q", text)
	}
}

// TestPlanBeyondBrake asks for a plan that does more than the brake lets a run do by itself.
func TestPlanBeyondBrake(t *testing.T) {
	h := newHouse(t)
	e := h.environment("production")
	h.staff(e)
	d := h.destinationWith(e, "main", models.DestinationConfig{BrakeMost: new(1), BrakePercent: new(0)})
	for i := range 2 {
		h.inSync(h.secret(e, "s"+strconv.Itoa(i)).ID)
		h.place.Edit("production/s"+strconv.Itoa(i), []byte("theirs"))
	}
	there := "/destinations/" + string(d.ID)
	editor, manager := h.as(string(models.RoleEditor)), h.as(string(models.RoleManager))
	plan := editor.get(there).form(there+"/plans").submit().want(http.StatusOK, ".page-facts", "to be looked at")
	plan.want(http.StatusOK, "#plan .flash-warning", "Someone who manages")
	if plan.has("#act-apply") || !plan.has("#act-discard") {
		t.Error("an editor is offered to apply what a manager has to, or not to discard it")
	}
	editor.get(plan.path()+"/apply").want(http.StatusForbidden, "", "")
	seen := manager.get(plan.path()).want(http.StatusOK, "#plan .flash-warning", "Apply the plan if that is meant")
	if !seen.has("#act-apply") {
		t.Error("a manager is not offered to apply it")
	}
	ask := manager.get(plan.path()+"/apply").want(http.StatusOK, ".warning", "does not stop the run again")
	done := ask.form(plan.path()+"/apply").set("confirm", "main").submit()
	if !strings.HasPrefix(done.path(), "/sync/runs/") {
		t.Fatalf("got %d at %s: %s", done.status, done.path(), done.text("main"))
	}
	if ended := h.ended(models.RunID(strings.TrimPrefix(done.path(), "/sync/runs/"))); ended.Counts.Repaired != 2 {
		t.Errorf("run %+v", ended)
	}
}

// TestPlanPages goes through a long plan by pages.
func TestPlanPages(t *testing.T) {
	h := newHouse(t)
	h.user("ada", models.RoleAdmin, nil)
	e := h.environment("production")
	d := h.destination(e, "main")
	const n = 10_000
	plan := models.Plan{ID: models.NewPlanID(), DestinationID: d.ID, EnvironmentID: e.ID, Status: models.PlanDraft, Full: true, CreatedBy: "ada"}
	plan.Counts = models.PlanCounts{Looked: n, Creates: n - 1, Deletes: 1}
	items := make([]models.PlanItem, n)
	for i := range items {
		items[i] = models.PlanItem{PlanID: plan.ID, SecretID: models.SecretID(i + 1), SecretName: fmt.Sprintf("s%05d", i+1), RemoteName: "x", Status: models.StatusSourceChanged, Action: models.ActionCreate}
	}
	items[n-1].Action = models.ActionDelete
	must(t, h.store.Write(context.Background(), func(tx *store.Tx) error {
		if err := tx.CreatePlan(&plan); err != nil {
			return err
		}
		return tx.AddPlanItems(items)
	}))
	v := h.as("ada")
	seen := map[string]bool{}
	path, pages := "/sync/plans/"+string(plan.ID), 0
	for next := path; next != "" && pages < 3; pages++ {
		p := v.get(next).want(http.StatusOK, ".stats", "Create 9,999")
		for _, row := range p.all("tbody th") {
			name := strings.TrimSpace(textOf(row, ""))
			if seen[name] {
				t.Errorf("%s is listed twice", name)
			}
			seen[name] = true
		}
		next = ""
		for _, link := range p.all(`.pager a[rel="next"]`) {
			next = attribute(link, "href")
		}
	}
	if pages != 3 || len(seen) != 150 {
		t.Errorf("%d secrets on %d pages", len(seen), pages)
	}
	last := v.get(path+"?action=delete").want(http.StatusOK, "tbody", "s10000")
	if len(last.all("tbody th")) != 1 || last.has(`.pager a[rel="next"]`) {
		t.Error("the filter shows more than the one that is deleted")
	}
}

func TestPauseAll(t *testing.T) {
	h := newHouse(t)
	e, other := h.environment("production"), h.environment("staging")
	h.staff(e)
	d, foreign := h.destination(e, "main"), h.destination(other, "elsewhere")
	paused := func(id models.DestinationID) bool {
		d, _, err := h.dests.Get(context.Background(), models.System(), id)
		must(t, err)
		return d.Paused
	}
	if p := h.as(string(models.RoleEditor)).get("/sync"); p.has("#act-pause-all") {
		t.Error("an editor is offered to pause")
	} else {
		p.v.post("/sync/pause", map[string][]string{"csrf_token": {tokenOf(p)}}).want(http.StatusConflict, "", "")
	}
	manager := h.as(string(models.RoleManager))
	manager.get("/sync").form("/sync/pause").submit().want(http.StatusOK, ".flash-done", "1 destination is now paused")
	if !paused(d.ID) || paused(foreign.ID) {
		t.Error("not just the manager's own destinations are paused")
	}
	p := manager.get("/sync")
	if p.has("#act-pause-all") {
		t.Error("what is paused can be paused")
	}
	p.form("/sync/resume").submit().want(http.StatusOK, ".flash-done", "resumed")
	if paused(d.ID) {
		t.Error("it is still paused")
	}
}
