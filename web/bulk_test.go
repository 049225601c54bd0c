package web_test

import (
	"context"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"testing"

	"github.com/your-org/keeper/models"
	"github.com/your-org/keeper/store"
)

// bulkURL is what the list's form sends for ticked secrets.
func bulkURL(act string, ids []models.SecretID, more ...string) string {
	q := url.Values{"act": {act}}
	for _, id := range ids {
		q.Add("id", fmt.Sprint(id))
	}
	for i := 0; i < len(more); i += 2 {
		q.Add(more[i], more[i+1])
	}
	return "/secrets/bulk?" + q.Encode()
}

func (h *house) get(id models.SecretID) models.Secret {
	h.t.Helper()
	s, _, err := h.secrets.Get(context.Background(), models.System(), id)
	must(h.t, err)
	return s
}

func (h *house) audited(action string) (objects []string) {
	h.t.Helper()
	must(h.t, h.store.Read(context.Background(), func(tx *store.Tx) error {
		entries, _, err := tx.Audit(store.AuditQuery{Everything: true})
		for _, e := range entries {
			if e.Action == action {
				objects = append(objects, e.ActorName+" "+e.ObjectName+" "+string(e.Outcome))
			}
		}
		return err
	}))
	slices.Sort(objects)
	return objects
}

