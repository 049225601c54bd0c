package web_test

import (
	"context"
	"crypto/sha256"
	"encoding/pem"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/your-org/keeper/models"
	"github.com/your-org/keeper/store"
)

// TestProviderPeople goes through the people whom a provider knows, and looks for some of them.
func TestProviderPeople(t *testing.T) {
	const many, here = 120, "/admin/providers/okta"
	h := newSAMLHouse(t, nil)
	v := h.as("root")
	v.get(here).want(http.StatusOK, "#people", "Nobody yet")
	if v.get(here).has("#people .find") {
		t.Error("there is nobody to be found, and a field to look for them")
	}
	p, err := h.auth.Provider(context.Background(), models.System(), "okta")
	must(t, err)
	must(t, h.store.Write(context.Background(), func(tx *store.Tx) error {
		for i := range many {
			u := models.User{ID: models.NewUserID(), Username: fmt.Sprintf("user%03d", i), DisplayName: fmt.Sprintf("Øyvind %d", i), Role: models.RoleUser}
			if err := tx.CreateUser(&u); err != nil {
				return err
			}
			subject := fmt.Sprintf("%03d", (i*37)%many) // in another order than the names
			if err := tx.CreateIdentity(&models.Identity{ProviderID: p.ID, Subject: subject, NameID: u.Username + "@example.com", UserID: u.ID, LastSignInAt: time.Now()}); err != nil {
				return err
			}
		}
		return nil
	}))
	names := func(p *page) (names []string) {
		for _, n := range p.all("#people tbody td:first-child a") {
			names = append(names, textOf(n, ""))
		}
		return names
	}
	turn := func(p *page, way string) *page {
		t.Helper()
		links := p.all(`#people .pager a[rel="` + way + `"]`)
		if len(links) != 1 {
			t.Fatalf("%d links to the page %s", len(links), way)
		}
		return v.get(attribute(links[0], "href")).want(http.StatusOK, "#people h2", "People it knows")
	}
	t.Run("Through", func(t *testing.T) {
		first := v.get(here)
		second := turn(first, "next")
		third := turn(second, "next")
		all := slices.Concat(names(first), names(second), names(third))
		if len(all) != many || !slices.IsSorted(all) || len(slices.Compact(all)) != many {
			t.Errorf("%d people on all pages, want each of %d once and by name", len(all), many)
		}
		if first.has(`#people a[rel="prev"]`) || third.has(`#people a[rel="next"]`) {
			t.Error("the list goes on beyond its ends")
		}
		if got, want := names(turn(third, "prev")), names(second); !slices.Equal(got, want) {
			t.Errorf("the page before begins with %s, want %s", got[0], want[0])
		}
	})
	t.Run("Found", func(t *testing.T) {
		for q, want := range map[string]int{"USER11": 10, "11@example": 2, "øyvind 7": 11, "user042@example.com": 1} {
			found := v.get(here+"?q="+url.QueryEscape(q)).want(http.StatusOK, "#people", "People it knows")
			if got := names(found); len(got) != want {
				t.Errorf("%q finds %d people, want %d", q, len(got), want)
			}
			if got := attribute(found.all(`#people .find input[name="q"]`)[0], "value"); got != q {
				t.Errorf("the field has forgotten %q: %q", q, got)
			}
		}
	})
	t.Run("FoundThrough", func(t *testing.T) {
		second := turn(v.get(here+"?q=user0"), "next")
		if got := names(second); len(got) != 50 || got[0] != "user050" {
			t.Errorf("the second page has %d people, the first is %s", len(got), got[0])
		}
	})
	t.Run("Nobody", func(t *testing.T) {
		v.get(here+"?q=nobody").want(http.StatusOK, "#people .panel-text", "Nobody is named so")
	})
	t.Run("BadCursor", func(t *testing.T) {
		next := attribute(v.get("/admin/users").all(`.pager a[rel="next"]`)[0], "href")
		for _, cursor := range []string{"?cursor=none", next[len("/admin/users"):]} { // the other is another list's
			v.get(here+cursor).want(http.StatusBadRequest, ".problem", "not one that this list returned")
		}
	})
	t.Run("Unlinked", func(t *testing.T) {
		v.get(here+"?q=user042").form(here+"/people/remove").submit().want(http.StatusOK, ".flash-done", "unlinked")
		v.get(here+"?q=user042").want(http.StatusOK, "#people", "Nobody is named so")
	})
}

// TestProviderCertificate downloads what the identity provider has to be told: the certificate of the key that signs, and that
// of a new one before it does.
func TestProviderCertificate(t *testing.T) {
	h := newSAMLHouse(t, nil)
	ctx, root := context.Background(), models.System()
	const at = "/saml/okta/certificate"
	file := func(path string) string {
		p := h.visitor().get(path).want(http.StatusOK, "", "")
		if p.header.Get("Content-Type") != "application/x-pem-file" || p.header.Get("Content-Disposition") != `attachment; filename="keeper-okta.pem"` {
			t.Errorf("%s comes as %s, %s", path, p.header.Get("Content-Type"), p.header.Get("Content-Disposition"))
		}
		block, rest := pem.Decode([]byte(p.body))
		if block == nil || block.Type != "CERTIFICATE" || len(rest) > 0 {
			t.Fatalf("%s is %q", path, p.body)
		}
		return fmt.Sprintf("%x", sha256.Sum256(block.Bytes))
	}
	before, err := h.auth.Provider(ctx, root, "okta")
	must(t, err)
	signing := before.Certificates[0].Fingerprint
	after, err := h.auth.NewProviderKey(ctx, root, "okta")
	must(t, err)
	next := after.Certificates[1].Fingerprint
	if next == signing || file(at) != signing || file(at+"?fingerprint="+next) != next {
		t.Errorf("%s signs, %s is new: got %s and %s", signing, next, file(at), file(at+"?fingerprint="+next))
	}
	for _, link := range h.as("root").get("/admin/providers/okta").all(`a[href^="` + at + `"]`) {
		if of := file(attribute(link, "href")); !strings.HasSuffix(attribute(link, "href"), of) {
			t.Errorf("%s leads to %s", attribute(link, "href"), of)
		}
	}
	theirs := after.Certificates[2].Fingerprint
	for _, path := range []string{at + "?fingerprint=" + theirs, at + "?fingerprint=x", "/saml/other/certificate"} {
		h.visitor().get(path).want(http.StatusNotFound, "", "")
	}
}
