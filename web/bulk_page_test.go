package web_test

import (
	"fmt"
	"net/http"
	"slices"
	"strings"
	"testing"

	"github.com/your-org/keeper/models"
)

// TestBulkPages holds that the preview of an act on as many secrets as one may change weighs
// what any page may, shows all of them page by page, and that the act is still on all of them.
func TestBulkPages(t *testing.T) {
	const many, shown, weight = 1000, 100, 100 << 10
	h := newHouse(t)
	h.user("ada", models.RoleAdmin, nil)
	e := h.environment("production")
	var ids []models.SecretID
	for i := range many {
		ids = append(ids, h.secret(e, fmt.Sprintf("payments/service/s%04d", i)).ID)
	}
	h.destination(e, "aws-main")
	v := h.as("ada")
	names := func(p *page) (names []string) {
		for _, n := range p.all("#preview tbody th, .bulk-rest li .mono") {
			names = append(names, strings.TrimSpace(textOf(n, "")))
		}
		return names
	}
	light := func(t *testing.T, p *page) {
		t.Helper()
		if len(p.body) > weight {
			t.Errorf("%d bytes, want at most %d", len(p.body), weight)
		}
	}

	t.Run("Light", func(t *testing.T) {
		edit := "new_owner=Platform&expires_at=2030-01-01&rotate_every_days=90"
		for name, one := range map[string]struct {
			url  string
			rows int
		}{
			"unasked": {"/secrets/bulk?act=edit&all=true", 0},
			"edit":    {"/secrets/bulk?act=edit&all=true&new_owner=Platform", shown},
			"fields":  {"/secrets/bulk?act=edit&all=true&" + edit, shown * 2 / 5}, // three of each secret
			"ticked":  {bulkURL("edit", ids) + "&" + edit, shown * 2 / 5},
			"tag":     {"/secrets/bulk?act=tag&all=true&tags=tier%3D1", shown},
			"sync":    {"/secrets/bulk?act=sync&all=true", shown},
			"delete":  {"/secrets/bulk?act=delete&all=true", shown},
			"same":    {"/secrets/bulk?act=edit&all=true&new_owner=Payments", shown},
		} {
			t.Run(name, func(t *testing.T) {
				p := v.get(one.url)
				light(t, p)
				if got := len(names(p)); got != one.rows {
					t.Errorf("%d rows, want %d", got, one.rows)
				}
			})
		}
	})
	t.Run("Through", func(t *testing.T) {
		var all []string
		p := v.get("/secrets/bulk?act=edit&all=true&new_owner=Platform").want(http.StatusOK, "#preview h2", "1,000 secrets of 1,000 would change")
		for from := 0; ; from += shown {
			p.want(http.StatusOK, ".pager", fmt.Sprintf("%d–", from+1))
			all = append(all, names(p)...)
			next := p.all(`.pager a[rel="next"]`)
			if len(next) == 0 {
				break
			}
			p = v.get(attribute(next[0], "href"))
		}
		if len(all) != many || !slices.IsSorted(all) || len(slices.Compact(all)) != many {
			t.Errorf("%d names over all pages, want each of %d once and in order", len(all), many)
		}
		if back := p.all(`.pager a[rel="prev"]`); len(back) != 1 || !slices.Equal(names(v.get(attribute(back[0], "href"))), all[many-2*shown:many-shown]) {
			t.Error("the page before is another")
		}
	})
	t.Run("Fates", func(t *testing.T) { // 150 are so already: they stand after the 850 that change
		page := v.get(bulkURL("edit", ids[:150], "new_owner", "Checkout"))
		page.form("/secrets/bulk").submit().want(http.StatusOK, ".flash-done", "150 secrets changed")
		page = v.get("/secrets/bulk?act=edit&all=true&new_owner=Checkout").want(http.StatusOK, "#preview h2", "850 secrets of 1,000")
		page.want(http.StatusOK, ".bulk-rest h2", "150 secrets already so").want(http.StatusOK, ".bulk-rest", "150 on other pages")
		page = v.get(attribute(page.all(".bulk-rest .panel-note a")[0], "href"))
		if got := len(page.all(".bulk-rest li")); got != 50 || len(page.all("#preview tbody tr")) != 50 {
			t.Errorf("%d of those that are so, want 50 after the last 50 that change", got)
		}
		v.get("/secrets/bulk?act=edit&all=true&new_owner=Checkout&from=900").want(http.StatusOK, "#preview a", "Show what changes")
	})
	for _, from := range []string{"-1", "1000", "x", "99999999999999999999"} {
		t.Run("From"+from, func(t *testing.T) {
			v.get("/secrets/bulk?act=delete&all=true&from="+from).want(http.StatusOK, ".pager", "1–100 of 1,000")
		})
	}
	t.Run("All", func(t *testing.T) { // from the second page, and refused once
		form := v.get("/secrets/bulk?act=delete&all=true&from=100").form("/secrets/bulk")
		refused := form.submit().want(http.StatusBadRequest, "#f-confirm-error", "must be exactly delete 1,000 secrets")
		refused.want(http.StatusBadRequest, ".summary-title", "Nothing was done yet")
		light(t, refused)
		refused.form("/secrets/bulk").set("confirm", "delete 1,000 secrets").submit().want(http.StatusOK, ".flash-done", "1000 secrets deleted")
		if first, last := h.get(ids[0]), h.get(ids[many-1]); !first.Deleted() || !last.Deleted() {
			t.Error("not all were deleted")
		}
	})
}