// TestBulk changes many secrets at once by links and forms alone.
func TestBulk(t *testing.T) {
	h := newHouse(t)
	e := h.environment("production")
	d := h.destination(e, "aws-main")
	h.user("ada", models.RoleAdmin, nil)
	h.user("eve", models.RoleUser, map[models.EnvironmentID]models.EnvironmentRole{e.ID: models.RoleViewer})
	var ids []models.SecretID
	for _, name := range []string{"a/one", "a/two", "b/three"} {
		ids = append(ids, h.secret(e, name).ID)
	}
	v := h.as("ada")

	t.Run("List", func(t *testing.T) {
		page := v.get("/secrets?q=a%2F&sort=-name").want(http.StatusOK, "#choose [data-choose-count]", "Chosen")
		if n := len(page.all(`#choose tbody input[name="id"]`)); n != 2 {
			t.Errorf("%d boxes, want one a row", n)
		}
		if n := len(page.all(`#choose > input[name="q"][value="a/"]`)); n != 1 {
			t.Error("the form does not carry the filter")
		}
		if page := h.as("eve").get("/secrets"); page.has(`#choose input[name="id"]`) || page.has(`button[name="act"]`) {
			t.Error("who may change nothing is offered to")
		}
	})
	t.Run("Edit", func(t *testing.T) {
		v.get(bulkURL("edit", ids[:2])).want(http.StatusOK, ".lead-line", "2 secrets chosen")
		page := v.get(bulkURL("edit", ids[:2], "new_owner", "Checkout", "rotate_every_days", "90", "environment", "production"))
		page.want(http.StatusOK, "#preview h2", "2 secrets of 2 would change").want(http.StatusOK, "#preview tbody tr .bulk-change", "Checkout")
		if h.get(ids[0]).Owner != "Payments" {
			t.Fatal("a preview changed something")
		}
		done := page.form("/secrets/bulk").submit().want(http.StatusOK, ".flash-done", "2 secrets changed")
		if done.url.Query().Get("environment") != "production" {
			t.Errorf("back at %s, want the list as it was", done.url)
		}
		if one, three := h.get(ids[0]), h.get(ids[2]); one.Owner != "Checkout" || one.RotateEvery != 90 || three.Owner != "Payments" {
			t.Errorf("got %+v and %+v", one, three)
		}
		if got := h.audited("secret.update"); !slices.Equal(got, []string{"ada a/one allowed", "ada a/two allowed"}) {
			t.Errorf("on record: %v", got)
		}
	})
	t.Run("FilteredByOwner", func(t *testing.T) { // the owner that is looked for is not the one that is given
		page := v.get("/secrets/bulk?act=edit&all=true&owner=Checkout&new_owner=Platform").want(http.StatusOK, "#preview h2", "2 secrets of 2")
		page.form("/secrets/bulk").submit().want(http.StatusOK, ".flash-done", "2 secrets changed")
		if one, three := h.get(ids[0]), h.get(ids[2]); one.Owner != "Platform" || three.Owner != "Payments" {
			t.Errorf("owners %q and %q", one.Owner, three.Owner)
		}
		long := strings.Repeat("x", 201)
		v.get(bulkURL("edit", ids[:1], "new_owner", long)).want(http.StatusBadRequest, "#f-new-owner-error", "200")
	})
	t.Run("Tag", func(t *testing.T) {
		page := v.get(bulkURL("tag", ids, "tags", "tier=1\r\nteam=core", "untag", "old"))
		page.form("/secrets/bulk").submit().want(http.StatusOK, ".flash-done", "3 secrets changed")
		if got := h.get(ids[1]).Tags; got["tier"] != "1" || got["team"] != "core" {
			t.Errorf("tags %v", got)
		}
		v.get(bulkURL("tag", ids, "tags", "tier=1")).want(http.StatusOK, "#preview h2", "Nothing would change").want(http.StatusOK, ".bulk-rest", "a/two")
	})
	t.Run("Invalid", func(t *testing.T) {
		page := v.get(bulkURL("edit", ids[:1], "new_owner", "x", "clear_owner", "true", "rotate_every_days", "x"))
		page.want(http.StatusBadRequest, "#f-new-owner-error", "must be empty").want(http.StatusBadRequest, "#f-rotate-every-days-error", "whole number")
		if page.has("#preview") {
			t.Error("shows a preview of what cannot be")
		}
		v.get(bulkURL("tag", ids[:1], "tags", "aws:x=1")).want(http.StatusBadRequest, "#f-tags-error", "aws:")
		v.get(bulkURL("edit", nil)).want(http.StatusBadRequest, "main", "No secret is chosen")
		v.get(bulkURL("explode", ids)).want(http.StatusNotFound, "main", "no such page")
	})
	t.Run("TooMany", func(t *testing.T) {
		page := v.get(bulkURL("sync", ids)).want(http.StatusOK, "#preview h2", "3 secrets")
		var take []string
		for id := range 1001 {
			take = append(take, fmt.Sprint(id+1))
		}
		f := page.form("/secrets/bulk")
		f.values.Set("take", strings.Join(take, ","))
		f.submit().want(http.StatusBadRequest, "main", "1001 secrets")
		if got := h.audited("sync.trigger"); len(got) != 0 {
			t.Errorf("on record: %v", got)
		}
	})
	t.Run("Stale", func(t *testing.T) {
		form := v.get(bulkURL("edit", ids[:1], "new_owner", "Late")).form("/secrets/bulk")
		v.get(fmt.Sprintf("/secrets/%d/edit", ids[0])).form(fmt.Sprintf("/secrets/%d/edit", ids[0])).set("owner", "Sooner").submit()
		page := form.submit().want(http.StatusConflict, "#summary", "nothing was changed").want(http.StatusConflict, "#preview del", "Sooner")
		if h.get(ids[0]).Owner != "Sooner" {
			t.Fatal("written over what nobody had seen")
		}
		page.form("/secrets/bulk").submit().want(http.StatusOK, ".flash-done", "1 secret changed")
	})
	t.Run("Viewer", func(t *testing.T) {
		v := h.as("eve")
		page := v.get(bulkURL("edit", ids, "new_owner", "Eve")).want(http.StatusOK, ".bulk-rest", "editor")
		for _, n := range page.all("form") {
			if attribute(n, "method") == "post" && attribute(n, "action") == "/secrets/bulk" {
				t.Error("a viewer is asked to go on")
			}
		}
		token := page.form("/sign-out").value("csrf_token")
		sent := url.Values{"csrf_token": {token}, "act": {"edit"}, "id": {fmt.Sprint(ids[0])}, "new_owner": {"Eve"}, "take": {fmt.Sprint(ids[0])}, "digest": {"x"}}
		v.post("/secrets/bulk", sent).want(http.StatusForbidden, "main", "editor")
		if got := h.audited("secret.write"); !slices.Equal(got, []string{"eve a/one refused"}) {
			t.Errorf("on record: %v", got)
		}
	})
	t.Run("Sync", func(t *testing.T) {
		h.inSync(ids[0])
		page := v.get(bulkURL("sync", ids[:2])).want(http.StatusOK, "#preview tbody", "Compared at aws-main")
		page.form("/secrets/bulk").submit().want(http.StatusOK, ".flash-done", "2 secrets are compared now, at 1 destination")
		if got := h.audited("sync.trigger"); !slices.Equal(got, []string{"ada a/one allowed", "ada a/two allowed"}) {
			t.Errorf("on record: %v", got)
		}
		v.get(fmt.Sprintf("/destinations/%s", d.ID)).form(fmt.Sprintf("/destinations/%s/pause", d.ID)).submit()
		v.get(bulkURL("sync", ids[:1])).want(http.StatusOK, ".bulk-rest", "no destination that is not paused")
	})
	t.Run("Delete", func(t *testing.T) {
		page := v.get("/secrets/bulk?act=delete&all=true&q=a%2F").want(http.StatusOK, "#preview tbody", "with its copies at aws-main")
		if strings.Contains(page.text("#preview"), "three") {
			t.Error("more than the filter matches")
		}
		form := page.form("/secrets/bulk")
		form.submit().want(http.StatusBadRequest, "#f-confirm-error", "must be exactly delete 2 secrets")
		one, three := h.get(ids[0]), h.get(ids[2])
		if one.Deleted() {
			t.Fatal("deleted without being asked by name")
		}
		form.set("confirm", "delete 2 secrets").submit().want(http.StatusOK, ".flash-done", "2 secrets deleted")
		if one = h.get(ids[0]); !one.Deleted() || three.Deleted() {
			t.Error("not what was confirmed")
		}
		gone := v.get("/secrets/deleted")
		if ticks := gone.all(`#choose tbody input[name="id"]`); len(ticks) != 2 || !gone.has(`#choose button[name="act"][value="undelete"]`) {
			t.Errorf("%d deleted secrets can be chosen", len(ticks))
		}
		h.user("lou", models.RoleUser, map[models.EnvironmentID]models.EnvironmentRole{e.ID: models.RoleViewer})
		if h.as("lou").get("/secrets/deleted").has("#choose input[type=checkbox], #choose button") {
			t.Error("a viewer is offered to undelete")
		}
		v.get(bulkURL("undelete", ids)).form("/secrets/bulk").submit().want(http.StatusOK, ".flash-done", "2 secrets undeleted")
		if one = h.get(ids[0]); one.Deleted() {
			t.Error("not undeleted")
		}
	})
}

