package web_test

import (
	"context"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/your-org/keeper/destinations"
	"github.com/your-org/keeper/fault"
	"github.com/your-org/keeper/models"
	"github.com/your-org/keeper/store"
	"github.com/your-org/keeper/sync/memory"
)

// refusedRun is a run that wrote one secret and was refused at another.
func (h *house) refusedRun(e models.Environment, d models.Destination) models.SyncRun {
	h.t.Helper()
	h.place.Inject(memory.Fault{Op: memory.OpPut, Name: e.Name + "/pay/bad", Kind: fault.Forbidden, Times: 1})
	h.secret(e, "pay/bad")
	var found models.SyncRun
	eventually(h.t, "the run that is refused", func() bool {
		runs, _, err := h.dests.Runs(context.Background(), models.System(), destinations.RunQuery{DestinationID: d.ID, Status: models.RunPartial})
		must(h.t, err)
		if len(runs) > 0 {
			found = runs[0]
		}
		return len(runs) > 0
	})
	return found
}

func TestRetryOfARun(t *testing.T) {
	h := newHouse(t)
	e := h.environment("production")
	h.staff(e)
	d := h.destination(e, "main")
	h.inSync(h.secret(e, "pay/good").ID)
	failed := h.refusedRun(e, d)
	path := "/sync/runs/" + string(failed.ID)
	editor, viewer := h.as(string(models.RoleEditor)), h.as(string(models.RoleViewer))

	p := editor.get(path).want(http.StatusOK, "#results tbody", "create")
	for _, words := range []string{"bad", "create failed", "could not be written", "production/pay/bad"} {
		p.want(http.StatusOK, "#results tbody", words)
	}
	p.want(http.StatusOK, "#act-retry", "Retry 1 failed")
	editor.get(path+"?failed=1").want(http.StatusOK, ".state-filter a[aria-current]", "Failed only 1")
	t.Run("Viewer", func(t *testing.T) {
		p := viewer.get(path).want(http.StatusOK, "#results", "bad")
		if p.has("#act-retry, #act-again") {
			t.Error("a viewer is offered what a viewer may not do")
		}
		viewer.post(path+"/retry", url.Values{"csrf_token": {tokenOf(p)}}).want(http.StatusForbidden, "", "")
	})
	t.Run("Stranger", func(t *testing.T) {
		h.user("eve", models.RoleUser, nil)
		h.as("eve").get(path).want(http.StatusNotFound, "", "")
		h.as("eve").get(path+"/receipt").want(http.StatusNotFound, "", "")
	})
	retried := p.form(path+"/retry").submit().want(http.StatusOK, ".flash-done", "tried again")
	if retried.path() == path || !strings.HasPrefix(retried.path(), "/sync/runs/") {
		t.Fatalf("got %s", retried.path())
	}
	h.ended(models.RunID(strings.TrimPrefix(retried.path(), "/sync/runs/")))
	editor.get(retried.path()).want(http.StatusOK, "#run", "an earlier one")
	if !h.holds("production/pay/bad", canary+" of pay/bad") {
		t.Error("it was not written")
	}
	p.form(path+"/retry").submit().want(http.StatusConflict, ".problem", "left to be tried again")
}

