package web_test

import (
	"strings"
	"testing"

	"github.com/your-org/keeper/models"
)

// TestSAMLInABrowser signs in at the provider, which sends the browser back by another site's
// POST, proves it there again and signs out of both.
func TestSAMLInABrowser(t *testing.T) {
	h := newSAMLHouse(t, func(c *models.ProviderConfig) { c.DisplayName = "Okta" })
	b := newTab(t, h.house).held()
	b.open("/sign-in?next=/profile")
	b.click(`a[href^="/saml/okta/sign-in"]`)
	eventually(t, "the profile", func() bool { return strings.HasSuffix(b.MustInfo().URL, "/profile") })
	if got := b.text("main"); !strings.Contains(got, samlAda.NameID) {
		t.Errorf("the profile says %s", got)
	}
	b.open("/prove?next=/profile")
	b.click(`a[href^="/saml/okta/sign-in?for=prove"]`)
	eventually(t, "the profile again", func() bool { return strings.HasSuffix(b.MustInfo().URL, "/profile") })
	b.open("/")
	b.arrived(t, "")
	must(t, b.find(".user-menu summary").Click("left", 1))
	must(t, b.find(`form[action="/sign-out"] button`).Click("left", 1))
	eventually(t, "the sign-in page", func() bool { return strings.Contains(b.MustInfo().URL, "/sign-in") })
	b.look()
	b.silent("signing in and out at the provider")
	if ended := h.idp.Ended(); len(ended) != 1 || ended[0] != samlAda.NameID {
		t.Errorf("at the provider %v ended", ended)
	}
}