// TestSecretColumns holds that columns are chosen by a form and stay chosen.
func TestSecretColumns(t *testing.T) {
	h := newHouse(t)
	h.user("ada", models.RoleAdmin, nil)
	e := h.environment("production")
	h.secret(e, "one")
	v := h.as("ada")
	heads := func(p *page) (heads []string) {
		for _, n := range p.all("#choose thead th") {
			if text := strings.TrimSpace(textOf(n, " ")); text != "Choose all on this page" {
				heads = append(heads, text)
			}
		}
		return heads
	}
	usual := []string{"Name", "Type", "Environment", "Synced to", "Changed"}
	if got := heads(v.get("/secrets")); !slices.Equal(got, usual) {
		t.Errorf("columns %v, want %v", got, usual)
	}
	chosen := []string{"Name", "Owner", "Tags", "Expires"}
	if got := heads(v.get("/secrets?column=&column=owner&column=expires&column=tags&column=made-up")); !slices.Equal(got, chosen) {
		t.Errorf("columns %v, want %v", got, chosen)
	}
	page := v.get("/secrets?sort=expires")
	if got := heads(page); !slices.Equal(got, chosen) {
		t.Errorf("columns %v, want those that were chosen before", got)
	}
	page.want(http.StatusOK, `th[aria-sort="ascending"]`, "Expires").want(http.StatusOK, "#choose tbody", "Payments")
	if got := heads(v.get("/secrets?column=")); !slices.Equal(got, []string{"Name"}) {
		t.Errorf("columns %v, want the name alone", got)
	}
}

// TestSecretFilters narrows the list by each chip, and takes it away again.
func TestSecretFilters(t *testing.T) {
	h := newHouse(t)
	h.user("ada", models.RoleAdmin, nil)
	e := h.environment("production")
	one := h.secret(e, "one")
	h.secret(e, "two")
	v := h.as("ada")
	path := fmt.Sprintf("/secrets/%d/edit", one.ID)
	v.get(path).form(path).set("owner", "Only & one").set("expires_at", "2020-01-01").set("tags", "team=solo").submit()
	for _, query := range []string{"owner=Only+%26+one", "expires=past", "expires=soon", "tag=team%3Dsolo"} {
		page := v.get("/secrets?"+query).want(http.StatusOK, "#choose tbody", "one")
		if n := len(page.all("#choose tbody tr")); n != 1 {
			t.Errorf("%s: %d rows, want 1", query, n)
		}
		chips := page.all(".chip")
		if len(chips) != 1 {
			t.Fatalf("%s: %d chips, want 1", query, len(chips))
		}
		if n := len(v.get(attribute(chips[0], "href")).all("#choose tbody tr")); n != 2 {
			t.Errorf("%s: %d rows without it, want 2", query, n)
		}
	}
	if n := len(v.get("/secrets?expires=never-heard-of&sort=owner").all("#choose tbody tr")); n != 2 {
		t.Errorf("%d rows where the filter means nothing, want 2", n)
	}
}

// TestSecretPages goes through a list forwards and back again.
func TestSecretPages(t *testing.T) {
	h := newHouse(t)
	h.user("ada", models.RoleAdmin, nil)
	e := h.environment("production")
	for i := range 60 {
		h.secret(e, fmt.Sprintf("s%02d", i))
	}
	v := h.as("ada")
	names := func(p *page) string { return p.text("#choose tbody th") }
	first := v.get("/secrets")
	if first.has(`.pager a[rel="prev"]`) || !first.has("#tick-all") {
		t.Error("the first page leads back, or offers nothing for the others")
	}
	second := v.get(attribute(first.all(`.pager a[rel="next"]`)[0], "href"))
	if n := len(second.all("#choose tbody tr")); n != 10 || second.has(`.pager a[rel="next"]`) {
		t.Errorf("%d rows on the last page", n)
	}
	back := v.get(attribute(second.all(`.pager a[rel="prev"]`)[0], "href"))
	if names(back) != names(first) {
		t.Errorf("back at %s, want %s", names(back), names(first))
	}
}