func TestRunHistory(t *testing.T) {
	h := newHouse(t)
	e := h.environment("production")
	h.staff(e)
	d := h.destination(e, "main")
	h.inSync(h.secret(e, "pay/good").ID)
	h.pass(d)
	must(t, h.store.Write(context.Background(), func(tx *store.Tx) error {
		for i := range 60 {
			run := models.SyncRun{
				ID: models.NewRunID(), DestinationID: d.ID, EnvironmentID: e.ID, Trigger: models.TriggerSchedule, Status: models.RunInterrupted,
				StartedAt: time.Date(2026, 3, 1, 0, i, 0, 0, time.UTC), FinishedAt: new(time.Date(2026, 3, 1, 1, 0, 0, 0, time.UTC)),
			}
			if err := tx.CreateRun(&run); err != nil {
				return err
			}
		}
		return nil
	}))
	v := h.as(string(models.RoleViewer))
	for _, history := range []string{"/sync/runs", "/destinations/" + string(d.ID) + "/runs"} {
		rows := func(query string) int {
			return len(v.get(history+query).want(http.StatusOK, "h1", "").all("#runs tbody tr"))
		}
		for query, want := range map[string]int{
			"?status=interrupted": 50, "?trigger=manual": 1, "?secret=PAY/good": 1, "?secret=nobody": 0, "?since=2026-03-01&until=2026-03-01": 50,
			"?until=2026-02-28": 0, "?since=2099-01-01": 0, "?destination=dst_none&since=2099-01-01": 0, "?status=odd&trigger=whim&since=soon": 50,
		} {
			if got := rows(query); got != want {
				t.Errorf("%s%s: %d runs, want %d", history, query, got, want)
			}
		}
		first := v.get(history + "?status=interrupted")
		second := v.get(attribute(first.all(".pager a[rel=next]")[0], "href"))
		if n := len(second.all("#runs tbody tr")); n != 10 || second.has(".pager a[rel=next]") || first.has(".pager a[rel=prev]") {
			t.Errorf("%s: the second page has %d runs", history, n)
		}
		back := v.get(attribute(second.all(".pager a[rel=prev]")[0], "href"))
		if back.text("#runs tbody") != first.text("#runs tbody") {
			t.Errorf("%s: the way back leads elsewhere", history)
		}
	}
	v.get("/sync/runs?cursor=nonsense").want(http.StatusBadRequest, "", "")
}

func TestReceipts(t *testing.T) {
	h := newHouse(t)
	e := h.environment("production")
	h.staff(e)
	d := h.destination(e, "main")
	list := "/destinations/" + string(d.ID) + "/receipts"
	editor, viewer := h.as(string(models.RoleEditor)), h.as(string(models.RoleViewer))
	h.inSync(h.secret(e, "pay/good").ID)
	h.place.Edit("production/theirs", []byte(canary+" of somebody else"))
	theirs := h.secret(e, "theirs")
	eventually(t, "the name to be found taken", func() bool {
		states, err := h.dests.StatesOf(context.Background(), []models.SecretID{theirs.ID})
		must(t, err)
		return len(states[theirs.ID]) == 1 && states[theirs.ID][0].Status == models.StatusForeign
	})
	run := h.pass(d)
	receipt := "/sync/runs/" + string(run.ID) + "/receipt"

	viewer.get(list).want(http.StatusOK, "#receipts tbody", "1 not equal")
	viewer.get("/sync/runs/"+string(run.ID)).want(http.StatusOK, "#act-receipt", "Receipt")
	ofChanges := viewer.get(list+"?about=changes").want(http.StatusOK, "#receipts tbody", "production/")
	if ofChanges.has(`a[href="`+receipt+`"]`) || !viewer.get(list+"?about=all").has(`#receipts a[href="`+receipt+`"]`) {
		t.Error("the lists by what receipts are about do not tell them apart")
	}
	p := viewer.get(receipt).want(http.StatusOK, ".flash-done", "The signature is this installation's")
	p.want(http.StatusOK, "tbody", "production/theirs foreign")
	p.want(http.StatusOK, "aside", "Root read back")
	p.want(http.StatusOK, "pre", "keeper sync verify receipt.txt --key")
	if p.has("#act-verify") {
		t.Error("a viewer is offered to read the destination again")
	}
	viewer.post(receipt+"/verify", url.Values{"csrf_token": {tokenOf(p)}, "read_again": {"true"}}).want(http.StatusForbidden, "", "")

	down := viewer.get(receipt+"/download").want(http.StatusOK, "", "")
	if !strings.HasPrefix(down.body, "keeper sync receipt v1\n") || !strings.Contains(down.header.Get("Content-Disposition"), "attachment") {
		t.Errorf("downloaded %q as %q", down.body[:40], down.header.Get("Content-Disposition"))
	}
	t.Run("Pasted", func(t *testing.T) { h.pasteReceipt(t, down.body) })
	again := func() *page { return editor.get(receipt).form(receipt + "/verify").submit() }
	again().want(http.StatusOK, "#again-title + span", "now")
	again().want(http.StatusOK, "main", "holds what the receipt says")
	h.place.Edit("production/pay/good", []byte(canary+" changed"))
	again().want(http.StatusOK, "main", "does not hold what the receipt says")
	again().want(http.StatusOK, "main", "production/pay/good")
	h.place.Inject(memory.Fault{Op: memory.OpFetch, Kind: fault.Unavailable})
	h.place.Inject(memory.Fault{Op: memory.OpList, Kind: fault.Unavailable})
	if p := again().want(http.StatusOK, ".flash-done", "signature"); p.text(".flash-failed") == "" {
		t.Error("that the destination could not be read is not told")
	}
	due, _, err := h.dests.Receipts(context.Background(), models.System(), destinations.ReceiptQuery{DestinationID: d.ID, Whole: new(false), Limit: 1})
	must(t, err)
	viewer.get("/sync/runs/"+string(due[0].RunID)+"/receipt").want(http.StatusOK, "[aria-labelledby=part-title]", "production/theirs")
	viewer.get("/sync/runs/run_none/receipt").want(http.StatusNotFound, "", "")
	short := models.SyncRun{ID: models.NewRunID(), DestinationID: d.ID, EnvironmentID: e.ID, Trigger: models.TriggerChange, Status: models.RunSucceeded}
	must(t, h.store.Write(context.Background(), func(tx *store.Tx) error { return tx.CreateRun(&short) }))
	viewer.get("/sync/runs/"+string(short.ID)+"/receipt").want(http.StatusNotFound, ".problem", "has no receipt")
}

// TestNextAtTheDestination says on the destination's page what Keeper does next, and why.
func TestNextAtTheDestination(t *testing.T) {
	h := newHouse(t)
	e := h.environment("production")
	d := h.destinationWith(e, "main", models.DestinationConfig{Strategy: models.ManualWins})
	h.user("ada", models.RoleAdmin, nil)
	s := h.secret(e, "a")
	h.inSync(s.ID)
	v := h.as("ada")
	there := "/destinations/" + string(d.ID)
	v.get(there).want(http.StatusOK, "#results tbody td[data-label=next]", "nothing")
	h.place.Edit("production/a", []byte(canary+" of somebody else"))
	h.pass(d)
	p := v.get(there).want(http.StatusOK, "#results tbody td[data-label=next]", "waits for a person: decide")
	p.want(http.StatusOK, "#results .why", "a person decides")
	if p.text("#results td[data-label=since]") == "" {
		t.Error("it does not say since when")
	}
	v.get("/secrets/"+strconv.FormatInt(int64(s.ID), 10)).want(http.StatusOK, "td[data-label=next]", "waits for a person: decide")
}

// pasteReceipt checks a receipt of production by its text.
func (h *house) pasteReceipt(t *testing.T, text string) {
	const here = "/sync/receipts/verify"
	paste := func(role models.EnvironmentRole, text, again string) *page {
		return h.as(string(role)).get(here).form(here).set("text", text).set("read_again", again).submit()
	}
	p := paste(models.RoleViewer, "\r\n"+strings.ReplaceAll(text, "\n", "\r\n")+"\r\n", "").want(http.StatusOK, "#signed", "The signature is this installation's")
	p.want(http.StatusOK, "main", "production/theirs foreign").want(http.StatusOK, "main", "Root read back")
	changed := strings.Replace(text, `"environment"`, ` "environment"`, 1)
	wrong := paste(models.RoleViewer, changed, "").want(http.StatusBadRequest, "#summary", "receipt")
	if wrong.has("#signed") || strings.TrimSpace(wrong.form(here).value("text")) != strings.TrimSpace(changed) {
		t.Error("a changed receipt is said to be signed, or is lost")
	}
	paste(models.RoleViewer, "", "").want(http.StatusBadRequest, "#summary", "not the text of a receipt")
	paste(models.RoleViewer, text, "true").want(http.StatusForbidden, "", "")
	paste(models.RoleEditor, text, "true").want(http.StatusOK, "main", "holds what the receipt says")
	if n := len(h.entries("sync.verify")); n == 0 {
		t.Error("that the destination was read again is not on record")
	}
	h.user("stranger", models.RoleUser, nil)
	none := h.as("stranger").get(here).form(here).set("text", text).submit().want(http.StatusNotFound, "", "")
	if strings.Contains(none.body, "production") {
		t.Error("a receipt is echoed to who may not see its environment")
	}
}
